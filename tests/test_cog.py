"""Le passage au COG 2025 : anciens codes menés aux nouveaux, scissions dites et jamais devinées."""

import pandas as pd
import pytest

from cafdiag.erreurs import DemandeFausse, TerritoireAmbigu
from cafdiag.territoires import a_jour, lister, passage, resolution, territoire
from cafdiag.territoires.passage import STATUTS, Passage, passages

pytestmark = pytest.mark.unitaire

# Relevés dans sources.md §4 : changements de chef-lieu, fusions sans commune déléguée, fusions de 2024.
CAS = [
    ("49069", "49126"),
    ("14011", "14581"),
    ("12076", "12218"),
    ("69159", "69114"),
    ("02311", "02589"),
    ("08300", "08439"),
    ("16238", "16023"),
    ("25297", "25364"),
    ("26371", "26289"),
    ("42072", "42217"),
    ("71131", "71566"),
    ("72287", "72155"),
    ("08294", "08053"),
    ("49321", "49160"),
    ("95282", "95169"),
    ("18131", "18173"),
    ("01330", "01187"),
]


@pytest.mark.parametrize(("ancien", "actuel"), CAS)
def test_ancien_code_passe_en_le_disant(ancien, actuel):
    lieu = territoire(ancien)
    assert lieu.code == actuel
    assert lieu == territoire(actuel)
    assert territoire(actuel).avertissements == ()
    [texte] = lieu.avertissements
    assert texte.startswith(ancien) and "n'existe plus" in texte
    assert f"{actuel} {lieu.nom} (COG 2026)" in texte


def test_oree_d_anjou():
    assert territoire("49069").avertissements == (
        "49069 (Orée d'Anjou) n'existe plus : les données sont celles de 49126 Orée d'Anjou (COG 2026)",
    )


@pytest.mark.parametrize(
    ("code", "nees"),
    [
        ("15141", {"15031", "15035", "15047", "15171"}),
        ("60054", {"60694"}),
        ("85084", {"85165", "85212"}),
    ],
)
def test_scission_d_une_commune_encore_actuelle(code, nees):
    lieu = territoire(code)
    assert (lieu.code, lieu.communes) == (code, (code,))
    [texte] = lieu.avertissements
    assert "a changé" in texte
    assert all(nee in texte for nee in nees)
    assert territoire(f"commune:{lieu.nom}").avertissements == lieu.avertissements
    assert set(passages()[code].codes) == nees | {code}


def test_ancien_code_partage_n_est_pas_devine(monkeypatch):
    # Aucun dans la table de 2025 : le cas est fabriqué (une commune supprimée, répartie entre deux autres).
    partage = {"53275": Passage("53275", "Ancienne", ("53012", "53084"), "fusion", 1990)}
    monkeypatch.setattr(passage, "passages", lambda: partage)
    monkeypatch.setattr(resolution, "passages", lambda: partage)
    with pytest.raises(TerritoireAmbigu) as capture:
        territoire("53275")
    assert {"53012", "53084", "53012+53084"} <= {
        texte.rsplit("(", 1)[1].split(")")[0] for texte in capture.value.propositions
    }
    [ligne] = a_jour(["53275"]).itertuples()
    assert (ligne.statut, ligne.cibles) == ("scission", "53012 53084")
    assert pd.isna(ligne.code_actuel)
    assert "partagé en 1990 entre 53012 Athée, 53084 Craon" in ligne.message


def test_manquants_et_zero_perdu_sont_dits():
    resultat = a_jour(["", None, "1001"])
    assert resultat.statut.tolist() == ["inconnu"] * 3
    assert resultat.message.str.contains("manquant|zéro de tête").all()
    assert "zéro de tête" in resultat.message[2] and "zéro de tête" not in a_jour(["99999"]).message[0]


def test_aucun_passage_ne_mene_hors_du_cog_2025():
    actuelles = set(lister("commune").code)
    assert passages()
    for un in passages().values():
        assert set(un.codes) <= actuelles
        assert un.ancien not in actuelles or un.type == "scission"


def test_a_jour_ligne_a_ligne():
    codes = ["53130", "49069", "99999", "15141", "75101", None, "53130", " 2a004 "]
    resultat = a_jour(codes)
    assert resultat.statut.tolist() == [
        "actuel",
        "passe",
        "inconnu",
        "scission",
        "actuel",
        "inconnu",
        "actuel",
        "actuel",
    ]
    assert set(resultat.statut) <= set(STATUTS)
    assert resultat.code_actuel.astype(object).where(resultat.code_actuel.notna(), None).tolist() == [
        "53130",
        "49126",
        None,
        "15141",
        "75101",
        None,
        "53130",
        "2A004",
    ]
    assert resultat.cibles[3] == "15031 15035 15047 15141 15171"
    assert resultat.message.isna().tolist() == [True, False, False, False, True, False, True, True]


def test_a_jour_garde_l_index_et_accepte_le_vide():
    serie = pd.Series(["49069", "01001"], index=["x", "y"])
    assert a_jour(serie).code_actuel.to_dict() == {"x": "49126", "y": "01001"}
    vide = a_jour([])
    assert vide.empty and "statut" in vide.columns
    assert a_jour("49069").code_actuel.tolist() == ["49126"]


def test_des_donnees_recentes_ne_sont_plus_en_scission():
    annee = passages()["15141"].annee
    assert annee is not None
    assert a_jour(["15141"], cog=annee).statut.tolist() == ["actuel"]
    assert a_jour(["15141"], cog=annee - 1).statut.tolist() == ["scission"]


@pytest.mark.parametrize("codes", [[1001], ["53130", 53084], pd.Series([1001, 53130]), [True]])
def test_a_jour_refuse_les_nombres(codes):
    with pytest.raises(DemandeFausse, match="en texte"):
        a_jour(codes)


def test_a_jour_ne_change_pas_ce_qu_on_lui_donne():
    serie = pd.Series(["49069"])
    a_jour(serie)
    assert serie.tolist() == ["49069"]


def test_tout_le_cog_actuel_est_a_jour():
    codes = lister("commune", arrondissements=True).code
    resultat = a_jour(codes, cog=2025)
    assert (resultat.statut == "actuel").all()
    assert (resultat.code_actuel == codes).all()
