"""Les couches du diagnostic pour un SIG : GeoPackage et GeoJSON.

Les attributs sont ceux que le rapport montre, et rien d'autre : les mesures jointes (avec leur statut) et ce
que disent les infobulles des structures et des quartiers. Aucune table de données n'est relue ici.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cafdiag.restitution.carte import Carte
from cafdiag.restitution.echappement import sans_controle
from cafdiag.restitution.jointes import enregistrements

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

# Maille des mesures, nom de la couche.
MAILLES = {"commune": "communes", "epci": "epci", "departement": "departements", "region": "regions"}
_ATTRIBUTS = ("nom", "type", "commune", "precisions")
_PEINTES = ("carte", "epci_alentour")


def couches_geo(jointes: pd.DataFrame, cartes: Sequence[Carte]) -> dict[str, pd.DataFrame]:
    """Les couches d'un diagnostic, en WGS84.

    Parameters
    ----------
    jointes : DataFrame
        Les mesures jointes au rapport.
    cartes : sequence of Carte
        Celles du carnet, pour les structures et les quartiers qu'elles montrent.

    Returns
    -------
    dict of str to DataFrame
        ``territoire``, ``communes``, ``epci``… : ``code, nom``, puis pour chaque indicateur montré sa valeur
        (``PE_ENF_M3``), son année (``…_annee``) et son statut (``…_statut``). ``structures`` : ``nom, type, commune,
        precisions``. ``quartiers`` : ``nom``. Une couche vide n'est pas rendue ; celle d'un territoire sans
        contour (un quartier) est une table sans géométrie.
    """
    mesures = enregistrements(jointes)
    peints = {(m["maille"], m["indicateur"]) for m in mesures if m["role"] in _PEINTES}
    couches: dict[str, pd.DataFrame | None] = {"territoire": _territoire(mesures)}
    for maille, nom in MAILLES.items():
        siennes = [m for m in mesures if m["maille"] == maille and m["role"] in (*_PEINTES, "territoire")]
        # Les autres indicateurs du territoire ne sont pas mesurés chez ses voisins : ils n'y sont pas montrés.
        montrees = _table([m for m in siennes if (maille, m["indicateur"]) in peints])
        couches[nom] = None if montrees is None else _placer(montrees, maille)
    couches |= _structures_et_quartiers(cartes)
    return {nom: c for nom, c in couches.items() if c is not None and len(c)}


def _territoire(mesures: list[dict]) -> pd.DataFrame | None:
    """Le territoire et toutes ses mesures, sur son contour : précalculé, sinon union de ses communes."""
    siennes = [m for m in mesures if m["role"] == "territoire"]
    table = _table(siennes)
    maille = siennes[0]["maille"] if siennes else ""
    if table is None or maille in MAILLES:
        return table if table is None else _placer(table, maille)
    communes = sorted({m["territoire"] for m in mesures if m["maille"] == "commune"})
    if maille == "qpv" or (maille == "perimetre" and not communes):
        return table
    import geopandas as gpd

    from cafdiag.restitution.vues import contours_de
    from cafdiag.territoires import membres

    if maille == "france":
        morceaux = contours_de("region", list(membres("region")["code"].unique()))
    else:
        morceaux = contours_de("commune", communes)
    return gpd.GeoDataFrame(table, geometry=[morceaux.union_all()], crs=4326)


def _table(mesures: list[dict]) -> pd.DataFrame | None:
    """Une ligne par territoire, trois colonnes par indicateur ; de plusieurs années, la dernière."""
    import pandas as pd

    lignes: dict[str, dict[str, Any]] = {}
    indicateurs: dict[str, None] = {}
    for m in sorted(mesures, key=lambda m: float(m["annee"] or 0)):
        code = m["indicateur"]
        indicateurs[code] = None
        ligne = lignes.setdefault(m["territoire"], {"code": m["territoire"], "nom": sans_controle(m["nom"])})
        ligne[code] = None if m["valeur"] is None else float(m["valeur"])
        ligne[f"{code}_annee"] = None if m["annee"] is None else int(m["annee"])
        ligne[f"{code}_statut"] = m["statut"]
    if not lignes:
        return None
    ordre = ["code", "nom", *(f"{c}{suite}" for c in indicateurs for suite in ("", "_annee", "_statut"))]
    table = pd.DataFrame(list(lignes.values())).reindex(columns=ordre)
    types = {c: "float64" for c in indicateurs} | {f"{c}_annee": "Int32" for c in indicateurs}
    return table.astype(types).sort_values("code", ignore_index=True)


def _placer(table: pd.DataFrame, maille: str) -> gpd.GeoDataFrame:
    from cafdiag.restitution.vues import contours_de

    contours = contours_de(maille, list(table["code"]))[["code", "geometry"]]
    return contours.merge(table, on="code", validate="one_to_one")[[*table.columns, "geometry"]]


def _structures_et_quartiers(cartes: Sequence[Carte]) -> dict[str, gpd.GeoDataFrame]:
    import geopandas as gpd
    from shapely.geometry import Point, shape

    couches: dict[str, dict[str, dict]] = {"structures": {}, "quartiers": {}}
    for couche in (c for carte in cartes for c in carte.couches if c.quoi in couches):
        for entite, dits in zip(couche.dessin["entites"], couche.attributs, strict=True):
            forme = Point(entite["p"][1], entite["p"][0]) if "p" in entite else shape(entite["g"])
            # Un carnet relu de son fichier a ses clés triées.
            propres = {nom: sans_controle(dits[nom]) for nom in _ATTRIBUTS if nom in dits}
            # Deux cartes montrent le même quartier : il n'est qu'une fois dans la couche.
            couches[couche.quoi][json.dumps([forme.wkt, propres])] = {**propres, "geometry": forme}
    return {
        nom: gpd.GeoDataFrame(list(lignes.values()), geometry="geometry", crs=4326)
        for nom, lignes in couches.items()
        if lignes
    }


def geopackage(couches: Mapping[str, pd.DataFrame]) -> bytes:
    """Un GeoPackage, une couche par table ; mêmes entrées, mêmes octets."""
    import pyogrio

    ancienne = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    # GDAL date chaque couche ; la date du jour ferait un fichier différent à chaque production.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        with tempfile.TemporaryDirectory(prefix="cafdiag-") as provisoire:
            fichier = Path(provisoire) / "couches.gpkg"
            for nom, couche in couches.items():
                pyogrio.write_dataframe(
                    couche,
                    fichier,
                    layer=nom,
                    driver="GPKG",
                    append=fichier.exists(),
                    promote_to_multi=nom != "structures" and "geometry" in couche,
                )
            return fichier.read_bytes()
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": ancienne})


def geojson(couches: Mapping[str, pd.DataFrame]) -> str:
    """Une seule collection GeoJSON ; la propriété ``couche`` dit d'où vient chaque entité, un vide est ``null``."""
    import pandas as pd
    import shapely

    entites = []
    for nom, couche in couches.items():
        formes = couche["geometry"].to_numpy() if "geometry" in couche else [None] * len(couche)
        formes = shapely.set_precision(formes, 1e-6, mode="pointwise")
        attributs = couche.drop(columns="geometry", errors="ignore")
        for proprietes, forme in zip(attributs.to_dict("records"), formes, strict=True):
            propres = {c: None if pd.isna(v) else v for c, v in proprietes.items()}
            entites.append(
                {
                    "type": "Feature",
                    "properties": {"couche": nom, **propres},
                    "geometry": None if forme is None else json.loads(shapely.to_geojson(forme)),
                }
            )
    collection = {"type": "FeatureCollection", "features": entites}
    return json.dumps(collection, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
