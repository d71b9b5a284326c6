#!/usr/bin/env bash
# geopandas (GDAL) : le code mis en « id » d'un objet GeoJSON, sa place prévue, est une colonne s'il est un texte, perdu s'il est un nombre.
# Pronostic : l'identifiant est rendu dans les deux cas, ou dans aucun.
# Constat : "id": "53130" donne la colonne id ; "id": 53130 ne donne rien, et les communes n'ont plus de code. Mêlés, c'est le premier objet
# qui décide pour tous : la Corse (« 2A004 ») en tête, tous les codes sont là ; en queue, aucun. from_features les perd toujours.
# Conséquence : la même couche, triée autrement, se joint ou non ; écrire le code en propriété (cafdiag refuse une couche
# sans colonne de code).
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import json
from importlib.metadata import version

import geopandas as gpd
import pyogrio

print("geopandas", version("geopandas"), "; GDAL", ".".join(map(str, pyogrio.__gdal_version__)))
point = {"type": "Point", "coordinates": [0, 47]}
constat = {}
for nom, codes in {"textes": ["53130", "53084"], "nombres": [53130, 53084], "texte d'abord": ["2A004", 53130], "texte ensuite": [53130, "2A004"]}.items():
    objets = [{"type": "Feature", "id": c, "properties": {"enfants": 9}, "geometry": point} for c in codes]
    couche = {"type": "FeatureCollection", "features": objets}
    lue, faite = gpd.read_file(json.dumps(couche)), gpd.GeoDataFrame.from_features(couche)
    constat[nom] = [lue["id"].tolist() if "id" in lue else None, "id" in faite]
rang = gpd.read_file(json.dumps({**couche, "features": [{**objets[0], "id": 53130}]}), fid_as_index=True).index.tolist()
print("attendu  : deux codes à chaque fois\nconstaté :", constat, "; fid_as_index", rang)
assert [c[0] for c in constat.values()] == [["53130", "53084"], None, ["2A004", "53130"], None], "le comportement a changé"
assert not any(c[1] for c in constat.values()) and rang == [53130], "le comportement a changé"
PY
