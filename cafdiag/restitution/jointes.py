"""Les mesures jointes au rapport : une table, que le carnet porte en JSON et que chaque rédacteur reçoit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def en_json(table: pd.DataFrame) -> dict[str, list]:
    """La table en objets que JSON sait écrire ; un manquant est ``None``.

    >>> en_json(pd.DataFrame({"code": ["01001"], "valeur": [float("nan")]}))
    {'colonnes': ['code', 'valeur'], 'lignes': [['01001', None]]}
    """
    return {"colonnes": list(table.columns), "lignes": _sans_vide(table).to_numpy().tolist()}


def de_json(contenu: Mapping[str, list]) -> pd.DataFrame:
    """L'inverse d':func:`en_json` ; chaque case garde son type, un code son zéro."""
    return pd.DataFrame(contenu["lignes"], columns=contenu["colonnes"], dtype=object)


def en_csv(table: pd.DataFrame) -> str:
    """Le contenu de ``mesures-<code>.csv``."""
    return table.to_csv(index=False, lineterminator="\n")


def enregistrements(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Les mesures, une par dictionnaire ; un manquant, texte ou nombre, est ``None``.

    >>> enregistrements(pd.DataFrame({"code": ["01001"], "motif": [""], "valeur": [0.0]}))
    [{'code': '01001', 'motif': None, 'valeur': 0.0}]
    """
    propre = _sans_vide(table)
    return propre.mask(propre.eq(""), None).to_dict("records")


def _sans_vide(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).where(table.notna(), None)
