#!/usr/bin/env bash
# geopandas (zones de Voronoï, la crèche la plus proche à vol d'oiseau) : la première zone n'est pas celle de la première crèche, et deux
# crèches à la même adresse n'ont qu'une zone.
# Pronostic : comme pour buffer ou centroid, la ligne i du résultat répond à la ligne i de la série ; l'index est repris.
# Constat : l'index est refait de 0 à 4 dans un autre ordre : aucune zone ne contient la crèche de même rang, sans avertissement.
# Conséquence : des enfants par zone attribués à une autre crèche ; rattacher par sjoin, et compter les zones.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.1.4' 'shapely==2.1.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd

print("geopandas", version("geopandas"), "; shapely", version("shapely"))
points = gpd.points_from_xy([0, 10, 3, 7, 1], [0, 1, 8, 4, 5])
creches = gpd.GeoSeries(points, index=["Lutins", "Éveil", "Ronde", "Source", "Nid"], crs=2154)
zones = creches.voronoi_polygons()
contient = [zones.iloc[i].contains(creches.iloc[i]) for i in range(5)]
doublon = gpd.GeoSeries([*points, points[0]], crs=2154).voronoi_polygons()
print("attendu  : chaque zone contient sa crèche ; 6 zones pour 6 crèches")
print("constaté :", contient, "; index", list(zones.index), ";", len(doublon), "zones pour 6 crèches")
assert contient == [False] * 5 and list(zones.index) == [0, 1, 2, 3, 4], "le comportement a changé"
assert len(doublon) == 5 and list(creches.buffer(1).index) == list(creches.index), "le comportement a changé"
PY
