"""Répartir au mieux une offre entre ceux qui sont à sa portée : le plus d'enfants servis, puis à parts égales.

Fonctions pures. Le plus grand nombre d'enfants servis est un flot maximal (transport sous contrainte de durée). Il a
mille répartitions ; la seule qui ne favorise personne rend les parts servies aussi égales que la distance le permet :
c'est la base lexicographiquement optimale du polymatroïde, trouvée par décomposition (Fujishige, 1980).
"""

from __future__ import annotations

import numpy as np

# Les flots se comptent en entiers de 32 bits : un dix-millième d'enfant, moins si le total ne tient pas.
_ECHELLE, _ENTIER = 10_000, 2_000_000_000
_SANS_LIMITE = np.int32(2**31 - 1)


def servis(demande: np.ndarray, offre: np.ndarray, i: np.ndarray, j: np.ndarray) -> float:
    """Le plus grand nombre d'enfants qui aient chacun une place à leur portée.

    Parameters
    ----------
    demande, offre : ndarray of float
        Enfants de chaque origine, places de chaque lieu (infinies si rien ne les borne).
    i, j : ndarray of int
        Rangs de l'origine et du lieu de chaque couple à portée.

    Examples
    --------
    Deux communes de 10 et 5 enfants, 8 places à portée des deux, 4 de la seconde seulement.

    >>> servis(np.array([10.0, 5]), np.array([8.0, 4]), np.array([0, 1, 1]), np.array([0, 0, 1]))
    12.0
    """
    demande, offre = _bornees(demande, offre)
    prives, satures = _coupe(demande, offre, *ranger(i, j, (demande[i] > 0) & (offre[j] > 0)))
    # La coupe se cherche en entiers et s'évalue en réels : le total est exact dès que la coupe est la bonne.
    return float(demande[~prives].sum() + offre[satures].sum())


def parts_servies(
    demande: np.ndarray,
    offre: np.ndarray,
    i: np.ndarray,
    j: np.ndarray,
    *,
    socle: np.ndarray | None = None,
    pour: np.ndarray | None = None,
) -> np.ndarray:
    """La part des enfants servis, origine par origine, aussi égale que la distance le permet.

    La somme des enfants servis est celle de :func:`servis` ; aucune part ne peut monter sans qu'une plus petite, ou
    égale, ne baisse. Une origine sans enfant a la part 1.

    Parameters
    ----------
    socle : ndarray of float, optional
        Enfants déjà servis, qui le restent (d'une autre place au besoin) : seul ce qui s'y ajoute se partage. Ils
        doivent pouvoir l'être tous ensemble.
    pour : ndarray of int, optional
        Rangs des seules origines dont la part est demandée ; celle des autres n'est pas menée à son terme.

    Examples
    --------
    >>> enfants, de, vers = np.array([10.0, 5]), np.array([0, 1, 1]), np.array([0, 0, 1])
    >>> parts_servies(enfants, np.array([8.0, 4]), de, vers).round(3).tolist()
    [0.8, 0.8]
    >>> parts_servies(enfants, np.array([3.0, 4]), de, vers).round(3).tolist()
    [0.3, 0.8]
    """
    demande, offre = _bornees(demande, offre)
    acquis = np.zeros(len(demande)) if socle is None else np.minimum(np.asarray(socle, dtype=float), demande)
    i, j = ranger(i, j, (demande[i] > 0) & (offre[j] > 0))
    voulus, demandees = np.zeros(len(demande)), np.zeros(len(demande), dtype=bool)
    demandees[slice(None) if pour is None else pour] = True
    while len(i):
        (qui, de), (lieux, vers) = _presents(i, len(demande)), _presents(j, len(offre))
        # Ce qui ne se touche pas se règle à part, d'un même flot ; chaque ensemble se coupe en deux tant qu'il le doit.
        ensemble, du_lieu = _composantes(len(qui), len(lieux), de, vers)
        n = 1 + ensemble.max()
        utiles = np.bincount(ensemble, demandees[qui], n) > 0
        if not utiles.all():
            i, j = _parmi(utiles[ensemble[de]], i, j)
            continue
        acquise, manque, places = acquis[qui], demande[qui] - acquis[qui], offre[lieux]
        total, deja = np.bincount(ensemble, manque, n), np.bincount(ensemble, acquise, n)
        plus = np.minimum(np.bincount(du_lieu, places, n), np.bincount(ensemble, demande[qui], n))
        part = np.clip(np.divide(plus - deja, total, out=np.ones(n), where=total > 0), 0.0, 1.0)
        voeux = acquise + part[ensemble] * manque
        voulus[qui] = voeux
        prives, satures = _coupe(voeux, places, de, vers)
        # Ceux dont tous les lieux réunis ne peuvent donner cette part à chacun se règlent entre eux, de ces lieux
        # seuls ; les autres, mieux servis, s'en passent.
        leur_offre = np.bincount(du_lieu, np.where(satures, places, 0.0), n)
        leurs_voeux = np.bincount(ensemble, np.where(prives, voeux, 0.0), n)
        # Tous privés : il n'y a rien à couper, à l'arrondi des entiers près.
        coupes = np.bincount(ensemble, prives, n) < np.bincount(ensemble, minlength=n)
        coupes &= leur_offre < leurs_voeux * (1 - 1e-9) - 1e-6
        i, j = _parmi(coupes[ensemble[de]] & (prives[de] == satures[vers]), i, j)
    return np.divide(voulus, demande, out=np.ones(len(demande)), where=demande > 0)


def _parmi(gardes: np.ndarray, *tables: np.ndarray) -> tuple[np.ndarray, ...]:
    return tables if gardes.all() else tuple(t[gardes] for t in tables)


def ranger(i: np.ndarray, j: np.ndarray, gardes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Les couples gardés, par origine puis par lieu, chacun une fois : les lignes d'une matrice creuse.

    >>> [t.tolist() for t in ranger(np.array([1, 0, 1]), np.array([2, 0, 2]), np.array([True, True, True]))]
    [[0, 1], [0, 2]]
    """
    i, j = _parmi(gardes, np.asarray(i), np.asarray(j))
    if not len(i):
        return i.astype(np.int64), j.astype(np.int64)
    combien = int(j.max()) + 1
    cles = i.astype(np.int64) * combien + j
    if (cles[1:] > cles[:-1]).all():
        return i, j
    # Presque rangés, ils se trient par fusion.
    cles.sort(kind="stable")
    return np.divmod(cles[np.append(True, cles[1:] > cles[:-1])], combien)


def _presents(rangs: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Les rangs qui paraissent, et la place de chacun parmi eux."""
    paru = np.zeros(n, dtype=bool)
    paru[rangs] = True
    return np.flatnonzero(paru), (np.cumsum(paru) - 1)[rangs]


def _composantes(n: int, m: int, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """À quel ensemble d'un seul tenant appartient chaque origine, chaque lieu."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    debuts = np.append(_debuts(i, n), np.full(m, len(i)))
    liens = csr_matrix((np.ones(len(i), dtype=np.int8), n + j, debuts), shape=(n + m, n + m))
    ensembles = connected_components(liens, directed=False)[1].astype(int)
    return ensembles[:n], ensembles[n:]


def _debuts(i: np.ndarray, n: int) -> np.ndarray:
    """Où commence chaque ligne d'une matrice creuse dont les couples sont rangés."""
    return np.concatenate([[0], np.cumsum(np.bincount(i, minlength=n))])


def _bornees(demande: np.ndarray, offre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Une offre infinie, ou plus grande que toute la demande, n'est pas plus utile qu'elle."""
    demande = np.asarray(demande, dtype=float)
    return demande, np.minimum(np.asarray(offre, dtype=float), demande.sum())


def _coupe(
    demande: np.ndarray, offre: np.ndarray, i: np.ndarray, j: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Une coupe minimale, en entiers : origines qui manquent de places, lieux à leur portée (couples rangés)."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n, m = len(demande), len(offre)
    if not len(i) or demande.sum() <= 0:
        return demande > 0, np.zeros(m, dtype=bool)
    total = demande.sum()
    echelle = min(_ECHELLE, _ENTIER / total)
    source, puits = n + m, n + m + 1
    voeux = np.rint(demande * echelle).astype(np.int32)
    places = np.rint(np.minimum(offre, total) * echelle).astype(np.int32)
    # Les lignes dans l'ordre : origines, lieux, source, puits. Rien à trier, rien à sommer.
    reseau = csr_matrix(
        (
            np.concatenate([np.full(len(i), _SANS_LIMITE), places, voeux]),
            np.concatenate([n + j, np.full(m, puits), np.arange(n)]).astype(np.int32),
            np.concatenate([_debuts(i, n), len(i) + np.arange(1, m + 1), [len(i) + m + n] * 2]).astype(np.int32),
        ),
        shape=(n + m + 2, n + m + 2),
    )  # fmt: skip
    # Presque tout est saturé : le temps va aux longs chemins, d'un bout de la région à l'autre. Amorcer par le flot
    # d'avant, ôter des couples, les ranger autrement, compter plus gros ou laisser du jeu n'y gagne rien.
    flot = maximum_flow(reseau, source, puits).flow
    # Ce qui peut encore passer : sans limite d'une origine à un lieu, à rebours de ce qui y passe, et ce qui manque.
    de = np.repeat(np.arange(n + m + 2), np.diff(flot.indptr))
    reste = np.where(de < n, 1, -flot.data)
    de_la_source = slice(*flot.indptr[source : source + 2])
    reste[de_la_source] = voeux[flot.indices[de_la_source]] - flot.data[de_la_source]
    reste = csr_matrix((np.maximum(reste, 0), flot.indices, flot.indptr), shape=flot.shape)
    reste.eliminate_zeros()
    atteints = np.zeros(n + m + 2, dtype=bool)
    atteints[breadth_first_order(reste, source, return_predecessors=False)] = True
    return atteints[:n], atteints[n : n + m]
