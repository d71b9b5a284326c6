"""« cafdiag secret epreuve » : des épreuves engendrées et publiques, vérifiées par un second programme linéaire."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from second_moteur import comparer, jeu, retrouvables

from benchmarks.epreuves_secret import lire, verifier
from cafdiag.cli import principal
from cafdiag.secret import masquage

PUBLIQUES = os.environ.get("CAFDIAG_EPREUVES_SECRET", "")
EXIGEES = {
    "rtauargus_act_size": 64,
    "rtauargus_act_cj": 90,
    "rtauargus_nuts_size": 76,
    "rtauargus_2_tables_liees": 175,
    "rtauargus_datatest1": 291,
    "ssb_z2_moins_de_5": 13,
    "rtauargus_ex1": 2,
    "ssb_z1": 3,
    "sdctable_testproblem": 3,
    "sdctable_problemdata": 1,
    "sdctable_liees": 1,
    "sdctable_singletons": 0,
}


def ecrire(dossier, cases, relations, info=None):
    """Une épreuve : cases en dictionnaires, relations en couples."""
    dossier.mkdir(parents=True, exist_ok=True)
    with (dossier / "cellules.csv").open("w", encoding="utf-8", newline="") as flux:
        ecrivain = csv.DictWriter(flux, list(cases[0]))
        ecrivain.writeheader()
        ecrivain.writerows(cases)
    textes = [{"total": t, "parties": list(p)} for t, p in relations]
    (dossier / "relations.json").write_text(json.dumps(textes), encoding="utf-8")
    if info is not None:
        (dossier / "info.json").write_text(json.dumps(info), encoding="utf-8")
    return dossier


def case(nom, valeur, primaire=0, permis=("", ""), **autres):
    """Une case."""
    bas, haut = permis
    return {"id": nom, "valeur": valeur, "primaire": primaire, "permis_bas": bas, "permis_haut": haut} | autres


def plate(b=17, **autres):
    """T = a + b + c, a trop petite."""
    cases = [case("T", 3 + b + 40), case("a", 3, 1, (1, 4)), case("b", b), case("c", 40)]
    return [c | autres for c in cases], [("T", "abc")]


def secondaires(sortie):
    """Les cases masquées pour d'autres."""
    with (sortie / "secondaires.csv").open(encoding="utf-8") as flux:
        return {r["id"] for r in csv.DictReader(flux)}


def fuites(dossier, cachees):
    """Cases primaires qu'un programme linéaire, posé à part, cerne de trop près."""
    return verifier(*lire(dossier), set(cachees))


def resoudre(racine, cases, relations, *options, info=None):
    """Par la commande : les secondaires, les intervalles, et le certificat ; rien n'est retrouvé."""
    dossier = ecrire(racine / "e", cases, relations, info)
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(racine / "s"), *options]) == 0
    trouvees = secondaires(racine / "s")
    assert fuites(dossier, trouvees) == []
    with (racine / "s" / "intervalles.csv").open(encoding="utf-8") as flux:
        bornes = {r["id"]: (r["bas"], r["haut"]) for r in csv.DictReader(flux)}
    return trouvees, bornes, json.loads((racine / "s" / "certificat.json").read_text(encoding="utf-8"))


def test_une_table_plate(tmp_path, capsys):
    dossier = ecrire(tmp_path / "e", *plate())
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path / "s")]) == 0
    dit = capsys.readouterr()
    assert "optimum prouvé" in dit.err and "HiGHS" not in dit.out
    assert secondaires(tmp_path / "s") == {"b"} and fuites(dossier, {"b"}) == []
    assert fuites(dossier, set()) == ["a"]
    certificat = json.loads((tmp_path / "s" / "certificat.json").read_text(encoding="utf-8"))
    assert certificat["retrouvees"] == [] and certificat["optimum_prouve"] is True


def test_un_cout_change_le_choix(tmp_path):
    cases, relations = plate(cout=1)
    cases[2]["cout"] = 5
    principal(["secret", "epreuve", str(ecrire(tmp_path / "e", cases, relations)), "--sortie", str(tmp_path / "s")])
    assert secondaires(tmp_path / "s") != {"b"}


def test_un_initie_n_apprend_rien_des_autres(tmp_path):
    """T = 25 : a et b masquées, qui est seul dans a connaîtrait b."""
    cases = [case("T", 25, effectif=25), case("a", 1, 1, (0, 4), effectif=1), case("b", 4, 1, (1, 5), effectif=4),
             case("c", 20, effectif=20)]
    dossier = str(ecrire(tmp_path / "e", cases, [("T", "abc")]))
    principal(["secret", "epreuve", dossier, "--sortie", str(tmp_path / "sans")])
    principal(["secret", "epreuve", dossier, "--singletons", "--sortie", str(tmp_path / "avec")])
    assert len(secondaires(tmp_path / "avec")) == 1 + len(secondaires(tmp_path / "sans"))


def test_ce_que_le_lecteur_sait_deja_ne_protege_pas(tmp_path):
    """b, qu'un lecteur connaît à un près, ne cache pas a ; c, si."""
    cases, relations = plate(bas="", haut="", masquable=1)
    cases[0]["masquable"] = 0
    cases[2] |= {"bas": 16, "haut": 18}
    trouvees, bornes, _ = resoudre(tmp_path, cases, relations)
    assert trouvees == {"c"} and bornes["b"] == ("17.0", "17.0")


def test_un_initie_nomme_connait_ses_cases(tmp_path):
    """Qui connaît b ne doit pas en tirer a : une autre la cache."""
    cases, relations = plate(initie="", masquable=1)
    cases[0]["masquable"] = 0
    cases[2]["initie"] = "Association X | Caf"
    assert resoudre(tmp_path, cases, relations)[0] == {"c"}


def test_un_initie_qu_aucun_masque_n_ecarte_est_dit(tmp_path, capsys):
    """Tout se voit, sauf a et ce qu'il sait : le certificat le nomme, et le code de retour le dit."""
    cases, relations = plate(initie="", masquable=0)
    cases[1]["masquable"] = cases[2]["masquable"] = 1
    cases[2]["initie"] = "Association X"
    dossier = ecrire(tmp_path / "e", cases, relations)
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path / "s")]) == 1
    certificat = json.loads((tmp_path / "s" / "certificat.json").read_text(encoding="utf-8"))
    assert certificat["retrouvees_par_initie"] == {"Association X": ["a"]} and not certificat["retrouvees"]
    assert "Association X" in capsys.readouterr().err and "initié" in certificat["resultat"]


def test_un_repondant_seul_dont_on_ne_se_garde_pas_est_dit(tmp_path, capsys):
    cases, relations = plate(effectif=9)
    cases[1]["effectif"] = 1
    dits = []
    for options in ((), ("--singletons",)):
        certificat = resoudre(tmp_path, cases, relations, *options)[2]
        dits.append((certificat["seuls_non_gardes"], "--singletons s'en garde" in capsys.readouterr().err))
    assert dits == [(1, True), (0, False)]


def test_un_optimum_abandonne_n_est_pas_dit_prouve(tmp_path, monkeypatch):
    """Une recherche entière coupée ne prouve rien : son silence n'est pas « il n'y a pas mieux »."""
    n = np.random.default_rng(3).integers(1, 40, (3, 3, 3))
    for axe in range(3):
        n = np.concatenate([n, n.sum(axe, keepdims=True)], axe)
    nom = np.array([f"{i}" for i in range(n.size)]).reshape(n.shape)
    cases = [case(q, int(v), int(v < 8), (1, 8) if v < 8 else ("", "")) for q, v in zip(nom.flat, n.flat, strict=True)]
    lignes = [ligne for axe in range(3) for ligne in np.moveaxis(nom, axe, 2).reshape(-1, 4)]
    relations = [(ligne[3], ligne[:3].tolist()) for ligne in lignes]
    assert resoudre(tmp_path / "1", cases, relations)[2]["optimum_prouve"] is True
    monkeypatch.setattr(masquage, "_NOEUDS", 0)
    assert resoudre(tmp_path / "2", cases, relations)[2]["optimum_prouve"] is False


def test_des_valeurs_negatives(tmp_path):
    cases = [case("T", 5), case("a", -3, 1, (-6, -1)), case("b", -17), case("c", 25)]
    trouvees, bornes, _ = resoudre(tmp_path, cases, [("T", "abc")])
    assert len(trouvees) == 1 and float(bornes["a"][1] or "inf") >= -1


def test_un_zero_a_proteger(tmp_path):
    cases = [case("T", 60), case("a", 0, 1, (0, 4)), case("b", 20), case("c", 40), case("z", 0)]
    trouvees, bornes, _ = resoudre(tmp_path, cases, [("T", "abcz")])
    assert len(trouvees) == 1 and trouvees != {"z"}
    assert float(bornes["a"][0]) == 0 and float(bornes["a"][1]) >= 4


def croisement(echelle=1.0):
    """Un tableau de 5 × 4, ses marges, et les petites cases à protéger de 10 %."""
    n = np.random.default_rng(7).integers(1, 60, (5, 4)).astype(float)
    n = np.vstack([n, n.sum(0)])
    n = np.column_stack([n, n.sum(1)]) * echelle
    n = n.astype(object)
    cases = [
        case(f"{i}.{j}", repr(x), int(x < 8 * echelle), (repr(0.9 * x), repr(1.1 * x)) if x < 8 * echelle else ("", ""))
        for (i, j), x in np.ndenumerate(n)
    ]
    relations = [(f"{i}.4", [f"{i}.{j}" for j in range(4)]) for i in range(6)]
    return cases, relations + [(f"5.{j}", [f"{i}.{j}" for i in range(5)]) for j in range(5)]


def test_l_unite_ne_change_rien(tmp_path):
    """En euros comme en milliards : les mêmes cases."""
    petites = resoudre(tmp_path / "1", *croisement())[0]
    assert petites
    for echelle in (2.0**30, 2.0**-20):
        assert resoudre(tmp_path / str(echelle), *croisement(echelle))[0] == petites


def test_des_tables_liees_se_trouvent_et_se_tiennent(tmp_path, capsys):
    """Deux tables de mêmes totaux par lieu : la case commune est tue dans les deux, ou montrée dans les deux."""
    tables = {
        "age": [("jeunes", 3, 30, 25), ("vieux", 40, 22, 19)],
        "sexe": [("femmes", 20, 29, 24), ("hommes", 23, 23, 20)],
    }
    for nom, lignes in tables.items():
        cases = []
        for lieu, k in (("A", 1), ("B", 2), ("C", 3), ("Total", 0)):
            siennes = [(m, sum(v) if k == 0 else v[k - 1]) for m, *v in lignes]
            for m, v in [*siennes, ("Total", sum(v for _, v in siennes))]:
                secrete = (1, (1, 4)) if v < 5 else ()
                cases.append(case(f"{lieu}-{m}", v, *secrete) | {"lieu": lieu, nom: m})
        modalites = [m for m, *_ in lignes]
        relations = [(f"{x}-Total", [f"{x}-{m}" for m in modalites]) for x in ("A", "B", "C", "Total")]
        relations += [(f"Total-{m}", [f"{x}-{m}" for x in "ABC"]) for m in [*modalites, "Total"]]
        ecrire(tmp_path / "e" / nom, cases, relations)
    assert principal(["secret", "epreuve", str(tmp_path / "e"), "--sortie", str(tmp_path / "s")]) == 0
    assert "tables liées : age, sexe" in capsys.readouterr().err
    trouvees = secondaires(tmp_path / "s")
    for lieu in ("A", "B", "C", "Total"):
        assert (f"age/{lieu}-Total" in trouvees) == (f"sexe/{lieu}-Total" in trouvees)
    for nom in tables:
        siennes = {c.partition("/")[2] for c in trouvees if c.startswith(nom)}
        assert fuites(tmp_path / "e" / nom, siennes) == []


def test_une_relation_fausse_se_declare(tmp_path):
    cases, relations = plate()
    cases[0]["valeur"] = 61
    _, _, certificat = resoudre(tmp_path, cases, relations, info={"relations_non_additives": 1})
    assert certificat["relations_non_additives_declarees"] == 1


@pytest.mark.parametrize(
    ("abimer", "dits"),
    [
        (lambda c, r: (c, [("T", "abx"), ("y", "ab")]), ["case inconnue « x »", "case inconnue « y »"]),
        (lambda c, r: (c, [("T", "aabc")]), ["deux fois"]),
        (lambda c, r: ([c[0] | {"valeur": 61}, *c[1:]], r), ["ne tombent pas juste", "61", "60"]),
        (lambda c, r: ([*c, c[1], c[2]], r), ["double « a »", "double « b »"]),
        (
            lambda c, r: ([c[0], c[1] | {"valeur": "trois"}, c[2] | {"primaire": "oui"}, c[3] | {"valeur": ""}], r),
            ["« trois » n'est pas un nombre", "« oui » au lieu de 0 ou 1", "valeur : vide"],
        ),
        (lambda c, r: ([c[0], c[1] | {"permis_bas": 4}, *c[2:]], r), ["hors de [permis_bas, permis_haut]"]),
        (lambda c, r: ([c[0], c[1] | {"permis_bas": "", "permis_haut": ""}, *c[2:]], r), ["sans permis_bas"]),
        (lambda c, r: ([x | {"cout": -1} for x in c], r), ["négatif"]),
        (lambda c, r: ([x | {"bas": 50} for x in c], r), ["hors de [bas, haut]"]),
        (lambda c, r: ([{"id": x["id"], "valeur": x["valeur"]} for x in c], r), ["primaire", "--seuil"]),
        (lambda c, r: ([{"nom": x["id"], "n": x["valeur"]} for x in c], r), ["il manque id et valeur", "nom, n"]),
    ],
)
def test_une_epreuve_abimee_est_refusee(tmp_path, capsys, abimer, dits):
    dossier = ecrire(tmp_path / "e", *abimer(*plate()))
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path / "s")]) in (1, 2)
    erreur = capsys.readouterr().err
    assert [d for d in dits if d not in erreur] == [] and not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("nom", "octets", "dit"),
    [
        ("relations.json", b'[{"total": "T"', "JSON mal formé, ligne 1"),
        ("relations.json", b'{"total": "T"}', "pas une liste"),
        ("relations.json", b'[{"total": "T", "parties": ["a"], "poids": [1, 2]}]', "pas une liste"),
        ("relations.json", b"[" * 100_000, "emboîtés"),
        ("relations.json", None, "relations.json : introuvable"),
        ("info.json", b"{", "info.json"),
        ("cellules.csv", "id,valeur\né,1\n".encode("latin-1"), "UTF-8"),
        ("cellules.csv", b'id,valeur,primaire\na,"1,0\n', "CSV"),
        ("cellules.csv", b"id,valeur,primaire\na,1\nb,1,0,9\n", "ligne 3"),
        ("cellules.csv", b"id,valeur,primaire\na,1_7,0\n", "« 1_7 » n'est pas un nombre"),
        ("cellules.csv", b"", "il manque id et valeur"),
        ("cellules.csv", b"id,valeur,primaire\n", "aucune case"),
    ],
)
def test_un_fichier_abime_est_refuse(tmp_path, capsys, nom, octets, dit):
    dossier = ecrire(tmp_path / "e", *plate())
    (dossier / nom).unlink(missing_ok=True)
    if octets is not None:
        (dossier / nom).write_bytes(octets)
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path / "s")]) in (1, 2)
    assert dit in capsys.readouterr().err and not (tmp_path / "s").exists()


def test_tous_les_defauts_d_un_coup(tmp_path, capsys):
    """Deux fichiers abîmés, une case fautive : une seule lecture les dit tous."""
    for table in ("un", "deux"):
        ecrire(tmp_path / "e" / table, *plate())
    (tmp_path / "e" / "un" / "relations.json").write_text("[", encoding="utf-8")
    cases, relations = plate()
    ecrire(tmp_path / "e" / "deux", [*cases[:3], cases[3] | {"valeur": "x"}], [*relations, ("T", "q")])
    assert principal(["secret", "epreuve", str(tmp_path / "e"), "--sortie", str(tmp_path / "s")]) == 1
    erreur = capsys.readouterr().err
    assert all(d in erreur for d in ("un/relations.json", "deux, ligne 5", "case inconnue « q »")), erreur


@pytest.mark.skipif(not PUBLIQUES, reason="les épreuves publiques ne sont pas là")
@pytest.mark.parametrize("nom", EXIGEES)
def test_epreuve_publique(tmp_path, nom):
    dossier = Path(PUBLIQUES) / nom
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path)]) == 0
    trouvees = secondaires(tmp_path)
    assert len(trouvees) <= EXIGEES[nom] and fuites(dossier, trouvees) == []


def test_deux_moteurs_une_meme_decision():
    """Un échantillon ; la série entière : « python tests/second_moteur.py 1000 »."""
    decisions, differences, retrouvees = map(sum, zip(*(comparer(graine) for graine in range(12)), strict=True))
    assert decisions > 100 and (differences, retrouvees) == (0, 0)
    # L'essai n'est pas creux : sans secondaires, le second moteur retrouve.
    p = jeu(0)
    assert retrouvables(p, p.protegee).any()
