"""Un partage convenu de ce que personne ne voit : il ne dépend que de ce qui se voit, et des sommes."""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csc_array, csr_array, hstack

from cafdiag.secret.solveur import colonnes, nouveau, poser


def partager(
    relations: csr_array,
    valeur: np.ndarray,
    cachees: np.ndarray,
    bas: np.ndarray,
    haut: np.ndarray,
    ligne_bas: np.ndarray,
    ligne_haut: np.ndarray,
) -> np.ndarray | None:
    """Des valeurs possibles pour les cases cachées, les autres fixées.

    Parameters
    ----------
    relations : sparse array
    valeur : array
        Celles des cases cachées ne sont pas lues.
    cachees : array of bool
    bas, haut : array
        Entre quoi chaque case cachée se prend.
    ligne_bas, ligne_haut : array
        Bornes de chaque relation.

    Returns
    -------
    array or None
        Deux jeux de mêmes valeurs visibles et de mêmes sommes rendent le même partage ; None s'il n'en est aucun.
    """
    cases = np.flatnonzero(cachees)
    rendu = valeur.astype(float).copy()
    if not len(cases):
        return rendu
    fixes = np.where(cachees, 0.0, valeur)
    lignes = np.flatnonzero(np.diff(relations[:, cases].indptr) > 0)
    a = relations[lignes][:, cases].tocsc()
    dit = relations[lignes] @ fixes
    n = len(cases)
    # Au plus près du milieu permis, ou de zéro : chaque écart a son prix, un peu différent, et le point est unique.
    milieu = np.where(np.isfinite(bas + haut), (bas + haut) / 2, np.where(np.isfinite(bas), bas, 0.0))[cases]
    prix = 1.0 + np.arange(n) / (10.0 * n)
    h = nouveau()
    poser(
        h,
        colonnes(csc_array(hstack([a, -a]))),
        np.zeros(2 * n),
        np.concatenate([haut[cases] - milieu, milieu - bas[cases]]),
        ligne_bas[lignes] - dit - a @ milieu,
        ligne_haut[lignes] - dit - a @ milieu,
        np.concatenate([prix, prix]),
    )
    h.run()
    if h.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    x = np.array(h.getSolution().col_value)
    rendu[cases] = np.round(milieu + x[:n] - x[n:], 9)
    return rendu
