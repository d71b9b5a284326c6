"""Mesures : les chiffres attendus de l'usage, les mailles, les manquants."""

import math

import numpy as np
import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.donnees import Apports, table_communes
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import annees_disponibles, dictionnaire
from cafdiag.indicateurs.contexte import Contexte, premiere_connue
from cafdiag.indicateurs.mesures import COLONNES
from cafdiag.magasin import dossier

CRAON = "200048551"
SANS_VALEUR = {"secret", "non_disponible", "sans_objet"}


def valeur(code, indicateur, **options):
    return cd.mesurer(code, [indicateur], **options).iloc[0]


@pytest.mark.parametrize(
    ("code", "indicateur", "attendu"),
    [
        (CRAON, "PE_TXCOUV_GLOBAL", 79.9),
        (CRAON, "PE_TXCOUV_EAJE", 9.6),
        ("53", "PE_TXCOUV_GLOBAL", 78.0),
        ("France", "PE_TXCOUV_GLOBAL", 60.9),
        ("France", "PE_TXCOUV_EAJE", 23.5),
        ("France", "PE_TXCOUV_AM", 31.9),
        ("85", "PE_TXCOUV_GLOBAL", 85.7),
        ("75", "PE_TXCOUV_GLOBAL", 74.4),
        ("93", "PE_TXCOUV_GLOBAL", 39.4),
        ("48", "PE_TXCOUV_GLOBAL", 63.7),
        ("2A", "PE_TXCOUV_GLOBAL", 38.9),
        ("973", "PE_TXCOUV_GLOBAL", 13.4),
        ("200070555", "PE_TXCOUV_GLOBAL", 89.7),
        ("200071363", "PE_TXCOUV_GLOBAL", 64.4),
        ("92033", "PE_TXCOUV_GLOBAL", 111.0),
        ("13108", "PE_TXCOUV_GLOBAL", 27.1),
    ],
)
def test_taux_publies(code, indicateur, attendu):
    ligne = valeur(code, indicateur)
    assert (ligne["valeur"], ligne["statut"], ligne["annee"]) == (attendu, "exact", 2023)
    assert ligne["source"].startswith("Cnaf")


def test_pays_de_craon_est_rural_sans_qpv():
    table = cd.mesurer(CRAON).set_index("indicateur")
    assert table.loc["CTX_COM_FRR", "valeur"] == 37 and table.loc["CTX_COM_ZRR", "valeur"] == 37
    assert table.loc["CTX_PART_RURAL", "valeur"] == 100
    for code in ("AVS_QPV_COUV", "AVS_QPV_HAB_COUV", "AVS_CS_PAR_QPV"):
        assert table.loc[code, "statut"] == "sans_objet" and math.isnan(table.loc[code, "valeur"])
        assert "aucun quartier prioritaire" in table.loc[code, "motif"]
    assert table.loc["CTX_QPV_NB", "valeur"] == 0 and table.loc["CTX_QPV_NB", "statut"] == "exact"


def test_couverture_caf_du_pays_de_craon_retrouve_les_ordres_du_livret():
    # Livret Caf 53 : 12 650 / 28 752 = 44,0 % ; 4 335 / 28 752 = 15,1 % ; 2,92 personnes par foyer.
    population_2018 = cd.lister("epci", recherche="Pays de Craon")
    assert len(population_2018) == 1
    from cafdiag.donnees import evaluer

    craon = table_communes().loc[list(cd.territoire(CRAON).communes)]
    assert evaluer(craon, "population_2018")["valeur"].sum() == 28752
    couverture = valeur(CRAON, "PS_COUV_POP")
    assert couverture["statut"] == "arrondi"
    assert couverture["bas"] < couverture["valeur"] < couverture["haut"] < 44.0


def test_naissances_de_trois_ans_contre_le_denominateur_de_la_cnaf():
    # GC-07 : 707 enfants reconstitués sans ambiguïté ; 703 par les naissances, soit -0,6 %.
    ligne = valeur("200070555", "PE_ENF_M3", annee=2023)
    assert ligne["valeur"] == 703 and ligne["statut"] == "estime"
    assert round(100 * (ligne["valeur"] / 707 - 1), 1) == -0.6


def test_commune_sous_10_000_habitants_se_tait_et_dit_pourquoi():
    ligne = valeur("53084", "PE_TXCOUV_GLOBAL")
    assert ligne["statut"] == "non_disponible" and "10 000" in ligne["motif"]


def test_paris_commune_prend_le_departement_et_le_dit():
    ligne = valeur("75056", "PE_TXCOUV_GLOBAL")
    assert (ligne["valeur"], ligne["maille_source"]) == (74.4, "departement")


def test_lyon_et_marseille_se_taisent_faute_d_arrondissements():
    for code in ("13055", "69123", "13201"):
        ligne = valeur(code, "PE_TXCOUV_GLOBAL")
        assert ligne["statut"] == "non_disponible" and "arrondissement" in ligne["motif"]


@pytest.mark.parametrize(("manque", "bornes"), [([], (34.4, 64.4)), (["13202"], None), (["13201", "13216"], None)])
def test_lyon_et_marseille_bornees_quand_tous_leurs_arrondissements_sont_la(manque, bornes):
    from cafdiag.indicateurs.petite_enfance import publie

    taux = pd.DataFrame(
        [("commune", str(13201 + i), 2023, 34.4 + 2 * i) for i in range(16)] + [("commune", "69381", 2023, 90.0)],
        columns=["maille", "code", "annee", "txcouv"],
    )
    taux = taux[~taux["code"].isin(manque)]
    ville = pd.DataFrame({"maille": "commune", "officiel": "13055", "nom": "Marseille"}, index=["13055"])
    contexte = Contexte(
        ville,
        pd.DataFrame({"commune": ["13055"], "code": ["13055"]}),
        table_communes(),
        taux,
        pd.DataFrame(),
        pd.DataFrame(),
        Apports(),
    )
    ligne = publie(contexte, pd.Series({"numerateur": "txcouv"})).iloc[0]
    assert ligne["statut"] == "non_disponible"
    if bornes:
        assert (ligne["bas"], ligne["haut"]) == bornes
    else:
        # Celui qui manque peut être le plus bas ou le plus haut.
        assert pd.isna(ligne["bas"]) and pd.isna(ligne["haut"])
        assert f"{len(manque)} des 16 arrondissements" in ligne["motif"]


def test_lignes_fictives_absentes_des_mailles():
    epci = cd.mesurer_maille("epci", ["PE_TXCOUV_GLOBAL"])
    assert "XX" not in set(epci["territoire"]) and epci["valeur"].max() == 160.5
    assert epci["valeur"].min() == 2.7
    # Les cinq EPCI de Mayotte, et ceux de 2025 qui ont gagné ou perdu une commune en 2026.
    passage = pd.read_csv(dossier("data") / "faits" / "passage_epci_2025_2026.csv", dtype="str")
    changes = set(cd.lister("epci")["code"]) & set(passage["epci_2025"]) | set(passage["epci_2026"]) - {
        "992367730", "994579670"
    }  # fmt: skip
    sans = epci[epci["statut"].eq("non_disponible")]
    mayotte = set(cd.lister("epci", departement="976")["code"])
    assert len(changes) == 6 and len(mayotte) == 5 and set(sans["territoire"]) == changes | mayotte
    assert "COM" not in set(cd.mesurer_maille("region", ["PE_TXCOUV_GLOBAL"])["territoire"])


def test_deux_epci_ne_donnent_jamais_la_moyenne_de_leurs_taux():
    craon, laval = cd.territoire(CRAON), cd.territoire("Laval Agglomération")
    union = cd.perimetre("Craon et Laval", [*craon.communes, *laval.communes])
    taux = [valeur(t.code, "PE_TXCOUV_GLOBAL")["valeur"] for t in (craon, laval)]
    poids = [valeur(t.code, "PE_ENF_M3", annee=2023)["valeur"] for t in (craon, laval)]
    ligne = valeur(union, "PE_TXCOUV_GLOBAL")
    assert ligne["statut"] == "estime" and (ligne["bas"], ligne["haut"]) == (min(taux), max(taux))
    assert ligne["valeur"] == pytest.approx(np.average(taux, weights=poids))
    assert abs(ligne["valeur"] - np.mean(taux)) > 0.5


def test_perimetre_egal_a_l_epci_quand_il_a_ses_communes():
    craon = cd.territoire(CRAON)
    libre = cd.mesurer(cd.perimetre("tout", list(craon.communes))).set_index("indicateur")
    officiel = cd.mesurer(craon).set_index("indicateur")
    pd.testing.assert_series_equal(libre["valeur"], officiel["valeur"])
    pd.testing.assert_series_equal(libre["statut"], officiel["statut"])


def test_perimetre_de_departements_a_leur_rapport_de_sommes():
    """Le Grand Paris est coupé, ses deux départements non : Paris et la Seine-Saint-Denis ont chacun leur taux."""
    taux, enfants = (
        [valeur(f"departement:{d}", code)["valeur"] for d in ("75", "93")] for code in ("PE_TXCOUV_GLOBAL", "PE_ENF_M3")
    )
    ligne = valeur("departement:75+departement:93", "PE_TXCOUV_GLOBAL")
    assert (ligne["statut"], ligne["maille_source"]) == ("estime", "departement")
    assert ligne["valeur"] == pytest.approx(np.dot(taux, enfants) / sum(enfants))
    assert (ligne["bas"], ligne["haut"]) == (min(taux), max(taux)) and "2 départements" in ligne["motif"]
    seul = valeur(cd.perimetre("Sarthe entière", cd.territoire("72").communes), "PE_TXCOUV_GLOBAL")
    assert seul["statut"] == "exact" and seul["valeur"] == valeur("departement:72", "PE_TXCOUV_GLOBAL")["valeur"]
    mixte = valeur("departement:53+244900015", "PE_TXCOUV_GLOBAL")
    assert "1 département et 1 EPCI" in mixte["motif"] and mixte["bas"] < mixte["valeur"] < mixte["haut"]
    # Les unités les plus larges l'emportent : la Corse n'est pas la somme de ses EPCI, ni la Bretagne (53) la Mayenne.
    corse = valeur("2A+2B", "PE_TXCOUV_GLOBAL")
    assert (corse["statut"], corse["maille_source"]) == ("exact", "region")
    assert corse["valeur"] == valeur("region:94", "PE_TXCOUV_GLOBAL")["valeur"]
    ouest = valeur("region:53+departement:53", "PE_TXCOUV_GLOBAL")
    assert "1 région et 1 département" in ouest["motif"]
    assert [ouest["bas"], ouest["haut"]] == [valeur(c, "PE_TXCOUV_GLOBAL")["valeur"] for c in ("region:53", "53")]


@pytest.mark.parametrize(("code", "roles"), [
    ("departement:75+departement:93", ["territoire", "region", "france"]),
    ("region:52+region:53", ["territoire", "france"]),
    ("53012+53084", ["territoire", "departement", "region", "france"]),
])  # fmt: skip
def test_un_perimetre_ne_se_compare_pas_a_l_un_de_ses_morceaux(code, roles):
    assert cd.comparer(code, ["PE_TXCOUV_GLOBAL"])["role"].drop_duplicates().tolist() == roles


def test_perimetre_qui_coupe_un_epci_se_tait():
    ligne = valeur(cd.perimetre("pôle", ["53084", "53012"]), "PE_TXCOUV_GLOBAL")
    assert ligne["statut"] == "non_disponible" and "ne se découpe pas" in ligne["motif"]


def test_hors_des_quatre_departements_le_cercle_1_suffit():
    table = cd.mesurer("200054807").set_index("indicateur")
    assert table.loc["CTX_POP", "statut"] == "exact" and table.loc["PE_TXCOUV_GLOBAL", "statut"] == "exact"
    assert table.loc["PE_NAISS", "statut"] == "exact" and table.loc["PE_NAISS", "annee"] == 2024
    assert table.loc["PS_COUV_POP", "statut"] == "non_disponible"
    assert "Mayenne seulement" in table.loc["PS_COUV_POP", "motif"]


@pytest.mark.parametrize("maille", ["commune", "epci", "departement", "region", "france"])
def test_toute_mesure_est_complete(maille):
    # Une commune sur quinze, de chaque département : les trente-cinq mille prendraient plus d'une minute.
    codes = cd.lister("commune")["code"].tolist()[::15] if maille == "commune" else None
    table = cd.mesurer_maille(maille, codes=codes)
    assert list(table.columns) == COLONNES
    assert set(table["statut"]) <= {"exact", "estime", "arrondi", *SANS_VALEUR}
    muettes = table["statut"].isin(SANS_VALEUR)
    assert table.loc[muettes, "valeur"].isna().all() and table.loc[~muettes, "valeur"].notna().all()
    assert table.loc[muettes, "motif"].str.len().gt(5).all()
    assert table.loc[~muettes, "source"].str.len().gt(3).all()
    assert table.loc[~muettes, "millesime"].str.len().gt(3).all()
    encadre = table["bas"].notna() & table["haut"].notna() & table["valeur"].notna()
    assert (table.loc[encadre, "bas"] <= table.loc[encadre, "valeur"] + 1e-9).all()
    assert (table.loc[encadre, "valeur"] <= table.loc[encadre, "haut"] + 1e-9).all()
    assert not table.duplicated(["territoire", "indicateur"]).any()


@pytest.mark.parametrize("code", ["200048551", "244900015", "53"])
def test_un_territoire_vaut_sa_ligne_dans_la_maille(code):
    seul = cd.mesurer(code).set_index("indicateur")
    maille = (
        cd.mesurer_maille(cd.territoire(code).maille).query("territoire == @code").set_index("indicateur")
    )
    pd.testing.assert_frame_equal(seul, maille.loc[seul.index], check_dtype=False)


def test_agregation_commute_avec_la_maille():
    """Somme des communes = somme des EPCI entiers = département, pour les grandeurs additives."""
    # Une projection ne se fait pas sous 2 000 habitants : ses communes n'ont pas toutes de valeur à sommer.
    additifs = [c for c, r in dictionnaire()["regle"].items() if r == "A2" and c != "PE_ENF_M3_5ANS"]
    departement = cd.mesurer("53", additifs).set_index("indicateur")["valeur"]
    communes = cd.mesurer_maille("commune", additifs, departement="53")
    # min_count : une somme de manquants reste manquante.
    somme = communes.groupby("indicateur")["valeur"].agg(lambda s: s.sum(skipna=False))
    pd.testing.assert_series_equal(somme[departement.dropna().index], departement.dropna(), check_names=False)


def test_annee_sans_donnee_dit_les_annees_connues():
    ligne = valeur(CRAON, "PE_NAISS", annee=2007)
    assert ligne["statut"] == "non_disponible" and "2019" in ligne["motif"]
    assert valeur(CRAON, "PE_NAISS", annee=2023)["annee"] == 2023
    assert annees_disponibles("PE_TXCOUV_GLOBAL") == [2023]


@pytest.mark.parametrize("faux", [[1], ["PE_TXCOUV"], ["INCONNU", "AUTRE"]])
def test_indicateur_inconnu_refuse_en_les_nommant_tous(faux):
    with pytest.raises(DemandeFausse) as capture:
        cd.mesurer(CRAON, faux)
    assert all(str(f) in str(capture.value) for f in faux)


def test_code_en_entier_refuse():
    with pytest.raises(DemandeFausse, match="guillemets"):
        cd.mesurer(200048551)
    with pytest.raises(DemandeFausse, match="entier"):
        cd.mesurer(CRAON, annee="2023")


def test_comparer_donne_les_quatre_etages_et_les_comparables():
    table = cd.comparer(CRAON, ["PE_TXCOUV_GLOBAL"]).set_index("role")["valeur"]
    assert table.index[-1] == "comparables"
    publies = {"territoire": 79.9, "departement": 78.0, "region": 76.6, "france": 60.9}
    assert table.drop("comparables").to_dict() == publies


def test_qpv_ne_prend_pas_les_chiffres_de_sa_commune():
    ligne = valeur("QN04901M", "CTX_POP")
    assert ligne["statut"] == "non_disponible" and "pas au quartier" in ligne["motif"]


def test_listes_partielles_bornent_ou_se_taisent():
    angers = cd.mesurer("Angers Loire Métropole").set_index("indicateur")
    # Des centres de deux communes voisines ne sont confirmés par personne : leurs quartiers ne sont pas dits couverts.
    quartiers = angers.loc["AVS_QPV_COUV"]
    assert quartiers["statut"] == "non_disponible" and 50 < quartiers["bas"] < 100 and "minorant" in quartiers["motif"]
    ville = cd.mesurer("49007", ["AVS_QPV_COUV"]).iloc[0]
    assert (ville["statut"], ville["valeur"]) == ("estime", 100) and "commune" in ville["motif"]
    assert angers.loc["AVS_EVS_PART_RURAL", "statut"] == "non_disponible"
    assert angers.loc["AVS_DENS", "statut"] == "non_disponible" and angers.loc["AVS_DENS", "bas"] > 0
    assert angers.loc["AVS_CS_PAR_QPV", "bas"] > 0


def test_apports_vides_ne_changent_rien():
    pd.testing.assert_frame_equal(cd.mesurer(CRAON), cd.mesurer(CRAON, apports=Apports()))


def test_distance_aux_accueils_de_loisirs_au_choix():
    parts = [valeur("53", "EJ_ALSH_PART_X_KM", options=cd.Options(distance_alsh_km=x)) for x in (1, 3, 5)]
    valeurs = [p["bas"] if math.isnan(p["valeur"]) else p["valeur"] for p in parts]
    assert valeurs == sorted(valeurs) and valeurs[0] < valeurs[-1]
    assert "3 km" in parts[1]["libelle"]
    for faux in ("loin", 0, -3, 1000):
        with pytest.raises(DemandeFausse, match="km"):
            cd.Options(distance_alsh_km=faux)
    with pytest.raises(DemandeFausse, match="stricte"):
        cd.Options(definition_qpv="large")


def test_au_moins_seulement_quand_presque_tout_est_connu():
    mayenne, region = (valeur(c, "PE_NB_EAJE") for c in ("53", "region:52"))
    assert mayenne["statut"] == "non_disponible" and mayenne["bas"] > 30 and "au moins" in mayenne["motif"]
    assert region["statut"] == "non_disponible" and math.isnan(region["bas"])


def test_une_commune_muette_ne_fait_pas_taire_tout_un_departement():
    """08332 n'a pas de donnée Caf : la part des autres est donnée, encadrée comme si tous ou personne."""
    ligne = valeur("08", "PS_COUV_POP")
    table = table_communes()
    ardennes = table[table["departement"].eq("08")]
    connues = ardennes["personnes_couvertes_2024"].notna()
    attendu = (
        100
        * ardennes.loc[connues, "personnes_couvertes_2024"].sum()
        / float(ardennes.loc[connues, "population_2023"].sum())
    )
    assert ligne["statut"] == "estime" and ligne["valeur"] == pytest.approx(attendu)
    assert ligne["bas"] < attendu < ligne["haut"] < attendu + 0.5
    assert "Oches" in ligne["motif"]


def test_un_taux_arrondi_trop_large_n_est_pas_montre():
    """domaine.md §5.3 : rien au-delà de ± 3 points."""
    communes = cd.mesurer_maille("commune", ["PS_ALLOC_POP", "PS_COUV_POP"], departement="08")
    montrees = communes[communes["valeur"].notna()]
    assert ((montrees["haut"] - montrees["bas"]) / 2 <= 3 + 1e-9).all()
    cachees = communes[communes["motif"].str.contains("trop large")]
    assert len(cachees) > 5 and (((cachees["haut"] - cachees["bas"]) / 2 > 3) | cachees["haut"].isna()).all()


def test_un_zero_arrondi_n_est_pas_sans_objet():
    foyers = cd.mesurer_maille("commune", ["PS_TAILLE_FOYER"], departement="08")
    zeros = foyers[foyers["denominateur"].eq(0)]
    assert len(zeros) and zeros["statut"].eq("non_disponible").all()


def test_motifs_disent_la_vraie_raison():
    assert "seulement" not in valeur("976", "CTX_POP")["motif"]
    assert "classement" in valeur("01", "CTX_COM_FRR")["motif"]
    assert "Haut Valromey" in valeur("01", "CTX_COM_FRR")["motif"]


@pytest.mark.parametrize("code", ["75056", "974", "France"])
def test_un_territoire_ne_se_compare_pas_a_lui_meme(code):
    table = cd.comparer(code, ["PE_TXCOUV_GLOBAL"])
    t = cd.territoire(code)
    assert "territoire" in set(table["role"])
    for role in set(table["role"]) - {"territoire", "comparables"}:
        assert set(t.parents[role].communes) != set(t.communes)


@pytest.mark.parametrize("annee", [2019, 2021, 2023, 2024, 2025])
def test_une_annee_demandee_est_l_annee_rendue(annee):
    table = cd.mesurer(CRAON, annee=annee)
    assert table["annee"].eq(annee).all() and table["valeur"].notna().any()
    connues = table[table["valeur"].notna()]
    assert connues["indicateur"].map(lambda c: annee in annees_disponibles(c)).all()


def test_ce_qui_se_deduit_d_un_taux_encadre_l_est_aussi():
    """Deux EPCI entiers : un taux entre 44,6 et 91,9 ne donne ni écart, ni tension, ni besoin au dixième près."""
    deux = cd.perimetre("mixte", ["240100750", "200042497"])
    codes = ["PE_TXCOUV_GLOBAL", "PE_ECART_REF", "PE_RATIO_REF", "PE_TENSION", "PE_BESOIN_CIBLE"]
    m = cd.mesurer(deux, codes).set_index("indicateur")
    taux = m.loc["PE_TXCOUV_GLOBAL"]
    assert (taux["bas"], taux["haut"], taux["statut"]) == (44.6, 91.9, "estime")
    # Chaque taux publié est à 0,05 près ; celui de la France (60,9) aussi.
    assert m.loc["PE_ECART_REF", ["bas", "haut"]].tolist() == pytest.approx([44.55 - 60.95, 91.95 - 60.85])
    assert m.loc["PE_RATIO_REF", ["bas", "haut"]].tolist() == pytest.approx([44.55 / 60.95, 91.95 / 60.85])
    assert m.loc["PE_TENSION", ["bas", "haut"]].tolist() == pytest.approx([100 / 91.95, 100 / 44.55])
    assert m.loc["PE_BESOIN_CIBLE", "bas"] == 0 and m.loc["PE_BESOIN_CIBLE", "haut"] > 500


def test_le_besoin_connu_surtout_la_ou_il_est_nul_n_a_ni_mediane_ni_rang():
    assert cd.situer("49126", ["PE_BESOIN_CIBLE"]).empty


def test_un_motif_a_une_issue_ou_se_tait():
    """Ce qu'aucun fichier ne donne à une maille n'est pas « à apporter » ; un effectif trop arrondi a un recours."""
    for code in ("FR", "52", "53"):
        motif = cd.mesurer(code, ["CTX_NIV_VIE"]).iloc[0]["motif"]
        assert motif == "non publié à cette maille, et ne s'agrège pas", code
    trop = {m: cd.mesurer_maille(m, ["PS_RSA"])["motif"] for m in ("epci", "commune")}
    trop = {m: motifs[motifs.str.contains("arrondis trop petits")] for m, motifs in trop.items()}
    assert len(trop["epci"]) and trop["epci"].str.contains("telecharger s_ben_epci_f", regex=False).all()
    assert len(trop["commune"]) and not trop["commune"].str.contains("s_ben_epci_f").any()


def test_sans_denominateur_le_motif_est_celui_de_l_annee_la_plus_connue():
    tables = [pd.DataFrame({"denominateur": d, "annee": 2023, "motif": m}) for d, m in (
        ([1.0, None, None], "quatre départements seulement"), ([None, 2.0, None], "absente de la source"))]
    assert premiere_connue(iter(tables))["motif"].tolist() == [
        "quatre départements seulement", "absente de la source", "absente de la source"]
