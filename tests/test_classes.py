"""Classes de couleur : bornes couvrantes, jamais de manquant classé."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.classes import bandes, par_seuils, quantiles
from cafdiag.restitution.vues import carte


def lisible(texte: str) -> str:
    return texte.replace("\u202f", " ").replace("\u00a0", " ")


def test_les_bandes_du_taux_cnaf_2023():
    """France 60,9 : seuils 36,54 ; 51,765 ; 60,9 ; 70,035 ; 85,26."""
    classes = bandes([79.9, 78.0, 20.0, 160.0], reference=60.9)
    assert [lisible(e) for e in classes.etiquettes] == [
        "moins de 0,60 fois la France (moins de 36,5)",
        "de 0,60 à 0,85 fois la France (36,5 à 51,8)",
        "de 0,85 à 1 fois la France (51,8 à 60,9)",
        "de 1 à 1,15 fois la France (60,9 à 70,0)",
        "de 1,15 à 1,40 fois la France (70,0 à 85,3)",
        "1,40 fois la France ou plus (85,3 et plus)",
    ]
    assert classes.indices([20, 51.7, 60.8, 60.9, 79.9, 160]).tolist() == [0, 1, 2, 3, 4, 5]
    assert classes.bornes[-1] == 160


def test_un_rapport_a_la_reference_ne_redit_pas_ses_bornes():
    classes = bandes([1.31, 0.5], reference=1.0, unite="fois la France")
    assert [e.replace("\xa0", " ") for e in classes.etiquettes][:2] == [
        "moins de 0,60 fois la France",
        "de 0,60 à 0,85 fois la France",
    ]
    assert classes.indices([1.31, 0.5, 1.0]).tolist() == [4, 0, 3]


@pytest.mark.parametrize(
    ("indicateur", "debut"),
    [
        ("PE_TENSION", "13 territoires, de 1,09"),
        ("PE_BESOIN_CIBLE", "13 territoires, tous à 0 place."),
        ("PE_RATIO_REF", "13 territoires, de 1,02"),
    ],
)
def test_ce_qui_part_d_un_taux_de_l_epci_se_peint_a_l_epci(indicateur, debut):
    """À la commune, la Cnaf ne publie rien sous 10 000 habitants : la carte serait vide."""
    texte = carte("200048551", indicateur).texte
    assert debut in lisible(texte)


def test_la_couleur_ne_depend_pas_des_valeurs_montrees():
    larges, etroites = bandes([1, 300], reference=60.9), bandes([60, 61], reference=60.9)
    assert larges.couleurs == etroites.couleurs
    assert larges.indices([79.9])[0] == etroites.indices([79.9])[0]


@pytest.mark.parametrize("vide", [None, math.nan, pd.NA])
def test_un_manquant_n_est_jamais_classe(vide):
    for classes in (bandes([1, vide, 3], reference=2), quantiles([1, 2, vide, 9], nombre_classes=3)):
        assert classes.indices([1, vide]).tolist() == [0, -1]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=60).filter(
        lambda v: any(x is not None for x in v)
    ),
    st.integers(1, 6),
)
def test_toute_valeur_connue_a_une_classe_et_une_seule(valeurs, nombre):
    classes = quantiles(valeurs, nombre_classes=nombre)
    connues = [v for v in valeurs if v is not None]
    assert classes.bornes[0] <= min(connues) and classes.bornes[-1] >= max(connues)
    assert list(classes.bornes) == sorted(classes.bornes)
    rangs = classes.indices(valeurs)
    for valeur, rang in zip(valeurs, rangs, strict=True):
        if valeur is None:
            assert rang == -1
        else:
            assert classes.bornes[rang] <= valeur <= classes.bornes[rang + 1]
    assert len(classes.etiquettes) == len(classes.couleurs) == len(classes.bornes) - 1


def test_les_quantiles_sont_ceux_de_numpy():
    valeurs = [3.0, 8.0, 1.0, 12.0, 7.0, 40.0, 5.0]
    classes = quantiles(valeurs, nombre_classes=4)
    assert np.allclose(classes.bornes, [1, *np.quantile(valeurs, [0.25, 0.5, 0.75]), 40])


def test_valeurs_toutes_egales_une_seule_classe():
    classes = quantiles([5, 5, 5])
    assert len(classes) == 1 and classes.etiquettes == ("5,0",)
    assert classes.indices([5]).tolist() == [0]


def test_une_valeur_hors_des_classes_est_refusee():
    with pytest.raises(DemandeFausse, match="hors des classes"):
        par_seuils([1, 10], seuils=[5]).indices([11])


@pytest.mark.parametrize("reference", [0, -1, math.nan])
def test_une_reference_impossible_est_refusee(reference):
    with pytest.raises(DemandeFausse, match="référence"):
        bandes([1], reference=reference)


def test_aucune_valeur_n_est_pas_une_classe():
    with pytest.raises(DemandeFausse):
        quantiles([None, math.nan])


def test_mapclassify_n_est_jamais_importe():
    import subprocess
    import sys

    code = (
        "import sys, cafdiag.restitution.cartes;"
        "sys.exit('mapclassify' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
