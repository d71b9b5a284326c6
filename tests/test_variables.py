"""Grandeurs communales : encadrement, condition inconnue, arrondi à 5."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.donnees import VARIABLES, evaluer, table_communes
from cafdiag.erreurs import DemandeFausse

pytestmark = pytest.mark.unitaire


def test_arrondi_a_5_encadre_le_vrai_effectif():
    # domaine.md GC-40 : 7 et 3 sont publiés 5, 12 est publié 10, 2 est publié 0.
    for vrai, publie in ((7, 5), (12, 10), (3, 5), (2, 0)):
        table = pd.DataFrame({"foyers_allocataires_2024": [float(publie)]}, index=["c"])
        ligne = evaluer(table, "foyers_allocataires").iloc[0]
        assert ligne["bas"] <= vrai <= ligne["haut"]
        assert ligne["valeur"] == publie


@given(st.integers(0, 10_000))
def test_arrondi_au_plus_proche_toujours_encadre(vrai):
    publie = 5 * round(vrai / 5)
    table = pd.DataFrame({"foyers_allocataires_2024": [float(publie)]}, index=["c"])
    ligne = evaluer(table, "foyers_allocataires").iloc[0]
    assert 0 <= ligne["bas"] <= vrai <= ligne["haut"]


def test_condition_inconnue_laisse_un_intervalle():
    table = pd.DataFrame(
        {"population_2023": [100.0, 200.0, 50.0], "densite_7": [6, np.nan, 2]}, index=list("abc")
    )
    lignes = evaluer(table, "population_rurale")
    assert lignes.loc["a"].tolist() == [100, 100, 100]
    assert math.isnan(lignes.loc["b", "valeur"]) and lignes.loc["b", ["bas", "haut"]].tolist() == [0, 200]
    assert lignes.loc["c"].tolist() == [0, 0, 0]


def test_zonage_coupe_par_une_fusion_n_est_ni_oui_ni_non():
    table = pd.DataFrame({"unite": [1.0, 1.0, 1.0], "zrr_2021": ["C", "C / NC", "NC"]}, index=list("abc"))
    lignes = evaluer(table, "communes_zrr")
    assert lignes["valeur"].tolist()[::2] == [1, 0] and math.isnan(lignes.loc["b", "valeur"])
    assert lignes.loc["b", ["bas", "haut"]].tolist() == [0, 1]


def test_enfants_de_3_a_11_ans_par_tranches():
    table = pd.DataFrame(
        {"pop_2023_0_4": [100.0], "pop_2023_5_9": [110.0], "pop_2023_10_14": [120.0]}, index=["a"]
    )
    assert evaluer(table, "enfants_3_11_ans")["valeur"].item() == pytest.approx(40 + 110 + 48)


def test_annee_inconnue_refusee_avec_les_annees_connues():
    with pytest.raises(DemandeFausse, match="2019, 2020"):
        evaluer(table_communes(), "naissances", annee=2007)


def test_une_grandeur_sans_colonne_le_dit():
    with pytest.raises(DemandeFausse, match="aucune colonne communale"):
        evaluer(table_communes(), "heures_facturees_eaje")


def test_entree_jamais_modifiee_et_index_garde():
    table = table_communes()
    avant = table.copy()
    communales = [nom for nom, v in VARIABLES.items() if v.annees(tuple(table.columns))]
    assert len(communales) >= 40
    for nom in communales:
        assert evaluer(table, nom).index.equals(table.index), nom
    pd.testing.assert_frame_equal(table, avant)


def test_sommes_de_controle_departementales():
    # faits/README : naissances 2023 et personnes couvertes 2024 des quatre départements.
    table = table_communes()
    naissances = evaluer(table, "naissances", annee=2023)["valeur"].groupby(table["departement"]).sum()
    assert naissances[["01", "08", "49", "53"]].tolist() == [6328, 2175, 7945, 2873]
    couvertes = evaluer(table, "personnes_couvertes")["valeur"].groupby(table["departement"]).sum()
    assert couvertes[["01", "08", "49", "53"]].tolist() == [285965, 120765, 405870, 134025]
