"""Remplir d'avance le cube des mesures : les rapports suivants n'ont plus qu'à le lire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from cafdiag.donnees import tables_assemblees as tables_donnees
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.indicateurs.comparables import empechement
from cafdiag.indicateurs.comparaison import membres_de
from cafdiag.indicateurs.cube import garder
from cafdiag.indicateurs.mesures import annees_disponibles, mesurer_une_fois
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.tables_calcul import Tables
from cafdiag.territoires import lister, territoire

_MAILLES = ("france", "region", "departement", "epci")
# Les mailles dont on cherche les semblables : leurs critères se calculent pour toutes à la fois.
_SEMBLABLES = ("epci", "departement", "commune")


def preparer(
    *,
    series: Sequence[str],
    communes: Sequence[str],
    indicateurs: Sequence[str] | None = None,
    dire: Callable[[str], None] = lambda _: None,
) -> bool:
    """Mesure la France, ses régions, ses départements et ses EPCI.

    Parameters
    ----------
    series : sequence of str
        Indicateurs à mesurer toutes les années.
    communes : sequence of str
        Indicateurs à mesurer dans chaque commune.
    indicateurs : sequence of str, optional
        Indicateurs à mesurer ; tous par défaut.
    dire : callable
        Reçoit une phrase par étape.

    Returns
    -------
    bool
        Faux, sans rien mesurer, si l'entrepôt contient du confidentiel : rien n'en est gardé.
    """
    if confidentielles():
        return False
    etat, tables = tables_donnees.etat(), Tables.lire(None)

    def mesurer(mailles: Sequence[str], codes: Sequence[str] | None, annee: int | None) -> pd.DataFrame:
        lieux = [membres_de(maille, lister(maille)["code"].tolist()) for maille in mailles]
        territoires, appartenances = (list(t) for t in zip(*lieux, strict=True))
        return mesurer_une_fois(
            pd.concat(territoires),
            pd.concat(appartenances, ignore_index=True),
            None if codes is None else list(codes),
            tables,
            annee=annee,
            options=None,
            remplir=True,
        )

    dire("comparables")
    for maille in _SEMBLABLES:
        empechement(territoire(f"{maille}:{lister(maille)['code'].iloc[0]}"))
    dire("mesures")
    table = mesurer(_MAILLES, indicateurs, None)
    dire("années")
    for annee, codes in _autres_annees(table, series).items():
        mesurer(_MAILLES, codes, annee)
    dire("communes")
    if communes:
        mesurer(["commune"], communes, None)
    garder(tables, Options(), etat)
    return True


def _autres_annees(table: pd.DataFrame, series: Sequence[str]) -> dict[int, list[str]]:
    """Par année, les indicateurs qu'une comparaison à date égale y demandera, et ceux des séries."""
    connues = table[table["valeur"].notna() & table["annee"].notna()]
    trouvees = {str(code): sorted(int(a) for a in set(g)) for code, g in connues.groupby("indicateur")["annee"]}
    par_code = {code: annees for code, annees in trouvees.items() if len(annees) > 1}
    par_code |= {code: annees_disponibles(code) for code in series}
    rendues: dict[int, list[str]] = {}
    for code, annees in par_code.items():
        for annee in annees:
            rendues.setdefault(annee, []).append(code)
    return rendues
