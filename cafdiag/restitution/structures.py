"""Les structures d'un territoire telles qu'on les montre : sans doublon, et en disant ce que vaut la liste."""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.communes import structures_connues
from cafdiag.restitution.bloc import Donnees
from cafdiag.territoires.normalisation import normaliser_tous

TYPES_MONTRES = ("centre_social", "evs", "france_services")


def registre_complet(donnees: Donnees, types: tuple[str, ...] = ("centre_social", "evs")) -> bool:
    """Vrai si le registre fourni liste toutes les structures de ces types des départements du territoire."""
    siens = set(donnees.territoire.departements)
    return all(siens <= donnees.apports.complet(t) for t in types)


def structures_montrees(donnees: Donnees, types: tuple[str, ...] = TYPES_MONTRES) -> pd.DataFrame:
    """Structures du territoire de ces types, une fois chacune ; celle du registre l'emporte.

    Returns
    -------
    DataFrame
        Colonnes de :func:`cafdiag.donnees.communes.structures_connues`, plus ``du_registre``.
    """
    table = structures_connues(donnees.apports)
    table = table[
        table["code"].isin(donnees.territoire.communes) & table["type"].isin(types)
    ].reset_index(drop=True)
    du_registre = pd.Series(False, index=table.index)
    if donnees.apports.structures is not None:
        locales = set(donnees.apports.structures[["type", "nom", "code"]].itertuples(index=False, name=None))
        du_registre = pd.Series(
            [cle in locales for cle in table[["type", "nom", "code"]].itertuples(index=False, name=None)],
            index=table.index,
        )
    table = table.assign(du_registre=du_registre.astype(bool), forme=normaliser_tous(table["nom"]))
    # Le registre d'abord : c'est lui qui reste quand une liste publique nomme la même structure.
    table = table.sort_values("du_registre", ascending=False, kind="stable")
    table = table.drop_duplicates(["type", "forme", "code"], keep="first").sort_index()
    return table.drop(columns="forme").reset_index(drop=True)


def source_dite(table: pd.DataFrame) -> str:
    """Les sources des structures posées, et d'elles seules.

    Examples
    --------
    >>> source_dite(pd.DataFrame({"type": ["france_services"], "du_registre": [False]}))
    'ANCT, France services'
    """
    publiques = table[~table["du_registre"].astype(bool)]
    parties = []
    if table["du_registre"].any():
        parties.append("Registre de structures de l'utilisateur")
    if publiques["type"].eq("france_services").any():
        parties.append("ANCT, France services")
    if publiques["type"].isin(["centre_social", "evs"]).any():
        parties.append("Senacs, Caf et départements, centres sociaux et EVS")
    return " ; ".join(parties)
