#!/usr/bin/env bash
# cartogram (anamorphose) : une seule commune à zéro enfant, et la carte rendue est la carte de départ.
# Pronostic : la commune vide se réduit à presque rien, les autres se déforment ; sinon l'appel est refusé, comme pour un manquant.
# Constat : avec un zéro, les seize surfaces restent égales et l'erreur moyenne est infinie ; un avertissement de division par zéro,
# c'est tout. Avec 1 au lieu de 0, elles vont de 0,05 à 1,65. Une valeur manquante, elle, est refusée.
# Conséquence : une carte « proportionnelle aux enfants » où tout se vaut ; vérifier average_error, ou donner un plancher.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'cartogram==1.0.2' 'geopandas==1.2.0' 'numpy==2.0.2' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import cartogram
import geopandas as gpd
from shapely.geometry import box

print("cartogram", version("cartogram"))
carres = [box(x, y, x + 1, y + 1) for x in range(4) for y in range(4)]
constat = {}
for enfants in (0.0, 1.0):
    table = gpd.GeoDataFrame({"enfants": [10.0, 20, 30, 40] * 4}, geometry=carres, crs=2154)
    table.loc[5, "enfants"] = enfants
    carte = cartogram.Cartogram(table, "enfants")
    surfaces = carte.geometry.area.round(2)
    constat[enfants] = (float(surfaces.min()), float(surfaces.max()), float(carte.average_error))
print("attendu  : des surfaces inégales, les deux fois\nconstaté : (plus petite, plus grande, erreur)", constat)
assert constat[0.0] == (1.0, 1.0, float("inf")), "le comportement a changé"
assert constat[1.0][0] < 0.2 and constat[1.0][1] > 1.4 and constat[1.0][2] < 0.2
PY
