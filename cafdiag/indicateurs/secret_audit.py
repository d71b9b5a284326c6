"""Ce qu'un lecteur retrouve de proche en proche, relation par relation, d'après tout ce qui est montré.

Exact quand les relations forment un arbre (communes, EPCI, département) ; sinon plus large que ce qui se prouve, et
c'est :mod:`cafdiag.secret.intervalles` qui tranche.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cafdiag.indicateurs.secret_systeme import Systeme

EPSILON = 1e-6
# Dans une boucle, les bornes peuvent se rapprocher sans fin.
_TOURS = 60


@dataclass(frozen=True)
class Encadrement:
    """Bornes de chaque case, et ce que chaque relation implique pour chacune de ses cases.

    ``bas`` vient d'un lecteur naïf, pour qui une case masquée peut être nulle ; ``haut``, d'un lecteur averti, qui
    sait qu'elle ne l'est pas. Savoir une case non nulle n'apprend rien qu'on protège ; en déduire qu'une autre est
    plus petite, si.
    """

    bas: np.ndarray
    haut: np.ndarray
    bas_averti: np.ndarray
    haut_naif: np.ndarray
    bas_implique: np.ndarray
    haut_implique: np.ndarray

    @property
    def connues(self) -> np.ndarray:
        """Cases dont le lecteur connaît la valeur."""
        return self.haut - self.bas_averti < EPSILON

    def restes_trop_petits(self, s: Systeme) -> np.ndarray:
        """Relations dont les cases masquées ont ensemble un effectif connu, et trop petit."""
        connues = self.connues[s.colonnes]
        n = len(s.bas_ligne)
        fixe = np.bincount(s.lignes[connues], (s.poids * self.haut[s.colonnes])[connues], minlength=n)
        cachees = np.bincount(s.lignes[~connues], minlength=n)
        # Total caché : le reste n'est pas connu.
        total_cache = np.bincount(s.lignes[~connues & (s.poids < 0)], minlength=n) > 0
        reste = np.abs(fixe)
        exacte = s.haut_ligne - s.bas_ligne < EPSILON
        petit = (reste > EPSILON) & (reste < s.seuil - EPSILON)
        return np.flatnonzero((cachees > 0) & ~total_cache & exacte & petit)


def encadrer(s: Systeme, masque: np.ndarray) -> Encadrement:
    """Bornes de proche en proche : jamais plus étroites que ce qu'un lecteur peut prouver.

    Parameters
    ----------
    s : Systeme
    masque : array of bool
        Cases masquées ; les autres, si elles sont montrées, sont connues.
    """
    connue = s.montree & ~masque
    bas, haut_naif, bas_implique, _ = _propager(s, connue, np.zeros(len(s.cles)))
    bas_averti, haut, _, haut_implique = _propager(s, connue, s.plancher)
    return Encadrement(bas, haut, bas_averti, haut_naif, bas_implique, haut_implique)


def _propager(s: Systeme, connue: np.ndarray, plancher: np.ndarray) -> tuple[np.ndarray, ...]:
    bas = np.where(connue, s.valeur, plancher)
    haut = np.where(connue, s.valeur, s.plafond)
    positif = s.poids > 0
    for _ in range(_TOURS):
        implique = _impliquer(s, bas, haut, positif)
        mieux_bas, mieux_haut = bas.copy(), haut.copy()
        np.maximum.at(mieux_bas, s.colonnes, implique[0])
        np.minimum.at(mieux_haut, s.colonnes, implique[1])
        # Une case connue le reste : ses arrondis ne rendent pas le système impossible.
        mieux_bas[connue], mieux_haut[connue] = s.valeur[connue], s.valeur[connue]
        avance = (mieux_bas > bas + EPSILON) | (mieux_haut < haut - EPSILON)
        bas, haut = mieux_bas, mieux_haut
        if not avance.any():
            break
    return bas, haut, *implique


def _impliquer(s: Systeme, bas, haut, positif) -> tuple[np.ndarray, np.ndarray]:
    """Pour chaque case de chaque relation, les bornes que lui laissent les autres cases."""
    n = len(s.bas_ligne)
    ici_bas, ici_haut = bas[s.colonnes], haut[s.colonnes]
    moins = s.poids * np.where(positif, ici_bas, ici_haut)
    plus = s.poids * np.where(positif, ici_haut, ici_bas)

    def somme_des_autres(termes: np.ndarray) -> np.ndarray:
        # Un infini parmi les autres rend leur somme infinie, sauf si c'est le sien.
        infini = np.isinf(termes)
        finis = np.where(infini, 0.0, termes)
        total = np.bincount(s.lignes, finis, minlength=n)[s.lignes] - finis
        autres_infinis = np.bincount(s.lignes, infini, minlength=n)[s.lignes] - infini
        return np.where(autres_infinis > 0, np.nan, total)

    bas_autres, haut_autres = somme_des_autres(moins), somme_des_autres(plus)
    a = (s.bas_ligne[s.lignes] - haut_autres) / s.poids
    b = (s.haut_ligne[s.lignes] - bas_autres) / s.poids
    implique_bas, implique_haut = np.where(positif, a, b), np.where(positif, b, a)
    return (
        np.where(np.isnan(implique_bas), -np.inf, implique_bas),
        np.where(np.isnan(implique_haut), np.inf, implique_haut),
    )
