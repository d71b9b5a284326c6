"""Ramener au COG de 2025 les seules communes qu'un passage touche, et réunir leurs classements."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import cog
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour


@lru_cache(maxsize=1)
def communes_et_anciennes() -> frozenset[str]:
    """Codes actuels (communes et arrondissements) et anciens codes connus."""
    actuels = lire_table("communes", colonnes=["code"])["code"]
    return frozenset(actuels) | frozenset(lire_table("passage_cog", colonnes=["code_ancien"])["code_ancien"])


@lru_cache(maxsize=1)
def mouvants() -> frozenset[str]:
    """Codes que le passage touche : anciens, communes d'arrivée, arrondissements et leurs villes."""
    passage = lire_table("passage_cog", colonnes=["code_ancien", "code"])
    communes = lire_table("communes", colonnes=["code", "commune_mere"]).dropna()
    return frozenset(passage["code_ancien"]) | frozenset(passage["code"]) | frozenset(communes["code"]) | frozenset(
        communes["commune_mere"])


def ramener(table: pd.DataFrame, **reglages) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Comme :func:`cafdiag.donnees.cog.ramener`, sur les seules communes qu'un passage peut toucher."""
    rangs, uniques = pd.factorize(table["code"])
    distincts = set(uniques)
    if len(distincts) == len(table) and not reglages.get("perdus") and cog.deja_au_cog(distincts):
        rien = pd.DataFrame(columns=["code", "colonne", "statut", "motif"], dtype="str")
        return table.sort_values("code", kind="stable", ignore_index=True), a_jour([]), rien
    touches, connus = mouvants(), communes_et_anciennes()
    concernes = (distincts & touches) | (distincts - connus)
    a_traiter = np.array([c in concernes for c in uniques], dtype=bool)[rangs]
    resultat, passages, statuts = cog.ramener(table[a_traiter].reset_index(drop=True), **reglages)
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
