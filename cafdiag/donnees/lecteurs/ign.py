"""Contours des communes (IGN, Etalab), et la lecture de tout fichier de contours, en degrés WGS84."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cafdiag.donnees import couches, octets
from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import COMMUNE, Chantier, refuser, trouver
from cafdiag.donnees.projections import reparer
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.erreurs import EntreeFautive, en_clair
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires import a_jour

if TYPE_CHECKING:
    import geopandas as gpd

_GEOMETRIE = r"geometry|geom|geo_shape|the_geom|wkb_geometry|contour"
QPV_CODE = r"code_qp(v)?|codeqp|qp_?2024|code_quartier"
QPV_NOM = r"lib_qp(v)?|nom_qp|libelle"
# Lambert-93 (ouest, sud, est, nord), en mètres : la seule projection qu'un fichier muet laisse deviner sans erreur.
_LAMBERT_93 = (0, 6_000_000, 1_300_000, 7_200_000)
# Un contour généralisé perd quelques pour cent d'aire ; au-delà, ce n'est plus le même périmètre.
_TOLERANCE = 0.25


def est_qpv(entete: list[str]) -> bool:
    """Un code et un nom de quartier prioritaire."""
    return bool(trouver(entete, QPV_CODE) and trouver(entete, QPV_NOM))


def reconnait_contours(brut: Brut) -> bool:
    """Un code de commune et une géométrie (colonne, ou fichier géographique)."""
    return bool(not brut.points and not est_qpv(brut.entete) and trouver(brut.entete, *COMMUNE, "insee_com")
                and (trouver(brut.entete, _GEOMETRIE) or geographique(brut.fichier)))


def geographique(fichier: str) -> bool:
    """Vrai si le nom est celui d'un fichier de contours."""
    return any(s in fichier.lower() for s in (".geojson", ".gpkg", ".shp", ".geoparquet"))


def lire_geo(chemin: Path, brut: Brut) -> gpd.GeoDataFrame:
    """Géométries d'un parquet (WKB ou GeoJSON en texte) ou d'un fichier géographique, en WGS84."""
    import geopandas as gpd

    nom = trouver(brut.entete, _GEOMETRIE)
    if chemin.suffix.lower() in (".parquet", ".geoparquet"):
        import pyarrow.parquet as pq

        colonne = pq.read_table(chemin, columns=[nom]).column(0).to_pylist()
        formes = _formes(colonne)
        crs = _projection(pq.read_schema(chemin).metadata or {}, nom)
        geo = gpd.GeoDataFrame(brut.table, geometry=np.asarray(formes, dtype=object), crs=crs)
    elif nom and nom in brut.table:
        geo = gpd.GeoDataFrame(brut.table, geometry=_formes(brut.table[nom].tolist()), crs=4326)
    else:
        geo = _par_pyogrio(chemin, brut.couche or None)
    if not hasattr(geo, "crs"):
        raise refuser(brut, "aucun contour", attendu="un contour par ligne (GeoJSON, GeoPackage, shapefile)")
    geo = _dire_le_systeme(geo, brut)
    return geo if geo.crs.to_epsg() == 4326 else geo.to_crs(4326)


def _dire_le_systeme(geo: gpd.GeoDataFrame, brut: Brut) -> gpd.GeoDataFrame:
    """Un fichier sans système de coordonnées, ou qui annonce des degrés et porte des mètres : Lambert-93, ou refus."""
    import shapely

    if geo.crs is not None and geo.crs.to_epsg() != 4326:
        return geo
    bornes = shapely.bounds(geo.geometry.to_numpy())
    bornes = bornes[np.isfinite(bornes).all(axis=1)]
    # Un seul point abîmé ne condamne pas le fichier ; un fichier entier en mètres, si.
    if not len(bornes) or (np.abs(bornes).max(axis=1) > couches.DEGRES_MAX).mean() <= 0.5:
        return geo if geo.crs is not None else geo.set_crs(4326)
    ouest, sud, est, nord = _LAMBERT_93
    dedans = ((bornes >= (ouest, sud, ouest, sud)) & (bornes <= (est, nord, est, nord))).all(axis=1)
    if dedans.mean() < 0.9:
        raise refuser(brut, "coordonnées en mètres, dans un système que le fichier ne dit pas",
                      attendu="des degrés (WGS84), du Lambert-93, ou un fichier qui dit sa projection (.prj)",
                      conseil="reprenez la version WGS84")
    brut.remarques.append("coordonnées en mètres sans système déclaré : lues en Lambert-93")
    return geo.set_crs(2154, allow_override=True)


def _formes(valeurs: list) -> list:
    import shapely

    formes = []
    for valeur in valeurs:
        try:
            if isinstance(valeur, bytes):
                formes.append(shapely.from_wkb(valeur))
            elif isinstance(valeur, str) and valeur.lstrip().startswith("{"):
                formes.append(shapely.from_geojson(valeur))
            else:
                formes.append(shapely.from_wkt(valeur) if valeur else None)
        except (shapely.errors.GEOSException, TypeError, ValueError):
            formes.append(None)
    return formes


def _projection(meta: dict, nom: str | None):
    try:
        colonne = json.loads(meta[b"geo"])["columns"][nom]
    except (KeyError, ValueError):
        return 4326
    return colonne.get("crs", 4326)


def _par_pyogrio(chemin: Path, couche: str | None = None) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyogrio

    src = octets.source(chemin)
    source = couches.chemin_gdal(src) if src.format == couches.FORMAT or not src.compression else src.tout()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL avertit d'un champ inconnu : le contour n'en dépend pas
            return gpd.read_file(source, engine="pyogrio", on_invalid="ignore", layer=couche)
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError, pyogrio.errors.GeometryError) as cause:
        raise couches.illisible(src, cause) from cause


def brut_geo(chemin: Path, feuille: str | None, voulue: Callable[[list[str]], bool]) -> Brut:
    """Attributs en textes ; d'un fichier à plusieurs couches, la première dont les colonnes conviennent."""
    src = octets.source(chemin)
    if src.format == couches.FORMAT and feuille is None:
        feuille = couches.choisir(src, voulue)
    return lire_tableau(chemin, feuille=feuille)


def sans_trace(lire: Callable[..., Lecture]) -> Callable[..., Lecture]:
    """Change une géométrie que GEOS ne sait pas traiter en refus clair."""

    @functools.wraps(lire)
    def protege(chemin: Path, **reglages) -> Lecture:
        import shapely

        try:
            return lire(chemin, **reglages)
        except shapely.errors.ShapelyError as cause:
            raise EntreeFautive(Path(chemin).name, [f"géométrie impossible ({en_clair(cause)})"],
                                conseil="retéléchargez le fichier : un contour est abîmé") from cause

    return protege


def valider(chantier: Chantier, geo: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Écarte ce qui n'est pas une surface, et répare les contours qui se croisent."""
    import shapely

    absents = (geo.geometry.isna() | geo.geometry.is_empty).to_numpy()
    chantier.rejeter(absents, "contour absent ou illisible")
    bornes = np.abs(shapely.bounds(geo.geometry.to_numpy()))
    chantier.rejeter(np.nan_to_num(bornes, nan=0).max(axis=1) > couches.DEGRES_MAX, "coordonnées hors du globe")
    surfaces = geo.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
    chantier.rejeter(~surfaces, "un point ou une ligne, pas une surface")
    faux = ~geo.geometry.is_valid.to_numpy() & chantier.garde
    if faux.any():
        geo = geo.set_geometry(reparer(geo.geometry))
        chantier.rejeter(geo.geometry.is_empty.to_numpy(), "contour sans surface, une fois réparé")
        chantier.remarques.append(f"{int(faux.sum())} contour(s) qui se croisaient, réparés")
    return geo


@sans_trace
def lire_contours(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Contours des communes, au COG 2025 : une fusion est l'union de ses parties.

    Le contour d'une commune nouvelle n'est parfois que celui de son chef-lieu : son aire le trahit, il est
    écarté.
    """
    import geopandas as gpd

    brut = brut_geo(chemin, feuille, lambda champs: trouver(champs, *COMMUNE, "insee_com") is not None)
    commune = trouver(brut.entete, *COMMUNE, "insee_com")
    if commune is None:
        raise refuser(brut, "colonne absente : code de la commune")
    chantier = Chantier(brut, "contours", annee=annee)
    geo = lire_geo(chemin, brut)
    if len(geo) != len(brut.table):
        raise refuser(brut, f"{len(brut.table)} enregistrements, mais {len(geo)} contours lus")
    codes = chantier.codes(commune)
    geo = valider(chantier, geo)
    chantier.rejeter(_loin(geo, codes, brut), "contour à plus d'un degré de la commune", codes)
    destin = a_jour(codes.fillna(""))
    perdus = destin["code_actuel"].isna() & codes.notna()
    chantier.rejeter(perdus, "commune partagée depuis entre plusieurs", codes)
    fiche = gpd.GeoDataFrame({"code": destin["code_actuel"].to_numpy(), "origine": codes.to_numpy()},
                             geometry=geo.geometry.to_numpy(), crs=4326)
    empreintes = pd.DataFrame({"wkb": fiche.geometry.to_wkb(hex=True)}, index=brut.table.index)
    chantier.sans_doublon([codes], empreintes)
    table = _reunir(fiche[chantier.garde])
    trop = _aires_fausses(table)
    chantier.rejeter(fiche["code"].isin(trop["code"]).to_numpy(),
                     f"l'aire n'est pas celle de la commune de {_COG} : contour d'une partie seulement", codes)
    chantier.refuser_si_vide("des contours de communes")
    table = table[~table["code"].isin(trop["code"])].reset_index(drop=True)
    bouges = destin["statut"].eq("passe") & chantier.garde
    chantier.passages |= dict(zip(destin.loc[bouges, "code_origine"], destin.loc[bouges, "code_actuel"], strict=True))
    communes = lire_table("communes", colonnes=["code", "type"])
    manquent = int((~communes.loc[communes["type"].eq("COM"), "code"].isin(table["code"])).sum())
    if manquent:
        chantier.remarques.append(f"{manquent} communes du COG {_COG} sans contour dans ce fichier")
    an = annee or _COG
    return chantier.rendre(table, annees=[an], source="IGN, contours des communes", millesime=f"COG {_COG}")


_COG = millesime("geographie.communes")


def _reunir(fiche: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    fiche = fiche[["code", "geometry"]]
    multiples = fiche["code"].duplicated(keep=False)
    if not multiples.any():
        return fiche.sort_values("code", ignore_index=True)
    unions = fiche[multiples].dissolve("code").reset_index()
    return pd.concat([fiche[~multiples], unions]).sort_values("code", ignore_index=True)


def _aires_fausses(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Communes fusionnées ou scindées dont l'aire n'est pas celle d'aujourd'hui.

    La tolérance est celle du fichier : l'écart que la simplification laisse aux communes qui n'ont pas changé.
    """
    communes = lire_table("communes", colonnes=["code", "superficie_km2"]).set_index("code")
    passage = lire_table("passage_cog", colonnes=["code_ancien", "code"])
    changees = table["code"].isin(set(passage["code"]) | set(passage["code_ancien"])).to_numpy()
    lat = np.radians(table.geometry.bounds[["miny", "maxy"]].mean(axis=1).to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # aire en degrés carrés, ramenée aux km² par la latitude
        km2 = table.geometry.area.to_numpy() * (111.19 ** 2) * np.cos(lat)
    rapport = km2 / table["code"].map(communes["superficie_km2"]).to_numpy(dtype="float64")
    stables = rapport[~changees & np.isfinite(rapport)]
    bas, haut = np.quantile(stables, [0.01, 0.99]) if len(stables) > 100 else (1.0, 1.0)
    fausses = changees & ((rapport < min(bas, 1 - _TOLERANCE)) | (rapport > max(haut, 1 + _TOLERANCE)))
    return table[fausses][["code"]]


def _loin(geo: gpd.GeoDataFrame, codes: pd.Series, brut: Brut) -> np.ndarray:
    """Contours à plus d'un degré de leur commune ; un fichier aux axes permutés est refusé."""
    centres = lire_table("communes", colonnes=["code", "lon", "lat"]).set_index("code")
    actuels = a_jour(codes.fillna(""))["code_actuel"]
    x, y = (actuels.map(centres[c]).to_numpy(dtype="float64") for c in ("lon", "lat"))
    bornes = geo.geometry.bounds
    cx, cy = ((bornes[f"min{a}"] + bornes[f"max{a}"]).to_numpy() / 2 for a in "xy")
    loin = (np.abs(cx - x) > 1) | (np.abs(cy - y) > 1)
    if loin.mean() > 0.5 and ((np.abs(cy - x) < 1) & (np.abs(cx - y) < 1)).mean() > 0.5:
        raise refuser(brut, "longitude et latitude permutées", attendu="longitude d'abord (WGS84)")
    return loin


LECTEURS = (
    Lecteur("contours", "contours des communes", lambda b: 0.85 * reconnait_contours(b), lire_contours,
            ("code", "nom", "geometry"), utile=False),
)
