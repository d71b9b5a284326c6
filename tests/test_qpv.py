"""Le fichier des quartiers prioritaires, tel qu'un usager l'apporte : par la commande, import et ``--qpv``."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point, Polygon, box

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees.projections import projeter_contours, reparer
from cafdiag.magasin import lire_table
from cafdiag.territoires import membres

TRELAZE, ANGERS, LAVAL = "49353", "244900015", "53130"


def lieu(code):
    ligne = lire_table("communes").set_index("code").loc[code]
    return float(ligne["lon"]), float(ligne["lat"])


def carre(code, decalage=0.0):
    x, y = lieu(code)
    return box(x + decalage, y, x + decalage + 0.004, y + 0.003)


def papillon(code):
    x, y = lieu(code)
    return Polygon([(x, y), (x + 0.004, y + 0.004), (x + 0.004, y), (x, y + 0.004)])


# Deux quartiers de Trélazé, un de Laval ; Papeete et Saint-Martin, hors du COG.
QUARTIERS = [
    ("QN04908M", "Le Grand Bellevue", "49353", carre(TRELAZE)),
    ("QN04914N", "Gide - Colomb", "49353", papillon(TRELAZE)),
    ("QN05302M", "Kellermann", "53130", carre(LAVAL)),
    ("QN98701M", "Mamao", "98735", box(-149.57, -17.54, -149.565, -17.535)),
    ("QN97801I", "Orléans", "97801", box(-63.03, 18.07, -63.025, 18.075)),
]


def table(quartiers=QUARTIERS, majuscules=False):
    colonnes = ["code_qp", "lib_qp", "insee_com"]
    lue = gpd.GeoDataFrame([q[:3] for q in quartiers], columns=colonnes, geometry=[q[3] for q in quartiers], crs=4326)
    return lue.rename(columns={c: c.upper() for c in colonnes}) if majuscules else lue


@pytest.fixture
def entrepot_neuf(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


def commande(capsys, *mots):
    code = principal([str(m) for m in mots])
    sortie = capsys.readouterr()
    return code, sortie.out, sortie.err


def nombre(capsys, code, *reste):
    retour, sortie, erreur = commande(capsys, "mesurer", code, "-i", "CTX_QPV_NB", "--format", "json", *reste)
    assert retour == 0, erreur
    (ligne,) = json.loads(sortie)
    assert ligne["statut"] == "exact" and "ANCT" in ligne["source"]
    return ligne["valeur"]


def ecrire(chemin, lue, **reglages):
    lue.to_file(chemin, **reglages)
    return chemin


FORMES = {
    "geojson": lambda d: ecrire(d / "q.geojson", table(), driver="GeoJSON"),
    "majuscules": lambda d: ecrire(d / "q.geojson", table(majuscules=True), driver="GeoJSON"),
    "gpkg": lambda d: ecrire(d / "q.gpkg", table(), driver="GPKG"),
    "gpkg, seconde couche": lambda d: _deux_couches(d / "q.gpkg"),
    "shapefile lambert": lambda d: _sans_prj(ecrire(d / "q.shp", table(QUARTIERS[:3]).to_crs(2154)), garder=True),
    "lambert sans systeme": lambda d: _sans_prj(ecrire(d / "q.shp", table(QUARTIERS[:3]).to_crs(2154))),
    "geojson en metres": lambda d: _geojson_en_metres(d / "q.geojson"),
    "archive de shapefile": lambda d: _archive(ecrire(d / "q.shp", table())),
    "geojson compresse": lambda d: _compresse(ecrire(d / "q.geojson", table(), driver="GeoJSON")),
    "degres sans systeme": lambda d: _sans_prj(ecrire(d / "q.shp", table())),
}


def _deux_couches(chemin):
    ecrire(chemin, gpd.GeoDataFrame({"nom": ["gare"]}, geometry=[Point(0, 47)], crs=4326), layer="gares", driver="GPKG")
    return ecrire(chemin, table(), layer="quartiers", driver="GPKG", mode="a")


def _sans_prj(chemin, garder=False):
    if not garder:
        chemin.with_suffix(".prj").unlink()
    return chemin


def _archive(chemin):
    archive = chemin.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as paquet:
        for fichier in chemin.parent.glob(f"{chemin.stem}.*"):
            if fichier != archive:
                paquet.write(fichier, f"QP2024/{fichier.name}")
    return archive


def _compresse(chemin):
    compresse = chemin.with_name(f"{chemin.name}.gz")
    compresse.write_bytes(gzip.compress(chemin.read_bytes()))
    return compresse


def _geojson_en_metres(chemin):
    lu = json.loads(table(QUARTIERS[:3]).to_crs(2154).to_json())
    lu.pop("crs", None)
    chemin.write_text(json.dumps(lu), encoding="utf-8")
    return chemin


@pytest.mark.parametrize("forme", FORMES)
@pytest.mark.parametrize("voie", ["import", "--qpv"])
def test_toutes_les_formes_par_les_deux_voies(forme, voie, tmp_path, entrepot_neuf, capsys):
    """Une règle par source : ce que l'import répare et range de côté, ``--qpv`` aussi."""
    chemin = FORMES[forme](tmp_path)
    hors = 0 if forme in ("shapefile lambert", "lambert sans systeme", "geojson en metres") else 2
    if voie == "import":
        retour, sortie, erreur = commande(capsys, "donnees", "importer", chemin)
        assert retour == 0, erreur
        dit, reste = sortie + erreur, ()
        assert f"{3 + hors} lignes lues, 3 gardées, 0 rejetée" + (f", {hors} de côté" if hors else "") in dit
    else:
        reste = ("--qpv", chemin)
        retour, _, dit = commande(capsys, "mesurer", TRELAZE, "-i", "CTX_QPV_NB", *reste)
        assert retour == 0, dit
    assert "réparés" in dit and ("hors du code officiel" in dit) == bool(hors)
    assert ("Lambert-93" in dit) == (forme in ("lambert sans systeme", "geojson en metres"))
    # Partiel, le fichier n'éteint rien : la liste dit le reste, ici et ailleurs.
    attendus = {TRELAZE: 2, ANGERS: 10, LAVAL: 3, "01053": 2, "200048551": 0}
    assert {code: nombre(capsys, code, *reste) for code in attendus} == attendus


def test_apres_l_import_toutes_les_commandes_marchent(tmp_path, entrepot_neuf, capsys):
    chemin = FORMES["geojson"](tmp_path)
    assert principal(["donnees", "importer", str(chemin)]) == 0
    capsys.readouterr()
    for mots in (
        ["mesurer", TRELAZE],
        ["mesurer", "QN04914N"],
        ["comparables", ANGERS, "--k", "2"],
        ["donnees", "verifier"],
    ):
        retour, _, erreur = commande(capsys, *mots)
        assert retour == 0, (mots, erreur)


@pytest.mark.parametrize(
    ("changement", "attendus"),
    [
        (lambda t: t.drop(columns="lib_qp"), ["lib_qp", "colonnes trouvées", "insee_com"]),
        (lambda t: t.assign(code_qp="QP049001"), ["2015"]),
        (lambda t: t.assign(code_qp=[*t["code_qp"][:-1], "QN4901"]), ["QN4901", "lettre"]),
        (lambda t: t.set_geometry([*t.geometry[:-1], Point(-0.5, 47.4)]), ["surface"]),
        (lambda t: t.set_geometry([*t.geometry[:-1], box(47.4, -0.5, 47.5, -0.4)]), ["échangées"]),
        (lambda t: t.assign(code_qp=t["code_qp"].iloc[0]), ["déjà lu"]),
    ],
)
def test_un_fichier_fautif_dit_ce_qui_manque(changement, attendus, tmp_path, entrepot_neuf, capsys):
    chemin = ecrire(tmp_path / "q.geojson", changement(table(QUARTIERS[:3])), driver="GeoJSON")
    retour, _, erreur = commande(capsys, "mesurer", TRELAZE, "--qpv", chemin)
    assert retour == 1 and "Traceback" not in erreur
    assert all(mot in erreur for mot in attendus), erreur


def test_un_geopackage_sans_quartier_dit_ses_couches(tmp_path, entrepot_neuf, capsys):
    chemin = tmp_path / "q.gpkg"
    for couche in ("gares", "ecoles"):
        points = gpd.GeoDataFrame({"nom": [couche]}, geometry=[Point(0, 47)], crs=4326)
        points.to_file(chemin, layer=couche, driver="GPKG", mode="a" if chemin.exists() else "w")
    retour, _, erreur = commande(capsys, "mesurer", TRELAZE, "--qpv", chemin)
    assert retour == 1 and "gares (nom)" in erreur and "ecoles (nom)" in erreur


def test_reparer_ne_laisse_que_des_surfaces_valides():
    trait = Polygon([(0, 0), (2, 0), (2, 2), (2, 0), (0, 0)])
    formes = gpd.GeoSeries([papillon(TRELAZE), trait, carre(TRELAZE), None], crs=4326)
    reparees = reparer(formes)
    assert reparees.iloc[:3].is_valid.all() and reparees.iloc[3] is None
    assert reparees.iloc[0].area == pytest.approx(8e-6) and reparees.iloc[1].is_empty
    assert projeter_contours(gpd.GeoDataFrame(geometry=reparees.iloc[[0, 2]]), 2154).is_valid.all()


@pytest.mark.reels
def test_le_fichier_national_entier(tmp_path, entrepot_neuf, capsys):
    """1 584 quartiers : 91 hors du COG de côté ; chaque EPCI, département et région a ceux de la liste."""
    dossier = os.environ.get("CAFDIAG_FICHIERS_REELS")
    source = Path(dossier) / "anct" / "QPV2024_contours_4decimales.geojson.gz" if dossier else Path("absent")
    if not source.is_file():
        pytest.skip("contours nationaux absents de CAFDIAG_FICHIERS_REELS")
    chemin = tmp_path / "QPV2024.geojson"
    chemin.write_bytes(gzip.decompress(source.read_bytes()))
    retour, sortie, erreur = commande(capsys, "donnees", "importer", chemin)
    assert retour == 0 and "1584 lignes lues, 1493 gardées, 0 rejetée, 91 de côté" in sortie + erreur
    liste = lire_table("qpv")
    liens = liste.assign(commune=liste["communes"].str.split()).explode("commune")
    for maille in ("epci", "departement", "region"):
        code = liens["commune"].map(membres(maille).set_index("commune")["code"])
        attendus = liens.groupby(code)["identifiant"].nunique()
        lus = cd.mesurer_maille(maille, ["CTX_QPV_NB"]).set_index("territoire")["valeur"]
        pd.testing.assert_series_equal(lus, attendus.reindex(lus.index, fill_value=0).astype(float), check_names=False)
    for mots in (["mesurer", ANGERS], ["mesurer", "974"], ["mesurer", "France"]):
        retour, _, erreur = commande(capsys, *mots)
        assert retour == 0, erreur
