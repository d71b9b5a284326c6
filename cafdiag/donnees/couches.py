"""Les fichiers de couches géographiques (GeoPackage, shapefile) : leurs couches, et leurs attributs en textes."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut
from cafdiag.donnees.octets import Fichier
from cafdiag.erreurs import EntreeFautive, en_clair

FORMAT = "geo"


def chemin_gdal(src: Fichier) -> str:
    """Ce que GDAL ouvre : le fichier, ou celui de l'archive."""
    return f"/vsizip/{src.chemin.resolve()}/{src.membre}" if src.compression == "zip" else str(src.chemin)


def couches(src: Fichier) -> dict[str, list[str]]:
    """Colonnes de chaque couche, dans l'ordre du fichier.

    Raises
    ------
    EntreeFautive
        Fichier abîmé.
    """
    import pyogrio

    chemin = chemin_gdal(src)
    try:
        noms = [str(nom) for nom, _ in pyogrio.list_layers(chemin)]
        return {nom: pyogrio.read_info(chemin, layer=nom)["fields"].tolist() for nom in noms}
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as cause:
        raise illisible(src, cause) from cause


def choisir(src: Fichier, voulue: Callable[[list[str]], bool]) -> str:
    """La première couche dont les colonnes conviennent ; aucune ne convient : toutes sont dites."""
    trouvees = couches(src)
    convient = [nom for nom, colonnes in trouvees.items() if voulue(colonnes)]
    if not convient:
        dites = " ; ".join(f"{nom} ({', '.join(colonnes[:8])})" for nom, colonnes in trouvees.items())
        raise EntreeFautive(src.chemin.name, ["aucune couche n'a les colonnes attendues"],
                            attendu=f"couches trouvées : {dites}")
    return convient[0]


def lire(src: Fichier, *, couche: str | None, limite: int | None) -> Brut:
    """Les attributs d'une couche (la première par défaut), en textes ; ``geometry`` s'ajoute à l'en-tête."""
    import pyogrio

    nom = couche or next(iter(couches(src)), None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL avertit d'un champ inconnu : le reste se lit
            lue = pyogrio.read_dataframe(chemin_gdal(src), layer=nom, read_geometry=False, max_features=limite)
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError) as cause:
        raise illisible(src, cause) from cause
    table = pd.DataFrame({c: lue[c].astype("object").where(lue[c].notna(), "") for c in lue.columns}, dtype="object")
    table = table.astype("str").apply(lambda c: c.str.strip())
    return Brut(table, np.arange(1, len(table) + 1), [*table.columns, "geometry"], fichier=src.chemin.name,
                couche=nom or "")


def illisible(src: Fichier, cause: Exception) -> EntreeFautive:
    """L'erreur d'un fichier géographique que GDAL n'ouvre pas (à lever)."""
    return EntreeFautive(src.chemin.name, [f"contours illisibles ({en_clair(cause)})"],
                         attendu="un GeoJSON, un GeoPackage, un shapefile (avec son .shx et son .dbf) ou un GeoParquet",
                         conseil="retéléchargez-le en entier")
