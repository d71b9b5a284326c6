"""Ce qu'un lecteur retrouve : l'intervalle de chaque case, d'après tout ce qui est montré.

D'abord de proche en proche, relation par relation : exact quand les relations forment un arbre (communes, EPCI,
département). Là où elles font une boucle (tranches d'âge croisées avec les communes), un programme linéaire.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cafdiag.indicateurs.secret_systeme import Systeme

EPSILON = 1e-6
# Dans une boucle, les bornes peuvent se rapprocher sans fin ; s'arrêter tôt ne fait que laisser du travail au
# programme linéaire.
_TOURS = 60


@dataclass(frozen=True)
class Bornes:
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

    def trop_fin(self, s: Systeme) -> np.ndarray:
        """Cases protégées cernées plus finement que permis."""
        with np.errstate(invalid="ignore"):
            return (self.bas > s.permis_bas + EPSILON) | (self.haut < s.permis_haut - EPSILON)

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
        return np.flatnonzero((cachees > 0) & ~total_cache & exacte & petit & ~s.toleree)


def encadrer(s: Systeme, masque: np.ndarray) -> Bornes:
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
    return Bornes(bas, haut, bas_averti, haut_naif, bas_implique, haut_implique)


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


def audit_lineaire(s: Systeme, bornes: Bornes, *, une_suffit: bool = False) -> np.ndarray:
    """Cases protégées qu'un programme linéaire cerne plus finement que permis ; ne résout que les boucles.

    ``une_suffit`` : s'arrête à la première trouvée.
    """
    ici = ~bornes.connues[s.colonnes]
    trouees: list[int] = []
    if not ici.any():
        return np.array(trouees, dtype=int)
    for lignes, cases in _boucles(s, ici):
        protegees = cases[s.protegee[cases]]
        if len(protegees) and not (trouees and une_suffit):
            trouees += _resoudre(s, bornes, lignes, cases, protegees, une_suffit)
    return np.unique(np.array(trouees, dtype=int))


def boucle(s: Systeme, bornes: Bornes) -> bool:
    """Vrai si des relations entre cases cachées forment une boucle."""
    ici = ~bornes.connues[s.colonnes]
    return bool(ici.any()) and next(_boucles(s, ici), None) is not None


def _boucles(s: Systeme, ici: np.ndarray):
    """Groupes de relations qui partagent des cases cachées en formant une boucle."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    lignes, cases = s.lignes[ici], s.colonnes[ici]
    n, m = len(s.bas_ligne), len(s.cles)
    graphe = coo_array((np.ones(len(lignes)), (lignes, n + cases)), shape=(n + m, n + m))
    _, groupe = connected_components(graphe.tocsr(), directed=False)
    noeuds = np.bincount(groupe)
    aretes = np.bincount(groupe[lignes], minlength=len(noeuds))
    for g in np.flatnonzero(aretes >= noeuds):
        membres = groupe[lignes] == g
        yield np.unique(lignes[membres]), np.unique(cases[membres])


def _resoudre(s: Systeme, bornes: Bornes, lignes, cases, protegees, une_suffit: bool) -> list[int]:
    """Un point où plusieurs cases atteignent leur borne permise les innocente d'un coup ; le reste, une à une."""
    from scipy.sparse import coo_array

    ligne_de, case_de = np.full(len(s.bas_ligne), -1), np.full(len(s.cles), -1)
    ligne_de[lignes], case_de[cases] = np.arange(len(lignes)), np.arange(len(cases))
    dedans = ligne_de[s.lignes] >= 0
    libre = dedans & (case_de[s.colonnes] >= 0)
    fixes = dedans & ~libre
    fixe = np.bincount(
        ligne_de[s.lignes[fixes]], (s.poids * bornes.haut[s.colonnes])[fixes], minlength=len(lignes)
    )
    matrice = coo_array(
        (s.poids[libre], (ligne_de[s.lignes[libre]], case_de[s.colonnes[libre]])),
        shape=(len(lignes), len(cases)),
    ).tocsr()
    trouees: list[int] = []
    for sens, permis, bas, haut in (
        (1, s.permis_haut, bornes.bas_averti, bornes.haut),
        (-1, s.permis_bas, bornes.bas, bornes.haut_naif),
    ):
        probleme = _Probleme(
            matrice, s.bas_ligne[lignes] - fixe, s.haut_ligne[lignes] - fixe, bas[cases], haut[cases]
        )
        restent = protegees
        while len(restent):
            point = probleme.pousser(case_de[restent], permis[restent], sens)
            atteint = sens * (point - permis[restent]) >= -EPSILON * 10
            if atteint.any():
                restent = restent[~atteint]
                continue
            seule = restent[:1]
            point = probleme.pousser(case_de[seule], permis[seule], sens)
            if sens * (point[0] - permis[seule][0]) < -EPSILON * 10:
                trouees.append(int(seule[0]))
                if une_suffit:
                    return trouees
            restent = restent[1:]
    return trouees


@dataclass(frozen=True)
class _Probleme:
    """Les cases cachées d'une boucle : ``bas ≤ matrice × x ≤ haut``, ``plancher ≤ x ≤ plafond``."""

    matrice: object
    bas: np.ndarray
    haut: np.ndarray
    plancher: np.ndarray
    plafond: np.ndarray

    def pousser(self, cases: np.ndarray, vers: np.ndarray, sens: int) -> np.ndarray:
        """Valeurs de ces cases au point qui les approche le plus, ensemble, de ces valeurs."""
        from scipy.optimize import linprog
        from scipy.sparse import coo_array, hstack, vstack

        k, (m, n) = len(cases), self.matrice.shape
        # t ne dépasse ni la case ni sa cible : pousser l'un au-delà ne paie pas.
        rangs = np.arange(k)
        approche = coo_array(
            (
                np.concatenate([np.full(k, -sens), np.full(k, sens)]),
                (np.tile(rangs, 2), np.concatenate([cases, n + rangs])),
            ),
            shape=(k, n + k),
        )
        egales = self.haut - self.bas < EPSILON
        rien = coo_array((m, k))
        large = hstack([self.matrice, rien]).tocsr()
        sous, sur = np.isfinite(self.haut) & ~egales, np.isfinite(self.bas) & ~egales
        resultat = linprog(
            np.concatenate([np.zeros(n), np.full(k, -sens)]),
            A_eq=large[egales] if egales.any() else None,
            b_eq=((self.bas + self.haut) / 2)[egales] if egales.any() else None,
            A_ub=vstack([approche, large[sous], -large[sur]]).tocsr(),
            b_ub=np.concatenate([np.zeros(k), self.haut[sous], -self.bas[sur]]),
            bounds=np.column_stack(
                [
                    np.concatenate([self.plancher, np.full(k, -np.inf) if sens > 0 else vers]),
                    np.concatenate([self.plafond, vers if sens > 0 else np.full(k, np.inf)]),
                ]
            ),
            method="highs",
        )
        if resultat.x is None:
            # Bornes et relations se contredisent à un arrondi près : rien n'est prouvé, rien n'est innocenté.
            return np.full(k, -np.inf * sens)
        return resultat.x[cases]
