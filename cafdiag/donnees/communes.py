"""La grande table communale : une ligne par commune du COG 2025, tout ce qu'on en sait."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from cafdiag.donnees.apports import Apports
from cafdiag.magasin import lire_table

# Ces colonnes sont déjà dans le référentiel, sous un nom et un millésime tenus à jour.
_DEJA_LA = ["nom", "dep", "epci", "nom_epci", "nature_epci", "pmun_2022", "pmun_2023"]
TYPES_AVS = {"centre_social": "centres_sociaux", "evs": "evs"}


@lru_cache(maxsize=1)
def _socle() -> pd.DataFrame:
    communes = lire_table("communes")
    # Les arrondissements sont lus pour eux-mêmes ; aucune appartenance ne les compte avec leur ville.
    communes = communes[communes["type"].isin(["COM", "ARM"])].drop(columns=["type", "commune_mere"])
    communes = communes.set_index("code")
    faits = lire_table("faits_communes").set_index("code").drop(columns=_DEJA_LA, errors="ignore")
    table = communes.join(faits)
    table["faits_embarques"] = table.index.isin(faits.index)
    table["unite"] = 1.0
    return table


def table_communes(apports: Apports | None = None) -> pd.DataFrame:
    """Table communale : référentiel, faits embarqués et comptes de structures.

    Parameters
    ----------
    apports : Apports, optional
        Registre de structures de l'utilisateur. Une commune n'a un nombre de centres sociaux ou d'EVS
        que si un registre **complet** couvre son département ; sinon la case reste vide.

    Returns
    -------
    DataFrame
        34 875 communes et 45 arrondissements, indexés par code (texte) ; colonnes décrites dans
        ``data/variables.csv``, plus ``centres_sociaux``, ``evs`` (vides hors registre complet) et
        ``faits_embarques``.
    """
    table = _socle().copy()
    complets = apports.departements_complets if apports else frozenset()
    couvert = table["departement"].isin(complets)
    for type_structure, colonne in TYPES_AVS.items():
        comptes = pd.Series(float("nan"), index=table.index)
        if couvert.any():
            structures = apports.structures
            par_commune = structures.loc[structures["type"] == type_structure, "code"].value_counts()
            comptes = par_commune.reindex(table.index, fill_value=0).astype("float64").where(couvert)
        table[colonne] = comptes
    return table


def structures_connues(apports: Apports | None = None) -> pd.DataFrame:
    """Structures nommées (embarquées, ou registre de l'utilisateur dans ses départements complets).

    Returns
    -------
    DataFrame
        ``type, nom, code, lon, lat, annee, statut_agrement, source`` ; ``sur`` est vrai quand la
        structure est confirmée par un registre officiel ou par l'utilisateur.
    """
    embarquees = lire_table("structures")
    embarquees["sur"] = (
        embarquees["statut_agrement"].astype("string").str.startswith("confirmé").fillna(False)
    )
    embarquees.loc[embarquees["type"] == "france_services", "sur"] = True
    if apports is None or apports.structures is None:
        return embarquees
    types = set(apports.structures["type"])
    departement = (
        embarquees["code"].str[:2].where(~embarquees["code"].str.startswith("97"), embarquees["code"].str[:3])
    )
    remplacees = embarquees["type"].isin(types) & departement.isin(apports.departements_complets)
    locales = apports.structures.assign(sur=True)
    return pd.concat([embarquees[~remplacees], locales], ignore_index=True)
