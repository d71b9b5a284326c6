"""La grande table communale : une ligne par commune du COG 2025, tout ce qu'on en sait."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import entrepot, tables_assemblees
from cafdiag.donnees.apports import Apports
from cafdiag.donnees.grandeurs import derniere_annee, plus_recent
from cafdiag.donnees.memoire import assemblee
from cafdiag.donnees.nettoyage import departement_de
from cafdiag.donnees.registres_champs import TYPES
from cafdiag.donnees.tables_assemblees import ParEtat, communes, places, structures
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires.normalisation import normaliser, normaliser_tous

_TYPES = ("eaje", "micro_creche")
_COLONNES = ["places", "au_moins", "part_sue"]


def places_eaje(apports: Apports | None = None) -> pd.DataFrame:
    """Places d'EAJE (micro-crèches comprises) de chaque commune, registre complet de l'utilisateur d'abord.

    Parameters
    ----------
    apports : Apports, optional
        Registre de l'utilisateur : là où il est complet, il l'emporte sur :func:`places_publiees`.

    Returns
    -------
    DataFrame
        Indexée par code de commune : ``places``, manquantes là où aucune source ne les dit toutes ; ``au_moins``,
        un minorant (0 si rien n'est su) ; ``part_sue``, la part des établissements dont les places sont sues.

    Examples
    --------
    >>> places_eaje().loc["53130"].tolist()
    [406.0, 406.0, 1.0]
    """
    publiees = _publiees()
    structures = None if apports is None else apports.structures
    complets = apports.complet("eaje") if apports else frozenset()
    if not complets or structures is None or "places" not in structures:
        return publiees.copy()
    sommes = _sommes(structures)
    registre = sommes[_COLONNES].reindex(publiees.index)
    registre.loc[~publiees.index.isin(sommes.index)] = [0.0, 0.0, 1.0]
    ici = communes()["departement"].isin(complets)
    return registre.where(ici, publiees)


@ParEtat
def _publiees(etat_: tuple) -> pd.DataFrame:
    return places_publiees(communes())


def places_publiees(table: pd.DataFrame) -> pd.DataFrame:
    """Places d'EAJE que disent les registres importés et les sources officielles.

    Dans l'ordre : les registres importés, s'ils comptent au moins autant d'établissements que la base des
    équipements ; les capacités de cette base ; les places que la Cnaf publie au-dessus de 10 000 habitants. Une
    commune sans aucun établissement dans la base des équipements a zéro place. Un nombre d'établissements n'est
    jamais pris pour des places. Une capacité absente laisse un minorant : les places des autres établissements.

    Parameters
    ----------
    table : DataFrame
        Table communale, indexée par code : colonnes ``bpe…_eaje``, ``bpe…_micro_creche``, ``bpe…_places_…``,
        ``bpe…_places_sures_…``, ``bpe…_sans_places_…``.

    Returns
    -------
    DataFrame
        Mêmes colonnes que :func:`places_eaje`, même index.

    Examples
    --------
    >>> table = pd.DataFrame({"bpe2025_eaje": [0.0, 1.0, 2.0], "bpe2025_micro_creche": 0.0,
    ...                       "bpe2025_places_eaje": [0.0, 25.0, np.nan],
    ...                       "bpe2025_places_sures_eaje": [0.0, 25.0, 40.0],
    ...                       "bpe2025_sans_places_eaje": [0.0, 0.0, 1.0]}, index=["53001", "53002", "53003"])
    >>> places_publiees(table)
           places  au_moins  part_sue
    53001     0.0       0.0       1.0
    53002    25.0      25.0       1.0
    53003     NaN      40.0       0.5
    """
    lieux = _lieux(table)
    connues = pd.Series(np.nan, index=table.index)
    minorant, part = (pd.Series(0.0, index=table.index) for _ in range(2))
    for source in (_des_imports(structures(), lieux), _de_la_base(table), _de_la_cnaf()):
        source = source.reindex(table.index)
        connues = connues.where(connues.notna(), source["places"])
        minorant = np.maximum(minorant, source["au_moins"].fillna(0.0))
        part = np.maximum(part, source["part_sue"].fillna(0.0))
    connues = connues.mask(connues.isna() & lieux.eq(0), 0.0)
    toutes = connues.notna()
    return pd.DataFrame(
        {"places": connues, "au_moins": connues.where(toutes, minorant), "part_sue": part.mask(toutes, 1.0)}
    )


def _lieux(table: pd.DataFrame) -> pd.Series:
    """Établissements de la commune selon la base des équipements ; une micro-crèche en est un."""
    return sum(plus_recent(table, f"bpe{{*}}_{t}").astype("float64") for t in _TYPES)


def _sommes(lignes: pd.DataFrame) -> pd.DataFrame:
    """Places et nombre d'établissements par commune ; une capacité absente rend la somme inconnue."""
    lignes = lignes[lignes["type"].isin(_TYPES)]
    capacites = pd.to_numeric(lignes["places"], errors="coerce").astype("float64")
    groupes = capacites.groupby(lignes["code"].astype(object))
    sommes, su, n = groupes.sum(), groupes.count(), groupes.size()
    return pd.DataFrame({"places": sommes.where(su.eq(n)), "au_moins": sommes, "part_sue": su / n, "n": n, "su": su})


def _des_imports(importees: pd.DataFrame, lieux: pd.Series) -> pd.DataFrame:
    if not {"type", "code", "places"} <= set(importees.columns):
        return pd.DataFrame(columns=_COLONNES, dtype="float64")
    # Plusieurs listes se recouvrent : chacune est comptée à part, la plus complète l'emporte.
    entrees = importees["entree"] if "entree" in importees else pd.Series("", index=importees.index)
    par_liste = [_sommes(liste) for _, liste in importees.groupby(entrees.astype(object))]
    toutes = pd.concat([s.assign(rang=r) for r, s in enumerate(par_liste)]).sort_values(["n", "rang"])
    meilleures = toutes[~toutes.index.duplicated(keep="last")]
    de_la_base = lieux.reindex(meilleures.index)
    complete = meilleures["n"].ge(de_la_base)
    # Une liste plus courte que la base des équipements n'est qu'un minorant.
    part = (meilleures["su"] / np.maximum(meilleures["n"], de_la_base)).fillna(0.0)
    return meilleures.assign(places=meilleures["places"].where(complete), part_sue=part)[_COLONNES]


def _de_la_base(table: pd.DataFrame) -> pd.DataFrame:
    toutes, sures, sans = (_creches_et_micro(table, g) for g in ("places", "places_sures", "sans_places"))
    sues = 1 - sans.sum(axis=1, min_count=1) / _lieux(table).mask(lambda n: n.eq(0))
    places = toutes.sum(axis=1, skipna=False)
    # Un type dont toutes les capacités sont remplies n'a que ses places.
    au_moins = sures.where(sures.notna(), toutes).sum(axis=1)
    return pd.DataFrame({"places": places, "au_moins": au_moins, "part_sue": sues})


def _creches_et_micro(table: pd.DataFrame, gabarit: str) -> pd.DataFrame:
    places = pd.DataFrame(
        {t: plus_recent(table, f"bpe{{*}}_{gabarit}_{t}").astype("float64") for t in _TYPES}, index=table.index
    )
    # Sans micro-crèche, il n'y a pas de places de micro-crèche à connaître.
    aucune = plus_recent(table, "bpe{*}_micro_creche").astype("float64").eq(0)
    return places.assign(micro_creche=places["micro_creche"].mask(places["micro_creche"].isna() & aucune, 0.0))


def _de_la_cnaf() -> pd.DataFrame:
    """Places publiées à la commune : les plus récentes, importées ou embarquées."""
    embarquees = lire_table("places_communes").rename(columns={"places_EAJE_ensemble": "places_eaje"})
    embarquees = embarquees[["code", "annee", "places_eaje"]]
    importees = places()
    if len(importees):
        communales = importees.loc[importees["maille"].eq("commune"), ["code", "annee", "places_eaje"]]
        embarquees = pd.concat([embarquees, communales], ignore_index=True)
    connues = embarquees.dropna(subset=["places_eaje"]).sort_values("annee", kind="stable")
    dernieres = connues.drop_duplicates("code", keep="last").set_index("code")["places_eaje"].astype("float64")
    return pd.DataFrame({"places": dernieres, "au_moins": dernieres, "part_sue": 1.0})


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
        et ``places_eaje…`` (:func:`cafdiag.donnees.communes.places_eaje`).
    """
    if apports is None or apports.structures is None:
        return _sans_registre().copy(deep=False)
    return tables_assemblees.communes().assign(**_comptes(apports))


@ParEtat
def _sans_registre(etat: tuple) -> pd.DataFrame:
    entrepot.exiger_intact("communes", "structures", "places")
    communes = tables_assemblees.communes()
    # Une liste remise par un partenaire est à lui : ce qu'on en compte se recalcule, rien n'en est gardé.
    if any(e["jeu"] == "structures" and not e["origine"] for e in entrepot.entrees().values()):
        comptes = _comptes(None)
    else:
        comptes = assemblee("comptes", etat, lambda: _comptes(None))
    return communes.assign(**comptes.set_axis(communes.index))


def _comptes(apports: Apports | None) -> pd.DataFrame:
    """Ce que :func:`table_communes` ajoute à la table communale, même index."""
    table = tables_assemblees.communes()
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
    comptees["alsh_equipes"] = comptes_confirmes("alsh", "bpe{*}_alsh", table, structures_connues(apports), apports)
    if apports is not None and structures is not None:
        for type_structure in COMPTES_DE_LA_BASE.values():
            if muets := muets_de_la_base(type_structure, apports):
                colonne, deja = _comptes_de_la_base(type_structure, table)
                siennes = structures.loc[structures["type"] == type_structure, "code"].value_counts()
                du_registre = siennes.reindex(table.index, fill_value=0).astype("float64")
                comptees[colonne] = du_registre.where(table["departement"].isin(muets), deja)
    return comptees


# Ce que compte la base des équipements, et le type de structure d'un registre : deux dénombrements, qui ne se mêlent
# pas dans un département. Là où elle compte, elle compte seule ; un registre complet compte là où elle se tait.
COMPTES_DE_LA_BASE = {"alsh": "alsh", "laep": "laep", "eaje": "eaje", "micro_creches": "micro_creche"}


def _comptes_de_la_base(type_structure: str, table: pd.DataFrame) -> tuple[str, pd.Series]:
    """La colonne de la dernière édition de la base qui compte ce type, et ce qu'elle dit."""
    edition = derniere_annee(table, f"bpe{{*}}_{type_structure}") or millesime("bpe.embarquee")
    colonne = f"bpe{edition}_{type_structure}"
    vide = pd.Series(float("nan"), index=table.index)
    return colonne, table.get(colonne, vide).astype("float64")


def muets_de_la_base(type_structure: str, apports: Apports) -> frozenset[str]:
    """Départements dont la base ne compte aucun équipement de ce type, et dont le registre est complet."""
    complets = apports.complet(type_structure)
    if not complets:
        return frozenset()
    table = tables_assemblees.communes()
    dits = _comptes_de_la_base(type_structure, table)[1].notna()
    return complets - frozenset(table.loc[dits, "departement"])


def comptes_confirmes(
    type_structure: str, gabarit: str, table: pd.DataFrame, structures: pd.DataFrame, apports: Apports | None
) -> pd.Series:
    """Équipements d'un type, par commune : le registre complet, sinon la base ; manquant si rien n'en dit rien."""
    comptes = plus_recent(table, gabarit).astype("float64")
    siennes = structures[structures["type"].eq(type_structure)]
    confirmees = siennes.loc[siennes["sur"].astype(bool) & siennes["liste"], "code"].value_counts()
    complets = apports.complet(type_structure) if apports else frozenset()
    if complets:
        du_registre = confirmees.reindex(comptes.index, fill_value=0).astype("float64")
        comptes = comptes.mask(table["departement"].isin(complets), du_registre)
    # Une structure confirmée suffit à dire la commune équipée, pas à en donner le compte.
    muettes = comptes.index[comptes.isna()].intersection(confirmees.index)
    comptes[muettes] = confirmees[muettes].astype("float64")
    return comptes


def _couvertes_par_un_rpe(table: pd.DataFrame, apports: Apports | None) -> pd.Series:
    """Vrai, faux, ou manquant : un relais situé dans la commune, ou qui la dit parmi celles qu'il couvre.

    Sans registre complet du département, ne pas trouver de relais ne dit pas qu'il n'y en a pas.
    """
    couverte = plus_recent(table, "bpe{*}_rpe").gt(0).fillna(False).astype(bool)
    siennes = [apports.structures] if apports and apports.structures is not None else []
    listes = [tables_assemblees.structures(), *siennes]
    for relais in (liste[liste["type"].eq("rpe")] for liste in listes if len(liste)):
        declarees = relais.get("communes_couvertes", pd.Series(dtype=object)).dropna().astype(str).str.split()
        couverte |= table.index.isin({*relais["code"], *declarees.explode().dropna()})
    complet = table["departement"].isin(apports.complet("rpe") if apports else ())
    return couverte.astype(object).where(couverte | complet, None)


def _cles(table: pd.DataFrame) -> pd.Series:
    """Type, nom sans accent ni casse ni nature (« EVS », « E.V.S. »), commune."""
    types = table["type"].astype(str)
    noms = pd.Series(normaliser_tous(table["nom"].fillna("")), index=table.index, dtype="str")
    for type_ in types.unique():
        ici = types.eq(type_)
        noms[ici] = noms[ici].str.replace(_nature(type_), "", regex=True)
    return types + "|" + noms.str.replace(" ", "") + "|" + table["code"].astype(str)


@lru_cache(maxsize=16)
def _nature(type_: str) -> re.Pattern:
    dites = [normaliser(m) for m in (type_, TYPES[type_][0], *TYPES[type_][1].split("|"))] if type_ in TYPES else []
    epelees = [" ".join(m) for m in dites if len(m) <= 4]
    return re.compile(f"^(?:{'|'.join(sorted([*dites, *epelees], key=len, reverse=True))}) (?=.)" if dites else "(?!)")


def _une_fois(importees: pd.DataFrame) -> pd.DataFrame:
    """La même structure dans deux imports n'en fait qu'une ; ``liste`` est vrai si elle compte dans un minorant.

    Deux noms différents peuvent être deux noms d'une même structure : de plusieurs listes, la plus fournie d'une
    commune (la dernière, à égalité) donne seule ce qu'elle a au moins, comme pour les crèches (:func:`places_eaje`).
    Ce que d'autres listes ont de plus reste nommé, une fois, tel que la dernière le dit.
    """
    if "entree" not in importees or importees["entree"].nunique() < 2:
        return importees.assign(liste=True)
    cles, entrees = _cles(importees), importees["entree"].astype(str)
    combien = importees.groupby([importees["type"], importees["code"], entrees])["type"].transform("size")
    rangs = entrees.map({e: r for r, e in enumerate(entrees.unique())})
    mieux = (combien * (1 + rangs.max()) + rangs).groupby([importees["type"], importees["code"]]).transform("max")
    liste = mieux.eq(combien * (1 + rangs.max()) + rangs)
    derniers = rangs.groupby(cles).transform("max")
    # Celle que compte la liste la plus fournie reste, même si une liste plus récente la redit.
    comptees = liste.groupby(cles).transform("any")
    return importees.assign(liste=liste)[liste | (~comptees & rangs.eq(derniers))]


def deja_connues(entree: str) -> int:
    """Combien de structures d'un import sont aussi dans un autre."""
    importees = tables_assemblees.structures()
    siennes = importees["entree"].eq(entree)
    cles = _cles(importees)
    return int(cles[siennes].isin(set(cles[~siennes])).sum())


def structures_connues(apports: Apports | None = None) -> pd.DataFrame:
    """Structures nommées : embarquées, importées, ou du registre fourni dans ses départements complets.

    Returns
    -------
    DataFrame
        ``type, nom, code, lon, lat, annee, statut_agrement, source`` ; ``sur`` est vrai quand la structure est
        confirmée par un registre officiel ou par l'utilisateur, ``liste`` quand elle compte dans un minorant.
    """
    embarquees = lire_table("structures")
    embarquees["sur"] = (
        embarquees["statut_agrement"].astype("string").str.startswith("confirmé").fillna(False)
    )
    embarquees.loc[embarquees["type"] == "france_services", "sur"] = True
    embarquees["liste"] = True
    importees = tables_assemblees.structures()
    if len(importees):
        importees = _une_fois(importees)
        utiles = [c for c in embarquees.columns if c in importees.columns]
        # La même structure, embarquée et importée : l'import est plus récent. Deux lignes d'un même import, elles,
        # sont deux structures : son lecteur les a déjà comparées.
        ici = importees[importees["code"].isin(set(embarquees["code"]))]
        deja = _cles(embarquees).isin(set(_cles(ici)))
        embarquees = pd.concat([importees[utiles].assign(sur=True), embarquees[~deja]], ignore_index=True)
    if apports is None or apports.structures is None:
        return embarquees
    types = set(apports.structures["type"])
    departement = embarquees["code"].map(departement_de, na_action="ignore")
    remplacees = embarquees["type"].isin(types) & departement.isin(apports.departements_complets)
    locales = apports.structures.assign(sur=True, liste=True)
    return pd.concat([embarquees[~remplacees], locales], ignore_index=True)
