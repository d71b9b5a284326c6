"""L'année d'un fichier qui ne la dit pas : à ses chiffres, sinon à son nom."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.donnees.lecteurs.assemblage import refuser
from cafdiag.magasin import lire_table

if TYPE_CHECKING:
    from cafdiag.donnees.lecteurs.assemblage import Chantier


def siecle(an: str) -> int:
    """Année à quatre chiffres d'un suffixe de l'Insee.

    >>> siecle("22"), siecle("1999"), siecle("68")
    (2022, 1999, 1968)
    """
    valeur = int(an)
    return valeur if valeur > 99 else valeur + (2000 if valeur < 60 else 1900)


def annee_des_chiffres(population: pd.Series) -> int | None:
    """Millésime d'une population par commune que rien ne date : celui du référentiel qu'elle égale.

    Parameters
    ----------
    population : Series indexed by code
        Au COG du fichier ; les codes qui ont changé ne comptent pas.

    Returns
    -------
    int or None
        L'année dont au moins 9 communes sur 10 ont la même population (à l'arrondi des IRIS près).
    """
    referentiel = lire_table("communes").set_index("code")
    annees = sorted(int(c[-4:]) for c in referentiel if re.fullmatch(r"population_\d{4}", c))
    scores: dict[int, float] = {}
    for an in annees:
        paire = pd.concat([population, referentiel[f"population_{an}"].astype("float64")], axis=1,
                          join="inner").dropna()
        if len(paire) < 5:
            continue
        ecart = (paire.iloc[:, 0] - paire.iloc[:, 1]).abs()
        scores[an] = float((ecart <= 2).mean())
    meilleure = max(scores, key=lambda an: scores[an], default=None)
    return meilleure if meilleure is not None and scores[meilleure] >= 0.9 else None


def annee_du_nom(fichier: str) -> int | None:
    """Année écrite dans un nom de fichier, s'il n'y en a qu'une plausible (la dernière sinon)."""
    annees = [int(a) for a in re.findall(r"(?<!\d)(20[0-4]\d)(?!\d)", fichier)]
    annees += [2000 + int(a) for a in re.findall(r"(?<![\d])(?:bpe|rp|zrr|filo)(\d\d)(?!\d)", fichier.lower())]
    return annees[-1] if annees else None


def millesime_cache(chantier: Chantier, population: pd.Series | None = None) -> int:
    """Année d'un fichier dont aucune colonne ne la porte : par ses chiffres, sinon par son nom."""
    if chantier.annee_dite is not None:
        return chantier.annee_dite
    an = annee_des_chiffres(population) if population is not None else None
    if an is not None:
        chantier.remarques.append(f"aucune colonne ne donne l'année : {an}, reconnue à ses populations")
        return an
    an = annee_du_nom(chantier.brut.fichier)
    if an is None:
        raise refuser(chantier.brut, "aucune colonne ne donne l'année, et le nom du fichier non plus",
                      attendu="une année", conseil="mettez l'année dans le nom du fichier (…_2022.csv)")
    chantier.remarques.append(f"aucune colonne ne donne l'année : {an}, lue dans le nom du fichier")
    return an

