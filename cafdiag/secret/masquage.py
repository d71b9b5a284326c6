"""Résoudre un problème de secret : construire, élaguer, améliorer ; l'optimum quand il est à portée."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cafdiag.secret.optimum import chercher
from cafdiag.secret.probleme import Probleme
from cafdiag.secret.reduction import fondre
from cafdiag.secret.suppression import REGARD, Masquage

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
