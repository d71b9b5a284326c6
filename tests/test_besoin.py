"""Le besoin non couvert : la répartition face à des oracles indépendants, la commande, ce qui fait se taire."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.accessibilite import Voisinage, deux_temps
from cafdiag.indicateurs.repartition import parts_servies, servis

CRAON, MAYOTTE = "200048551", "97611"


@st.composite
def reseaux(tirer):
    """Enfants, places, durées de quelques communes."""
    n, m = tirer(st.integers(1, 6)), tirer(st.integers(1, 6))
    enfants = np.array(tirer(st.lists(st.integers(0, 40), min_size=n, max_size=n)), dtype=float)
    places = np.array(tirer(st.lists(st.integers(0, 40), min_size=m, max_size=m)), dtype=float)
    durees = np.array(tirer(st.lists(st.integers(0, 30), min_size=n * m, max_size=n * m)), dtype=float)
    return enfants, places, durees.reshape(n, m)


def _oracle(enfants, places, i, j, *, minima=None):
    """Programme linéaire du transport, écrit à part : le plus d'enfants servis ; ou s'il y a une solution."""
    if not len(i):
        return None if minima is not None and (minima > 0).any() else 0.0
    lignes = np.zeros((len(enfants) + len(places), len(i)))
    lignes[i, np.arange(len(i))] = 1
    lignes[len(enfants) + j, np.arange(len(i))] = 1
    droite = np.concatenate([enfants, places])
    if minima is not None:
        lignes = np.vstack([lignes, -lignes[: len(enfants)]])
        droite = np.concatenate([droite, -minima])
    trouve = linprog(-np.ones(len(i)), A_ub=lignes, b_ub=droite, method="highs")
    return -trouve.fun if trouve.success else None


@settings(max_examples=60, deadline=None)
@given(reseaux(), st.integers(0, 30), st.integers(0, 10))
def test_optimale_conservee_monotone(reseau, seuil, de_plus):
    """Autant que l'oracle, jamais plus que l'offre ni que les enfants ; plus de minutes ne prive personne."""
    enfants, places, durees = reseau
    i, j = np.nonzero(durees <= seuil)
    total = servis(enfants, places, i, j)
    assert total == pytest.approx(_oracle(enfants, places, i, j), abs=1e-6)
    assert total <= min(enfants.sum(), places.sum()) + 1e-9
    parts = parts_servies(enfants, places, i, j)
    assert (parts >= 0).all() and (parts <= 1).all()
    assert (parts * enfants).sum() == pytest.approx(total, abs=1e-6)
    # Réalisable : des places existent pour servir ces parts-là, toutes ensemble.
    assert _oracle(enfants, places, i, j, minima=parts * enfants - 1e-6) is not None
    assert servis(enfants, places, *np.nonzero(durees <= seuil + de_plus)) >= total - 1e-6


@settings(max_examples=60, deadline=None)
@given(reseaux(), st.integers(0, 30))
def test_aussi_egale_que_possible(reseau, seuil):
    """Aucune part ne peut monter sans qu'une plus petite, ou égale, ne baisse ; et le 2SFCA ne sert jamais plus."""
    enfants, places, durees = reseau
    i, j = np.nonzero(durees <= seuil)
    parts = parts_servies(enfants, places, i, j)
    for k in np.flatnonzero((enfants > 0) & (parts < 1 - 1e-6)):
        minima = np.where(parts <= parts[k] + 1e-6, parts * enfants - 1e-7, 0.0)
        minima[k] += 1e-2
        assert _oracle(enfants, places, i, j, minima=minima) is None, (k, parts)
    noms, lieux = pd.RangeIndex(len(enfants)), pd.RangeIndex(len(places))
    v = Voisinage(noms, lieux, i, j, durees[i, j])
    acces, _ = deux_temps(pd.Series(enfants, noms), pd.Series(places, lieux), v, paliers=((30.0, 1.0),))
    assert (np.minimum(acces / 100, 1) * enfants).sum() <= (parts * enfants).sum() + 1e-6


@settings(max_examples=40, deadline=None)
@given(reseaux(), st.integers(0, 30), st.integers(0, 30))
def test_un_socle_reste_servi(reseau, seuil, moins):
    """Qui a sa place au premier tour la garde au second, et le second atteint l'optimum de tous."""
    enfants, places, durees = reseau
    d_abord = parts_servies(enfants, places, *np.nonzero(durees <= min(seuil, moins)))
    i, j = np.nonzero(durees <= seuil)
    ensuite = parts_servies(enfants, places, i, j, socle=d_abord * enfants)
    assert (ensuite >= d_abord - 1e-6).all()
    assert (ensuite * enfants).sum() == pytest.approx(servis(enfants, places, i, j), abs=1e-6)


def test_une_offre_sans_limite():
    """Une offre inconnue par le haut sert tout le monde à sa portée, sans déborder les entiers du flot."""
    enfants = np.array([100_000.0, 3.0, 50_000.0])
    parts = parts_servies(enfants, np.array([np.inf, 1.0]), np.array([0, 1]), np.array([0, 1]))
    assert parts.tolist() == pytest.approx([1.0, 1 / 3, 0.0])
    # Des effectifs entiers, et une origine sans enfant : sa part est 1.
    i = j = np.arange(3)
    assert parts_servies(np.array([0, 4, 0]), np.array([1, 1, 0]), i, j).tolist() == [1.0, 0.25, 1.0]
    assert parts_servies(np.array([2, 4, 0]), np.array([1, 1, 0]), i, j, socle=np.array([1, 1, 0])).tolist() == [
        0.5, 0.25, 1.0]


@pytest.fixture(scope="module")
def craon():
    return cd.besoin(CRAON)


def test_encadre_et_somme_des_communes(craon):
    ligne = craon.principal
    assert 0 < ligne["bas"] <= ligne["valeur"] <= ligne["haut"] < ligne["enfants"]
    assert craon.communes["valeur"].sum() == pytest.approx(ligne["valeur"])
    assert craon.communes["enfants"].sum() == ligne["enfants"]
    assert set(craon.communes["code"]) == set(craon.territoire.communes)
    # Le taux publié de l'EPCI est de 79,9 places pour 100 enfants : un sur cinq n'en a pas.
    assert 0.15 < ligne["valeur"] / ligne["enfants"] < 0.25


def test_le_meme_nombre_par_tous_les_chemins(craon):
    """Un EPCI seul, la somme de ses communes demandées une à une, et un périmètre des mêmes communes."""
    commune = cd.besoin(craon.communes["code"].iloc[0]).principal
    assert commune["valeur"] == pytest.approx(craon.communes["valeur"].iloc[0])
    libre = cd.besoin(cd.perimetre("Pareil", list(craon.territoire.communes))).principal
    assert libre["valeur"] == pytest.approx(craon.principal["valeur"])


def test_la_commande(capsys, craon):
    assert principal(["besoin", CRAON, "--format", "json"]) == 0
    table = json.loads(capsys.readouterr().out)
    [tous] = [li for li in table if li["section"] == "territoire" and li["public"] == "tous"]
    assert tous["valeur"] == pytest.approx(craon.principal["valeur"]) and tous["minutes"] == 15
    assert len([li for li in table if li["section"] == "commune"]) == 37
    assert principal(["besoin", CRAON, "--format", "csv"]) == 0
    assert len(pd.read_csv(io.StringIO(capsys.readouterr().out), dtype={"code": str})) == len(table)
    assert principal(["besoin", CRAON]) == 0
    dit = capsys.readouterr().out
    assert "n'ont pas de place à moins de 15 minutes" in dit and "naissances de 2021 à 2023" in dit
    # Sans le recensement des familles, on le dit, et ce qui suffirait.
    assert "activite_parents" in dit


@pytest.mark.parametrize(
    ("arguments", "dit"),
    [
        ([MAYOTTE], "ne publie pas de taux de couverture"),
        (["75101"], "demandez la ville"),
        (["FR"], "une commune, un EPCI"),
        (["QN04901M"], "ne vont pas au quartier"),
        ([CRAON, "--minutes", "jamais"], "nombre de minutes"),
        ([CRAON, "--minutes", "0"], "nombre de minutes"),
    ],
)
def test_se_tait_en_disant_pourquoi(capsys, arguments, dit):
    assert principal(["besoin", *arguments]) == 2
    sorti = capsys.readouterr()
    assert sorti.out == "" and dit in sorti.err


def test_des_naissances_inconnues_ne_font_pas_zero(monkeypatch, craon):
    """Une commune sans naissances connues : nommée ; jamais comptée pour rien."""
    from cafdiag.indicateurs import non_couvert
    from cafdiag.indicateurs.tables_calcul import Tables, contexte_des, un_territoire

    tables = Tables.lire(None)
    trouees = tables.communes.copy()
    trouees.loc["53084", [c for c in trouees if c.startswith("naissances_")]] = np.nan
    neuves = Tables(trouees, *(getattr(tables, c) for c in ("taux", "qpv", "structures", "apports", "places")),
                    tables.publications)
    monkeypatch.setattr(Tables, "lire", classmethod(lambda cls, apports: neuves))
    with pytest.raises(DemandeFausse, match="Craon"):
        cd.besoin(CRAON)
    contexte = contexte_des(*un_territoire(craon.territoire, "t"), neuves)
    assert non_couvert.sans_place(contexte)["valeur"].isna().all()


@pytest.fixture
def familles(tmp_path):
    """Le recensement des familles de Craon : deux enfants sur trois ont tous leurs parents en emploi."""
    modalites = {"A111": 0, "A112": 0, "A121": 0, "A122": 1, "A221": 2, "A222": 0, "A223": 0, "A224": 0}
    lignes = ["AGE;GEO;GEO_OBJECT;RP_MEASURE;TFN;TIME_PERIOD;OBS_VALUE"]
    for code in cd.territoire(CRAON).communes:
        for age in ("Y_LT2", "Y2T5"):
            lignes += [f"{age};{code};COM;POP;{f};2023;{v}" for f, v in modalites.items()]
            lignes.append(f"{age};{code};COM;POP;_T;2023;3")
    chemin = tmp_path / "DS_RP_TD_FAMILLE_AGEENF_COMP_2023_data.csv"
    chemin.write_text("\n".join(lignes) + "\n", encoding="utf-8")
    return chemin


def test_les_parents_en_emploi(familles, capsys, tmp_path, monkeypatch):
    """Par la porte de l'usager : la source importée, la commande répond sur ce public, et garde l'autre."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    assert principal(["donnees", "importer", str(familles)]) == 0
    capsys.readouterr()
    trouve = cd.besoin(CRAON)
    assert trouve.principal["public"] == "emploi"
    tous, emploi = trouve.resume.to_dict("records")
    assert emploi["enfants"] == pytest.approx(tous["enfants"] * 2 / 3)
    # Toute l'offre leur est réservée : il ne leur manque presque rien, et jamais plus qu'à tous.
    assert 0 <= emploi["valeur"] < tous["valeur"]
    assert principal(["besoin", CRAON]) == 0
    dit = capsys.readouterr().out
    assert "dont tous les parents présents ont un emploi, sur 547" in dit and "Parmi tous les enfants" in dit


def test_un_registre_situe_les_assistants_maternels(tmp_path, monkeypatch, capsys):
    """Tous à Craon : les communes à plus de 15 minutes perdent des places, le total publié reste."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    avant = cd.besoin(CRAON).communes.set_index("code")
    chemin = tmp_path / "assistants.csv"
    chemin.write_text(
        "code_commune;type;agrees;annee\n53084;assistants maternels;200;2025\n53188;assistants maternels;1;2025\n",
        encoding="utf-8",
    )
    assert principal(["donnees", "importer", str(chemin), "--confirmer"]) == 0, capsys.readouterr()
    apres = cd.besoin(CRAON).communes.set_index("code")
    assert apres.at["53084", "part"] <= avant.at["53084", "part"] + 1e-6
    assert apres["valeur"].sum() > avant["valeur"].sum()


def test_la_phrase_entre_au_rapport_et_a_la_note(craon):
    """La même phrase et le même nombre ; là où rien ne se calcule, rien ne s'écrit."""
    from cafdiag.restitution.besoin import constat
    from cafdiag.restitution.diagnostic import Diagnostic

    d = Diagnostic(CRAON)
    phrase = constat(craon)
    assert phrase.startswith("Environ 165 enfants de moins de 3 ans, sur 821 fin 2023, n'ont pas de place")
    assert phrase.replace("'", "&#x27;") in d.simulation().html or phrase in d.simulation().html
    dites = [p["texte"] for t in next(iter(d.note().donnees.values()))["themes"] for p in t["phrases"]]
    assert dites.count(phrase) == 1
    jointes = d.toutes_les_mesures()
    siennes = jointes[jointes["role"].eq("besoin")]
    [ligne] = siennes[siennes["territoire"].eq(CRAON)].to_dict("records")
    assert ligne["valeur"] == pytest.approx(craon.principal["valeur"])
    assert ligne["bas"] < ligne["valeur"] < ligne["haut"]
    # Le tableau par commune, dont la somme est le nombre ; les fiches disent la même phrase et l'épreuve de l'horizon.
    assert siennes[siennes["maille"].eq("commune")]["valeur"].sum() == pytest.approx(ligne["valeur"])
    assert "commune par commune" in d.simulation().html
    # La même part partout : le tableau le dit, et aucune carte d'une seule couleur.
    assert "La même part partout" in d.simulation().html and d.carte_besoin().html == ""
    perspectives = next(iter(d.note().donnees.values()))["perspectives"]
    assert perspectives[:1] == [phrase] and "cet intervalle a été juste" in perspectives[-1]
    assert "sans place à portée" not in Diagnostic(MAYOTTE).simulation().html


def test_l_epreuve_se_lit_ou_on_la_cherche(craon):
    """Les mêmes nombres dans le dictionnaire, les hypothèses et la page."""
    page = (Path(__file__).parent.parent / "docs" / "besoin.md").read_text("utf-8")
    ecrit = r"taux de ([\d ]+) communes.*?([\d,]+) %\s+des communes ; ([\d,]+) % tombent dessous, ([\d,]+) %"
    communes, dedans, dessous, dessus = re.search(ecrit, page, re.S).groups()
    limites = cd.dictionnaire()["limites"]
    for attendu in (communes, f"{dedans} %", f"{dessous} % dessous, {dessus} % dessus"):
        assert attendu in limites["PE_BESOIN_CIBLE"]
    assert communes in limites["ACC_EAJE_2SFCA"] and f"{dedans} %" in limites["ACC_EAJE_2SFCA"]
    [dite] = [h for h in craon.hypotheses if h.startswith("épreuve")]
    assert communes.replace(" ", "\u202f") in dite and f"{dedans} fois sur 100" in dite
