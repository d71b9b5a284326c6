"""Embarqué et importé réunis : l'import remplit des cases, un secret reste vide, deux séries ne se mêlent pas."""

import numpy as np
import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.donnees import entrepot, tables_assemblees
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture

AILLEURS = "200054807"  # Aix-Marseille-Provence, hors des quatre départements


@pytest.fixture
def entrepot_neuf(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))


def ajouter(jeu, table, annees=(2024,)):
    n = len(table)
    compte = CompteRendu(
        fichier=f"{jeu}.csv",
        jeu=jeu,
        lues=n,
        gardees=n,
        rejets=[],
        codes_passes={},
        codes_inconnus=[],
        remarques=[],
        empreinte="0" * 64,
    )
    entrepot.ajouter(
        Lecture(
            jeu=jeu, table=table, compte_rendu=compte, annees=annees, source="essai", millesime=str(annees[0])
        )
    )


def test_un_import_donne_ses_chapitres_a_n_importe_quel_epci(entrepot_neuf, monkeypatch):
    avant = cd.mesurer(AILLEURS).set_index("indicateur")
    assert avant.loc["PS_COUV_POP", "statut"] == "non_disponible"
    communes = cd.territoire(AILLEURS).communes
    ajouter(
        "communes",
        pd.DataFrame(
            {
                "code": communes,
                "personnes_couvertes_2024": 1000.0,
                "foyers_allocataires_2024": 500.0,
                "frr_2025": "Non classée",
            }
        ),
    )
    lectures, vraie = [], entrepot.lire_manifeste
    monkeypatch.setattr(entrepot, "lire_manifeste", lambda: lectures.append(1) or vraie())
    apres = cd.mesurer(AILLEURS).set_index("indicateur")
    # Cent calculs demandent l'état de l'entrepôt : son manifeste ne se lit qu'une fois.
    assert len(lectures) == 1
    assert apres.loc["PS_TAILLE_FOYER", "valeur"] == 2.0
    assert apres.loc["PS_COUV_POP", "numerateur"] == 1000 * len(communes)
    assert (apres.loc["CTX_COM_FRR", "valeur"], apres.loc["CTX_COM_FRR", "statut"]) == (0, "exact")


def test_chaque_territoire_prend_l_annee_la_plus_recente_ou_tout_est_connu(entrepot_neuf):
    communes = cd.territoire(AILLEURS).communes
    table = pd.DataFrame({"code": communes, "naissances_2025": 10.0, "naissances_2026": 20.0})
    table.loc[0, "naissances_2026"] = np.nan
    ajouter("communes", table)
    ligne = cd.mesurer(AILLEURS, ["PE_NAISS"]).iloc[0]
    assert (ligne["valeur"], ligne["annee"], ligne["millesime"]) == (10 * len(communes), 2025, "2025")
    assert cd.mesurer("200048551", ["PE_NAISS"]).iloc[0]["annee"] == 2025


def test_denominateur_a_l_annee_de_son_numerateur(entrepot_neuf):
    communes = cd.territoire(AILLEURS).communes
    ajouter("communes", pd.DataFrame({"code": communes, "pop_2021_0_19": 100.0}), annees=(2021,))
    ligne = cd.mesurer(AILLEURS, ["CTX_PART_0_19"]).iloc[0]
    population = cd.mesurer(AILLEURS, ["CTX_POP"], annee=2021).iloc[0]["valeur"]
    assert ligne["annee"] == 2021 and ligne["denominateur"] == population and "2021" in ligne["millesime"]


def test_secret_importe_reste_vide(entrepot_neuf):
    ajouter(
        "communes",
        pd.DataFrame(
            {"code": ["53012"], "taux_pauvrete_2021": [np.nan], "taux_pauvrete_2021__statut": ["secret"]}
        ),
    )
    assert np.isnan(tables_assemblees.communes().loc["53012", "taux_pauvrete_2021"])


def test_import_l_emporte_et_le_reste_ne_bouge_pas(entrepot_neuf):
    avant = tables_assemblees.communes().copy()
    ajouter("communes", pd.DataFrame({"code": ["53084"], "naissances_2025": [999.0]}))
    apres = tables_assemblees.communes()
    assert apres.loc["53084", "naissances_2025"] == 999
    autres = avant.index.drop("53084")
    pd.testing.assert_series_equal(
        apres.loc[autres, "naissances_2025"].astype(float), avant.loc[autres, "naissances_2025"].astype(float)
    )
    assert set(avant.columns) <= set(apres.columns)


def test_deux_series_de_la_cnaf_ne_se_melangent_pas(entrepot_neuf):
    lignes = {
        "maille": "epci",
        "code": ["200048551", "200048551", "200048551"],
        "annee": [2022, 2022, 2023],
        "txcouv": [57.1, 57.4, 11.0],
        "serie": ["hist", "courante", "hist"],
    }
    ajouter("taux_couverture", pd.DataFrame(lignes), annees=(2022, 2023))
    taux = tables_assemblees.taux_couverture().query("code == '200048551'").set_index("annee")["txcouv"]
    assert taux.to_dict() == {2022: 57.4, 2023: 79.9}
    assert cd.mesurer("200048551", ["PE_TXCOUV_GLOBAL"], annee=2022).iloc[0]["valeur"] == 57.4
    assert cd.mesurer("200048551", ["PE_TXCOUV_GLOBAL"]).iloc[0]["valeur"] == 79.9


def test_structure_importee_rejoint_la_liste(entrepot_neuf):
    from cafdiag.donnees.communes import structures_connues

    ajouter(
        "structures",
        pd.DataFrame(
            {
                "type": ["centre_social"],
                "nom": ["Centre neuf"],
                "code": ["53084"],
                "lon": [-0.95],
                "lat": [47.85],
                "annee": [2024],
                "source": ["essai"],
            }
        ),
    )
    assert "Centre neuf" in set(structures_connues()["nom"])


def test_un_fichier_d_epci_importe_seul_ne_fait_pas_perdre_les_references(entrepot_neuf):
    ajouter(
        "taux_couverture",
        pd.DataFrame(
            {
                "maille": ["epci"],
                "code": ["200048551"],
                "annee": [2024],
                "txcouv": [79.2],
                "serie": ["courante"],
            }
        ),
    )
    table = cd.comparer("200048551", ["PE_TXCOUV_GLOBAL", "PE_ECART_REF"])
    publies = table[table["role"].ne("comparables")]
    assert table["annee"].eq(2023).all() and len(publies) == 8
    # Seule la France n'a pas d'écart à elle-même.
    muets = publies[publies["valeur"].isna()]
    assert muets[["role", "indicateur", "statut"]].to_numpy().tolist() == [["france", "PE_ECART_REF", "sans_objet"]]
    demande = cd.comparer("200048551", ["PE_TXCOUV_GLOBAL", "PE_ECART_REF"], annee=2024).set_index(
        ["role", "indicateur"]
    )
    assert demande.loc[("territoire", "PE_TXCOUV_GLOBAL"), "valeur"] == 79.2
    assert demande.loc[("territoire", "PE_TXCOUV_GLOBAL"), "millesime"] == "décembre 2024"
    assert demande.loc[("france", "PE_TXCOUV_GLOBAL"), "statut"] == "non_disponible"
    assert demande.loc[("territoire", "PE_ECART_REF"), "statut"] == "non_disponible"


def test_evolution_des_naissances_sur_les_annees_importees(entrepot_neuf):
    """Naissances de 2018 à 2025 importées : 2023-2025 rapportées à 2019-2021."""
    communes = cd.territoire(AILLEURS).communes
    naissances = {f"naissances_{a}": float(100 - a + 2018) for a in range(2018, 2026)}
    ajouter("communes", pd.DataFrame({"code": communes, **naissances}))
    ligne = cd.mesurer(AILLEURS, ["PE_NAISS_EVOL"]).iloc[0]
    assert (ligne["annee"], ligne["millesime"]) == (2025, "2019-2021 et 2023-2025")
    assert ligne["valeur"] == pytest.approx(100 * ((95 + 94 + 93) / (99 + 98 + 97) - 1))
    assert cd.mesurer("200048551", ["PE_NAISS_EVOL"]).iloc[0]["annee"] == 2025


def test_densite_tiree_de_la_base_des_equipements_dit_sa_source(entrepot_neuf):
    """Une mesure tirée d'un import ne porte pas la source du dictionnaire, et ne mêle pas deux éditions."""
    communes = cd.territoire(AILLEURS).communes
    bpe = {"bpe2024_centre_social": 1.0, "bpe2024_evs": 1.0, "bpe2025_centre_social": 5.0}
    ajouter("communes", pd.DataFrame({"code": communes, **bpe}))
    ligne = cd.mesurer(AILLEURS, ["AVS_DENS"]).iloc[0]
    assert ligne["numerateur"] == 2 * len(communes)
    assert "équipements" in ligne["source"] and "listes" not in ligne["source"]
    assert ligne["millesime"] == "équipements 2024, population 2023"
    assert "listes" in cd.mesurer("200048551", ["AVS_DENS"]).iloc[0]["source"]


def test_une_commune_scindee_ne_fait_pas_taire_l_acces_de_son_epci(entrepot_neuf):
    """Neussargues en Pinatelle, scindée en 2025 : les âges des cinq communes sont à l'ancien code."""
    communes = cd.territoire("200066637").communes
    ajouter("communes", pd.DataFrame({"code": communes, "bpe2025_alsh": 1.0}))
    table = cd.mesurer("200066637", ["EJ_ENF_311", "EJ_ALSH_PART_X_KM"]).set_index("indicateur")
    assert table.at["EJ_ALSH_PART_X_KM", "valeur"] == 100 and table.at["EJ_ALSH_PART_X_KM", "motif"] == ""
    assert table.at["EJ_ALSH_PART_X_KM", "numerateur"] == table.at["EJ_ENF_311", "valeur"]


def test_sans_habitant_ou_sans_structure_rien_n_est_a_fournir(entrepot_neuf):
    """Un dénominateur nul est « sans objet », et la base des équipements suffit à le dire."""
    ajouter(
        "communes",
        pd.DataFrame({"code": ["55039", "53012"], "bpe2025_centre_social": 0.0, "bpe2025_evs": 0.0}),
    )
    for commune, code, motif in (("55039", "AVS_DENS", "le dénominateur est nul"),
                                 ("53012", "AVS_EVS_PART_RURAL", "aucun espace de vie sociale")):  # fmt: skip
        ligne = cd.mesurer(commune, [code]).iloc[0]
        assert (ligne["statut"], ligne["motif"]) == ("sans_objet", motif)
    assert "équipements" in ligne["source"]
