#!/usr/bin/env bash
# GDAL (pyogrio) : écrits en KML, les effectifs entiers de pandas reviennent en texte ; les taux, non.
# Pronostic : un nombre reste un nombre, entier ou non.
# Constat : la colonne int64 revient en texte et se trie 1234, 56, 9 ; la même en int32 reste un nombre, comme le taux décimal.
# Un booléen revient 0 ou 1, une date en texte à barres obliques.
# Conséquence : un « maximum » de 9 enfants ; un aller-retour par KML demande de reprendre chaque type.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas
import pandas as pd
import pyogrio
from shapely.geometry import Point

print("pyogrio", version("pyogrio"), "; GDAL", *pyogrio.__gdal_version__)
table = geopandas.GeoDataFrame(
    {"enfants": [9, 56, 1234], "enfants32": pd.Series([9, 56, 1234], dtype="int32"), "taux": [12.5, 3.0, 60.0]},
    geometry=[Point(0, 47), Point(1, 47), Point(2, 47)], crs=4326,
)
table.to_file("enfants.kml", driver="KML")
relue = geopandas.read_file("enfants.kml")
constat = {c: sorted(relue[c].tolist(), reverse=True) for c in ("enfants", "enfants32", "taux")}
print("attendu  : [1234, 56, 9]\nconstaté :", constat)
assert constat["enfants32"] == [1234, 56, 9] and constat["taux"] == [60.0, 12.5, 3.0]
assert constat["enfants"] == ["9", "56", "1234"], "le comportement a changé"
PY
