"""Les durées de route de l'Insee : lues par morceaux, sommées à la commune, et ce qu'elles changent aux mesures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees.lecteurs import insee_acces, lire, reconnaitre
from cafdiag.erreurs import EntreeFautive

CRAON = "200048551"


def carreaux(*lignes):
    """``(carreau, commune, type, habitants, minutes, mètres à vol d'oiseau)``."""
    noms = ["idSrc", "depcom", "typeeq_id", "pop", "duree", "deuclidienne"]
    table = pd.DataFrame(lignes, columns=noms)
    table["distance"] = table["deuclidienne"] * 1.4
    return table.assign(iris=table["depcom"] + "0000", dep=table["depcom"].str[:2])


@pytest.fixture
def ecrire(tmp_path):
    def ecrire(table, nom="donnees_2025_reg52.parquet", **options):
        chemin = tmp_path / nom
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), chemin, **options)
        return chemin

    return ecrire


DEUX_COMMUNES = carreaux(
    ("a", "53084", "D502", 10, 4.0, 3000.0),
    ("b", "53084", "D502", 30, 12.0, 9000.0),
    # Une micro-crèche plus proche : c'est elle qui compte, pour ce carreau seulement.
    ("b", "53084", "D509", 30, 6.0, 4500.0),
    ("a", "53084", "D505", 10, 20.0, 15000.0),
    ("c", "53188", "D502", 5, 16.0, 8000.0),
    ("a", "53084", "B201", 10, 1.0, 500.0),
)


def test_lu_par_morceaux_et_compte(ecrire, monkeypatch):
    attendue = lire(ecrire(DEUX_COMMUNES))
    assert reconnaitre(ecrire(DEUX_COMMUNES)) == "insee_acces"
    craon = attendue.table.set_index("code").loc["53084"]
    assert craon["acces_2025_eaje_pop"] == 40
    assert craon["acces_2025_eaje_popminutes"] == 10 * 4 + 30 * 6
    assert craon["acces_2025_eaje_a5"] == 10 and craon["acces_2025_eaje_a10"] == 40
    assert craon["acces_2025_alsh_popminutes"] == 200 and craon["acces_2025_alsh_a20"] == 10
    assert craon["route_2025_popkm"] == pytest.approx(10 * 3 + 30 * 9 + 30 * 4.5 + 10 * 15)
    # Aucun accueil de loisirs lu pour Renazé : inconnu, jamais zéro minute.
    assert np.isnan(attendue.table.set_index("code").at["53188", "acces_2025_alsh_pop"])
    compte = attendue.compte_rendu
    assert (compte.lues, compte.gardees, sum(compte.de_cote.values())) == (6, 5, 1) and not compte.rejets
    assert any("erreur médiane" in r for r in compte.remarques)
    # Une ligne par morceau, ou un groupe de lignes d'une ligne : le même résultat.
    monkeypatch.setattr(insee_acces, "_MORCEAU", 1)
    pd.testing.assert_frame_equal(lire(ecrire(DEUX_COMMUNES, row_group_size=1)).table, attendue.table)


def test_metres_ou_kilometres(ecrire):
    """L'unité n'est dite nulle part : elle se reconnaît à la vitesse ; ni l'une ni l'autre, rien n'est étalonné."""
    en_km = lire(ecrire(DEUX_COMMUNES.assign(deuclidienne=DEUX_COMMUNES["deuclidienne"] / 1000))).table
    pd.testing.assert_series_equal(en_km["route_2025_popkm"], lire(ecrire(DEUX_COMMUNES)).table["route_2025_popkm"],
                                   rtol=1e-5)
    lue = lire(ecrire(DEUX_COMMUNES.assign(deuclidienne=DEUX_COMMUNES["deuclidienne"] * 40)))
    assert not any(c.startswith("route_") for c in lue.table)
    assert any("restent estimés" in r for r in lue.compte_rendu.remarques)


@pytest.mark.parametrize(
    ("change", "nom", "dit"),
    [
        ({}, "donnees.parquet", "ne donne l'année"),
        ({"typeeq_id": "B201"}, "donnees_2025.parquet", "aucun équipement d'une Caf"),
        ({"duree": -1.0}, "donnees_2025.parquet", "durée négative"),
        ({"depcom": "5384"}, "donnees_2025.parquet", "code de commune"),
        ({"pop": None}, "donnees_2025.parquet", "population absente"),
    ],
)
def test_un_fichier_faux_est_refuse(ecrire, change, nom, dit):
    """Plus d'une ligne sur cent (et plus de cent lignes) : refusé, la cause nommée."""
    table = pd.concat([DEUX_COMMUNES.assign(idSrc=DEUX_COMMUNES["idSrc"] + str(n)) for n in range(30)])
    chemin = ecrire(table.assign(**change), nom)
    with pytest.raises(EntreeFautive, match=dit):
        lire(chemin)


def test_peu_de_lignes_fausses_sont_comptees(ecrire):
    de_plus = carreaux(("d", "53084", "D502", 7, -3.0, 10.0), ("e", "99999", "D502", 7, 3.0, 10.0),
                       ("a", "53084", "D502", 10, 4.0, 3000.0))
    lue = lire(ecrire(pd.concat([DEUX_COMMUNES, de_plus], ignore_index=True)))
    compte = lue.compte_rendu
    assert sorted(r.raison for r in compte.rejets) == ["durée négative", "ligne répétée à l'identique"]
    assert compte.codes_inconnus == ["99999"] and compte.lues == 9
    pd.testing.assert_frame_equal(lue.table, lire(ecrire(DEUX_COMMUNES)).table)
    contraire = carreaux(("a", "53084", "D502", 10, 5.0, 3000.0))
    with pytest.raises(EntreeFautive, match="autre durée"):
        lire(ecrire(pd.concat([DEUX_COMMUNES, contraire], ignore_index=True)))


def test_trop_de_durees_absentes_laissent_la_commune_vide(ecrire):
    trouee = DEUX_COMMUNES.assign(duree=[4.0, None, None, 20.0, 16.0, 1.0])
    table = lire(ecrire(trouee)).table.set_index("code")
    assert np.isnan(table.at["53084", "acces_2025_eaje_pop"]) and table.at["53188", "acces_2025_eaje_pop"] == 5


def test_les_durees_remplacent_le_vol_d_oiseau(ecrire, tmp_path, monkeypatch, capsys):
    """Par la porte de l'usager : importé, le fichier change la durée, la part à portée, le 2SFCA, le besoin."""
    codes = ["ACC_EAJE_TEMPS", "ACC_PART_X_MIN"]
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    place = cd.mesurer("53130", ["ACC_EAJE_2SFCA"]).iloc[0]
    besoin = cd.besoin(CRAON).principal
    lent, vite = (cd.mesurer("53130", ["ACC_EAJE_2SFCA_LIEUX"], options=cd.Options(acces_minutes=10, vitesse_kmh=v))
                  .iloc[0] for v in (39, 50))
    communes = cd.territoire("53").communes
    # Partout, 12 minutes pour six kilomètres : plus lent que « × 1,3 à 50 km/h ».
    chemin = ecrire(carreaux(*((c, c, "D502", 20, 12.0, 6000.0) for c in (*communes, "49007"))))
    assert principal(["donnees", "importer", str(chemin)]) == 0
    assert "erreur médiane 22 %" in capsys.readouterr().out
    assert principal(["mesurer", CRAON, *(m for c in codes for m in ("-i", c)), "--format", "json"]) == 0
    apres = {li["indicateur"]: li for li in json.loads(capsys.readouterr().out)}
    duree, part = (apres[c] for c in codes)
    assert duree["valeur"] == pytest.approx(12.0) and part["valeur"] == pytest.approx(100.0)
    for mesure in (duree, part):
        assert "par la route" in mesure["motif"] and mesure["source"] == insee_acces.SOURCE_ACCES
        assert mesure["millesime"].startswith("accès 2025")
    assert duree["motif"].startswith("durée par la route de tous les habitants (Insee, 2025)"), duree["motif"]
    assert "communes sur" not in duree["motif"] and duree["millesime"].startswith("accès 2025, naissances ")
    # Deux minutes par kilomètre à vol d'oiseau : comme « × 1,3 à 39 km/h ».
    ici = cd.mesurer("53130", ["ACC_EAJE_2SFCA_LIEUX"], options=cd.Options(acces_minutes=10)).iloc[0]
    assert ici["valeur"] == pytest.approx(lent["valeur"], rel=1e-5) and ici["valeur"] != vite["valeur"]
    assert "à l'allure de la route au départ de chaque commune (Insee, 2025), × 1,3 à 50 km/h où elle manque" in (
        ici["motif"])
    ailleurs = cd.mesurer("53130", ["ACC_EAJE_2SFCA_LIEUX"], options=cd.Options(acces_minutes=10, vitesse_kmh=39.5))
    assert ailleurs["motif"].iloc[0].endswith("× 1,3 à 39,5 km/h où elle manque")
    # L'erreur de notre estimation est dite à côté : Angers a ses crèches au point central.
    angers = cd.mesurer("49007", codes[:1]).iloc[0]
    assert angers["valeur"] == pytest.approx(12.0) and "nous aurions dit 0,0 minutes" in angers["motif"]
    # Et les places à portée ne sont plus les mêmes.
    assert cd.mesurer("53130", ["ACC_EAJE_2SFCA"]).iloc[0][["valeur", "bas", "haut"]].dropna().tolist() != (
        place[["valeur", "bas", "haut"]].dropna().tolist()
    )
    assert principal(["besoin", CRAON]) == 0
    assert "à l'allure de la route" in capsys.readouterr().out
    assert cd.besoin(CRAON).principal["deux_temps"] != besoin["deux_temps"]


def test_deux_regions_se_completent(ecrire, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    ici = ecrire(carreaux(("a", "53084", "D502", 10, 4.0, 3000.0)), "donnees_2025_reg52.parquet")
    ailleurs = ecrire(carreaux(("z", "35238", "D502", 10, 7.0, 3000.0)), "donnees_2025_reg53.parquet")
    for chemin in (ici, ailleurs):
        assert principal(["donnees", "importer", str(chemin)]) == 0
    mesures = {c: cd.mesurer(c, ["ACC_EAJE_TEMPS"])["valeur"].iloc[0] for c in ("53084", "35238")}
    assert mesures == {"53084": pytest.approx(4.0), "35238": pytest.approx(7.0)}
    # Craon est dit par la route, Laval ne l'est pas.
    deux = cd.perimetre("Deux", ["53084", "53130"])
    motif = cd.mesurer(deux, ["ACC_EAJE_TEMPS"])["motif"].iloc[0]
    assert "(Insee, 2025) pour 1 communes sur 2, estimée ailleurs" in motif, motif


def test_le_carreau_par_ses_coordonnees(ecrire):
    """X et Y à la place de l'identifiant : deux carreaux d'une même abscisse, ou d'une même ordonnée, en sont deux."""
    places = {"a": (3800000, 2900000), "b": (3800200, 2900000), "c": (3800000, 2900200)}
    table = DEUX_COMMUNES.assign(X=[places[i][0] for i in DEUX_COMMUNES["idSrc"]],
                                 Y=[places[i][1] for i in DEUX_COMMUNES["idSrc"]])
    pd.testing.assert_frame_equal(lire(ecrire(table.drop(columns="idSrc"))).table, lire(ecrire(table)).table)
    with pytest.raises(EntreeFautive, match=r"aucune colonne ne dit le carreau.*idSrc, ou X et Y"):
        lire(ecrire(table.drop(columns=["idSrc", "X"])))


def test_un_voisin_a_un_metre_compte_dans_l_allure(ecrire):
    table = carreaux(("a", "53084", "D502", 10, 4.0, 3000.0), ("b", "53084", "D502", 10, 1.0, 1.0),
                     ("c", "53084", "D502", 10, 1.0, 0.0), ("d", "53084", "D502", 10, 0.0, 500.0))
    lue = lire(ecrire(table)).table.set_index("code").loc["53084"]
    # Ni la distance nulle ni la durée nulle ne disent une allure.
    assert lue["route_2025_popminutes"] == 50 and lue["route_2025_popkm"] == pytest.approx(30.01)


def test_un_parquet_coupe_ou_autre_chose(ecrire, tmp_path):
    dit = r"« pop » n'est pas une colonne de nombres \(« beaucoup »\).*parquet de la région"
    with pytest.raises(EntreeFautive, match=dit):
        lire(ecrire(DEUX_COMMUNES.assign(pop="beaucoup")))
    csv = tmp_path / "donnees_2025_reg52.csv"
    DEUX_COMMUNES.to_csv(csv, sep=";", index=False)
    with pytest.raises(EntreeFautive, match=r"n'est pas un parquet.* Attendu : le parquet de la région, tel que"):
        lire(csv)
    contraire = carreaux(("a", "53084", "D502", 10, 5.0, 3000.0))
    attendu = r"ligne 1 : .*autre durée.* Attendu : une ligne par carreau, commune et type d'équipement\."
    with pytest.raises(EntreeFautive, match=attendu):
        lire(ecrire(pd.concat([DEUX_COMMUNES, contraire], ignore_index=True)))
