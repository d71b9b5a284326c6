"""La France entière sans rien importer : un EPCI quelconque a ses chiffres, sa région et la France, par la commande."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.magasin import lire_table
from cafdiag.territoires import membres

SANS_VALEUR = {"secret", "non_disponible", "sans_objet"}
BREST = "242900314"
# Métropole, deux départements, montagne, Corse, rural : hors des quatre départements détaillés.
EPCI = [BREST, "200054807", "200066363", "242010056", "247300528"]
# Ce que la France entière a : la phrase qui nomme les départements détaillés n'y a plus sa place.
NATIONAUX = {"PE_NAISS", "PE_ENF_M3", "PE_NAISS_EVOL", "CTX_PART_RURAL", "CTX_COM_FRR", "CTX_COM_ZRR", "CTX_QPV_NB",
             "CTX_TX_PAUVRETE", "CTX_NIV_VIE", "CTX_PART_0_19", "AD_FS_ACCES", "AD_FS_NB"}  # fmt: skip


@pytest.fixture
def mesurer(tmp_path, monkeypatch, capsys):
    """La commande ``mesurer`` sur un entrepôt vide : ses lignes."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))

    def lancer(code: str, *reste: str) -> list[dict]:
        assert principal(["mesurer", code, "--format", "json", *reste]) == 0
        return json.loads(capsys.readouterr().out)

    return lancer


@pytest.mark.parametrize("code", EPCI)
def test_un_epci_quelconque_a_trente_chiffres(mesurer, code):
    lignes = {ligne["indicateur"]: ligne for ligne in mesurer(code)}
    chiffres = {i for i, ligne in lignes.items() if ligne["statut"] not in SANS_VALEUR}
    assert len(chiffres) >= 30 and chiffres >= NATIONAUX
    themes = cd.dictionnaire()["theme"].loc[list(chiffres)].value_counts()
    assert themes["portrait"] >= 12 and themes["petite-enfance"] >= 12 and themes["acces-aux-droits"] >= 2


def test_la_region_et_la_france_en_regard(mesurer):
    voulus = [mot for i in sorted(NATIONAUX - {"CTX_TX_PAUVRETE", "CTX_NIV_VIE"}) for mot in ("-i", i)]
    lignes = mesurer(BREST, "--comparer", *voulus)
    par_role = pd.DataFrame(lignes).pivot(index="indicateur", columns="role", values="valeur")
    # Une commune partiellement classée laisse le compte de la France encadré.
    assert par_role.drop(index=["CTX_COM_FRR", "CTX_COM_ZRR"])[["departement", "region", "france"]].notna().all().all()
    assert par_role.at["PE_NAISS", "france"] == 659731 and par_role.at["CTX_QPV_NB", "france"] == 1493
    hors = {ligne["indicateur"]: ligne["motif"] for ligne in lignes if ligne["role"] == "france"}
    assert hors["CTX_PART_RURAL"] == hors["CTX_PART_0_19"] == "hors Mayotte, sans population annuelle publiée"
    assert hors["PE_NAISS"] == "", "les naissances de Mayotte sont publiées"


def test_les_motifs_nomment_ce_qui_est_fourni(mesurer):
    lignes = {ligne["indicateur"]: ligne for ligne in mesurer(BREST)}
    assert lignes["PS_COUV_POP"]["motif"] == "donnée fournie pour Ain, Ardennes, Maine-et-Loire et Mayenne seulement"
    for ligne in mesurer("97601"):
        assert ligne["indicateur"] not in NATIONAUX or "Mayenne" not in ligne["motif"], ligne
    (pauvrete,) = mesurer("region:01", "-i", "CTX_TX_PAUVRETE")
    assert pauvrete["motif"] == "la source ne publie rien ici", "Filosofi ne couvre pas la Guadeloupe"


@pytest.mark.parametrize("maille", ["epci", "departement", "region", "france"])
@pytest.mark.parametrize(
    ("indicateur", "colonne"), [("PE_NAISS", "naissances_2024"), ("AD_FS_NB", "france_services_2025")]
)
def test_les_sommes_sont_celles_d_un_calcul_independant(maille, indicateur, colonne, tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    annee = int(colonne[-4:])
    lues = cd.mesurer_maille(maille, [indicateur], annee=annee).set_index("territoire")["valeur"]
    france = lire_table("communes_france").set_index("code")[colonne].astype("float64")
    attendues = france.groupby(membres(maille).set_index("commune")["code"]).sum()
    pd.testing.assert_series_equal(lues.sort_index(), attendues.sort_index(), check_names=False, check_index_type=False)


def test_une_commune_scindee_n_a_pas_les_naissances_des_autres(mesurer):
    """L'Insee les garde toutes à 15141 : justes pour l'ensemble, elles ne sont celles d'aucune des cinq."""
    ensemble = ("15031", "15035", "15047", "15141", "15171")
    for code in ensemble:
        (seule,) = mesurer(code, "-i", "PE_NAISS", "--annee", "2024")
        assert seule["statut"] == "non_disponible" and seule["motif"], code
    (reunies,) = mesurer("+".join(ensemble), "-i", "PE_NAISS", "--annee", "2024")
    assert (reunies["valeur"], reunies["statut"]) == (8, "exact")
    (partielle,) = mesurer("15141+15014", "-i", "PE_NAISS", "--annee", "2024")
    assert partielle["statut"] == "non_disponible"
    (cantal,) = mesurer("15", "-i", "PE_NAISS", "--annee", "2024")
    assert cantal["statut"] == "exact"


def test_le_nombre_de_quartiers_de_chaque_territoire_est_celui_de_la_liste(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    liste = lire_table("qpv")
    liens = liste.assign(commune=liste["communes"].str.split()).explode("commune")
    for maille in ("epci", "departement", "region"):
        code = liens["commune"].map(membres(maille).set_index("commune")["code"])
        attendus = liens.groupby(code)["identifiant"].nunique()
        lus = cd.mesurer_maille(maille, ["CTX_QPV_NB"]).set_index("territoire")
        assert lus["statut"].eq("exact").all()
        assert lus["valeur"].astype(int).to_dict() == attendus.reindex(lus.index, fill_value=0).to_dict()


def test_une_commune_scindee_au_chiffre_d_ensemble_ne_fait_pas_taire_la_france():
    """Neussargues : ses naissances restent à l'ancien code. L'ensemble se projette et se situe ; une part, jamais."""
    codes = ["PE_NAISS", "PE_ENF_M3_5ANS"]
    france = cd.mesurer("FR", codes).set_index("indicateur")
    assert france.loc["PE_ENF_M3_5ANS", "valeur"] > 1_500_000
    part = cd.mesurer("15141", codes).set_index("indicateur")
    assert part["valeur"].isna().all()
