"""Résoudre une grandeur publiée à plusieurs mailles : celle demandée, sinon une somme complète de plus fines.

Ce qui est publié à une maille ne se découpe jamais : la valeur d'un EPCI ne dit rien d'une de ses communes.
"""

from __future__ import annotations

from functools import lru_cache

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


def resoudre(
    publiees: pd.DataFrame,
    communes: pd.DataFrame,
    appartenance: pd.DataFrame,
    officiels: pd.DataFrame,
) -> pd.DataFrame:
    """Somme par territoire d'une grandeur publiée, à une année.

    Parameters
    ----------
    publiees : DataFrame
        Publications d'une grandeur et d'une année : ``maille, code, valeur, bas, haut, source``.
    communes : DataFrame
        La grandeur commune par commune : ``valeur, bas, haut`` indexés par code (manquants là où rien n'est dit).
    appartenance : DataFrame
        ``commune``, ``code`` (la clé du territoire).
    officiels : DataFrame
        :func:`equivalents`.

    Returns
    -------
    DataFrame
        Même index qu'``officiels`` : ``valeur`` (manquante dès qu'un terme manque), ``connu``, ``bas``, ``haut``,
        ``n``, ``n_manquants``, ``maille_source``, ``source``, ``enferme`` (« à l'EPCI » quand la seule valeur
        connue est celle d'un territoire plus large, qui ne se découpe pas ; sinon vide).
    """
    cles = officiels.index
    lignes = pd.DataFrame(
        {
            "t": cles.get_indexer(appartenance["code"]),
            "commune": appartenance["commune"].to_numpy(dtype=object),
        }
    )
    n = len(cles)
    sommes = {c: np.zeros(n) for c in ("valeur", "bas", "haut")}
    fait = np.zeros(len(lignes), dtype=bool)
    maille_source = np.full(n, "commune", dtype=object)
    enferme = np.full(n, "", dtype=object)
    sources: list[dict[str, None]] = [{} for _ in range(n)]
    for maille, dite in _unites().items():
        unites = publiees[publiees["maille"].eq(maille) & publiees["valeur"].notna()].set_index("code")
        if unites.empty:
            continue
        code = lignes["commune"].map(_unite_des_communes(maille))
        libres = ~fait & code.isin(unites.index).to_numpy()
        dedans = pd.DataFrame({"t": lignes["t"][libres], "u": code[libres]}).value_counts().reset_index()
        entier = dedans["count"].to_numpy() == dedans["u"].map(_tailles(maille)).to_numpy()
        enferme[dedans["t"][~entier]] = dite
        pris = dedans[entier]
        for colonne in sommes:
            np.add.at(sommes[colonne], pris["t"], pris["u"].map(unites[colonne]).to_numpy(dtype=float))
        maille_source[pris["t"]] = maille.partition("_")[0]
        _citer(sources, pris["t"], pris["u"].map(unites["source"]))
        couples, entiers = (
            t.to_numpy() * len(unites) + unites.index.get_indexer(pd.Index(u))
            for t, u in ((lignes["t"][libres], code[libres]), (pris["t"], pris["u"]))
        )
        fait[libres] = np.isin(couples, entiers)
    reste = lignes[~fait]
    rang = communes.index.get_indexer(pd.Index(reste["commune"]))
    t = reste["t"].to_numpy()
    termes = {c: np.append(communes[c].to_numpy(dtype=float), np.nan)[rang] for c in sommes}
    manque = np.isnan(termes["valeur"])
    np.add.at(sommes["valeur"], t, np.where(manque, 0.0, termes["valeur"]))
    np.add.at(sommes["bas"], t, np.where(np.isnan(termes["bas"]), 0.0, termes["bas"]))
    np.add.at(sommes["haut"], t, np.where(np.isnan(termes["haut"]), np.inf, termes["haut"]))
    manquants = np.bincount(t, weights=manque, minlength=n).astype(int)
    _directes(publiees, officiels, sommes, manquants, maille_source, sources)
    citees = publiees[publiees["maille"].eq("commune")].set_index("code")["source"]
    rang = citees.index.get_indexer(pd.Index(reste["commune"][~manque]))
    _citer(sources, t[~manque][rang >= 0], citees.to_numpy()[rang[rang >= 0]])
    complet = manquants == 0
    return pd.DataFrame(
        {
            "valeur": np.where(complet, sommes["valeur"], np.nan),
            "connu": sommes["valeur"],
            "bas": sommes["bas"],
            "haut": np.where(complet, sommes["haut"], np.inf),
            "n": np.bincount(lignes["t"], minlength=n),
            "n_manquants": manquants,
            "maille_source": maille_source,
            "source": [" ; ".join(list(s)[:3]) for s in sources],
            "enferme": np.where(complet, "", enferme),
        },
        index=cles,
    )


def _citer(sources: list[dict[str, None]], rangs: np.ndarray | pd.Series, citees: np.ndarray | pd.Series) -> None:
    """Ajoute à chaque territoire les sources qu'il cite, dans l'ordre, sans répéter."""
    paires = pd.DataFrame({"t": np.asarray(rangs), "source": np.asarray(citees)}).drop_duplicates()
    for t, source in zip(paires["t"], paires["source"], strict=True):
        sources[t].setdefault(source, None)


def _directes(
    publiees: pd.DataFrame,
    officiels: pd.DataFrame,
    sommes: dict[str, np.ndarray],
    manquants: np.ndarray,
    maille_source: np.ndarray,
    sources: list[dict[str, None]],
) -> None:
    """La valeur publiée à la maille même du territoire passe avant toute somme."""
    trouvees = lire_a_la_maille(publiees, officiels)
    for rang in np.flatnonzero(trouvees["valeur"].notna().to_numpy()):
        ligne = trouvees.iloc[rang]
        for colonne in sommes:
            sommes[colonne][rang] = ligne[colonne]
        manquants[rang] = 0
        maille_source[rang] = ligne["maille"].partition("_")[0]
        sources[rang] = {ligne["source"]: None}


def lire_a_la_maille(publiees: pd.DataFrame, officiels: pd.DataFrame) -> pd.DataFrame:
    """Publications à la maille même de chaque territoire : même index, manquantes là où rien n'est publié."""
    cles = pd.MultiIndex.from_frame(officiels[["maille", "code"]])
    trouvees = publiees.set_index(["maille", "code"]).reindex(cles)
    return trouvees.reset_index().set_axis(officiels.index)
