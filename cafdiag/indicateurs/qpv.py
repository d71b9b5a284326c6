"""Quartiers prioritaires (QPV 2024) : lesquels, dans quel territoire, couverts par quel centre social.

Deux définitions de la couverture : *stricte* (le point du centre social est dans le contour du QPV) et
*proximité* (dedans, ou à 500 m au plus, en Lambert-93). Sans contours, seule reste la commune : un QPV est
dit couvert si sa commune a un centre social ; c'est une estimation.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from cafdiag.donnees.projections import zone
from cafdiag.indicateurs.contexte import Contexte
from cafdiag.magasin import lire_contours

DEFINITIONS = {"stricte": 0.0, "proximite": 500.0}
# Une lisière partagée par imprécision du trait ne fait pas d'un quartier celui de la commune voisine.
_PART_MINIMALE = 0.02
# Un fichier qui cite la moitié des départements est celui de la France : ailleurs, il n'y a pas de QPV.
DEPARTEMENTS_FICHIER_NATIONAL = 50


def qpv_connus(contexte: Contexte) -> pd.Series:
    """Vrai pour les territoires dont tous les QPV sont connus.

    Sans contours : là où la liste est fournie. Avec contours : partout si le fichier est national ; sinon dans
    les départements qu'il cite, s'il n'en a pas moins que la liste fournie.
    """
    return contexte.retenir(("qpv_connus",), lambda: _qpv_connus(contexte))


def _qpv_connus(contexte: Contexte) -> pd.Series:
    departements = contexte.communes["departement"].reindex(contexte.appartenance["commune"])
    if contexte.apports.qpv is None:
        connu = contexte.communes["faits_embarques"].reindex(contexte.appartenance["commune"]).fillna(False)
    else:
        connu = departements.isin(_departements_couverts(contexte))
    par_code = pd.Series(connu.to_numpy(dtype=bool), index=contexte.appartenance["code"].to_numpy())
    return par_code.groupby(level=0).all().reindex(contexte.codes, fill_value=False) | contexte.de_maille(
        "qpv"
    )


def _departements_couverts(contexte: Contexte) -> set[str]:
    codes = contexte.apports.qpv["code"]
    cites = codes.str[2:5].str.replace(r"^0", "", regex=True).value_counts()
    if len(cites) >= DEPARTEMENTS_FICHIER_NATIONAL:
        return set(contexte.communes["departement"].dropna())
    fournis = contexte.qpv["dep"].value_counts() if "dep" in contexte.qpv else pd.Series(dtype=int)
    return {d for d, n in cites.items() if n >= fournis.get(d, 0)}


def quartiers(contexte: Contexte) -> pd.DataFrame:
    """Couples QPV × commune : ``identifiant, nom, commune, population``."""
    return contexte.partager(("quartiers et communes",), lambda: _quartiers(contexte))


def _quartiers(contexte: Contexte) -> pd.DataFrame:
    if contexte.apports.qpv is not None:
        return _communes_des_contours(contexte.apports.qpv)
    table = contexte.qpv.assign(commune=contexte.qpv["communes"].astype(str).str.findall(r"\b[0-9AB]{5}\b"))
    table = table.explode("commune")
    return table[["identifiant", "nom", "commune", "population"]].reset_index(drop=True)


def _zones(table) -> pd.Series:
    """Projection métrique légale de chaque contour ou point, d'après sa position."""
    points = table.geometry.representative_point()
    return pd.Series([zone(x, y) for x, y in zip(points.x, points.y, strict=True)], index=table.index)


def _communes_des_contours(contours) -> pd.DataFrame:
    import geopandas as gpd

    communes = lire_contours("communes")[["code", "geometry"]].rename(columns={"code": "commune"})
    morceaux = []
    for epsg, groupe in contours[["code", "nom", "population", "geometry"]].groupby(_zones(contours)):
        metrique = groupe.to_crs(epsg)
        ouest, sud, est, nord = groupe.total_bounds
        autour = communes.cx[ouest:est, sud:nord].to_crs(epsg)
        couples = gpd.overlay(metrique, autour, how="intersection", keep_geom_type=True)
        part = couples.area / couples["code"].map(metrique.set_index("code").area)
        morceaux.append(couples[part >= _PART_MINIMALE].drop(columns="geometry"))
    colonnes = {"code": "identifiant"}
    if not morceaux:
        return pd.DataFrame(columns=["identifiant", "nom", "commune", "population"])
    return pd.DataFrame(pd.concat(morceaux, ignore_index=True)).rename(columns=colonnes)


def quartiers_par_territoire(contexte: Contexte) -> pd.DataFrame:
    """``code`` de territoire, ``identifiant``, ``nom``, ``population`` : une ligne par QPV et territoire."""
    return contexte.retenir(("quartiers",), lambda: _quartiers_par_territoire(contexte))


def _quartiers_par_territoire(contexte: Contexte) -> pd.DataFrame:
    table = quartiers(contexte)
    concernees = contexte.appartenance["commune"].isin(set(table["commune"]))
    table = table.merge(contexte.appartenance[concernees], on="commune")
    territoires = contexte.territoires.loc[table["code"]]
    autre_quartier = territoires["maille"].eq("qpv").to_numpy() & (
        table["identifiant"].to_numpy() != territoires["officiel"].to_numpy()
    )
    table = table[~autre_quartier]
    return table.drop_duplicates(["code", "identifiant"])


def liens_centres(contexte: Contexte, *, definition: str = "proximite") -> tuple[pd.DataFrame, set]:
    """Couples QPV × centre social couvrant, et QPV dont on ne peut rien dire.

    Returns
    -------
    liens : DataFrame
        ``identifiant``, ``centre`` (numéro de ligne dans la liste des structures), centres confirmés seulement.
    incertains : set
        QPV qu'aucun centre confirmé ne couvre, mais que couvre peut-être un centre que rien ne confirme, ou un centre
        de leur commune dont on n'a pas les coordonnées.
    """
    return contexte.partager(("liens_centres", definition), lambda: _liens_confirmes(contexte, definition))


def _liens_confirmes(contexte: Contexte, definition: str) -> tuple[pd.DataFrame, set]:
    liens, incertains = _liens_centres(contexte, definition)
    surs = liens["centre"].isin(contexte.structures.index[contexte.structures["sur"].astype(bool)])
    couverts = set(liens.loc[surs, "identifiant"])
    return liens[surs], (incertains | set(liens["identifiant"])) - couverts


def _liens_centres(contexte: Contexte, definition: str) -> tuple[pd.DataFrame, set]:
    centres = contexte.structures[contexte.structures["type"].eq("centre_social")]
    non_confirme = centres["statut_agrement"].astype("string").eq("non confirmé").fillna(False)
    centres = centres[~non_confirme].reset_index(names="centre")
    table = quartiers(contexte)
    if contexte.apports.qpv is None:
        liens = table.merge(centres[["centre", "code"]], left_on="commune", right_on="code")
        return liens[["identifiant", "centre"]].drop_duplicates(), set()
    import geopandas as gpd

    situes = centres[centres["lon"].notna() & centres["lat"].notna()]
    points = gpd.GeoDataFrame(
        situes[["centre"]],
        geometry=gpd.points_from_xy(situes["lon"].astype(float), situes["lat"].astype(float)),
        crs=4326,
    )
    couples = []
    contours = contexte.apports.qpv[["code", "geometry"]]
    zones_points, zones_contours = _zones(points), _zones(contours)
    for epsg in sorted(set(zones_contours.dropna()) & set(zones_points.dropna())):
        ici = points[zones_points.eq(epsg)].to_crs(epsg)
        quartiers_ici = contours[zones_contours.eq(epsg)].to_crs(epsg)
        # dwithin mesure la distance exacte ; un tampon polygonal perdrait jusqu'à 2,5 m sur 500.
        lignes, colonnes = ici.sindex.query(
            quartiers_ici.geometry, predicate="dwithin", distance=DEFINITIONS[definition]
        )
        couples.append(
            pd.DataFrame(
                {
                    "identifiant": quartiers_ici["code"].to_numpy()[lignes],
                    "centre": ici["centre"].to_numpy()[colonnes],
                }
            )
        )
    liens = pd.concat(
        [pd.DataFrame({"identifiant": [], "centre": []}, dtype=object), *couples], ignore_index=True
    )
    sans_point = set(centres["code"][~centres["centre"].isin(situes["centre"])])
    incertains = set(table["identifiant"][table["commune"].isin(sans_point)]) - set(liens["identifiant"])
    return liens, incertains


@lru_cache(maxsize=1)
def totaux_annonces() -> pd.DataFrame:
    """Nombre total de structures annoncé par département et type (Caf, Senacs), quand il est connu."""
    from cafdiag.magasin import lire_table

    table = lire_table("structures_couverture")
    return table.pivot(index="dep", columns="type", values="total_connu").astype("float64")
