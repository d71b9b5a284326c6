#!/usr/bin/env bash
# DuckDB (spatial) : deux points lus d'un GeoJSON, à 27,9 km, sont à 31,6 km par st_distance_sphere.
# Pronostic : un GeoJSON est en longitude, latitude, par sa norme ; la fonction de distance d'à côté prend le même ordre.
# Constat : elle attend latitude, longitude, comme st_transform en 4326 : la distance est celle de deux points au large de la Somalie, sans
# avertissement, et l'ordre de grandeur reste plausible. st_flipcoordinates la rend juste ; l'écart va de rien (du nord
# au sud) à moitié de plus (d'est en ouest).
# Conséquence : des rayons d'accès faux de 13 % ici, d'une autre part ailleurs ; retourner les points, ou mesurer en Lambert 93.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'duckdb==1.5.5' 'duckdb-extension-spatial==1.5.5' 'duckdb-extensions==1.5.5' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version
from math import asin, cos, radians, sin, sqrt

import duckdb
from duckdb_extensions import import_extension

import_extension("spatial")
print("duckdb", version("duckdb"))
base = duckdb.connect()
base.load_extension("spatial")
points = [(-0.95, 47.85), (-0.77, 48.07)]
lus = [f"""st_geomfromgeojson('{{"type": "Point", "coordinates": [{x}, {y}]}}')""" for x, y in points]
retournes = [f"st_flipcoordinates({lu})" for lu in lus]
constat = [base.sql(f"select st_distance_sphere({', '.join(p)}) / 1000").fetchone()[0] for p in (lus, retournes)]
(x1, y1), (x2, y2) = [tuple(map(radians, point)) for point in points]
vraie = 2 * 6371 * asin(sqrt(sin((y2 - y1) / 2) ** 2 + cos(y1) * cos(y2) * sin((x2 - x1) / 2) ** 2))
print(f"attendu  : {vraie:.1f} km\nconstaté : {constat[0]:.1f} km ; retournés : {constat[1]:.1f} km")
assert round(constat[0], 1) == 31.6, "le comportement a changé"
assert round(constat[1], 1) == round(vraie, 1) == 27.9
PY
