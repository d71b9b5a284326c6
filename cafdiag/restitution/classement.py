"""Classer des territoires sans faire dire aux chiffres plus qu'ils ne savent."""

from __future__ import annotations

import numpy as np
import pandas as pd


def rangs_possibles(mesures: pd.DataFrame) -> pd.DataFrame:
    """Rangs que chaque territoire peut occuper, du plus élevé au plus bas.

    Deux territoires dont les intervalles se recouvrent (ou dont les valeurs publiées sont égales) ne se
    départagent pas : ils sont ex æquo.

    .. math:: premier_i = 1 + |\\{j : bas_j > haut_i\\}| \\qquad dernier_i = n - |\\{j : haut_j < bas_i\\}|

    Parameters
    ----------
    mesures : DataFrame
        Un indicateur, une ligne par territoire : ``valeur, bas, haut``. Une borne absente est la valeur.

    Returns
    -------
    DataFrame
        ``premier, dernier``, même index, entiers avec vides : un manquant n'a pas de rang et n'en donne pas.

    Examples
    --------
    >>> taux = pd.DataFrame({"valeur": [80, 70, 71, None], "bas": [None, 69, 70, None], "haut": [None, 72, 73, None]})
    >>> rangs_possibles(taux)["premier"].tolist(), rangs_possibles(taux)["dernier"].tolist()
    ([1, 2, 2, <NA>], [1, 3, 3, <NA>])
    """
    valeurs = mesures["valeur"].astype("float64").to_numpy()
    connus = ~np.isnan(valeurs)
    bornes = []
    for borne in ("bas", "haut"):
        dite = mesures[borne].astype("float64").to_numpy()
        bornes.append(np.where(np.isnan(dite), valeurs, dite)[connus])
    bas, haut = bornes
    premier = 1 + (bas[None, :] > haut[:, None]).sum(axis=1)
    dernier = connus.sum() - (haut[None, :] < bas[:, None]).sum(axis=1)
    rangs = pd.DataFrame({"premier": pd.NA, "dernier": pd.NA}, index=mesures.index, dtype="Int64")
    rangs.loc[connus, "premier"], rangs.loc[connus, "dernier"] = premier, dernier
    return rangs


def rang_dit(premier: int, dernier: int) -> str:
    """Un rang en clair ; vide s'il n'y en a pas.

    Examples
    --------
    >>> rang_dit(1, 1), rang_dit(2, 4), rang_dit(pd.NA, pd.NA)
    ('1er', '2e à 4e', '')
    """
    if pd.isna(premier):
        return ""

    def ordinal(rang: int) -> str:
        return "1er" if rang == 1 else f"{rang}e"

    return ordinal(premier) if premier == dernier else f"{ordinal(premier)} à {ordinal(dernier)}"
