"""Accès aux accueils de loisirs : distances en forme close, bords inconnus."""

import json

import numpy as np
import pandas as pd
import pyproj
import pytest

from cafdiag.cli import principal
from cafdiag.indicateurs.enfance import acces_par_commune

VERS_WGS84 = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)


def communes_alignees(kilometres):
    """Communes fictives alignées d'ouest en est, à ces distances (km) d'un point de la Mayenne."""
    lon, lat = VERS_WGS84.transform([420_000 + 1000 * k for k in kilometres], [6_750_000] * len(kilometres))
    return pd.DataFrame({"lon": lon, "lat": lat, "departement": "53"}, index=[f"c{k}" for k in kilometres])


def test_distances_sur_une_ligne():
    communes = communes_alignees([0, 3, 7, 20])
    acces = acces_par_commune(communes, pd.Series([1.0, 0.0, 0.0, 0.0], index=communes.index), seuil_km=5)
    assert acces["distance_km"].round(3).tolist() == [0, 3, 7, 20]
    assert acces["proche"].tolist() == [True, True, False, False]
    assert not acces["majorant"].any()


def test_commune_non_renseignee_suspend_la_reponse_de_ses_voisines():
    communes = communes_alignees([0, 3, 7, 10, 30])
    equipement = pd.Series([1.0, 0.0, 0.0, np.nan, 0.0], index=communes.index)
    acces = acces_par_commune(communes, equipement, seuil_km=5)
    assert acces["proche"].isna().tolist() == [False, False, True, True, False]
    assert acces["majorant"].tolist() == [False, False, True, True, True]


def test_outre_mer_se_mesure_chez_elle_et_sans_coordonnees_reste_manquant():
    # Saint-Denis et Sainte-Marie (Réunion), une commune de la Mayenne équipée, une commune sans point.
    communes = pd.DataFrame(
        {"lon": [55.448, 55.549, -0.77, np.nan], "lat": [-20.879, -20.897, 48.07, np.nan]}, index=list("abcd")
    )
    acces = acces_par_commune(communes, pd.Series([1.0, 0.0, 1.0, 1.0], index=communes.index), seuil_km=5)
    # 10,7 km : distance orthodromique entre les deux points (formule de haversine).
    assert acces["distance_km"].iloc[:3].round(1).tolist() == [0.0, 10.7, 0.0]
    assert np.isnan(acces.loc["d", "distance_km"])


CRAON, VILLE = "200048551", "53084"
REGISTRE = "type;nom;code\nalsh;Les Mouettes;53084\neaje;La Bulle;53084\n"


@pytest.fixture
def mesures(tmp_path, capsys):
    """Les mesures d'un lieu, avec un registre complet de la Mayenne, par la commande."""
    fichier = tmp_path / "registre.csv"
    fichier.write_text(REGISTRE, encoding="utf-8")

    def mesurer(lieu, *codes, complet="53"):
        options = [o for code in codes for o in ("-i", code)]
        registre = ["--registre", str(fichier), *(["--registre-complet", complet] if complet else [])]
        assert principal(["mesurer", lieu, *options, *registre, "--format", "json"]) == 0
        return {m["indicateur"]: m for m in json.loads(capsys.readouterr().out)}

    return mesurer


def test_un_registre_complet_dit_ou_sont_les_accueils_de_loisirs(mesures):
    codes = ("EJ_ALSH_PART_COM_EQUIP", "EJ_ALSH_PART_X_KM")
    for lieu, equipee in ((VILLE, 100), ("53068", 0)):
        ici = mesures(lieu, codes[0])[codes[0]]
        assert (ici["valeur"], ici["source"], ici["millesime"]) == (
            equipee, "registre local ; Insee, recensement de la population", "population 2023"
        )  # fmt: skip
    # Un seul accueil, à Craon : la part est celle de ses enfants ; la base des équipements en situait bien d'autres.
    enfants = [mesures(lieu, codes[0])[codes[0]]["denominateur"] for lieu in (VILLE, CRAON)]
    craon = mesures(CRAON, *codes)
    assert craon[codes[0]]["valeur"] == pytest.approx(100 * enfants[0] / enfants[1])
    assert mesures(CRAON, codes[0], complet="")[codes[0]]["valeur"] > 2 * craon[codes[0]]["valeur"]
    # Aux bords du département, la base répond encore : les deux se citent.
    assert craon[codes[1]]["source"].startswith("registre local et Insee, base permanente des équipements ; ")
    assert mesures(VILLE, codes[1])[codes[1]]["valeur"] == 100


def test_ce_que_la_base_compte_ne_se_mele_pas_au_registre_qui_se_dit(mesures):
    codes = ("EJ_ALSH_IMPLANT_311", "PE_NB_EAJE")
    avec, sans = mesures(CRAON, *codes), mesures(CRAON, *codes, complet="")
    for code in codes:
        assert avec[code]["valeur"] == sans[code]["valeur"] and "registre" not in sans[code]["motif"]
        assert "votre registre, complet, en a 1" in avec[code]["motif"]


def test_un_registre_complet_compte_la_ou_la_base_se_tait(tmp_path, capsys):
    """Hors des départements dont on a la base des équipements, un registre complet répond aux mêmes indicateurs."""
    fichier = tmp_path / "registre.csv"
    lignes = ["type;nom;code", "alsh;Les Mouettes;48095", "eaje;La Bulle;48095", "micro_creche;Le Nid;48061"]
    fichier.write_text("\n".join([*lignes, "laep;Le Cocon;53084"]), encoding="utf-8")

    for lieu, attendus in (("departement:48", (1, 1, 1)), ("48095", (1, 0, 1)), ("48061", (0, 1, 0))):
        demande = [o for code in ("PE_NB_EAJE", "PE_NB_MICRO", "EJ_ALSH_IMPLANT_311") for o in ("-i", code)]
        demande += ["--registre", str(fichier), "--registre-complet", "48", "--format", "json"]
        assert principal(["mesurer", lieu, *demande]) == 0
        lues = json.loads(capsys.readouterr().out)
        assert [m["numerateur"] for m in lues] == list(attendus)
        assert all("votre registre, complet" in m["motif"] and "Insee, base" not in m["source"] for m in lues)
    # La base compte les lieux d'accueil enfants-parents à part : embarquée, elle n'en dit rien, même en Mayenne.
    demande = ["mesurer", VILLE, "-i", "PAR_LAEP_1000", "--registre", str(fichier), "--format", "json"]
    assert principal([*demande, "--registre-complet", "53"]) == 0
    (laep,) = json.loads(capsys.readouterr().out)
    assert laep["numerateur"] == 1 and laep["valeur"] == pytest.approx(1000 / laep["denominateur"])
    assert principal(demande) == 0
    assert json.loads(capsys.readouterr().out)[0]["valeur"] is None
