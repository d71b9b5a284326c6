"""Écrire les tables : mêmes données, mêmes octets."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import geopandas as gpd
import pandas as pd

from cafdiag.magasin import ecrire_atomique
from construction.sources import lire_npm

# Ces textes commandent des chiffres ou des adresses : abîmés, ils sont refusés comme les tables.
TEXTES = ("indicateurs.csv", "grandeurs.csv", "calibrage_enfants.csv", "calibrage_horizon.csv",
          "epreuve_horizon.csv", "demande.csv", "catalogue.toml", "baremes.toml", "millesimes.toml")
_COMPRESSION = {"compression": "zstd", "compression_level": 19}


def ecrire_table(table: pd.DataFrame, chemin: Path) -> None:
    """Écrit une table Parquet, d'un coup."""
    tampon = io.BytesIO()
    table.to_parquet(tampon, index=False, **_COMPRESSION)
    ecrire_atomique(chemin, tampon.getvalue())


def ecrire_contours(contours: gpd.GeoDataFrame, chemin: Path, *, groupe: int) -> None:
    """Écrit un fond de carte GeoParquet, par groupes de lignes (une lecture filtrée n'en décode que peu)."""
    tampon = io.BytesIO()
    contours.to_parquet(tampon, index=False, row_group_size=groupe, **_COMPRESSION)
    ecrire_atomique(chemin, tampon.getvalue())


def ecrire_leaflet(dossier: Path, cache: Path) -> None:
    """Recopie Leaflet, octet pour octet : une carte s'ouvre sans réseau."""
    for membre in ("dist/leaflet.js", "dist/leaflet.css", "LICENSE"):
        ecrire_atomique(dossier / Path(membre).name, lire_npm("leaflet-1.9.4", membre, cache))


def ecrire_empreintes(racine: Path) -> dict[str, dict]:
    """Écrit ``data/empreintes.json`` : taille et SHA-256 de chaque fichier embarqué."""
    chemins = [*(racine / "data").glob("*.parquet"), *(racine / "data" / nom for nom in TEXTES),
               *(racine / "maps").glob("*.parquet"),
               *(c for c in (racine / "maps" / "leaflet").glob("*") if not c.name.startswith("."))]
    empreintes = {}
    for chemin in sorted(chemins, key=lambda c: c.relative_to(racine).as_posix()):
        octets = chemin.read_bytes()
        empreintes[chemin.relative_to(racine).as_posix()] = {
            "sha256": hashlib.sha256(octets).hexdigest(), "octets": len(octets)}
    ecrire_atomique(racine / "data" / "empreintes.json",
                    json.dumps(empreintes, indent=1, ensure_ascii=False) + "\n")
    return empreintes
