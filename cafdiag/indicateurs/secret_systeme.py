"""Les cases d'un dossier et les totaux qui les lient, mis en équations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.secret_regles import PART_DOMINANTE, dominee, primaire
from cafdiag.secret.masquage import partager
from cafdiag.secret.probleme import Probleme


@dataclass(frozen=True)
class Relation:
    """``total = Σ poids × parties`` ; ou, avec ``ecart``, égaux à cet écart près.

    Un encadrement montré s'écrit de même : un taux de 12,5 % (à 0,05 près) de 200 foyers dit que le numérateur
    vaut 25 à 0,1 près, ``Relation("num", ("den",), poids=(0.125,), ecart=(-0.1, 0.1))`` quand le dénominateur
    est une case.

    Attributes
    ----------
    total : label
    parties : tuple of labels
    poids : tuple of float, optional
        1 par défaut.
    ecart : tuple of float
        Bornes de ``Σ parties − total``.
    """

    total: Hashable
    parties: tuple[Hashable, ...]
    poids: tuple[float, ...] | None = None
    ecart: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Systeme:
    """Cases et relations en tableaux : ``bas_ligne ≤ Σ poids × case ≤ haut_ligne``, une ligne par relation.

    ``montree`` : le dossier la montrerait ; ``masquable`` : et rien n'oblige à la montrer. ``permis_bas``,
    ``permis_haut`` : l'intervalle que le lecteur ne doit pas pouvoir réduire (vide si rien n'est à protéger).
    ``plafond`` : ce qu'il sait d'avance d'une case masquée. ``plancher`` : ce qu'en sait un lecteur averti, pour
    qui une case masquée n'est pas un zéro puisque les zéros se montrent.
    """

    cles: pd.Index
    valeur: np.ndarray
    montree: np.ndarray
    masquable: np.ndarray
    protegee: np.ndarray
    permis_bas: np.ndarray
    permis_haut: np.ndarray
    plancher: np.ndarray
    plafond: np.ndarray
    lignes: np.ndarray
    colonnes: np.ndarray
    poids: np.ndarray
    bas_ligne: np.ndarray
    haut_ligne: np.ndarray
    seuil: float

    @cached_property
    def ordre(self) -> np.ndarray:
        """Rang de chaque case, de la plus petite à la plus grande ; à égalité, par étiquette."""
        noms = np.array([str(c) for c in self.cles])
        rang = np.empty(len(noms), dtype=int)
        rang[np.lexsort((noms, self.valeur))] = np.arange(len(noms))
        return rang

    @cached_property
    def _par_case(self) -> tuple[np.ndarray, np.ndarray]:
        tri = np.argsort(self.colonnes, kind="stable")
        return self.lignes[tri], np.searchsorted(self.colonnes[tri], np.arange(len(self.cles) + 1))

    @cached_property
    def _par_ligne(self) -> tuple[np.ndarray, np.ndarray]:
        tri = np.argsort(self.lignes, kind="stable")
        return self.colonnes[tri], np.searchsorted(self.lignes[tri], np.arange(len(self.bas_ligne) + 1))

    def lignes_de(self, case: int) -> np.ndarray:
        """Relations où figure une case."""
        lignes, debuts = self._par_case
        return lignes[debuts[case] : debuts[case + 1]]

    def cases_de(self, ligne: int) -> np.ndarray:
        """Cases d'une relation."""
        cases, debuts = self._par_ligne
        return cases[debuts[ligne] : debuts[ligne + 1]]

    @cached_property
    def matrice(self) -> csr_array:
        """Les relations, une par ligne."""
        return coo_array(
            (self.poids, (self.lignes, self.colonnes)), shape=(len(self.bas_ligne), len(self.cles))
        ).tocsr()

    def probleme(self, masque: np.ndarray) -> Probleme:
        """Le problème que voit le cœur de suppression, à partir de ces cases déjà masquées.

        Deux jeux qui ne diffèrent que par des valeurs protégées de mêmes sommes posent le même problème : le masque ne
        doit rien dire de ce qu'il cache. Les valeurs que personne ne voit y sont donc remplacées par un partage
        convenu de leurs sommes.
        """
        cachees = (masque & self.protegee) | ~self.montree
        valeur, sure = _convenir(self, cachees)
        ecart = self.matrice @ valeur
        recul = np.where(sure, valeur, 0.0)
        return Probleme(
            valeur=valeur,
            protegee=self.protegee,
            masquable=self.masquable,
            besoin_haut=np.where(self.protegee, np.maximum(self.permis_haut - valeur, 0), 0.0),
            besoin_bas=np.where(self.protegee, np.maximum(valeur - self.permis_bas, 0), 0.0),
            vue=self.montree,
            marge=np.maximum(self.plafond - valeur, 0),
            recul=np.maximum(recul, 0),
            recul_averti=np.maximum(recul - np.where(sure, self.plancher, 0), 0),
            # Le moins de cases d'abord, puis les plus petites ; un zéro se montre, sauf s'il n'y a que lui.
            cout=np.where(valeur == 0, 3.0, 1.0) + 1e-3 * self.ordre / max(len(valeur), 1),
            relations=self.matrice,
            jeu_bas=np.minimum(self.bas_ligne - ecart, 0),
            jeu_haut=np.maximum(self.haut_ligne - ecart, 0),
        )


def systeme(
    valeurs: pd.Series,
    relations: Sequence[Relation] = (),
    *,
    seuil: float,
    touts: pd.Series | None = None,
    plus_gros: pd.Series | None = None,
    publiees: Sequence = (),
    inconnues: Sequence = (),
    revelateurs: Sequence = (),
    pas: float = 1.0,
) -> Systeme:
    """Pose les équations ; voir :func:`cafdiag.indicateurs.secret.masquer` pour les paramètres.

    ``revelateurs`` : étiquettes dont le zéro se protège aussi, parce qu'il dit que tous sont dans l'autre part.
    """
    if not valeurs.index.is_unique:
        raise DemandeFausse("deux cases de même étiquette", attendu="une étiquette par case")
    if valeurs.lt(0).any():
        raise DemandeFausse("un effectif négatif", attendu="des effectifs positifs ou nuls")
    noms = dict.fromkeys([*valeurs.index, *inconnues, *(c for r in relations for c in (r.total, *r.parties))])
    cles = pd.Index(list(noms), dtype=object, tupleize_cols=False)
    position = {c: i for i, c in enumerate(cles)}

    def aligner(serie: pd.Series | None) -> pd.Series:
        vide = np.full(len(cles), np.nan)
        if serie is not None:
            vide[[position[c] for c in serie.index]] = serie.to_numpy(dtype=float)
        return pd.Series(vide)

    valeur, tout, gros = aligner(valeurs), aligner(touts), aligner(plus_gros)
    publiee = np.zeros(len(cles), dtype=bool)
    publiee[[position[c] for c in publiees]] = True
    montree = valeur.notna().to_numpy(copy=True)
    montree[[position[c] for c in inconnues]] = False

    petite = primaire(valeur, seuil=seuil).to_numpy()
    presque_tous = (primaire(valeur, seuil=seuil, tout=tout) & ~petite).to_numpy()
    dominante = (dominee(gros, valeur) & ~petite & ~presque_tous).to_numpy()
    # Ce qui est déjà publié ne se protège plus.
    nulle = np.zeros(len(cles), dtype=bool)
    connues = valeur.to_numpy()
    nulle[[i for c in revelateurs if connues[i := position[c]] == 0]] = True
    protegee = (petite | presque_tous | dominante | nulle) & ~publiee
    plafond = tout.fillna(np.inf).to_numpy()
    # Une case qu'un seul contributeur fait presque se cache à 15 % près.
    large = np.maximum((1 / PART_DOMINANTE - 1) * valeur.abs(), pas)
    bas = np.where(petite | nulle, pas, np.where(presque_tous, tout - seuil + pas, valeur - large))
    haut = np.where(petite | nulle, seuil - pas, np.where(presque_tous, tout - pas, valeur + large))
    # Les deux à la fois (3 sur 6) : le lecteur peut toujours hésiter sur les deux.
    cote_haut = petite & (tout - valeur).between(0, seuil, inclusive="left").to_numpy()
    haut = np.where(cote_haut, np.maximum(haut, tout - pas), haut)
    bas, haut = np.maximum(np.minimum(bas, valeur), 0), np.minimum(np.maximum(haut, valeur), plafond)
    plancher = np.where(montree, np.minimum(pas, valeur.fillna(0)), 0.0)
    lignes, colonnes, poids, bornes = [], [], [], []
    for rang, relation in enumerate(relations):
        rangs = [position[c] for c in (relation.total, *relation.parties)]
        facteurs = [-1.0, *(relation.poids or (1.0,) * len(relation.parties))]
        lignes += [rang] * len(rangs)
        colonnes += rangs
        poids += facteurs
        reel = float(np.dot(facteurs, connues[rangs]))
        # Un total publié qui ne tombe pas juste reste une information, à cet écart près.
        manque = 0.0 if np.isnan(reel) or abs(reel) < 1e-6 else reel
        bornes.append((min(relation.ecart[0], manque), max(relation.ecart[1], manque)))
    limites = np.array(bornes, dtype=float).reshape(-1, 2)
    return Systeme(
        cles=cles,
        valeur=valeur.to_numpy(),
        montree=montree | publiee,
        masquable=montree & ~publiee,
        protegee=protegee,
        permis_bas=np.where(protegee, bas, np.nan),
        permis_haut=np.where(protegee, haut, np.nan),
        plancher=plancher,
        plafond=plafond,
        lignes=np.array(lignes, dtype=int),
        colonnes=np.array(colonnes, dtype=int),
        poids=np.array(poids, dtype=float),
        bas_ligne=limites[:, 0],
        haut_ligne=limites[:, 1],
        seuil=float(seuil),
    )


def _convenir(s: Systeme, cachees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Les valeurs, celles que personne ne voit remplacées par un partage convenu ; et celles qu'on sait."""
    manque = np.isnan(s.valeur)
    valeur = np.where(manque, 0.0, s.valeur)
    ecart = s.matrice @ valeur
    muette = np.asarray((abs(s.matrice) @ manque.astype(float)) > 0)
    # Là où tout est connu, la relation garde son jeu ; ailleurs, elle vaut ce qu'elle dit.
    jeu = np.where(muette, s.bas_ligne, np.minimum(s.bas_ligne, ecart)), np.where(
        muette, s.haut_ligne, np.maximum(s.haut_ligne, ecart)
    )
    bas = np.where(s.protegee, s.permis_bas, 0.0)
    haut = np.where(s.protegee, s.permis_haut, s.plafond)
    partage = partager(s.matrice, valeur, cachees, bas, haut, *jeu)
    if partage is None:
        return valeur, ~manque
    return partage, np.ones(len(valeur), dtype=bool)
