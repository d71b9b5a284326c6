"""Un problème de secret : des cases, les relations qui les lient, et ce qu'un lecteur ne doit pas cerner.

Tout s'écrit en écarts à la vraie valeur : l'écart nul est toujours possible, et aucun programme linéaire n'est
jamais « infaisable », quelle que soit la grandeur des nombres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.sparse.csgraph import connected_components


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


# --- Le même problème, en plus petit : deux cases qu'une relation égale n'en font qu'une ---


_NUL = 1e-12


def reduire(relations: csr_array, exacte: np.ndarray) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """Fond les cases qu'une relation exacte rend égales, et ôte les relations répétées.

    Parameters
    ----------
    relations : sparse array
        Une ligne par relation entre les écarts des cases.
    exacte : array of bool
        Relations qui tombent juste : les autres ne sont qu'un encadrement, et restent.

    Returns
    -------
    tuple
        Les relations restantes entre groupes, leurs rangs parmi les premières, et le groupe de chaque case.

    Examples
    --------
    >>> a, lignes, groupe = reduire(csr_array([[1.0, -1.0, 0.0], [-1.0, 0.0, 1.0]]), np.array([True, True]))
    >>> a.shape, groupe.tolist()
    ((0, 1), [0, 0, 0])
    """
    groupe, lignes = np.arange(relations.shape[1]), np.arange(relations.shape[0])
    reste = _nette(relations)
    while True:
        paires = _paires(reste, exacte[lignes])
        if not len(paires):
            break
        n = reste.shape[1]
        nombre, rang = connected_components(coo_array((np.ones(len(paires)), paires.T), shape=(n, n)), directed=False)
        groupe = rang[groupe]
        reste = _nette(reste @ csr_array((np.ones(n), (np.arange(n), rang)), shape=(n, nombre)))
        reste, lignes = _sans_vides(reste, lignes)
    reste, lignes = _sans_vides(reste, lignes)
    gardees: dict[object, int] = {}
    for k in range(reste.shape[0]):
        cases, poids = (x[reste.indptr[k] : reste.indptr[k + 1]] for x in (reste.indices, reste.data))
        cle = (cases.tobytes(), (poids / poids[0]).tobytes()) if exacte[lignes[k]] else k
        gardees.setdefault(cle, k)
    choix = np.array(list(gardees.values()), dtype=int)
    return reste[choix], lignes[choix], groupe


def fondre(p: Probleme, masque: np.ndarray) -> tuple[Probleme, np.ndarray, np.ndarray]:
    """Le même problème, où les cases de même contenu (un total et sa seule partie) n'en font qu'une.

    Parameters
    ----------
    p : Probleme
    masque : array of bool
        Cases à masquer de toute façon.

    Returns
    -------
    tuple
        Le problème, ce masque sur lui, et la case qu'y devient chaque case.
    """
    exacte = (p.jeu_bas == 0) & (p.jeu_haut == 0)
    relations, lignes, groupe = reduire(p.relations, exacte)
    n = relations.shape[1]
    vue = _par_groupe(np.maximum, p.vue, groupe, n)
    # Un reste que personne n'affiche, mais qu'une case montrée répète, se protège par elle.
    a_proteger = ((p.besoin_haut > 0) | (p.besoin_bas > 0)) & ~p.vue & vue[groupe]
    # Ce que personne ne voit n'a pas à se masquer, et n'empêche pas de masquer la case montrée qui le répète.
    repetee = ~p.vue & vue[groupe]
    imposee = _par_groupe(np.maximum, masque, groupe, n)
    # Une case répétée se tait partout, ou se lit.
    imposee &= _par_groupe(np.minimum, p.masquable | masque | repetee, groupe, n)
    fondu = Probleme(
        valeur=_par_groupe(np.maximum, p.valeur, groupe, n),
        protegee=_par_groupe(np.maximum, p.protegee | a_proteger, groupe, n),
        masquable=_par_groupe(np.minimum, p.masquable | repetee, groupe, n),
        besoin_haut=_par_groupe(np.maximum, p.besoin_haut, groupe, n),
        besoin_bas=_par_groupe(np.maximum, p.besoin_bas, groupe, n),
        vue=vue,
        marge=_par_groupe(np.minimum, p.marge, groupe, n),
        recul=_par_groupe(np.minimum, p.recul, groupe, n),
        recul_averti=_par_groupe(np.minimum, p.recul_averti, groupe, n),
        cout=np.bincount(groupe, p.cout, n),
        relations=relations,
        jeu_bas=p.jeu_bas[lignes],
        jeu_haut=p.jeu_haut[lignes],
        inities=tuple(np.unique(groupe[connues]) for connues in p.inities),
    )
    return fondu, imposee, groupe


def _par_groupe(operation: np.ufunc, x: np.ndarray, groupe: np.ndarray, n: int) -> np.ndarray:
    rendu = np.full(n, False) if x.dtype == bool else np.zeros(n)
    rendu[groupe] = x
    operation.at(rendu, groupe, x)
    return rendu


def _nette(a: csr_array) -> csr_array:
    a = csr_array(a)
    a.sum_duplicates()
    a.data[np.abs(a.data) < _NUL] = 0.0
    a.eliminate_zeros()
    return a


def _sans_vides(a: csr_array, lignes: np.ndarray) -> tuple[csr_array, np.ndarray]:
    pleines = np.flatnonzero(np.diff(a.indptr))
    return a[pleines], lignes[pleines]


def _paires(a: csr_array, exacte: np.ndarray) -> np.ndarray:
    """Couples de cases de même écart."""
    premier = a.indptr[:-1][(np.diff(a.indptr) == 2) & exacte]
    premier = premier[a.data[premier] == -a.data[premier + 1]]
    return np.column_stack([a.indices[premier], a.indices[premier + 1]])
