"""« En bref » : des constats qui distinguent, choisis par la règle écrite sous l'encadré."""

import re

import numpy as np
import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.indicateurs import confronter, dictionnaire, effectifs
from cafdiag.restitution import bref
from cafdiag.restitution.diagnostic import Diagnostic
from cafdiag.restitution.lecture import MesuresLues


def lire(code):
    t = cd.territoire(code)
    trouve = confronter(t)
    return t, MesuresLues(trouve.mesures, confrontation=trouve)


@pytest.fixture(scope="module")
def craon():
    return lire("200048551")


@pytest.mark.parametrize(
    "code",
    ["200048551", "244900015", "200071363", "49126", "53", "France", "53012+53084", "200042497", "976", "QN04901M"],
)
def test_six_au_plus_deux_par_theme_la_population_d_abord(code):
    t, lecture = lire(code)
    dits = bref.en_bref(t, lecture, nom=t.nom)
    assert 1 <= len(dits.phrases) <= 6 and len(set(dits.phrases)) == len(dits.phrases)
    if lecture.connu("CTX_POP"):
        # La population de la France s'arrête avant Mayotte, et le dit.
        nom = f"{t.nom} hors Mayotte" if code == "France" else t.nom
        assert dits.phrases[0].startswith(f"{nom} : ") and "habitants" in dits.phrases[0]
    retenus = bref.constats(lecture)
    themes = [c.theme for c in retenus]
    assert all(themes.count(theme) <= 2 for theme in themes)
    assert [c.score for c in retenus] == sorted((c.score for c in retenus), reverse=True)
    for constat in retenus:
        assert constat.score >= bref.SCORE_MINIMUM and lecture.connu(constat.code)
    assert ("distinguent ce territoire" in dits.methode) == bool(retenus)


def test_un_territoire_pauvre_en_donnees_en_dit_moins():
    riche, pauvre = (bref.en_bref(t, li, nom=t.nom).phrases for t, li in (lire("200048551"), lire("249710047")))
    assert len(riche) == 6 > len(pauvre) > 1


def test_des_ex_aequo_d_un_meme_tiers_se_disent_en_mots(craon):
    """Entre le 6e et le 8e sur 8 : un élu lit « parmi les plus bas » ; un rang qui tient en un nombre le garde."""
    t, lecture = craon
    place = lecture.position("LOG_AL_PART", "proches") or {}
    phrases = bref.en_bref(t, lecture, nom=t.nom).phrases
    logement = next(p for p in phrases if "aide au logement" in p)
    assert place["rang_haut"] < place["rang_bas"] == place["classes"]
    assert logement.endswith("Rang : parmi les plus bas du département.")
    assert next(p for p in phrases if "ALSH" in p).endswith("Rang : 2e sur 8 des 9 EPCI du département.")


def test_le_score_est_l_ecart_sur_l_ecart_interquartile(craon):
    _, lecture = craon
    score, groupe = bref.score_de(lecture, "PE_NAISS_EVOL")
    table = lire_evolutions()
    ici, departement = lecture.valeur("PE_NAISS_EVOL"), lecture.valeur("PE_NAISS_EVOL", "departement")
    iqr = np.subtract(*np.percentile(table, [75, 25]))
    assert groupe == "proches" and score == pytest.approx(abs(ici - departement) / iqr)


def lire_evolutions():
    """Évolutions des naissances des autres EPCI de la Mayenne, refaites à partir des communes."""
    from cafdiag.magasin import lire_table

    epci, communes = lire_table("epci"), lire_table("communes").set_index("code")
    faits = lire_table("communes_france").set_index("code")
    siens = epci.loc[epci["departement"].eq("53") & epci["code"].ne("200048551"), "code"]
    dedans = communes.index[communes["epci"].isin(siens)]
    sommes = faits.reindex(dedans).groupby(communes.loc[dedans, "epci"]).sum(numeric_only=True)
    recent, ancien = (sommes[[f"naissances_{a}" for a in annees]].sum(axis=1)
                      for annees in ((2022, 2023, 2024), (2018, 2019, 2020)))
    return 100 * (recent / ancien - 1)


def test_une_place_est_une_place(craon):
    """La garde à domicile, minuscule, ne distingue pas un territoire par trois dixièmes de place."""
    _, lecture = craon
    for code in ("PE_TXCOUV_GAD", "PE_TXCOUV_PRESCO"):
        score, _ = bref.score_de(lecture, code)
        assert 0 < score < bref.SCORE_MINIMUM
    place = lecture.position("PE_TXCOUV_GLOBAL", "proches")
    ecart = lecture.ecart("PE_TXCOUV_AM", "departement")
    assert bref.score_de(lecture, "PE_TXCOUV_AM")[0] == pytest.approx(ecart / (place["q3"] - place["q1"]))


def test_un_ecart_sous_l_incertitude_ne_distingue_personne(craon):
    t, _ = craon
    trouve = confronter(t, ["PE_TXCOUV_EAJE", "PE_TXCOUV_GLOBAL"])
    mesures, pairs = trouve.mesures.copy(), trouve.pairs.copy()
    large = mesures["role"].eq("territoire")
    mesures.loc[large, "bas"], mesures.loc[large, "haut"] = 0.0, 200.0
    from dataclasses import replace

    lecture = MesuresLues(mesures, confrontation=replace(trouve, mesures=mesures, pairs=pairs))
    assert bref.score_de(lecture, "PE_TXCOUV_EAJE")[0] == 0.0 and bref.constats(lecture) == []


def test_effectifs_et_criteres_de_choix_ne_sont_pas_des_constats(craon):
    _, lecture = craon
    assert {"PE_NAISS", "PE_BESOIN_CIBLE"} <= effectifs() and "PE_TXCOUV_EAJE" not in effectifs()
    for code in effectifs():
        assert bref.score_de(lecture, code) == (0.0, "")
    assert bref.score_de(lecture, "CTX_DENSITE") == (0.0, "")


def test_le_rapport_ecrit_la_regle_et_joint_les_chiffres():
    d = Diagnostic("200048551")
    html = d.en_bref().html
    assert html.count("<li>") == 6 and "constats distinguent ce territoire" in html
    jointes = d.toutes_les_mesures()
    groupe = jointes[jointes["role"].eq("groupe")]
    # La médiane écrite se refait à partir des mesures jointes.
    codes = d.confrontation.groupes["comparables"].codes
    eaje = groupe[groupe["indicateur"].eq("PE_TXCOUV_EAJE") & groupe["territoire"].isin(codes)]["valeur"]
    assert len(eaje) == 10
    assert eaje.median() == pytest.approx(d.lecture.position("PE_TXCOUV_EAJE", "comparables")["mediane"])
    # Trois hypothèses d'horizon partagent territoire, indicateur et année : la modalité les distingue.
    projetees = jointes[jointes["role"].eq("horizon")]
    assert len(projetees) and not projetees.duplicated(["territoire", "indicateur", "annee", "modalite"]).any()
    mesures = jointes[~jointes["role"].isin(["simulation", "horizon"])]
    assert not mesures.duplicated(["territoire", "maille", "indicateur", "role", "annee"]).any()
    encart = d.comparaison("petite-enfance").html
    place = d.lecture.position("PE_TXCOUV_EAJE", "comparables")
    mediane = f"{place['mediane']:.1f}".replace(".", ",")
    assert "Parmi les EPCI comparables" in encart and mediane in encart
    assert f"{place['rang_haut']:.0f}e sur 11" in encart
    liste = d.comparaison("portrait").html
    voisin = d.confrontation.voisinage.table.iloc[0]
    assert voisin["nom"] in liste and f"{voisin['distance']:.2f}".replace(".", ",") in liste
    assert "densité (habitants au km²" in liste and "niveau de vie médian" in liste


def test_un_departement_n_a_pas_de_colonne_departement():
    def entetes(code):
        page = Diagnostic(code).comparaison("portrait").html
        return re.findall(r"<th scope=\"col\"[^>]*>([^<]*)", page[page.index("Qui sont les") :])[:2]

    assert entetes("53") == ["Territoire", "Habitants"]
    assert entetes("200048551") == ["Territoire", "Département"]


def test_sans_comparables_le_rapport_dit_pourquoi():
    assert "périmètre libre" in Diagnostic("53012+53084").comparaison("portrait").html
    # À cheval, aucun rang départemental : seuls les comparables situent.
    d = Diagnostic("200054781")
    assert "proches" not in d.lecture.groupes and "comparables" in d.lecture.groupes
    assert "EPCI du département" not in d.en_bref().html
    assert "aucun ne ressemble vraiment" in d.comparaison("portrait").html


def test_a_score_egal_l_ordre_du_dictionnaire(craon, monkeypatch):
    _, lecture = craon
    monkeypatch.setattr(bref, "score_de", lambda lecture, code: (1.0, "proches"))
    codes = [c.code for c in bref.constats(lecture)]
    rangs = [list(dictionnaire().index).index(c) for c in codes]
    assert rangs == sorted(rangs)
    assert isinstance(pd.Series(codes).value_counts().max(), np.integer) and len(codes) == len(set(codes))
