"""La projection légale de chaque territoire : en mètres vrais, outre-mer compris."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import geopandas as gpd

# (ouest, sud, est, nord) en degrés, et code EPSG : RGF93/Lambert-93, RGAF09, RGFG95, RGR92, RGM04.
ZONES = {
    "metropole": ((-5.6, 41.0, 10.0, 51.5), 2154),
    "antilles": ((-63.3, 14.2, -60.6, 18.3), 5490),
    "guyane": ((-55.0, 2.0, -51.4, 6.0), 2972),
    "reunion": ((55.0, -21.6, 56.0, -20.7), 2975),
    "mayotte": ((44.9, -13.2, 45.5, -12.5), 4471),
}
# Saint-Pierre-et-Miquelon n'a pas de projection ici : un point y est en France, et ne se mesure pas.
_SANS_PROJECTION = (-56.6, 46.7, -56.0, 47.2)
DES_DROM = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}


def zone(lon: float, lat: float) -> int | None:
    """Code EPSG de la projection métrique légale d'un point ; None s'il n'est pas en France.

    Examples
    --------
    >>> zone(-0.55, 47.47), zone(55.5, -21.1), zone(47.47, -0.55)
    (2154, 2975, None)
    """
    for (ouest, sud, est, nord), epsg in ZONES.values():
        if ouest <= lon <= est and sud <= lat <= nord:
            return epsg
    return None


def en_france(lon: float, lat: float) -> bool:
    """Vrai si un point, en degrés, est sur une terre française ou tout près.

    >>> en_france(-0.55, 47.47), en_france(-56.2, 46.8), en_france(47.47, -0.55)
    (True, True, False)
    """
    ouest, sud, est, nord = _SANS_PROJECTION
    return zone(lon, lat) is not None or (ouest <= lon <= est and sud <= lat <= nord)


def projeter(lon: pd.Series, lat: pd.Series) -> pd.DataFrame:
    """Points en mètres, chacun dans la projection légale de son territoire.

    Parameters
    ----------
    lon, lat : Series
        Degrés WGS84, même index.

    Returns
    -------
    DataFrame
        ``x``, ``y`` (mètres) et ``zone`` (code EPSG) ; même index. Un point absent, ou hors de France, a trois
        manquants. Deux points de zones différentes ne se mesurent pas entre eux.

    Examples
    --------
    >>> lon, lat = pd.Series([-0.55, 55.5, 2.0]), pd.Series([47.47, -21.1, 0.0])
    >>> points = projeter(lon, lat)
    >>> points["zone"].tolist()
    [2154.0, 2975.0, nan]
    >>> points.loc[0, ["x", "y"]].div(1000).round().tolist()
    [433.0, 6714.0]
    """
    degres = [serie.to_numpy(dtype=float, na_value=np.nan) for serie in (lon, lat)]
    # Les mêmes communes reviennent à chaque mesure : leurs octets suffisent à les reconnaître.
    points = _projeter(*(d.tobytes() for d in degres))
    return pd.DataFrame(points.copy(), columns=["x", "y", "zone"], index=lon.index)


@lru_cache(maxsize=4)
def _projeter(lon: bytes, lat: bytes) -> np.ndarray:
    import pyproj

    degres = np.column_stack([np.frombuffer(lon), np.frombuffer(lat)])
    points = np.full((len(degres), 3), np.nan)
    for (ouest, sud, est, nord), epsg in ZONES.values():
        dedans = (degres >= (ouest, sud)).all(axis=1) & (degres <= (est, nord)).all(axis=1)
        if dedans.any():
            vers = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
            points[dedans, 0], points[dedans, 1] = vers.transform(*degres[dedans].T)
            points[dedans, 2] = epsg
    return points


def reparer(contours: gpd.GeoSeries) -> gpd.GeoSeries:
    """Des surfaces valides : un contour qui se croise est réparé, les lignes et points qu'il en reste sont ôtés.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Polygon
    >>> papillon = gpd.GeoSeries([Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])])
    >>> reparer(papillon).area.tolist(), bool(reparer(papillon).is_valid.all())
    ([2.0], True)
    """
    import shapely

    formes = contours.to_numpy().copy()
    faux = ~shapely.is_valid(formes) & ~shapely.is_missing(formes)
    if not faux.any():
        return contours
    for i in np.flatnonzero(faux):
        parts = shapely.get_parts(shapely.make_valid(formes[i]))
        parts = shapely.get_parts(parts)  # une collection peut contenir des surfaces multiples
        formes[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return type(contours)(formes, index=contours.index, crs=contours.crs, name=contours.name)


def projeter_contours(contours: gpd.GeoDataFrame, epsg: int) -> gpd.GeoDataFrame:
    """Contours en mètres, réparés : valides en degrés, quelques-uns se croisent une fois projetés."""
    projetes = contours.to_crs(epsg)
    return projetes.set_geometry(reparer(projetes.geometry))
