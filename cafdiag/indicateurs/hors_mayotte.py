"""La France hors Mayotte : ce qu'on donne quand une source ne dit rien de Mayotte, et qui se dit.

Dix-sept communes ne font pas taire la référence de tous les tableaux ; elles ne se comptent pas non plus pour rien.
Numérateur et dénominateur sont alors tous deux hors Mayotte : la France est calculée une seconde fois, sans elle.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# La maille de la seconde France : aucune source ne publie pour elle.
MAILLE = "france hors mayotte"
HORS_MAYOTTE = "hors Mayotte"
SANS_POPULATION = f"{HORS_MAYOTTE}, sans population annuelle publiée"
SANS_TAUX = f"{HORS_MAYOTTE}, où la Cnaf ne publie pas de taux"
SANS_DONNEE = f"{HORS_MAYOTTE}, où la donnée manque"
_DEPARTEMENT = "976"


def avec_la_france_sans_mayotte(
    territoires: pd.DataFrame, appartenance: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Territoires et appartenance, suivis d'une France sans Mayotte par France demandée.

    Examples
    --------
    >>> france = pd.DataFrame({"maille": "france", "officiel": "FR", "nom": "France"}, index=["FR"])
    >>> communes = pd.DataFrame({"commune": ["53012", "97608"], "code": "FR"})
    >>> suivis = avec_la_france_sans_mayotte(france, communes)
    >>> [t.index.tolist() for t in suivis[:1]], suivis[1]["commune"].tolist()
    ([['FR', 'FR hors Mayotte']], ['53012', '97608', '53012'])
    """
    cles = territoires.index[territoires["maille"].eq("france")]
    if not len(cles):
        return territoires, appartenance
    noms = {cle: f"{cle} {HORS_MAYOTTE}" for cle in cles}
    secondes = territoires.loc[cles].assign(maille=MAILLE).rename(index=noms)
    siennes = appartenance[
        appartenance["code"].isin(cles) & ~appartenance["commune"].astype(str).str.startswith(_DEPARTEMENT)
    ]
    siennes = siennes.assign(code=siennes["code"].map(noms))
    return pd.concat([territoires, secondes]), pd.concat([appartenance, siennes], ignore_index=True)


def completer_la_france(
    mesure: dict[str, np.ndarray | str | float], mailles: np.ndarray, *, population: bool
) -> dict[str, np.ndarray | str | float]:
    """Les mesures d'un indicateur, la France muette prenant le chiffre de la seconde, et le disant.

    Parameters
    ----------
    mesure : dict
        Une colonne par champ : un tableau aligné sur les territoires, ou une valeur pour tous.
    mailles : array
        Maille de chaque territoire ; les secondes France sont les dernières.
    population : bool
        Vrai si ce qui manque à Mayotte est sa population.
    """
    secondes = np.flatnonzero(mailles == MAILLE)
    if not len(secondes):
        return mesure
    nombre = len(mailles) - len(secondes)
    statuts, valeurs, motifs = (mesure[c] for c in ("statut", "valeur", "motif"))
    if isinstance(statuts, np.ndarray) and isinstance(valeurs, np.ndarray) and isinstance(motifs, np.ndarray):
        premieres = np.flatnonzero(mailles == "france")
        motif = SANS_POPULATION if population else SANS_DONNEE
        for ici, la in zip(premieres, secondes, strict=True):
            if statuts[ici] != "non_disponible" or np.isnan(valeurs[la]):
                continue
            for colonne in (c for c in mesure.values() if isinstance(c, np.ndarray)):
                colonne[ici] = colonne[la]
            motifs[ici] = " ; ".join(m for m in (motif, motifs[la]) if m)
    return {nom: c[:nombre] if isinstance(c, np.ndarray) else c for nom, c in mesure.items()}
