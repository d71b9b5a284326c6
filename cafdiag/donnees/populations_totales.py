"""La population totale des communes : embarquée, importée, ou lue dans un fichier de l'utilisateur.

L'Insee authentifie chaque année, au 1er janvier, la population municipale et la population totale (municipale et
comptée à part). La seconde n'est donc jamais la plus petite.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from cafdiag.donnees.grandeurs import derniere_annee
from cafdiag.donnees.lecteurs.chantier import COMMUNE, annee_de_colonne, trouver, trouver_tout
from cafdiag.donnees.nettoyage import code_commune, nombre
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.erreurs import EntreeFautive

_TOTALE = r"ptot(_?\d+)?|p_?tot|population_?totale(_?\d+)?|pop_?tot(ale)?(_?\d+)?"
GABARIT = "population_totale_{*}"


def lire_populations_totales(chemin: str | Path, communes: Collection[str]) -> pd.Series:
    """Population totale des communes d'un territoire, lue dans un fichier (csv, xlsx, ods…), indexée par code.

    Parameters
    ----------
    chemin : path
        Deux colonnes au moins : le code de la commune (``CODGEO``, ``code``…) et la population totale (``PTOT``,
        ``population_totale``…). Il peut couvrir la France entière.
    communes : collection of str
        Codes voulus ; les autres lignes sont ignorées, une commune absente du fichier reste absente.

    Raises
    ------
    EntreeFautive
        Colonne absente ; parmi ces communes, code en double ou population qui n'est pas un entier ; aucune de ces
        communes : tous les défauts d'un coup.
    """
    brut = lire_tableau(chemin)
    # De plusieurs années, la dernière ; une colonne sans année est la seule, ou celle du fichier.
    totale = max(trouver_tout(brut.entete, _TOTALE), key=lambda c: annee_de_colonne(c) or 9999, default=None)
    codes_de = trouver(brut.entete, *COMMUNE)
    quoi = {"code de la commune": codes_de, "population totale (PTOT)": totale}
    absentes = [nom for nom, colonne in quoi.items() if colonne is None]
    if absentes:
        raise EntreeFautive(
            brut.fichier or Path(chemin).name,
            [f"colonne absente : {nom}" for nom in absentes],
            attendu="CODGEO et PTOT ; colonnes lues : " + ", ".join(brut.entete[:12]),
        )
    codes = code_commune(brut.table[codes_de]).valeurs
    valeurs, statuts = nombre(brut.table[totale])
    voulues = codes.isin(list(communes))
    fausses = voulues & (statuts.ne("exact") | valeurs.lt(0) | valeurs.mod(1).gt(0))
    defauts = [
        f"ligne {brut.lignes[i]}, commune {codes[i]} : population « {brut.table.at[i, totale]} »"
        for i in brut.table.index[fausses]
    ]
    defauts += [f"commune {code} : plusieurs lignes" for code in codes[voulues & codes.duplicated()].unique()]
    if not voulues.any():
        defauts.append("aucune des communes demandées")
    if defauts:
        raise EntreeFautive(
            brut.fichier or Path(chemin).name,
            defauts,
            attendu="un code de commune et un nombre entier d'habitants par ligne",
        )
    return pd.Series(
        valeurs[voulues].to_numpy(dtype=float), index=pd.Index(codes[voulues].astype(object), name="code")
    )


def totale_connue(communes: pd.DataFrame) -> tuple[pd.Series, int]:
    """Population totale de la table communale, et son année ; vide si aucune colonne ne la porte."""
    annee = derniere_annee(communes, GABARIT)
    if annee is None:
        return pd.Series(dtype="float64"), 0
    return communes[GABARIT.replace("{*}", str(annee))].astype("float64").dropna(), annee
