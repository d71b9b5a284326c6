"""Remplir d'avance le cube des mesures : les rapports suivants n'ont plus qu'à le lire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from cafdiag.donnees import tables_assemblees as tables_donnees
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.indicateurs.comparables import empechement
from cafdiag.indicateurs.comparaison import MAILLES_AGREGEES, comparables_de_tous, membres_de, termes_d_avance
from cafdiag.indicateurs.cube import garder
from cafdiag.indicateurs.mesures import annees_disponibles, mesurer_une_fois
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.tables_calcul import Tables, un_territoire
from cafdiag.territoires import Territoire, lister, territoire

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
    """Mesure la France, ses régions, ses départements, ses EPCI, et les comparables réunis de chacun.

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
    etat, tables, choix = tables_donnees.etat(), Tables.lire(None), Options()
    dire("comparables")
    for maille in _SEMBLABLES:
        empechement(territoire(f"{maille}:{lister(maille)['code'].iloc[0]}"))
    dire("mesures")
    connus = _reunir([membres_de(maille, lister(maille)["code"].tolist()) for maille in _MAILLES])
    reunis = [comparables_de_tous(maille) for maille in MAILLES_AGREGEES]
    # Les uns après les autres : les réunis comptent dix fois chaque commune.
    vues = ["indicateur", "valeur", "annee"]
    table = pd.concat([_mesurer(lieux, indicateurs, tables, choix)[vues] for lieux in (connus, *reunis)])
    dire("années")
    for annee, codes in _autres_annees(table, series).items():
        _mesurer(connus, codes, tables, choix, annee)
    for annee, codes in _autres_annees(table, ()).items():
        for lieux in reunis:
            _mesurer(lieux, codes, tables, choix, annee)
    dire("communes")
    if communes:
        _mesurer(membres_de("commune", lister("commune")["code"].tolist()), communes, tables, choix)
    garder(tables, choix, etat)
    del tables.partage["cube", choix]
    return True


def preparer_pour(
    cibles: Sequence[Territoire],
    *,
    series: Sequence[str],
    communes: Sequence[str],
    annee: int | None = None,
    options: Options | None = None,
) -> bool:
    """Mesure d'un coup ce que montreront les rapports de ces territoires : une grandeur s'y somme une fois pour tous.

    Parameters
    ----------
    cibles : sequence of Territoire
    series : sequence of str
        Indicateurs à mesurer toutes les années, dans ces seuls territoires.
    communes : sequence of str
        Indicateurs à mesurer dans chacune de leurs communes.
    annee, options
        Voir :func:`cafdiag.indicateurs.mesurer`.

    Returns
    -------
    bool
        Faux, sans rien mesurer, si l'entrepôt contient du confidentiel : rien n'en est gardé.
    """
    if confidentielles():
        return False
    etat, tables, choix = tables_donnees.etat(), Tables.lire(None), options or Options()
    lieux = termes_d_avance(cibles)
    table = _mesurer(lieux, None, tables, choix, annee)
    if annee is None:
        for autre, codes in _autres_annees(table, ()).items():
            _mesurer(lieux, codes, tables, choix, autre)
    eux = _reunir([un_territoire(cible, cible.cle) for cible in cibles])
    for autre, codes in _par_annee({code: annees_disponibles(code) for code in series}).items():
        _mesurer(eux, codes, tables, choix, autre)
    leurs = list(dict.fromkeys(c for cible in cibles for c in cible.communes))
    _mesurer(membres_de("commune", leurs), communes, tables, choix, annee)
    garder(tables, choix, etat)
    return True


Lieux = tuple[pd.DataFrame, pd.DataFrame]


def _reunir(lieux: Sequence[Lieux]) -> Lieux:
    territoires, appartenances = zip(*lieux, strict=True)
    return pd.concat(territoires), pd.concat(appartenances, ignore_index=True)


def _mesurer(
    lieux: Lieux, codes: Sequence[str] | None, tables: Tables, options: Options, annee: int | None = None
) -> pd.DataFrame:
    """Les mesures, restées en mémoire dans le cube."""
    voulus = None if codes is None else list(codes)
    return mesurer_une_fois(*lieux, voulus, tables, annee=annee, options=options, remplir=True)


def _autres_annees(table: pd.DataFrame, series: Sequence[str]) -> dict[int, list[str]]:
    """Par année, les indicateurs qu'une comparaison à date égale y demandera, et ceux des séries."""
    connues = table[table["valeur"].notna() & table["annee"].notna()]
    trouvees = {str(code): sorted(int(a) for a in set(g)) for code, g in connues.groupby("indicateur")["annee"]}
    par_code = {code: annees for code, annees in trouvees.items() if len(annees) > 1}
    return _par_annee(par_code | {code: annees_disponibles(code) for code in series})


def _par_annee(par_code: dict[str, list[int]]) -> dict[int, list[str]]:
    rendues: dict[int, list[str]] = {}
    for code, annees in par_code.items():
        for annee in annees:
            rendues.setdefault(annee, []).append(code)
    return rendues
