"""La France et les régions : hors Mayotte quand elle manque, encadrées quand une part infime manque, à date égale."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cafdiag.indicateurs import comparer
from cafdiag.indicateurs.dates import a_date_egale, dates
from cafdiag.indicateurs.mesures import mesurer_cles
from cafdiag.indicateurs.tables_calcul import Tables, un_territoire
from cafdiag.restitution import textes
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.territoires import membres, territoire

SANS = 400


@pytest.fixture(scope="module")
def france():
    """Une France simulée : foyers et personnes partout ; Mayotte et quatre cents communes s'y taisent ensuite."""
    tables = Tables.lire(None)
    communes, hasard = tables.communes.copy(), np.random.default_rng(13)
    habitants = communes["population_2023"].astype(float).fillna(0)
    vrais = pd.DataFrame(index=communes.index)
    vrais["foyers_allocataires_2024"] = np.round(habitants * hasard.uniform(0.1, 0.3, len(communes)))
    vrais["personnes_couvertes_2024"] = np.round(habitants * hasard.uniform(0.3, 0.6, len(communes)))
    mayotte = communes.index.str.startswith("976")
    petites = habitants[habitants.between(1, 300)].index
    muettes = communes.index.isin(hasard.choice(petites, SANS, replace=False))
    for colonne in vrais:
        communes[colonne] = vrais[colonne].mask(mayotte | muettes)
    region = membres("region").set_index("commune")["code"]
    return replace(tables, communes=communes), vrais, mayotte, muettes, region


def mesure(tables, code, indicateur):
    lieu = territoire(code)
    return mesurer_cles(*un_territoire(lieu, lieu.code), [indicateur], tables, annee=None, options=None).iloc[0]


@pytest.mark.parametrize("indicateur", ["PS_ALLOC_POP", "PS_COUV_POP", "PS_TAILLE_FOYER"])
def test_une_part_infime_encadre_la_reference_et_mayotte_se_dit(france, indicateur):
    tables, vrais, mayotte, muettes, region = france
    termes = {
        "PS_ALLOC_POP": ("foyers_allocataires_2024", "population_2023", 100),
        "PS_COUV_POP": ("personnes_couvertes_2024", "population_2023", 100),
        "PS_TAILLE_FOYER": ("personnes_couvertes_2024", "foyers_allocataires_2024", 1),
    }
    num, den, facteur = termes[indicateur]
    tout = vrais.join(tables.communes[["population_2023"]].astype(float))
    vraies = tout.index.isin(region.index)
    for code in ("FR", "Centre-Val de Loire"):
        dedans = vraies & ~mayotte if code == "FR" else tout.index.isin(region.index[region.eq("24")])
        ligne = mesure(tables, code, indicateur)
        connues = tout[dedans & ~muettes]
        attendu = facteur * connues[num].sum() / connues[den].sum()
        assert ligne["statut"] == "estime" and ligne["valeur"] == pytest.approx(attendu, rel=1e-9)
        verite = facteur * tout.loc[dedans, num].sum() / tout.loc[dedans, den].sum()
        assert ligne["bas"] <= verite <= ligne["haut"]
        assert ligne["motif"].startswith("hors Mayotte") == (code == "FR")


def test_ce_qui_n_est_qu_ailleurs_ne_fait_pas_une_reference(france):
    tables = france[0]
    communes = tables.communes.copy()
    # Une région sur treize connue : ce n'est plus une part infime qui manque.
    communes.loc[communes["departement"] > "20", "foyers_allocataires_2024"] = np.nan
    ligne = mesure(replace(tables, communes=communes), "FR", "PS_ALLOC_POP")
    assert ligne["statut"] == "non_disponible" and np.isnan(ligne["valeur"])


@pytest.mark.parametrize("indicateur", ["CTX_POP", "CTX_POP_EVOL", "CTX_DENSITE", "PE_TXCOUV_GLOBAL", "PE_TENSION"])
def test_la_france_dit_hors_mayotte(indicateur):
    ligne = mesure(Tables.lire(None), "FR", indicateur)
    assert ligne["motif"].startswith("hors Mayotte") and ligne["valeur"] > 0
    lu = MesuresLues(pd.DataFrame([ligne.to_dict() | {"role": r} for r in ("territoire", "france")]))
    assert lu.france(indicateur) == "France hors Mayotte"


def test_la_population_de_la_france_est_celle_de_ses_regions_sans_mayotte():
    communes = pd.read_parquet("data/communes.parquet")
    communes = communes[communes["type"].eq("COM") & communes["departement"].ne("976")]
    assert mesure(Tables.lire(None), "FR", "CTX_POP")["valeur"] == pytest.approx(communes["population_2023"].sum())


def _table(*annees):
    """Deux termes (ici, la France) et un pair, par territoire ; ``None`` : inconnu."""
    lignes = [
        {"territoire": t, "indicateur": "PE_NAISS", "annee": a or 2025, "millesime": str(a or 2025),
         "valeur": np.nan if a is None else float(a), "motif": ""}
        for t, a in zip(("ici", "fr", "pair"), annees, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(lignes)


def _aligner(premiere, par_annee):
    appels = []

    def mesurer(codes, annee):
        appels.append(annee)
        return par_annee[annee]

    rendue = a_date_egale(
        premiere, [True, True, False], mesurer=mesurer, annees=lambda _: [2022, 2023, 2024, 2025]
    )
    return rendue, appels


def test_la_derniere_annee_commune_l_emporte_et_les_pairs_la_prennent():
    premiere = _table(2025, 2024, 2025)
    rendue, appels = _aligner(premiere, {2024: _table(2024, 2024, 2024)})
    assert rendue["annee"].tolist() == [2024, 2024, 2024] and appels == [2024]
    assert rendue["territoire"].tolist() == premiere["territoire"].tolist()


def test_sans_annee_commune_chaque_ligne_dit_la_sienne():
    seules = {a: _table(a, None, a) for a in (2022, 2023, 2024)}
    rendue, appels = _aligner(_table(2025, 2024, 2025), seules)
    assert appels == [2024, 2023, 2022]
    assert rendue["annee"].tolist() == [2025, 2024, 2025]
    assert "chiffre de 2024" in rendue.at[1, "motif"] and rendue.at[0, "motif"] == ""
    # Ni écart, ni « contre » : deux dates ne se comparent pas.
    lu = MesuresLues(
        rendue.iloc[:2].assign(
            role=["territoire", "france"], statut="exact", unite="%", bas=np.nan, haut=np.nan, libelle="x"
        )
    )
    assert not lu.comparable("PE_NAISS", "france")
    assert lu.ecart("PE_NAISS", "france") is None and lu.contre("PE_NAISS") == ""


def test_un_terme_de_plus_suffit_a_faire_deux_dates():
    avant = {"annee": 2023, "millesime": "équipements 2024, population 2023"}
    assert dates(avant) != dates(avant | {"millesime": "équipements 2025, population 2023"})
    assert dates({"annee": np.int64(2023), "millesime": "décembre 2023"}) == (2023, ("2023",))


def test_le_rapport_de_la_france_ne_compte_pas_les_communes_qu_il_ne_chiffre_pas():
    france = territoire("FR")
    phrase = textes.population(france, MesuresLues(comparer(france, ["CTX_POP", "CTX_POP_EVOL"])), "France")
    assert phrase.startswith("France hors Mayotte : ")
    assert f"dans {len([c for c in france.communes if not c.startswith('976')]):,}".replace(",", "\u202f") in phrase
