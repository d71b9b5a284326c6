"""Ramener au COG : fusions sommées, scissions réparties, taux non repris, villes jamais comptées deux fois."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cafdiag.donnees.lecteurs.au_cog import ENSEMBLE
from cafdiag.donnees.lecteurs.au_cog import tout_ramener as ramener
from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.unitaire


def table(**codes):
    return pd.DataFrame({"code": list(codes), "n": list(codes.values())}).assign(
        code=lambda t: t["code"].str.removeprefix("c"))


def n_de(apres):
    return apres.set_index("code")["n"].to_dict()


def test_un_changement_de_code_garde_tout():
    avant = table(c49069=5.0, c53130=1.0).assign(taux=[12.0, 3.0])
    apres, passages, statuts = ramener(avant, additives=["n"], non_additives=["taux"])
    assert apres.values.tolist() == [["49126", 5.0, 12.0], ["53130", 1.0, 3.0]]
    assert passages["code_origine"].tolist() == ["49069"] and statuts.empty


def test_une_fusion_est_une_somme_et_un_taux_n_y_est_pas_repris():
    avant = table(c08300=1.0, c08439=2.0).assign(taux=[10.0, 20.0])
    apres, passages, statuts = ramener(avant, additives=["n"], non_additives=["taux"])
    assert apres["code"].tolist() == ["08439"] and apres["n"].tolist() == [3.0] and apres["taux"].isna().all()
    assert statuts[["colonne", "statut"]].values.tolist() == [["taux", "non_disponible"]]
    assert passages["code_origine"].tolist() == ["08300"]


@pytest.mark.parametrize("avant", [
    table(c08300=np.nan, c08439=2.0),  # un terme sans valeur
    table(c08300=1.0),                 # le chef-lieu absent
    table(c49069=9.0, c08439=2.0),     # la table est antérieure à 2025, la commune absorbée n'y est pas
], ids=["vide", "chef-lieu", "absorbee"])
def test_un_terme_manque_la_somme_manque(avant):
    apres, _, statuts = ramener(avant, additives=["n"])
    assert np.isnan(n_de(apres)["08439"])
    assert statuts.set_index("code").loc["08439", "statut"] == "non_disponible"


def test_un_terme_perdu_sur_une_ligne_rejetee_manque_aussi():
    seul = table(c08439=2.0)
    assert n_de(ramener(seul, additives=["n"])[0]) == {"08439": 2.0}
    assert np.isnan(n_de(ramener(seul, additives=["n"], perdus={"08300"})[0])["08439"])
    # La sœur d'une commune rétablie a été perdue : la table est postérieure, rien n'est à répartir.
    apres, _, statuts = ramener(table(c60054=5.0), additives=["n"], perdus={"60694"})
    assert n_de(apres) == {"60054": 5.0} and statuts.empty


@pytest.mark.parametrize(("ancien", "cibles"), [
    ("60054", ["60054", "60694"]), ("85084", ["85084", "85165", "85212"]),
    ("15141", ["15031", "15035", "15047", "15141", "15171"])])
def test_une_scission_est_repartie_selon_la_population_et_dite_estimee(ancien, cibles):
    avant = table(**{f"c{ancien}": 100.0}).assign(taux=50.0)
    apres, _, statuts = ramener(avant, additives=["n"], non_additives=["taux"])
    population = lire_table("communes").set_index("code")["population_2023"].reindex(cibles).astype(float)
    attendu = 100 * population / population.sum()
    assert apres["code"].tolist() == cibles
    assert apres["n"].to_numpy() == pytest.approx(attendu.to_numpy()) and apres["n"].sum() == pytest.approx(100)
    assert apres["taux"].isna().all()
    assert set(statuts.loc[statuts["colonne"] == "n", "statut"]) == {"estime"}


def test_une_scission_sans_cle_ou_avec_une_autre_cle():
    avant = table(c60054=100.0)
    apres, _, statuts = ramener(avant, additives=["n"], cle=None)
    assert apres["n"].isna().all() and set(statuts["statut"]) == {"non_disponible"}
    apres, _, _ = ramener(avant, additives=["n"], cle=pd.Series({"60054": 1, "60694": 3}))
    assert apres["n"].tolist() == [25.0, 75.0]
    with pytest.raises(DemandeFausse, match="clé de répartition"):
        ramener(avant, additives=["n"], cle="inconnue")


def test_une_table_deja_scindee_reste_telle_quelle():
    avant = table(c60054=40.0, c60694=60.0)
    apres, passages, statuts = ramener(avant, additives=["n"])
    assert n_de(apres) == {"60054": 40.0, "60694": 60.0} and statuts.empty and passages.empty
    assert n_de(ramener(table(c60054=40.0), additives=["n"], cog=2025)[0]) == {"60054": 40.0}


def test_haut_valromey_fusion_et_densites_contraires():
    avant = table(c01187=650.0, c01330=170.0).assign(densite=[7.0, 6.0])
    apres, _, _ = ramener(avant, additives=["n"], non_additives=["densite"])
    assert n_de(apres) == {"01187": 820.0} and apres["densite"].isna().all()


def test_chaque_annee_pour_elle_meme():
    avant = pd.DataFrame({"code": ["08300", "08439", "08439"], "annee": [2023, 2023, 2025], "n": [1.0, 2.0, 7.0]})
    apres, _, _ = ramener(avant, additives=["n"])
    assert apres.values.tolist() == [["08439", 2023, 3.0], ["08439", 2025, 7.0]]


def test_les_villes_a_arrondissements_ne_comptent_pas_deux_fois():
    arrondissements = [f"751{i:02d}" for i in range(1, 21)]
    avant = pd.DataFrame({"code": arrondissements, "n": 1.0})
    assert n_de(ramener(avant, additives=["n"])[0])["75056"] == 20.0
    publiee = pd.concat([avant, pd.DataFrame({"code": ["75056"], "n": [21.0]})])
    assert n_de(ramener(publiee, additives=["n"])[0])["75056"] == 21.0
    # Un arrondissement manque : pas de somme partielle ; un arrondissement sans valeur : pas de valeur.
    assert "75056" not in n_de(ramener(avant.iloc[1:], additives=["n"])[0])
    assert np.isnan(n_de(ramener(avant.assign(n=[np.nan] + [1.0] * 19), additives=["n"])[0])["75056"])
    assert "75056" not in n_de(ramener(avant, additives=["n"], villes=False)[0])


def test_un_code_inconnu_est_dit_et_n_entre_pas():
    apres, passages, _ = ramener(table(c99999=1.0, c53130=2.0), additives=["n"])
    assert n_de(apres) == {"53130": 2.0}
    assert passages[["code_origine", "statut"]].values.tolist() == [["99999", "inconnu"]]


def test_deux_lignes_pour_un_code_et_colonne_absente():
    with pytest.raises(DemandeFausse, match="deux lignes"):
        ramener(pd.DataFrame({"code": ["53130", "53130"], "n": [1.0, 2.0]}), additives=["n"])
    with pytest.raises(DemandeFausse, match="absente"):
        ramener(table(c53130=1.0), additives=["naissances"])


CODES = sorted({"49069", "08300", "08439", "60054", "85084", "15141", "01187", "01330", "53130", "49126", "75101"})


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(CODES), st.integers(0, 10_000), min_size=1))
def test_rien_ne_se_cree_ni_ne_se_perd(effectifs):
    avant = pd.DataFrame({"code": list(effectifs), "n": [float(v) for v in effectifs.values()]})
    apres, _, _ = ramener(avant.drop_duplicates(), additives=["n"], villes=False)
    assert apres["code"].is_unique
    # Au plus la somme de départ ; égale si aucun terme ne manque.
    assert apres["n"].sum() <= avant["n"].sum() + 1e-6
    if apres["n"].notna().all():
        assert apres["n"].sum() == pytest.approx(avant["n"].sum())


def test_l_ensemble_reste_sous_l_ancien_code():
    apres, _, statuts = ramener(table(c15141=12.0, c53130=1.0), additives=["n"], cle=ENSEMBLE)
    assert n_de(apres) == {"15141": 12.0, "53130": 1.0} and statuts.empty
    # Une médiane de l'ancien ensemble n'est celle d'aucune des communes.
    apres, _, statuts = ramener(table(c15141=21_000.0), additives=[], non_additives=["n"], cle=ENSEMBLE)
    assert apres["n"].isna().all() and statuts["statut"].tolist() == ["non_disponible"]
