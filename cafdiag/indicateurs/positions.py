"""Situer un territoire parmi d'autres : quartiles du groupe, rang avec ses ex æquo, marge d'incertitude.

Deux valeurs ne se distinguent que si leurs intervalles sont séparés de plus d'une unité du dernier chiffre montré.
En deçà, elles sont ex æquo : ni rang, ni écart ne se commentent.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cafdiag.indicateurs.dictionnaire import dictionnaire

# Convention du projet : une estimation publiée sans intervalle est tenue pour juste à 2 % près.
PART_ESTIMEE = 0.02
# Un quartile de trois valeurs n'est que l'une d'elles ; un rang sur trois ne situe personne.
MEMBRES_MINIMUM = 4
COLONNES_POSITION = ["nombre", "mediane", "q1", "q3", "rang_haut", "rang_bas", "classes"]


def encadrement(mesure: Mapping) -> tuple[float, float]:
    """Entre quoi est la vraie valeur : son intervalle ; 2 % d'une estimation sans intervalle ; sinon elle-même.

    Un intervalle n'est presque jamais centré sur la valeur : chaque borne compte, jamais leur demi-écart.

    Examples
    --------
    >>> encadrement({"valeur": 44.0, "bas": 43.9, "haut": 46.5, "statut": "arrondi"})
    (43.9, 46.5)
    >>> [encadrement({"valeur": 90.0, "bas": None, "haut": None, "statut": s}) for s in ("estime", "exact")]
    [(88.2, 91.8), (90.0, 90.0)]
    """
    valeur = float(mesure["valeur"])
    bas, haut = (None if pd.isna(mesure[b]) else float(mesure[b]) for b in ("bas", "haut"))
    if bas is None and haut is None:
        demi = PART_ESTIMEE * abs(valeur) if mesure["statut"] == "estime" else 0.0
        return valeur - demi, valeur + demi
    return valeur if bas is None else min(bas, valeur), valeur if haut is None else max(haut, valeur)


def se_distinguent(une: Mapping, autre: Mapping, decimales: int) -> bool:
    """Vrai si deux encadrements sont séparés de plus d'une unité du dernier chiffre montré.

    Examples
    --------
    >>> exact = lambda v: {"valeur": v, "bas": None, "haut": None, "statut": "exact"}
    >>> [se_distinguent(exact(79.9), exact(v), 1) for v in (79.8, 79.7)]
    [False, True]
    >>> se_distinguent({"valeur": 44.0, "bas": 43.9, "haut": 46.5, "statut": "arrondi"}, exact(46.0), 1)
    False
    """
    (bas, haut), (autre_bas, autre_haut) = encadrement(une), encadrement(autre)
    # 79,9 − 79,8 vaut un peu plus que 0,1 en binaire.
    return round(max(bas - autre_haut, autre_bas - haut), 6) > round(10.0**-decimales, 6)


# Le besoin est toujours connu là où il est nul, rarement ailleurs : une médiane, un rang mentiraient.
CONNUS_SURTOUT_NULS = ("PE_BESOIN_CIBLE",)


def positions(ici: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Place d'un territoire dans un groupe, indicateur par indicateur.

    Parameters
    ----------
    ici : DataFrame
        Mesures du territoire (:func:`cafdiag.indicateurs.mesurer`), une par indicateur.
    pairs : DataFrame
        Mesures des territoires du groupe, sans lui.

    Returns
    -------
    DataFrame
        Une ligne par indicateur de ``ici``. ``nombre`` : membres dont la valeur est connue à l'année du territoire ;
        ``mediane``, ``q1``, ``q3`` de ces valeurs (interpolation linéaire) ; ``rang_haut``, ``rang_bas`` : meilleur
        et moins bon rang possibles, du plus élevé au plus bas, ex æquo compris ; ``classes`` : territoires classés,
        celui-ci compris. Tout est vide sous quatre membres connus, et le rang sans valeur ici ; un membre sans valeur
        n'est ni classé ni compté. Les indicateurs dont la valeur est une modalité n'y sont pas, ni
        le besoin en places, connu surtout là où il est nul.

    Examples
    --------
    >>> ligne = lambda code, v: {"territoire": code, "indicateur": "PE_TXCOUV_EAJE", "annee": 2023, "valeur": v,
    ...                          "bas": np.nan, "haut": np.nan, "statut": "exact"}
    >>> groupe = pd.DataFrame([ligne(c, v) for c, v in zip("abcd", (12.0, 9.65, 5.0, 7.0))])
    >>> positions(pd.DataFrame([ligne("t", 9.6)]), groupe)[["mediane", "rang_haut", "rang_bas", "classes"]].values
    array([[8.325, 2.   , 3.   , 5.   ]])
    """
    decimales = dictionnaire()["decimales"].to_dict()
    ici = ici[~ici["indicateur"].isin(CONNUS_SURTOUT_NULS)]
    if "modalite" in ici:
        ici = ici[ici["modalite"].fillna("").eq("")]
    # En dictionnaires : quelques centaines de lignes, et pandas coûterait plus par ligne que le calcul.
    groupes: dict[str, list[dict]] = {}
    utiles = ["indicateur", "annee", "valeur", "bas", "haut", "statut"]
    for membre in pairs.loc[pairs["valeur"].notna(), utiles].to_dict("records"):
        groupes.setdefault(membre["indicateur"], []).append(membre)
    lignes = {}
    for ligne in ici[utiles].to_dict("records"):
        code, annee = ligne["indicateur"], ligne["annee"]
        groupe = [m for m in groupes.get(code, []) if pd.isna(annee) or m["annee"] == annee]
        lignes[code] = _position(ligne, groupe, int(decimales.get(code, 1)))
    return pd.DataFrame.from_dict(lignes, orient="index", columns=COLONNES_POSITION).rename_axis("indicateur")


def _position(ligne: dict, groupe: list[dict], decimales: int) -> list[float]:
    valeurs, nombre = np.array([float(m["valeur"]) for m in groupe]), len(groupe)
    if nombre < MEMBRES_MINIMUM:
        return [nombre, *[np.nan] * 6]
    quartiles = np.quantile(valeurs, [0.5, 0.25, 0.75])
    if pd.isna(ligne["valeur"]):
        return [nombre, *quartiles, np.nan, np.nan, np.nan]
    distincts = np.array([se_distinguent(ligne, m, decimales) for m in groupe])
    ecarts = valeurs - float(ligne["valeur"])
    devant, derriere = int((distincts & (ecarts > 0)).sum()), int((distincts & (ecarts < 0)).sum())
    return [nombre, *quartiles, devant + 1, nombre + 1 - derriere, nombre + 1]
