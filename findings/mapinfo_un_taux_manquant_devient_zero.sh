#!/usr/bin/env bash
# geopandas et MapInfo (TAB) : le taux qui manque est relu 0, et l'effectif aussi.
# Pronostic : un manquant écrit est un manquant relu, ou l'écriture refuse ; GeoPackage, GeoJSON et shapefile le gardent.
# Constat : les trois autres formats rendent nan ; le TAB rend 0.0 pour les deux colonnes, sans erreur ni avertissement.
# Conséquence : une commune sans donnée devient la moins bien couverte d'une carte échangée en MapInfo ; joindre une colonne « connu »,
# ou un autre format.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import warnings
from importlib.metadata import version

import geopandas as gpd

warnings.simplefilter("error")
print(*(f"{p} {version(p)}" for p in ("geopandas", "pyogrio")), sep=" ; ")
points = gpd.points_from_xy([2, 3], [48, 48], crs=4326)
table = gpd.GeoDataFrame({"taux": [60.5, None], "places": [12, None]}, geometry=points)
constat = {}
for nom, pilote in (("t.tab", "MapInfo File"), ("t.gpkg", "GPKG"), ("t.geojson", "GeoJSON"), ("t.shp", "ESRI Shapefile")):
    table.to_file(nom, driver=pilote)
    relue = gpd.read_file(nom)
    constat[nom] = [None if v != v else v for v in relue.loc[relue["taux"] != 60.5, ["taux", "places"]].iloc[0].tolist()]
print("attendu  : [None, None]\nconstaté :", constat)
assert constat.pop("t.tab") == [0.0, 0.0] and all(v == [None, None] for v in constat.values()), "le comportement a changé"
PY
