"""Les projections de toute la France en une passe, contre une boucle par EPCI avec statsmodels ; et l'épreuve du passé.

    python benchmarks/horizon.py [--tours 3] [--echantillon 60] [--exigence 20]

La boucle ajuste, EPCI par EPCI, le lissage à tendance amortie de statsmodels (``ExponentialSmoothing``) sur un
échantillon tiré au hasard et toujours le même ; sa durée est rapportée à tous les EPCI. La passe, elle, projette aussi
les communes. L'épreuve (calée jusqu'en 2014, 2017 et 2019, comparée jusqu'en 2024) est refaite et comparée à celle que
le dictionnaire et le rapport citent. Code de retour 1 si un rapport, une couverture (78 à 88 %), ou l'erreur médiane à
trois ans (0,9 fois celle de la dernière valeur au plus) n'est pas tenu.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.tsa.holtwinters import ExponentialSmoothing

RACINE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(RACINE), str(RACINE / "data" / "construction")]

import calibrage_horizon as epreuve  # noqa: E402

from cafdiag.donnees.calibrage import epreuve_horizon  # noqa: E402
from cafdiag.indicateurs.projection import projeter_communes  # noqa: E402

HORIZON = 10


def une_passe(banc: epreuve.Banc) -> pd.DataFrame:
    """Toutes les communes, réconciliées avec leur EPCI, leur département et la France."""
    return projeter_communes(banc.series, banc.epci, banc.departements, HORIZON)


def boucle(series: np.ndarray) -> list[np.ndarray]:
    """La même chose, EPCI par EPCI, avec la bibliothèque de référence."""
    projetees = []
    for serie in series:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ajuste = ExponentialSmoothing(np.log(serie), trend="add", damped_trend=True).fit()
        projetees.append(np.exp(ajuste.forecast(HORIZON)))
    return projetees


def chronometrer(action) -> float:
    """Secondes d'un appel."""
    debut = time.perf_counter()
    action()
    return time.perf_counter() - debut


def la_vitesse(banc: epreuve.Banc, options: argparse.Namespace) -> bool:
    """Vrai si la passe tient l'exigence."""
    observes = banc.observe("epci").to_numpy()
    tires = random.Random(4).sample(range(len(observes)), options.echantillon)
    une_passe(banc), boucle(observes[tires[:2]])
    passe = statistics.median(chronometrer(lambda: une_passe(banc)) for _ in range(options.tours))
    mesure = statistics.median(chronometrer(lambda: boucle(observes[tires])) for _ in range(options.tours))
    estimee = mesure / len(tires) * len(observes)
    print(f"une passe   {passe:8.3f} s   {len(banc.series)} communes et {len(observes)} EPCI")
    print(f"statsmodels {estimee:8.1f} s   {len(observes)} EPCI, estimée sur {len(tires)}")
    tenu = estimee / passe >= options.exigence
    print(f"rapport {estimee / passe:.0f}, exigence ≥ {options.exigence:g} : {'tenue' if tenu else 'NON TENUE'}")
    return tenu


def l_epreuve(faits: Path) -> bool:
    """Vrai si l'épreuve, refaite, tient et redonne ce qui est publié."""
    _, constat = epreuve.tout(faits)
    publie = epreuve_horizon()
    pareil = np.allclose(
        constat[["erreur_mediane", "couverture"]].to_numpy(dtype=float),
        publie[["erreur_mediane", "couverture"]].to_numpy(dtype=float),
        equal_nan=True,
        atol=0.11,
    )
    toutes = constat[constat["taille"].eq("toutes")].drop(columns=["source", "releve", "taille"])
    print(toutes.to_string(index=False))
    epci = toutes[toutes["maille"].eq("epci")].set_index(["methode", "horizon"])
    couvertures = epci.loc[epreuve.RETENUE, "couverture"]
    rapport = epci.at[(epreuve.RETENUE, 3), "erreur_mediane"] / epci.at[("dernière valeur", 3), "erreur_mediane"]
    tenu = bool(couvertures.between(78, 88).all() and rapport <= 0.9)
    print(
        f"couvertures {', '.join(f'{c:g}' for c in couvertures)} % (78 à 88) ; erreur à trois ans {rapport:.2f} fois "
        f"la dernière valeur (≤ 0,9) : {'tenu' if tenu else 'NON TENU'}"
    )
    if not pareil:
        print("benchmarks : l'épreuve refaite diffère de data/epreuve_horizon.csv")
    return tenu and pareil


def principal() -> int:
    """Mesure, éprouve, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--echantillon", type=int, default=60, help="EPCI dans la boucle")
    analyse.add_argument("--exigence", type=float, default=20)
    analyse.add_argument("--faits", type=Path, default=RACINE / "data" / "faits")
    options = analyse.parse_args()
    vite = la_vitesse(epreuve.Banc(options.faits), options)
    return 0 if l_epreuve(options.faits) and vite else 1


if __name__ == "__main__":
    sys.exit(principal())
