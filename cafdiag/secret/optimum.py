"""L'optimum entier d'un petit problème : le choix qui satisfait toutes les coupes, tant qu'un refus en ajoute."""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csc_array

from cafdiag.secret.solveur import TOLERANCE, Audit, colonnes, nouveau, poser
from cafdiag.secret.suppression import Masquage

# Ce qu'on consacre à prouver un optimum, en pas du simplexe : un compte, pas une durée. Une preuve qui aboutit en
# demande quelques centaines ; une qui n'aboutit pas, des centaines de milliers.
_NOEUDS = 100
_PAS = 8_000
_SANS_MIEUX = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)


def chercher(m: Masquage, *, tours: int) -> bool:
    """Remplace le masque par un optimum ; le laisse tel quel s'il n'est pas trouvé en ``tours`` essais.

    Parameters
    ----------
    m : Masquage
        Déjà complet : son coût borne la recherche, ses coupes l'amorcent.
    tours : int
        Programmes entiers au plus.

    Returns
    -------
    bool
        Vrai si le masque est un optimum prouvé.
    """
    p, t = m.p, m.t
    libres = np.flatnonzero(p.masquable & ~m.impose & np.isfinite(p.cout))
    utiles = np.flatnonzero(p.masquable & np.isfinite(p.cout) | m.impose | ~p.vue)
    m.audit = Audit(p, utiles, coupes=True)
    connues = [(t_, None) for t_ in np.flatnonzero(~t.abandonnee)]
    if (t.initie >= 0).any():
        return False
    garde, pire = m.masque.copy(), m.cout()
    essaye = garde.copy()
    pas = 0
    for _ in range(tours):
        choix, siens, tranche = _choisir(m, libres, pire)
        pas += siens
        if not tranche or pas > _PAS:
            m.masque = garde
            return False
        if choix is None:
            # Rien de moins coûteux ne satisfait les coupes : ce qu'on avait est un optimum.
            m.masque = garde
            return True
        essaye = m.impose.copy()
        essaye[libres[choix]] = True
        m.masque = essaye
        avant = len(m.coupes.lignes)
        de, refus = np.full(len(t), -1), 0
        m.temoins.de, anciens = de, m.temoins.de
        for tache, _ in connues:
            if m.temoins.de[tache] >= 0:
                continue
            trouve = m._temoin(int(tache))
            if trouve is None:
                refus += 1
                continue
            pour = m.temoins.servies(*trouve) & (m.temoins.de < 0)
            pour[tache] = True
            m.temoins.retenir(*trouve, pour)
        if not refus:
            return True
        m.masque, m.temoins.de = garde, anciens
        if len(m.coupes.lignes) == avant:
            return False
    return False


def _choisir(m: Masquage, libres: np.ndarray, pire: float) -> tuple[np.ndarray | None, int, bool]:
    """Le choix le moins coûteux qui satisfait toutes les coupes, s'il coûte moins que ``pire`` ; les pas faits, et
    faux si la question n'est pas tranchée."""
    rang = np.full(len(m.p.valeur), -1)
    rang[libres] = np.arange(len(libres))
    lignes, rangs, poids = [], [], []
    for k, (cases, w) in enumerate(m.coupes.lignes):
        lignes += [k] * len(cases)
        rangs += rang[cases].tolist()
        poids += w.tolist()
    n, nb = len(libres), len(m.coupes.lignes)
    a = csc_array((poids, (lignes, rangs)), shape=(nb, n))
    h = nouveau()
    h.setOptionValue("presolve", "choose")
    h.setOptionValue("solver", "choose")
    h.setOptionValue("mip_max_nodes", _NOEUDS)
    h.setOptionValue("mip_rel_gap", 0.0)
    h.setOptionValue("objective_bound", pire)
    plein = np.full(nb, 1 - TOLERANCE), np.full(nb, np.inf)
    poser(h, colonnes(a), np.zeros(n), np.ones(n), *plein, m.p.cout[libres], entiers=True)
    h.run()
    etat, dit = h.getModelStatus(), h.getInfo()
    pas = int(dit.simplex_iteration_count)
    if etat != highspy.HighsModelStatus.kOptimal:
        return None, pas, etat in _SANS_MIEUX
    x = np.array(h.getSolution().col_value)
    if dit.objective_function_value >= pire - 1e-6:
        return None, pas, True
    return np.flatnonzero(x > 0.5), pas, True
