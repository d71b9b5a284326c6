"""Rattacher à la commune : code, nom et code postal, point ; jamais deviné en silence."""

from __future__ import annotations

import pandas as pd
import pyproj
import pytest

from cafdiag.donnees.registres_lieux import communes_des_points, localiser, rattacher
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.unitaire

CRAON = (-0.9491, 47.8412)


def un(**valeurs):
    rendu = rattacher(pd.DataFrame([{c: str(v) for c, v in valeurs.items()}]))
    return rendu.table.iloc[0], rendu


def defaut(**valeurs):
    _, rendu = un(**valeurs)
    assert len(rendu.defauts) == 1, rendu.defauts
    return rendu.defauts[0][1], rendu.defauts[0][3]


@pytest.mark.parametrize(
    ("code", "attendu"),
    [
        ("53084", "53084"),
        ("1004", "01004"),
        ("1004.0", "01004"),
        ("2a004", "2A004"),
        (" 53084 ", "53084"),
        ("971102", "97102"),
        ("49069", "49126"),
        ("08300", "08439"),
        ("60054", "60054"),
        ("85084", "85084"),
        ("75056", "75056"),
        ("75111", "75056"),
        ("69387", "69123"),
    ],
)
def test_par_le_code_y_compris_ancien_abime_ou_arrondissement(code, attendu):
    ligne, rendu = un(code=code)
    assert ligne["code"] == attendu and ligne["rattachement"] == "code" and not rendu.defauts
    if code.strip() != attendu:
        assert rendu.codes_passes or rendu.remarques, "une réparation se dit"


@pytest.mark.parametrize(
    ("commune", "attendu"),
    [
        ("Laval (53000)", "53130"),
        ("Laval (53130)", "53130"),
        ("53000 LAVAL", "53130"),
        ("Craon - 53400", "53084"),
        ("Laval CEDEX 9 (53000)", "53130"),
        ("Ajaccio (2A004)", "2A004"),
        ("Orée d'Anjou (49069)", "49126"),
    ],
)
def test_nom_et_code_dans_la_case_de_la_commune(commune, attendu):
    ligne, rendu = un(commune=commune)
    assert ligne["code"] == attendu and not rendu.defauts


@pytest.mark.parametrize(("commune", "attendu"), [
    ("Craon (53000)", "se répondent"), ("Laval (53062)", "le code de Laval (53130)"),
    ("Laval (99999)", "pas une commune"), ("Laval (53)", "se répondent"),
])  # fmt: skip
def test_nom_et_code_d_une_case_qui_se_contredisent(commune, attendu):
    assert attendu in defaut(commune=commune)[1]


@pytest.mark.parametrize(
    ("commune", "postal", "attendu"),
    [
        ("Craon", "53400", "53084"),
        ("CRAON", "53400", "53084"),
        ("Château Gontier sur Mayenne", "53200", "53062"),
        ("l'abergement clemenciat", "1400", "01001"),
        ("St-Denis-d'Anjou", "53290", "53210"),
        ("Paris", "75011", "75056"),
        ("Laval cedex 9", "53000", "53130"),
        ("Le Mans", "72100", "72181"),
    ],
)
def test_par_le_nom_et_le_code_postal(commune, postal, attendu):
    ligne, rendu = un(commune=commune, code_postal=postal)
    assert (ligne["code"], ligne["rattachement"]) == (attendu, "nom et code postal")
    assert any("sans code" in r for r in rendu.remarques)


def test_par_le_point_dans_le_contour():
    ligne, rendu = un(lon=CRAON[0], lat=str(CRAON[1]).replace(".", ","))
    assert (ligne["code"], ligne["rattachement"], ligne["precision_lieu"]) == ("53084", "point", "point")
    assert rendu.remarques == ["1 ligne(s) sans code rattachée(s) par point"]


def test_points_du_referentiel_tous_dans_leur_commune():
    """Contre-épreuve : le point représentatif de 500 communes, calculé sur un contour plus fin."""
    communes = lire_table("communes", filtres=[("type", "==", "COM")]).dropna(subset=["lon"])
    tirees = communes.iloc[:: len(communes) // 500]
    trouves = communes_des_points(tirees["lon"].to_numpy(), tirees["lat"].to_numpy())
    justes = sum(t == (c,) for t, c in zip(trouves, tirees["code"], strict=True))
    assert justes >= len(tirees) - 2


@pytest.mark.parametrize("epsg", [2154, 4326])
@pytest.mark.parametrize("permute", [False, True])
def test_lambert_93_et_permutations_detectes_et_dits(epsg, permute):
    x, y = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(*CRAON)
    ligne, rendu = un(code="53084", lon=y if permute else x, lat=x if permute else y)
    assert (ligne["lon"], ligne["lat"]) == pytest.approx(CRAON, abs=1e-6)
    texte = " ".join(rendu.remarques)
    assert ("permut" in texte) is permute and ("Lambert-93" in texte) is (epsg == 2154)
    assert not rendu.defauts


def test_projection_legale_d_outre_mer_si_le_departement_est_connu():
    lon, lat = 55.45, -20.88  # Saint-Denis de La Réunion
    x, y = pyproj.Transformer.from_crs(4326, 2975, always_xy=True).transform(lon, lat)
    ligne, rendu = un(code="97411", lon=x, lat=y)
    assert (ligne["lon"], ligne["lat"]) == pytest.approx((lon, lat), abs=1e-6)
    assert "EPSG:2975" in rendu.remarques[0]
    assert localiser(x, y).defaut, "sans le département, la projection ne se devine pas"


@pytest.mark.parametrize(
    ("valeurs", "champ", "attendu"),
    [
        ({"code": "99999"}, "code", "COG 2026"),
        (
            {"code": "99999", "commune": "Craon", "code_postal": "53400"},
            "code",
            "« Craon » est Craon (53084)",
        ),
        ({"code": "99999", "lon": CRAON[0], "lat": CRAON[1]}, "code", "le point est à Craon (53084)"),
        ({"code": "53084", "commune": "Laval"}, "commune", "Laval (53130)"),
        ({"commune": "Craon"}, "commune", "Craon (53084)"),
        ({"commune": "Craon", "code_postal": "75001"}, "commune", "se répondent"),
        ({"code_postal": "53400"}, "commune", "code Insee"),
        ({}, "code", "un code Insee"),
        ({"code": "53084", "lon": CRAON[0]}, "lat", "les deux coordonnées"),
        ({"code": "53084", "lon": 5.37, "lat": 43.3}, "lon", "celui-ci en est à"),
        ({"code": "53084", "lon": -74.0, "lat": 40.7}, "lon", "ailleurs"),
        ({"code": "53084", "lon": 376000, "lat": 2324000}, "lon", "Lambert II"),
        ({"lon": -4.9, "lat": 46.0}, "lon", "dans une commune française"),
        ({"commune": "Laval", "lon": CRAON[0], "lat": CRAON[1]}, "commune", "Craon (53084)"),
    ],
)
def test_contradictions_et_manques_sont_des_defauts(valeurs, champ, attendu):
    trouve = defaut(**valeurs)
    assert trouve[0] == champ and attendu in trouve[1]


def test_homonymes_du_meme_code_postal_ne_sont_pas_departages():
    """Deux communes de même nom et de même code postal : le code Insee est exigé."""
    communes = lire_table("communes", filtres=[("type", "==", "COM")])
    paires = communes.assign(cp=communes["codes_postaux"].str.split()).explode("cp")
    doubles = paires[paires.duplicated(["nom", "cp"], keep=False)]
    for (nom, postal), groupe in list(doubles.groupby(["nom", "cp"]))[:3]:
        _, attendu = defaut(commune=nom, code_postal=postal)
        assert all(code in attendu for code in groupe["code"])


def test_nom_abrege_et_point_concordants_acceptes_et_dits():
    ligne, rendu = un(commune="Chamonix", code_postal="74400", lon=6.8694, lat=45.9237)
    assert (ligne["code"], ligne["rattachement"]) == ("74056", "point")
    assert rendu.notes == [(0, "« Chamonix » rattachée par son point à Chamonix-Mont-Blanc (74056)")]


def test_zero_zero_n_est_pas_un_point_et_se_dit():
    ligne, rendu = un(code="53084", lon=0, lat=0)
    assert pd.isna(ligne["lon"]) and ligne["precision_lieu"] == "commune"
    assert "absentes" in rendu.remarques[0]


def test_point_voisin_garde_et_note():
    ligne, rendu = un(code="53084", lon=CRAON[0] + 0.06, lat=CRAON[1])
    assert ligne["precision_lieu"] == "point" and not rendu.defauts
    assert "km de Craon (53084)" in rendu.notes[0][1]


def test_nom_ancien_d_une_commune_fusionnee():
    ligne, rendu = un(code="49069", commune="Orée d'Anjou")
    assert ligne["code"] == "49126" and not rendu.defauts and rendu.codes_passes == {"49069": "49126"}
