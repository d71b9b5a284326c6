"""Un problème de secret : des cases, les relations qui les lient, et ce qu'un lecteur ne doit pas cerner.

Tout s'écrit en écarts à la vraie valeur : l'écart nul est toujours possible, et aucun programme linéaire n'est
jamais « infaisable », quelle que soit la grandeur des nombres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array, csr_array


@dataclass(frozen=True)
class Probleme:
    """Des cases et des relations ``bas ≤ Σ poids × écart ≤ haut``, une par ligne de ``relations``.

    Attributes
    ----------
    valeur : array
        Valeur de chaque case.
    protegee : array of bool
        Cases à masquer pour elles-mêmes.
    masquable : array of bool
        Cases qu'on peut masquer.
    besoin_haut, besoin_bas : array
        De combien le lecteur doit pouvoir croire chaque case plus grande, plus petite ; nul si rien n'est à protéger.
        Une case peut avoir un besoin sans être montrée (un reste que personne n'affiche).
    vue : array of bool
        Cases que le lecteur voit quand elles ne sont pas masquées.
    marge, recul : array
        De combien une case cachée peut, pour le lecteur, dépasser sa valeur ou être en dessous.
    recul_averti : array
        ``recul`` d'un lecteur qui sait qu'une case tue n'est pas nulle : il borne ce qu'on croit plus grand.
    cout : array
        Ce que coûte de masquer chaque case.
    relations : sparse array
    jeu_bas, jeu_haut : array
        Bornes de chaque relation, en écart ; nulles quand le total tombe juste.
    inities : tuple of arrays
        Cases que connaît chaque initié (un répondant seul dans sa case connaît la sienne).
    """

    valeur: np.ndarray
    protegee: np.ndarray
    masquable: np.ndarray
    besoin_haut: np.ndarray
    besoin_bas: np.ndarray
    vue: np.ndarray
    marge: np.ndarray
    recul: np.ndarray
    recul_averti: np.ndarray
    cout: np.ndarray
    relations: csr_array
    jeu_bas: np.ndarray
    jeu_haut: np.ndarray
    inities: tuple[np.ndarray, ...] = field(default_factory=tuple)
    _voisinages: dict[tuple[int, int], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def colonnes(self) -> csc_array:
        """Les relations, case par case."""
        return self.relations.tocsc()

    @cached_property
    def a_jeu(self) -> bool:
        """Vrai si une relation n'est qu'un encadrement."""
        return bool((self.jeu_bas != 0).any() or (self.jeu_haut != 0).any())

    def recul_vers(self, sens: int) -> np.ndarray:
        """Recul de chaque case pour qui pousse une case dans ce sens."""
        return self.recul_averti if sens > 0 else self.recul

    def cachees(self, masque: np.ndarray) -> np.ndarray:
        """Cases que le lecteur ne voit pas."""
        return masque | ~self.vue

    def relations_de(self, cases: np.ndarray) -> np.ndarray:
        """Relations où figure l'une de ces cases."""
        return _indices(self.colonnes, cases)

    def cases_de(self, relations: np.ndarray) -> np.ndarray:
        """Cases de ces relations."""
        return _indices(self.relations, relations)

    def autour(self, case: int, pas: int) -> np.ndarray:
        """Cases à ``pas`` relations au plus d'une case, elle comprise."""
        cle = (case, pas)
        if cle not in self._voisinages:
            cases = np.array([case])
            for _ in range(pas):
                cases = self.cases_de(self.relations_de(cases))
            self._voisinages[cle] = cases if len(cases) else np.array([case])
        return self._voisinages[cle]


def _indices(matrice: csr_array | csc_array, rangs: np.ndarray) -> np.ndarray:
    debuts, longueurs = matrice.indptr[rangs], matrice.indptr[np.asarray(rangs) + 1] - matrice.indptr[rangs]
    fins = np.cumsum(longueurs)
    if not len(fins) or not fins[-1]:
        return np.array([], dtype=int)
    places = np.repeat(debuts - (fins - longueurs), longueurs) + np.arange(fins[-1])
    trouves = np.zeros(matrice.shape[0] if isinstance(matrice, csc_array) else matrice.shape[1], dtype=bool)
    trouves[matrice.indices[places]] = True
    return np.flatnonzero(trouves)
