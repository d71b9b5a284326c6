"""Le dictionnaire : complet, rempli, et qui dit quoi apporter ; ce qui se résout à plusieurs mailles."""

import re
from fnmatch import fnmatch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.donnees import VARIABLES, catalogue, entrepot, valeurs_publiees
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.donnees.grandeurs import _TOUTES, LOCALES
from cafdiag.donnees.valeurs_publiees import reconstituer
from cafdiag.indicateurs import THEMES, Options, dictionnaire
from cafdiag.indicateurs.mesures import CALCULS
from cafdiag.indicateurs.resolution import Emboitement, equivalents, resoudre

CRAON, LAVAL = "200048551", "200083392"
SANS_VALEUR = {"secret", "non_disponible", "sans_objet"}
# domaine.md §3 : les codes de chaque ligne du référentiel (une ligne en porte parfois plusieurs).
CODES = {
    1: "PE_TXCOUV_GLOBAL", 2: "PE_TXCOUV_EAJE", 3: "PE_TXCOUV_EAJE_PSU", 4: "PE_TXCOUV_EAJE_HPSU",
    5: "PE_TXCOUV_AM", 6: "PE_TXCOUV_GAD", 7: "PE_TXCOUV_PRESCO", 8: "PE_PART_INDIV", 9: "PE_MODE_DOMINANT",
    10: "PE_BESOIN_CIBLE", 11: "PE_ECART_REF PE_RATIO_REF", 12: "PE_TENSION", 13: "PE_ENF_PAR_PLACE",
    14: "PE_TX_FACTURATION",
    15: "PE_TX_OCCUPATION", 16: "PE_AM_PAR_RPE", 17: "PE_PART_AM_55", 18: "PE_NAISS_EVOL", 19: "PE_MIXITE",
    20: "ACC_EAJE_2SFCA", 21: "ACC_EAJE_TEMPS", 22: "ACC_PART_X_MIN", 23: "EJ_ALSH_PLACES_311",
    24: "EJ_ALSH_PLACES_317", 25: "EJ_ALSH_PLACES_MAT EJ_ALSH_PLACES_ELEM", 26: "EJ_ALSH_HEURES_ENF",
    27: "EJ_ALSH_ENF_ACCUEIL", 28: "EJ_ALSH_PART_COM_EQUIP", 29: "EJ_PLANMERC_COUV", 30: "EJ_PLANMERC_H_NOUV",
    31: "EJ_ALSH_HANDICAP", 32: "JE_PSJ_ETP_1000", 33: "JE_ACCUEIL_1117", 34: "JE_PDN", 35: "JE_NEET",
    36: "AVS_QPV_COUV", 37: "AVS_QPV_HAB_COUV", 38: "AVS_CS_PAR_QPV", 39: "AVS_EVS_PART_RURAL", 40: "AVS_DENS",
    41: "AVS_POP_COUV", 42: "AVS_BENEVOLES", 43: "PAR_LAEP_1000", 44: "PAR_CLAS_100", 45: "PAR_RPE_COUV",
    46: "PAR_MEDIATION", 47: "AD_FS_ACCES", 48: "AD_POINTS_10K", 49: "AD_RDV_DROITS_1000",
    50: "AD_PERSONNES_60_SEULES AD_SANS_DIPLOME", 51: "PS_COUV_POP", 52: "PS_ALLOC_POP", 53: "PS_TAILLE_FOYER",
    54: "PS_MONOPAR", 55: "PS_ISOLES", 56: "PS_DEP50 PS_DEP100", 57: "PS_BASREV", 58: "PS_QF_INF800",
    59: "PS_ENF_TRANCHE", 60: "PS_RSA PS_PPA PS_AAH PS_ASF", 61: "PS_CMG", 62: "LOG_AL_PART", 63: "LOG_TX_EFFORT",
    64: "LOG_IMPAYES_1000", 65: "LOG_FJT_LITS", 66: "HAN_AEEH_100", 67: "HAN_POLE_ENF", 68: "SEP_DECLA_1000",
    69: "SEP_TX_ACCOMP",
    70: "CTX_POP_EVOL CTX_PART_0_2 CTX_PART_3_11 CTX_PART_12_17 CTX_TX_PAUVRETE CTX_DENSITE_PART",
    71: "FIN_CAF_PAR_ENF",
}  # fmt: skip


@pytest.fixture
def entrepot_neuf(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


def ranger(jeu, table, nom="essai"):
    entrepot.ajouter(Lecture(jeu, table, CompteRendu(nom, jeu, len(table), len(table))), nom=nom)


def mesure(territoire, indicateur, **options):
    return cd.mesurer(territoire, [indicateur], **options).iloc[0]


# --- Le dictionnaire ---


def test_les_71_numeros_du_referentiel_sont_tous_la():
    table = dictionnaire()
    assert sorted({int(n) for n in table["numero"] if n}) == list(range(1, 72)) == sorted(CODES)
    for numero, codes in CODES.items():
        for code in codes.split():
            assert table.at[code, "numero"] == str(numero), code
    assert set(table["theme"]) == set(THEMES)


def test_chaque_ligne_est_remplie():
    table = dictionnaire()
    remplis = [
        "libelle",
        "libelle_court",
        "unite",
        "formule",
        "source",
        "limites",
        "a_apporter",
        "numerateur",
    ]
    vides = {c: table.index[table[c].eq("")].tolist() for c in remplis}
    # Le mode dominant compare tous les modes : il n'a pas un numérateur.
    assert vides.pop("numerateur") == ["PE_MODE_DOMINANT"]
    assert not any(vides.values()), vides
    assert set(table["regle"]) == {"A1", "A2", "A3", "A4"} and set(table["calcul"]) <= set(CALCULS)
    # Une année sans millésime, ou l'inverse, laisserait un chiffre sans date.
    assert not (table["annee"].isna() & table["millesime"].ne("")).any()
    assert table["a_apporter"].str.fullmatch(r"[^:]+ : .+ ; .+").all()
    assert table["decimales"].between(0, 2).all() and table.index.is_unique


def test_les_calculs_generiques_n_emploient_que_des_variables_connues():
    table = dictionnaire()
    generiques = table[table["calcul"].isin(["somme", "rapport", "partie", "ecart_positif", "a4", "rpe"])]
    for code, ligne in generiques.iterrows():
        assert ligne["numerateur"] in VARIABLES, code
        assert not ligne["denominateur"] or ligne["denominateur"] in VARIABLES, code
    noms = [v.nom for v in (*_TOUTES, *LOCALES)]
    assert len(noms) == len(set(noms))


@pytest.mark.parametrize(
    "territoire", ["53012", CRAON, "53", "region:52", "France", "QN04901M", "200054807", "75056", "97617"]
)
def test_tout_code_se_mesure_partout_et_chaque_muet_dit_pourquoi(territoire):
    table = cd.mesurer(territoire)
    assert table["indicateur"].tolist() == dictionnaire().index.tolist()
    muettes = table[table["statut"].isin(SANS_VALEUR)]
    assert muettes["valeur"].isna().all() and muettes["motif"].str.len().gt(15).all()
    assert table.loc[~table["statut"].isin(SANS_VALEUR), "valeur"].notna().all()


def test_a_qui_le_demander_et_par_quelle_voie():
    table = cd.mesurer(CRAON).set_index("indicateur")
    assert table.at["PE_TX_OCCUPATION", "motif"] == "Gestionnaires d'EAJE : à apporter (modèle activite.xlsx)"
    assert table.at["PS_AAH", "motif"] == "Caf : à apporter (modèle activite.xlsx)", "l'AAH n'est pas dans s_ben_com_f"
    assert (
        "s_ben_com_f" in table.at["PS_ASF", "motif"] and "nbpla_pe" in table.at["PE_TXCOUV_EAJE_PSU", "motif"]
    )
    assert pd.isna(table.at["PE_TX_OCCUPATION", "annee"])


# --- Ce que l'embarqué calcule ---


def test_prestations_embarquees(entrepot_neuf):
    from cafdiag.donnees import table_communes

    communes = table_communes().loc[list(cd.territoire(CRAON).communes)]
    for code, mot in (("PS_RSA", "rsa"), ("PS_PPA", "prime_activite"), ("LOG_AL_PART", "aide_logement")):
        ligne = mesure(CRAON, code)
        num, den = (float(communes[f"foyers_{m}_2024"].sum()) for m in (mot, "allocataires"))
        assert (ligne["numerateur"], ligne["denominateur"], ligne["statut"]) == (num, den, "arrondi")
        assert (
            ligne["valeur"] == pytest.approx(100 * num / den)
            and ligne["bas"] < ligne["valeur"] < ligne["haut"]
        )


def test_la_tension_est_l_inverse_du_taux():
    # domaine.md §3.1 : France environ 1,64 enfant par place (100 / 60,9).
    ligne = mesure("France", "PE_TENSION")
    assert round(ligne["valeur"], 2) == 1.64 and ligne["bas"] < 100 / 60.9 < ligne["haut"]


def test_la_france_n_a_pas_d_ecart_a_elle_meme():
    ligne = mesure("France", "PE_ECART_REF")
    assert (ligne["statut"], ligne["motif"]) == ("sans_objet", "la France est la référence")
    assert ligne[["valeur", "bas", "haut"]].isna().all()
    ratio = mesure("France", "PE_RATIO_REF")
    assert (ratio["statut"], ratio["motif"]) == ("sans_objet", "la France est la référence")
    # Craon : 79,9 − 60,9 ; 79,9 / 60,9, chacun à 0,05 près.
    assert mesure(CRAON, "PE_ECART_REF")["valeur"] == pytest.approx(19.0)
    ratio = mesure(CRAON, "PE_RATIO_REF")
    assert ratio[["bas", "valeur", "haut"]].tolist() == pytest.approx([79.85 / 60.95, 79.9 / 60.9, 79.95 / 60.85])
    assert ratio["statut"] == "arrondi"


@pytest.mark.parametrize(
    ("psu", "hors_psu", "am", "attendu"),
    [
        # Pour 1 000 enfants : 200 et 150 places, 35,0 ensemble ; le premier des cinq modes reste à 30,0.
        (20.0, 15.0, 30.0, (30.0, "assistants maternels")),
        (20.0, 31.0, 30.0, (31.0, "accueil collectif hors PSU (EAJE)")),
        # À égalité, le collectif.
        (30.0, 15.0, 30.0, (30.0, "accueil collectif à PSU (EAJE)")),
    ],
)
def test_mode_dominant_parmi_les_cinq(entrepot_neuf, tmp_path, psu, hors_psu, am, attendu):
    entete = "annee;numepci;txcouv_psu_col_epci;txcouv_hors_psu_col_epci;txcouv_eaje_epci;txcouv_prescol_epci;"
    entete += "txcouv_am_ind_epci;txcouv_gad_ind_epci;txcouv_ind_epci;txcouv_epci"
    valeurs = [psu, hors_psu, psu + hors_psu, 0, am, 0, am, psu + hors_psu + am]
    fichier = tmp_path / "txcouv_pe_epci.csv"
    fichier.write_text(f"{entete}\n2023;{CRAON};" + ";".join(map(str, valeurs)) + "\n", encoding="utf-8")
    assert cd.importer([str(fichier)]).reussi
    ligne = mesure(CRAON, "PE_MODE_DOMINANT")
    assert (ligne["valeur"], ligne["modalite"]) == attendu and (ligne["statut"], ligne["motif"]) == ("exact", "")


def test_mode_dominant_sans_le_detail_du_collectif_le_dit():
    # domaine.md §3.1 : Vendée, assistants maternels ; Paris, crèches (55,7 réunies, 51,6 pour les seules PSU).
    vendee, paris = mesure("85", "PE_MODE_DOMINANT"), mesure("75", "PE_MODE_DOMINANT")
    assert (vendee["modalite"], vendee["motif"]) == ("assistants maternels", "")
    assert paris["modalite"] == "accueil collectif (EAJE)" and "leur détail n'est pas importé" in paris["motif"]


def test_la_pauvrete_ne_s_agrege_pas_et_le_secret_reste_secret(entrepot_neuf):
    communes = cd.mesurer_maille("commune", ["CTX_TX_PAUVRETE"], departement="53")
    assert communes["statut"].value_counts().to_dict().keys() >= {"exact", "secret"}
    assert "secret statistique" in communes.loc[communes["statut"].eq("secret"), "motif"].iloc[0]
    assert mesure("53", "CTX_TX_PAUVRETE")["statut"] == "non_disponible"
    ranger(
        "epci",
        pd.DataFrame({"code": [CRAON], "taux_pauvrete_2021": [11.0], "taux_pauvrete_2021__statut": "exact"}),
    )
    assert mesure(CRAON, "CTX_TX_PAUVRETE")["valeur"] == 11.0
    tout = cd.perimetre("tout", list(cd.territoire(CRAON).communes))
    assert mesure(tout, "CTX_TX_PAUVRETE")["valeur"] == 11.0


def test_un_relais_connu_ne_dit_pas_les_autres(entrepot_neuf):
    ligne = mesure(CRAON, "PAR_RPE_COUV")
    assert ligne["statut"] == "non_disponible" and 0 < ligne["bas"] < ligne["haut"] == 100
    assert "minorant" in ligne["motif"]
    assert "fournie pour" not in mesure("FR", "PAR_RPE_COUV")["motif"]
    relais = pd.DataFrame(
        {
            "type": "rpe",
            "nom": ["Relais"],
            "code": ["53084"],
            "communes_couvertes": [" ".join(cd.territoire(CRAON).communes)],
            "source": "registre",
        }
    )
    ranger("structures", relais)
    assert mesure(CRAON, "PAR_RPE_COUV")["valeur"] == 100


# --- Ce que les fichiers officiels ajoutent ---


@pytest.fixture
def places_et_taux(entrepot_neuf, cas_or):
    """Les lignes d'or de la Cnaf (2023), rangées comme le ferait l'import des deux fichiers."""
    mailles = {"dep": "departement", "epci": "epci", "com": "commune"}
    modes = {
        "psu_col": "eaje_psu",
        "hors_psu_col": "eaje_hors_psu",
        "prescol": "prescol",
        "am_ind": "am",
        "gad_ind": "gad",
    }
    places, taux = [], []
    for cas in cas_or["taux_couverture"]:
        cle = {"maille": mailles[cas["echelle"]], "code": cas["code"], "annee": 2023, "serie": "courante"}
        places.append(
            cle
            | {f"places_{m}": cas["places"][c] for c, m in modes.items()}
            | {"places_total": cas["tot_offre"]}
        )
        taux.append(
            cle | {f"txcouv_{m}": cas["taux"][c] for c, m in modes.items()} | {"txcouv": cas["taux_global"]}
        )
    # Les lecteurs rendent toujours toutes les colonnes : ici, sans le sous-total du collectif.
    ranger("places", pd.DataFrame(places).assign(places_eaje=np.nan), "places")
    ranger("taux_couverture", pd.DataFrame(taux).assign(txcouv_eaje=np.nan), "taux")
    return cas_or


def test_denominateurs_reconstitues_des_cas_d_or(places_et_taux):
    """GC-01 à GC-11 : les entiers possibles sont dans l'intervalle, au plus près."""
    enfants = valeurs_publiees.publications()["enfants_moins_3_ans_cnaf", 2023].set_index("code")
    for cas in places_et_taux["taux_couverture"]:
        if cas["code"] == "XX":
            assert "XX" not in enfants.index
            continue
        ligne, (bas, haut) = enfants.loc[cas["code"]], cas["denominateur_bornes"]
        assert ligne["bas"] - 1 <= bas <= haut <= ligne["haut"] + 1, cas["id"]
        assert ligne["bas"] <= ligne["valeur"] <= ligne["haut"] and ligne["statut"] == "estime"


def test_taux_par_mode_et_global_des_cas_d_or(places_et_taux):
    codes = {"psu_col": "PE_TXCOUV_EAJE_PSU", "hors_psu_col": "PE_TXCOUV_EAJE_HPSU"}
    for cas in places_et_taux["taux_couverture"]:
        if cas["code"] in ("XX", "13201"):
            continue
        table = cd.mesurer(cas["code"], [*codes.values(), "PE_TXCOUV_GLOBAL"]).set_index("indicateur")
        for mode, code in codes.items():
            assert table.at[code, "valeur"] == cas["taux"][mode], cas["id"]
        assert table.at["PE_TXCOUV_GLOBAL", "valeur"] == cas["taux_global"], cas["id"]
        assert table["statut"].eq("exact").all()


def test_coherence_des_cas_d_or(places_et_taux):
    tolerances = places_et_taux["tolerances"]
    for cas in places_et_taux["taux_couverture"]:
        assert abs(sum(cas["places"].values()) - cas["tot_offre"]) <= tolerances["somme_places"], cas["id"]
        assert abs(sum(cas["taux"].values()) - cas["taux_global"]) <= tolerances["somme_taux"] + 1e-9, cas[
            "id"
        ]


def test_paris_et_la_seine_saint_denis_font_un_rapport_de_sommes(places_et_taux):
    """GC-12 : 85 906 places pour 148 870 à 149 063 enfants, 57,6 à 57,7 ; jamais 56,9."""
    union = cd.perimetre("75 et 93", [*cd.territoire("75").communes, *cd.territoire("93").communes])
    ligne = mesure(union, "PE_TXCOUV_GLOBAL")
    assert ligne["numerateur"] == 85_906 and 148_800 < ligne["denominateur"] < 149_130
    assert ligne["statut"] == "estime" and ligne["maille_source"] == "departement"
    bas, haut = places_et_taux["agregation"][0]["attendu"]
    assert bas - 0.05 <= ligne["bas"] <= ligne["valeur"] <= ligne["haut"] <= haut + 0.05
    assert abs(ligne["valeur"] - 56.9) > 0.5


def test_un_perimetre_de_deux_epci_ne_devient_pas_celui_de_l_un(places_et_taux):
    """GC-14, esprit : le poids d'un EPCI est le nombre d'enfants, pas un demi."""
    deux = [*cd.territoire("200070555").communes, *cd.territoire("200071363").communes]
    ligne = mesure(cd.perimetre("Veyle et Vichy", deux), "PE_TXCOUV_EAJE_PSU")
    assert ligne["valeur"] == pytest.approx(100 * (65 + 256) / (707 + 1965), abs=0.05)
    assert ligne["valeur"] != pytest.approx((9.2 + 13.0) / 2, abs=0.5)


def test_quotient_familial_encadre_par_tranche(entrepot_neuf):
    tranches = valeurs_publiees._TRANCHES_BASSES + valeurs_publiees._TRANCHES_HAUTES
    lignes = [
        {"maille": "commune", "code": c, "annee": 2024, "tranche": t, "foyers": 100.0, "personnes": 200.0}
        for c in cd.territoire(CRAON).communes
        for t in (*tranches, "Inconnu")
    ]
    ranger("qf", pd.DataFrame(lignes))
    ligne = mesure(CRAON, "PS_QF_INF800")
    # Deux tranches sur sept ; les quotients inconnus ne sont pas au dénominateur.
    assert ligne["valeur"] == pytest.approx(200 / 7) and ligne["denominateur"] == 37 * 700
    assert ligne["bas"] == pytest.approx(100 * 196 / 714) and ligne["haut"] == pytest.approx(100 * 204 / 686)
    assert ligne["statut"] == "arrondi" and mesure(CRAON, "PS_QF_INF400")["valeur"] == pytest.approx(100 / 7)
    incomplet = pd.DataFrame(lignes).query("not (code == '53012' and tranche == 'Moins de 400 euros')")
    ranger("qf", incomplet)
    assert mesure("53012", "PS_QF_INF800")["statut"] == "non_disponible"


def test_prestations_importees_et_foyers_declares(entrepot_neuf):
    communes = list(cd.territoire(CRAON).communes)
    ranger("communes", pd.DataFrame({"code": communes, "foyers_aah_2024": 10.0}))
    ligne = mesure(CRAON, "PS_AAH")
    assert (ligne["numerateur"], ligne["statut"]) == (370, "arrondi")
    assert ligne["bas"] == pytest.approx(100 * 37 * 8 / mesure(CRAON, "PS_ALLOC_POP")["numerateur"], rel=0.05)
    # Ce que la Caf remet pour l'EPCI, exact, passe avant la somme des communes arrondies.
    activite = {
        "maille": "epci",
        "code": CRAON,
        "grandeur": "foyers_aah",
        "annee": 2024,
        "valeur": 352.0,
        "source": "Caf",
    }
    ranger("activite", pd.DataFrame([activite]))
    assert mesure(CRAON, "PS_AAH")["numerateur"] == 352
    commune = mesure("53012", "PS_AAH")
    assert commune["statut"] == "non_disponible" and "arrondis" in commune["motif"]
    # Sous une donnée de partenaire, une ligne muette ne garde pas ses termes : une soustraction les ferait parler.
    assert commune[["numerateur", "denominateur"]].isna().all()


def test_bordeaux_et_controles_nationaux():
    """GC-35 et GC-36 : somme des communes contre total exact, montant d'un seul mois."""
    for somme, exact, attendu in ((1_805_575, 1_811_239, 0.31), (4_675_100, 4_675_469, 0.01)):
        ecart = 100 * abs(somme / exact - 1)
        assert round(ecart, 2) == attendu < 1.5
    assert round(4_996_200 / 9_260, 1) == 539.5


@pytest.mark.parametrize(
    ("num", "den", "facteur", "attendu", "tolerance"),
    [
        (293_900, 61, 1, 4_818, 0.5),  # GC-19 : crèches du Pays de Craon, euros par place
        (162, 61, 1, 2.66, 0.005),
        (61, 782, 100, 7.8, 0.05),
        (518, 1_365, 100, 37.9, 0.05),  # GC-24
        (55, 76, 100, 72.4, 0.05),
        (414_370, 12_487, 1, 33.2, 0.05),  # GC-25
        (11_700_000, 1_669, 1, 7_010, 0.5),  # GC-26
        (400, 1_730, 100, 23.1, 0.05),
        (184_000, 2_900, 1, 63.4, 0.05),  # GC-27
        (184_000, 135_000, 1, 1.36, 0.005),
        (9_500_000, 568, 1, 16_725, 0.5),  # GC-28
        (12_650, 4_335, 1, 2.92, 0.005),  # GC-16
    ],
)
def test_rapports_de_sommes_du_referentiel(num, den, facteur, attendu, tolerance):
    from cafdiag.indicateurs.agregation import rapport

    terme = [pd.DataFrame({"valeur": [float(v)], "bas": [float(v)], "haut": [float(v)]}) for v in (num, den)]
    assert rapport(*terme, facteur=facteur)["valeur"].item() == pytest.approx(attendu, abs=tolerance)


# --- Résoudre ---


def test_un_perimetre_qui_est_un_epci_en_prend_le_code():
    communes = list(cd.territoire(CRAON).communes)
    territoires = pd.DataFrame(
        {"maille": "perimetre", "officiel": ["a", "b", "c", "d"]}, index=["a", "b", "c", "d"]
    )
    morceaux = {"a": communes, "b": communes[1:], "c": ["53012"], "d": list(cd.territoire("53").communes)}
    appartenance = pd.DataFrame(
        [(c, cle) for cle, cs in morceaux.items() for c in cs], columns=["commune", "code"]
    )
    rendu = equivalents(territoires, appartenance)
    assert rendu.to_numpy().tolist() == [
        ["epci", CRAON],
        ["perimetre", "b"],
        ["commune", "53012"],
        ["departement", "53"],
    ]


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=2), st.integers(0, 37))
def test_la_somme_d_unites_entieres_et_de_communes_est_complete_ou_muette(valeurs, connues):
    """Deux EPCI publiés et des communes d'un troisième : le total n'est dit que si rien ne manque."""
    craon, laval = (list(cd.territoire(c).communes) for c in (CRAON, LAVAL))
    publiees = pd.DataFrame(
        {"maille": "epci", "code": [LAVAL], "valeur": float(valeurs[0]), "bas": float(valeurs[0]),
         "haut": float(valeurs[0]), "source": "Caf"}
    )  # fmt: skip
    dites = pd.Series(np.nan, index=[*craon, *laval])
    dites[craon[:connues]] = float(valeurs[1])
    communes = pd.DataFrame({"valeur": dites, "bas": dites.fillna(0.0), "haut": dites.fillna(np.inf)})
    appartenance = pd.DataFrame({"commune": [*craon, *laval], "code": "P"})
    officiels = pd.DataFrame({"maille": ["perimetre"], "code": ["P"]}, index=["P"])
    ligne = resoudre(publiees, communes, Emboitement(communes.index, appartenance, officiels)).loc["P"]
    assert ligne["connu"] == valeurs[0] + connues * valeurs[1] and ligne["n_manquants"] == 37 - connues
    assert ligne["valeur"] == ligne["connu"] if connues == 37 else np.isnan(ligne["valeur"])
    assert ligne["haut"] == (ligne["connu"] if connues == 37 else np.inf)


def _une_a_une(siennes, publiees, communes):
    """Sans raccourci : ce qui est publié pour une unité entière, de la plus large à la plus fine, puis les communes."""
    reste, total = set(siennes), 0.0
    for maille in ("region", "departement", "epci"):
        for code in [c for m, c in publiees if m == maille]:
            unite = set(cd.territoire(f"{maille}:{code}").communes)
            if unite <= reste:
                total, reste = total + publiees[maille, code], reste - unite
    manquantes = [c for c in reste if np.isnan(communes[c])]
    return total + sum(communes[c] for c in reste if c not in manquantes), len(manquantes)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_resoudre_comme_une_commune_apres_l_autre(data):
    """Communes, EPCI à cheval (Pays Sabolien), départements, périmètres qui en coupent : le calcul en rangs et la
    boucle disent la même chose."""
    unites = [("epci", c) for c in (CRAON, LAVAL, "247200090")] + [("departement", d) for d in ("53", "72")]
    toutes = sorted({c for m, d in unites for c in cd.territoire(f"{m}:{d}").communes})
    dites = data.draw(st.dictionaries(st.sampled_from(unites), st.integers(0, 99).map(float)))
    pas = data.draw(st.integers(1, 9))
    communes = pd.Series([np.nan if rang % pas == 1 else float(rang % 7) for rang in range(len(toutes))], index=toutes)
    lieux = {}
    for rang in range(3):
        morceaux = data.draw(st.lists(st.sampled_from(unites), max_size=2))
        siennes = {c for m, d in morceaux for c in cd.territoire(f"{m}:{d}").communes}
        lieux[f"P{rang}"] = sorted(siennes ^ {data.draw(st.sampled_from(toutes))}) or [toutes[0]]
    territoires = pd.DataFrame({"maille": "perimetre", "officiel": list(lieux)}, index=list(lieux))
    appartenance = pd.DataFrame([(c, p) for p, cs in lieux.items() for c in cs], columns=["commune", "code"])
    table = pd.DataFrame([(*lieu, n, n, n, "Caf") for lieu, n in dites.items()],
                         columns=["maille", "code", "valeur", "bas", "haut", "source"])  # fmt: skip
    valeurs = pd.DataFrame({"valeur": communes, "bas": communes, "haut": communes})
    officiels = equivalents(territoires, appartenance)
    rendu = resoudre(table, valeurs, Emboitement(communes.index, appartenance, officiels))
    for cle, siennes in lieux.items():
        ligne, publie = rendu.loc[cle], dites.get(tuple(officiels.loc[cle]))
        connu, manquantes = (publie, 0) if publie is not None else _une_a_une(siennes, dites, communes)
        assert (ligne["connu"], ligne["n_manquants"]) == (pytest.approx(connu), manquantes)
        assert ligne["valeur"] == pytest.approx(connu) if not manquantes else np.isnan(ligne["valeur"])


@given(
    st.integers(1, 50_000),
    st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=6),
)
def test_le_vrai_nombre_d_enfants_est_toujours_encadre(enfants, parts):
    """Places arrondies à l'unité, taux arrondis à 0,1 sur des places non arrondies : le vrai nombre y est."""
    vraies = [enfants * p for p in parts]
    places = pd.DataFrame([[float(round(v)) for v in vraies]])
    taux = pd.DataFrame([[round(100 * v / enfants, 1) for v in vraies]])
    bornes = reconstituer(places, taux).iloc[0]
    if not bornes.isna().any():
        assert bornes["bas"] <= enfants * (1 + 1e-9) and enfants <= bornes["haut"] * (1 + 1e-9)
    elif (taux > 0.05).to_numpy().any():
        pytest.fail("une intersection vide alors qu'un nombre d'enfants convient")


def test_un_libelle_court_d_acces_dit_ses_minutes_et_les_choisies():
    courts = dictionnaire()["libelle_court"]
    longs = dictionnaire()["libelle"]
    a_duree = courts.index[longs.str.contains(r"\d+ minutes au plus")]
    assert len(a_duree) >= 5
    for code in a_duree:
        minutes = re.search(r"\d+ minutes", longs[code])[0]
        assert minutes in courts[code], code
    assert Options(acces_minutes=20).dire(courts["ACC_PART_X_MIN_ALSH"]) == "Enfants à 20 minutes d'un ALSH"


def test_un_conseil_de_telechargement_a_une_adresse():
    """« cafdiag donnees telecharger X » n'est jamais conseillé d'une source sans adresse."""
    adresses = {nom: s.adresses for nom, s in catalogue.lire_catalogue().items()}
    conseils = dictionnaire()["a_apporter"].str.extractall(r"telecharger ([\w* ]+?) »")[0].unique()
    assert len(conseils) > 5
    for motif in (m for c in conseils for m in c.split()):
        assert any(a for nom, a in adresses.items() if fnmatch(nom, motif)), motif
    assert "s_ben_com_f" not in dictionnaire().at["PS_AAH", "a_apporter"], "l'AAH n'y est pas"
