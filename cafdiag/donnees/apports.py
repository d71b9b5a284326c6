"""Ce que l'utilisateur apporte : les contours des QPV de l'ANCT, son registre de structures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour

if TYPE_CHECKING:
    import geopandas as gpd

TYPES_STRUCTURES = ("centre_social", "evs", "eaje", "alsh", "laep", "rpe", "france_services")
_COLONNES_REGISTRE = ("type", "nom", "code")


@dataclass(frozen=True)
class Apports:
    """Données de l'utilisateur, contrôlées.

    Attributes
    ----------
    qpv : GeoDataFrame or None
        ``code``, ``nom``, ``population`` (peut manquer), ``geometry`` en WGS84.
    structures : DataFrame or None
        ``type, nom, code, lon, lat, source``.
    departements_complets : frozenset of str
        Départements dont le registre est déclaré complet : les comptes y sont exacts.
    """

    qpv: gpd.GeoDataFrame | None = None
    structures: pd.DataFrame | None = None
    departements_complets: frozenset[str] = frozenset()


def lire_apports(
    *,
    qpv: str | Path | None = None,
    registre: str | Path | None = None,
    registre_complet: tuple[str, ...] | list[str] = (),
) -> Apports:
    """Lit et contrôle les fichiers de l'utilisateur.

    Parameters
    ----------
    qpv : path, optional
        Contours des QPV 2024 publiés par l'ANCT (GeoJSON, GeoPackage ou shapefile).
    registre : path, optional
        Registre de structures en CSV (``;`` ou ``,``, UTF-8) : colonnes ``type``, ``nom``, ``code``
        (code Insee de la commune), et facultativement ``lon``, ``lat``.
    registre_complet : sequence of str
        Départements pour lesquels ce registre est complet (« 49 »). Sans cela, un compte est un minorant.

    Raises
    ------
    EntreeFautive
        Tous les défauts du fichier d'un coup, avec ligne, colonne et valeur.
    """
    structures = None if registre is None else _lire_registre(Path(registre))
    complets = frozenset(str(d).strip() for d in registre_complet)
    if complets and structures is None:
        raise EntreeFautive(
            "registre",
            ["aucun registre n'est donné, mais il est déclaré complet"],
            conseil="ajoutez --registre FICHIER",
        )
    _refuser_departements(complets)
    return Apports(
        qpv=None if qpv is None else _lire_qpv(Path(qpv)),
        structures=structures,
        departements_complets=complets,
    )


def _refuser_departements(codes: frozenset[str]) -> None:
    connus = set(lire_table("departements", colonnes=["code"])["code"])
    inconnus = sorted(codes - connus)
    if inconnus:
        raise EntreeFautive(
            "registre complet",
            [f"département inconnu : « {c} »" for c in inconnus],
            attendu="des codes de département, comme 49 ou 2A",
        )


def _lire_registre(chemin: Path) -> pd.DataFrame:
    try:
        # L'en-tête dit le séparateur ; le deviner sur tout le fichier se trompe dès qu'un nom a une virgule.
        entete = chemin.read_text(encoding="utf-8-sig").partition("\n")[0]
        brut = pd.read_csv(
            chemin,
            sep=";" if entete.count(";") >= entete.count(",") else ",",
            dtype=str,
            encoding="utf-8-sig",
            keep_default_na=False,
        )
    except (
        OSError,
        UnicodeDecodeError,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        ValueError,
    ) as cause:
        raise EntreeFautive(
            chemin.name,
            [f"fichier illisible ({cause})"],
            attendu="un CSV en UTF-8, séparé par des points-virgules ou des virgules",
            conseil="enregistrez-le depuis le tableur au format « CSV UTF-8 »",
        ) from cause
    brut.columns = [c.strip().lower() for c in brut.columns]
    manquantes = [c for c in _COLONNES_REGISTRE if c not in brut.columns]
    if manquantes:
        raise EntreeFautive(
            chemin.name,
            [f"colonne absente : « {c} »" for c in manquantes],
            attendu="les colonnes " + ", ".join(_COLONNES_REGISTRE),
        )
    # Nous gardons les seules colonnes utiles : ni téléphone ni courriel ne doivent suivre dans un rapport.
    table = pd.DataFrame({c: brut[c].str.strip() for c in _COLONNES_REGISTRE})
    passage = a_jour(table["code"].tolist(), cog=2025)
    defauts = _defauts(table, passage)
    for colonne in ("lon", "lat"):
        texte = brut[colonne].str.strip().str.replace(",", ".") if colonne in brut else None
        table[colonne] = float("nan") if texte is None else pd.to_numeric(texte, errors="coerce")
        if texte is not None:
            for i in table.index[table[colonne].isna() & texte.ne("")]:
                defauts.append(
                    f"ligne {i + 2}, colonne {colonne} : « {brut[colonne][i]} » n'est pas un nombre"
                )
    hors = table["lon"].abs().gt(180) | table["lat"].abs().gt(90)
    defauts += [
        f"ligne {i + 2} : lon {table['lon'][i]:.0f}, lat {table['lat'][i]:.0f} ne sont pas des degrés "
        "(Lambert-93 ?)"
        for i in table.index[hors]
    ]
    if defauts:
        raise EntreeFautive(
            chemin.name, defauts, conseil="corrigez ces lignes puis relancez ; rien n'a été importé"
        )
    table["code"] = passage["code_actuel"].to_numpy()
    return table.assign(source=f"registre local {chemin.name}")


def _defauts(table: pd.DataFrame, passage: pd.DataFrame) -> list[str]:
    defauts = [
        f"ligne {i + 2}, colonne type : « {table['type'][i]} » (attendu : {', '.join(TYPES_STRUCTURES)})"
        for i in table.index[~table["type"].isin(TYPES_STRUCTURES)]
    ]
    defauts += [f"ligne {i + 2}, colonne nom : vide" for i in table.index[table["nom"].eq("")]]
    rates = ~passage["statut"].isin(["actuel", "passe"]).to_numpy()
    defauts += [
        f"ligne {i + 2}, colonne code : « {table['code'][i]} » n'est pas une commune du COG 2025"
        for i in table.index[rates]
    ]
    doubles = table.duplicated(["type", "nom", "code"])
    defauts += [
        f"ligne {i + 2} : déjà présente (même type, même nom, même commune)" for i in table.index[doubles]
    ]
    return defauts


def _lire_qpv(chemin: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyogrio

    try:
        brut = gpd.read_file(chemin)
    except (OSError, ValueError, pyogrio.errors.DataSourceError) as cause:
        raise EntreeFautive(
            chemin.name,
            [f"fichier illisible ({cause})"],
            attendu="les contours des QPV 2024 de l'ANCT (GeoJSON, GPKG ou SHP)",
        ) from cause
    absentes = [c for c in ("code_qp", "lib_qp") if c not in brut.columns]
    if absentes or brut.geometry.isna().all():
        raise EntreeFautive(
            chemin.name,
            [f"colonne absente : « {c} »" for c in absentes] or ["aucun contour"],
            attendu="les colonnes code_qp et lib_qp, et un contour par quartier",
        )
    if brut.crs is None:
        raise EntreeFautive(chemin.name, ["projection inconnue"], conseil="fournissez le fichier .prj")
    brut = brut.to_crs(4326)
    defauts = [
        f"ligne {i + 1} : contour absent ou invalide ({brut['code_qp'][i]})"
        for i in brut.index[brut.geometry.isna() | brut.geometry.is_empty | ~brut.geometry.is_valid]
    ]
    defauts += [
        f"ligne {i + 1} : code « {brut['code_qp'][i]} » présent deux fois"
        for i in brut.index[brut["code_qp"].duplicated()]
    ]
    if defauts:
        raise EntreeFautive(chemin.name, defauts, conseil="reprenez le fichier publié par l'ANCT")
    population = pd.to_numeric(brut["population"], errors="coerce") if "population" in brut else float("nan")
    return gpd.GeoDataFrame(
        {"code": brut["code_qp"].astype(str), "nom": brut["lib_qp"].astype(str), "population": population},
        geometry=brut.geometry,
        crs=4326,
    )
