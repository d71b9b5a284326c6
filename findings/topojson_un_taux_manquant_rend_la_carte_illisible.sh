#!/usr/bin/env bash
# topojson (fonds de carte pour le navigateur) : une seule commune sans taux, et le fichier entier n'est plus du JSON.
# Pronostic : un manquant s'écrit null, comme le fait geopandas pour le même tableau.
# Constat : topojson écrit NaN, que Python relit mais qu'aucun lecteur strict n'accepte (donc pas le JSON.parse d'un
# navigateur) ; geopandas écrit null.
# Conséquence : la carte marche sur le territoire d'essai, et reste blanche sur celui qui a un manquant ; mettre None avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'topojson==2.2' 'geopandas==1.2.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import json
from importlib.metadata import version

import geopandas as gpd
import topojson
from shapely.geometry import box

print(*(f"{p} {version(p)}" for p in ("topojson", "geopandas")), sep=" ; ")


def strict(texte):
    def refuser(mot):
        raise ValueError(mot)

    try:
        json.loads(texte, parse_constant=refuser)
    except ValueError as cause:
        return f"refusé : {cause}"
    return "lu"


constat = {}
for taux in (58.2, float("nan")):
    table = gpd.GeoDataFrame({"taux": [60.5, taux]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    constat[str(taux)] = {"topojson": strict(topojson.Topology(table).to_json()), "geopandas": strict(table.to_json())}
print("attendu  : lu, partout\nconstaté :", constat)
assert constat["58.2"] == {"topojson": "lu", "geopandas": "lu"}
assert constat["nan"] == {"topojson": "refusé : NaN", "geopandas": "lu"}, "le comportement a changé"
PY
