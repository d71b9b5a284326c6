"""Les entrées fautives, par la commande : la vraie cause, en français, tout d'un coup, et rien de perdu en silence."""

from __future__ import annotations

import gzip
import json
import re
import zipfile

import openpyxl
import pytest

from cafdiag.cli import principal
from cafdiag.donnees import entrepot
from cafdiag.magasin import lire_contours

CRAON = "200048551"
ANGLAIS = re.compile(r"\b(the|not|file|error|invalid|unexpected|expected|line|column|failed|magic)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _entrepot(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


@pytest.fixture
def importer(tmp_path, capsys):
    """Écrit un fichier s'il est donné, l'importe ; rend le code de retour et ce qui est dit."""

    def _importer(nom, contenu=None, *options):
        if contenu is not None:
            (tmp_path / nom).write_bytes(contenu if isinstance(contenu, bytes) else contenu.encode())
        retour = principal(["donnees", "importer", str(tmp_path / nom), *options])
        dit = capsys.readouterr()
        return retour, dit.out + dit.err

    return _importer


# --- Ce que refuse une bibliothèque ---


def _zip_coupe():
    return b"PK\x03\x04" + b"\x00" * 200


@pytest.mark.parametrize(
    ("nom", "octets"),
    [
        ("a.gpkg", b"SQLite format 3\x00" + b"\x01" * 400),
        ("a.shp", b"\x00\x00\x27\x0a" + b"\x01" * 400),
        ("a.parquet", b"PAR1" + b"\x01" * 400 + b"PAR1"),
        ("a.xlsx", _zip_coupe()),
        ("a.ods", _zip_coupe()),
        ("a.csv.gz", gzip.compress(b"CODGEO;NAISD22\n53130;4\n" * 500)[:-20]),
        ("a.json", b'{"a": [1, 2'),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type": "Feature"'),
    ],
)
def test_un_fichier_abime_se_dit_en_francais(importer, nom, octets):
    retour, dit = importer(nom, octets)
    assert retour == 1 and nom in dit and not ANGLAIS.search(dit), dit


def test_un_classeur_au_contenu_abime_se_dit_en_francais(importer, tmp_path):
    livre = openpyxl.Workbook()
    livre.active.append(["CODGEO", "NAISD22"])
    livre.save(tmp_path / "sain.xlsx")
    with zipfile.ZipFile(tmp_path / "sain.xlsx") as sain, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as abime:
        for nom in sain.namelist():
            abime.writestr(nom, b"<abime" if "sheet1" in nom else sain.read(nom))
    retour, dit = importer("b.xlsx")
    assert retour == 1 and not ANGLAIS.search(dit), dit


# --- Des cases sans nombre ---


def test_une_case_sans_nombre_d_un_fichier_officiel_se_dit(importer):
    lignes = ["CODGEO;NAISD22", "53130;nd", "53084;s", "53062;-", "53001;n.d.", "53002;", "53003;NC", "53005;4"]
    retour, dit = importer("naissances_2022.csv", "\n".join(lignes))
    assert retour == 0 and "« NAISD22 » sans nombre, laissé vide (jamais zéro), sur 5 lignes" in dit
    assert all(f"« {t} »" in dit for t in ("nd", "s", "-", "n.d.", "NC"))


# --- Des points ---


def _points(systeme):
    communes = lire_contours("communes").set_index("code").loc[["53130", "53084"]]
    points = communes.representative_point()
    points = points.to_crs(systeme) if systeme else points
    faits = [{"type": "eaje", "nom": f"Crèche {code}", "places": 20, "code_insee": code} for code in points.index]
    return faits, points


@pytest.mark.parametrize(("systeme", "dit_le"), [(None, False), (2154, False), (2154, True), (3948, True)])
@pytest.mark.parametrize("cle", ["code_insee", "insee_com", "secteur"])
def test_un_geojson_de_points_n_est_pas_pris_pour_des_contours(importer, systeme, dit_le, cle):
    faits, points = _points(systeme)
    suite = [
        {"type": "Feature", "properties": {cle if c == "code_insee" else c: v for c, v in f.items()},
         "geometry": {"type": "Point", "coordinates": [p.x, p.y]}}
        for f, p in zip(faits, points, strict=True)
    ]  # fmt: skip
    contenu = {"type": "FeatureCollection", "features": suite}
    if dit_le:
        contenu["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{systeme}"}}
    retour, dit = importer("creches.geojson", json.dumps(contenu), "--confirmer")
    assert retour == 0, dit
    table = entrepot.lire("structures").set_index("code")
    assert sorted(table.index) == ["53084", "53130"] and table["lon"].between(-1.5, -0.5).all()


@pytest.mark.parametrize("systeme", [4326, 2154])
def test_les_points_d_un_geopackage_sont_lus(importer, tmp_path, systeme):
    import geopandas as gpd

    faits, points = _points(systeme)
    gpd.GeoDataFrame(faits, geometry=points.to_numpy(), crs=systeme).drop(columns="code_insee").to_file(
        tmp_path / "creches.gpkg")  # fmt: skip
    retour, dit = importer("creches.gpkg", None, "--confirmer")
    assert retour == 0, dit
    assert sorted(entrepot.lire("structures")["code"]) == ["53084", "53130"]


# --- Une colonne presque juste, une colonne double, une année à venir ---

ENTETE = "Maille;Code du territoire;Nom du territoire;Grandeur;Année;Valeur;Source"
FAIT = f"EPCI;{CRAON};;heures_facturees_eaje;2023;12000;Caf"


@pytest.mark.parametrize(
    ("bon", "faux"),
    [("Grandeur", "Grandeurr"), ("Valeur", "Vleur"), ("Année", "Anée"), ("Maille", "Mailel"),
     ("Code du territoire", "Code du teritoire")],
)  # fmt: skip
def test_une_colonne_presque_juste_d_une_activite_est_une_erreur_qui_propose(importer, bon, faux):
    retour, dit = importer("activite.csv", f"{ENTETE.replace(bon, faux)}\n{FAIT}\n")
    assert retour == 1 and f"« {bon} » ; « {faux} » lui ressemble" in dit, dit


def test_deux_colonnes_de_valeurs_qui_different_sont_refusees(importer):
    retour, dit = importer("activite.csv", f"{ENTETE};Montant\n{FAIT};13000\n")
    assert retour == 1 and "deux colonnes « Valeur » qui diffèrent" in dit
    assert importer("activite.csv", f"{ENTETE};Montant\n{FAIT};12000\n")[0] == 0


def test_une_activite_d_une_annee_a_venir_est_refusee(importer):
    retour, dit = importer("activite.csv", f"{ENTETE}\n{FAIT.replace('2023', '2093')}\n")
    assert retour == 1 and "« 2093 » (attendu : une année déjà commencée)" in dit


def test_une_annee_a_venir_n_est_pas_proposee_pour_un_diagnostic(capsys, tmp_path):
    import cafdiag as cd

    projetee = int(cd.dictionnaire().at["PE_ENF_M3_5ANS", "annee"])
    for annee in (1990, projetee):
        assert principal(["diagnostic", CRAON, "--annee", str(annee), "--sortie", str(tmp_path / "s")]) == 2
        dit = capsys.readouterr().err
        assert "une année parmi" in dit and str(projetee) not in dit.partition("Attendu")[2]
    assert principal(["mesurer", CRAON, "-i", "PE_ENF_M3_5ANS", "--annee", str(projetee)]) == 0
