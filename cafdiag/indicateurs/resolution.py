"""Résoudre une grandeur publiée à plusieurs mailles : celle demandée, sinon une somme complète de plus fines.

Ce qui est publié à une maille ne se découpe jamais : la valeur d'un EPCI ne dit rien d'une de ses communes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from cafdiag.geographie import autre, geographie
from cafdiag.territoires import membres

# De la plus large à la plus fine : ce qui est publié l'emporte sur une somme de plus petits.
_UNITES = ("region", "departement", "epci")
_DANS = {"epci": "à l'EPCI", "departement": "au département", "region": "à la région"}


def _unites() -> dict[str, str]:
    """Les mailles dont on somme les publications, et comment les dire ; les EPCI de l'autre géographie en dernier."""
    annee = autre(geographie())
    return {m: _DANS[m] for m in _UNITES} | {f"epci_{annee}": f"à l'EPCI de {annee}"}


@lru_cache(maxsize=8)
def _unite_des_communes(maille: str) -> pd.Series:
    """Code de l'unité de cette maille, par commune."""
    return membres(maille).dropna(subset=["code"]).drop_duplicates("commune").set_index("commune")["code"]


@lru_cache(maxsize=8)
def _tailles(maille: str) -> dict[str, int]:
    return _unite_des_communes(maille).value_counts().to_dict()


def equivalents(territoires: pd.DataFrame, appartenance: pd.DataFrame) -> pd.DataFrame:
    """Maille et code officiels de chaque territoire ; un périmètre qui est tout un EPCI en prend le code.

    Parameters
    ----------
    territoires : DataFrame
        ``maille``, ``officiel``, indexés par clé.
    appartenance : DataFrame
        ``commune``, ``code`` (la clé).

    Returns
    -------
    DataFrame
        ``maille``, ``code``, même index ; un périmètre qui n'est aucun territoire officiel garde les siens.
    """
    rendu = territoires[["maille", "officiel"]].rename(columns={"officiel": "code"})
    libres = territoires.index[territoires["maille"].eq("perimetre")]
    if not len(libres):
        return rendu
    siennes = appartenance.loc[appartenance["code"].isin(libres), ["commune", "code"]].drop_duplicates()
    combien = siennes["code"].value_counts()
    # La première qui convient l'emporte : écrite en dernier.
    mailles = ("epci", "departement", "region", f"epci_{autre(geographie())}")
    for maille in (*mailles, "commune")[::-1]:
        de_l_unite = siennes["commune"]
        if maille != "commune":
            de_l_unite = de_l_unite.map(_unite_des_communes(maille))
        par_cle = de_l_unite.groupby(siennes["code"])
        seul = par_cle.first()[par_cle.nunique(dropna=False).eq(1)].dropna()
        attendu = 1 if maille == "commune" else seul.map(_tailles(maille))
        entiers = seul[combien.reindex(seul.index).eq(attendu)]
        rendu.loc[entiers.index, "maille"] = maille
        rendu.loc[entiers.index, "code"] = entiers
    return rendu


class Unites(NamedTuple):
    """Les unités d'une maille qu'un calcul rencontre, et les couples (territoire, unité) qu'elles forment.

    Attributes
    ----------
    codes : Index
        Toutes les unités de la maille.
    unite, couple : ndarray of int
        Par ligne de l'appartenance : rang de l'unité (-1 sans unité), rang du couple (le dernier, fictif, sans unité).
    territoires, unites, tailles : ndarray of int
        Par couple : rang du territoire, rang de l'unité, communes de l'unité.
    """

    codes: pd.Index
    unite: np.ndarray
    couple: np.ndarray
    territoires: np.ndarray
    unites: np.ndarray
    tailles: np.ndarray


class Emboitement:
    """Qui contient quoi, en rangs : préparé une fois, il sert à toutes les grandeurs d'un calcul.

    Parameters
    ----------
    communes : Index
        Communes de la table des grandeurs.
    appartenance : DataFrame
        ``commune``, ``code`` (la clé du territoire).
    officiels : DataFrame
        :func:`equivalents`.
    """

    def __init__(self, communes: pd.Index, appartenance: pd.DataFrame, officiels: pd.DataFrame) -> None:
        self.communes, self.cles = communes, officiels.index
        self.territoire = self.cles.get_indexer(pd.Index(appartenance["code"]))
        self.commune = communes.get_indexer(pd.Index(appartenance["commune"]))
        self.nombre = np.bincount(self.territoire, minlength=len(self.cles))
        self.mailles = officiels["maille"].unique()
        self.officiels = _reperes(officiels)
        self._noms = appartenance["commune"]
        self._unites: dict[str, Unites] = {}

    def unites(self, maille: str) -> Unites:
        """Les unités d'une maille."""
        if maille not in self._unites:
            codes = pd.Index(list(_tailles(maille)))
            unite = codes.get_indexer(pd.Index(self._noms.map(_unite_des_communes(maille))))
            cles, couple = np.unique(self.territoire * (len(codes) + 1) + unite + 1, return_inverse=True)
            territoires, unites = np.divmod(cles, len(codes) + 1)
            couple = np.where(unite < 0, len(cles), couple)
            tailles = np.append(list(_tailles(maille).values()), -1)[unites - 1]
            self._unites[maille] = Unites(codes, unite, couple, territoires, unites - 1, tailles)
        return self._unites[maille]


def _reperes(lieux: pd.DataFrame) -> pd.Index:
    return pd.Index(lieux["maille"].astype(object) + "|" + lieux["code"].astype(object))


def resoudre(publiees: pd.DataFrame, communes: pd.DataFrame, lieux: Emboitement) -> pd.DataFrame:
    """Somme par territoire d'une grandeur publiée, à une année.

    Parameters
    ----------
    publiees : DataFrame
        Publications d'une grandeur et d'une année : ``maille, code, valeur, bas, haut, source``.
    communes : DataFrame
        La grandeur commune par commune : ``valeur, bas, haut`` indexés par code (manquants là où rien n'est dit).
    lieux : Emboitement

    Returns
    -------
    DataFrame
        Par clé de territoire : ``valeur`` (manquante dès qu'un terme manque), ``connu``, ``bas``, ``haut``,
        ``n``, ``n_manquants``, ``maille_source``, ``source``, ``enferme`` (« à l'EPCI » quand la seule valeur
        connue est celle d'un territoire plus large, qui ne se découpe pas ; sinon vide).
    """
    n = len(lieux.cles)
    sommes = {c: np.zeros(n) for c in ("valeur", "bas", "haut")}
    fait = np.zeros(len(lieux.commune), dtype=bool)
    maille_source = np.full(n, "commune", dtype=object)
    enferme = np.full(n, "", dtype=object)
    sources: list[dict[str, None]] = [{} for _ in range(n)]
    connues = publiees[publiees["valeur"].notna()]
    for maille, dite in _unites().items():
        siennes = connues[connues["maille"].eq(maille)]
        if siennes.empty:
            continue
        unites = lieux.unites(maille)
        place = _places(unites.codes, siennes["code"])
        libres = ~fait & (place[unites.unite] >= 0)
        combien = np.bincount(unites.couple[libres], minlength=len(unites.tailles))[: len(unites.tailles)]
        vus = np.flatnonzero(combien)
        entier = combien[vus] == unites.tailles[vus]
        enferme[unites.territoires[vus[~entier]]] = dite
        pris = vus[entier]
        t, lus = unites.territoires[pris], place[unites.unites[pris]]
        for colonne in sommes:
            np.add.at(sommes[colonne], t, siennes[colonne].to_numpy(dtype=float)[lus])
        maille_source[t] = maille.partition("_")[0]
        _citer(sources, t, siennes["source"].to_numpy(dtype=object)[lus])
        marques = np.zeros(len(unites.tailles) + 1, dtype=bool)
        marques[pris] = True
        fait |= libres & marques[unites.couple]
    t, rang = lieux.territoire[~fait], lieux.commune[~fait]
    termes = {c: np.append(communes[c].to_numpy(dtype=float), np.nan)[rang] for c in sommes}
    manque = np.isnan(termes["valeur"])
    np.add.at(sommes["valeur"], t, np.where(manque, 0.0, termes["valeur"]))
    np.add.at(sommes["bas"], t, np.where(np.isnan(termes["bas"]), 0.0, termes["bas"]))
    np.add.at(sommes["haut"], t, np.where(np.isnan(termes["haut"]), np.inf, termes["haut"]))
    manquants = np.bincount(t, weights=manque, minlength=n).astype(int)
    _directes(connues, lieux, sommes, manquants, maille_source, sources)
    citees = publiees[publiees["maille"].eq("commune")]
    if len(citees):
        place = _places(lieux.communes, citees["code"])[np.where(manque, -1, rang)]
        _citer(sources, t[place >= 0], citees["source"].to_numpy(dtype=object)[place[place >= 0]])
    complet = manquants == 0
    return pd.DataFrame(
        {
            "valeur": np.where(complet, sommes["valeur"], np.nan),
            "connu": sommes["valeur"],
            "bas": sommes["bas"],
            "haut": np.where(complet, sommes["haut"], np.inf),
            "n": lieux.nombre,
            "n_manquants": manquants,
            "maille_source": maille_source,
            "source": [" ; ".join(list(s)[:3]) for s in sources],
            "enferme": np.where(complet, "", enferme),
        },
        index=lieux.cles,
    )


def _places(tous: pd.Index, codes: pd.Series) -> np.ndarray:
    """Par rang dans ``tous``, la place de ce code parmi ``codes`` ; -1 s'il n'y est pas, et au rang -1."""
    rangs = tous.get_indexer(pd.Index(codes))
    places = np.full(len(tous) + 1, -1)
    places[rangs[rangs >= 0]] = np.flatnonzero(rangs >= 0)
    return places


def _citer(sources: list[dict[str, None]], rangs: np.ndarray, citees: np.ndarray) -> None:
    """Ajoute à chaque territoire les sources qu'il cite, dans l'ordre, sans répéter."""
    numeros, dites = pd.factorize(citees)
    for cle in pd.unique(rangs * (len(dites) + 1) + numeros):
        t, numero = divmod(int(cle), len(dites) + 1)
        sources[t].setdefault(dites[numero], None)


def _directes(
    connues: pd.DataFrame,
    lieux: Emboitement,
    sommes: dict[str, np.ndarray],
    manquants: np.ndarray,
    maille_source: np.ndarray,
    sources: list[dict[str, None]],
) -> None:
    """La valeur publiée à la maille même du territoire passe avant toute somme."""
    connues = connues[connues["maille"].isin(lieux.mailles)]
    place = _reperes(connues).get_indexer(lieux.officiels)
    rangs = np.flatnonzero(place >= 0)
    lues = connues.iloc[place[rangs]]
    for colonne in sommes:
        sommes[colonne][rangs] = lues[colonne]
    manquants[rangs] = 0
    maille_source[rangs] = [m.partition("_")[0] for m in lues["maille"]]
    for rang, source in zip(rangs, lues["source"], strict=True):
        sources[rang] = {source: None}


def lire_a_la_maille(publiees: pd.DataFrame, officiels: pd.DataFrame) -> pd.DataFrame:
    """Publications à la maille même de chaque territoire : même index, manquantes là où rien n'est publié."""
    cles = pd.MultiIndex.from_frame(officiels[["maille", "code"]])
    trouvees = publiees.set_index(["maille", "code"]).reindex(cles)
    return trouvees.reset_index().set_axis(officiels.index)
