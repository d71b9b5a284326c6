"""Résoudre un problème de secret : construire, élaguer, améliorer ; l'optimum quand il est à portée."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csc_array, csr_array, hstack

from cafdiag.secret.probleme import Probleme
from cafdiag.secret.reduction import fondre
from cafdiag.secret.solveur import TOLERANCE, Audit, colonnes, nouveau, poser
from cafdiag.secret.suppression import REGARD, Masquage

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


_TOURS_ENTIERS = 40
_PETIT = 160


@dataclass(frozen=True)
class Solution:
    """Un masque prouvé.

    Attributes
    ----------
    masque : array of bool
    optimal : bool
        Vrai si aucun masque moins coûteux ne protège autant.
    insuffisantes : tuple
        ``(case, sens, écart atteint)`` des cases qu'aucun masque ne protège assez.
    """

    masque: np.ndarray
    optimal: bool
    insuffisantes: tuple[tuple[int, int, float], ...]


def resoudre(
    p: Probleme, masque: np.ndarray | None = None, *, effort: int = 250_000, regard: int = REGARD
) -> Solution:
    """Le masque d'un problème.

    Parameters
    ----------
    p : Probleme
    masque : array of bool, optional
        Cases à masquer de toute façon.
    effort : int
        Ce qu'on consacre à faire mieux que le premier masque, en cases examinées : un compte, pas une durée, pour
        que deux machines rendent le même masque.
    regard : int
        Au-delà de tant de cases cachées, on ne regarde qu'autour de celle dont il s'agit.
    """
    entier, impose = p, p.protegee & p.masquable
    if masque is not None:
        impose = impose | masque
    p, imposee, groupe = fondre(entier, impose)
    m = Masquage(p, imposee, regard)
    m.reconnaitre()
    m.couvrir(np.arange(len(m.t)), p.cout)
    secondaires = m.secondaires
    m.elaguer(secondaires[np.argsort(-p.cout[secondaires] * 1e9 - np.abs(p.valeur[secondaires]), kind="stable")])
    optimal = not len(m.secondaires)
    if not optimal and int((p.masquable & np.isfinite(p.cout)).sum()) <= _PETIT:
        optimal = chercher(m, tours=_TOURS_ENTIERS)
    if not optimal and effort:
        ameliorer(m, effort)
    representant = np.zeros(len(p.valeur), dtype=int)
    for rangs in (np.arange(len(groupe)), np.flatnonzero(entier.protegee)):
        representant[groupe[rangs]] = rangs
    insuffisantes = tuple((int(representant[case]), sens, atteint) for case, sens, atteint in m.insuffisantes)
    return Solution(impose | m.masque[groupe] & entier.masquable & entier.vue, optimal, insuffisantes)


def ameliorer(m: Masquage, effort: int) -> None:
    """Défait un coin du masque et le refait autrement ; garde ce qui ne coûte pas plus."""
    hasard = np.random.default_rng(0)
    p, depart = m.p, m.travail
    sans_gain = 0
    while m.travail - depart < effort and sans_gain < 4 * len(m.secondaires) + 20:
        secondaires = m.secondaires
        if not len(secondaires):
            return
        graine = int(hasard.choice(secondaires))
        coin = np.intersect1d(p.autour(graine, int(hasard.integers(1, 3))), secondaires)
        taille = int(hasard.integers(2, 9))
        coin = np.union1d([graine], hasard.permutation(coin)[:taille])
        masque, de, cout = m.masque.copy(), m.temoins.de.copy(), m.cout()
        orphelines = m.temoins.orphelines(coin)
        m.masque[coin] = False
        m.temoins.de[orphelines] = -1
        prix = p.cout * (1 + 0.6 * hasard.random(len(p.cout)))
        prix[coin] *= 1.5
        m.couvrir(orphelines, prix)
        # Ce qui n'était pas masqué d'abord : c'est ce que l'on vient d'ajouter.
        restent = hasard.permutation(m.secondaires)
        m.elaguer(restent[np.argsort(masque[restent], kind="stable")])
        if m.cout() > cout + 1e-9:
            m.masque, m.temoins.de = masque, de
            sans_gain += 1
        else:
            sans_gain = 0 if m.cout() < cout - 1e-9 else sans_gain + 1
        m.travail += 1


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
