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
    return _coupe(demande, offre, i, j)[0]


def parts_servies(
    demande: np.ndarray, offre: np.ndarray, i: np.ndarray, j: np.ndarray, *, socle: np.ndarray | None = None
) -> np.ndarray:
    """La part des enfants servis, origine par origine, aussi égale que la distance le permet.

    La somme des enfants servis est celle de :func:`servis` ; aucune part ne peut monter sans qu'une plus petite, ou
    égale, ne baisse. Une origine sans enfant a la part 1.

    Parameters
    ----------
    socle : ndarray of float, optional
        Enfants déjà servis, qui le restent (d'une autre place au besoin) : seul ce qui s'y ajoute se partage. Ils
        doivent pouvoir l'être tous ensemble.

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
    manque, voulus = demande - acquis, demande.copy()
    utiles = (demande[i] > 0) & (offre[j] > 0)
    i, j = i[utiles], j[utiles]
    # Tous ensemble d'abord ; puis, d'un seul flot par tour, chaque groupe se coupe en deux tant qu'il le doit.
    groupe, du_lieu, servi = np.zeros(len(demande), dtype=int), np.zeros(len(offre), dtype=int), None
    actif = np.array([True])
    while actif.any():
        n = len(actif)
        if servi is None:
            servi = np.array([_coupe(demande, offre, i, j)[0]])
        du_groupe = {"weights": manque, "minlength": n}
        total = np.bincount(groupe, **du_groupe)
        deja = np.bincount(groupe, weights=acquis, minlength=n)
        part = np.clip(np.divide(servi - deja, total, out=np.ones(n), where=total > 0), 0.0, 1.0)
        ici = actif[groupe]
        voulus[ici] = (acquis + part[groupe] * manque)[ici]
        vifs = (actif & (part < 1.0))[groupe]
        _, prives, satures = _coupe(np.where(vifs, voulus, 0.0), offre, i, j)
        prives &= vifs
        leur_offre = np.bincount(du_lieu, weights=np.where(satures, offre, 0.0), minlength=n)
        leurs_voeux = np.bincount(groupe, weights=np.where(prives, voulus, 0.0), minlength=n)
        combien = np.bincount(groupe, weights=prives, minlength=n)
        # Ceux dont tous les lieux réunis ne peuvent donner cette part à chacun se règlent entre eux, de ces lieux
        # seuls ; les autres, mieux servis, s'en passent.
        coupes = (combien > 0) & (combien < np.bincount(groupe, minlength=n))
        coupes &= leur_offre < leurs_voeux * (1 - 1e-9) - 1e-6
        neufs = np.cumsum(coupes) - 1 + n
        groupe = np.where(prives & coupes[groupe], neufs[groupe], groupe)
        du_lieu = np.where(satures & coupes[du_lieu], neufs[du_lieu], du_lieu)
        servi = np.concatenate([np.where(coupes, servi - leur_offre, servi), leur_offre[coupes]])
        actif = np.concatenate([coupes, np.ones(int(coupes.sum()), dtype=bool)])
        dedans = groupe[i] == du_lieu[j]
        i, j = i[dedans], j[dedans]
    return np.divide(voulus, demande, out=np.ones(len(demande)), where=demande > 0)


def _bornees(demande: np.ndarray, offre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Une offre infinie, ou plus grande que toute la demande, n'est pas plus utile qu'elle."""
    demande = np.asarray(demande, dtype=float)
    return demande, np.minimum(np.asarray(offre, dtype=float), demande.sum())


def _coupe(
    demande: np.ndarray, offre: np.ndarray, i: np.ndarray, j: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Valeur de la coupe minimale ; origines du côté de la source (qui manquent de places), lieux à leur portée.

    La coupe se cherche en entiers et s'évalue en réels : le total est exact dès que la coupe est la bonne.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n, m = len(demande), len(offre)
    if not len(i) or demande.sum() <= 0:
        return 0.0, demande > 0, np.zeros(m, dtype=bool)
    total = demande.sum()
    echelle = min(_ECHELLE, _ENTIER / total)
    source, puits = n + m, n + m + 1
    capacites = np.concatenate(
        [
            np.rint(demande * echelle).astype(np.int32),
            np.full(len(i), _SANS_LIMITE),
            np.rint(np.minimum(offre, total) * echelle).astype(np.int32),
        ]
    )
    de = np.concatenate([np.full(n, source), i, n + np.arange(m)])
    vers = np.concatenate([np.arange(n), n + j, np.full(m, puits)])
    reseau = csr_matrix((capacites, (de, vers)), shape=(n + m + 2, n + m + 2))
    reste = reseau - maximum_flow(reseau, source, puits).flow
    reste.eliminate_zeros()
    atteints = np.zeros(n + m + 2, dtype=bool)
    atteints[breadth_first_order(reste, source, return_predecessors=False)] = True
    prives, satures = atteints[:n], atteints[n : n + m]
    return float(demande[~prives].sum() + offre[satures].sum()), prives, satures
