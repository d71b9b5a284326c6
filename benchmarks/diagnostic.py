"""Un diagnostic à froid : cafdiag contre papermill puis nbconvert en ligne de commande, sur le même carnet.

    python benchmarks/diagnostic.py [--tours 3] [--exigence 0.6] [--avant ARBRE]
    python benchmarks/diagnostic.py --avant ARBRE --chaud --exigence 0.4

Chaque tour lance les deux, dans des processus neufs, en alternant l'ordre ; un premier tour, non compté, met
les fichiers en mémoire pour les deux. ``--avant`` : l'arbre d'une version d'avant, à la place des deux commandes ; on
compte alors le temps de processeur, enfants compris, que la charge de la machine ne fausse pas. Code de retour 1 si le
rapport des médianes dépasse l'exigence.

``--chaud`` : dans un carnet déjà ouvert, les cellules d'un second rapport du même territoire.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from cafdiag.magasin import dossier

CODE = "200048551"
GABARIT = dossier("templates") / "diagnostic_ctg.ipynb"


def _outil(nom: str) -> str:
    """Commande installée à côté de ce Python : jamais celle d'un autre environnement."""
    chemin = Path(sysconfig.get_path("scripts")) / (f"{nom}.exe" if os.name == "nt" else nom)
    if not chemin.exists():
        sys.exit(f"benchmarks : la commande « {nom} » n'est pas installée dans cet environnement.")
    return str(chemin)


def _lancer(commande: list[str], ici: Path) -> None:
    essai = subprocess.run(commande, cwd=ici, capture_output=True, text=True, encoding="utf-8",
                           errors="replace")
    if essai.returncode != 0:
        sys.exit(f"benchmarks : échec de {' '.join(commande)}\n{essai.stderr[-2000:]}")


def cafdiag(ici: Path) -> None:
    """Le rapport par cafdiag."""
    _lancer([_outil("cafdiag"), "diagnostic", CODE, "--sortie", str(ici)], ici)
    assert (ici / f"diagnostic-{CODE}.html").stat().st_size > 0


def outils(ici: Path) -> None:
    """Le même carnet par les deux commandes de Jupyter."""
    # -r et non -p : papermill ferait un entier de ce code.
    _lancer([_outil("papermill"), str(GABARIT), "carnet.ipynb", "-r", "code", CODE], ici)
    _lancer([_outil("jupyter"), "nbconvert", "--to", "html", "--no-input", "carnet.ipynb"], ici)
    assert (ici / "carnet.html").stat().st_size > 0


def d_un_arbre(arbre: Path):
    """Le rapport, par le code d'un arbre, sur un entrepôt vide."""

    def rapport(ici: Path) -> None:
        os.environ.update(PYTHONPATH=str(arbre), CAFDIAG_DONNEES=str(ici / "vide"))
        _lancer([sys.executable, "-P", "-m", "cafdiag", "diagnostic", CODE, "--sortie", str(ici)], ici)

    return rapport


_CHAUD = """
import ast, json, sys, time
from IPython.core.formatters import DisplayFormatter
from cafdiag.magasin import dossier
afficher = DisplayFormatter().format
carnet = json.loads((dossier("templates") / "diagnostic_ctg.ipynb").read_text(encoding="utf-8"))
for tour in range(2):
    debut, espace = time.process_time(), {}
    for cellule in (c for c in carnet["cells"] if c["cell_type"] == "code"):
        arbre = ast.parse("".join(cellule["source"]))
        derniere = arbre.body.pop() if isinstance(arbre.body[-1], ast.Expr) else None
        exec(compile(arbre, "cellule", "exec"), espace)
        if derniere is not None:
            afficher(eval(compile(ast.Expression(derniere.value), "cellule", "eval"), espace))
        elif "parameters" in cellule["metadata"].get("tags", []):
            espace["code"] = sys.argv[1]
print(time.process_time() - debut)
"""


def a_chaud(arbre: Path):
    """Secondes de processeur d'un second rapport, dans un processus qui en a déjà fait un."""

    def rapport(ici: Path) -> float:
        variables = os.environ | {"PYTHONPATH": str(arbre), "CAFDIAG_DONNEES": str(ici / "vide"), "MPLBACKEND": "agg"}
        commande = [sys.executable, "-P", "-c", _CHAUD, CODE]
        return float(subprocess.run(commande, env=variables, check=True, capture_output=True, text=True).stdout)

    return rapport


def rendre(action) -> float:
    """Ce que l'action a chronométré elle-même."""
    with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
        return action(Path(provisoire))


def processeur(action) -> float:
    """Secondes de processeur des processus que lance une action."""
    avant = os.times()
    with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
        action(Path(provisoire))
    apres = os.times()
    return apres.children_user + apres.children_system - avant.children_user - avant.children_system


def chronometrer(action) -> float:
    """Secondes d'une exécution, dans un dossier neuf."""
    with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
        debut = time.perf_counter()
        action(Path(provisoire))
        return time.perf_counter() - debut


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # Comme sur un poste : sans cela, chaque commande recompilerait toute la bibliothèque.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--exigence", type=float, default=0.6)
    analyse.add_argument("--avant", type=Path, help="arbre d'une version d'avant, à comparer à celui-ci")
    analyse.add_argument("--chaud", action="store_true", help="un second rapport, dans un carnet ouvert")
    options = analyse.parse_args()
    if options.chaud and not options.avant:
        analyse.error("--chaud compare deux versions : donnez --avant")
    ici, temoin, mesurer, nom_temoin = cafdiag, outils, chronometrer, "papermill + jupyter nbconvert"
    if options.avant:
        sorte, mesurer = (a_chaud, rendre) if options.chaud else (d_un_arbre, processeur)
        ici, temoin = sorte(Path(__file__).resolve().parent.parent), sorte(options.avant.resolve())
        nom_temoin = "version d'avant"
    durees: dict = {ici: [], temoin: []}
    for tour in range(options.tours + 1):
        for action in ([ici, temoin] if tour % 2 else [temoin, ici]):
            duree = mesurer(action)
            if tour:
                durees[action].append(duree)
    medianes = {action: statistics.median(valeurs) for action, valeurs in durees.items()}
    rapport = medianes[ici] / medianes[temoin]
    for action, nom in ((ici, "cafdiag diagnostic"), (temoin, nom_temoin)):
        detail = ", ".join(f"{valeur:.2f}" for valeur in durees[action])
        print(f"{nom:30} médiane {medianes[action]:6.2f} s   ({detail})")
    tenu = rapport <= options.exigence
    print(f"rapport {rapport:.2f}, exigence ≤ {options.exigence} : {'tenue' if tenu else 'NON TENUE'}")
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
