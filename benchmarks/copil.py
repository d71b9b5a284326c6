"""Ce que coûtent la note et les diapositives d'un territoire, ensemble, rapportées au html seul.

    python benchmarks/copil.py [--tours 3] [--exigence 1.2]

Chaque production est la commande entière, dans un processus neuf ; les deux alternent. L'exigence se juge sur
le temps de processeur, que ne trouble pas ce que la machine fait d'autre.
Code de retour 1 au-delà de l'exigence.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

CODE = "200048551"


def produire(formats: str) -> tuple[float, float]:
    """Secondes, et secondes de processeur, pour produire ces formats, noyau compris."""
    import resource

    with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as sortie:
        commande = [sys.executable, "-m", "cafdiag", "diagnostic", CODE, "--formats", formats, "--sortie", sortie]
        avant, debut = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(commande, check=True, capture_output=True)
        apres, duree = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - debut
        return duree, apres.ru_utime + apres.ru_stime - avant.ru_utime - avant.ru_stime


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--exigence", type=float, default=1.2)
    options = analyse.parse_args()
    durees: dict[str, list[tuple[float, float]]] = {"html": [], "note,pptx": []}
    for tour in range(options.tours + 1):
        for formats, siennes in durees.items():
            mesure = produire(formats)
            # Le premier tour met les fichiers en mémoire.
            if tour:
                siennes.append(mesure)
    medianes = {f: [statistics.median(x) for x in zip(*v, strict=True)] for f, v in durees.items()}
    for formats, (duree, processeur) in medianes.items():
        print(f"{formats:10} médiane {duree:6.2f} s   processeur {processeur:6.2f} s")
    rapport = medianes["note,pptx"][1] / medianes["html"][1]
    print(f"rapport (processeur) {rapport:.2f} ; exigence ≤ {options.exigence} : "
          f"{'tenue' if rapport <= options.exigence else 'NON TENUE'}")
    return int(rapport > options.exigence)


if __name__ == "__main__":
    sys.exit(principal())
