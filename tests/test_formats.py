"""Nombres, unités, statuts et dates écrits à la française."""

import datetime as dt
import math

import pandas as pd
import pytest

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import dictionnaire
from cafdiag.restitution import formats as f

pytestmark = pytest.mark.unitaire


@pytest.mark.parametrize(
    ("valeur", "decimales", "attendu"),
    [
        (28591, None, "28 591"),
        (1234567, 0, "1 234 567"),
        (79.9, None, "79,9"),
        (0, None, "0"),
        (0.0, 1, "0,0"),
        (2.675, 2, "2,68"),
        (0.5, 0, "1"),
        (1.5, 0, "2"),
        (2.5, 0, "3"),
        (-2.5, 0, "−3"),
        (1e6, 0, "1 000 000"),
        (-0.04, 1, "0,0"),
        (99.95, 1, "100,0"),
        (9_007_199_254_740_993, 0, "9 007 199 254 740 993"),
    ],
)
def test_un_nombre_s_ecrit_a_la_francaise(valeur, decimales, attendu):
    assert f.nombre(valeur, decimales=decimales).replace("\u202f", " ") == attendu


def test_les_milliers_sont_separes_par_une_fine_insecable():
    assert f.nombre(28591) == "28\u202f591"


@pytest.mark.parametrize("vide", [None, math.nan, pd.NA, pd.NaT, "", math.inf])
def test_un_manquant_n_est_jamais_zero(vide):
    assert f.nombre(vide) == "n.d."
    assert f.avec_unite(vide, "%") == "n.d."


def test_l_unite_suit_le_nombre_sans_se_detacher():
    assert f.avec_unite(44, "%") == "44,0\u202f%"
    assert f.avec_unite(28752, "habitants") == "28\u202f752\u00a0habitants"
    assert f.avec_unite(1, "enfants") == "1\u00a0enfant"
    assert f.avec_unite(1, "places pour 100 enfants") == "1,0\u00a0place pour 100 enfants"


@pytest.mark.parametrize(
    ("part", "attendu"),
    [(99.97, "99,9"), (99.949, "99,9"), (100.0, "100,0"), (99.99999999999999, "100,0"), (100.04, "100,0")],
)
def test_une_part_incomplete_ne_s_ecrit_pas_cent(part, attendu):
    assert f.avec_unite(part, "%") == f"{attendu}\u202f%"
    assert f.nombre(part, decimales=1, unite="%") == f.intervalle(part, part, unite="%").split(" à ")[0] == attendu
    # Ni une évolution, ni un nombre de places ne sont des parts.
    assert f.nombre(99.97, decimales=1) == "100,0" and f.evolution(99.97) == "+100,0\u202f%"


@pytest.mark.parametrize(
    ("part", "attendu"),
    [(0.0499, "moins de 0,1"), (0.001, "moins de 0,1"), (0.0, "0,0"), (1e-12, "0,0"), (0.05, "0,1"), (-0.02, "0,0")],
)
def test_une_part_infime_ne_s_ecrit_pas_zero(part, attendu):
    assert f.nombre(part, decimales=1, unite="%") == attendu
    assert f.avec_unite(part, "%") == f"{attendu}\u202f%"
    # Une évolution est signée ; une borne d'intervalle n'est qu'un nombre.
    assert "moins" not in f.evolution(part) and "moins" not in f.intervalle(part, part, unite="%")
    assert f.nombre(0.3, decimales=0, unite="%") == "moins de 1"


def test_une_evolution_est_signee():
    assert f.evolution(3.2) == "+3,2\u202f%"
    assert f.evolution(-15.04) == "\u221215,0\u202f%"
    assert f.evolution(0) == "0,0\u202f%"


@pytest.mark.parametrize(
    ("entree", "attendu"),
    [
        ("2023-12", "décembre 2023"),
        ("2025-07-01", "1er juillet 2025"),
        ("2025-07-10", "10 juillet 2025"),
        (dt.date(2024, 2, 29), "29 février 2024"),
        (2023, "2023"),
        ("décembre 2023", "décembre 2023"),
        (None, ""),
    ],
)
def test_une_date_se_dit(entree, attendu):
    assert f.date(entree) == attendu


def test_une_date_impossible_est_refusee():
    with pytest.raises(DemandeFausse, match="2023-13"):
        f.date("2023-13")


def test_les_statuts_du_contrat_sont_tous_connus():
    symboles = {
        cle: f.statut(cle).symbole
        for cle in ("exact", "estime", "arrondi", "secret", "non_disponible", "sans_objet")
    }
    assert symboles == {
        "exact": "",
        "estime": "e",
        "arrondi": "a",
        "secret": "s",
        "non_disponible": "n.d.",
        "sans_objet": "s.o.",
    }
    assert [cle for cle in symboles if not f.statut(cle).chiffre] == [
        "secret",
        "non_disponible",
        "sans_objet",
    ]
    with pytest.raises(DemandeFausse):
        f.statut("approché")


def test_intervalle_et_enumeration():
    assert f.intervalle(51.765, 60.9) == "51,8 à 60,9"
    assert f.intervalle(None, 60.9) == ""
    assert f.enumeration([]) == ""
    assert f.enumeration(["a"]) == "a"
    # Trois noms pour un maximum de deux : « et 1 autres » serait fautif, on les écrit tous.
    assert f.enumeration(list("abc"), maximum=2) == "a, b et c"
    assert f.enumeration(list("abcd"), maximum=2) == "a, b et 2 autres"
    assert f.pluriel(1, "commune") == "1 commune"
    assert f.pluriel(1500, "commune") == "1\u202f500 communes"


def test_chaque_unite_a_les_decimales_du_dictionnaire():
    lues = dictionnaire().groupby("unite")["decimales"].agg(["min", "max"])
    # « enfants pour 100 » sert à un taux de 1 décimale et à un autre de 2.
    assert lues.index[lues["min"].ne(lues["max"])].tolist() == ["enfants pour 100"]
    lues = lues[lues["min"].eq(lues["max"])]
    assert {u: f.decimales_de(u) for u in lues.index} == lues["min"].to_dict()
