"""La projection légale de chaque territoire : en mètres vrais, outre-mer compris."""

from __future__ import annotations

# (ouest, sud, est, nord) en degrés, et code EPSG : RGF93/Lambert-93, RGAF09, RGFG95, RGR92, RGM04.
ZONES = {
    "metropole": ((-5.6, 41.0, 10.0, 51.5), 2154),
    "antilles": ((-63.3, 14.2, -60.6, 18.3), 5490),
    "guyane": ((-55.0, 2.0, -51.4, 6.0), 2972),
    "reunion": ((55.0, -21.6, 56.0, -20.7), 2975),
    "mayotte": ((44.9, -13.2, 45.5, -12.5), 4471),
}


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
