"""Changer d'indicateur dans l'explorateur, contre refaire tout le carnet qui le montre.

    python benchmarks/explorateur.py [--tours 3] [--exigence 10]

Les deux rendent la même vue : chiffre, comparaison, carte et tableau d'un indicateur. Le carnet recomposé est
exécuté en entier, noyau compris, comme le fait « Redémarrer le noyau et tout exécuter ». Chaque indicateur n'est
montré qu'une fois : rien ne vient d'un calcul déjà fait. Code de retour 1 si le rapport est sous l'exigence.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

RACINE = Path(__file__).resolve().parent.parent
# Des taux publiés, des effectifs, des parts, des évolutions, des accès : aucun cas de faveur.
INDICATEURS = (
    "PE_TXCOUV_EAJE", "PE_NAISS", "PE_NAISS_EVOL", "PE_MODE_DOMINANT", "EJ_ENF_311", "EJ_ALSH_PART_X_KM",
    "AVS_QPV_COUV", "CTX_POP", "CTX_PART_0_4", "CTX_DENSITE", "PS_ALLOC_POP", "ACC_EAJE_TEMPS",
)


def recomposer(indicateur: str) -> float:
    """Secondes pour exécuter, dans un noyau neuf, le carnet qui ouvre l'explorateur sur cet indicateur."""
    carnet = nbformat.read(RACINE / "notebooks" / "explorateur.ipynb", as_version=4)
    for cellule in carnet.cells:
        if "cd.explorer()" in cellule.source:
            cellule.source += f"\nvue.changer(vue.etat.montrer({indicateur!r}))"
    with tempfile.TemporaryDirectory() as ici:
        debut = time.perf_counter()
        NotebookClient(carnet, timeout=300, resources={"metadata": {"path": ici}}).execute()
        return time.perf_counter() - debut


def changer(indicateurs: tuple[str, ...]) -> list[float]:
    """Secondes de chaque changement, explorateur ouvert, indicateur jamais montré."""
    from cafdiag.restitution.explorateur import explorer

    vue = explorer("200048551", nom="mesure")
    durees = []
    for indicateur in indicateurs:
        debut = time.perf_counter()
        vue.changer(vue.etat.montrer(indicateur))
        durees.append(time.perf_counter() - debut)
        if "faute" in vue.avis.value:
            sys.exit(f"benchmarks : {indicateur} : {vue.avis.value}")
    return durees


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--exigence", type=float, default=10)
    options = analyse.parse_args()
    with tempfile.TemporaryDirectory() as donnees:
        os.environ["CAFDIAG_DONNEES"] = donnees
        durees = changer(INDICATEURS)
        recompositions = [recomposer(i) for i in INDICATEURS[: options.tours]]
    carnet, change = statistics.median(recompositions), statistics.median(durees)
    print(f"recomposer le carnet     médiane {carnet:6.2f} s   (de {min(recompositions):.2f} à "
          f"{max(recompositions):.2f} ; {options.tours} tours)")
    print(f"changer d'indicateur     médiane {change:6.3f} s   (de {min(durees):.3f} à {max(durees):.3f} ; "
          f"{len(durees)} indicateurs)")
    rapport = carnet / change
    tenu = rapport >= options.exigence
    print(f"rapport {rapport:.1f}, exigence ≥ {options.exigence:g} : {'tenue' if tenu else 'NON TENUE'}")
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
