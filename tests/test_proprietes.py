"""Propriétés de tous les indicateurs : ordre, périmètres, mailles emboîtées, échelle, manquants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.indicateurs.mesures import mesurer_cles
from cafdiag.indicateurs.tables_calcul import Tables

NOMBRES = ["valeur", "numerateur", "denominateur", "bas", "haut"]
# Chaque tirage mesure tous les EPCI d'un coup : le coût est celui d'un seul.
PEU = settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
# Craon (rural), Angers (QPV, MSA), Veyle (Ain), Ardenne Métropole : dans les départements fournis ; Vichy n'y est pas.
EPCI = ("200048551", "244900015", "200070555", "200041630", "200071363")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables.lire(None)


@pytest.fixture(scope="module")
def intacts(tables) -> pd.DataFrame:
    """Les mesures des EPCI tels qu'ils sont."""
    return mesurer_avec(tables, {code: list(cd.territoire(code).communes) for code in EPCI})


def mesurer_avec(tables: Tables, communes_par_code: dict[str, list[str]], *, maille="perimetre") -> pd.DataFrame:
    """Mesures de périmètres composés à la main, sur ces tables-là."""
    territoires = pd.DataFrame(
        {"maille": maille, "officiel": list(communes_par_code), "nom": list(communes_par_code)},
        index=list(communes_par_code),
    )
    appartenance = pd.DataFrame(
        [(commune, code) for code, communes in communes_par_code.items() for commune in communes],
        columns=["commune", "code"],
    )
    table = mesurer_cles(territoires, appartenance, None, tables, annee=None, options=None)
    return table.set_index(["territoire", "indicateur"])


def memes_nombres(a: pd.DataFrame, b: pd.DataFrame) -> None:
    np.testing.assert_allclose(
        a[NOMBRES].to_numpy(dtype=float), b[NOMBRES].to_numpy(dtype=float), rtol=1e-9, equal_nan=True
    )


def test_un_perimetre_qui_a_les_communes_d_un_epci_en_a_les_mesures(intacts):
    entiers = cd.mesurer_maille("epci", codes=EPCI).set_index(["territoire", "indicateur"]).loc[intacts.index]
    memes_nombres(entiers, intacts)
    assert entiers["statut"].tolist() == intacts["statut"].tolist()
    # Et le périmètre composé par la porte de l'usager.
    libre = cd.mesurer(cd.perimetre("tout l'EPCI", list(cd.territoire(EPCI[0]).communes))).set_index("indicateur")
    memes_nombres(libre, entiers.loc[EPCI[0]])


@PEU
@given(hasard=st.randoms(use_true_random=False))
def test_l_ordre_des_communes_ne_change_rien(tables, intacts, hasard):
    melees = {}
    for code in EPCI:
        communes = list(cd.territoire(code).communes)
        melees[code] = hasard.sample(communes, len(communes))
    melange = mesurer_avec(tables, melees)
    memes_nombres(intacts, melange)
    assert intacts["statut"].tolist() == melange["statut"].tolist()


@PEU
@given(hasard=st.randoms(use_true_random=False))
def test_agreger_commute_avec_le_changement_de_maille(tables, intacts, hasard):
    """Un effectif du tout est la somme de ses parts ; un taux, le rapport des sommes, jamais la moyenne."""
    parts = {}
    for code in EPCI[:4]:
        communes = list(cd.territoire(code).communes)
        hasard.shuffle(communes)
        coupe = hasard.randrange(1, len(communes))
        parts |= {f"{code} a": communes[:coupe], f"{code} b": communes[coupe:]}
    table = mesurer_avec(tables, parts)
    for code in EPCI[:4]:
        _commute(intacts.loc[code], table.loc[f"{code} a"], table.loc[f"{code} b"])


def _commute(tout, a, b):
    definitions = cd.dictionnaire()
    sommes = definitions.index[definitions["calcul"].eq("somme")]
    rapports = definitions.index[definitions["calcul"].isin(["rapport", "partie"])]
    comparables = [i for i in sommes if not pd.isna([t.at[i, "valeur"] for t in (tout, a, b)]).any()
                   and len({t.at[i, "annee"] for t in (tout, a, b)}) == 1]
    assert comparables
    for i in comparables:
        assert tout.at[i, "valeur"] == pytest.approx(a.at[i, "valeur"] + b.at[i, "valeur"]), i
    verifies = 0
    for i in rapports:
        termes = [t.at[i, c] for t in (a, b) for c in ("numerateur", "denominateur")]
        if pd.isna([*termes, tout.at[i, "valeur"]]).any() or tout.at[i, "statut"] == "estime":
            continue
        if len({t.at[i, "annee"] for t in (tout, a, b)}) > 1:
            continue
        attendu = definitions.at[i, "facteur"] * (termes[0] + termes[2]) / (termes[1] + termes[3])
        assert tout.at[i, "valeur"] == pytest.approx(attendu), i
        verifies += 1
    assert verifies


@pytest.mark.parametrize("facteur", [2, 10])
def test_homothetie_des_effectifs(tables, intacts, facteur):
    """Multiplier tous les effectifs par un même nombre multiplie les sommes et laisse les taux."""
    communes = tables.communes.copy()
    effectifs = [c for c in communes.columns if c.startswith(
        ("population_", "pop_", "pmun_", "naissances_", "bpe", "foyers_", "personnes_", "france_services_"))]
    for colonne in effectifs:
        communes[colonne] = communes[colonne].astype("float64") * facteur
    siennes = {code: list(cd.territoire(code).communes) for code in EPCI[:4]}
    apres = mesurer_avec(replace(tables, communes=communes), siennes)
    for code in siennes:
        _homothetie(intacts.loc[code], apres.loc[code], facteur)


def _homothetie(avant, apres, facteur):
    definitions = cd.dictionnaire()
    tires_d_effectifs = 0
    for i, ligne in definitions.iterrows():
        x, y = avant.at[i, "valeur"], apres.at[i, "valeur"]
        if pd.isna(x) or pd.isna(y):
            continue
        if ligne["calcul"] in ("rapport", "partie") and avant.at[i, "statut"] != "estime":
            if {ligne["numerateur"], ligne["denominateur"]} & {"communes", "structures_avs", "evs", "evs_ruraux"}:
                continue
            assert y == pytest.approx(x), i
            tires_d_effectifs += 1
        elif ligne["calcul"] == "somme" and ligne["unite"] not in ("communes", "structures", "quartiers"):
            assert y == pytest.approx(facteur * x), i
            tires_d_effectifs += 1
    assert tires_d_effectifs >= 10


@PEU
@given(donnees=st.data())
def test_un_manquant_ne_devient_jamais_un_nombre_faux(tables, intacts, donnees):
    """Une case effacée rend muet, ou laisse un encadrement qui contient la valeur vraie ; jamais un zéro."""
    siennes = {code: list(cd.territoire(code).communes) for code in EPCI[:4]}
    colonnes = [c for c in tables.communes.columns
                if c.startswith(("pop_2023", "naissances_2", "foyers_", "personnes_", "bpe2025"))]
    effacees = donnees.draw(st.lists(st.sampled_from(colonnes), min_size=1, max_size=3, unique=True))
    touchees = [donnees.draw(st.sampled_from(communes)) for communes in siennes.values()]
    communes = tables.communes.copy()
    for colonne in effacees:
        communes[colonne] = communes[colonne].astype("float64")
        communes.loc[touchees, colonne] = np.nan
    apres = mesurer_avec(replace(tables, communes=communes), siennes)
    for code in siennes:
        _pas_faux(intacts.loc[code], apres.loc[code])


def _pas_faux(avant, apres):
    for i in avant.index:
        x, y = avant.loc[i], apres.loc[i]
        # Une autre année d'un des termes se lit au millésime : ce n'est pas le même nombre.
        if pd.isna(x["valeur"]) or (x["annee"], x["millesime"]) != (y["annee"], y["millesime"]):
            continue
        if pd.isna(y["valeur"]):
            assert y["statut"] in ("non_disponible", "sans_objet", "secret") and y["motif"], i
        elif y["valeur"] != pytest.approx(x["valeur"]):
            # Calculé sur les communes restantes : il le dit, et l'intervalle contient la vraie valeur.
            assert y["statut"] == "estime" and y["motif"], i
            assert pd.isna(y["bas"]) or y["bas"] - 1e-9 <= x["valeur"] <= y["haut"] + 1e-9, i
