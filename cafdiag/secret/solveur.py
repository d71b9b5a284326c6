"""Les programmes linéaires du secret, résolus par HiGHS : chacun à l'échelle du besoin qu'il éprouve."""

from __future__ import annotations

import highspy
import numpy as np
from highspy._core import _Highs
from scipy.sparse import csc_array

from cafdiag.secret.probleme import Probleme

TOLERANCE = 1e-7
# Au-delà de tant de fois le besoin, laisser une case bouger davantage ne change rien à ce qu'on décide.
_LARGE = 1e3
_ETROIT = 4.0
_NUL = 1e-9


def poser(
    h: _Highs,
    matrice: tuple[np.ndarray, np.ndarray, np.ndarray],
    bas: np.ndarray,
    haut: np.ndarray,
    ligne_bas: np.ndarray,
    ligne_haut: np.ndarray,
    cout: np.ndarray,
    *,
    entiers: bool = False,
) -> None:
    """Donne à un solveur ``min cout · x``, ``bas ≤ x ≤ haut``, ``ligne_bas ≤ matrice × x ≤ ligne_haut``.

    ``matrice`` : débuts, rangs de ligne et poids de ses colonnes, comme ceux d'une ``csc_array``.
    """
    debuts, rangs, poids = matrice
    n = len(bas)
    h.passModel(
        n,
        len(ligne_bas),
        len(poids),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        *(np.ascontiguousarray(x, dtype=float) for x in (cout, bas, haut, ligne_bas, ligne_haut)),
        debuts.astype(np.int32),
        rangs.astype(np.int32),
        np.ascontiguousarray(poids, dtype=float),
        np.full(n, int(entiers), dtype=np.int32),
    )


def colonnes(matrice: csc_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Une matrice creuse, telle que la lit :func:`poser`."""
    return matrice.indptr, matrice.indices, matrice.data


def nouveau() -> _Highs:
    """Un solveur muet et à un seul fil : le même programme rend le même point."""
    # « highspy.Highs() » écrit sa réclame sur la sortie avant qu'on ait pu le faire taire : sa base, non.
    h = _Highs()
    for nom, valeur in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex")):
        h.setOptionValue(nom, valeur)
    return h


def _extrait(matrice: csc_array, cases: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Les colonnes de ces cases et les lignes qu'elles touchent : lignes, puis débuts, rangs de ligne et poids."""
    debuts, longueurs = matrice.indptr[cases], np.diff(matrice.indptr)[cases]
    fins = np.concatenate([[0], np.cumsum(longueurs)])
    places = np.repeat(debuts - fins[:-1], longueurs) + np.arange(fins[-1])
    lignes, rangs = np.unique(matrice.indices[places], return_inverse=True)
    return lignes, fins, rangs, matrice.data[places]


def chemin(
    h: _Highs,
    p: Probleme,
    case: int,
    sens: int,
    besoin: float,
    couts: np.ndarray,
    cases: np.ndarray,
    *,
    large: bool = False,
) -> np.ndarray | None:
    """Le déplacement le moins coûteux qui pousse une case de son besoin, en ne bougeant que ces cases.

    Parameters
    ----------
    h : Highs
        Un solveur, dont le modèle est remplacé.
    p : Probleme
    case, sens, besoin : int, {1, -1}, float
    couts : array
        Coût de bouger chacune de ``cases`` ; infini si elle ne peut pas être cachée.
    cases : array of int
        ``case`` comprise.
    large : bool
        Laisse chaque case bouger de beaucoup plus que le besoin.

    Returns
    -------
    array or None
        Écart de chacune de ``cases`` ; None si rien ne convient.
    """
    n = len(cases)
    borne = _LARGE if large else _ETROIT
    libre = np.isfinite(couts)
    monte = np.where(libre, np.minimum(p.marge[cases] / besoin, borne), 0.0)
    descend = np.where(libre, np.minimum(p.recul_vers(sens)[cases] / besoin, borne), 0.0)
    ici = int(np.searchsorted(cases, case))
    if (monte if sens > 0 else descend)[ici] < 1 - TOLERANCE:
        return None
    lignes, debuts, rangs, poids = _extrait(p.colonnes, cases)
    bas, haut = np.zeros(2 * n), np.concatenate([monte, descend])
    la, en_face = (ici, n + ici) if sens > 0 else (n + ici, ici)
    bas[la] = haut[la] = 1.0
    haut[en_face] = 0.0
    prix = np.where(libre, couts, 0.0)
    # Une petite case qui ne peut bouger que d'une fraction du besoin en demande plusieurs.
    cout = np.concatenate([prix / np.clip(monte, 1e-3, 1), prix / np.clip(descend, 1e-3, 1)])
    matrice = (
        np.concatenate([debuts, debuts[1:] + debuts[-1]]),
        np.concatenate([rangs, rangs]),
        np.concatenate([poids, -poids]),
    )
    poser(h, matrice, bas, haut, p.jeu_bas[lignes] / besoin, p.jeu_haut[lignes] / besoin, cout)
    h.run()
    if h.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    y = np.array(h.getSolution().col_value)
    ecart = y[:n] - y[n:]
    ecart[np.abs(ecart) < _NUL] = 0.0
    return ecart * besoin


class Audit:
    """Jusqu'où un lecteur peut croire une case, quand certaines sont cachées ; le modèle sert d'une fois sur l'autre.

    Parameters
    ----------
    p : Probleme
    cases : array of int
        Seules cases qui peuvent être cachées.
    """

    def __init__(self, p: Probleme, cases: np.ndarray) -> None:
        self.p, self.cases = p, cases
        self.rang = np.full(len(p.valeur), -1)
        self.rang[cases] = np.arange(len(cases))
        self.lignes = p.relations_de(cases)
        self._matrice = p.relations[self.lignes][:, cases].tocsc()
        grandeurs = np.abs(p.valeur[cases])
        # Une seule échelle pour tous : d'une question à l'autre, seul l'objectif change, et le point d'avant sert.
        self._echelle = float(np.median(grandeurs[grandeurs > 0])) if (grandeurs > 0).any() else 1.0
        self._modeles: dict[int, _Highs] = {}
        self._libres: dict[int, np.ndarray] = {}

    def _bornes(self, sens: int) -> tuple[np.ndarray, np.ndarray]:
        p, cases = self.p, self.cases
        return -p.recul_vers(sens)[cases] / self._echelle, p.marge[cases] / self._echelle

    def _pose(self, sens: int, libre: np.ndarray) -> _Highs:
        """Le modèle de ce sens, à ces cases cachées."""
        bas, haut = self._bornes(sens)
        if sens not in self._modeles:
            jeu = self.p.jeu_bas[self.lignes] / self._echelle, self.p.jeu_haut[self.lignes] / self._echelle
            h = nouveau()
            h.setOptionValue("simplex_strategy", 4)  # primal : le point d'avant reste possible
            h.setOptionValue("primal_feasibility_tolerance", 1e-9)
            zero = np.zeros(len(bas))
            dedans = np.where(libre, bas, 0.0), np.where(libre, haut, 0.0)
            poser(h, colonnes(self._matrice), *dedans, *jeu, zero)
            self._modeles[sens], self._libres[sens] = h, libre.copy()
        h = self._modeles[sens]
        change = np.flatnonzero(libre != self._libres[sens]).astype(np.int32)
        if len(change):
            la = libre[change]
            h.changeColsBounds(
                len(change), change, np.where(la, bas[change], 0.0), np.where(la, haut[change], 0.0)
            )
            self._libres[sens] = libre.copy()
        return h

    def pousser_ensemble(self, cases: np.ndarray, besoins: np.ndarray, sens: int, cachees: np.ndarray) -> np.ndarray:
        """Le déplacement de ``self.cases`` qui porte ensemble ces cases au plus près de leurs besoins."""
        h = self._pose(sens, cachees[self.cases])
        la = self.rang[cases].astype(np.int32)
        bas, haut = (b[la] for b in self._bornes(sens))
        limite = besoins / self._echelle
        h.changeColsBounds(len(la), la, np.maximum(bas, -limite), np.minimum(haut, limite))
        # Le départ est le même d'une fois sur l'autre, donc le point aussi.
        h.changeColsCost(len(la), la, -float(sens) / limite)
        h.run()
        bon = h.getModelStatus() == highspy.HighsModelStatus.kOptimal
        ecart = np.array(h.getSolution().col_value) if bon else np.zeros(len(self.cases))
        h.changeColsCost(len(la), la, np.zeros(len(la)))
        h.changeColsBounds(len(la), la, bas, haut)
        ecart[np.abs(ecart) < _NUL] = 0.0
        return ecart * self._echelle

    def pousser(
        self, case: int, sens: int, cachees: np.ndarray, jusqu: float = np.inf
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Pousse une case aussi loin que possible.

        Parameters
        ----------
        case, sens : int
        cachees : array of bool
            Pour toutes les cases du problème.
        jusqu : float
            La case n'est pas poussée au-delà.

        Returns
        -------
        tuple
            L'écart atteint (infini s'il n'a pas de borne), le déplacement de chacune de ``cases``, et le prix de
            chacune des ``lignes``, dont se tire une coupe.
        """
        h = self._pose(sens, cachees[self.cases])
        ici = int(self.rang[case])
        bas, haut = (float(b[ici]) for b in self._bornes(sens))
        limite = jusqu / self._echelle
        h.changeColBounds(ici, max(bas, -limite), min(haut, limite))
        h.changeColCost(ici, -float(sens))
        h.run()
        etat = h.getModelStatus()
        if etat == highspy.HighsModelStatus.kUnknown:
            h.clearSolver()
            h.run()
            etat = h.getModelStatus()
        h.changeColCost(ici, 0.0)
        if etat == highspy.HighsModelStatus.kOptimal:
            solution = h.getSolution()
            ecart = np.array(solution.col_value)
            ecart[np.abs(ecart) < _NUL] = 0.0
            trouve = sens * ecart[ici] * self._echelle, ecart * self._echelle, np.array(solution.row_dual)
        else:
            sans_borne = etat in (
                highspy.HighsModelStatus.kUnbounded,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            )
            # Perdu, le solveur ne promet rien : la case est réputée cernée.
            trouve = (np.inf if sans_borne else 0.0), np.zeros(len(self.cases)), np.zeros(len(self.lignes))
        h.changeColBounds(ici, bas if self._libres[sens][ici] else 0.0, haut if self._libres[sens][ici] else 0.0)
        return trouve
