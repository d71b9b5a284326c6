"""L'intervalle de chaque case : tout ce qu'un lecteur peut prouver d'elle, d'après ce qu'il voit et les relations."""

from __future__ import annotations

import numpy as np

from cafdiag.secret.probleme import Probleme
from cafdiag.secret.reduction import reduire
from cafdiag.secret.solveur import TOLERANCE, Audit


def intervalles(p: Probleme, masque: np.ndarray, lesquelles: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Plus petite et plus grande valeur possibles de chaque case.

    Parameters
    ----------
    p : Probleme
    masque : array of bool
        Cases masquées ; celles que le lecteur ne voit pas sont cachées aussi.
    lesquelles : array of bool, optional
        Cases à encadrer ; toutes par défaut. Les autres ont pour bornes leur valeur.

    Returns
    -------
    tuple of array
        ``bas`` et ``haut`` ; infinis quand rien ne borne la case. Une case montrée vaut ce qu'elle vaut.
    """
    bas, haut = p.valeur.astype(float).copy(), p.valeur.astype(float).copy()
    cachees = p.cachees(masque)
    audit = Audit(p, np.flatnonzero(cachees))
    demandees = audit.cases if lesquelles is None else audit.cases[lesquelles[audit.cases]]
    if len(demandees):
        haut[demandees] += audit.pousser_chacune(demandees, 1, cachees)
        bas[demandees] -= audit.pousser_chacune(demandees, -1, cachees)
    return bas, haut


def cernees_des_inities(p: Probleme, masque: np.ndarray) -> list[np.ndarray]:
    """Pour chaque initié, les cases à protéger qu'il cerne plus finement que permis.

    Parameters
    ----------
    p : Probleme
    masque : array of bool

    Returns
    -------
    list of array
        Dans l'ordre de ``p.inities`` ; un total et sa seule partie sont une même case : qui sait l'un sait l'autre.
    """
    cachees = p.cachees(masque)
    audit = Audit(p, np.flatnonzero(cachees))
    egales = reduire(p.relations, (p.jeu_bas == 0) & (p.jeu_haut == 0))[2]
    rendu = []
    for connues in p.inities:
        libres = cachees & ~np.isin(egales, egales[connues])
        percees = [
            case
            for sens, besoins in ((1, p.besoin_haut), (-1, p.besoin_bas))
            for case in _hors_de_portee(audit, np.flatnonzero((besoins > 0) & libres), besoins, sens, libres)
        ]
        rendu.append(np.unique(np.array(percees, dtype=int)))
    return rendu


def _hors_de_portee(
    audit: Audit, cases: np.ndarray, besoins: np.ndarray, sens: int, libres: np.ndarray
) -> list[int]:
    """Celles de ces cases que rien ne porte à leur besoin : ensemble tant que cela en règle, puis une à une."""
    while len(cases):
        ecart = audit.pousser_ensemble(cases, besoins[cases], sens, libres)[audit.rang[cases]]
        atteintes = sens * ecart >= besoins[cases] * (1 - TOLERANCE)
        if not atteintes.any():
            break
        cases = cases[~atteintes]
    return [c for c in cases.tolist() if audit.pousser(c, sens, libres, besoins[c])[0] < besoins[c] * (1 - TOLERANCE)]
