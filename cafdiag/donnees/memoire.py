"""Ce qui a déjà été calculé, gardé sur le poste d'un lancement à l'autre : rouvrir un territoire est immédiat.

Des mesures, et les grandes tables qu'on assemble de l'embarqué et de l'importé : un fichier chacune, dans un dossier
que nomment le code, les tables embarquées, l'entrepôt et les bibliothèques. Que l'un change, et rien de l'ancien
dossier n'est relu. Jamais l'horloge, jamais une donnée confidentielle, jamais ce qu'un usager apporte sur la ligne de
commande. Un fichier absent, abîmé ou illisible n'est qu'un calcul à refaire.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cafdiag import magasin
from cafdiag.donnees import entrepot
from cafdiag.empreintes_du_code import sha256, version_de, version_du_code
from cafdiag.erreurs import ProductionImpossible
from cafdiag.geographie import geographie

_SANS_DEFAUT: Any = object()
_T = TypeVar("_T")


class AuBesoin(Generic[_T]):
    """Champ d'une dataclass donné tel quel, ou par la fonction sans argument qui le lira une fois.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Livre:
    ...     pages: AuBesoin[list] = AuBesoin()
    >>> livre = Livre(lambda: [print("lu"), 1][1:])
    >>> livre.pages, livre.pages
    lu
    ([1], [1])
    """

    def __init__(self, defaut: _T | Callable[[], _T] = _SANS_DEFAUT) -> None:
        self._defaut = defaut

    def __set_name__(self, classe: type, nom: str) -> None:
        self._nom = nom

    def __get__(self, objet: Any, classe: type | None = None) -> _T:
        if objet is None:
            # La dataclass demande ainsi la valeur par défaut du champ.
            if self._defaut is _SANS_DEFAUT:
                raise AttributeError(self._nom)
            return self._defaut  # type: ignore[return-value]
        if self._nom not in vars(objet):
            raise AttributeError(self._nom)
        valeur = vars(objet)[self._nom]
        if callable(valeur):
            valeur = vars(objet)[self._nom] = valeur()
        return valeur

    def __set__(self, objet: Any, valeur: _T | Callable[[], _T]) -> None:
        vars(objet)[self._nom] = valeur


# --- Ce qui a déjà été calculé ---


# « CAFDIAG_MEMOIRE= » (vide) : rien n'est gardé ni relu.
VARIABLE = "CAFDIAG_MEMOIRE"
# Une tranche du cube pèse une cinquantaine de ko ; la France en a trois cents par choix de calcul.
_FICHIERS_GARDES = 1200
_PETIT = 1 << 20
# Une grandeur et une année.
Partie = tuple[str, int]
_BIBLIOTHEQUES = ("pandas", "numpy", "scipy", "pyarrow", "pyproj")


def dossier() -> Path | None:
    """Où sont les mesures gardées ; rien si l'on n'en veut pas."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    import platformdirs

    return Path(platformdirs.user_cache_dir("cafdiag", appauthor=False)) / "mesures"


@lru_cache(maxsize=4)
def _etat_du_calcul(etat: tuple, annee: int) -> str:
    tables = (magasin.dossier("data") / "empreintes.json").read_bytes().replace(b"\r\n", b"\n")
    versions = [platform.python_version(), *(version_de(nom) for nom in _BIBLIOTHEQUES)]
    return sha256(json.dumps([version_du_code(), sha256(tables), etat, annee, versions]))[:24]


def dossier_de(etat: tuple) -> Path | None:
    """Où est ce qui vaut pour cet état de l'entrepôt, ce code et ces tables."""
    ici = dossier()
    return None if ici is None else ici / _etat_du_calcul(etat, geographie())


def _fichier(etat: tuple, cle: tuple) -> Path | None:
    ici = dossier_de(etat)
    if ici is None:
        return None
    # ``repr`` d'une clé faite de textes, de nombres et d'Options : la même chaîne dans chaque processus.
    nom = "-".join(cle) if cle[0] == "table" else f"mesures-{sha256(repr(cle))[:32]}"
    return ici / f"{nom}.parquet"


def relire(etat: tuple, cle: tuple) -> pd.DataFrame | None:
    """La table gardée sous cette clé, pour cet état de l'entrepôt ; None s'il n'y en a pas."""
    colonnes = relire_colonnes(etat, cle)
    # Sans fil : l'original d'un lot, que des processus copient, n'en ouvre aucun.
    return None if colonnes is None else colonnes.to_pandas(use_threads=False)


def garder(etat: tuple, cle: tuple, table: pd.DataFrame) -> None:
    """Garde une table sous cette clé, si l'entrepôt est encore dans cet état.

    Un dossier interdit ou un disque plein n'arrête rien.
    """
    garder_colonnes(etat, cle, pa.Table.from_pandas(table, nthreads=1))


def relire_colonnes(etat: tuple, cle: tuple) -> pa.Table | None:
    """Comme :func:`relire`, sans passer par pandas."""
    fichier = _fichier(etat, cle)
    if fichier is None or not fichier.is_file():
        return None
    try:
        octets = fichier.read_bytes()
        marque, contenu = octets[:64], octets[64:]
        if marque != sha256(contenu).encode():
            return None
        fils = len(contenu) > _PETIT
        return pq.read_table(pa.BufferReader(contenu), use_threads=fils, pre_buffer=fils)
    except (OSError, ValueError):
        return None


def garder_colonnes(etat: tuple, cle: tuple, table: pa.Table) -> None:
    """Comme :func:`garder`, sans passer par pandas."""
    fichier = _fichier(etat, cle)
    # Un import a pu passer pendant le calcul : rien ne dit alors de quel entrepôt est cette table.
    if fichier is None or entrepot.etat_courant() != etat:
        return
    flux = io.BytesIO()
    pq.write_table(table, flux, compression="zstd")
    contenu = flux.getvalue()
    with contextlib.suppress(OSError, ProductionImpossible):
        if not fichier.parent.is_dir():
            _oublier_les_autres(fichier.parent)
        anciens = sorted(fichier.parent.glob("mesures-*.parquet"), key=lambda f: f.stat().st_mtime)
        for ancien in anciens[:-_FICHIERS_GARDES]:
            ancien.unlink(missing_ok=True)
        magasin.ecrire_atomique(fichier, sha256(contenu).encode() + contenu)


def assemblee(nom: str, etat: tuple, assembler: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Une table qu'on assemble de l'entrepôt : relue si elle l'a déjà été dans cet état, sinon assemblée et gardée.

    Sans import, l'assemblage est plus court que la relecture : rien n'est gardé.
    """
    return gardee(nom, etat, assembler) if etat else assembler()


def gardee(nom: str, etat: tuple, assembler: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Comme :func:`assemblee`, même sans rien d'importé : ce qui est plus long à calculer qu'à relire."""
    table = relire(etat, ("table", nom))
    if table is None:
        table = assembler()
        _garder_telle_quelle(nom, etat, table)
        return table
    return _telle_quelle(table)


def en_parties(nom: str, etat: tuple, assembler: Callable[[], pd.DataFrame]) -> Mapping[Partie, pd.DataFrame]:
    """Comme :func:`assemblee`, par ``variable`` et ``annee`` : une partie n'est relue que si l'on s'en sert."""
    if not etat:
        return _decouper(assembler())
    liste = relire(etat, ("table", nom))
    if liste is not None:
        return _Parties(nom, etat, tuple(liste.itertuples(index=False, name=None)), assembler)
    parties = _decouper(assembler())
    for (variable, annee), partie in parties.items():
        _garder_telle_quelle(f"{nom}-{variable}-{annee}", etat, partie)
    garder(etat, ("table", nom), pd.DataFrame(list(parties), columns=["variable", "annee"]))
    return parties


class _Parties(Mapping[Partie, pd.DataFrame]):
    """Les parties gardées d'une table ; qu'une seule soit illisible, et toutes sont réassemblées."""

    def __init__(
        self, nom: str, etat: tuple, cles: tuple[Partie, ...], assembler: Callable[[], pd.DataFrame]
    ) -> None:
        self._nom, self._etat, self._assembler = nom, etat, assembler
        self._parties: dict[Partie, pd.DataFrame | None] = dict.fromkeys(cles)

    def __getitem__(self, cle: Partie) -> pd.DataFrame:
        if self._parties[cle] is None:
            variable, annee = cle
            table = relire(self._etat, ("table", f"{self._nom}-{variable}-{annee}"))
            self._parties |= _decouper(self._assembler()) if table is None else {cle: _telle_quelle(table)}
        return self._parties[cle]

    def __contains__(self, cle: object) -> bool:
        return cle in self._parties

    def __iter__(self) -> Iterator[Partie]:
        return iter(self._parties)

    def __len__(self) -> int:
        return len(self._parties)


def _decouper(table: pd.DataFrame) -> dict[Partie, pd.DataFrame]:
    groupes = table.groupby(["variable", "annee"], sort=False)
    return {(str(v), int(a)): partie.reset_index(drop=True) for (v, a), partie in groupes}


def _garder_telle_quelle(nom: str, etat: tuple, table: pd.DataFrame) -> None:
    # Parquet rend en textes d'Arrow bien des colonnes d'objets : on garde leurs noms avec elles.
    a_garder = table.copy(deep=False)
    a_garder.attrs["objets"] = table.columns[table.dtypes.eq(object)].tolist()
    garder(etat, ("table", nom), a_garder)


def _telle_quelle(table: pd.DataFrame) -> pd.DataFrame:
    objets = [c for c in table.attrs.pop("objets", ()) if table[c].dtype != object]
    return table.assign(**{c: _en_objets(table[c]) for c in objets})


def _en_objets(textes: pd.Series) -> pd.Series:
    """Les mêmes textes, en objets : chacun n'est fait qu'une fois, si souvent qu'il se répète."""
    rangs, uniques = pd.factorize(textes)
    objets = np.append(np.asarray(uniques, dtype=object), np.nan).take(rangs)
    return pd.Series(objets, index=textes.index, dtype=object)


def _oublier_les_autres(garde: Path) -> None:
    """Ôte les plus anciens dossiers d'un autre état : on revient souvent au précédent, jamais à dix d'avant."""
    autres = [d for d in garde.parent.glob("*") if d.is_dir()] if garde.parent.is_dir() else []
    for dossier_ in sorted(autres, key=lambda d: d.stat().st_mtime)[:-4]:
        shutil.rmtree(dossier_, ignore_errors=True)
