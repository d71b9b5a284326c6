"""« cafdiag secret epreuve » : des épreuves engendrées et publiques, vérifiées par un second programme linéaire."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from cafdiag.cli import principal

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
    """Cases primaires qu'un programme linéaire, posé ici, cerne de trop près."""
    with (dossier / "cellules.csv").open(encoding="utf-8") as flux:
        cases = list(csv.DictReader(flux))
    relations = json.loads((dossier / "relations.json").read_text(encoding="utf-8"))
    rang = {c["id"]: i for i, c in enumerate(cases)}
    valeur = np.array([float(c["valeur"]) for c in cases])
    cachee = np.array([c["primaire"] == "1" or c["id"] in cachees for c in cases])
    lignes = [(k, rang[c], w) for k, r in enumerate(relations) for c, w in
              [(r["total"], -1.0), *((p, 1.0) for p in r["parties"])]]
    k, j, w = zip(*lignes, strict=True)
    a = coo_array((w, (k, j)), shape=(len(relations), len(cases))).tocsc()
    echelle = max(1.0, float(np.median(valeur[cachee])))
    droite = (a[:, cachee] @ valeur[cachee]) / echelle
    places, trouees = np.flatnonzero(cachee), []
    for ici, i in enumerate(places):
        for sens, permis in ((1, cases[i]["permis_bas"]), (-1, cases[i]["permis_haut"])):
            if cases[i]["primaire"] != "1" or not permis:
                continue
            objectif = np.zeros(len(places))
            objectif[ici] = sens
            r = linprog(objectif, A_eq=a[:, cachee], b_eq=droite, bounds=(0, None))
            assert r.status in (0, 3), r.message
            if r.status == 0 and r.fun * echelle > sens * float(permis) + 1e-6 * max(1, abs(float(permis))):
                trouees.append(cases[i]["id"])
    return trouees


def test_une_table_plate(tmp_path, capsys):
    dossier = ecrire(tmp_path / "e", *plate())
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path / "s")]) == 0
    dit = capsys.readouterr()
    assert "optimum prouvé" in dit.err and "HiGHS" not in dit.out
    assert secondaires(tmp_path / "s") == {"b"} and fuites(dossier, {"b"}) == []
    assert fuites(dossier, set()) == ["a", "a"]
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


@pytest.mark.parametrize(
    ("abimer", "dit"),
    [
        (lambda c, r: (c, [("T", "abx")]), "case inconnue"),
        (lambda c, r: ([c[0] | {"valeur": 61}, *c[1:]], r), "ne tombent pas juste"),
        (lambda c, r: ([*c, c[1]], r), "double"),
        (lambda c, r: ([c[0], c[1] | {"valeur": "trois"}, *c[2:]], r), "pas un nombre"),
    ],
)
def test_une_epreuve_abimee_est_refusee(tmp_path, capsys, abimer, dit):
    dossier = ecrire(tmp_path / "e", *abimer(*plate()))
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path / "s")]) in (1, 2)
    assert dit in capsys.readouterr().err and not (tmp_path / "s").exists()


@pytest.mark.skipif(not PUBLIQUES, reason="les épreuves publiques ne sont pas là")
@pytest.mark.parametrize("nom", EXIGEES)
def test_epreuve_publique(tmp_path, nom):
    dossier = Path(PUBLIQUES) / nom
    assert principal(["secret", "epreuve", str(dossier), "--sortie", str(tmp_path)]) == 0
    trouvees = secondaires(tmp_path)
    assert len(trouvees) <= EXIGEES[nom] and fuites(dossier, trouvees) == []
