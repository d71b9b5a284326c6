"""Redresser des réponses : des poids bornés qui rapprochent les répondants de la population qu'ils disent.

Calage sur marges par itérations proportionnelles (Deming et Stephan, 1940), poids tenus entre deux bornes : quelques
familles n'en font pas parler des centaines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

BAS, HAUT = 1 / 3, 3.0
_TOURS = 200


def redresser(categories: Sequence[pd.Series], marges: Sequence[Mapping[str, float]]) -> np.ndarray:
    """Un poids par réponse, de moyenne 1, d'un tiers à trois.

    Parameters
    ----------
    categories : sequence of Series
        Par caractère, la catégorie de chaque réponse ; vide : non dite, elle garde sa part.
    marges : sequence of mapping
        Par caractère, l'effectif de chaque catégorie dans la population.

    Examples
    --------
    >>> ages = pd.Series(["a", "a", "a", "b"])
    >>> redresser([ages], [{"a": 50, "b": 50}]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    >>> redresser([pd.Series(["a"] * 9 + ["b"])], [{"a": 50, "b": 50}]).round(3).tolist()[-1]
    3.0
    """
    nombre = len(categories[0]) if categories else 0
    poids = np.ones(nombre)
    caracteres = [_cibles(c, m) for c, m in zip(categories, marges, strict=True)]
    for _ in range(_TOURS):
        avant = poids.copy()
        for membres, cible in caracteres:
            for rangs, vise in zip(membres, cible, strict=True):
                poids[rangs] *= vise / poids[rangs].sum()
        poids = borner(poids, BAS, HAUT)
        if np.abs(poids - avant).max(initial=0.0) < 1e-9:
            break
    return poids


def _cibles(categorie: pd.Series, marge: Mapping[str, float]) -> tuple[list[np.ndarray], list[float]]:
    """Rangs et somme visée de chaque catégorie présente ; ce qui n'a pas de marge garde sa part."""
    valeurs = categorie.to_numpy()
    presentes = [c for c in dict.fromkeys(valeurs) if marge.get(c, 0) > 0]
    membres = [np.flatnonzero(valeurs == c) for c in presentes]
    connues = sum(map(len, membres))
    total = sum(marge[c] for c in presentes)
    return membres, [connues * marge[c] / total for c in presentes]


def borner(poids: np.ndarray, bas: float, haut: float) -> np.ndarray:
    """Les poids ramenés entre les bornes, de moyenne 1 : multipliés tous par le même nombre avant d'être coupés.

    >>> borner(np.array([1.0, 1.0, 10.0]), 1 / 3, 3.0).round(3).tolist()
    [0.333, 0.333, 2.333]
    """
    if not len(poids):
        return poids
    petit, grand = 0.0, haut / max(poids.min(), 1e-12)
    for _ in range(100):
        milieu = (petit + grand) / 2
        if np.clip(poids * milieu, bas, haut).mean() < 1:
            petit = milieu
        else:
            grand = milieu
    return np.clip(poids * grand, bas, haut)


def effectif_utile(poids: np.ndarray) -> float:
    """Combien de réponses de même poids vaudraient autant (Kish).

    >>> effectif_utile(np.ones(10)), round(effectif_utile(np.array([1.0, 3.0])), 2)
    (10.0, 1.6)
    """
    return float(poids.sum() ** 2 / (poids**2).sum()) if len(poids) else 0.0


def intervalle(part: float, nombre: float) -> tuple[float, float]:
    """Intervalle de Wilson d'une part, à 95 %.

    >>> [round(b, 3) for b in intervalle(0.5, 100)], [round(b, 3) for b in intervalle(0.0, 20)]
    ([0.404, 0.596], [0.0, 0.161])
    """
    z = 1.96
    centre = part + z * z / (2 * nombre)
    ecart = z * np.sqrt(part * (1 - part) / nombre + z * z / (4 * nombre * nombre))
    sous = 1 + z * z / nombre
    return max(0.0, float((centre - ecart) / sous)), min(1.0, float((centre + ecart) / sous))
