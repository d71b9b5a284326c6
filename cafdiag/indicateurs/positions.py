"""Situer un territoire parmi d'autres : quartiles du groupe, rang avec ses ex æquo, marge d'incertitude.

Deux valeurs ne se distinguent que si leur écart dépasse une unité du dernier chiffre montré et la demi-largeur des
deux intervalles. En deçà, elles sont ex æquo : ni rang, ni écart ne se commentent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cafdiag.indicateurs.dictionnaire import dictionnaire

# Convention du projet : une estimation publiée sans intervalle est tenue pour juste à 2 % près.
PART_ESTIMEE = 0.02
# Un quartile de trois valeurs n'est que l'une d'elles ; un rang sur trois ne situe personne.
MEMBRES_MINIMUM = 4
COLONNES_POSITION = ["nombre", "mediane", "q1", "q3", "rang_haut", "rang_bas", "classes"]


def demi_largeur(mesure: Mapping) -> float:
    """Incertitude d'une mesure : moitié de son intervalle ; 2 % d'une estimation sans intervalle ; sinon zéro.

    Examples
    --------
    >>> demi_largeur({"valeur": 44.0, "bas": 43.5, "haut": 44.5, "statut": "arrondi"})
    0.5
    >>> [demi_largeur({"valeur": 90.0, "bas": None, "haut": None, "statut": s}) for s in ("estime", "exact")]
    [1.8, 0.0]
    """
    if not pd.isna(mesure["bas"]) and not pd.isna(mesure["haut"]) and math.isfinite(mesure["haut"]):
        return (float(mesure["haut"]) - float(mesure["bas"])) / 2
    return PART_ESTIMEE * abs(float(mesure["valeur"])) if mesure["statut"] == "estime" else 0.0


def marge(demi: float, autre: float, decimales: int) -> float:
    """Plus petit écart qui se commente : les deux demi-largeurs, et une unité du dernier chiffre montré.

    Examples
    --------
    >>> marge(0.0, 0.0, 1), marge(0.5, 0.2, 0)
    (0.1, 1.7)
    """
    return demi + autre + 10.0**-decimales


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
    # 79,9 − 79,8 vaut un peu plus que 0,1 en binaire.
    ecarts = (valeurs - float(ligne["valeur"])).round(6)
    demi = demi_largeur(ligne)
    seuils = np.round([marge(demi, demi_largeur(m), decimales) for m in groupe], 6)
    devant, derriere = int((ecarts > seuils).sum()), int((ecarts < -seuils).sum())
    return [nombre, *quartiles, devant + 1, nombre + 1 - derriere, nombre + 1]
