"""Les structures d'un territoire telles qu'on les montre : sans doublon, et en disant ce que vaut la liste."""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.communes import structures_connues, table_communes
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.formats import date
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
    toutes = donnees.retenir("structures", lambda: _sans_doublon(donnees))
    return toutes[toutes["type"].isin(types)].reset_index(drop=True)


def _sans_doublon(donnees: Donnees) -> pd.DataFrame:
    table = structures_connues(donnees.apports)
    table = table[table["code"].isin(donnees.territoire.communes)].reset_index(drop=True)
    du_registre = pd.Series(False, index=table.index)
    if donnees.apports.structures is not None:
        # La source distingue une ligne du registre de celle d'une liste publique qui nomme la même structure.
        lue = ["type", "nom", "code", "source"]
        locales = set(donnees.apports.structures[lue].itertuples(index=False, name=None))
        du_registre = pd.Series(
            [cle in locales for cle in table[lue].itertuples(index=False, name=None)], index=table.index
        )
    table = table.assign(du_registre=du_registre.astype(bool))
    formes = pd.Series(normaliser_tous(table["nom"]), index=table.index, dtype="str")
    cle = table["type"].astype("str") + "|" + formes + "|" + table["code"].astype("str")
    # Le registre l'emporte sur une liste publique qui nomme la même structure. Ses lignes à lui, et celles d'une
    # liste à des adresses ou des points différents, sont des structures différentes.
    nommee_au_registre = cle.isin(set(cle[table["du_registre"]])) & ~table["du_registre"]
    lieux = [c for c in ("lon", "lat", "adresse") if c in table]
    doublon = table.assign(cle=cle).duplicated(["cle", *lieux]) & ~table["du_registre"]
    return table[~nommee_au_registre & ~doublon].reset_index(drop=True)


def ce_que_vaut_la_liste(table: pd.DataFrame) -> str:
    """« liste partielle, dont 3 sur 14 à l'agrément confirmé » : une liste publique peut aussi être trop large.

    Examples
    --------
    >>> ce_que_vaut_la_liste(pd.DataFrame({"type": ["evs", "evs"], "du_registre": [False, False],
    ...                                    "statut_agrement": ["confirmé (Senacs evs)", "non confirmé"]}))
    "liste partielle, dont 1 sur 2 à l'agrément confirmé"
    """
    agreees = table[table["type"].isin(["centre_social", "evs"]) & ~table["du_registre"].astype(bool)]
    if agreees.empty or "statut_agrement" not in agreees:
        return "liste partielle"
    confirmees = int(agreees["statut_agrement"].astype("string").str.startswith("confirmé").eq(True).sum())
    if confirmees == len(agreees):
        return "liste partielle"
    return f"liste partielle, dont {confirmees or 'aucun'} sur {len(agreees)} à l'agrément confirmé"


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
        parties.append(f"ANCT, France services{_date_de_la_liste(publiques)}")
    if publiques["type"].isin(["centre_social", "evs"]).any():
        parties.append("Senacs, Caf et départements, centres sociaux et EVS")
    return " ; ".join(parties)


def _date_de_la_liste(publiques: pd.DataFrame) -> str:
    """« (liste du 1er août 2024) » : la liste nominative peut être plus ancienne que les comptes."""
    if "source" not in publiques:
        return ""
    citees = publiques.loc[publiques["type"].eq("france_services"), "source"].astype(str)
    dates = citees.str.extract(r"(\d{2})/(\d{2})/(\d{4})").dropna()
    iso = sorted(set(dates[2] + "-" + dates[1] + "-" + dates[0]))
    return f" (liste du {date(iso[-1])})" if iso else ""


def france_services_comptees(donnees: Donnees) -> tuple[int | None, int | None]:
    """Nombre de France services que compte l'ANCT sur ce territoire, et l'année ; rien si une commune manque."""
    communes = table_communes(donnees.apports)
    annees = [int(c.rpartition("_")[2]) for c in communes.columns if c.startswith("france_services_")]
    siennes = communes.reindex(list(donnees.territoire.communes))
    if not annees or siennes.empty:
        return None, None
    total = siennes[f"france_services_{max(annees)}"].astype("float64").sum(skipna=False)
    return (None, None) if pd.isna(total) else (int(total), max(annees))
