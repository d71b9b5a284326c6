#!/usr/bin/env bash
# geopandas.dissolve : fondre les communes en intercommunalités garde les chiffres d'une commune, et pas de la même pour chaque colonne.
# Pronostic : les nombres s'additionnent, ou la fonction demande quoi en faire.
# Constat : la population de l'EPCI est celle de sa première commune ; si son taux manque, le taux vient de la deuxième. Les
# communes sans EPCI disparaissent.
# Conséquence : une carte d'EPCI aux contours justes et aux chiffres faux ; donner aggfunc par colonne, et compter les communes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import geopandas as gpd
from shapely.geometry import box

print("geopandas", version("geopandas"))
table = gpd.GeoDataFrame(
    {"epci": ["E", "E", None], "population": [100, 50, 7], "taux": [float("nan"), 60.0, 10.0]},
    geometry=[box(k, 0, k + 1, 1) for k in range(3)],
    crs=2154,
)
fondue = table.dissolve(by="epci")
constat = fondue[["population", "taux"]].to_dict("index")
print("attendu  : population 150\nconstaté :", constat, "; surface", fondue.area.tolist(), "sur", table.area.sum())
assert constat == {"E": {"population": 100, "taux": 60.0}} and fondue.area.tolist() == [2.0], "le comportement a changé"
PY
