"""Le magasin des tables embarquées : où elles sont, si elles sont intactes, comment les lire.

Les dossiers ``data``, ``maps``, ``templates`` et ``notebooks`` sont à la racine du dépôt et voyagent
dans la roue installée (``cafdiag/_ressources``) : le code les retrouve dans les deux cas.
Chaque fichier est comparé à son empreinte (``data/empreintes.json``) avant sa première lecture.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cafdiag.erreurs import DonneesAbimees, ProductionImpossible, en_clair
from cafdiag.geographie import ANCIENNE, ANNEES, REFERENCE, geographie
from cafdiag.ressources import dossier, racine

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

_REINSTALLER = "retéléchargez le projet (modifié exprès ? « python data/construire.py --empreintes »)"
_INTACTS: dict[Path, tuple[int, int]] = {}
_CONTOURS: dict[str, gpd.GeoDataFrame] = {}


def dossier_utilisateur() -> Path:
    """Dossier de ce qui est à l'utilisateur : ``CAFDIAG_DONNEES``, sinon celui que prévoit le système."""
    if os.environ.get("CAFDIAG_DONNEES"):
        return Path(os.environ["CAFDIAG_DONNEES"])
    import platformdirs

    return Path(platformdirs.user_data_dir("cafdiag", appauthor=False))


@lru_cache(maxsize=4)
def _empreintes(chemin: Path) -> dict[str, dict]:
    try:
        return json.loads(chemin.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise DonneesAbimees(
            chemin.name, "la liste des empreintes est absente ou illisible", conseil=_REINSTALLER
        ) from cause


def verifier(chemin: Path) -> Path:
    """Rend le chemin si le fichier est celui qui a été construit ; sinon, le refuse.

    La vérification est gardée en mémoire tant que la taille et la date du fichier ne changent pas.

    Raises
    ------
    DonneesAbimees
        Fichier absent, tronqué, modifié, ou sans empreinte connue.
    """
    relatif = chemin.relative_to(racine()).as_posix()
    try:
        etat = chemin.stat()
    except OSError as cause:
        raise DonneesAbimees(relatif, "le fichier est absent", conseil=_REINSTALLER) from cause
    cle = (etat.st_size, etat.st_mtime_ns)
    if _INTACTS.get(chemin) == cle:
        return chemin
    attendu = _empreintes(dossier("data") / "empreintes.json").get(relatif)
    if attendu is None:
        raise DonneesAbimees(relatif, "le fichier n'a pas d'empreinte connue", conseil=_REINSTALLER)
    if etat.st_size != attendu["octets"]:
        raise DonneesAbimees(
            relatif, f"{etat.st_size} octets", attendu=f"{attendu['octets']} octets", conseil=_REINSTALLER
        )
    with chemin.open("rb") as flux:
        trouve = hashlib.file_digest(flux, "sha256").hexdigest()
    if trouve != attendu["sha256"]:
        raise DonneesAbimees(
            relatif, f"empreinte {trouve[:12]}…", attendu=f"{attendu['sha256'][:12]}…", conseil=_REINSTALLER
        )
    _INTACTS[chemin] = cle
    return chemin


def lire_parquet(
    chemin: Path | str | IO[bytes], *, columns: Iterable[str] | None = None, filters: Iterable[tuple] | None = None, **_
) -> pa.Table:
    """``pyarrow.parquet.read_table``, sans ouvrir de fil : un processus qui n'en a qu'un peut se copier.

    Parameters
    ----------
    chemin : path or binary file
    columns : iterable of str, optional
        Colonnes voulues ; toutes par défaut.
    filters : iterable of tuple, optional
        Conditions ``(colonne, opérateur, valeur)``, toutes vérifiées.

    Examples
    --------
    >>> lire_parquet(dossier("data") / "regions.parquet", columns=["nom"], filters=[("code", "==", "52")]).to_pydict()
    {'nom': ['Pays de la Loire']}
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow.parquet import ParquetFile

    comparer = {
        "==": pc.equal,
        "!=": pc.not_equal,
        "<": pc.less,
        "<=": pc.less_equal,
        ">": pc.greater,
        ">=": pc.greater_equal,
        "in": lambda colonne, valeurs: pc.is_in(colonne, pa.array(list(valeurs), colonne.type)),
    }
    voulues, filtres = (None if columns is None else list(columns)), list(filters or ())
    lues = None if voulues is None else list(dict.fromkeys([*voulues, *(c for c, _, _ in filtres)]))

    def retenir(table: pa.Table) -> pa.Table:
        for colonne, comparaison, valeur in filtres:
            table = table.filter(comparer[comparaison](table[colonne], valeur))
        return table

    with ParquetFile(chemin, pre_buffer=False) as fichier:
        lire = partial(fichier.read_row_groups, use_threads=False, use_pandas_metadata=True)
        groupes = list(range(fichier.num_row_groups))
        if filtres and len(groupes) > 1:
            # Un fond de carte se range par département : le reste de la France ne se décode pas.
            groupes = [g for g in groupes if _peut_contenir(fichier.metadata.row_group(g), filtres)]
            groupes = [g for g in groupes if len(retenir(lire([g], columns=[c for c, _, _ in filtres])))]
        table = retenir(lire(groupes, columns=lues))
    return table if voulues is None else table.select(voulues)


def _peut_contenir(groupe: pq.RowGroupMetaData, filtres: list[tuple]) -> bool:
    """Faux si le plus petit et le plus grand que ce groupe dit d'une colonne excluent toutes les valeurs voulues."""
    dites = {c.path_in_schema: c.statistics for c in map(groupe.column, range(groupe.num_columns))}
    for colonne, comparaison, valeur in filtres:
        bornes = dites.get(colonne)
        if comparaison in ("==", "in") and bornes is not None and bornes.has_min_max:
            valeurs = [valeur] if comparaison == "==" else valeur
            if not any(bornes.min <= v <= bornes.max for v in valeurs):
                return False
    return True


@lru_cache(maxsize=64)
def _table(nom: str, colonnes: tuple | None, filtres: tuple | None) -> pd.DataFrame:
    if nom in _D_UNE_GEOGRAPHIE and geographie() == ANCIENNE:
        entiere = lire_parquet(verifier(dossier("data") / f"{nom}.parquet")).to_pandas(use_threads=False)
        ancienne = _filtrer(_dans_l_ancienne(nom, entiere), filtres)
        return ancienne[list(colonnes)] if colonnes else ancienne
    chemin = verifier(dossier("data") / f"{nom}.parquet")
    return lire_parquet(chemin, columns=colonnes, filters=filtres).to_pandas(use_threads=False)


# Les tables qui changent avec la géographie ; les autres ne parlent que de communes, qui sont les mêmes.
_D_UNE_GEOGRAPHIE = ("communes", "epci", "voisins")


def _dans_l_ancienne(nom: str, table: pd.DataFrame) -> pd.DataFrame:
    """Une table ou un fond de carte de la référence, tel qu'il était dans la géographie précédente."""
    import pandas as pd

    if nom == "communes":
        if f"epci_{ANCIENNE}" in table:
            apres = {f"{mot}_{REFERENCE}": table[mot] for mot in ("nom", "epci")}
            avant = {mot: table[f"{mot}_{ANCIENNE}"].fillna(table[mot]) for mot in ("nom", "epci")}
            return table.assign(**avant, **apres)
        avant = _table("communes", ("code", "epci"), None).set_index("code")["epci"]
        return table.assign(epci=table["code"].map(avant))
    if nom == "voisins":
        change = _perimetres_changes()
        gardees = ~(table["maille"].eq("epci") & (table["code"].isin(change) | table["voisin"].isin(change)))
        return table[gardees].replace({"maille": {f"epci_{ANCIENNE}": "epci"}}).reset_index(drop=True)
    if "geometry" in table:
        avant = _lire_fond(f"epci_{ANCIENNE}", None)
    else:
        avant = pd.read_parquet(verifier(dossier("data") / f"epci_{ANCIENNE}.parquet"))
    restes = table[~table["code"].isin(_perimetres_changes())]
    return pd.concat([restes, avant]).sort_values("code", ignore_index=True)


def epci_de_l_autre_geographie() -> pd.DataFrame:
    """Les EPCI de l'autre géographie que celle en vigueur, s'ils n'y ont pas le même périmètre : table ``epci``."""
    import pandas as pd

    if geographie() == ANCIENNE:
        entiere = pd.read_parquet(verifier(dossier("data") / "epci.parquet"))
        return entiere[entiere["code"].isin(_perimetres_changes())].reset_index(drop=True)
    return _table(f"epci_{ANCIENNE}", None, None).copy(deep=False)


@lru_cache(maxsize=1)
def _perimetres_changes() -> frozenset[str]:
    import pandas as pd

    colonnes = [f"epci_{annee}" for annee in ANNEES]
    lue = pd.read_parquet(verifier(dossier("data") / "passage_epci.parquet"), columns=colonnes)
    return frozenset().union(*(lue[c] for c in colonnes))


def lire_table(
    nom: str, *, colonnes: list[str] | None = None, filtres: list[tuple] | None = None
) -> pd.DataFrame:
    """Lit une table embarquée, après contrôle de son empreinte.

    Parameters
    ----------
    nom : str
        Nom du fichier sans extension (``communes``, ``epci``, ``taux_couverture``…).
    colonnes : list of str, optional
        Colonnes voulues ; toutes par défaut.
    filtres : list of tuple, optional
        Conditions ``(colonne, opérateur, valeur)``, toutes vérifiées.

    Returns
    -------
    pandas.DataFrame
        Copie indépendante : la modifier ne change rien pour les autres.

    Raises
    ------
    DonneesAbimees
        Voir :func:`verifier`.

    Examples
    --------
    >>> lire_table("communes", colonnes=["code", "nom"], filtres=[("code", "==", "01001")]).nom.item()
    "L'Abergement-Clémenciat"
    """
    cle = tuple(tuple(f) for f in filtres) if filtres else None
    # Superficielle, mais indépendante : depuis pandas 3, ce qu'on modifie dans l'une se recopie d'abord.
    return _table(nom, tuple(colonnes) if colonnes else None, cle).copy(deep=False)


def lire_contours(nom: str, *, filtres: list[tuple] | None = None) -> gpd.GeoDataFrame:
    """Lit un fond de carte embarqué (WGS84), après contrôle de son empreinte.

    Parameters
    ----------
    nom : str
        ``communes``, ``epci``, ``departements`` ou ``regions``.
    filtres : list of tuple, optional
        Conditions de lecture ; elles évitent de décoder la France entière.
    """
    if nom in ("communes", "epci") and geographie() == ANCIENNE:
        lue = _CONTOURS[nom] if nom in _CONTOURS else _lire_fond(nom, None)
        return _filtrer(_dans_l_ancienne(nom, lue), filtres)
    if nom in _CONTOURS:
        return _filtrer(_CONTOURS[nom], filtres)
    return _lire_fond(nom, filtres)


def _lire_fond(nom: str, filtres: list[tuple] | None) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    lu = lire_parquet(verifier(dossier("maps") / f"{nom}.parquet"), filters=filtres)
    formes = shapely.from_wkb(lu["geometry"].to_numpy())
    crs = _projection(lu.schema.metadata[b"geo"])
    return gpd.GeoDataFrame(lu.drop_columns("geometry").to_pandas(use_threads=False), geometry=formes, crs=crs)


@lru_cache(maxsize=8)
def _projection(geo: bytes) -> object:
    """La projection que dit un fichier GeoParquet : geopandas la reconstruit quatre fois par lecture."""
    import pyproj

    return pyproj.CRS.from_user_input(json.loads(geo)["columns"]["geometry"]["crs"])


def garder_contours() -> None:
    """Garde tous les fonds en mémoire : pour un processus qui en servira beaucoup (un lot).

    Pour un seul rapport, lire le nécessaire coûte moins.
    """
    for nom in ("communes", "epci", "departements", "regions"):
        if nom not in _CONTOURS:
            _CONTOURS[nom] = _lire_fond(nom, None)


def _filtrer(contours: pd.DataFrame, filtres: Iterable[tuple] | None) -> pd.DataFrame:
    """Ce qu'aurait rendu la lecture d'une table ou d'un fond avec ces conditions, en une copie."""
    import operator

    comparaisons = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "in": lambda serie, valeurs: serie.isin(list(valeurs)),
    }
    for colonne, comparaison, valeur in filtres or ():
        contours = contours[comparaisons[comparaison](contours[colonne], valeur)]
    return contours.reset_index(drop=True).copy()


def ecrire_atomique(chemin: Path | str, contenu: str | bytes) -> Path:
    """Écrit un fichier d'un coup : l'ancien reste entier tant que le nouveau n'est pas complet.

    Raises
    ------
    ProductionImpossible
        Dossier interdit, disque plein, nom refusé par le système : l'ancien fichier est intact.
    """
    chemin = Path(chemin)
    octets = contenu.encode("utf-8") if isinstance(contenu, str) else contenu
    provisoire = None
    try:
        chemin.parent.mkdir(parents=True, exist_ok=True)
        descripteur, provisoire = tempfile.mkstemp(dir=chemin.parent, prefix=f".{chemin.name[:40]}-")
        with os.fdopen(descripteur, "wb") as flux:
            flux.write(octets)
            flux.flush()
            os.fsync(flux.fileno())
        # mkstemp crée en 0600 : un rapport doit pouvoir être lu par les collègues du dossier partagé.
        with contextlib.suppress(OSError):
            os.chmod(provisoire, 0o644)
        os.replace(provisoire, chemin)
    except OSError as cause:
        if provisoire:
            with contextlib.suppress(OSError):
                os.unlink(provisoire)
        raise ProductionImpossible(
            f"impossible d'écrire {chemin} ({en_clair(cause)})",
            conseil="choisissez un autre dossier avec --sortie, ou vérifiez vos droits et la place libre",
        ) from cause
    return chemin


def ecrire_ensemble(contenus: dict[Path, str | bytes]) -> list[Path]:
    """Écrit plusieurs fichiers, tous ou aucun : tous les provisoires d'abord, puis les noms définitifs.

    Raises
    ------
    ProductionImpossible
        Un des fichiers ne peut pas être écrit : aucun n'a changé.

    Examples
    --------
    >>> ici = Path(tempfile.mkdtemp())
    >>> [chemin.name for chemin in ecrire_ensemble({ici / "a.csv": "a", ici / "b.csv": "b"})]
    ['a.csv', 'b.csv']
    """
    contenus = {Path(chemin): contenu for chemin, contenu in contenus.items()}
    for chemin in contenus:
        if chemin.is_dir():
            raise ProductionImpossible(
                f"impossible d'écrire {chemin} (c'est un dossier)",
                attendu="un nom de fichier libre",
                conseil="déplacez ce dossier, ou choisissez-en un autre avec --sortie",
            )
    # Copies de travail à côté des définitifs : renommer ne demande alors ni place ni autre disque.
    # Rang et processus : ni deux longs noms ni deux rapports lancés ensemble ne partagent un provisoire.
    prets = {c: c.with_name(f".{r}-{os.getpid()}-{c.name[:40]}.nouveau") for r, c in enumerate(contenus)}
    anciens: dict[Path, bytes | None] = {}
    try:
        for chemin, contenu in contenus.items():
            ecrire_atomique(prets[chemin], contenu)
        for chemin, pret in prets.items():
            ancien = chemin.read_bytes() if chemin.exists() else None
            os.replace(pret, chemin)
            anciens[chemin] = ancien
    except (OSError, ProductionImpossible) as cause:
        for chemin, ancien in anciens.items():
            with contextlib.suppress(OSError, ProductionImpossible):
                chemin.unlink() if ancien is None else ecrire_atomique(chemin, ancien)
        if isinstance(cause, ProductionImpossible):
            raise
        raise ProductionImpossible(
            f"impossible d'écrire {cause.filename2 or cause.filename} ({en_clair(cause)})",
            conseil="fermez ce fichier s'il est ouvert ailleurs, ou choisissez un autre dossier avec --sortie",
        ) from cause
    finally:
        for pret in prets.values():
            with contextlib.suppress(OSError):
                pret.unlink(missing_ok=True)
    return list(contenus)
