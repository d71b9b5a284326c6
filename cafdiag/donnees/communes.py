"""La grande table communale : une ligne par commune du COG 2025, tout ce qu'on en sait."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from cafdiag.donnees import entrepot, tables
from cafdiag.donnees.apports import Apports
from cafdiag.donnees.memoire import assemblee
from cafdiag.donnees.places import places_eaje
from cafdiag.donnees.variables import derniere_annee, plus_recent
from cafdiag.magasin import lire_table
from cafdiag.territoires.normalisation import normaliser_tous

TYPES_AVS = {"centre_social": "centres_sociaux", "evs": "evs"}
# Sans registre, la base des équipements dit combien la commune en a, quand elle est là : une seule édition,
# la dernière où les deux sont comptés, car un total ne mêle pas deux dénombrements.
BPE_AVS = {"centres_sociaux": "bpe{*}_centre_social", "evs": "bpe{*}_evs"}


def table_communes(apports: Apports | None = None) -> pd.DataFrame:
    """Table communale : référentiel, faits embarqués et comptes de structures.

    Parameters
    ----------
    apports : Apports, optional
        Registre de structures de l'utilisateur. Une commune n'a un nombre de centres sociaux ou d'EVS
        que si un registre **complet** couvre son département, ou si la base des équipements importée le dit ;
        sinon la case reste vide.

    Returns
    -------
    DataFrame
        34 875 communes et 45 arrondissements, indexés par code (texte) ; colonnes décrites dans
        ``data/variables.csv``, plus ``centres_sociaux``, ``evs`` (vides hors registre complet),
        et ``places_eaje…`` (:func:`cafdiag.donnees.places.places_eaje`).
    """
    if apports is None or apports.structures is None:
        return _sans_registre(tables.etat()).copy(deep=False)
    return tables.communes().assign(**_comptes(apports))


@lru_cache(maxsize=2)
def _sans_registre(etat: tuple) -> pd.DataFrame:
    entrepot.exiger_intact("communes", "structures", "places")
    communes = tables.communes()
    # Une liste remise par un partenaire est à lui : ce qu'on en compte se recalcule, rien n'en est gardé.
    if any(e["jeu"] == "structures" and not e["origine"] for e in entrepot.entrees().values()):
        comptes = _comptes(None)
    else:
        comptes = assemblee("comptes", etat, lambda: _comptes(None))
    return communes.assign(**comptes.set_axis(communes.index))


def _comptes(apports: Apports | None) -> pd.DataFrame:
    """Ce que :func:`table_communes` ajoute à la table communale, même index."""
    table = tables.communes()
    structures = None if apports is None else apports.structures
    comptees = pd.DataFrame(index=table.index)
    edition = derniere_annee(table, *BPE_AVS.values())
    for type_structure, colonne in TYPES_AVS.items():
        couvert = table["departement"].isin(apports.complet(type_structure) if apports else ())
        vide = pd.Series(float("nan"), index=table.index)
        comptes = table.get(BPE_AVS[colonne].replace("{*}", str(edition)), vide).astype("float64")
        if structures is not None and couvert.any():
            par_commune = structures.loc[structures["type"] == type_structure, "code"].value_counts()
            du_registre = par_commune.reindex(table.index, fill_value=0).astype("float64")
            comptes = du_registre.where(couvert, comptes)
        comptees[colonne] = comptes
    encadrees = places_eaje(apports)
    for colonne, sienne in {"places": "", "au_moins": "_au_moins", "part_sue": "_part_sue"}.items():
        comptees[f"places_eaje{sienne}"] = encadrees[colonne]
    comptees["rpe_couvert"] = _couvertes_par_un_rpe(table, apports)
    return comptees


def _couvertes_par_un_rpe(table: pd.DataFrame, apports: Apports | None) -> pd.Series:
    """Vrai, faux, ou manquant : un relais situé dans la commune, ou qui la dit parmi celles qu'il couvre.

    Sans registre complet du département, ne pas trouver de relais ne dit pas qu'il n'y en a pas.
    """
    couverte = plus_recent(table, "bpe{*}_rpe").gt(0).fillna(False).astype(bool)
    listes = [tables.structures()] + ([apports.structures] if apports and apports.structures is not None else [])
    for relais in (liste[liste["type"].eq("rpe")] for liste in listes if len(liste)):
        declarees = relais.get("communes_couvertes", pd.Series(dtype=object)).dropna().astype(str).str.split()
        couverte |= table.index.isin({*relais["code"], *declarees.explode().dropna()})
    complet = table["departement"].isin(apports.complet("rpe") if apports else ())
    return couverte.astype(object).where(couverte | complet, None)


def _cles(table: pd.DataFrame) -> pd.Series:
    """Type, nom sans accent ni casse, commune."""
    noms = pd.Series(normaliser_tous(table["nom"].fillna("")), index=table.index, dtype="str")
    return table["type"].astype(str) + "|" + noms + "|" + table["code"].astype(str)


def structures_connues(apports: Apports | None = None) -> pd.DataFrame:
    """Structures nommées : embarquées, importées, ou du registre fourni dans ses départements complets.

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
    importees = tables.structures()
    if len(importees):
        utiles = [c for c in embarquees.columns if c in importees.columns]
        # La même structure, embarquée et importée : l'import est plus récent. Deux lignes d'un même import, elles,
        # sont deux structures : son lecteur les a déjà comparées.
        ici = importees[importees["code"].isin(set(embarquees["code"]))]
        deja = _cles(embarquees).isin(set(_cles(ici)))
        embarquees = pd.concat([importees[utiles].assign(sur=True), embarquees[~deja]], ignore_index=True)
    if apports is None or apports.structures is None:
        return embarquees
    types = set(apports.structures["type"])
    departement = (
        embarquees["code"].str[:2].where(~embarquees["code"].str.startswith("97"), embarquees["code"].str[:3])
    )
    remplacees = embarquees["type"].isin(types) & departement.isin(apports.departements_complets)
    locales = apports.structures.assign(sur=True)
    return pd.concat([embarquees[~remplacees], locales], ignore_index=True)
