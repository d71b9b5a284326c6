"""Le 2SFCA de la France (35 000 communes, 15 000 lieux) contre la bibliothèque « access », même résultat.

    python benchmarks/acces.py [--tours 5] [--exigence 5]

Les communes sont les vraies ; l'offre (tirée une fois, graine fixe) et la demande sont d'ordre réel. Deux durées
de chaque côté : le calcul seul, sur les mêmes couples ; et de bout en bout, recherche des voisins comprise.
Code de retour 1 si un rapport est sous l'exigence ou si les résultats diffèrent de plus de 1e-9.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings

import numpy as np
import pandas as pd

from cafdiag.donnees.projections import projeter
from cafdiag.indicateurs.accessibilite import PALIERS, Voisinage, deux_temps, metres, voisiner
from cafdiag.magasin import lire_table

LIEUX = 15_000
VITESSE = 50
TOLERANCE = 1e-9


def decor() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Points des communes et des lieux, enfants, places."""
    communes = lire_table("communes").query("type == 'COM'").dropna(subset=["lon", "lat"]).set_index("code")
    points = projeter(communes["lon"], communes["lat"]).dropna()
    hasard = np.random.default_rng(2025)
    habitants = communes.loc[points.index, "population_2023"].astype("float64").fillna(0)
    # Les lieux sont plus nombreux dans les grandes communes ; deux lieux n'ont pas le même point.
    ou = hasard.choice(len(points), LIEUX, p=habitants / habitants.sum())
    lieux = points.iloc[ou].set_axis([f"l{k}" for k in range(LIEUX)])
    lieux[["x", "y"]] += hasard.normal(0, 800, (LIEUX, 2))
    enfants = (habitants * 0.03).round() + 1
    places = pd.Series(hasard.integers(10, 60, LIEUX), index=lieux.index, dtype="float64")
    return points, lieux, enfants, places


def couts(voisinage: Voisinage) -> pd.DataFrame:
    """Les mêmes couples, comme « access » les veut."""
    return pd.DataFrame(
        {
            "origin": voisinage.origines[voisinage.i],
            "dest": voisinage.lieux[voisinage.j],
            "cost": voisinage.cout,
        }
    )


def par_access(enfants: pd.Series, places: pd.Series, table: pd.DataFrame, paliers: tuple) -> pd.Series:
    """2SFCA de la bibliothèque « access » ; sans fonction de poids quand il est binaire, sa voie la plus rapide."""
    from access import fca, weights

    return fca.two_stage_fca(
        enfants.to_frame("demand").rename_axis("geoid"),
        places.to_frame("supply").rename_axis("geoid"),
        table,
        max_cost=paliers[-1][0],
        demand_index=True,
        weight_fn=weights.step_fn(dict(paliers)) if len(paliers) > 1 else None,
    )


def mediane(action, tours: int) -> tuple[float, object]:
    """(secondes, dernier résultat), après un tour pour rien."""
    resultat, durees = action(), []
    for _ in range(tours):
        debut = time.perf_counter()
        resultat = action()
        durees.append(time.perf_counter() - debut)
    return statistics.median(durees), resultat


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=5)
    analyse.add_argument("--exigence", type=float, default=5)
    options = analyse.parse_args()
    warnings.simplefilter("ignore")
    points, lieux, enfants, places = decor()
    print(f"{len(points)} communes, {len(lieux)} lieux, 15 minutes à {VITESSE} km/h")
    tenu = True
    for nom, faire in PALIERS.items():
        paliers = faire(15)
        rayon = metres(paliers[-1][0], vitesse_kmh=VITESSE)

        def voisins(rayon: float = rayon) -> Voisinage:
            return voisiner(points, lieux, rayon_m=rayon).en_minutes(vitesse_kmh=VITESSE)

        temps_voisins, voisinage = mediane(voisins, options.tours)
        temps_table, table = mediane(lambda v=voisinage: couts(v), options.tours)
        notre, (acces, _) = mediane(
            lambda v=voisinage, p=paliers: deux_temps(enfants, places, v, paliers=p), options.tours
        )
        leur, attendu = mediane(lambda t=table, p=paliers: par_access(enfants, places, t, p), options.tours)
        ecart = float((acces / 100 - attendu.reindex(acces.index).fillna(0)).abs().max())
        rapport = leur / notre
        bout = (temps_voisins + temps_table + leur) / (temps_voisins + notre)
        juste = ecart <= TOLERANCE
        tenu &= juste and rapport >= options.exigence
        print(
            f"{nom:8} {len(voisinage.i):7} couples   cafdiag {notre:.4f} s   access {leur:.4f} s   "
            f"rapport {rapport:6.1f}   de bout en bout {bout:5.1f}   écart maximal {ecart:.1e}"
            f"{'' if juste else ' : DIFFÉRENT'}"
        )
    print(f"exigence ≥ {options.exigence:g}, écart ≤ {TOLERANCE:g} : {'tenue' if tenu else 'NON TENUE'}")
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
