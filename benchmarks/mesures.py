"""Toutes les mesures de tous les EPCI de France, d'un coup, contre celles d'un seul ; processus chaud.

    python benchmarks/mesures.py [--tours 5] [--exigence 20]

Code de retour 1 si le rapport des médianes dépasse l'exigence.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import cafdiag as cd

CODE = "200048551"


def chronometrer(action) -> tuple[float, int]:
    """(secondes, nombre de lignes) d'un appel."""
    debut = time.perf_counter()
    table = action()
    return time.perf_counter() - debut, len(table)


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=5)
    analyse.add_argument("--exigence", type=float, default=20)
    options = analyse.parse_args()
    actions = {"un EPCI": lambda: cd.mesurer(CODE), "tous les EPCI": lambda: cd.mesurer_maille("epci")}
    medianes, lignes = {}, {}
    for nom, action in actions.items():
        premier, lignes[nom] = chronometrer(action)
        durees = [chronometrer(action)[0] for _ in range(options.tours)]
        medianes[nom] = statistics.median(durees)
        print(f"{nom:14} médiane {medianes[nom]:7.3f} s   {lignes[nom]:6} mesures   "
              f"(de {min(durees):.3f} à {max(durees):.3f} ; premier appel {premier:.3f})")
    # Les mêmes indicateurs des deux côtés, ou la comparaison ne vaut rien.
    territoires = len(cd.lister("epci"))
    if lignes["tous les EPCI"] != lignes["un EPCI"] * territoires:
        print(f"benchmarks : {lignes['tous les EPCI']} mesures, attendu {lignes['un EPCI']} × {territoires}")
        return 1
    rapport = medianes["tous les EPCI"] / medianes["un EPCI"]
    tenu = rapport <= options.exigence
    print(f"rapport {rapport:.1f}, exigence ≤ {options.exigence:g} : {'tenue' if tenu else 'NON TENUE'}")
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
