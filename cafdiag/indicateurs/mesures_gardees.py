"""Une mesure, une fois : la France, une région, un voisin ne se remesurent pas tant que les données ne changent pas.

La mesure d'un territoire officiel ne dépend que de lui, des tables et des choix de calcul ; jamais des territoires
mesurés avec lui. Une exception se calcule à chaque fois : tout ce qui peut porter une donnée confidentielle, que le
secret juge ensemble. Le reste se retrouve d'un lancement à l'autre (:mod:`~cafdiag.donnees.memoire`).
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from cafdiag.donnees import memoire as sur_disque
from cafdiag.donnees import tables_assemblees as tables_donnees
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.indicateurs.dictionnaire import choisir
from cafdiag.indicateurs.mesures import mesurer_cles
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.tables_calcul import Tables

# Un bloc de tous les indicateurs pèse une centaine de ko : le vivier d'un département et ses comparables y tiennent.
_BLOCS_GARDES = 200
# Ce que tous les territoires d'un département, d'une région, de la France ont en commun.
_REFERENCES = ("departement", "region", "france")


def mesurer_une_fois(
    territoires: pd.DataFrame,
    appartenance: pd.DataFrame,
    indicateurs: list[str] | None,
    tables: Tables,
    *,
    annee: int | None,
    options: Options | None,
) -> pd.DataFrame:
    """Comme :func:`~cafdiag.indicateurs.mesures.mesurer_cles`, en reprenant ce qui a déjà été mesuré.

    Parameters
    ----------
    territoires, appartenance, indicateurs, tables, annee, options
        Voir :func:`~cafdiag.indicateurs.mesures.mesurer_cles`.

    Returns
    -------
    DataFrame
        Les mêmes mesures, dans le même ordre, à l'octet près ; une table neuve à chaque appel.
    """
    if confidentielles():
        return mesurer_cles(territoires, appartenance, indicateurs, tables, annee=annee, options=options)
    voulus = choisir(indicateurs)
    choix = (tuple(voulus), annee, options or Options())
    gardees = tables.partage.setdefault(("mesures",), {})
    cles = [(*lieu, *choix) for lieu in _lieux(territoires, appartenance)]
    neufs = [cle for cle in cles if cle not in gardees]
    if neufs:
        # Des tables apportées ou composées à la main ne valent que pour cet appel.
        etat = tables_donnees.etat() if tables is Tables.lire(None) else None

        def calculer(manquantes: list[tuple]) -> pd.DataFrame:
            lieux = territoires.iloc[[cles.index(cle) for cle in manquantes]]
            siennes = appartenance[appartenance["code"].isin(lieux.index)]
            return mesurer_cles(lieux, siennes, voulus, tables, annee=annee, options=options)

        gardees.update(_relues_ou_calculees(neufs, calculer, etat, par_lieu=len(voulus)))
    rendue = pd.concat([gardees[cle] for cle in cles], ignore_index=True)
    for ancienne in list(gardees)[:-_BLOCS_GARDES]:
        del gardees[ancienne]
    return rendue


def _relues_ou_calculees(
    cles: list[tuple], calculer: Callable[[list[tuple]], pd.DataFrame], etat: tuple | None, *, par_lieu: int
) -> dict[tuple, pd.DataFrame]:
    """Un bloc de mesures par clé : la même suite demandée avant, sinon les références déjà connues et le reste."""
    cles = list(dict.fromkeys(cles))
    if etat is None:
        return _decouper(calculer(cles), cles, par_lieu)
    if (table := sur_disque.relire(etat, tuple(cles))) is not None:
        return _decouper(table, cles, par_lieu)
    references = [cle for cle in cles if cle[0] in _REFERENCES]
    blocs = {cle: bloc for cle in references if (bloc := sur_disque.relire(etat, (cle,))) is not None}
    manquantes = [cle for cle in cles if cle not in blocs]
    if manquantes:
        blocs |= _decouper(calculer(manquantes), manquantes, par_lieu)
    if tables_donnees.etat() != etat:
        # Importé pendant le calcul : rien ne dit de quel entrepôt sont ces mesures.
        return blocs
    for cle in references if len(cles) > 1 else ():
        if cle in manquantes:
            sur_disque.garder(etat, (cle,), blocs[cle])
    sur_disque.garder(etat, tuple(cles), pd.concat([blocs[cle] for cle in cles], ignore_index=True))
    return blocs


def _decouper(table: pd.DataFrame, cles: list[tuple], par_lieu: int) -> dict[tuple, pd.DataFrame]:
    # Une copie : une tranche garderait en mémoire toute la table dont elle vient.
    return {cle: table.iloc[i * par_lieu : (i + 1) * par_lieu].copy() for i, cle in enumerate(cles)}


def _lieux(territoires: pd.DataFrame, appartenance: pd.DataFrame) -> list[tuple]:
    """Ce qui désigne chaque territoire sans équivoque ; un périmètre libre, par ses communes aussi."""
    libres = territoires.index[territoires["maille"].eq("perimetre")]
    communes = {cle: tuple(appartenance.loc[appartenance["code"].eq(cle), "commune"]) for cle in libres}
    return [(t.maille, t.officiel, t.nom, communes.get(t.Index, ())) for t in territoires.itertuples()]
