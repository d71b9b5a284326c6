"""Contours : communes (IGN, Etalab) et quartiers prioritaires 2024 (ANCT), en degrés WGS84."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.anct import refuser_codes_2015
from cafdiag.donnees.lecteurs.assemblage import COMMUNE, Chantier, refuser, trouver
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour

if TYPE_CHECKING:
    import geopandas as gpd

_GEOMETRIE = r"geometry|geom|geo_shape|the_geom|wkb_geometry|contour"
_QPV = r"code_qp(v)?|codeqp|qp_?2024|code_quartier"
# Un contour généralisé perd quelques pour cent d'aire ; au-delà, ce n'est plus le même périmètre.
_TOLERANCE = 0.25


def _est_qpv(brut: Brut) -> bool:
    return bool(trouver(brut.entete, _QPV) and trouver(brut.entete, r"lib_qp(v)?|nom_qp|libelle"))


def reconnait_contours(brut: Brut) -> bool:
    """Un code de commune et une géométrie (colonne, ou fichier géographique)."""
    return bool(not _est_qpv(brut) and trouver(brut.entete, *COMMUNE, "insee_com")
                and (trouver(brut.entete, _GEOMETRIE) or _geographique(brut.fichier)))


def _geographique(fichier: str) -> bool:
    return any(s in fichier.lower() for s in (".geojson", ".gpkg", ".shp", ".geoparquet"))


def _lire_geo(chemin: Path, brut: Brut) -> gpd.GeoDataFrame:
    """Géométries d'un parquet (WKB ou GeoJSON en texte) ou d'un fichier géographique, en WGS84."""
    import geopandas as gpd
    import shapely

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
        geo = _par_pyogrio(chemin)
    if geo.crs is None:
        raise refuser(brut, "projection inconnue", conseil="fournissez le fichier .prj, ou la version WGS84")
    if geo.crs.to_epsg() != 4326:
        geo = geo.to_crs(4326)
    bornes = np.abs(shapely.bounds(geo.geometry.to_numpy()))
    # Un seul point abîmé ne condamne pas le fichier ; un fichier entier en mètres, si.
    if (np.nan_to_num(bornes, nan=0).max(axis=1) > 180.0001).mean() > 0.5:
        raise refuser(brut, "coordonnées en mètres (Lambert-93 ?) annoncées en degrés",
                      conseil="reprenez la version WGS84, ou un fichier qui dit sa projection")
    return geo


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


def _projection(meta: dict, nom: str):
    try:
        colonne = json.loads(meta[b"geo"])["columns"][nom]
    except (KeyError, ValueError):
        return 4326
    return colonne.get("crs", 4326)


def _par_pyogrio(chemin: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyogrio

    source = chemin
    if octets.source(chemin).compression == "zip" or chemin.suffix == ".gz":
        source = octets.source(chemin).tout()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL avertit d'un champ inconnu : le contour n'en dépend pas
            return gpd.read_file(source, engine="pyogrio", on_invalid="ignore")
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError, pyogrio.errors.GeometryError) as cause:
        raise EntreeFautive(chemin.name, [f"contours illisibles ({cause})"],
                            attendu="un GeoJSON, un GeoPackage, un shapefile ou un GeoParquet") from cause


def _brut(chemin: Path) -> Brut:
    """Attributs en textes ; un GeoPackage ou un shapefile, qui n'en ont pas, passent par pyogrio."""
    if chemin.suffix.lower() in (".gpkg", ".shp"):
        geo = _par_pyogrio(chemin)
        table = pd.DataFrame(geo.drop(columns=geo.geometry.name)).astype("object").fillna("").astype("str")
        return Brut(table, np.arange(1, len(table) + 1), [*table.columns, "geometry"], fichier=chemin.name,
                    empreinte=octets.empreinte(chemin))
    return lire_tableau(chemin)


def _sans_trace(lire: Callable[..., Lecture]) -> Callable[..., Lecture]:
    """Change une géométrie que GEOS ne sait pas traiter en refus clair."""

    @functools.wraps(lire)
    def protege(chemin: Path, **reglages) -> Lecture:
        import shapely

        try:
            return lire(chemin, **reglages)
        except shapely.errors.ShapelyError as cause:
            raise EntreeFautive(Path(chemin).name, [f"géométrie impossible ({cause})"],
                                conseil="retéléchargez le fichier : un contour est abîmé") from cause

    return protege


def _valider(chantier: Chantier, geo: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    import shapely

    absents = (geo.geometry.isna() | geo.geometry.is_empty).to_numpy()
    chantier.rejeter(absents, "contour absent ou illisible")
    bornes = np.abs(shapely.bounds(geo.geometry.to_numpy()))
    chantier.rejeter(np.nan_to_num(bornes, nan=0).max(axis=1) > 180.0001, "coordonnées hors du globe")
    surfaces = geo.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
    chantier.rejeter(~surfaces, "ce n'est pas une surface")
    faux = ~geo.geometry.is_valid.to_numpy() & chantier.garde
    if faux.any():
        geo = geo.copy()
        geo.loc[faux, geo.geometry.name] = shapely.make_valid(geo.geometry[faux].to_numpy())
        chantier.remarques.append(f"{int(faux.sum())} contour(s) qui se croisaient, réparés")
    return geo


@_sans_trace
def lire_contours(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Contours des communes, au COG 2025 : une fusion est l'union de ses parties.

    Le contour d'une commune nouvelle n'est parfois que celui de son chef-lieu : son aire le trahit, il est
    écarté.
    """
    import geopandas as gpd

    brut = _brut(chemin)
    commune = trouver(brut.entete, *COMMUNE, "insee_com")
    if commune is None:
        raise refuser(brut, "colonne absente : code de la commune")
    chantier = Chantier(brut, "contours", annee=annee)
    geo = _lire_geo(chemin, brut)
    if len(geo) != len(brut.table):
        raise refuser(brut, f"{len(brut.table)} enregistrements, mais {len(geo)} contours lus")
    codes = chantier.communes(commune)
    chantier.connus(codes)
    geo = _valider(chantier, geo)
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
                     "l'aire n'est pas celle de la commune de 2025 : contour d'une partie seulement", codes)
    chantier.refuser_si_vide("des contours de communes")
    table = table[~table["code"].isin(trop["code"])].reset_index(drop=True)
    bouges = destin["statut"].eq("passe") & chantier.garde
    chantier.passages |= dict(zip(destin.loc[bouges, "code_origine"], destin.loc[bouges, "code_actuel"], strict=True))
    communes = lire_table("communes", colonnes=["code", "type"])
    manquent = int((~communes.loc[communes["type"].eq("COM"), "code"].isin(table["code"])).sum())
    if manquent:
        chantier.remarques.append(f"{manquent} communes du COG 2025 sans contour dans ce fichier")
    an = annee or 2025
    return chantier.rendre(table, annees=[an], source="IGN, contours des communes", millesime="COG 2025")


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
    rapport = km2 / table["code"].map(communes["superficie_km2"].to_dict()).to_numpy(dtype="float64")
    stables = rapport[~changees & np.isfinite(rapport)]
    bas, haut = np.quantile(stables, [0.01, 0.99]) if len(stables) > 100 else (1.0, 1.0)
    fausses = changees & ((rapport < min(bas, 1 - _TOLERANCE)) | (rapport > max(haut, 1 + _TOLERANCE)))
    return table[fausses][["code"]]


def _loin(geo: gpd.GeoDataFrame, codes: pd.Series, brut: Brut) -> np.ndarray:
    """Contours à plus d'un degré de leur commune ; un fichier aux axes permutés est refusé."""
    centres = lire_table("communes", colonnes=["code", "lon", "lat"]).set_index("code")
    actuels = a_jour(codes.fillna(""))["code_actuel"]
    x, y = (actuels.map(centres[c].to_dict()).to_numpy(dtype="float64") for c in ("lon", "lat"))
    bornes = geo.geometry.bounds
    cx, cy = ((bornes[f"min{a}"] + bornes[f"max{a}"]).to_numpy() / 2 for a in "xy")
    loin = (np.abs(cx - x) > 1) | (np.abs(cy - y) > 1)
    if loin.mean() > 0.5 and ((np.abs(cy - x) < 1) & (np.abs(cx - y) < 1)).mean() > 0.5:
        raise refuser(brut, "longitude et latitude permutées", attendu="longitude d'abord (WGS84)")
    return loin


def reconnait_qpv(brut: Brut) -> bool:
    """Contours des QPV : code_qp, lib_qp et une géométrie."""
    return bool(_est_qpv(brut) and (_geographique(brut.fichier) or trouver(brut.entete, _GEOMETRIE)
                                    or trouver(brut.entete, "insee_com")))


@_sans_trace
def lire_qpv(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Contours des quartiers prioritaires 2024 ; un quartier peut être à cheval sur plusieurs communes."""
    import geopandas as gpd

    brut = _brut(chemin)
    chantier = Chantier(brut, "qpv", annee=annee)
    code, nom = trouver(brut.entete, _QPV), trouver(brut.entete, r"lib_qp(v)?|nom_qp|libelle")
    if code is None or nom is None:
        raise refuser(brut, "colonnes absentes : code et nom du quartier", attendu="code_qp, lib_qp")
    codes = brut.table[code].str.upper().str.strip()
    refuser_codes_2015(chantier, codes)
    chantier.rejeter(~codes.str.fullmatch(r"QN[0-9AB]{5}[A-Z0-9]"), "code de quartier illisible", brut.table[code])
    geo = _lire_geo(chemin, brut)
    if len(geo) != len(brut.table):
        raise refuser(brut, f"{len(brut.table)} quartiers, mais {len(geo)} contours lus")
    geo = _valider(chantier, geo)
    if commune := trouver(brut.entete, "insee_com|code_insee|list_com.*|codgeo"):
        communes = brut.table[commune].str.findall(r"\d{5}|2[AB]\d{3}").str.join(" ")
    else:
        communes = pd.Series("", index=brut.table.index)
    population = trouver(brut.entete, r"pop(ulation)?(_mun)?(_20\d\d)?")
    table = gpd.GeoDataFrame({
        "code": codes, "nom": brut.table[nom], "communes": communes,
        "population": chantier.nombres(population)[0] if population else np.nan,
    }, geometry=geo.geometry.to_numpy(), crs=4326)
    empreintes = pd.DataFrame({"wkb": table.geometry.to_wkb(hex=True)}, index=brut.table.index)
    chantier.sans_doublon([codes], empreintes)
    chantier.refuser_si_vide("code_qp, lib_qp et un contour par quartier")
    table = table[chantier.garde].reset_index(drop=True)
    return chantier.rendre(table, annees=[2024], source="ANCT, quartiers prioritaires 2024", millesime="QPV 2024")


LECTEURS = (
    Lecteur("contours", "contours des communes", lambda b: 0.85 * reconnait_contours(b), lire_contours,
            ("code", "nom", "geometry")),
    Lecteur("anct_qpv", "contours des QPV 2024", lambda b: 0.88 * reconnait_qpv(b), lire_qpv,
            ("code_qp", "lib_qp", "insee_com", "geometry")),
)
