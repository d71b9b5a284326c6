"""Une mesure, une fois : la France, une région, un voisin ne se remesurent pas tant que les données ne changent pas.

La mesure d'un territoire officiel ne dépend que de lui, des tables et des choix de calcul ; jamais des territoires
mesurés avec lui. Une exception se calcule à chaque fois : tout ce qui peut porter une donnée confidentielle, que le
secret juge ensemble.
"""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.confidentialite import confidentielles
from cafdiag.indicateurs.dictionnaire import choisir
from cafdiag.indicateurs.mesures import mesurer_cles
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.tables_calcul import Tables

# Un bloc de tous les indicateurs pèse une centaine de ko : le vivier d'un département et ses comparables y tiennent.
_BLOCS_GARDES = 200


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
    neufs = [rang for rang, cle in enumerate(cles) if cle not in gardees]
    if neufs:
        lieux = territoires.iloc[neufs]
        table = mesurer_cles(
            lieux,
            appartenance[appartenance["code"].isin(lieux.index)],
            voulus,
            tables,
            annee=annee,
            options=options,
        )
        for place, rang in enumerate(neufs):
            # Une copie : une tranche garderait en mémoire toute la table dont elle vient.
            gardees[cles[rang]] = table.iloc[place * len(voulus) : (place + 1) * len(voulus)].copy()
    rendue = pd.concat([gardees[cle] for cle in cles], ignore_index=True)
    for ancienne in list(gardees)[:-_BLOCS_GARDES]:
        del gardees[ancienne]
    return rendue


def _lieux(territoires: pd.DataFrame, appartenance: pd.DataFrame) -> list[tuple]:
    """Ce qui désigne chaque territoire sans équivoque ; un périmètre libre, par ses communes aussi."""
    libres = territoires.index[territoires["maille"].eq("perimetre")]
    communes = {cle: tuple(appartenance.loc[appartenance["code"].eq(cle), "commune"]) for cle in libres}
    return [(t.maille, t.officiel, t.nom, communes.get(t.Index, ())) for t in territoires.itertuples()]
