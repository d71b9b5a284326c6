"""Préparer des contours pour une page : formes légères, points intérieurs, noms.

Cinq décimales (un mètre) suffisent à une carte et allègent la page de 40 %.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import pluriel
from cafdiag.restitution.legende_statique import largeur_du_texte

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

DECIMALES_COORDONNEES = 5
CORPS_DES_NOMS = 11.0
# Tour de la Terre en mètres, dans la projection de Leaflet : le zoom 0 le met en 256 pixels.
_TOUR = 2 * math.pi * 6_378_137.0
_CENTRES, _PAS = 7, 8


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


def anneaux(geometrie: dict) -> Iterator[tuple[list, bool]]:
    """Anneaux (ou lignes) d'une géométrie GeoJSON, et s'ils se ferment."""
    genre = geometrie["type"]
    if genre == "GeometryCollection":
        for membre in geometrie["geometries"]:
            yield from anneaux(membre)
    elif genre == "Polygon":
        yield from ((a, True) for a in geometrie["coordinates"])
    elif genre == "MultiPolygon":
        yield from ((a, True) for polygone in geometrie["coordinates"] for a in polygone)
    elif genre == "LineString":
        yield geometrie["coordinates"], False
    elif genre == "MultiLineString":
        yield from ((a, False) for a in geometrie["coordinates"])


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


def en_deux(nom: str) -> list[str]:
    """Un nom en deux lignes, coupé à l'espace ou au trait d'union le plus proche du milieu.

    Examples
    --------
    >>> en_deux("Saint-Martin-du-Limet"), en_deux("Craon")
    (['Saint-Martin-', 'du-Limet'], ['Craon'])
    """
    coupes = [i + 1 for i, c in enumerate(nom[:-1]) if c in " -" and i > 1]
    if not coupes:
        return [nom]
    ou = min(coupes, key=lambda i: (abs(i - len(nom) / 2), i))
    return [nom[:ou].rstrip(" "), nom[ou:]]


def taille_du_nom(lignes: Sequence[str], *, corps: float = CORPS_DES_NOMS, gras: bool = False) -> tuple[float, float]:
    """Largeur et hauteur en pixels de la boîte d'un nom, sa respiration comprise.

    >>> taille_du_nom(["Craon"])[1], taille_du_nom(["Mont des", "Avaloirs"])[1]
    (15.0, 28.0)
    """
    large = max(largeur_du_texte(ligne, corps, gras=gras) for ligne in lignes)
    return round(large + 6, 1), round(len(lignes) * (corps + 2) + 2, 1)


def emplacements(contours: gpd.GeoDataFrame, noms: Sequence[str], *, fortes: Sequence[bool]) -> list[list[list]]:
    """Où chaque nom s'écrit sans sortir de son contour, sur une ligne puis sur deux, et à partir de quel zoom.

    La carte interactive et l'image fixe lisent la même liste : un nom n'est jamais à cheval sur deux lieux.

    Returns
    -------
    list of list
        Par contour, une place pour une ligne puis pour deux (:func:`en_deux`), quand elles existent : nombre de
        lignes, latitude et longitude du milieu, zoom à partir duquel la boîte tient, sa largeur en pixels.
    """
    import shapely

    formes = contours.to_crs(3857).geometry.to_numpy()
    rendus = []
    for forme, nom, gras in zip(formes, noms, fortes, strict=True):
        parties = shapely.get_parts(forme)
        partie = parties[int(np.argmax(shapely.area(parties)))]
        ouest, sud, est, nord = partie.bounds
        partie = partie.simplify(max(est - ouest, nord - sud) / 250)
        shapely.prepare(partie)
        grille = np.linspace(0, 1, _CENTRES + 2)[1:-1]
        x, y = (a.ravel() for a in np.meshgrid(ouest + grille * (est - ouest), sud + grille * (nord - sud)))
        dedans = partie.representative_point()
        x, y = np.append(x, [dedans.x, partie.centroid.x]), np.append(y, [dedans.y, partie.centroid.y])
        ici = shapely.contains_xy(partie, x, y)
        x, y = x[ici], y[ici]
        places = []
        for lignes in ([nom], en_deux(nom))[: 1 + (len(en_deux(nom)) > 1)]:
            large, haut = taille_du_nom(lignes, gras=gras)
            place = _plus_au_large(partie, x, y, large, haut)
            if place is not None:
                px, py, metres = place
                places.append([len(lignes), *_degres(px, py), round(math.log2(_TOUR / 256 / metres), 2), round(large)])
        rendus.append(places)
    return rendus


def _plus_au_large(partie, x: np.ndarray, y: np.ndarray, large: float, haut: float) -> tuple | None:
    """Le centre où une boîte de cette forme tient la plus grande, et les mètres que vaut alors un pixel."""
    import shapely

    ouest, sud, est, nord = partie.bounds
    bas, dessus, retenu = 0.0, min((est - ouest) / large, (nord - sud) / haut), None
    for _ in range(_PAS):
        milieu = (bas + dessus) / 2
        dx, dy = milieu * large / 2, milieu * haut / 2
        tient = shapely.contains(partie, shapely.box(x - dx, y - dy, x + dx, y + dy))
        if tient.any():
            x, y = x[tient], y[tient]
            bas, retenu = milieu, (float(x[0]), float(y[0]), milieu)
        else:
            dessus = milieu
    return retenu


def _degres(x: float, y: float) -> list[float]:
    """``[lat, lon]`` d'un point de la projection de Leaflet."""
    rayon = _TOUR / (2 * math.pi)
    latitude = math.degrees(2 * math.atan(math.exp(y / rayon)) - math.pi / 2)
    return [round(latitude, 4), round(math.degrees(x / rayon), 4)]
