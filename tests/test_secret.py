"""Le secret statistique : seuils, masquage secondaire prouvé par audit, périmètres voisins, propriétés."""

import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import entrepot
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.erreurs import DemandeFausse, ProductionImpossible
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.secret import masquer, masquer_systeme
from cafdiag.indicateurs.secret_application import taire, verifier
from cafdiag.indicateurs.secret_mesures import zones
from cafdiag.indicateurs.secret_regles import seuil_de
from cafdiag.indicateurs.secret_systeme import Relation, systeme
from cafdiag.lot.plan import Cible, planifier
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.tableaux import tableau_mesures
from cafdiag.secret.masquage import Coupes, Masquage, ameliorer
from cafdiag.secret.solveur import Audit, intervalles

EFFECTIFS = st.one_of(st.integers(0, 12), st.integers(0, 300))


def plat(parties, nom="EPCI"):
    """Un total et ses parties."""
    valeurs = {nom: float(sum(parties))} | {f"c{i:02d}": float(n) for i, n in enumerate(parties)}
    return pd.Series(valeurs), [Relation(nom, tuple(c for c in valeurs if c != nom))]


def croise(tableau):
    """Un tableau croisé avec ses totaux de lignes, de colonnes, et général."""
    n, m = tableau.shape
    cases = {f"{i}/{j}": tableau[i, j] for i in range(n) for j in range(m)}
    cases |= {f"{i}/T": tableau[i].sum() for i in range(n)} | {
        f"T/{j}": tableau[:, j].sum() for j in range(m)
    }
    cases["T/T"] = tableau.sum()
    relations = [Relation(f"{i}/T", tuple(f"{i}/{j}" for j in range(m))) for i in range(n)]
    relations += [Relation(f"T/{j}", tuple(f"{i}/{j}" for i in range(n))) for j in range(m)]
    relations += [
        Relation("T/T", tuple(f"T/{j}" for j in range(m))),
        Relation("T/T", tuple(f"{i}/T" for i in range(n))),
    ]
    return pd.Series(cases).astype(float), relations


def attaque(valeurs, masque, relations, cases, inconnues=()):
    """Intervalle de chaque case par un programme linéaire posé ici, sans rien du code essayé."""
    noms = list(
        dict.fromkeys([*valeurs.index, *inconnues, *(c for r in relations for c in (r.total, *r.parties))])
    )
    rang = {c: i for i, c in enumerate(noms)}
    matrice = np.zeros((len(relations), len(noms)))
    for ligne, r in zip(matrice, relations, strict=True):
        ligne[rang[r.total]] = -1
        for c in r.parties:
            ligne[rang[c]] = 1
    bornes = [
        (valeurs[c], valeurs[c]) if c in valeurs.index and c not in inconnues and not masque[c] else (0, None)
        for c in noms
    ]
    trouves = {}
    for case in cases:
        objectif = np.zeros(len(noms))
        objectif[rang[case]] = 1
        intervalle = []
        for sens in (1, -1):
            r = linprog(sens * objectif, A_eq=matrice, b_eq=np.zeros(len(relations)), bounds=bornes)
            assert r.status in (0, 3), r.message
            intervalle.append(np.inf if r.status == 3 else sens * r.fun)
        trouves[case] = intervalle
    return trouves


# --- Les règles ---


def test_seuils_par_classe():
    assert seuil_de("publique_arrondie") is None and seuil_de("publique_exacte") is None
    assert [seuil_de(c) for c in ("confidentielle_partenaire", "fiscale", "entreprises")] == [5, 11, 3]
    assert seuil_de("confidentielle_partenaire", seuil_caf=11) == 11
    assert seuil_de("fiscale", seuil_caf=20) == 11
    with pytest.raises(DemandeFausse, match="nominative"):
        seuil_de("nominative")
    with pytest.raises(DemandeFausse, match="inconnue"):
        seuil_de("publique")


@pytest.mark.parametrize("seuil", ["1", "101", "cinq", "5.5", ""])
def test_seuil_refuse(seuil):
    with pytest.raises(DemandeFausse, match="seuil"):
        Options(seuil_caf=seuil)


def test_le_vrai_zero_se_montre_et_tous_se_tait():
    n = pd.Series({"aucun": 0.0, "tous": 20.0, "presque": 17.0, "moitie": 10.0})
    tout = pd.Series(20.0, index=n.index)
    assert masquer(n, touts=tout)["masque"].to_dict() == {
        "aucun": False,
        "tous": True,
        "presque": True,
        "moitie": False,
    }


def test_dominance():
    n = pd.Series({"a": 100.0, "b": 100.0})
    r = masquer(n, plus_gros=pd.Series({"a": 86.0, "b": 85.0}))
    assert r["masque"].tolist() == [True, False]


# --- Le masquage secondaire ---


@given(st.integers(1, 4), st.lists(st.integers(5, 400), min_size=1, max_size=15), st.integers(0, 5))
def test_une_seule_case_exactement_deux_masquees(petite, grandes, nuls):
    valeurs, relations = plat([petite, *grandes, *[0] * nuls])
    masque = masquer(valeurs, relations)["masque"]
    assert masque.sum() == 2 and masque["c00"]
    seconde = masque.index[masque & (masque.index != "c00")][0]
    assert valeurs[seconde] == min(grandes)


@given(st.lists(st.one_of(st.just(0), st.integers(5, 400)), min_size=1, max_size=15))
def test_rien_a_proteger_rien_de_masque(parties):
    valeurs, relations = plat(parties)
    r = masquer(valeurs, relations)
    assert not r["masque"].any() and (r["bas"] == valeurs).all() and (r["haut"] == valeurs).all()


@given(st.lists(EFFECTIFS, min_size=1, max_size=14))
def test_un_programme_lineaire_ne_retrouve_rien(parties):
    valeurs, relations = plat(parties)
    r = masquer(valeurs, relations)
    petites = valeurs[(valeurs > 0) & (valeurs < 5)].index
    assert r.loc[petites, "masque"].all() and r["protege"].sum() == len(petites)
    for bas, haut in attaque(valeurs, r["masque"], relations, petites).values():
        assert bas <= 1 + 1e-6 and haut >= 4 - 1e-6
    # Un lecteur averti (une case masquée n'est pas nulle) hésite aussi de 1 à 4.
    assert (r.loc[petites, "haut"] >= 4).all()


@settings(max_examples=25)
@given(st.integers(2, 5), st.integers(2, 4), st.randoms(use_true_random=False))
def test_tableau_croise(n, m, hasard):
    tableau = np.array([[hasard.choice([0, 1, 3, 6, 9, 20, 70]) for _ in range(m)] for _ in range(n)])
    valeurs, relations = croise(tableau)
    r = masquer(valeurs, relations)
    petites = valeurs[(valeurs > 0) & (valeurs < 5)].index
    for bas, haut in attaque(valeurs, r["masque"], relations, petites).values():
        assert bas <= 1 + 1e-6 and haut >= 4 - 1e-6


def test_un_petit_tableau_croise_ne_perd_que_son_rectangle():
    tableau = np.full((4, 5), 20.0) + np.arange(20).reshape(4, 5)
    tableau[1, 2] = 3
    valeurs, relations = croise(tableau)
    assert masquer(valeurs, relations)["masque"].sum() == 4


def test_emboitement_communes_epci_departement():
    # E n'a qu'une commune peuplée, et petite. Masquer F, que ses communes rendraient, ne suffirait pas : G suffit.
    valeurs = pd.Series(
        {"D": 100.0, "E": 3.0, "F": 37.0, "G": 60.0, "e1": 3.0, "e2": 0.0, "f1": 30.0, "f2": 7.0}
    )
    relations = [Relation("D", ("E", "F", "G")), Relation("E", ("e1", "e2")), Relation("F", ("f1", "f2"))]
    masque = masquer(valeurs, relations)["masque"]
    assert set(masque.index[masque]) == {"E", "e1", "G"}
    for bas, haut in attaque(valeurs, masque, relations, ["E", "e1"]).values():
        assert bas <= 1 and haut >= 4


def test_le_reste_trop_petit_se_tait_aussi():
    # 1 + 2 masqués d'un total de 43 : leur somme, 3, se retrouverait. Une troisième case les couvre.
    valeurs, relations = plat([1, 2, 40])
    assert masquer(valeurs, relations)["masque"].tolist() == [False, True, True, True]


@given(st.lists(EFFECTIFS, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_l_ordre_ne_change_rien(parties, hasard):
    valeurs, relations = plat(parties)
    melange = list(valeurs.index)
    hasard.shuffle(melange)
    membres = list(relations[0].parties)
    hasard.shuffle(membres)
    autre = masquer(valeurs[melange], [Relation("EPCI", tuple(membres))])
    pd.testing.assert_frame_equal(autre.loc[valeurs.index], masquer(valeurs, relations))


@given(st.lists(EFFECTIFS, min_size=1, max_size=12))
def test_masquer_ce_qui_est_deja_masque_ne_masque_rien_de_plus(parties):
    valeurs, relations = plat(parties)
    premier = masquer(valeurs, relations)["masque"]
    # Une case tue n'a plus de valeur.
    second = masquer(valeurs.mask(premier), relations)["masque"]
    assert not second.any()


@given(st.lists(EFFECTIFS, min_size=1, max_size=12), st.integers(2, 50))
def test_homothetie(parties, facteur):
    valeurs, relations = plat(parties)
    un = masquer(valeurs, relations)
    autre = masquer(valeurs * facteur, relations, seuil=5 * facteur, pas=facteur)
    assert (un["masque"] == autre["masque"]).all()
    np.testing.assert_allclose(autre["haut"], un["haut"] * facteur)


def test_les_entrees_ne_changent_pas():
    valeurs, relations = plat([3, 8, 20])
    avant = valeurs.copy()
    masquer(valeurs, relations)
    pd.testing.assert_series_equal(valeurs, avant)


# --- L'audit ---


def fuites(s, masque):
    """Rangs des cases protégées qu'un lecteur cerne de trop près."""
    bas, haut = intervalles(s.probleme(masque), masque)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(s.protegee & ((bas > s.permis_bas + 1e-5) | (haut < s.permis_haut - 1e-5)))


@settings(max_examples=25)
@given(st.integers(2, 4), st.integers(2, 4), st.randoms(use_true_random=False))
def test_l_audit_trouve_ce_que_trouve_un_programme_lineaire(n, m, hasard):
    """Masque pris au hasard : l'audit et un programme linéaire indépendant désignent les mêmes cases."""
    tableau = np.array([[hasard.choice([1, 2, 4, 6, 30]) for _ in range(m)] for _ in range(n)])
    valeurs, relations = croise(tableau)
    s = systeme(valeurs, relations, seuil=5)
    masque = s.protegee | np.array([hasard.random() < 0.3 for _ in s.cles])
    trouvees = set(s.cles[fuites(s, masque)])
    masques = dict(zip(s.cles, masque, strict=True))
    petites = [c for c, protege in zip(s.cles, s.protegee, strict=True) if protege]
    for case, (bas, haut) in attaque(valeurs, masques, relations, petites).items():
        if bas > 1 + 1e-6 or haut < 4 - 1e-6:
            assert case in trouvees


def test_sans_masquage_secondaire_l_audit_trouve_la_case():
    s = systeme(*plat([3, 17, 40]), seuil=5)
    assert "c00" in s.cles[fuites(s, s.protegee)]
    masque, _ = masquer_systeme(s)
    assert not len(fuites(s, masque))


def test_un_taux_arrondi_est_une_information():
    # 12,5 % (à 0,05 près) de 24 foyers montrés : le numérateur vaut 3, à 0,012 près. Le masquer seul ne suffit pas.
    valeurs = pd.Series({"num": 3.0, "den": 24.0})
    s = systeme(valeurs, [Relation("num", ("den",), poids=(0.125,), ecart=(-0.012, 0.012))], seuil=5)
    assert [s.cles[i] for i in fuites(s, s.protegee)] == ["num"]
    masque, bornes = masquer_systeme(s)
    assert masque.all() and bornes.haut[0] >= 4


def test_un_total_qui_ne_tombe_pas_juste_reste_une_information():
    valeurs = pd.Series({"EPCI": 61.0, "a": 3.0, "b": 17.0, "c": 40.0})
    masque = masquer(valeurs, [Relation("EPCI", ("a", "b", "c"))])["masque"]
    assert masque.tolist() == [False, True, True, False]


# --- Périmètres voisins ---


def test_deux_perimetres_emboites_dont_la_difference_est_petite():
    # A contient B ; leur différence, trois personnes, n'est montrée nulle part.
    valeurs = pd.Series({"A": 53.0, "B": 50.0, "A-B": 3.0})
    masque = masquer(valeurs, [Relation("A", ("B", "A-B"))], inconnues=["A-B"])["masque"]
    assert masque.to_dict() == {"A": False, "B": True, "A-B": False}


def test_un_perimetre_deja_publie_ne_se_masque_plus():
    valeurs = pd.Series({"A": 53.0, "B": 50.0, "A-B": 3.0})
    relations = [Relation("A", ("B", "A-B"))]
    masque = masquer(valeurs, relations, inconnues=["A-B"], publiees=["B"])["masque"]
    assert masque.to_dict() == {"A": True, "B": False, "A-B": False}
    # Publiés tous les deux, il n'y a plus rien à taire : ce n'est pas une raison de s'arrêter.
    r = masquer(valeurs, relations, inconnues=["A-B"], publiees=["A", "B"])
    assert not r["masque"].any() and r.loc["A-B", ["bas", "haut"]].tolist() == [3, 3]


@given(st.lists(st.integers(0, 12), min_size=3, max_size=8))
def test_une_suite_de_perimetres_emboites(tranches):
    """P0 ⊂ P1 ⊂ … affichés ensemble : aucune tranche ni réunion de tranches n'est cernée."""
    cumuls = np.cumsum([30, *tranches])
    valeurs = pd.Series(
        {f"P{i}": float(n) for i, n in enumerate(cumuls)}
        | {f"d{i}": float(n) for i, n in enumerate(tranches, 1)}
    )
    relations = [Relation(f"P{j}", (f"P{i}", f"d{j}")) for i, j in pairwise(range(len(cumuls)))]
    inconnues = [f"d{i}" for i in range(1, len(cumuls))]
    masque = masquer(valeurs, relations, inconnues=inconnues)["masque"]
    petites = [c for c in valeurs.index if 0 < valeurs[c] < 5]
    for bas, haut in attaque(valeurs, masque, relations, petites, inconnues).values():
        assert bas <= 1 + 1e-6 and haut >= 4 - 1e-6


# --- Demandes fautives ---


def test_demandes_fautives():
    with pytest.raises(DemandeFausse, match="même étiquette"):
        masquer(pd.Series([1.0, 2.0], index=["a", "a"]))
    with pytest.raises(DemandeFausse, match="négatif"):
        masquer(pd.Series({"a": -1.0}))


# --- Les territoires et les mesures ---


def test_zones_emboitees_et_atomes():
    # Deux EPCI, l'un à cheval sur deux départements dont un seul est connu : l'atome est ce qui reste.
    z = zones({("c", "1"): [1], ("e", "E"): [1, 2], ("e", "F"): [3, 4], ("d", "D"): [1, 2, 3]})
    parties = z.parties(np.ones(4, dtype=bool))
    assert parties[z.de[("e", "E")]] == (z.de[("c", "1")], ("atome", (3, 1)))
    assert parties[z.de[("d", "D")]] == (z.de[("e", "E")], ("atome", (3, 2)))
    # F se découpe aussi : sans cela, D − E et F ne se recouperaient pas.
    assert set(parties[z.de[("e", "F")]]) == {("atome", (3, 2)), ("atome", (2,))}


def test_deux_lieux_des_memes_communes_sont_une_zone():
    z = zones({("epci", "E"): [3, 1], ("departement", "D"): [1, 3]})
    assert z.de[("epci", "E")] == z.de[("departement", "D")] and len(z.communes) == 1


@pytest.fixture
def activite(tmp_path, monkeypatch):
    """Range une activité : ``{(maille, code, grandeur): valeur}``."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))

    def ranger(valeurs):
        table = pd.DataFrame(
            [(m, c, g, 2024, float(v), "Caf") for (m, c, g), v in valeurs.items()],
            columns=["maille", "code", "grandeur", "annee", "valeur", "source"],
        )
        compte = CompteRendu("a.csv", "activite", len(table), len(table), [], {}, [], [], "0" * 64)
        entrepot.ajouter(Lecture("activite", table, compte, (2024,), "Caf", "2024"))

    return ranger


CRAON = "200048551"
NOMBRES = ["valeur", "numerateur", "denominateur", "bas", "haut"]


def par_commune(valeurs, grandeur="enfants_bas_revenus"):
    return {("commune", c, grandeur): n for c, n in zip(cd.territoire(CRAON).communes, valeurs, strict=True)}


def test_une_commune_trop_petite_en_masque_une_autre(activite):
    effectifs = [3, 17, *range(40, 75)]
    activite(par_commune(effectifs))
    communes = cd.mesurer_maille("commune", ["PS_BASREV_ENF"], codes=cd.territoire(CRAON).communes)
    tues = communes[communes["statut"].eq("secret")]
    assert tues["territoire"].tolist() == list(cd.territoire(CRAON).communes[:2])
    assert tues[NOMBRES].isna().all(axis=None) and tues["motif"].nunique() == 1
    total = cd.mesurer(CRAON, ["PS_BASREV_ENF"]).iloc[0]
    assert (total["valeur"], total["statut"]) == (sum(effectifs), "exact")
    # Le symbole d'un secret n'est ni « n.d. » ni « s.o. ».
    assert ">s</abbr>" in fragment((tableau_mesures(communes, titre="t", lignes="territoire"),))
    # Au seuil de 2, il n'y a rien à protéger.
    libre = cd.mesurer_maille(
        "commune", ["PS_BASREV_ENF"], codes=cd.territoire(CRAON).communes, options=Options(seuil_caf=2)
    )
    assert libre["valeur"].sort_values().tolist() == sorted(effectifs)


@pytest.mark.parametrize("seuil", [3, 8, 11, 20])
def test_tous_les_seuils_par_la_commande(activite, capsys, seuil):
    """À chaque seuil, la commande répond, et ce qu'elle montre ne cerne aucune petite commune."""
    siennes = cd.territoire(CRAON).communes
    effectifs = [*range(1, 21), *range(40, 40 + len(siennes) - 20)]
    activite(par_commune(effectifs))
    montrees = {}
    for code in (CRAON, *siennes):
        demande = ["mesurer", code, "-i", "PS_BASREV_ENF", "--seuil-caf", str(seuil), "--format", "json"]
        assert principal(demande) == 0
        sortie = capsys.readouterr()
        assert "np." not in sortie.out + sortie.err
        (mesure,) = json.loads(sortie.out)
        montrees[code] = mesure["valeur"]
        assert mesure["statut"] == ("secret" if mesure["valeur"] is None else "exact")
    valeurs = pd.Series(dict(zip((CRAON, *siennes), (float(sum(effectifs)), *map(float, effectifs)), strict=True)))
    masque = pd.Series({c: v is None for c, v in montrees.items()})
    assert all(montrees[c] in (None, valeurs[c]) for c in valeurs.index)
    petites = [c for c in siennes if 0 < valeurs[c] < seuil]
    assert len(petites) == seuil - 1 and masque[petites].all() and not masque.all()
    cernes = attaque(valeurs, masque, [Relation(CRAON, siennes)], petites)
    assert all(bas <= 1 and haut >= seuil - 1 for bas, haut in cernes.values())


def test_deux_geographies_ne_se_trahissent_pas(activite, capsys):
    """Bény-sur-Mer a changé d'intercommunalité : celle d'hier, moins celle d'aujourd'hui, la rendrait."""
    beny, quittee, rejointe = "14062", "200069516", "241400860"
    lieux = sorted({*cd.territoire(quittee).communes, *cd.territoire(rejointe).communes})
    effectifs = {c: 3 if c == beny else 20 + rang for rang, c in enumerate(lieux)}
    activite({("commune", c, "enfants_bas_revenus"): n for c, n in effectifs.items()})
    montrees = {}
    for annee in ("2026", "2025"):
        demande = ["mesurer", *lieux, quittee, rejointe, "-i", "PS_BASREV_ENF", "--format", "json"]
        demande += ["--geographie", annee]
        assert principal(demande) == 0
        montrees |= {(annee, m["territoire"]): m["valeur"] for m in json.loads(capsys.readouterr().out)}
    assert montrees["2026", beny] is None
    # Le masque est le même dans les deux géographies, commune par commune.
    assert [montrees["2026", c] for c in lieux] == [montrees["2025", c] for c in lieux]
    for code in (quittee, rejointe):
        hier, aujourd_hui = montrees["2025", code], montrees["2026", code]
        assert aujourd_hui is not None and (hier is None or abs(hier - aujourd_hui) != effectifs[beny])


def test_un_perimetre_qui_isole_une_petite_commune_est_tu(activite):
    effectifs = [3, 17, *range(40, 75)]
    activite(par_commune(effectifs))
    siennes = cd.territoire(CRAON).communes

    def mesurer(communes, **options):
        return cd.mesurer(cd.perimetre("p", communes), ["PS_BASREV_ENF"], options=Options(**options)).iloc[0]

    assert mesurer(siennes[1:])["statut"] == "secret"
    assert cd.perimetres_montres().empty
    assert mesurer(siennes[2:])["valeur"] == sum(effectifs[2:])
    # La troisième commune est connue : l'EPCI moins elle moins ce périmètre rendrait 17, puis 3.
    assert mesurer([siennes[0], *siennes[3:]])["statut"] == "secret"
    # Ce périmètre a été publié ailleurs : c'est l'EPCI qui ne peut plus se montrer.
    publie = Options(perimetres_publies="+".join(siennes[1:]))
    assert cd.mesurer(CRAON, ["PS_BASREV_ENF"]).iloc[0]["statut"] == "exact"
    assert cd.mesurer(CRAON, ["PS_BASREV_ENF"], options=publie).iloc[0]["statut"] == "secret"


def test_deux_perimetres_ne_se_trahissent_pas(activite):
    # Six communes trop petites : l'EPCI et chaque commune muette cachent la quatrième ; deux périmètres la rendraient.
    activite(par_commune([3, 4, 2, 1, 3, 4, *range(40, 71)]))
    siennes = cd.territoire(CRAON).communes
    quatre, trois = cd.perimetre("quatre", siennes[:4]), cd.perimetre("trois", siennes[:3])

    def mesurer(lieu):
        return cd.mesurer(lieu, ["PS_BASREV_ENF"]).iloc[0]

    # Le premier montré est au journal : le second, jugé en le sachant, se tait ; oublier est un choix.
    assert mesurer(quatre)["valeur"] == 10 and mesurer(trois)["statut"] == "secret"
    assert cd.perimetres_montres()["codes"].tolist() == ["+".join(sorted(siennes[:4]))]
    assert mesurer(quatre)["valeur"] == 10
    assert cd.oublier_montres(quatre.code) == 1
    assert mesurer(trois)["valeur"] == 9 and mesurer(quatre)["statut"] == "secret"
    assert cd.oublier_montres() == 1
    # Gardé, le premier est réputé montré : le second se tait. L'ordre est celui où ils ont été gardés.
    cd.garder_perimetre(quatre)
    assert mesurer(quatre)["valeur"] == 10 and mesurer(trois)["statut"] == "secret"
    cd.garder_perimetre(cd.perimetre("avant par le nom", siennes[:3]))
    assert mesurer(quatre)["valeur"] == 10 and mesurer(trois)["statut"] == "secret"
    # Un périmètre gardé avec une commune disparue du découpage n'empêche rien.
    fichier = cd.garder_perimetre(cd.perimetre("ancien", siennes[4:8]))
    fichier.write_text(fichier.read_text(encoding="utf-8").replace(siennes[4], "53999"), encoding="utf-8")
    assert mesurer(quatre)["valeur"] == 10
    cd.oublier_perimetre("ancien")
    # Dans un même calcul, ils se jugent ensemble.
    cd.oublier_perimetre("quatre")
    cd.oublier_perimetre("avant par le nom")
    cd.oublier_montres()
    lieux = {p.code: p.communes for p in (quatre, trois)}
    brutes = []
    for p in (quatre, trois):
        brutes.append(cd.mesurer(p, ["PS_BASREV_ENF"]))
        cd.oublier_montres()
    brutes = pd.concat(brutes, ignore_index=True)
    tues = taire(brutes, options=Options(), perimetres=lieux)
    assert brutes["statut"].tolist() == ["exact", "exact"] and tues["statut"].tolist() == ["exact", "secret"]


def test_un_lot_refuse_deux_perimetres_qui_s_ignorent(activite):
    siennes = cd.territoire(CRAON).communes
    lieux = [cd.perimetre("quatre", siennes[:4]), cd.perimetre("trois", siennes[:3])]
    demandes = [Cible(lieu.cle) for lieu in lieux]
    # Rien de confidentiel : rien à trahir.
    assert len(planifier(demandes, formats="html").commandes) == 2
    activite(par_commune([3, 4, 2, 1, 3, 4, *range(40, 71)]))
    with pytest.raises(DemandeFausse, match=r"2 périmètres libres dans un même lot.*confidentielles"):
        planifier(demandes, formats="html")
    # Le même deux fois, ou un seul à côté d'un EPCI, ne pose pas la question ; gardé, l'un est connu de l'autre.
    assert planifier([demandes[0], Cible(CRAON), demandes[0]], formats="html").remarques
    # Les communes d'un EPCI entier sont cet EPCI, que le masque connaît déjà.
    entier = Cible("+".join(siennes))
    assert len(planifier([demandes[0], entier], formats="html").commandes) == 2
    cd.garder_perimetre(lieux[0])
    assert len(planifier(demandes, formats="html").commandes) == 2
    cd.oublier_perimetre("quatre")


def test_le_reste_d_un_taux_est_protege_aussi(activite):
    """17 séparations accompagnées sur 20 : 3 familles ne le sont pas. 6 enfants AEEH sur 6 : tous le sont."""
    n = len(cd.territoire(CRAON).communes)
    activite(
        par_commune([20] * n, "separations_declarees")
        | par_commune([17, *[10] * (n - 1)], "separations_accompagnees")
        | par_commune([6, *[30] * (n - 1)], "enfants_aeeh")
        | par_commune([6, *[12] * (n - 1)], "enfants_pole_handicap")
    )
    premiere, autre = cd.territoire(CRAON).communes[0], cd.territoire(CRAON).communes[-1]
    assert cd.mesurer(premiere, ["SEP_TX_ACCOMP", "HAN_POLE_ENF"])["statut"].tolist() == ["secret", "secret"]
    assert cd.mesurer(autre, ["SEP_TX_ACCOMP"]).iloc[0]["valeur"] == 50
    total = cd.mesurer(CRAON, ["SEP_TX_ACCOMP"]).iloc[0]
    assert total["numerateur"] == 17 + 10 * (n - 1) and total["statut"] == "exact"


def test_le_reste_que_personne_n_a_declare_est_protege(activite):
    """Une Caf tait une commune et donne l'EPCI : le total moins les autres la rendrait."""
    siennes = cd.territoire(CRAON).communes
    valeurs = {("commune", c, "enfants_bas_revenus"): 10 + rang for rang, c in enumerate(siennes[1:])}

    def montrees(total):
        activite({**valeurs, ("epci", CRAON, "enfants_bas_revenus"): total})
        communes = cd.mesurer_maille("commune", ["PS_BASREV_ENF"], codes=siennes)["valeur"]
        return [*communes.tolist(), *cd.mesurer(CRAON, ["PS_BASREV_ENF"])["valeur"].tolist()]

    connus = sum(valeurs.values())
    # Un reste d'au moins cinq se montre, un vrai zéro aussi ; de un à quatre, une autre case se tait avec lui.
    assert [pd.isna(montrees(connus + reste)).sum() for reste in (0, 3, 4, 5)] == [1, 2, 2, 1]


def test_le_reste_d_une_part_dont_le_tout_est_public_est_protege(activite):
    siennes = cd.territoire(CRAON).communes
    valeurs = {("commune", c, "foyers_monoparentaux"): 6 + rang % 4 for rang, c in enumerate(siennes[2:])}

    def statuts(reste):
        activite({**valeurs, ("epci", CRAON, "foyers_monoparentaux"): sum(valeurs.values()) + reste})
        communes = cd.mesurer_maille("commune", ["PS_MONOPAR"], codes=siennes[2:])["statut"]
        return [*communes, cd.mesurer(CRAON, ["PS_MONOPAR"])["statut"].item()]

    assert statuts(3).count("secret") == 1 and "secret" not in statuts(12)


def test_le_reste_d_un_departement_est_protege(activite):
    """98 dans l'EPCI, 100 dans le département : deux ailleurs. De même d'une part, et d'un EPCI à cheval."""

    def montres(*couples):
        activite({(m, c, g): n for g, lieux in couples for (m, c), n in lieux.items()})
        codes = ["PS_BASREV_ENF", "SEP_TX_ACCOMP"]
        return [cd.mesurer(lieu, codes)["valeur"].tolist() for lieu in ("departement:53", CRAON)]

    lieux = [("departement", "53"), ("epci", CRAON)]
    ici = montres(("enfants_bas_revenus", dict(zip(lieux, (100, 98), strict=True))))
    assert [pd.isna(v[0]) for v in ici] == [False, True]
    # Hors de l'EPCI, les dix séparations sont toutes accompagnées : 100 % révèle chacune.
    ici = montres(
        ("separations_declarees", dict(zip(lieux, (60, 50), strict=True))),
        ("separations_accompagnees", dict(zip(lieux, (40, 30), strict=True))),
    )
    assert any(pd.isna(v[1]) for v in ici)
    ici = montres(
        ("separations_declarees", dict(zip(lieux, (80, 50), strict=True))),
        ("separations_accompagnees", dict(zip(lieux, (40, 30), strict=True))),
    )
    assert not any(pd.isna(v[1]) for v in ici)


def test_deux_comptes_compris_l_un_dans_l_autre_ne_rendent_pas_leur_difference(activite):
    """30 foyers avec enfant, 28 monoparentaux : deux couples."""

    def valeurs(monoparentaux):
        comptes = {"foyers_avec_enfants": 30, "foyers_monoparentaux": monoparentaux, "separations_declarees": 10}
        activite({("epci", CRAON, g): n for g, n in comptes.items()})
        return cd.mesurer(CRAON, ["PS_MONOPAR", "SEP_DECLA_1000"])["statut"].tolist()

    assert "secret" in valeurs(28) and "secret" not in valeurs(20)


def test_le_motif_d_une_case_tue_ne_depend_pas_d_elle(activite):
    """Trois ou quatre foyers isolés : l'intervalle de la part est tantôt trop large, tantôt non."""
    # La Boissière et Chérancé d'abord : peu de foyers, arrondis à cinq.
    siennes = cd.territoire(CRAON).communes
    petites = ("53033", "53068")

    def dites(premiers):
        effectifs = dict(zip(petites, premiers, strict=True))
        activite(par_commune([effectifs.get(c, 60 + rang) for rang, c in enumerate(siennes)], "foyers_isoles"))
        communes = cd.mesurer_maille("commune", ["PS_ISOLES"], codes=siennes)
        return communes[["statut", "motif"]].to_numpy().tolist()

    assert all(dites((a, b)) == dites((b, a)) for a, b in ((1, 4), (2, 3), (3, 4)))


def test_total_partiel_et_minorant_sont_tus(activite):
    # Une commune n'a rien dit : « au moins » est le total des autres, et se soustrairait.
    valeurs = par_commune([3, 17, *range(40, 75)])
    del valeurs[("commune", cd.territoire(CRAON).communes[5], "enfants_bas_revenus")]
    activite(valeurs)
    ligne = cd.mesurer(CRAON, ["PS_BASREV_ENF"]).iloc[0]
    assert ligne["statut"] == "non_disponible" and ligne[NOMBRES].isna().all()
    assert "au moins" not in ligne["motif"]


def test_tous_les_foyers_ou_presque_se_taisent(activite):
    n = len(cd.territoire(CRAON).communes)
    parts = [100, 97, 50, *[40] * (n - 3)]
    activite(par_commune([100] * n, "foyers_reference") | par_commune(parts, "foyers_bas_revenus"))
    communes = cd.mesurer_maille("commune", ["PS_BASREV"], codes=cd.territoire(CRAON).communes)
    statuts = communes.set_index("territoire")["statut"].loc[list(cd.territoire(CRAON).communes)].tolist()
    assert statuts[:2] == ["secret", "secret"] and statuts.count("secret") < n / 2


def test_ce_qui_est_deja_tu_ne_change_plus(activite):
    activite(par_commune([3, 17, 1, 2, *range(40, 73)]))
    communes = cd.mesurer_maille("commune", ["PS_BASREV_ENF"], codes=cd.territoire(CRAON).communes)
    pd.testing.assert_frame_equal(taire(communes, options=Options()), communes)
    verifier(communes, options=Options())
    with pytest.raises(ProductionImpossible, match="allaient être montrées"):
        verifier(communes, options=Options(seuil_caf=50))


def test_un_montant_et_une_mediane_ne_se_montrent_pas_a_la_commune(activite):
    commune = cd.territoire(CRAON).communes[0]
    activite(
        {("commune", commune, "taux_effort_logement"): 18.0, ("epci", CRAON, "taux_effort_logement"): 20.0}
    )
    assert cd.mesurer(commune, ["LOG_TX_EFFORT"]).iloc[0]["statut"] == "secret"
    assert cd.mesurer(CRAON, ["LOG_TX_EFFORT"]).iloc[0]["valeur"] == 20.0


def test_le_montant_d_une_seule_structure_se_tait(activite):
    """Trois structures, aucune à 85 % ; et un total ne trahit pas un EPCI tu."""

    def montant(structures):
        activite(
            {("epci", CRAON, "fonds_roulement_avs"): 30000.0, ("epci", CRAON, "charges_annuelles_avs"): 120000.0}
            | {("epci", CRAON, "structures_avs_bilan"): float(structures)}
        )
        return cd.mesurer(CRAON, ["AVS_FDR_MOIS"]).iloc[0]

    assert montant(5)["valeur"] == 3
    for structures in (1, 2):
        tue = montant(structures)
        assert tue["statut"] == "secret" and tue[NOMBRES].isna().all()


@pytest.mark.parametrize(("structures", "fonds", "vu"), [(6, 36000, False), (6, -9000, False), (9, 36000, True)])
def test_le_montant_du_reste_d_un_departement_se_tait(activite, structures, fonds, vu):
    """Cinq structures dans l'EPCI, six dans le département : leur différence est le fonds de la sixième."""
    lieux = {("departement", "53"): (structures, fonds, 150000), ("epci", CRAON): (5, 30000, 120000)}
    noms = ("structures_avs_bilan", "fonds_roulement_avs", "charges_annuelles_avs")
    activite({(m, c, g): n for (m, c), dits in lieux.items() for g, n in zip(noms, dits, strict=True)})
    montres = [pd.notna(cd.mesurer(lieu, ["AVS_FDR_MOIS"]).iloc[0]["valeur"]) for lieu in ("departement:53", CRAON)]
    assert montres == [vu, True]


def test_sans_donnee_confidentielle_le_secret_ne_coute_rien():
    """Ni programme linéaire ni masque chargés, et rien de changé."""
    code = (
        "import sys, cafdiag as cd; t = cd.comparer('200048551', ['PS_ALLOC_POP', 'CTX_POP']); "
        "assert t['valeur'].notna().any(); "
        "print([m for m in sys.modules if m.startswith(('scipy.optimize', 'cafdiag.indicateurs.secret'))])"
    )
    sortie = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sortie.stdout.strip() == "[]"


# --- Le chemin, l'élagage, les coupes : ce que chacun promet ---


def _masquages(nombre=6, n=9, m=7, regard=400):
    """Des tableaux croisés, masqués puis élagués."""
    for graine in range(nombre):
        hasard = np.random.default_rng(graine)
        tableau = hasard.choice([0, 1, 2, 3, 6, 9, 20, 70, 150], size=(n, m))
        s = systeme(*croise(tableau), seuil=5)
        masquage = Masquage(s.probleme(s.protegee), regard=regard)
        masquage.reconnaitre()
        masquage.couvrir(np.arange(len(masquage.t)), masquage.p.cout)
        masquage.elaguer(masquage.secondaires[np.argsort(-masquage.p.cout[masquage.secondaires], kind="stable")])
        yield masquage


def _protege(masquage, masque):
    """Vrai si un programme linéaire neuf trouve chaque tâche servie par ce masque."""
    p, t = masquage.p, masquage.t
    cachees = p.cachees(masque)
    audit = Audit(p, np.flatnonzero(cachees))
    return all(audit.pousser(int(t.case[k]), int(t.sens[k]), cachees, float(t.besoin[k]))[0]
               >= t.besoin[k] * (1 - 1e-6) for k in np.flatnonzero(~t.abandonnee & (t.initie < 0)))


def test_chaque_temoin_est_un_tableau_que_le_lecteur_ne_peut_exclure():
    for masquage in _masquages():
        p, t = masquage.p, masquage.t
        assert (masquage.temoins.de[~t.abandonnee] >= 0).all()
        for tache in np.flatnonzero(~t.abandonnee):
            cases, ecart = masquage.temoins.points[masquage.temoins.de[tache]]
            assert p.cachees(masquage.masque)[cases].all()
            tout = np.zeros(len(p.valeur))
            # À l'échelle, et dans un sens ou l'autre, il porte la case au-delà de son besoin.
            pousse = ecart[cases == t.case[tache]][0]
            tout[cases] = ecart * t.sens[tache] * t.besoin[tache] / abs(pousse) * np.sign(pousse)
            assert np.allclose(p.relations @ tout, 0, atol=1e-6 * t.besoin[tache])
            assert (tout <= p.marge + 1e-6).all() and (-tout <= p.recul_vers(int(t.sens[tache])) + 1e-6).all()


@pytest.mark.parametrize("regard", [400, 5])
def test_un_masque_elague_ne_peut_plus_rien_montrer(regard):
    """Chaque case gardée l'est parce que la montrer découvrirait quelque chose, et jamais par prudence du calcul."""
    inutiles = gardees = 0
    for masquage in _masquages(regard=regard):
        assert _protege(masquage, masquage.masque)
        for case in masquage.secondaires:
            moins = masquage.masque.copy()
            moins[case] = False
            gardees += 1
            inutiles += _protege(masquage, moins)
    # À regarder tout le tableau, aucune ; autour de la case seulement, quelques-unes.
    assert gardees > 30 and inutiles <= (0 if regard == 400 else gardees // 4)


def test_une_coupe_tient_pour_tout_masque_qui_protege():
    """« Il faut garder assez de ces cases » : vrai de tous les masques qui protègent, tirés au hasard."""
    hasard, juges = np.random.default_rng(1), 0
    for masquage in _masquages(nombre=4, n=5, m=5):
        autres = np.flatnonzero(masquage.p.masquable & ~masquage.impose)
        for _ in range(12):
            masque = masquage.impose.copy()
            masque[autres[hasard.random(len(autres)) < 0.7]] = True
            if _protege(masquage, masque):
                juges += 1
                for cases, poids in masquage.coupes.lignes:
                    assert poids[masque[cases]].sum() >= 1 - 1e-6
    assert juges >= 10


def test_faire_mieux_coute_moins_et_protege_encore():
    avant = apres = 0.0
    for masquage in _masquages(nombre=4):
        avant += masquage.cout()
        ameliorer(masquage, 60_000)
        apres += masquage.cout()
        assert _protege(masquage, masquage.masque)
    # Vingt-trois cases de plus en quatre tableaux, contre vingt-six : un calcul moins bon se verrait.
    assert apres <= 23.1 < avant


def test_une_coupe_interdit_de_montrer_la_case_de_trop():
    coupes = Coupes(4)
    coupes.ajouter(np.array([0, 1, 2]), np.array([1.0, 0.6, 0.4]))
    tout, sans_la_premiere, deux = (np.array(m, dtype=bool) for m in ([1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1]))
    # De 0, 1 et 2, il en faut une : 0 seule, ou 1 et 2 ensemble.
    assert not any(coupes.interdit(c, tout) for c in range(4))
    assert [coupes.interdit(c, sans_la_premiere) for c in (1, 2, 3)] == [True, True, False]
    assert [coupes.interdit(c, deux) for c in (0, 1)] == [True, False]


def test_montrer_la_seule_voisine_d_une_case_protegee_se_refuse_d_emblee():
    s = systeme(*plat([3, 17, 40, 60]), seuil=5)
    p = s.probleme(s.protegee)
    rang = {str(c): i for i, c in enumerate(s.cles)}

    def isole(cachees, case):
        masquage = Masquage(p)
        masquage.masque[[rang[c] for c in cachees]] = True
        return masquage._isole(rang[case])

    assert isole(["c00", "c01"], "c01") and not isole(["c00", "c01", "c02"], "c01")
    # L'inverse n'est pas vrai : rien n'est à protéger dans la voisine.
    assert not isole(["c00", "c01"], "c00")


def test_faire_mieux_s_arrete_apres_assez_de_tours_sans_gain():
    (masquage,) = _masquages(nombre=1, n=5, m=5)
    couts, elaguer = [masquage.cout()], masquage.elaguer

    def compter(ordre):
        elaguer(ordre)
        couts.append(masquage.cout())

    masquage.elaguer = compter
    ameliorer(masquage, 10**9)
    gains = [i for i in range(1, len(couts)) if couts[i] < min(couts[:i]) - 1e-9]
    # Quatre tours par case secondaire, et vingt.
    assert len(couts) - 1 - max(gains, default=0) == 4 * len(masquage.secondaires) + 20
