"""Les mesures d'une vue, gardées en mémoire : revenir à un indicateur déjà vu ne recalcule rien."""

from __future__ import annotations

import contextlib
from functools import lru_cache

import pandas as pd

from cafdiag.donnees.tables_assemblees import etat as etat_des_tables
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import comparer, mesurer, mesurer_maille, mesurer_serie, situer
from cafdiag.indicateurs.horizon import horizon
from cafdiag.indicateurs.non_couvert import besoin
from cafdiag.indicateurs.simulation import Simulateur
from cafdiag.restitution.besoin import perspective as dire_le_besoin
from cafdiag.restitution.explorateur.etat import Etat
from cafdiag.restitution.horizon import perspective as dire_l_horizon
from cafdiag.territoires import Territoire, territoire


def comparaison(etat: Etat) -> pd.DataFrame:
    """Mesures du territoire, des références voulues et des territoires choisis.

    Returns
    -------
    DataFrame
        Colonnes de :func:`cafdiag.comparer` ; ``role`` vaut ``autre`` pour un territoire choisi. Une
        référence sans objet (la France pour la France) n'y est pas.
    """
    cible = etat.territoire
    blocs = [_comparer(cible, etat.indicateur, etat.annee, etat_des_tables())]
    roles = {"territoire", *etat.references}
    blocs[0] = blocs[0][blocs[0]["role"].isin(roles)]
    for cle in etat.autres:
        lieu = territoire(cle)
        blocs.append(_mesurer(lieu, etat.indicateur, etat.annee, etat_des_tables()).assign(role="autre"))
    return pd.concat(blocs, ignore_index=True) if len(blocs) > 1 else blocs[0].reset_index(drop=True)


def position(etat: Etat) -> dict | None:
    """Médiane des comparables et rang du territoire parmi eux ; None s'il n'en a pas ou s'ils sont tus."""
    return _situer(etat.territoire, etat.indicateur, etat.annee, etat_des_tables())


@lru_cache(maxsize=256)
def _situer(cible: Territoire, code: str, annee: int | None, _tables: tuple) -> dict | None:
    try:
        table = situer(cible, [code], annee=annee)
    except DemandeFausse:
        return None
    # Un indicateur qui sert à choisir les comparables n'y est pas situé : ce serait circulaire.
    return table.iloc[0].to_dict() if len(table) else None


def serie(etat: Etat) -> pd.DataFrame:
    """Mesures du territoire, toutes les années de l'indicateur."""
    return _serie(etat.territoire, etat.indicateur, etat_des_tables())


def de_la_maille(maille: str, codes: tuple[str, ...], etat: Etat) -> pd.DataFrame:
    """Mesures de l'indicateur pour des territoires d'une maille : ce que peint la carte."""
    return _maille(maille, codes, etat.indicateur, etat.annee, etat_des_tables())


def toutes(etat: Etat) -> pd.DataFrame:
    """Tous les indicateurs du territoire."""
    return _toutes(etat.territoire, etat_des_tables())


def simulateur(etat: Etat) -> Simulateur:
    """De quoi simuler pour le territoire, lu une fois : le curseur n'attend pas."""
    return _simulateur(etat.territoire, etat_des_tables())


def perspectives(etat: Etat) -> tuple[str, ...]:
    """Les enfants sans place, et l'horizon, en phrases ; une fois par territoire."""
    return _perspectives(etat.territoire, etat_des_tables())


# Les tables entrent dans la clé : un import de données périme ce qui a été calculé avant lui.
@lru_cache(maxsize=256)
def _comparer(cible: Territoire, code: str, annee: int | None, _tables: tuple) -> pd.DataFrame:
    return comparer(cible, [code], annee=annee)


@lru_cache(maxsize=512)
def _mesurer(cible: Territoire, code: str, annee: int | None, _tables: tuple) -> pd.DataFrame:
    return mesurer(cible, [code], annee=annee)


@lru_cache(maxsize=16)
def _toutes(cible: Territoire, _tables: tuple) -> pd.DataFrame:
    return mesurer(cible)


@lru_cache(maxsize=128)
def _serie(cible: Territoire, code: str, _tables: tuple) -> pd.DataFrame:
    return mesurer_serie(cible, code)


@lru_cache(maxsize=128)
def _maille(
    maille: str, codes: tuple[str, ...], code: str, annee: int | None, _tables: tuple
) -> pd.DataFrame:
    return mesurer_maille(maille, [code], codes=codes, annee=annee)


@lru_cache(maxsize=32)
def _perspectives(cible: Territoire, _tables: tuple) -> tuple[str, ...]:
    phrases: list[str] = []
    # Ce qui ne se calcule pas ici se tait : « cafdiag besoin » et « cafdiag horizon » disent pourquoi.
    with contextlib.suppress(DemandeFausse):
        phrases += dire_le_besoin(besoin(cible))
    with contextlib.suppress(DemandeFausse):
        phrases += dire_l_horizon(horizon(cible))
    return tuple(phrases)


@lru_cache(maxsize=8)
def _simulateur(cible: Territoire, _tables: tuple) -> Simulateur:
    return Simulateur(cible)
