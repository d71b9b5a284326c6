"""Le secret statistique : ce qui ne se montre pas, et ce qu'il faut taire avec pour que cela ne se retrouve pas.

Primaire : une case trop petite. Secondaire : une deuxième case du même total, sans quoi une soustraction
rendrait la première. Le choix et sa preuve sont dans :mod:`cafdiag.secret`, qui ne sait rien des territoires : ici,
les règles disent ce qui est à protéger, et de combien.

Fonctions pures : elles ne lisent rien et ne changent pas leurs entrées.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cafdiag.indicateurs.secret_systeme import Relation, Systeme, systeme
from cafdiag.secret.masquage import resoudre

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


# Ce qu'on consacre à masquer moins, une fois tout protégé : voir cafdiag.secret.masquage.
EFFORT, REGARD = 0, 400


def masquer(
    valeurs: pd.Series,
    relations: Sequence[Relation] = (),
    *,
    seuil: float = 5,
    touts: pd.Series | None = None,
    plus_gros: pd.Series | None = None,
    publiees: Sequence = (),
    inconnues: Sequence = (),
    pas: float = 1.0,
) -> pd.DataFrame:
    """Masque les cases trop petites, puis celles qui les feraient retrouver, jusqu'à stabilité.

    Parameters
    ----------
    valeurs : Series
        Effectifs montrés ensemble, indexés par une étiquette unique ; un manquant n'est pas montré.
    relations : sequence of Relation
        Les totaux : ``Relation("EPCI", ("A", "B", "C"))``.
    seuil : float
        Effectif à partir duquel une case se montre.
    touts : Series, optional
        Pour certaines cases, le tout, connu de tous, dont elles sont une partie.
    plus_gros : Series, optional
        Pour certaines cases, leur plus gros contributeur (règle des 85 %).
    publiees : sequence
        Étiquettes déjà publiées ailleurs : connues du lecteur, elles ne peuvent plus être masquées.
    inconnues : sequence
        Étiquettes jamais montrées, mais qu'une soustraction pourrait rendre ; protégées comme les autres.
    pas : float
        Plus petit effectif non nul : 1 personne.

    Returns
    -------
    DataFrame
        Même index : ``masque`` ; ``protege`` (masqué pour soi-même) ; ``bas``, ``haut``, ce qu'en sait encore le
        lecteur. Une case protégée reste possible partout de ``pas`` à ``seuil − pas``.

    Notes
    -----
    Une case qu'on ne peut pas protéger davantage, parce que tout ce qui la touche est déjà masqué ou déjà publié,
    n'arrête rien : elle est masquée, et son intervalle est le plus large possible.

    Examples
    --------
    >>> n = pd.Series({"EPCI": 60, "A": 3, "B": 17, "C": 40, "D": 0})
    >>> masquer(n, [Relation("EPCI", ("A", "B", "C", "D"))])[["masque", "protege", "bas", "haut"]]
          masque  protege   bas  haut
    EPCI   False    False  60.0  60.0
    A       True     True   0.0  19.0
    B       True    False   0.0  19.0
    C      False    False  40.0  40.0
    D      False    False   0.0   0.0
    """
    s = systeme(
        valeurs,
        relations,
        seuil=seuil,
        touts=touts,
        plus_gros=plus_gros,
        publiees=publiees,
        inconnues=inconnues,
        pas=pas,
    )
    masque, bornes = masquer_systeme(s)
    return pd.DataFrame(
        {"masque": masque, "protege": s.protegee & s.montree, "bas": bornes.bas, "haut": bornes.haut},
        index=s.cles,
    ).loc[valeurs.index]


def masquer_systeme(s: Systeme, masque: np.ndarray | None = None) -> tuple[np.ndarray, Encadrement]:
    """:func:`masquer`, le système déjà posé. ``masque`` : cases à masquer de toute façon."""
    masque = (s.protegee & s.masquable) if masque is None else masque | (s.protegee & s.masquable)
    probleme = s.probleme(masque)
    impose = masque.copy()
    sans_issue: set[int] = set()

    def completer(masque: np.ndarray, bornes: Encadrement) -> bool:
        """Cache une case de plus là où celles qui sont cachées ont ensemble un effectif connu, et trop petit."""
        ajoutees = set()
        for ligne in set(bornes.restes_trop_petits(s)) - sans_issue:
            libres = [c for c in s.cases_de(ligne) if s.masquable[c] and not masque[c]]
            if libres:
                ajoutees.add(min(libres, key=lambda c: probleme.cout[c]))
            else:
                # Tout ce qui le compose est déjà masqué ou publié : mieux ne se peut.
                sans_issue.add(ligne)
        impose[list(ajoutees)] = True
        return bool(ajoutees)

    while True:
        masque = resoudre(probleme, impose, effort=EFFORT, regard=REGARD).masque
        bornes = encadrer(s, masque)
        if not completer(masque, bornes):
            return masque, bornes
