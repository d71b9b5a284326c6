"""Agréger sans mentir : sommes encadrées, rapports de sommes, dénominateurs reconstitués.

Fonctions pures : elles ne lisent rien, ne dessinent rien, ne changent pas leurs entrées.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees.valeurs_publiees import reconstituer

# Au-delà de cette demi-largeur (points), un taux encadré n'apprend rien : il n'est pas affiché.
DEMI_LARGEUR_MAXIMALE = 3.0
# Deux sommes égales sur le papier diffèrent de la quinzième décimale.
_BRUIT = 1e-9


def sommer(communes: pd.DataFrame, appartenance: pd.DataFrame) -> pd.DataFrame:
    """Somme une grandeur communale par territoire, avec son encadrement (règle A2).

    Parameters
    ----------
    communes : DataFrame
        ``valeur``, ``bas``, ``haut`` indexés par code de commune (:func:`cafdiag.donnees.evaluer`).
    appartenance : DataFrame
        ``commune``, ``code`` : une ligne par commune du territoire.

    Returns
    -------
    DataFrame
        Indexé par code de territoire : ``valeur`` (manquante dès qu'un terme manque), ``connu`` (somme
        des termes connus), ``bas``, ``haut``, ``n`` communes, ``n_manquants``.

    Examples
    --------
    >>> communes = pd.DataFrame({"valeur": [10.0, np.nan], "bas": [8.0, 0.0], "haut": [12.0, np.inf]},
    ...                         index=["01001", "01002"])
    >>> appartenance = pd.DataFrame({"commune": ["01001", "01002"], "code": ["A", "A"]})
    >>> sommer(communes, appartenance)[["valeur", "connu", "bas", "haut", "n_manquants"]]
          valeur  connu  bas  haut  n_manquants
    code
    A        NaN   10.0  8.0   inf            1
    """
    codes, groupes = np.unique(appartenance["code"].to_numpy(dtype=object), return_inverse=True)
    positions = communes.index.get_indexer(pd.Index(appartenance["commune"]))
    somme = sommer_positions(communes, positions, groupes, len(codes))
    return somme.set_axis(pd.Index(codes, name="code"))


def sommer_positions(
    communes: pd.DataFrame, positions: np.ndarray, groupes: np.ndarray, nombre: int
) -> pd.DataFrame:
    """:func:`sommer`, communes et territoires déjà traduits en rangs : c'est le calcul, sans les étiquettes.

    Parameters
    ----------
    communes : DataFrame
        ``valeur``, ``bas``, ``haut``.
    positions : array of int
        Rang de chaque commune de l'appartenance dans ``communes`` ; ``-1`` si elle n'y est pas.
    groupes : array of int
        Rang du territoire de chacune.
    nombre : int
        Nombre de territoires.
    """
    # Le rang -1 tombe sur ce manquant : une commune absente de la table ne dit rien.
    valeur, bas, haut = (
        np.append(communes[c].to_numpy(dtype=float), np.nan)[positions] for c in ("valeur", "bas", "haut")
    )
    manque = np.isnan(valeur)
    bas, haut = np.where(np.isnan(bas), 0.0, bas), np.where(np.isnan(haut), np.inf, haut)

    def total(termes: np.ndarray) -> np.ndarray:
        return np.bincount(groupes, weights=termes, minlength=nombre)

    manquants = total(manque).astype(int) if manque.any() else np.zeros(nombre, dtype=int)
    valeur = np.where(manque, 0.0, valeur)
    connu = total(valeur)
    # Une grandeur exacte n'a pas d'autre encadrement qu'elle-même : deux sommes de moins.
    exacte = np.array_equal(bas, valeur) and np.array_equal(haut, np.where(manque, np.inf, valeur))
    return pd.DataFrame(
        {
            "valeur": np.where(manquants == 0, connu, np.nan),
            "connu": connu,
            "bas": connu if exacte else total(bas),
            "haut": np.where(manquants == 0, connu, np.inf) if exacte else total(haut),
            "n": np.bincount(groupes, minlength=nombre),
            "n_manquants": manquants,
        }
    )


def exacte(valeurs: pd.Series) -> pd.DataFrame:
    """Une grandeur que rien n'encadre : ses bornes sont elle-même."""
    return pd.DataFrame({"valeur": valeurs, "bas": valeurs, "haut": valeurs})


def rapport(
    numerateur: pd.DataFrame, denominateur: pd.DataFrame, *, facteur: float = 100.0, partie: bool = False
) -> pd.DataFrame:
    """Rapport de sommes (règle A1) : ``facteur × Σ num / Σ den``, encadré.

    Parameters
    ----------
    numerateur, denominateur : DataFrame
        Sommes (:func:`sommer`) de même index.
    facteur : float
        100 pour un taux ou un pourcentage, 10 000 pour une densité, 1 pour un rapport simple.
    partie : bool
        Vrai si le numérateur est une partie du dénominateur : le rapport ne dépasse pas ``facteur``. Une partie qui
        dépasse son tout, arrondis compris, n'est pas une part : manquante.

    Returns
    -------
    DataFrame
        ``valeur``, ``bas``, ``haut``, ``numerateur``, ``denominateur`` ; même index. Dénominateur nul
        ou manquant : valeur manquante, jamais zéro ni l'infini.

    Examples
    --------
    >>> somme = lambda v: pd.DataFrame({"valeur": [v], "bas": [v], "haut": [v]}, index=["X"])
    >>> rapport(somme(12650.0), somme(28752.0)).round(1).valeur.item()
    44.0
    """
    num, den = (
        {c: t[c].to_numpy(dtype=float) for c in ("valeur", "bas", "haut")} for t in (numerateur, denominateur)
    )
    # numpy garde l'infini et le manquant là où une exception n'apprendrait rien.
    with np.errstate(divide="ignore", invalid="ignore"):
        valeur, bas, haut = (
            facteur * num[c] / np.where(den[d] > 0, den[d], np.nan)
            for c, d in (("valeur", "valeur"), ("bas", "haut"), ("haut", "bas"))
        )
    if partie:
        with np.errstate(invalid="ignore"):
            fausse = num["bas"] > den["haut"] * (1 + _BRUIT)
        valeur, bas, haut = (np.where(fausse, np.nan, borner_la_part(t, facteur)) for t in (valeur, bas, haut))
    return pd.DataFrame(
        {"valeur": valeur, "bas": bas, "haut": haut, "numerateur": num["valeur"], "denominateur": den["valeur"]},
        index=numerateur.index,
    )


def borner_la_part(part: np.ndarray, facteur: float = 100.0) -> np.ndarray:
    """Une part ne dépasse jamais son tout ; au bruit de calcul près, le tout est le tout.

    Examples
    --------
    >>> borner_la_part(np.array([100.00000000000001, 99.99999999999999, 104.0, 99.9, np.nan])).tolist()
    [100.0, 100.0, 100.0, 99.9, nan]
    """
    with np.errstate(invalid="ignore"):
        return np.where(part > facteur * (1 - _BRUIT), facteur, part)


def taux_agreges(taux: pd.Series, poids: pd.Series, groupes: np.ndarray | pd.Series) -> pd.Series:
    """Taux de chaque ensemble de territoires : ``Σ taux × poids / Σ poids``, jamais la moyenne des taux.

    C'est un rapport de sommes (A1) quand ``poids`` est le dénominateur des taux. Un terme manquant
    rend le résultat manquant.

    Parameters
    ----------
    taux, poids : Series
        Une ligne par territoire.
    groupes : array or Series
        L'ensemble de chaque ligne.

    Returns
    -------
    Series
        Indexée par ensemble.

    Examples
    --------
    >>> taux, poids = pd.Series([22.4, 64.4, 50.0]), pd.Series([125, 1965, np.nan])
    >>> taux_agreges(taux, poids, np.array(["a", "a", "b"])).round(1).to_dict()
    {'a': 61.9, 'b': nan}
    """
    rangs, noms = pd.factorize(np.asarray(groupes), sort=True)
    lus, poids_lus = taux.to_numpy(dtype="float64"), poids.to_numpy(dtype="float64")
    # « groupby » arrondit la somme d'un ensemble selon le nombre des autres ; ceci, toujours de même. Un manquant
    # rend toute la somme manquante.
    produits, sommes = (
        np.bincount(rangs, weights=termes, minlength=len(noms))
        for termes in (lus * poids_lus, np.where(np.isnan(lus), np.nan, poids_lus))
    )
    return pd.Series(produits, index=noms) / pd.Series(sommes, index=noms).where(sommes > 0)


def enfants_reconstitues(
    places: dict[str, float], taux: dict[str, float], *, demi_place: float = 0.5
) -> tuple[float, float]:
    """Encadre le nombre d'enfants de moins de 3 ans que supposent des places et des taux publiés.

    Pour chaque mode de nombre de places *p* et de taux *t* :
    ``D ∈ [100 (p - 0,5) / (t + 0,05) ; 100 (p + 0,5) / (t - 0,05)]`` ; les modes sont intersectés.
    Les places publiées sont arrondies à l'unité, les taux à 0,1.

    Returns
    -------
    tuple of float
        Bornes basse et haute ; ``(nan, nan)`` si les modes se contredisent ou ne disent rien.

    Examples
    --------
    CC de la Veyle, 2023, sous-totaux compris : un seul entier possible, 707 enfants.

    >>> bas, haut = enfants_reconstitues(
    ...     {"psu_col": 65, "prescol": 6, "am_ind": 560, "gad_ind": 3, "ind": 563, "total": 634},
    ...     {"psu_col": 9.2, "prescol": 0.8, "am_ind": 79.2, "gad_ind": 0.4, "ind": 79.6, "total": 89.7})
    >>> 706 < bas <= 707 <= haut < 708
    True
    """
    modes = list(places)
    bornes = reconstituer(
        pd.DataFrame([places], columns=modes, dtype=float),
        pd.DataFrame([taux], dtype=float).reindex(columns=modes),
        demi_place=demi_place,
    )
    return float(bornes["bas"].iloc[0]), float(bornes["haut"].iloc[0])
