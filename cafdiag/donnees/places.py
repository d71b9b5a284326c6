"""Les places d'accueil collectif du jeune enfant, commune par commune, là où une source les dit vraiment."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees.apports import Apports
from cafdiag.donnees.tables import communes, etat, places, structures
from cafdiag.donnees.variables import plus_recent
from cafdiag.magasin import lire_table

_TYPES = ("eaje", "micro_creche")


def places_eaje(apports: Apports | None = None) -> pd.Series:
    """Places d'EAJE (micro-crèches comprises) de chaque commune, registre complet de l'utilisateur d'abord.

    Parameters
    ----------
    apports : Apports, optional
        Registre de l'utilisateur : là où il est complet, il l'emporte sur :func:`places_publiees`.

    Returns
    -------
    Series
        Places, indexées par code de commune ; manquantes là où aucune source ne les dit.

    Examples
    --------
    >>> places_eaje()["53130"].item()
    406.0
    """
    publiees = _publiees(etat())
    complets = apports.complet("eaje") if apports else ()
    if not complets or "places" not in apports.structures:
        return publiees.copy()
    sommes = _sommes(apports.structures)
    registre = sommes["places"].reindex(publiees.index)
    ici = communes()["departement"].isin(complets)
    return registre.mask(ici & ~publiees.index.isin(sommes.index), 0.0).where(ici, publiees)


@lru_cache(maxsize=2)
def _publiees(etat_: tuple) -> pd.Series:
    return places_publiees(communes())


def places_publiees(table: pd.DataFrame) -> pd.Series:
    """Places d'EAJE que disent les registres importés et les sources officielles.

    Dans l'ordre : les registres importés, s'ils comptent au moins autant d'établissements que la base des
    équipements ; les capacités de cette base ; les places que la Cnaf publie au-dessus de 10 000 habitants. Une
    commune sans aucun établissement dans la base des équipements a zéro place. Un nombre d'établissements n'est
    jamais pris pour des places.

    Parameters
    ----------
    table : DataFrame
        Table communale, indexée par code : colonnes ``bpe…_eaje``, ``bpe…_micro_creche``, ``bpe…_places_…``.

    Returns
    -------
    Series
        Places, même index ; manquante là où aucune source ne les dit.

    Examples
    --------
    >>> table = pd.DataFrame({"bpe2025_eaje": [0.0, 1.0, 1.0], "bpe2025_micro_creche": 0.0,
    ...                       "bpe2025_places_eaje": [0.0, 25.0, np.nan]}, index=["53001", "53002", "53003"])
    >>> places_publiees(table).tolist()
    [0.0, 25.0, nan]
    """
    lieux = _lieux(table)
    connues = pd.Series(np.nan, index=table.index)
    for source in (_des_imports(structures(), lieux), _de_la_base(table), _de_la_cnaf()):
        connues = connues.where(connues.notna(), source.reindex(table.index))
    return connues.mask(connues.isna() & lieux.eq(0), 0.0)


def _lieux(table: pd.DataFrame) -> pd.Series:
    """Établissements de la commune selon la base des équipements ; une micro-crèche en est un."""
    return sum(plus_recent(table, f"bpe{{*}}_{t}").astype("float64") for t in _TYPES)


def _sommes(lignes: pd.DataFrame) -> pd.DataFrame:
    """Places et nombre d'établissements par commune ; une capacité absente rend la somme inconnue."""
    lignes = lignes[lignes["type"].isin(_TYPES)]
    capacites = pd.to_numeric(lignes["places"], errors="coerce").astype("float64")
    groupes = capacites.groupby(lignes["code"].astype(object))
    return pd.DataFrame(
        {"places": groupes.sum(min_count=1).where(groupes.count().eq(groupes.size())), "n": groupes.size()}
    )


def _des_imports(importees: pd.DataFrame, lieux: pd.Series) -> pd.Series:
    if not {"type", "code", "places"} <= set(importees.columns):
        return pd.Series(dtype="float64")
    # Plusieurs listes se recouvrent : chacune est comptée à part, la plus complète l'emporte.
    entrees = importees["entree"] if "entree" in importees else pd.Series("", index=importees.index)
    par_liste = [_sommes(liste) for _, liste in importees.groupby(entrees.astype(object))]
    toutes = pd.concat([s.assign(rang=r) for r, s in enumerate(par_liste)]).sort_values(["n", "rang"])
    meilleures = toutes[~toutes.index.duplicated(keep="last")]
    return meilleures["places"].where(meilleures["n"].ge(lieux.reindex(meilleures.index)))


def _de_la_base(table: pd.DataFrame) -> pd.Series:
    creches = plus_recent(table, "bpe{*}_places_eaje").astype("float64")
    micro = plus_recent(table, "bpe{*}_places_micro_creche").astype("float64")
    # Sans micro-crèche, il n'y a pas de places de micro-crèche à connaître.
    aucune = plus_recent(table, "bpe{*}_micro_creche").astype("float64").eq(0)
    return creches + micro.mask(micro.isna() & aucune, 0.0)


def _de_la_cnaf() -> pd.Series:
    """Places publiées à la commune : les plus récentes, importées ou embarquées."""
    embarquees = lire_table("places_communes").rename(columns={"places_EAJE_ensemble": "places_eaje"})
    embarquees = embarquees[["code", "annee", "places_eaje"]]
    importees = places()
    if len(importees):
        communales = importees.loc[importees["maille"].eq("commune"), ["code", "annee", "places_eaje"]]
        embarquees = pd.concat([embarquees, communales], ignore_index=True)
    connues = embarquees.dropna(subset=["places_eaje"]).sort_values("annee", kind="stable")
    return connues.drop_duplicates("code", keep="last").set_index("code")["places_eaje"].astype("float64")
