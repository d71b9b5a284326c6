"""Préparer des contours pour une page : formes légères, points intérieurs, noms.

Cinq décimales (un mètre) suffisent à une carte et allègent la page de 40 %.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import pluriel

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

DECIMALES_COORDONNEES = 5


def geometries(contours: gpd.GeoDataFrame) -> list[dict]:
    """Géométries GeoJSON en WGS84, arrondies à cinq décimales (environ un mètre).

    Raises
    ------
    DemandeFausse
        Contours sans système de coordonnées, ou géométrie vide.
    """
    import shapely

    if contours.crs is None:
        raise DemandeFausse(
            "des contours sans système de coordonnées",
            attendu="EPSG:4326",
            conseil="précisez-le avec set_crs",
        )
    formes = contours.to_crs(4326).geometry.to_numpy()
    vides = shapely.is_missing(formes) | shapely.is_empty(formes)
    if vides.any():
        raise DemandeFausse(
            f"{pluriel(int(vides.sum()), 'contour')} sans forme",
            conseil="retirez-les des contours : leurs mesures resteront dans les tableaux",
        )
    arrondies = shapely.transform(formes, lambda xy: np.round(xy, DECIMALES_COORDONNEES))
    return [json.loads(g) for g in shapely.to_geojson(arrondies)]


def reperes(contours: gpd.GeoDataFrame) -> list[list[float]]:
    """Un point ``[lat, lon]`` à l'intérieur de chaque contour."""
    dedans = contours.to_crs(4326).geometry.representative_point()
    return [
        [round(y, DECIMALES_COORDONNEES), round(x, DECIMALES_COORDONNEES)]
        for x, y in zip(dedans.x, dedans.y, strict=True)
    ]


def noms_des_contours(contours: gpd.GeoDataFrame, mesures: pd.DataFrame | None = None) -> list[str]:
    """Nom de chaque contour : colonne ``nom``, sinon celui des mesures, sinon le code."""
    connus: dict[str, str] = {}
    if mesures is not None and "nom" in mesures:
        connus = dict(zip(mesures["territoire"], mesures["nom"], strict=True))
    propres = contours["nom"] if "nom" in contours else [None] * len(contours)
    return [
        str(nom) if not est_vide(nom) else str(connus.get(code, code))
        for code, nom in zip(contours["code"], propres, strict=True)
    ]


def rogner(contours: gpd.GeoDataFrame, cadre: Sequence[float], *, marge: float = 0.8) -> gpd.GeoDataFrame:
    """Ne garde d'un fond que ce qui entoure le cadre, pour ne pas alourdir la page."""
    ouest, sud, est, nord = cadre
    large, haut = (est - ouest) * marge, (nord - sud) * marge
    coupes = contours.to_crs(4326).copy()
    coupes["geometry"] = coupes.geometry.clip_by_rect(ouest - large, sud - haut, est + large, nord + haut)
    # is_empty est faux pour une géométrie manquante, mais clip_by_rect n'en rend pas.
    return coupes[~coupes.geometry.is_empty]
