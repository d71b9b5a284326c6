"""Les intercommunalités d'une géographie à l'autre : un ancien SIREN mène au nouveau, un périmètre changé se dit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from cafdiag.geographie import autre, geographie
from cafdiag.territoires.referentiel import construire, fiches, table


class EpciAilleurs(NamedTuple):
    """Un EPCI de l'autre géographie : son nom, ses communes, et les EPCI en vigueur où elles sont."""

    code: str
    nom: str
    communes: tuple[str, ...]
    codes: tuple[str, ...]


@lru_cache(maxsize=1)
def epci_ailleurs() -> dict[str, EpciAilleurs]:
    """Les EPCI de l'autre géographie dont le périmètre ou le nom n'est pas celui d'aujourd'hui, par SIREN."""
    annee = autre(geographie())
    membres = table("communes")
    membres = membres[membres["type"].eq("COM")]
    noms = table("epci_ailleurs")["nom"].to_dict()
    connus = {}
    for code in noms:
        siennes = membres[membres[f"epci_{annee}"].eq(code)]
        # De celui qui en a le plus à celui qui en a le moins.
        arrivees = Counter(siennes["epci"].dropna())
        codes = tuple(sorted(arrivees, key=lambda c: (c != code, -arrivees[c], c)))
        connus[code] = EpciAilleurs(code, noms[code], tuple(sorted(siennes["code"])), codes)
    return connus


@lru_cache(maxsize=1)
def perimetres_changes() -> frozenset[str]:
    """SIREN, des deux géographies, dont le périmètre n'est pas le même dans l'une et dans l'autre."""
    return frozenset(epci_ailleurs()) | frozenset(c for e in epci_ailleurs().values() for c in e.codes)


@lru_cache(maxsize=1)
def sirens_connus() -> frozenset[str]:
    """Tous les SIREN d'EPCI, de l'une et de l'autre géographie : ce qu'un fichier peut porter sans être faux."""
    return frozenset(fiches()["epci"]) | frozenset(epci_ailleurs())


def geographie_des(codes: Iterable[str], *, defaut: int) -> int:
    """Géographie d'une liste de SIREN : celle dont elle a les codes propres, sinon celle par défaut.

    >>> geographie_des(["245701362", "200048551"], defaut=2026), geographie_des(["992367730"], defaut=2025)
    (2025, 2026)
    """
    presents, en_cours = set(codes), geographie()
    disparus = set(epci_ailleurs()) - set(fiches()["epci"])
    nouveaux = {c for e in epci_ailleurs().values() for c in e.codes} - set(epci_ailleurs())
    if presents & disparus and not presents & nouveaux:
        return autre(en_cours)
    if presents & nouveaux and not presents & disparus:
        return en_cours
    return defaut


def situer(publiees: pd.DataFrame, *, defaut: int | None = None) -> pd.DataFrame:
    """Donne à chaque ligne d'EPCI la maille de son périmètre : ``epci`` s'il est celui d'aujourd'hui.

    Grandeur par grandeur et année par année. Une ligne publiée pour un périmètre d'une autre géographie prend la
    maille ``epci_2025`` (ou ``epci_2026``) : elle se somme encore avec d'autres, jamais elle ne passe pour celle de
    l'EPCI d'aujourd'hui.

    Parameters
    ----------
    publiees : DataFrame
        ``maille``, ``code``.
    defaut : int, optional
        Géographie de ce que rien ne date ; celle en vigueur par défaut.
    """
    siennes = publiees.loc[publiees["maille"].eq("epci") & publiees["code"].isin(perimetres_changes())]
    if siennes.empty:
        return publiees
    mailles = publiees["maille"].astype(object).copy()
    cles = [c for c in ("variable", "annee", "serie") if c in siennes]
    for _, lignes in siennes.groupby(cles or siennes["maille"], dropna=False):
        annee = geographie_des(lignes["code"], defaut=defaut or geographie())
        if annee != geographie():
            mailles[lignes.index] = f"epci_{annee}"
    return publiees.assign(maille=mailles)


def _nommer(codes: Iterable[str], maille: str = "commune") -> str:
    return ", ".join(f"{code} {fiches()[maille][code].nom}" for code in codes)


def message_epci(ancien: EpciAilleurs) -> str:
    """La phrase d'un EPCI disparu dont toutes les communes sont dans un seul EPCI d'aujourd'hui.

    >>> print(message_epci(epci_ailleurs()["241200765"]))  # doctest: +NORMALIZE_WHITESPACE
    241200765 (CC de Lévézou Pareloup) n'existe plus : les données sont celles de 994579670 CC du Lévézou, qui la
    contient (EPCI 2026)
    """
    return (
        f"{ancien.code} ({ancien.nom}) n'existe plus : les données sont celles de "
        f"{_nommer(ancien.codes[:1], 'epci')}, qui la contient (EPCI {geographie()})"
    )


def message_du_perimetre(code: str) -> str:
    """Ce qui a changé dans le périmètre d'un EPCI entre les deux géographies ; vide si rien.

    >>> print(message_du_perimetre("241400860"))
    le périmètre de 241400860 CC Cœur de Nacre n'est pas celui de 2025 : avec 14062 Bény-sur-Mer
    >>> message_du_perimetre("200048551")
    ''
    """
    if code not in perimetres_changes() or code not in fiches()["epci"]:
        return ""
    siennes, avant = set(construire("epci", code).communes), epci_ailleurs().get(code)
    annee = autre(geographie())
    if avant is None:
        reunis = [e for e in epci_ailleurs().values() if code in e.codes]
        noms = ", ".join(f"{e.code} {e.nom}" for e in reunis)
        quand = ("n'existait pas", "étaient") if annee < geographie() else ("n'existe plus", "sont")
        return f"{_nommer([code], 'epci')} {quand[0]} en {annee} : ses communes {quand[1]} dans {noms}"
    venues, parties = sorted(siennes - set(avant.communes)), sorted(set(avant.communes) - siennes)
    dits = [f"{mot} {_nommer(codes)}" for mot, codes in (("avec", venues), ("sans", parties)) if codes]
    return f"le périmètre de {_nommer([code], 'epci')} n'est pas celui de {annee} : {', '.join(dits)}" if dits else ""
