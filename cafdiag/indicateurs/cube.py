"""Le cube des mesures : une mesure se calcule une fois, et se relit d'un lancement à l'autre.

La mesure d'un territoire officiel ne dépend que de lui, des tables et des choix de calcul ; jamais des territoires
mesurés avec lui. Le cube la garde par territoire, année demandée et indicateur, en tranches d'un département, dans la
mémoire du poste (:mod:`~cafdiag.donnees.memoire`) que nomme l'empreinte des données et du code. Ce qui n'y est pas se
calcule, et s'y ajoute. Une exception se calcule à chaque fois : tout ce qui peut porter une donnée confidentielle, que
le secret juge ensemble.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cafdiag.donnees import memoire as sur_disque
from cafdiag.empreintes_du_code import sha256
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.tables_calcul import Tables, etat_de
from cafdiag.magasin import lire_table

REELS = ("valeur", "numerateur", "denominateur", "bas", "haut")
TEXTES = ("modalite", "statut", "motif", "maille_source", "source", "millesime")
COLONNES = [
    *("territoire", "nom", "maille", "indicateur", "libelle", "annee", "valeur", "modalite", "unite", "numerateur"),
    *("denominateur", "bas", "haut", "statut", "motif", "maille_source", "source", "millesime"),
]
LIEUX = {"territoire": "officiel", "nom": "nom", "maille": "maille"}
# Le code de comparables réunis est celui du territoire auquel ils ressemblent, ainsi précédé.
REUNIS = "comparables-"
# Au-delà, mesurer un indicateur partout est plus court que d'ouvrir tant de tranches.
TRANCHES_LUES = 32
# Une tranche d'un département pèse de 1 à 5 Mo une fois lue.
TRANCHES_GARDEES = 48

# Territoires, appartenance, indicateurs → leurs mesures, par territoire puis par indicateur.
Calcul = Callable[[pd.DataFrame, pd.DataFrame, list[str]], pd.DataFrame]


@dataclass(frozen=True)
class Tranche:
    """Les mesures de quelques territoires : une ligne par territoire, année demandée et indicateur connus.

    Attributes
    ----------
    lieux : dict of str to int
        Rang de chaque territoire.
    cles : array of int
        Par ligne, dans l'ordre : territoire, année demandée, indicateur.
    cellules : pyarrow.Table
        Ce qui ne se déduit pas de la clé : l'année trouvée, les nombres, les textes.
    """

    lieux: dict[str, int]
    cles: np.ndarray
    cellules: pa.Table

    @classmethod
    def relue(cls, table: pa.Table) -> Tranche:
        """La tranche que :meth:`a_garder` a écrite."""
        lieux = {lieu: rang for rang, lieu in enumerate(table["lieu"].combine_chunks().dictionary.to_pylist())}
        rangs = table["lieu"].combine_chunks().indices.to_numpy()
        cles = _cles(rangs, table["demandee"].to_numpy(), table["indicateur"].to_numpy())
        return cls(lieux, cles, table.drop_columns(["lieu", "demandee", "indicateur"]))

    @cached_property
    def colonnes(self) -> dict[str, np.ndarray]:
        """Les cellules en tableaux, textes par leur rang : prendre quelques lignes n'y déplie pas la tranche."""
        lues: dict[str, np.ndarray] = {nom: self.cellules[nom].to_numpy() for nom in REELS}
        annees = self.cellules["annee"]
        lues["annee"] = annees.fill_null(0).to_numpy().astype(np.int64)
        lues["sans_annee"] = annees.is_null().to_numpy()
        for nom in TEXTES:
            textes = self.cellules[nom].combine_chunks()
            lues[nom] = textes.indices.to_numpy()
            lues[f"{nom} dits"] = np.array(textes.dictionary.to_pylist(), dtype=object)
        return lues

    def prendre(self, lignes: np.ndarray) -> dict[str, np.ndarray]:
        """Quelques lignes, les textes écrits."""
        lues = self.colonnes
        prises = {nom: lues[nom][lignes] for nom in ("annee", "sans_annee", *REELS)}
        return prises | {nom: lues[f"{nom} dits"][lues[nom][lignes]] for nom in TEXTES}

    def a_garder(self) -> pa.Table:
        """La même, en colonnes."""
        rangs = pa.DictionaryArray.from_arrays(pa.array((self.cles >> 22).astype("int32")), list(self.lieux))
        table = self.cellules.append_column("lieu", rangs)
        table = table.append_column("demandee", pa.array((self.cles >> 10 & 4095).astype("int16")))
        return table.append_column("indicateur", pa.array((self.cles & 1023).astype("int16")))

    def chercher(self, lieux: list[str], demandee: int, indicateurs: np.ndarray) -> np.ndarray:
        """Rang de chaque mesure, territoires en lignes, indicateurs en colonnes ; -1 si elle n'y est pas."""
        rangs = np.array([self.lieux.get(lieu, -1) for lieu in lieux], dtype=np.int64)
        voulues = _cles(rangs[:, None], demandee, indicateurs[None, :])
        places = np.searchsorted(self.cles, voulues)
        trouvees = np.append(self.cles, -1)[places] == voulues
        return np.where(trouvees & (rangs >= 0)[:, None], places, -1)

    def ajouter(self, lieux: list[str], demandee: int, indicateurs: np.ndarray, cellules: pa.Table) -> Tranche:
        """La tranche et de nouvelles cellules, par territoire puis par indicateur ; l'ancienne l'emporte."""
        nouveaux = [lieu for lieu in lieux if lieu not in self.lieux]
        tous = self.lieux | {lieu: rang for rang, lieu in enumerate(nouveaux, start=len(self.lieux))}
        rangs = np.array([tous[lieu] for lieu in lieux], dtype=np.int64)
        neuves = _cles(rangs[:, None], demandee, indicateurs[None, :]).ravel()
        cles, premiers = np.unique(np.concatenate([self.cles, neuves]), return_index=True)
        reunies = pa.concat_tables([self.cellules, cellules]).unify_dictionaries().combine_chunks()
        return Tranche(tous, cles, reunies.take(pa.array(premiers)))


def _cles(lieux: np.ndarray, demandee: np.ndarray | int, indicateurs: np.ndarray) -> np.ndarray:
    return (
        np.asarray(lieux, dtype=np.int64) << 22
        | np.asarray(demandee, dtype=np.int64) << 10
        | np.asarray(indicateurs, dtype=np.int64)
    )


def _en_cellules(mesures: pd.DataFrame) -> pa.Table:
    colonnes = {"annee": pa.array(mesures["annee"], type=pa.int32(), from_pandas=True)}
    colonnes |= {nom: pa.array(mesures[nom].to_numpy()) for nom in REELS}
    for nom in TEXTES:
        rangs, uniques = pd.factorize(mesures[nom])
        textes = pa.array(list(uniques), type=pa.string())
        colonnes[nom] = pa.DictionaryArray.from_arrays(pa.array(rangs.astype("int32")), textes)
    return pa.table(colonnes)


def _prises(cellules: pa.Table, lignes: np.ndarray) -> pa.Table:
    """Quelques lignes, avec leurs seuls textes : une tranche ne porte pas ceux des autres."""
    prises = cellules.take(pa.array(lignes))
    for nom in TEXTES:
        textes = prises[nom].combine_chunks().dictionary_decode().dictionary_encode()
        prises = prises.set_column(prises.column_names.index(nom), nom, textes)
    return prises


_VIDE = Tranche(
    {},
    np.empty(0, dtype=np.int64),
    pa.schema(
        [
            ("annee", pa.int32()),
            *((nom, pa.float64()) for nom in REELS),
            *((nom, pa.dictionary(pa.int32(), pa.string())) for nom in TEXTES),
        ]
    ).empty_table(),
)


def reprendre(
    territoires: pd.DataFrame,
    appartenance: pd.DataFrame,
    indicateurs: list[str],
    tables: Tables,
    *,
    annee: int | None,
    options: Options,
    calculer: Calcul,
    remplir: bool = False,
) -> pd.DataFrame:
    """Les mesures de ``calculer``, à l'octet près, en reprenant ce qui a déjà été mesuré.

    Parameters
    ----------
    territoires, appartenance, indicateurs, tables, annee, options
        Voir :func:`~cafdiag.indicateurs.mesures.mesurer_cles`.
    calculer : callable
        Mesure des territoires que le cube n'a pas encore.
    remplir : bool
        Toutes les tranches, si nombreuses soient-elles, restent en mémoire jusqu'à :func:`garder`.

    Returns
    -------
    DataFrame
        Par territoire, dans l'ordre donné, puis par indicateur ; une table neuve à chaque appel.
    """
    lieux = _lieux(territoires, appartenance)
    groupes = _groupes(territoires, lieux)
    # Zéro : la dernière année de chaque indicateur.
    demandee = annee or 0
    trop = len(set(groupes)) > TRANCHES_LUES and not remplir
    if trop or not groupes or annee == 0 or not 0 <= demandee < 4096:
        return calculer(territoires, appartenance, indicateurs)
    # Des tables apportées ou composées à la main ne valent que pour cet appel.
    etat = etat_de(tables)
    gardees = tables.partage.setdefault(("cube", options), {})
    tranches = {g: gardees.get(g) or _relire(etat, options, g) for g in dict.fromkeys(groupes)}
    rangs_indicateurs = dictionnaire().index.get_indexer(pd.Index(indicateurs))

    def chercher() -> np.ndarray:
        rangs, avant = np.empty((len(lieux), len(indicateurs)), dtype=np.int64), 0
        for groupe, tranche in tranches.items():
            ici = [i for i, g in enumerate(groupes) if g == groupe]
            trouvees = tranche.chercher([lieux[i] for i in ici], demandee, rangs_indicateurs)
            rangs[ici] = np.where(trouvees >= 0, trouvees + avant, -1)
            avant += len(tranche.cles)
        return rangs

    rangs = chercher()
    if (rangs < 0).any():
        absents = np.flatnonzero((rangs < 0).any(axis=1))
        absents = absents[np.unique([lieux[i] for i in absents], return_index=True)[1]]
        absents.sort()
        sans = np.flatnonzero((rangs < 0).any(axis=0))
        siens = territoires.iloc[absents]
        cellules = _en_cellules(
            calculer(siens, appartenance[appartenance["code"].isin(siens.index)], [indicateurs[j] for j in sans])
        )
        for groupe in dict.fromkeys(groupes[i] for i in absents):
            ici = [rang for rang, i in enumerate(absents) if groupes[i] == groupe]
            lignes = (np.array(ici)[:, None] * len(sans) + np.arange(len(sans))).ravel()
            tranches[groupe] = tranches[groupe].ajouter(
                [lieux[absents[rang]] for rang in ici], demandee, rangs_indicateurs[sans], _prises(cellules, lignes)
            )
            if etat is not None and not remplir:
                sur_disque.garder_colonnes(etat, ("cube", options, groupe), tranches[groupe].a_garder())
        rangs = chercher()
    for groupe, tranche in tranches.items():
        gardees.pop(groupe, None)
        gardees[groupe] = tranche
    for ancienne in () if remplir else list(gardees)[:-TRANCHES_GARDEES]:
        del gardees[ancienne]
    cellules = _reunies(list(tranches.values()), rangs.ravel())
    return _en_mesures(cellules, territoires, rangs_indicateurs, options)


def _reunies(tranches: list[Tranche], rangs: np.ndarray) -> dict[str, np.ndarray]:
    """Les lignes de ces rangs, comptés d'une tranche à la suivante, dans l'ordre des rangs."""
    bornes = np.cumsum([0, *(len(t.cles) for t in tranches)])
    de_qui = np.searchsorted(bornes, rangs, side="right") - 1
    lignes = [np.flatnonzero(de_qui == rang) for rang in range(len(tranches))]
    prises = [t.prendre(rangs[ici] - avant) for t, ici, avant in zip(tranches, lignes, bornes, strict=False)]
    if len(tranches) == 1:
        return prises[0]
    ordre = np.argsort(np.concatenate(lignes))
    return {nom: np.concatenate([p[nom] for p in prises])[ordre] for nom in prises[0]}


def garder(tables: Tables, options: Options, etat: tuple) -> None:
    """Garde sur le poste toutes les tranches en mémoire, si l'entrepôt est encore dans cet état."""
    for groupe, tranche in tables.partage.get(("cube", options), {}).items():
        sur_disque.garder_colonnes(etat, ("cube", options, groupe), tranche.a_garder())


def _en_mesures(
    cellules: dict[str, np.ndarray], territoires: pd.DataFrame, indicateurs: np.ndarray, options: Options
) -> pd.DataFrame:
    """Les cellules, et les colonnes que la clé suffit à dire."""
    definitions = {nom: textes[indicateurs] for nom, textes in _definitions().items()}
    definitions["libelle"] = np.array([options.dire(texte) for texte in definitions["libelle"]], dtype=object)
    textes = {nom: np.tile(dits, len(territoires)) for nom, dits in definitions.items()}
    textes |= {n: np.repeat(territoires[c].to_numpy(dtype=object), len(indicateurs)) for n, c in LIEUX.items()}
    textes |= {nom: cellules[nom] for nom in TEXTES}
    # Le type se nomme une fois : écrit « str », pandas le cherche à chaque colonne.
    texte = pd.StringDtype(na_value=np.nan)
    colonnes: dict[str, Any] = {nom: pd.array(dits, dtype=texte) for nom, dits in textes.items()}
    colonnes |= {nom: cellules[nom] for nom in REELS}
    colonnes["annee"] = pd.arrays.IntegerArray(cellules["annee"], cellules["sans_annee"])
    return pd.DataFrame({nom: colonnes[nom] for nom in COLONNES})


@lru_cache(maxsize=1)
def _definitions() -> dict[str, np.ndarray]:
    """Ce que le dictionnaire dit de chaque indicateur, dans son ordre."""
    connues = dictionnaire()
    return {"indicateur": connues["code"].to_numpy(dtype=object)} | {
        nom: connues[nom].to_numpy(dtype=object) for nom in ("libelle", "unite")
    }


def _relire(etat: tuple | None, options: Options, groupe: str) -> Tranche:
    table = None if etat is None else sur_disque.relire_colonnes(etat, ("cube", options, groupe))
    return _VIDE if table is None else Tranche.relue(table)


def _lieux(territoires: pd.DataFrame, appartenance: pd.DataFrame) -> list[str]:
    """Ce qui désigne chaque territoire sans équivoque ; un périmètre libre, par ses communes aussi."""
    mailles = list(territoires["maille"])
    communes: dict[str, str] = {}
    if "perimetre" in mailles:
        libres = [cle for cle, maille in zip(territoires.index, mailles, strict=True) if maille == "perimetre"]
        siennes = appartenance[appartenance["code"].isin(libres)]
        toutes = siennes["commune"].to_numpy(dtype=object)
        communes = {cle: sha256(" ".join(toutes[g])) for cle, g in siennes.groupby("code").indices.items()}
    colonnes = (territoires.index, mailles, territoires["officiel"], territoires["nom"])
    return [
        f"{maille}|{officiel}|{nom}|{communes.get(cle, '')}"
        for cle, maille, officiel, nom in zip(*colonnes, strict=True)
    ]


@lru_cache(maxsize=1)
def _departements() -> dict[str, str]:
    epci = lire_table("epci", colonnes=["code", "departement"])
    return dict(zip(epci["code"], epci["departement"], strict=True))


def _groupes(territoires: pd.DataFrame, lieux: list[str]) -> list[str]:
    """La tranche de chaque territoire : celles d'un département se lisent ensemble, ses références aussi."""
    def groupe(maille: str, officiel: str, lieu: str) -> str:
        if maille in ("departement", "region", "france"):
            return "references"
        if maille == "epci":
            return f"epci {_departements().get(officiel, '')}"
        if maille == "commune":
            return f"communes {officiel[: 3 if officiel.startswith('97') else 2]}"
        if maille != "perimetre":
            return f"{maille} {officiel[:5]}"
        # Les comparables réunis d'un EPCI se lisent avec lui.
        sien = _departements().get(officiel.removeprefix(REUNIS))
        return f"epci {sien}" if sien else f"perimetre {sha256(lieu)[:2]}"

    colonnes = (territoires["maille"], territoires["officiel"].astype(str), lieux)
    return [groupe(*lieu) for lieu in zip(*colonnes, strict=True)]
