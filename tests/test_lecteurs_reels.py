"""Les vrais fichiers de la Cnaf et des listes locales : comptes, totaux publiés, cas connus."""

from __future__ import annotations

import pytest
from test_lecteurs_insee_reels import LUS, REFUSES

from cafdiag.donnees.lecteurs import lire, reconnaitre
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.reels

# Lignes relevées à la main (PROVENANCE.md) : fichier, lecteur, lues, gardées.
FICHIERS = [
    ("cnaf/tx_couverture.csv", "cnaf_taux", 6283, 6259),
    ("cnaf/nbpla_pe_caf.csv", "cnaf_places", 6233, 6233),
    ("cnaf/iris/data_CAF_2017_IRIS.csv", "caf_iris", 13279, 13279),
    ("cnaf/iris/data_CAF_2019_IRIS.csv", "caf_iris", 13424, 13424),
    ("cnaf/iris/data_CAF_2020_IRIS.csv", "caf_iris", 13444, 13444),
    *((f"cnaf/drees/Tab{n}.csv", "drees_departements", 104, 104) for n in (23, 24, 27, 28, 32, 33)),
    ("cnaf/structures/maine-et-loire.json", "structures", 243, 47),
]


@pytest.mark.parametrize(("fichier", "lecteur", "lues", "gardees"), FICHIERS, ids=[f[0] for f in FICHIERS])
def test_chaque_vrai_fichier(fichiers_reels, fichier, lecteur, lues, gardees):
    chemin = fichiers_reels / fichier
    assert reconnaitre(chemin) == lecteur
    compte = lire(chemin).compte_rendu
    assert (compte.lues, compte.gardees) == (lues, gardees)
    assert len(compte.rejets) == lues - gardees


def test_les_places_egalent_le_releve_et_2022_n_est_pas_le_courant(fichiers_reels):
    lue = lire(fichiers_reels / "cnaf/nbpla_pe_caf.csv").table
    assert set(lue["serie"]) == {"hist"}
    releve = lire_table("places_communes")
    paires = releve.merge(lue[lue["annee"] == 2022], on="code")
    assert len(paires) == len(releve)
    assert (paires["places_EAJE_ensemble"].astype(float) == paires["places_eaje"]).all()
    paris = lue[(lue["code"] == "75056") & (lue["annee"] == 2022)]
    arrondissements = lue[lue["code"].str.startswith("751") & (lue["annee"] == 2022)]
    assert paris["places_eaje"].item() == arrondissements["places_eaje"].sum()


def test_oree_d_anjou_garde_sa_serie_sous_son_nouveau_code(fichiers_reels):
    lue = lire(fichiers_reels / "cnaf/tx_couverture.csv")
    assert len(lue.table[lue.table["code"] == "49126"]) == 6
    assert lue.compte_rendu.codes_passes["49069"] == "49126"


def test_le_secret_a_l_iris_n_est_jamais_un_zero(fichiers_reels):
    chemin = fichiers_reels / "cnaf/iris/data_CAF_2020_IRIS.csv"
    brut, table = lire_tableau(chemin).table, lire(chemin).table
    blancs = brut.loc[brut["A"].eq(""), "CODGEO"]
    caches = table[table["code"].isin(blancs)]
    assert len(caches) == len(blancs) and caches["foyers_allocataires"].isna().all()
    assert caches["foyers_allocataires__statut"].eq("secret").all()
    # Une commune n'a de total que si aucun de ses IRIS n'est caché.
    assert not set(table.loc[table["maille"] == "commune", "code"]) & set(blancs.str[:5])
    entieres = brut[~brut["CODGEO"].str[:5].isin(blancs.str[:5])]
    assert (
        table.loc[table["maille"] == "commune", "foyers_allocataires"].sum()
        == entieres["A"].astype(float).sum()
    )


def test_drees_de_l_ain(fichiers_reels):
    table = lire(fichiers_reels / "cnaf/drees/Tab28.csv").table.set_index(["code", "annee"])
    assert table.loc[("01", 2023), "valeur"] == 3918 and table.loc[("20", 2023), "valeur"] == 2226


def test_structures_du_maine_et_loire(fichiers_reels):
    table = lire(fichiers_reels / "cnaf/structures/maine-et-loire.json").table
    assert table["code"].str.startswith("49").all() and table["lon"].between(-1.4, 0.3).all()
    evs = set(table.loc[table["type"] == "evs", "nom"])
    assert {"Espace de vie sociale CantoJeunes", "Association SCOOPE", "Association Vivre ensemble"} == evs
    assert "Espace de vie sociale CantoJeunes" not in set(table.loc[table["type"] == "centre_social", "nom"])


def test_les_sept_lieux_ne_sont_comptes_qu_une_fois(fichiers_reels):
    lue = lire(fichiers_reels / "cnaf/structures/hinaura_source.json")
    # 573 lieux sont hors sujet, en double, ou dans une commune que leur point contredit.
    assert lue.compte_rendu.lues == 687 and 110 <= lue.compte_rendu.gardees <= 118
    assert lue.table["nom"].str.lower().eq("centre social les 7 lieux").sum() == 1
    assert any("50 m" in r.raison and "7 lieux" in r.valeur for r in lue.compte_rendu.rejets)


def test_tous_les_vrais_fichiers_sont_lus_ou_refuses_avec_une_raison(fichiers_reels):
    vus = 0
    for chemin in sorted(fichiers_reels.rglob("*")):
        if chemin.is_dir() or chemin.suffix == ".md":
            continue
        vus += 1
        # Ceux-là ont leurs comptes, ligne à ligne, dans un autre essai.
        if chemin.relative_to(fichiers_reels).as_posix() in {**LUS, **REFUSES}:
            continue
        try:
            compte = lire(chemin).compte_rendu
        except EntreeFautive as refus:
            assert refus.defauts and "signalez ce fichier" not in str(refus), str(refus)
        else:
            assert compte.lues == compte.gardees + len(compte.rejets) + sum(compte.de_cote.values()) > 0
    assert vus > 30
