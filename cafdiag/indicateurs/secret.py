"""Le secret statistique : ce qui ne se montre pas, et ce qu'il faut taire avec pour que cela ne se retrouve pas.

Primaire : une case trop petite. Secondaire : une deuxième case du même total, sans quoi une soustraction
rendrait la première. La preuve est dans :mod:`cafdiag.indicateurs.secret_audit` : tant qu'un lecteur qui connaît
toutes les cases montrées et tous les totaux cerne une case protégée de trop près, on masque davantage.

Fonctions pures : elles ne lisent rien et ne changent pas leurs entrées.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cafdiag.indicateurs.secret_audit import EPSILON, audit_lineaire, boucle, encadrer
from cafdiag.indicateurs.secret_systeme import Relation, Systeme, systeme

if TYPE_CHECKING:
    from cafdiag.indicateurs.secret_audit import Bornes

# Au-delà, reprendre une à une les cases d'un grand tableau croisé coûterait plus qu'il ne rendrait.
RENDRE_MAXIMUM = 20


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


def masquer_systeme(s: Systeme, masque: np.ndarray | None = None) -> tuple[np.ndarray, Bornes]:
    """:func:`masquer`, le système déjà posé. ``masque`` : cases à masquer de toute façon."""
    masque = (s.protegee & s.masquable) if masque is None else masque | (s.protegee & s.masquable)
    masque, entier = masque.copy(), True
    while True:
        try:
            bornes = encadrer(s, masque)
            fautives = _lignes_fautives(s, bornes)
            if not len(fautives):
                trouees = audit_lineaire(s, bornes)
                if not len(trouees):
                    # Rendre une case rétrécirait ce qu'on n'a pas su protéger assez.
                    masque = _rendre(s, masque, bornes) if entier else masque
                    return masque, encadrer(s, masque)
                fautives = _lignes_des_cases(s, trouees)
            masque[_a_masquer(s, masque, fautives)] = True
        except _SansIssue as sans_issue:
            # Tout ce qui touche ces cases est déjà masqué ou publié : mieux ne se peut, et refuser ne cacherait rien.
            s, entier = sans_issue.relacher(s), False


def _rendre(s: Systeme, masque: np.ndarray, bornes: Bornes) -> np.ndarray:
    """Rend les cases masquées de trop : de la plus grande à la plus petite, celles dont rien ne se déduit."""
    masque = masque.copy()
    secondaires = np.flatnonzero(masque & s.masquable & ~s.protegee)
    if len(secondaires) > RENDRE_MAXIMUM and boucle(s, bornes):
        return masque
    for case in secondaires[np.argsort(-s.ordre[secondaires])]:
        masque[case] = False
        masque[case] = len(fuites(s, masque, une_suffit=True)) > 0
    return masque


def fuites(s: Systeme, masque: np.ndarray, *, une_suffit: bool = False) -> np.ndarray:
    """Rangs des cases protégées qu'un lecteur cerne de trop près, et des sommes masquées trop petites.

    ``une_suffit`` : s'arrête aux premières trouvées.
    """
    bornes = encadrer(s, masque)
    restes = [s.cases_de(ligne) for ligne in bornes.restes_trop_petits(s)]
    trouees = np.concatenate([np.flatnonzero(s.protegee & bornes.trop_fin(s)), *restes]).astype(int)
    if len(trouees) and une_suffit:
        return trouees
    return np.unique(np.concatenate([trouees, audit_lineaire(s, bornes, une_suffit=une_suffit)]))


def _lignes_fautives(s: Systeme, bornes: Bornes) -> list[np.ndarray]:
    """Relations qui trahissent une case : pour chacune, les rangs de ses cases."""
    trahies = np.flatnonzero(s.protegee & bornes.trop_fin(s))
    lignes = set()
    if len(trahies):
        ici = np.isin(s.colonnes, trahies)
        cases = s.colonnes[ici]
        trop = (bornes.bas_implique[ici] > s.permis_bas[cases] + EPSILON) | (
            bornes.haut_implique[ici] < s.permis_haut[cases] - EPSILON
        )
        lignes |= set(s.lignes[ici][trop])
        # Cernée par son propre plafond, ou publiée : aucune relation n'y peut rien.
        orphelines = set(trahies) - set(cases[trop])
        if orphelines:
            raise _SansIssue(sorted(orphelines))
    lignes |= set(bornes.restes_trop_petits(s))
    return [s.cases_de(ligne) for ligne in sorted(lignes)]


def _lignes_des_cases(s: Systeme, cases: np.ndarray) -> list[np.ndarray]:
    return [
        np.unique(np.concatenate([s.cases_de(i) for i in s.lignes_de(case)] or [np.array([case])]))
        for case in cases
    ]


def _a_masquer(s: Systeme, masque: np.ndarray, groupes: list[np.ndarray]) -> list[int]:
    """Pour chaque groupe de cases, la plus petite non nulle encore montrée ; à défaut, la plus proche."""
    choisies = set()
    for groupe in groupes:
        vus, front = set(groupe), groupe
        for nulles in (False, True):
            while len(front):
                libres = [
                    c for c in front if s.masquable[c] and not masque[c] and (nulles or s.valeur[c] > 0)
                ]
                if libres:
                    break
                # De proche en proche, à travers les cases que le lecteur ne voit pas.
                caches = [c for c in front if not s.vue(c, masque)]
                suite = {v for c in caches for ligne in s.lignes_de(c) for v in s.cases_de(ligne)} - vus
                vus |= suite
                front = np.array(sorted(suite), dtype=int)
            if len(front) and libres:
                choisies.add(min(libres, key=lambda c: s.ordre[c]))
                break
            front = np.array(sorted(vus), dtype=int)
        else:
            raise _SansIssue(groupe)
    return sorted(choisies)


class _SansIssue(Exception):
    """Des cases qu'aucune autre ne peut plus cacher."""

    def __init__(self, cases: Sequence[int]) -> None:
        super().__init__()
        self.cases = np.asarray(cases, dtype=int)

    def relacher(self, s: Systeme) -> Systeme:
        """Le système sans ce qui les protège : elles restent masquées, au mieux."""
        protegee, toleree = s.protegee.copy(), s.toleree.copy()
        lignes = set.intersection(*(set(s.lignes_de(c)) for c in self.cases))
        toleree[sorted(lignes)] = True
        protegee[self.cases] = False
        return replace(s, protegee=protegee, toleree=toleree)
