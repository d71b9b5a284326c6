"""Un point écrit dans un registre : son système de coordonnées, sa place sur terre, la commune qui le contient."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cafdiag.magasin import lire_contours

# Longitudes et latitudes des terres françaises : ouest, sud, est, nord.
_TERRES = {
    "métropole": (-5.6, 41.2, 10.0, 51.3),
    "Antilles": (-63.3, 14.2, -60.7, 18.2),
    "Guyane": (-54.8, 2.0, -51.5, 6.0),
    "La Réunion": (55.1, -21.5, 55.9, -20.8),
    "Mayotte": (44.9, -13.1, 45.4, -12.5),
    "Saint-Pierre-et-Miquelon": (-56.6, 46.7, -56.0, 47.2),
}
_NOMBRE_SEUL = r"[-+−]?\d{1,9}(?:[.,]\d+)?"
_POINT_WKT = re.compile(rf"(?:SRID=\d+;)?\s*POINT\s*Z?\s*\(\s*({_NOMBRE_SEUL})\s+({_NOMBRE_SEUL})", re.IGNORECASE)
_COUPLE = re.compile(rf"[\[(]?\s*({_NOMBRE_SEUL})\s*(?:°\s*)?(?:\s*[;,/|]\s*|\s+)({_NOMBRE_SEUL})\s*(?:°\s*)?[\])]?")
# « 48,07, -0,77 » : la virgule suivie d'une espace sépare, les autres sont décimales.
_COUPLE_A_VIRGULES = re.compile(r"[\[(]?\s*([-+−]?\d{1,9},\d+)\s*(?:,\s*|[;/|\s]\s*)([-+−]?\d{1,9},\d+)\s*[\])]?")
_DEGRES = re.compile(
    r"(\d{1,3})\s*°\s*(\d{1,2})\s*['’′]\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:\"|''|”|″))?\s*([NSEWO])", re.IGNORECASE
)
_PROJECTIONS_DROM = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}


@dataclass(frozen=True)
class Point:
    """Longitude et latitude, ce qu'il a fallu faire pour les lire, ou pourquoi elles ne valent rien."""

    lon: float = math.nan
    lat: float = math.nan
    traces: tuple[str, ...] = ()
    defaut: str = ""

    @property
    def connu(self) -> bool:
        """Vrai s'il y a un point."""
        return not math.isnan(self.lon)


def localiser(x: float, y: float, *, departement: str = "") -> Point:
    """Longitude et latitude d'un point, quel que soit le système ou l'ordre où il est écrit.

    Lambert-93 et projections légales d'outre-mer (si le département est connu) sont converties ; des
    coordonnées permutées sont remises dans l'ordre ; chaque geste laisse une trace.

    >>> p = localiser(48.07, -0.77)
    >>> (p.lon, p.lat), p.traces
    ((-0.77, 48.07), ('longitude et latitude permutées',))
    >>> p = localiser(427312.5, 6781020.0)
    >>> round(p.lon, 2), round(p.lat, 2), p.traces
    (-0.66, 48.07, ('Lambert-93',))
    """
    if _sur_terre(x, y):
        return Point(x, y)
    if _sur_terre(y, x):
        return Point(y, x, ("longitude et latitude permutées",))
    for a, b, permute in ((x, y, ()), (y, x, ("X et Y permutés",))):
        epsg, nom = _projection(a, b, departement)
        if epsg:
            lon, lat = _transformeur(epsg).transform(a, b)
            if _sur_terre(lon, lat):
                return Point(lon, lat, (nom, *permute))
    if abs(x) <= 180 and abs(y) <= 90:
        return Point(defaut="un point en France ; celui-ci est ailleurs")
    indice = (
        " (Lambert II étendu ? convertissez en Lambert-93 ou en degrés)"
        if (0 < x < 1.2e6 and 1.6e6 < y < 2.7e6)
        else ""
    )
    return Point(defaut=f"des degrés WGS84 ou du Lambert-93{indice}")


def _sur_terre(lon: float, lat: float) -> bool:
    return any(o <= lon <= e and s <= lat <= n for o, s, e, n in _TERRES.values())


def _projection(x: float, y: float, departement: str) -> tuple[int, str]:
    if departement in _PROJECTIONS_DROM:
        epsg = _PROJECTIONS_DROM[departement]
        return epsg, f"projection légale EPSG:{epsg}"
    if 0 < x < 1.3e6 and 6.0e6 < y < 7.2e6:
        return 2154, "Lambert-93"
    return 0, ""


@lru_cache(maxsize=8)
def _transformeur(epsg: int):
    import pyproj

    return pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)


def communes_des_points(lon: np.ndarray, lat: np.ndarray) -> list[tuple[str, ...]]:
    """Communes dont le contour contient chaque point : une seule en principe, deux sur une limite exacte.

    Un point dans Paris, Lyon ou Marseille est rendu à la ville.
    """
    import shapely

    contours = lire_contours("communes")
    arbre = shapely.STRtree(contours.geometry.to_numpy())
    points, formes = arbre.query(shapely.points(lon, lat), predicate="intersects")
    trouves: list[set[str]] = [set() for _ in lon]
    codes = contours["code"].to_numpy()
    for point, forme in zip(points, formes, strict=True):
        trouves[point].add(codes[forme])
    return [tuple(sorted(t)) for t in trouves]



def lire_couple(texte: str) -> tuple[str, str] | None:
    """Longitude et latitude écrites dans une seule case ; None si ce n'est pas un point.

    « 48.07, -0.77 » et ses parents, WKT, GeoJSON, objet ``{"lon": …, "lat": …}``, degrés et minutes.

    >>> lire_couple("48.9196, 2.2287"), lire_couple("POINT (2.2287 48.9196)")
    (('2.2287', '48.9196'), ('2.2287', '48.9196'))
    >>> lire_couple('{"lon": 2.25, "lat": 48.9}'), lire_couple("48,07 ; -0,77"), lire_couple("Centre-ville")
    (('2.25', '48.9'), ('-0.77', '48.07'), None)
    """
    texte = texte.strip()
    if trouve := _POINT_WKT.match(texte):
        return _propres(trouve[1], trouve[2])
    if texte[:1] == "{":
        return _couple_json(texte)
    if degres := _DEGRES.findall(texte):
        return _couple_en_degres(degres)
    trouve = _COUPLE_A_VIRGULES.fullmatch(texte) or _COUPLE.fullmatch(texte)
    # Latitude d'abord, comme sur une carte en ligne ; dans l'autre sens, le point est remis à l'endroit.
    return _propres(trouve[2], trouve[1]) if trouve else None


def _propres(lon: str, lat: str) -> tuple[str, str]:
    return lon.replace(",", ".").replace("−", "-"), lat.replace(",", ".").replace("−", "-")


def _couple_json(texte: str) -> tuple[str, str] | None:
    try:
        lu = json.loads(texte)
    except ValueError:
        return None
    lu = lu.get("geometry", lu) if isinstance(lu, dict) else lu
    if not isinstance(lu, dict):
        return None
    if lu.get("type") == "Point" and isinstance(lu.get("coordinates"), list) and len(lu["coordinates"]) > 1:
        return str(lu["coordinates"][0]), str(lu["coordinates"][1])
    paire = [next((lu[c] for c in noms if isinstance(lu.get(c), int | float)), None)
             for noms in (("lon", "lng", "longitude", "x"), ("lat", "latitude", "y"))]
    return None if None in paire else (str(paire[0]), str(paire[1]))


def _couple_en_degres(degres: list[tuple[str, str, str, str]]) -> tuple[str, str] | None:
    valeurs = {}
    for entiers, minutes, secondes, sens in degres:
        valeur = int(entiers) + int(minutes) / 60 + float((secondes or "0").replace(",", ".")) / 3600
        axe = "lat" if sens.upper() in "NS" else "lon"
        valeurs[axe] = -valeur if sens.upper() in "SWO" else valeur
    return (f"{valeurs['lon']:.7f}", f"{valeurs['lat']:.7f}") if len(valeurs) == 2 else None
