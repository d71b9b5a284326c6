#!/usr/bin/env bash
# geopandas (GDAL), le même filtre sur la même couche : statut = 's' trouve deux communes en GeoJSON et en shapefile, une en GeoPackage.
# Pronostic : le format ne change pas le sens de « égal ».
# Constat : hors GeoPackage, GDAL compare les textes sans voir la casse : « s » (secret) et « S » (sans objet) sont la même chose pour =, IN
# et <>, et distincts pour LIKE. En GeoPackage, c'est SQLite qui compare, et c'est l'inverse : = distingue, LIKE confond.
# Conséquence : convertir une couche change le nombre de communes au secret ; filtrer après lecture, en pandas.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'shapely==2.2.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import pyogrio
import shapely

print("geopandas", version("geopandas"), "; GDAL", ".".join(map(str, pyogrio.__gdal_version__)))
communes = gpd.GeoDataFrame({"nom": list("ABC"), "statut": ["s", "S", "N"]}, geometry=shapely.points([[0, 0], [1, 1], [2, 2]]), crs=4326)
filtres = ("statut = 's'", "statut IN ('s')", "statut <> 's'", "statut LIKE 's'")
constat = {}
for fichier in ("c.geojson", "c.shp", "c.fgb", "c.gpkg"):
    communes.to_file(fichier)
    constat[fichier] = ["".join(sorted(gpd.read_file(fichier, where=f)["nom"])) for f in filtres]
print("attendu  : A, A, BC, A partout\nconstaté :", constat)
assert constat["c.gpkg"] == ["A", "A", "BC", "AB"], "le comportement a changé"
assert constat["c.geojson"] == constat["c.shp"] == constat["c.fgb"] == ["AB", "AB", "C", "A"], "le comportement a changé"
PY
