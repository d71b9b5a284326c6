#!/usr/bin/env bash
# geopandas : un lieu dont les coordonnées manquent donne un point ni manquant ni vide, et chaque format le rend autrement.
# Pronostic : points_from_xy sur des nan donne une géométrie manquante ou vide, reconnue par isna() ou is_empty.
# Constat : isna() et is_empty répondent faux (seul is_valid répond faux, et lui dit « mal formé ») ; relu de GeoPackage et de
# Parquet, il est devenu vide ; relu de GeoJSON, il est devenu manquant.
# Conséquence : compter les crèches « localisées » par notna() les compte toutes ; tester les coordonnées, pas la géométrie.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'shapely==2.2.0' 'pandas==3.1.1' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import geopandas as gpd

print(*(f"{p} {version(p)}" for p in ("geopandas", "pyogrio", "shapely")), sep=" ; ")
nan = float("nan")
lieux = gpd.GeoDataFrame({"nom": ["crèche", "micro-crèche"]}, geometry=gpd.points_from_xy([-0.77, nan], [48.07, nan]), crs=4326)
lieux.to_file("l.gpkg")
lieux.to_file("l.geojson")
lieux.to_parquet("l.parquet")
tables = {"en mémoire": lieux, "gpkg": gpd.read_file("l.gpkg"), "geojson": gpd.read_file("l.geojson"), "parquet": gpd.read_parquet("l.parquet")}
dits = {n: (bool(t.geometry.isna()[1]), bool(t.geometry.is_empty[1])) for n, t in tables.items()}
print("attendu  : (manquant, vide) avec au moins un vrai, le même partout\nconstaté :", dits)
assert dits == {"en mémoire": (False, False), "gpkg": (False, True), "geojson": (True, False), "parquet": (False, True)}
PY
