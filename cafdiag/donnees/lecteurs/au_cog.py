"""Ramener une table communale au COG 2025, sans inventer ni compter deux fois.

Trois règles : une fusion est la **somme** des grandeurs additives (manquante si un terme manque) ; une
grandeur non additive (taux, médiane, classement) n'est **pas reprise** pour une commune fusionnée ; une
scission **répartit** l'additif selon une clé déclarée, statut « estime ».
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from cafdiag.donnees.nettoyage import communes_connues
from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour
from cafdiag.territoires.passage import passages as _passages
from cafdiag.territoires.referentiel import POPULATION, fiches

CLE = POPULATION
# La règle des lecteurs : rien n'est réparti, l'ensemble reste sous l'ancien code, ses sœurs sont vides.
ENSEMBLE = "ensemble"
_COLONNES_STATUTS = ["colonne", "statut", "motif"]


def tout_ramener(
    table: pd.DataFrame,
    *,
    additives: Sequence[str],
    non_additives: Sequence[str] = (),
    cle: str | pd.Series | None = CLE,
    groupes: Sequence[str] | None = None,
    villes: bool = True,
    cog: int | None = None,
    perdus: Collection[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Ramène une table au COG 2025.

    Parameters
    ----------
    table : DataFrame
        Colonne ``code`` (texte, commune ou arrondissement), une ligne par code et par groupe.
    additives, non_additives : sequence of str
        Grandeurs qui se somment (effectifs) ; celles qui ne se somment pas (taux, médianes, classes).
    cle : str, Series or None
        Clé des scissions : colonne du référentiel des communes, ou poids indexés par code actuel. Sans
        clé, une commune scindée n'a pas de valeur ; avec ``ENSEMBLE``, l'ancien code garde celle de toutes.
    groupes : sequence of str, optional
        Colonnes qui séparent des sous-tables (année, tranche…) ; par défaut, toutes les autres.
    villes : bool
        Ajoute Paris, Lyon et Marseille, sommes de leurs arrondissements, quand la table ne les a pas.
        Une ville publiée reste telle quelle : elle n'est jamais la somme d'elle-même et du reste.
    cog : int, optional
        Année du COG de la table, si elle est connue : une scission déjà faite n'est pas refaite.
    perdus : collection of str
        Codes que le fichier portait peut-être sur des lignes rejetées : une fusion à qui il manque un
        de ces termes n'est pas sommée sans lui.

    Returns
    -------
    table : DataFrame
        Mêmes colonnes, une ligne par commune actuelle et par groupe.
    passages : DataFrame
        Codes qui ont bougé ou sont inconnus (colonnes de :func:`cafdiag.territoires.a_jour`). Une commune
        scindée dont la table donne déjà les morceaux n'y est pas.
    statuts : DataFrame
        ``code``, groupes, ``colonne``, ``statut`` (« estime », « non_disponible »), ``motif`` : les seules
        cases qui ne sont pas reprises telles quelles.

    Raises
    ------
    DemandeFausse
        Colonne absente, ou deux lignes pour un même code et un même groupe.

    Examples
    --------
    >>> avant = pd.DataFrame({"code": ["08300", "08439", "53130"], "naissances": [1.0, 2.0, 500.0],
    ...                       "taux": [10.0, 20.0, 30.0]})
    >>> apres, passages, statuts = tout_ramener(avant, additives=["naissances"], non_additives=["taux"])
    >>> apres.values.tolist()
    [['08439', 3.0, nan], ['53130', 500.0, 30.0]]
    >>> statuts[["code", "colonne", "statut"]].values.tolist()
    [['08439', 'taux', 'non_disponible']]
    """
    additives, non_additives = list(additives), list(non_additives)
    absentes = [c for c in ["code", *additives, *non_additives, *(groupes or [])] if c not in table]
    if absentes:
        raise DemandeFausse("colonne absente : " + ", ".join(absentes))
    if groupes is None:
        groupes = [c for c in table.columns if c not in {"code", *additives, *non_additives}]
    groupes = list(groupes)
    table = table[["code", *groupes, *additives, *non_additives]].reset_index(drop=True)
    if table.duplicated(["code", *groupes]).any():
        double = table.loc[table.duplicated(["code", *groupes]), "code"].iloc[0]
        raise DemandeFausse(f"le code {double} a deux lignes", attendu="une ligne par code et par groupe")
    # Presque tous les codes sont actuels et n'ont jamais bougé : seuls les autres ont un destin à lire.
    actuels, anciens = fiches()["commune"], _passages()
    suspects = [c for c in table["code"].unique().tolist() if c not in actuels or c in anciens]
    destin = a_jour(pd.Series(suspects, dtype="str"), cog=cog).set_index("code_origine", drop=False)
    bougent = [c for c in suspects if c not in destin.index or destin.at[c, "statut"] != "actuel"]
    simple = ~table["code"].isin(bougent).to_numpy()
    motifs: list[tuple] = []
    morceaux = []
    tranches = [((), table)] if not groupes else [
        (valeur, t) for valeur, t in table.groupby(groupes, sort=True, dropna=False)]
    reels: set[str] = set()
    for valeur, tranche in tranches:
        morceaux.append(_une_tranche(tranche, simple[tranche.index], destin, valeur, additives,
                                     non_additives, cle, motifs, reels, frozenset(perdus)))
    resultat = pd.concat(morceaux, ignore_index=True) if morceaux else table
    if villes:
        resultat = _avec_villes(resultat, groupes, additives)
    passes = destin[(destin["statut"] == "inconnu") | destin["code_origine"].isin(reels)]
    statuts = pd.DataFrame(motifs, columns=["code", *groupes, *_COLONNES_STATUTS])
    ordre = resultat.sort_values(["code", *groupes], kind="stable").reset_index(drop=True)
    return ordre[table.columns.tolist()], passes.reset_index(drop=True), statuts


def deja_au_cog(presents: Collection[str]) -> bool:
    """Vrai si ces codes sont déjà tous de 2025, sans arrondissement ni commune rétablie qui manque à l'appel.

    >>> deja_au_cog({"49126", "53130"}), deja_au_cog({"49069", "53130"}), deja_au_cog({"85084"})
    (True, False, False)
    """
    presents = set(presents)
    if not presents <= fiches()["commune"].keys() or any(
            not presents.isdisjoint(codes) for codes in _arrondissements().values()):
        return False
    bouges = (_passages()[code] for code in presents & _passages().keys())
    return all(p.se_partage and not presents.isdisjoint(set(p.codes) - {p.ancien}) for p in bouges)


def _une_tranche(
    tranche: pd.DataFrame, simple: np.ndarray, destin: pd.DataFrame, valeur: Any, additives: list[str],
    non_additives: list[str], cle: str | None, motifs: list[tuple], reels: set[str], perdus: frozenset[str],
) -> pd.DataFrame:
    presents = set(tranche["code"])
    perdus = perdus - presents
    anciens = tranche[~simple]
    liens = []  # (rang, code d'arrivée, part, motif d'estimation, changement de périmètre)
    for rang, code in anciens["code"].items():
        fiche = destin.loc[code]
        if fiche["statut"] == "inconnu":
            continue
        cibles = fiche["cibles"].split()
        if fiche["statut"] == "passe":
            reels.add(code)
            liens.append((rang, cibles[0], 1.0, "", _passages()[code].type != "changement_code"))
        elif (presents | perdus) & (set(cibles) - {code}):
            # La table donne déjà les communes rétablies : elle est postérieure à la scission.
            liens.append((rang, code, 1.0, "", False))
        elif isinstance(cle, str) and cle == ENSEMBLE:
            liens.append((rang, code, 1.0, "", True))
        else:
            reels.add(code)
            parts = _parts(cibles, cle)
            motif = f"{code} scindée : répartie selon {cle if isinstance(cle, str) else 'la clé donnée'}"
            liens += [(rang, c, p, motif, True) for c, p in zip(cibles, parts, strict=True)]
    manquants = _termes_manquants(presents, perdus)
    touches = {lien[1] for lien in liens} | set(manquants)
    if not touches:
        return tranche[simple]
    restent = tranche[simple & ~tranche["code"].isin(touches).to_numpy()]
    liens += [(rang, code, 1.0, "", False) for rang, code in
              tranche.loc[simple & tranche["code"].isin(touches).to_numpy(), "code"].items()]
    par_cible: dict[str, list[tuple]] = {}
    for lien in liens:
        par_cible.setdefault(lien[1], []).append(lien)
    cle_groupe = valeur if isinstance(valeur, tuple) else (valeur,)
    neuves = []
    for cible, siens in sorted(par_cible.items()):
        # La commune nouvelle garde le code de son chef-lieu : s'il manque, c'est qu'un terme manque.
        absents = manquants.get(cible, [])
        if not absents and cible not in presents and any(lien[4] and not lien[3] for lien in siens):
            absents = [cible]
        rangs = [lien[0] for lien in siens]
        ligne = tranche.loc[rangs[0]].copy()
        ligne["code"] = cible
        estime = next((lien[3] for lien in siens if lien[3]), "")
        for colonne in additives:
            ligne[colonne], statut, motif = _somme(tranche.loc[rangs, colonne], siens, absents, estime)
            if statut:
                motifs.append((cible, *cle_groupe, colonne, statut, motif))
        change = len(siens) > 1 or siens[0][4] or absents
        for colonne in non_additives if change else ():
            if tranche.loc[rangs, colonne].notna().any():
                motifs.append((cible, *cle_groupe, colonne, "non_disponible",
                               "le périmètre de la commune a changé : un taux ou un classement ne se somme pas"))
            ligne[colonne] = _vide(tranche[colonne])
        neuves.append(ligne)
    ajout = pd.DataFrame(neuves).astype(tranche.dtypes.to_dict())
    return pd.concat([restent, ajout])


def _somme(valeurs: pd.Series, siens: list[tuple], absents: list[str], estime: str):
    if absents:
        return np.nan, "non_disponible", "un terme de la fusion manque : " + ", ".join(absents)
    vides = [lien for lien, v in zip(siens, valeurs, strict=True) if pd.isna(v)]
    if vides:
        return np.nan, ("non_disponible" if len(siens) > 1 else ""), "un terme de la fusion n'a pas de valeur"
    parts = [lien[2] for lien in siens]
    if any(np.isnan(part) for part in parts):
        return np.nan, "non_disponible", "commune scindée, sans clé de répartition"
    total = float(sum(float(v) * part for v, part in zip(valeurs, parts, strict=True)))
    return total, ("estime" if estime else ""), estime


def _vide(colonne: pd.Series):
    return np.nan if pd.api.types.is_float_dtype(colonne) else pd.NA


def _parts(cibles: list[str], cle: str | pd.Series | None) -> list[float]:
    if cle is None:
        return [np.nan] * len(cibles)
    poids = _poids(cle) if isinstance(cle, str) else cle
    lus = poids.reindex(cibles).astype("float64")
    total = lus.sum(skipna=False)
    return (lus / total).tolist() if total and total > 0 else [np.nan] * len(cibles)


@lru_cache(maxsize=4)
def _poids(colonne: str) -> pd.Series:
    communes = lire_table("communes")
    if colonne not in communes:
        raise DemandeFausse(f"clé de répartition inconnue : « {colonne} »",
                            attendu=f"une colonne du référentiel, par exemple {POPULATION}")
    return communes.set_index("code")[colonne]


@lru_cache(maxsize=1)
def _fusions_datees() -> list[tuple[str, str, int]]:
    return [(p.ancien, p.codes[0], p.annee) for p in _passages().values()
            if p.annee is not None and p.type == "fusion" and len(p.codes) == 1]


def _termes_manquants(presents: set[str], perdus: frozenset[str]) -> dict[str, list[str]]:
    """Fusions postérieures à la table, dont la commune absorbée n'y est pas.

    La présence d'un code disparu en 2025 dit que la table est antérieure : la commune qui en a absorbé
    une autre cette année-là n'a, seule, qu'une partie de son territoire d'aujourd'hui.
    """
    annees = [p.annee for code in presents if (p := _passages().get(code)) is not None
              and p.annee is not None and not p.se_partage]
    manquants: dict[str, list[str]] = {}
    for code in perdus:
        passage = _passages().get(code)
        if passage is not None and not passage.se_partage and passage.codes[0] in presents:
            manquants.setdefault(passage.codes[0], []).append(code)
    if not annees:
        return manquants
    # Tout ce qui a changé à partir de la plus récente disparition encore présente est postérieur.
    limite = max(annees)
    for ancien, cible, annee in _fusions_datees():
        if annee >= limite and cible in presents and ancien not in presents | perdus:
            manquants.setdefault(cible, []).append(ancien)
    return manquants


@lru_cache(maxsize=1)
def _arrondissements() -> dict[str, list[str]]:
    communes = lire_table("communes", colonnes=["code", "type", "commune_mere"])
    arrondissements = communes[communes["type"] == "ARM"]
    return {ville: sorted(g["code"]) for ville, g in arrondissements.groupby("commune_mere")}


def _avec_villes(table: pd.DataFrame, groupes: list[str], additives: list[str]) -> pd.DataFrame:
    ajouts = []
    for ville, codes in _arrondissements().items():
        leurs = table[table["code"].isin(codes)]
        if leurs.empty:
            continue
        tranches = leurs.groupby(groupes, dropna=False) if groupes else [((), leurs)]
        publiee = table[table["code"].eq(ville)]
        for valeur, tranche in tranches:
            cles = valeur if isinstance(valeur, tuple) else (valeur,)
            deja = pd.Series(True, index=publiee.index)
            for colonne, v in zip(groupes, cles, strict=True):
                deja &= publiee[colonne].eq(v) if not pd.isna(v) else publiee[colonne].isna()
            if len(tranche) == len(codes) and not deja.any() and additives:
                ajouts.append({"code": ville, **dict(zip(groupes, cles, strict=True)),
                               **{c: tranche[c].sum(skipna=False) for c in additives}})
    if not ajouts:
        return table
    neuves = pd.DataFrame(ajouts).reindex(columns=table.columns).astype(table.dtypes.to_dict())
    return pd.concat([table, neuves], ignore_index=True)


# --- Les seules communes qu'un passage touche ---


@lru_cache(maxsize=1)
def mouvants() -> frozenset[str]:
    """Codes que le passage touche : anciens, communes d'arrivée, arrondissements et leurs villes."""
    passage = lire_table("passage_cog", colonnes=["code_ancien", "code"])
    communes = lire_table("communes", colonnes=["code", "commune_mere"]).dropna()
    return frozenset(passage["code_ancien"]) | frozenset(passage["code"]) | frozenset(communes["code"]) | frozenset(
        communes["commune_mere"])


def ramener(table: pd.DataFrame, **reglages) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Comme :func:`tout_ramener`, sur les seules communes qu'un passage peut toucher."""
    rangs, uniques = pd.factorize(table["code"])
    distincts = set(uniques)
    if len(distincts) == len(table) and not reglages.get("perdus") and deja_au_cog(distincts):
        rien = pd.DataFrame(columns=["code", "colonne", "statut", "motif"], dtype="str")
        return table.sort_values("code", kind="stable", ignore_index=True), a_jour([]), rien
    touches, connus = mouvants(), communes_connues()
    concernes = (distincts & touches) | (distincts - connus)
    a_traiter = np.array([c in concernes for c in uniques], dtype=bool)[rangs]
    resultat, passages, statuts = tout_ramener(table[a_traiter].reset_index(drop=True), **reglages)
    reunis = pd.concat([table[~a_traiter], resultat[table.columns.tolist()]], ignore_index=True)
    return trier_par(reunis, "code"), passages, statuts


def trier_par(table: pd.DataFrame, *cles: str) -> pd.DataFrame:
    """La table dans l'ordre de ces colonnes, sans index : des rangs se comparent bien plus vite que des textes.

    >>> trier_par(pd.DataFrame({"code": ["b", "a", "a"], "an": [1, 2, 1]}), "code", "an")["an"].tolist()
    [1, 2, 1]
    """
    rangs = [pd.factorize(table[c], sort=True)[0] for c in reversed(cles)]
    return table.take(np.lexsort(rangs)).reset_index(drop=True)


def reunir_classes(avant: pd.DataFrame, apres: pd.DataFrame, statuts: pd.DataFrame, classes: list[str], *,
                    jointes: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rend aux communes fusionnées le classement que leurs parties partagent."""
    destin = a_jour(avant["code"]).set_axis(avant.index)
    # Sans la commune qui a gardé son code, une partie du territoire n'est pas connue.
    arrivee = destin["code_actuel"].where(destin["statut"].isin(["actuel", "passe"]))
    entieres = set(avant["code"]) - {c for c, m in zip(statuts["code"], statuts["motif"], strict=True)
                                     if "manque" in m}
    touches = arrivee.isin(set(statuts["code"]) & entieres)
    groupes = {code: rangs for code, rangs in arrivee[touches].groupby(arrivee[touches]).groups.items()}
    regles = set()
    for nom in classes:
        for code in set(statuts.loc[statuts["colonne"].eq(nom), "code"]) & set(groupes):
            parties = avant.loc[groupes[code], nom]
            valeurs = sorted(set(parties.dropna()))
            if parties.isna().any() or not valeurs or (len(valeurs) > 1 and not jointes):
                continue
            apres.loc[apres["code"].eq(code), nom] = valeurs[0] if len(valeurs) == 1 else " / ".join(valeurs)
            regles.add((nom, code))
    reste = [paire not in regles for paire in zip(statuts["colonne"], statuts["code"], strict=True)]
    return apres, statuts[np.array(reste, dtype=bool)]
