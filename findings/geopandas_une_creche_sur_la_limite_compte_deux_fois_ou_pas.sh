#!/usr/bin/env bash
# geopandas.sjoin : une crèche posée sur la limite de deux communes est comptée dans les deux, ou dans aucune, selon le mot choisi.
# Pronostic : chaque point va dans une seule commune ; 60 places en tout, quel que soit le prédicat.
# Constat : « intersects » (le défaut) en fait 80, « within » 40 rattachées et une crèche sans commune ; sjoin_nearest en fait 80
# aussi, la plus proche étant double.
# Conséquence : un total de places faux sans erreur ; vérifier qu'il reste autant de lignes que de crèches, et départager.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import geopandas as gpd
from shapely.geometry import Point, box

print("geopandas", version("geopandas"))
communes = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs=2154)
creches = gpd.GeoDataFrame({"places": [10, 20, 30]}, geometry=[Point(5, 5), Point(10, 5), Point(15, 5)], crs=2154)
joints = {m: creches.sjoin(communes, predicate=m) for m in ("intersects", "within")}
joints["plus proche"] = creches.sjoin_nearest(communes)
constat = {m: j.groupby("code")["places"].sum().to_dict() for m, j in joints.items()}
print("attendu  : 60 places en tout\nconstaté :", constat)
assert constat["intersects"] == constat["plus proche"] == {"A": 30, "B": 50}, "le comportement a changé"
assert constat["within"] == {"A": 10, "B": 30}, "le comportement a changé"
PY
