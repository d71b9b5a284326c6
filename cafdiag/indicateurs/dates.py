"""Comparer à date égale : tous les termes d'une comparaison ont la même année, ou chacun dit la sienne.

Une source n'avance pas partout ensemble : les naissances de 2025 dans un département, de 2024 dans tous. Chaque
territoire montré seul prend sa dernière année ; montrés côte à côte, ils prennent la dernière qu'ils ont tous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

Mesurer = Callable[[list[str], int], pd.DataFrame]


def dates(mesure: Mapping) -> tuple:
    """L'année d'une mesure, et toutes celles que porte son millésime : une par terme.

    Examples
    --------
    >>> dates({"annee": 2023, "millesime": "équipements 2025, population 2023"})
    (2023, ('2023', '2025'))
    """
    annee = mesure.get("annee")
    return None if annee is None or pd.isna(annee) else int(annee), _annees_dites(str(mesure.get("millesime") or ""))


@lru_cache(maxsize=4096)
def _annees_dites(millesime: str) -> tuple[str, ...]:
    return tuple(sorted(set(re.findall(r"\b\d{4}\b", millesime))))


def a_date_egale(
    table: pd.DataFrame, termes: Sequence[bool], *, mesurer: Mesurer, annees: Callable[[str], list[int]]
) -> pd.DataFrame:
    """Les mesures, ramenées indicateur par indicateur à la dernière année connue de tous les termes comparés.

    Parameters
    ----------
    table : DataFrame
        Mesures par territoire puis par indicateur, chaque territoire ayant les mêmes indicateurs.
    termes : sequence of bool
        Par territoire, vrai s'il est un terme de la comparaison : la date se règle sur eux, tous la prennent.
    mesurer : callable
        ``(indicateurs, annee)`` → les mêmes mesures, des mêmes territoires, pour cette année.
    annees : callable
        Années où un indicateur se calcule.

    Returns
    -------
    DataFrame
        Mêmes lignes, même ordre. Là où aucune année n'est commune, chaque mesure garde la sienne et le motif le dit.
    """
    compares = np.asarray(termes, dtype=bool)
    rangs = _rangs(table)
    blocs = {c: table.iloc[rangs[c]] for c in _dates_melees(table, compares)}
    if not blocs:
        return table
    attente = {c: _plus_anciennes(b[compares], annees(c)) for c, b in blocs.items()}
    rendus = {}
    while attente:
        par_annee: dict[int, list[str]] = {}
        for code, essais in attente.items():
            if essais:
                par_annee.setdefault(essais.pop(0), []).append(code)
            else:
                rendus[code] = _dire_les_dates(blocs[code], compares)
        for annee, essayes in par_annee.items():
            lues = mesurer(essayes, annee)
            for code, ici in _rangs(lues).items():
                lu = lues.iloc[ici]
                connus = blocs[code]["valeur"].notna().to_numpy() & compares
                if lu["valeur"].notna().to_numpy()[connus].all() and not _dates_melees(lu, compares):
                    rendus[code] = lu
        attente = {c: essais for c, essais in attente.items() if c not in rendus}
    autres = [rang for code, ici in rangs.items() if code not in rendus for rang in ici]
    places = np.concatenate([autres, *(rangs[code] for code in rendus)]).astype(int)
    reunis = pd.concat([table.iloc[autres], *rendus.values()])
    return reunis[list(table.columns)].iloc[np.argsort(places)].set_axis(table.index)


def _rangs(table: pd.DataFrame) -> dict[str, list[int]]:
    """Les lignes de chaque indicateur, dans l'ordre des territoires."""
    rangs: dict[str, list[int]] = {}
    for rang, code in enumerate(table["indicateur"].tolist()):
        rangs.setdefault(code, []).append(rang)
    return rangs


def _dates_melees(table: pd.DataFrame, termes: np.ndarray) -> list[str]:
    """Les indicateurs dont les termes connus n'ont pas tous la même date."""
    nombre = len(table) // len(termes)
    lues = table[np.repeat(termes, nombre) & table["valeur"].notna().to_numpy()]
    trouvees: dict[str, set] = {}
    for code, annee, millesime in zip(lues["indicateur"], lues["annee"], lues["millesime"], strict=True):
        trouvees.setdefault(code, set()).add(dates({"annee": annee, "millesime": millesime}))
    return [code for code, siennes in trouvees.items() if len(siennes) > 1]


def _plus_anciennes(termes: pd.DataFrame, annees: list[int]) -> list[int]:
    """Années à essayer, de la plus récente à la plus ancienne : aucun terme n'en connaît de plus récente."""
    derniere = termes.loc[termes["valeur"].notna(), "annee"].min()
    return sorted((a for a in annees if a <= derniere), reverse=True)


def _dire_les_dates(bloc: pd.DataFrame, termes: np.ndarray) -> pd.DataFrame:
    """Aucune année commune : la mesure d'une autre date que le premier terme dit la sienne."""
    lignes = bloc.to_dict("records")
    connus = [m for m, t in zip(lignes, termes, strict=True) if t and pd.notna(m["valeur"])]
    motifs = []
    for mesure, terme in zip(lignes, termes, strict=True):
        motif = mesure["motif"]
        if terme and pd.notna(mesure["valeur"]) and dates(mesure) != dates(connus[0]):
            sienne = mesure["millesime"] or mesure["annee"]
            date = f"chiffre de {sienne} : celui de la date comparée n'est pas connu ici"
            motif = " ; ".join(m for m in (date, motif) if m)
        motifs.append(motif)
    return bloc.assign(motif=motifs)
