#!/usr/bin/env bash
# DuckDB écrit un GeoParquet, geopandas le lit : des crèches en mètres (Lambert 93) y sont en degrés, et dans aucune commune.
# Pronostic : un fichier dont personne n'a dit le système de coordonnées est lu sans système (crs vide), et geopandas refuse de convertir.
# Constat : st_point(x, y) ne porte pas de système, DuckDB n'en écrit pas, et la norme GeoParquet dit qu'un système absent est « OGC:CRS84 » :
# geopandas annonce des degrés. Le passage en Lambert 93 rend l'infini, et la jointure avec les communes zéro crèche. Aucun avertissement.
# Conséquence : un territoire sans crèche là où il y en a deux ; dire le système (set_crs, allow_override) avant toute conversion.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'duckdb==1.5.5' 'duckdb-extension-spatial==1.5.5' 'duckdb-extensions==1.5.5' 'geopandas==1.2.0' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import duckdb
import geopandas as gpd
import shapely
from duckdb_extensions import import_extension

import_extension("spatial")
print("duckdb", version("duckdb"), "; geopandas", version("geopandas"))
base = duckdb.connect()
base.load_extension("spatial")
base.sql("create table creches as select * from (values ('a', 420100, 6750100), ('b', 420200, 6750300)) t (nom, x, y)")
base.sql("copy (select nom, st_point(x, y) as geometry from creches) to 'creches.parquet'")
creches = gpd.read_parquet("creches.parquet")
communes = gpd.GeoDataFrame({"code": ["53084"]}, geometry=[shapely.box(420000, 6750000, 421000, 6751000)], crs=2154)
constat = (str(creches.crs), len(creches.to_crs(2154).sjoin(communes)), len(creches.set_crs(2154, allow_override=True).sjoin(communes)))
print("attendu  : système inconnu, 2 crèches\nconstaté :", constat)
assert constat == ("OGC:CRS84", 0, 2), "le comportement a changé"
PY
