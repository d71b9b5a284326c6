"""Les fichiers de couches géographiques (GeoPackage, shapefile) : leurs couches, et leurs attributs en textes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from cafdiag.donnees.classeurs import en_texte
from cafdiag.donnees.compte_rendu import Brut
from cafdiag.donnees.octets import Fichier
from cafdiag.erreurs import EntreeFautive, en_clair

FORMAT = "geo"
DEGRES_MAX = 180.0001
_POINTS_APERCU = 50


def chemin_gdal(src: Fichier) -> str:
    """Ce que GDAL ouvre : le fichier, ou celui de l'archive."""
    return f"/vsizip/{src.chemin.resolve()}/{src.membre}" if src.compression == "zip" else str(src.chemin)


def couches(src: Fichier) -> dict[str, list[str]]:
    """Colonnes de chaque couche, dans l'ordre du fichier.

    Raises
    ------
    EntreeFautive
        Fichier abîmé.
    """
    import pyogrio

    chemin = chemin_gdal(src)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # l'anglais de GDAL, avant l'erreur qu'il lève
            noms = [str(nom) for nom, _ in pyogrio.list_layers(chemin)]
            return {nom: pyogrio.read_info(chemin, layer=nom)["fields"].tolist() for nom in noms}
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as cause:
        raise illisible(src, cause) from cause


def choisir(src: Fichier, voulue: Callable[[list[str]], bool]) -> str:
    """La première couche dont les colonnes conviennent ; aucune ne convient : toutes sont dites."""
    trouvees = couches(src)
    convient = [nom for nom, colonnes in trouvees.items() if voulue(colonnes)]
    if not convient:
        dites = " ; ".join(f"{nom} ({', '.join(colonnes[:8])})" for nom, colonnes in trouvees.items())
        raise EntreeFautive(src.chemin.name, ["aucune couche n'a les colonnes attendues"],
                            attendu=f"couches trouvées : {dites}")
    return convient[0]


def batiment_max(x: float) -> float:
    """La taille au-delà de laquelle une surface n'est plus un bâtiment, dans l'unité de ses coordonnées : 1 km environ.

    >>> batiment_max(-0.77), batiment_max(418000)
    (0.01, 1000)
    """
    return 0.01 if abs(x) <= DEGRES_MAX else 1000


def en_degres(xs: Sequence[float], ys: Sequence[float], systeme: object) -> tuple[list[tuple[float, float]], list[str]]:
    """Ces coordonnées en degrés, et ce qu'il faut en dire ; telles quelles si leur système est inconnu.

    >>> en_degres([418000], [6780000], "EPSG:2154")[1]
    ['coordonnées de RGF93 v1 / Lambert-93 ramenées en degrés']
    """
    import pyproj

    try:
        crs = pyproj.CRS.from_user_input(systeme)
    except pyproj.exceptions.CRSError:
        return list(zip(xs, ys, strict=True)), [f"système de coordonnées inconnu : « {str(systeme)[:60]} »"]
    if crs.is_geographic:
        return list(zip(xs, ys, strict=True)), []
    lons, lats = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(list(xs), list(ys))
    return list(zip(lons, lats, strict=True)), [f"coordonnées de {crs.name} ramenées en degrés"]


def _points(src: Fichier, nom: str, limite: int | None) -> tuple[pd.DataFrame | None, list[str]]:
    """« lon » et « lat » d'une couche de points ou de bâtiments, et ce qu'il faut en dire ; rien d'une autre couche."""
    import pyogrio
    import shapely

    chemin = chemin_gdal(src)
    _, bornes = pyogrio.read_bounds(chemin, layer=nom, max_features=_POINTS_APERCU)
    ouest, sud, est, nord = bornes
    connues = np.isfinite(ouest)
    etendues = np.maximum(est - ouest, nord - sud)[connues]
    if not len(etendues) or etendues.max() >= batiment_max(float(ouest[connues][0])):
        return None, []
    lue = pyogrio.read_dataframe(chemin, layer=nom, columns=[], max_features=limite)
    dedans = shapely.point_on_surface(lue.geometry.to_numpy())
    x, y = shapely.get_x(dedans), shapely.get_y(dedans)
    dit: list[str] = []
    if lue.crs is not None:
        vus = np.isfinite(x)
        degres, dit = en_degres(x[vus].tolist(), y[vus].tolist(), lue.crs)
        # D'un petit quartier, ce point ne sert pas : il n'y a rien à en dire.
        dit = dit if (etendues == 0).all() else []
        x[vus], y[vus] = np.array(degres).reshape(-1, 2).T
    return pd.DataFrame({"lon": x, "lat": y}), dit


def lire(src: Fichier, *, couche: str | None, limite: int | None) -> Brut:
    """Les attributs d'une couche (la première par défaut), en textes ; ``geometry`` s'ajoute à l'en-tête."""
    import pyogrio

    nom = couche or next(iter(couches(src)), None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL avertit d'un champ inconnu : le reste se lit
            lue = pyogrio.read_dataframe(chemin_gdal(src), layer=nom, read_geometry=False, max_features=limite)
            points, dit = _points(src, nom, limite) if nom else (None, [])
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError) as cause:
        raise illisible(src, cause) from cause
    if not len(lue.columns):
        raise EntreeFautive(src.chemin.name, ["aucune colonne, des formes seules"], attendu="des attributs",
                            conseil="d'un shapefile, joignez aussi le .dbf")
    table = pd.DataFrame({c: lue[c].astype("object").where(lue[c].notna(), "") for c in lue.columns}, dtype="object")
    table = table.astype("str").apply(lambda c: c.str.strip())
    lignes = np.arange(1, len(table) + 1)
    if points is None:
        return Brut(table, lignes, [*table.columns, "geometry"], fichier=src.chemin.name, couche=nom or "")
    for axe in points.columns.difference(table.columns):
        table[axe] = [en_texte(v) if np.isfinite(v) else "" for v in points[axe]]
    return Brut(table, lignes, [*table.columns], remarques=dit, fichier=src.chemin.name, couche=nom or "", points=True)


def illisible(src: Fichier, cause: Exception) -> EntreeFautive:
    """L'erreur d'un fichier géographique que GDAL n'ouvre pas (à lever)."""
    return EntreeFautive(src.chemin.name, [f"contours illisibles ({en_clair(cause)})"],
                         attendu="un GeoJSON, un GeoPackage, un shapefile (avec son .shx et son .dbf) ou un GeoParquet",
                         conseil="retéléchargez-le en entier")
