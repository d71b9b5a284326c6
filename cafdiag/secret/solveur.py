"""Les programmes linéaires du secret, résolus par HiGHS : chacun à l'échelle du besoin qu'il éprouve."""

from __future__ import annotations

import highspy
import numpy as np
from highspy._core import _Highs
from scipy.sparse import csc_array

from cafdiag.secret.probleme import Probleme, reduire

TOLERANCE = 1e-7
# Au-delà de tant de fois le besoin, laisser une case bouger davantage ne change rien à ce qu'on décide.
_LARGE = 1e3
_ETROIT = 4.0
_NUL = 1e-9
# Pousser les cases ensemble, tant que cela en règle ; propager leurs bornes de relation en relation.
_ENSEMBLES = 12
_TOURS = 6


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
    couts, bas, haut, ligne_bas, ligne_haut = (
        np.ascontiguousarray(x, dtype=float) for x in (cout, bas, haut, ligne_bas, ligne_haut)
    )
    h.passModel(
        n,
        len(ligne_bas),
        len(poids),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        couts,
        bas,
        haut,
        ligne_bas,
        ligne_haut,
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
    coupes : bool
        Garde toutes les relations, pour que leurs prix rendent une coupe ; sinon, ce qui se répète est fondu.
    """

    def __init__(self, p: Probleme, cases: np.ndarray, *, coupes: bool = False) -> None:
        self.p, self.cases = p, cases
        self.rang = np.full(len(p.valeur), -1)
        self.rang[cases] = np.arange(len(cases))
        self.lignes = p.relations_de(cases)
        relations, self.groupe = p.relations[self.lignes][:, cases], np.arange(len(cases))
        if not coupes:
            exacte = (p.jeu_bas[self.lignes] == 0) & (p.jeu_haut[self.lignes] == 0)
            relations, restent, self.groupe = reduire(relations, exacte)
            self.lignes = self.lignes[restent]
        self._matrice = relations.tocsc()
        grandeurs = np.abs(p.valeur[cases])
        # Une seule échelle pour tous : d'une question à l'autre, seul l'objectif change, et le point d'avant sert.
        self._echelle = float(np.median(grandeurs[grandeurs > 0])) if (grandeurs > 0).any() else 1.0
        self._modeles: dict[int, _Highs] = {}
        self._libres: dict[int, np.ndarray] = {}
        self._dites: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def _bornes(self, sens: int, libre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entre quoi bouge chaque groupe, quand ces cases-là sont cachées : ce que permettent toutes les siennes."""
        p, cases = self.p, self.cases
        dedans = np.where(libre, -p.recul_vers(sens)[cases], 0.0), np.where(libre, p.marge[cases], 0.0)
        bas, haut = np.full(self._matrice.shape[1], -np.inf), np.full(self._matrice.shape[1], np.inf)
        np.maximum.at(bas, self.groupe, dedans[0] / self._echelle)
        np.minimum.at(haut, self.groupe, dedans[1] / self._echelle)
        return bas, haut

    def _pose(self, sens: int, libre: np.ndarray) -> tuple[_Highs, np.ndarray, np.ndarray]:
        """Le modèle de ce sens, à ces cases cachées, et les bornes de ses colonnes."""
        if sens in self._modeles and (libre == self._libres[sens]).all():
            return self._modeles[sens], *self._dites[sens]
        bas, haut = self._bornes(sens, libre)
        if sens not in self._modeles:
            jeu = self.p.jeu_bas[self.lignes] / self._echelle, self.p.jeu_haut[self.lignes] / self._echelle
            h = nouveau()
            h.setOptionValue("simplex_strategy", 4)  # primal : le point d'avant reste possible
            h.setOptionValue("primal_feasibility_tolerance", 1e-9)
            poser(h, colonnes(self._matrice), bas, haut, *jeu, np.zeros(len(bas)))
            self._modeles[sens] = h
        else:
            avant = self._dites[sens]
            change = np.flatnonzero((bas != avant[0]) | (haut != avant[1])).astype(np.int32)
            if len(change):
                self._modeles[sens].changeColsBounds(len(change), change, bas[change], haut[change])
        self._libres[sens], self._dites[sens] = libre.copy(), (bas, haut)
        return self._modeles[sens], bas, haut

    def pousser_ensemble(self, cases: np.ndarray, besoins: np.ndarray, sens: int, cachees: np.ndarray) -> np.ndarray:
        """Le déplacement de ``self.cases`` qui porte ensemble ces cases au plus près de leurs besoins."""
        h, bas, haut = self._pose(sens, cachees[self.cases])
        groupes, places = np.unique(self.groupe[self.rang[cases]], return_inverse=True)
        limite = np.zeros(len(groupes))
        np.maximum.at(limite, places, besoins / self._echelle)
        ecart = self._ensemble(h, groupes, bas, haut, limite, sens)
        return ecart[self.groupe] * self._echelle

    def _ensemble(
        self, h: _Highs, groupes: np.ndarray, bas: np.ndarray, haut: np.ndarray, limite: np.ndarray, sens: int
    ) -> np.ndarray:
        la, bas, haut = groupes.astype(np.int32), bas[groupes], haut[groupes]
        h.changeColsBounds(len(la), la, np.maximum(bas, -limite), np.minimum(haut, limite))
        # Le départ est le même d'une fois sur l'autre, donc le point aussi.
        h.changeColsCost(len(la), la, -float(sens) / limite)
        h.run()
        bon = h.getModelStatus() == highspy.HighsModelStatus.kOptimal
        ecart = np.array(h.getSolution().col_value) if bon else np.zeros(self._matrice.shape[1])
        h.changeColsCost(len(la), la, np.zeros(len(la)))
        h.changeColsBounds(len(la), la, bas, haut)
        ecart[np.abs(ecart) < _NUL] = 0.0
        return ecart

    def pousser_chacune(self, sens: int, cachees: np.ndarray) -> np.ndarray:
        """L'écart le plus grand de chacune de ``cases`` dans ce sens ; infini s'il n'a pas de borne.

        Une case portée à ce que ses relations lui permettent au plus, une à une, n'a pas besoin de son programme.
        """
        h, bas, haut = self._pose(sens, cachees[self.cases])
        groupes = np.unique(self.groupe)
        borne = sens * self._impliquees(bas, haut)[0 if sens < 0 else 1]
        jeu = _NUL * np.where(np.isfinite(borne), np.maximum(1.0, np.abs(borne)), 1.0)
        atteint = np.where(borne <= jeu, 0.0, np.nan)
        for _ in range(_ENSEMBLES):
            restent = groupes[np.isnan(atteint[groupes]) & np.isfinite(borne[groupes])]
            if not len(restent):
                break
            ecart = sens * self._ensemble(h, restent, bas, haut, borne[restent], sens)
            neufs = np.isnan(atteint) & (ecart >= borne - jeu)
            atteint[neufs] = ecart[neufs]
            if 20 * int(neufs[restent].sum()) < len(restent):
                break
        representant = np.full(len(borne), -1)
        representant[self.groupe] = self.cases
        for g in groupes:
            if np.isnan(atteint[g]):
                loin, ecart, _ = self.pousser(int(representant[g]), sens, cachees)
                au_bord = np.zeros(len(borne), dtype=bool)
                au_bord[self.groupe] = sens * ecart / self._echelle >= (borne - jeu)[self.groupe]
                au_bord &= np.isnan(atteint)
                atteint[au_bord] = borne[au_bord]
                atteint[g] = loin / self._echelle
        return atteint[self.groupe] * self._echelle

    def _impliquees(self, bas: np.ndarray, haut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bornes que chaque relation, une à une, impose à chaque groupe : jamais plus étroites que les vraies."""
        a = self._matrice.tocoo()
        lignes, ici, poids, n = a.row, a.col, a.data, a.shape[0]
        jeu = self.p.jeu_bas[self.lignes] / self._echelle, self.p.jeu_haut[self.lignes] / self._echelle
        bas, haut = bas.copy(), haut.copy()
        for _ in range(_TOURS):
            cotes = []
            for moins, plus, droite in ((bas, haut, jeu[1]), (-haut, -bas, -jeu[0])):
                # Le moins que valent les autres cases de la relation borne celle-ci par en haut.
                part = np.where(poids > 0, poids * moins[ici], poids * plus[ici])
                sans_borne = ~np.isfinite(part)
                part = np.where(sans_borne, 0.0, part)
                libres = np.bincount(lignes, sans_borne, n)[lignes] - sans_borne
                reste = droite[lignes] - (np.bincount(lignes, part, n)[lignes] - part)
                cotes.append(np.where(libres == 0, reste / np.abs(poids), np.inf))
            monte = np.where(poids > 0, *cotes)
            descend = -np.where(poids > 0, *cotes[::-1])
            np.minimum.at(haut, ici, monte)
            np.maximum.at(bas, ici, descend)
            bas, haut = np.minimum(bas, 0.0), np.maximum(haut, 0.0)
        return bas, haut

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
            chacune des ``lignes``, dont se tire une coupe si elles y sont toutes.
        """
        h, mini, maxi = self._pose(sens, cachees[self.cases])
        ici = int(self.groupe[self.rang[case]])
        bas, haut = float(mini[ici]), float(maxi[ici])
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
            trouve = sens * ecart[ici] * self._echelle, ecart[self.groupe] * self._echelle, np.array(solution.row_dual)
        else:
            sans_borne = etat in (
                highspy.HighsModelStatus.kUnbounded,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            )
            # Perdu, le solveur ne promet rien : la case est réputée cernée.
            trouve = (np.inf if sans_borne else 0.0), np.zeros(len(self.cases)), np.zeros(len(self.lignes))
        h.changeColBounds(ici, bas, haut)
        return trouve


# --- L'intervalle de chaque case : tout ce qu'un lecteur peut prouver d'elle ---


def intervalles(p: Probleme, masque: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plus petite et plus grande valeur possibles de chaque case.

    Parameters
    ----------
    p : Probleme
    masque : array of bool
        Cases masquées ; celles que le lecteur ne voit pas sont cachées aussi.

    Returns
    -------
    tuple of array
        ``bas`` et ``haut`` ; infinis quand rien ne borne la case. Une case montrée vaut ce qu'elle vaut.
    """
    bas, haut = p.valeur.astype(float).copy(), p.valeur.astype(float).copy()
    cachees = p.cachees(masque)
    audit = Audit(p, np.flatnonzero(cachees))
    if len(audit.cases):
        haut[audit.cases] += audit.pousser_chacune(1, cachees)
        bas[audit.cases] -= audit.pousser_chacune(-1, cachees)
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
