"""Le bilan d'une convention : ce qui a été fait, compté par thème, par commune et par année, à côté des indicateurs.

Une somme où manque un terme est un minimum. Aucun effet n'est attribué à une action.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.donnees.realisations import MESURES, PILOTAGE, Realisations, lire_realisations
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.dictionnaire import THEMES, dictionnaire
from cafdiag.indicateurs.instantane import evaluer
from cafdiag.indicateurs.mesures import mesurer
from cafdiag.territoires import Territoire, territoire

THEMES_DES_ACTIONS = {c: n for c, n in THEMES.items() if c != "portrait"} | {PILOTAGE: "Pilotage de la convention"}
SANS_EFFET = (
    "Ce bilan met côte à côte ce qui a été fait et ce qui a changé dans le même temps. Il n'attribue aucun effet à une "
    "action : un indicateur bouge aussi avec les naissances, l'emploi, les départs d'assistants maternels, ou une "
    "révision de la source."
)
# Ce qui se compare d'une date à l'autre ; le reste n'apprend rien d'une convention.
_CONSTATS = ("hausse", "baisse", "stable", "dans l'incertitude", "rupture", "autre périmètre", "révisé", "même année")


@dataclass(frozen=True)
class Bilan:
    """Un bilan.

    Attributes
    ----------
    territoire : Territoire
    realisations : Realisations
    par_theme, par_commune, par_annee : DataFrame
        Une ligne par groupe : ``actions`` (différentes), puis, par mesure, ``euros`` (somme des montants connus),
        ``euros_sans`` (lignes sans montant) et ``euros_connus``…
    indicateurs : DataFrame
        Par thème d'action, les indicateurs : à T0 et à T1 (:func:`cafdiag.evaluer`), ou d'aujourd'hui seulement ;
        ``source`` dit d'où vient chacun.
    compare : bool
        Vrai si un instantané de départ a été donné.
    remarques : tuple of str
    """

    territoire: Territoire
    realisations: Realisations
    par_theme: pd.DataFrame
    par_commune: pd.DataFrame
    par_annee: pd.DataFrame
    indicateurs: pd.DataFrame
    compare: bool
    remarques: tuple[str, ...]


def totaliser(table: pd.DataFrame, par: str) -> pd.DataFrame:
    """Les réalisations d'un groupe : une somme n'est entière que si aucun terme ne manque.

    Euros et heures s'additionnent d'une année à l'autre ; des places, non : dix places ouvertes deux ans restent dix
    places. On compte celles de la dernière année de chaque action dans chaque commune.

    Examples
    --------
    >>> table = pd.DataFrame({"action": ["a", "a", "b"], "theme": ["x", "x", "y"], "commune": "53084",
    ...                       "annee": ["2022", "2023", "2023"], "euros": [10.0, math.nan, math.nan],
    ...                       "heures": math.nan, "places": [10.0, 12.0, math.nan]})
    >>> totaliser(table, "theme")[["actions", "euros", "euros_sans", "places"]].to_dict("index")
    {'x': {'actions': 1, 'euros': 10.0, 'euros_sans': 1, 'places': 12.0},
     'y': {'actions': 1, 'euros': nan, 'euros_sans': 1, 'places': nan}}
    """
    derniere = table.groupby(["action", "commune"])["annee"].transform("max")
    retenues = {"places": table[table["annee"].eq(derniere) | (par == "annee")]}
    groupes = table.groupby(par, sort=True)
    rendu = pd.DataFrame({"actions": groupes["action"].nunique(), "lignes": groupes.size()})
    for mesure in MESURES:
        # min_count : la somme de rien n'est pas zéro.
        siens = retenues.get(mesure, table).groupby(par, sort=True)[mesure]
        rendu[mesure] = siens.sum(min_count=1)
        rendu[f"{mesure}_sans"] = siens.apply(lambda s: int(s.isna().sum()))
    return rendu


def bilan(
    cible: Territoire | str, realisations: str | Path, *, t0: str | Path | None = None, apports: Apports | None = None
) -> Bilan:
    """Le bilan d'une convention.

    Parameters
    ----------
    cible : Territoire or str
        Territoire de la convention.
    realisations : path
        Fichier des réalisations (:func:`cafdiag.donnees.realisations.lire_realisations`).
    t0 : path, optional
        Instantané figé au départ (:func:`cafdiag.figer`).
    apports : Apports, optional

    Raises
    ------
    EntreeFautive
        Fichier de réalisations ou instantané fautif : tous les défauts d'un coup.
    DemandeFausse
        Instantané d'un autre territoire.
    """
    lieu = cible if isinstance(cible, Territoire) else territoire(cible)
    lues = lire_realisations(realisations, lieu, THEMES_DES_ACTIONS)
    themes = [t for t in THEMES_DES_ACTIONS if t in set(lues.table["theme"])]
    de_theme = dictionnaire()["theme"]
    codes = [str(c) for c in de_theme.index if de_theme[c] in themes]
    remarques = lues.remarques
    if t0 is not None:
        evaluation = evaluer(t0, apports=apports)
        if evaluation.territoire.cle != lieu.cle:
            raise DemandeFausse(
                f"l'instantané est celui de {evaluation.territoire.libelle}",
                attendu=f"celui de {lieu.libelle}",
                conseil="donnez l'instantané figé au départ pour ce territoire",
            )
        table = evaluation.table
        table = table[table["indicateur"].isin(codes) & table["constat"].isin(_CONSTATS)]
        # L'évaluation compare ; d'où vient la valeur d'aujourd'hui, la mesure le dit.
        mesures = mesurer(lieu, list(table["indicateur"]), apports=apports) if len(table) else table.assign(source="")
        table = table.merge(mesures[["indicateur", "source"]].drop_duplicates("indicateur"), how="left")
        remarques = (*remarques, *evaluation.remarques)
    elif codes:
        table = mesurer(lieu, codes, apports=apports)
        table = table[table["valeur"].notna()]
    else:
        table = pd.DataFrame(columns=["indicateur", "source"])
    indicateurs = table.assign(theme=table["indicateur"].map(de_theme)).reset_index(drop=True)
    return Bilan(
        lieu,
        lues,
        totaliser(lues.table, "theme").reindex(themes),
        totaliser(lues.table, "commune"),
        totaliser(lues.table, "annee"),
        indicateurs,
        t0 is not None,
        remarques,
    )


def complete(ligne: pd.Series, mesure: str) -> bool:
    """Vrai si la somme d'un groupe est entière : rien n'y manque."""
    return ligne[f"{mesure}_sans"] == 0 and not math.isnan(ligne[mesure])
