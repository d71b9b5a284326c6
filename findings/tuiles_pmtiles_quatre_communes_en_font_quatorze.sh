#!/usr/bin/env bash
# PMTiles et MBTiles (tuiles d'une carte en ligne), relus par geopandas : quatre communes deviennent quatorze lignes, 100 enfants 340.
# Pronostic : relire la couche rend les communes, une ligne chacune, ou dit que ce sont des morceaux.
# Constat : une commune coupée par le bord des tuiles a une ligne par tuile, chacune avec l'effectif entier ; les codes sont en double, et
# aucun avertissement. Le projet de carte est juste, toute somme est fausse. Réunis par code (dissolve), les quatre reviennent.
# Conséquence : un total d'EPCI triplé, pris dans le fichier de la carte faute de la table ; ne jamais compter dans des tuiles.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 'shapely==2.2.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import pyogrio
import shapely

print("geopandas", version("geopandas"), "; GDAL", ".".join(map(str, pyogrio.__gdal_version__)))
contours = shapely.box([4, 5, 6, 7], [46] * 4, [5, 6, 7, 8], [47] * 4)
communes = gpd.GeoDataFrame({"code": list("ABCD"), "enfants": [10, 20, 30, 40]}, geometry=contours, crs=4326)
constat = {}
for pilote in ("PMTiles", "MBTiles"):
    fichier = "communes." + pilote.lower()
    communes.to_file(fichier, driver=pilote, MINZOOM=0, MAXZOOM=8)
    lue = gpd.read_file(fichier)
    constat[pilote] = [len(lue), int(lue["enfants"].sum()), lue["code"].nunique(), len(lue.dissolve("code"))]
print("attendu  : 4 lignes, 100 enfants\nconstaté : (lignes, enfants, codes, réunies)", constat)
assert constat == {"PMTiles": [14, 340, 4, 4], "MBTiles": [14, 340, 4, 4]}, "le comportement a changé"
PY
