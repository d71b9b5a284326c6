"""Quartiers prioritaires (QPV 2024) : lesquels, dans quel territoire, couverts par quel centre social.

Deux définitions de la couverture : *stricte* (le point du centre social est dans le contour du QPV) et
*proximité* (dedans, ou à 500 m au plus, en Lambert-93). Sans contours, seule reste la commune : un QPV est
dit couvert si sa commune a un centre social ; c'est une estimation.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from cafdiag.donnees.projections import projeter_contours, zone
from cafdiag.indicateurs.contexte import Contexte
from cafdiag.magasin import lire_table

DEFINITIONS = {"stricte": 0.0, "proximite": 500.0}


def quartiers(contexte: Contexte) -> pd.DataFrame:
    """Couples QPV × commune : ``identifiant, nom, commune, population``, et ``contour`` s'il est connu.

    Les communes d'un quartier sont celles que dit le fichier apporté, ou la liste de l'ANCT : des contours
    simplifiés débordent chez les voisines, ou manquent une commune. Un fichier partiel ne retire rien à la liste.
    """
    return contexte.partager(("quartiers et communes",), lambda: _quartiers(contexte))


def _quartiers(contexte: Contexte) -> pd.DataFrame:
    liste = contexte.qpv[["identifiant", "nom", "communes", "population"]].set_index("identifiant")
    table = liste.astype({"population": "float64"}).assign(contour=False)
    if contexte.apports.qpv is not None:
        lus = contexte.apports.qpv[["code", "nom", "communes", "population"]]
        lus = pd.DataFrame(lus).set_index("code").rename_axis("identifiant").assign(contour=True)
        lus["population"] = pd.to_numeric(lus["population"], errors="coerce").astype("float64")
        lus["communes"] = lus["communes"].where(lus["communes"].fillna("").ne(""))
        for colonne in ("communes", "population"):
            lus[colonne] = lus[colonne].where(lus[colonne].notna(), table[colonne].reindex(lus.index))
        table = pd.concat([lus, table[~table.index.isin(lus.index)]])
    table = table.reset_index().assign(commune=table["communes"].str.split().to_numpy())
    table = table.explode("commune", ignore_index=True)
    return table.loc[table["commune"].notna(), ["identifiant", "nom", "commune", "population", "contour"]]


def _zones(table) -> pd.Series:
    """Projection métrique légale de chaque contour ou point, d'après sa position."""
    points = table.geometry.representative_point()
    # Hors de France, pas de projection : la colonne reste entière, un code EPSG n'est pas un nombre à virgule.
    return pd.Series([zone(x, y) for x, y in zip(points.x, points.y, strict=True)], index=table.index, dtype="Int64")


def quartiers_par_territoire(contexte: Contexte) -> pd.DataFrame:
    """Les colonnes de :func:`quartiers` et ``code`` de territoire : une ligne par QPV et territoire."""
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
    sans_contour = table[~table["contour"].astype(bool)]
    liens = sans_contour.merge(centres[["centre", "code"]], left_on="commune", right_on="code")
    liens = liens[["identifiant", "centre"]].drop_duplicates()
    if contexte.apports.qpv is None:
        return liens, set()
    import geopandas as gpd

    situes = centres[centres["lon"].notna() & centres["lat"].notna()]
    points = gpd.GeoDataFrame(
        situes[["centre"]],
        geometry=gpd.points_from_xy(situes["lon"].astype(float), situes["lat"].astype(float)),
        crs=4326,
    )
    couples = [liens]
    contours = contexte.apports.qpv[["code", "geometry"]]
    zones_points, zones_contours = _zones(points), _zones(contours)
    for epsg in sorted(set(zones_contours.dropna()) & set(zones_points.dropna())):
        ici = points[zones_points.eq(epsg).fillna(False)].to_crs(epsg)
        quartiers_ici = projeter_contours(contours[zones_contours.eq(epsg).fillna(False)], epsg)
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
    liens = pd.concat(couples, ignore_index=True)
    sans_point = set(centres["code"][~centres["centre"].isin(situes["centre"])])
    incertains = set(table["identifiant"][table["contour"].astype(bool) & table["commune"].isin(sans_point)])
    incertains -= set(liens["identifiant"])
    return liens, incertains


@lru_cache(maxsize=1)
def totaux_annonces() -> pd.DataFrame:
    """Nombre total de structures annoncé par département et type (Caf, Senacs), quand il est connu."""
    table = lire_table("structures_couverture")
    return table.pivot(index="dep", columns="type", values="total_connu").astype("float64")
