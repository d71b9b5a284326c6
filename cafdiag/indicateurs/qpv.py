"""Quartiers prioritaires (QPV 2024) : lesquels, dans quel territoire, couverts par quel centre social.

Deux définitions de la couverture : *stricte* (le point du centre social est dans le contour du QPV) et
*proximité* (dedans, ou à 500 m au plus, en Lambert-93). Sans contours, seule reste la commune : un QPV est
dit couvert si sa commune a un centre social ; c'est une estimation.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from cafdiag.indicateurs.contexte import Contexte
from cafdiag.magasin import lire_contours

DEFINITIONS = {"stricte": 0.0, "proximite": 500.0}
# Une lisière partagée par imprécision du trait ne fait pas d'un quartier celui de la commune voisine.
_PART_MINIMALE = 0.02
_METRIQUE = 2154


def qpv_connus(contexte: Contexte) -> pd.Series:
    """Vrai pour les territoires dont tous les QPV sont connus (embarqués, ou contours apportés)."""
    if contexte.apports.qpv is not None:
        return pd.Series(True, index=contexte.codes)
    embarque = contexte.communes["faits_embarques"].reindex(contexte.appartenance["commune"]).fillna(False)
    par_code = pd.Series(embarque.to_numpy(dtype=bool), index=contexte.appartenance["code"].to_numpy())
    return par_code.groupby(level=0).all().reindex(contexte.codes, fill_value=False) | contexte.de_maille(
        "qpv"
    )


def quartiers(contexte: Contexte) -> pd.DataFrame:
    """Couples QPV × commune : ``identifiant, nom, commune, population``."""
    if contexte.apports.qpv is not None:
        return _communes_des_contours(contexte.apports.qpv)
    table = contexte.qpv.assign(commune=contexte.qpv["communes"].astype(str).str.findall(r"\b[0-9AB]{5}\b"))
    table = table.explode("commune")
    return table[["identifiant", "nom", "commune", "population"]].reset_index(drop=True)


def _communes_des_contours(contours) -> pd.DataFrame:
    import geopandas as gpd

    metrique = contours[["code", "nom", "population", "geometry"]].to_crs(_METRIQUE)
    communes = lire_contours("communes")[["code", "geometry"]].rename(columns={"code": "commune"})
    ouest, sud, est, nord = contours.total_bounds
    communes = communes.cx[ouest:est, sud:nord].to_crs(_METRIQUE)
    couples = gpd.overlay(metrique, communes, how="intersection", keep_geom_type=True)
    part = couples.area / couples["code"].map(metrique.set_index("code").area)
    couples = couples[part >= _PART_MINIMALE]
    return pd.DataFrame(
        couples.rename(columns={"code": "identifiant"})[["identifiant", "nom", "commune", "population"]]
    ).reset_index(drop=True)


def quartiers_par_territoire(contexte: Contexte) -> pd.DataFrame:
    """``code`` de territoire, ``identifiant``, ``nom``, ``population`` : une ligne par QPV et territoire."""
    table = quartiers(contexte).merge(contexte.appartenance, on="commune")
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
        ``identifiant``, ``centre`` (numéro de ligne dans la liste des structures).
    incertains : set
        QPV non couverts par un point connu, mais dont la commune a un centre social sans coordonnées.
    """
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
    ).to_crs(_METRIQUE)
    contours = contexte.apports.qpv[["code", "geometry"]].to_crs(_METRIQUE)
    # dwithin mesure la distance exacte ; un tampon polygonal perdrait jusqu'à 2,5 m sur 500.
    lignes, colonnes = points.sindex.query(
        contours.geometry, predicate="dwithin", distance=DEFINITIONS[definition]
    )
    liens = pd.DataFrame(
        {"identifiant": contours["code"].to_numpy()[lignes], "centre": points["centre"].to_numpy()[colonnes]}
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
