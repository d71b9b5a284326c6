"""L'intervalle de chaque case : tout ce qu'un lecteur peut prouver d'elle, d'après ce qu'il voit et les relations."""

from __future__ import annotations

import numpy as np

from cafdiag.secret.probleme import Probleme
from cafdiag.secret.solveur import Audit


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
