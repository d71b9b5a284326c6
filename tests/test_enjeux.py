"""Les enjeux : un écart plus grand que l'incertitude, rapporté à son seuil ; rien d'un manquant ni d'un minorant."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.indicateurs import dictionnaire
from cafdiag.restitution.enjeux import REGLES, enjeux, seuils
from cafdiag.restitution.lecture import MesuresLues

UNITES = dictionnaire()["unite"]


def lecture(*lignes, series=None):
    """Une MesuresLues de lignes ``(code, valeur, rôle, autres)`` posées à la main."""
    vide = float("nan")
    table = []
    for code, valeur, role, *autres in lignes:
        table.append({"indicateur": code, "valeur": valeur, "role": role, "statut": "exact", "unite": UNITES[code],
                      "bas": vide, "haut": vide, "annee": 2023, "millesime": "2023", "modalite": "", "motif": "",
                      "maille": "epci", "libelle": dictionnaire().at[code, "libelle"], **(autres[0] if autres else {})})
    return MesuresLues(pd.DataFrame(table), series=series)


def duo(code, ici, la, role="france", **autres):
    return (code, ici, "territoire", autres), (code, la, role)


def titres(*lignes, **options):
    return [e.titre for e in enjeux(lecture(*lignes, **options))]


def test_l_ecart_se_compte_en_seuils_et_range_les_enjeux():
    trouves = enjeux(lecture(*duo("PE_TXCOUV_GLOBAL", 54.0, 60.0), *duo("PE_TXCOUV_EAJE", 10.0, 20.0),
                             *duo("PS_RSA", 15.0, 10.0, "departement"), ("PE_NAISS_EVOL", -30.0, "territoire")))
    # 30 % de naissances, seuil 5 ; 50 % de RSA, seuil 10 ; 50 % de crèches, seuil 15. L'offre entière est le
    # troisième de son thème : deux au plus.
    assert [(e.code, e.poids) for e in trouves] == [
        ("PE_NAISS_EVOL", 6.0), ("PS_RSA", 5.0), ("PE_TXCOUV_EAJE", 3.333),
    ]  # fmt: skip
    assert "10,0 places de crèche" in trouves[2].constat and "contre 20,0 en France" in trouves[2].constat
    assert all(e.question.endswith("?") and e.contredit.endswith(".") and e.theme for e in trouves)


@pytest.mark.parametrize(("valeur", "debut"), [(1.9, "1,9 enfant pour"), (2.4, "2,4 enfants pour")])
def test_le_pluriel_commence_a_deux(valeur, debut):
    (trouve,) = enjeux(lecture(*duo("HAN_AEEH_100", valeur, 0.7, "departement")))
    assert trouve.constat.startswith(debut) and (" ont l'" if valeur >= 2 else " a l'") in trouve.constat


def test_le_titre_nomme_ce_a_quoi_l_ecart_est_distinct():
    sous_les_deux = (("PE_TXCOUV_EAJE", 10.0, "territoire"), ("PE_TXCOUV_EAJE", 12.0, "departement"),
                     ("PE_TXCOUV_EAJE", 20.0, "france"))
    assert titres(*sous_les_deux) == ["Moins de places de crèche que dans le département et qu'en France"]
    # Au-dessus du département mais sous la France : un besoin envers la France.
    entre = (("PE_TXCOUV_GLOBAL", 43.0, "territoire"), ("PE_TXCOUV_GLOBAL", 38.0, "departement"),
             ("PE_TXCOUV_GLOBAL", 61.0, "france"))
    assert titres(*entre) == ["Moins de places d'accueil des tout-petits qu'en France"]


@pytest.mark.parametrize("faute", [
    {"statut": "non_disponible", "valeur": float("nan"), "bas": 5.0, "haut": 8.0},  # un minorant, un majorant
    {"statut": "non_disponible", "valeur": float("nan")},
    {"statut": "secret", "valeur": float("nan")},
    {"statut": "estime", "bas": 9.0, "haut": 21.0},  # l'intervalle contient la référence
    {"statut": "estime", "valeur": 19.8},  # deux pour cent d'une estimation
    {"annee": 2022, "millesime": "2022"},  # une autre date que la référence
])  # fmt: skip
def test_ni_manquant_ni_minorant_ni_intervalle_qui_contient_la_reference(faute):
    assert enjeux(lecture(*duo("PE_TXCOUV_EAJE", 10.0, 20.0, **faute))) == []
    assert len(enjeux(lecture(*duo("PE_TXCOUV_EAJE", 10.0, 20.0)))) == 1


@pytest.mark.parametrize(("bas", "haut", "attendus"), [(-9.0, -5.0, 1), (-9.0, 0.2, 0), (-9.0, -0.05, 0)])
def test_une_evolution_dont_l_intervalle_contient_zero_n_en_est_pas_une(bas, haut, attendus):
    ligne = ("PE_NAISS_EVOL", -7.0, "territoire", {"statut": "estime", "bas": bas, "haut": haut})
    assert len(enjeux(lecture(ligne))) == attendus


def test_trop_peu_d_ecarts_francs_les_faibles_et_les_atouts_completent_jusqu_a_trois():
    faibles = (*duo("PE_TXCOUV_GLOBAL", 80.0, 60.0), ("CTX_POP_EVOL", -0.5, "territoire"),
               *duo("PE_TXCOUV_EAJE", 10.0, 20.0), *duo("CTX_PART_0_19", 24.0, 23.5))
    trouves = enjeux(lecture(*faibles))
    assert [e.code for e in trouves] == ["PE_TXCOUV_EAJE", "CTX_POP_EVOL", "PE_TXCOUV_GLOBAL"]
    # Un atout se garde plutôt qu'il ne se comble : il vient après, et pèse moitié moins.
    assert [e.atout for e in trouves] == [False, False, True] and trouves[2].poids == pytest.approx(1.667)


def test_sept_au_plus_deux_par_theme():
    tout = [ligne for r in REGLES if r.reference is None and not r.sur
            for ligne in duo(r.code, *((50.0, 90.0) if r.bas and not r.bas.atout else (90.0, 50.0)))]
    tout += [("PE_NAISS_EVOL", -40.0, "territoire"), ("CTX_POP_EVOL", -40.0, "territoire"),
             ("AVS_QPV_COUV", 0.0, "territoire"), ("AVS_FRR_SANS", 5.0, "territoire"),
             ("CTX_COM_FRR", 5.0, "territoire")]
    trouves = enjeux(lecture(*tout))
    assert len(trouves) == 7
    assert pd.Series([e.theme for e in trouves]).value_counts().max() <= 2
    assert not any(e.atout for e in trouves) and len({e.titre for e in trouves}) == 7


def test_une_evolution_dite_stable_n_est_pas_un_enjeu():
    assert titres(("CTX_POP_EVOL", 0.3, "territoire"), ("PE_NAISS_EVOL", -0.9, "territoire")) == []
    assert titres(("CTX_POP_EVOL", 0.6, "territoire"), ("PE_NAISS_EVOL", -1.1, "territoire")) == [
        "Une population qui augmente", "Moins de naissances",
    ]  # fmt: skip


def test_a_une_commune_on_ne_parle_pas_de_ses_communes():
    ici = [(code, valeur, "territoire", {"maille": "commune"}) for code, valeur in
           (("CTX_POP_EVOL", 4.0), ("CTX_TX_PAUVRETE", 30.0), ("PE_TXCOUV_GLOBAL", 20.0))]
    la = [("CTX_TX_PAUVRETE", 14.0, "france"), ("PE_TXCOUV_GLOBAL", 60.0, "france")]
    questions = [e.question for e in enjeux(lecture(*ici, *la))]
    assert len(questions) == 3
    assert not any("commune" in q for q in questions), questions


def test_une_tendance_qui_aggrave_pese_plus_qu_une_qui_comble():
    def serie(debut):
        return {"PE_TXCOUV_GLOBAL": pd.DataFrame([
            {"annee": a, "valeur": v, "bas": float("nan"), "haut": float("nan"), "statut": "exact", "rupture": False}
            for a, v in ((2017, debut), (2023, 54.0))])}  # fmt: skip

    sans, baisse, hausse, plate = (
        enjeux(lecture(*duo("PE_TXCOUV_GLOBAL", 54.0, 60.0), series=s))[0]
        for s in (None, serie(58.0), serie(50.0), serie(54.0))
    )
    assert (sans.poids, baisse.poids, hausse.poids, plate.poids) == (1.0, 1.25, 0.8, 1.0)
    assert "De 2017 à 2023 : 58,0 puis 54,0, soit −4,0." in baisse.constat and "2017" not in plate.constat


def test_quartiers_et_communes_rurales_mal_couverts():
    assert titres(("AVS_QPV_COUV", 60.0, "territoire")) == ["Des quartiers prioritaires sans centre social"]
    assert titres(("AVS_QPV_COUV", 100.0, "territoire")) == []
    frr = lecture(("AVS_FRR_SANS", 12.0, "territoire"), ("CTX_COM_FRR", 37.0, "territoire"))
    (enjeu,) = enjeux(frr)
    assert enjeu.constat.startswith("12 communes sur 37 en zone France ruralités revitalisation, sans centre social")
    assert enjeux(lecture(("AVS_FRR_SANS", 0.0, "territoire"), ("CTX_COM_FRR", 37.0, "territoire"))) == []
    # Sans le nombre de communes classées, douze ne sont ni peu ni beaucoup.
    assert enjeux(lecture(("AVS_FRR_SANS", 12.0, "territoire"))) == []


@given(st.lists(st.tuples(st.sampled_from([r.code for r in REGLES]), st.floats(0, 100), st.floats(0, 100),
                          st.sampled_from(["departement", "france"]), st.sampled_from(["exact", "estime", "secret"])),
                max_size=12, unique_by=lambda ligne: ligne[0]))
def test_jamais_plus_de_sept_ni_sans_ecart(lignes):
    posees = [m for code, ici, la, role, statut in lignes for m in duo(code, ici, la, role, statut=statut)]
    if not posees:
        return
    trouves = enjeux(lecture(*posees))
    secrets = {code for code, *_, statut in lignes if statut == "secret"}
    assert len(trouves) <= 7 and not secrets & {e.code for e in trouves}
    assert all(e.poids > 0 and "nan" not in e.constat and "{" not in e.titre + e.constat for e in trouves)
    besoins = [e.poids for e in trouves if not e.atout]
    assert besoins == sorted(besoins, reverse=True)


def test_chaque_regle_dit_son_seuil_et_ses_phrases():
    assert len(seuils()) == len(REGLES) == len({r.code for r in REGLES})
    for regle in REGLES:
        assert regle.code in dictionnaire().index and regle.seuil > 0 and (regle.bas or regle.haut)


def test_communes_frr_sans_structure_par_la_commande(tmp_path, capsys):
    registre = tmp_path / "structures.csv"
    registre.write_text("type;nom;code\ncentre_social;Le Centre;53084\nevs;La Ruche;53188\n", encoding="utf-8")
    commande = ["mesurer", "200048551", "-i", "AVS_FRR_SANS"]
    assert principal([*commande, "--registre", str(registre), "--registre-complet", "53"]) == 0
    assert "35 communes" in capsys.readouterr().out
    # La même liste, partielle : deux communes ont quelque chose, rien ne dit que les autres n'ont rien.
    assert principal([*commande, "--registre", str(registre)]) == 0
    dit = capsys.readouterr().out
    assert "n.d." in dit and "partielles" in dit
    assert principal(["mesurer", "244900015", "-i", "AVS_FRR_SANS"]) == 0
    assert "s.o." in capsys.readouterr().out


def test_une_commune_frr_en_partie_se_dit_pour_ce_qu_elle_est(tmp_path, capsys):
    """Haut Valromey : son zonage est coupé par une fusion ; un registre complet n'est pas « partiel » pour autant."""
    registre = tmp_path / "structures.csv"
    registre.write_text("type;nom;code\ncentre_social;Le Centre;01053\nevs;La Ruche;01053\n", encoding="utf-8")
    options = ["-i", "AVS_FRR_SANS", "--registre", str(registre), "--registre-complet", "01"]
    assert principal(["mesurer", "01187", *options]) == 0
    dit = capsys.readouterr().out
    assert "n.d." in dit and "partielles" not in dit and "registre complet" not in dit
