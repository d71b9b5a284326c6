"""Ce que dure un trajet entre deux communes : étalonné sur la route quand l'Insee le permet, sinon à vol d'oiseau."""

from __future__ import annotations

import pandas as pd

from cafdiag.indicateurs.accessibilite import Voisinage, metres, minutes
from cafdiag.indicateurs.contexte import Contexte


def allures(contexte: Contexte) -> pd.Series:
    """Minutes de route pour un mètre à vol d'oiseau, au départ de chaque commune."""
    convention = minutes(1.0, vitesse_kmh=contexte.options.vitesse_kmh)
    return pd.Series(convention, index=contexte.communes.index)


def rayon_m(contexte: Contexte, duree: float) -> float:
    """Au-delà de cette distance à vol d'oiseau, aucune commune n'est à tant de minutes d'une autre."""
    return metres(duree, vitesse_kmh=contexte.options.vitesse_kmh)


def en_minutes(contexte: Contexte, voisinage: Voisinage) -> Voisinage:
    """Le même voisinage, en minutes, à l'allure de chaque commune de départ."""
    cout = voisinage.cout * allures(contexte).loc[voisinage.origines].to_numpy()[voisinage.i]
    return Voisinage(voisinage.origines, voisinage.lieux, voisinage.i, voisinage.j, cout)


def dire_duree(contexte: Contexte) -> str:
    """Comment la durée est connue, en une phrase."""
    vitesse = f"{contexte.options.vitesse_kmh:g}".replace(".", ",")
    return f"durée estimée : distance à vol d'oiseau × 1,3, à {vitesse} km/h, entre points centraux de communes"
