"""Tous les indicateurs de tous les EPCI et de toutes les communes, en une passe, contre une boucle par territoire.

    python benchmarks/mesures.py [--tours 3] [--echantillon 20] [--exigence 30]

La boucle mesure un échantillon de territoires, tiré au hasard et toujours le même ; sa durée est rapportée à leur
nombre entier : trente-six mille appels prendraient des heures. Les valeurs des deux côtés sont comparées. Code de
retour 1 si le rapport des médianes est sous l'exigence, ou si une valeur diffère.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time

import pandas as pd

import cafdiag as cd

MAILLES = ("epci", "commune")


def chronometrer(action) -> tuple[float, pd.DataFrame]:
    """(secondes, résultat) d'un appel."""
    debut = time.perf_counter()
    table = action()
    return time.perf_counter() - debut, table


def une_passe() -> pd.DataFrame:
    """Toutes les mesures des deux mailles."""
    return pd.concat([cd.mesurer_maille(m) for m in MAILLES], ignore_index=True)


def principal() -> int:
    """Mesure, compare, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--echantillon", type=int, default=20, help="territoires de chaque maille dans la boucle")
    analyse.add_argument("--exigence", type=float, default=30)
    options = analyse.parse_args()
    une_passe()  # tables lues, mémoires chaudes : pour les deux
    hasard = random.Random(4)
    durees_passe, durees_boucle, ecarts = [], [], 0
    for _ in range(options.tours):
        duree, toutes = chronometrer(une_passe)
        durees_passe.append(duree)
        toutes = toutes.set_index(["maille", "territoire"])
        estimee = 0.0
        for maille in MAILLES:
            codes = toutes.loc[maille].index.unique()
            tires = hasard.sample(sorted(codes), options.echantillon)
            # La clé « epci:… » est sans équivoque, et la recherche du nom n'est pas dans la mesure.
            cibles = [cd.territoire(code) for code in tires]
            duree, boucle = chronometrer(lambda cibles=cibles: [cd.mesurer(c) for c in cibles])
            estimee += duree / len(cibles) * len(codes)
            for code, seule in zip(tires, boucle, strict=True):
                ensemble = toutes.loc[(maille, code)].reset_index(drop=True)
                ecarts += int((~(seule["valeur"].sub(ensemble["valeur"]).abs().le(1e-9)
                                 | (seule["valeur"].isna() & ensemble["valeur"].isna()))).sum())
        durees_boucle.append(estimee)
    passe, boucle = statistics.median(durees_passe), statistics.median(durees_boucle)
    territoires = len(toutes.index.unique())
    print(f"une passe   {passe:9.2f} s   {len(toutes)} mesures de {territoires} territoires")
    print(f"une boucle  {boucle:9.0f} s   estimée sur {options.echantillon} territoires de chaque maille")
    if ecarts:
        print(f"benchmarks : {ecarts} valeurs diffèrent entre la passe et la boucle")
        return 1
    rapport = boucle / passe
    tenu = rapport >= options.exigence
    print(f"rapport {rapport:.0f}, exigence ≥ {options.exigence:g} : {'tenue' if tenu else 'NON TENUE'}")
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
