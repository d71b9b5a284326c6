#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# pyproj/PROJ : le Lambert-93 accepte La Réunion, et 500 m y deviennent 936 m, sans erreur ni infini.
# Pronostic : hors de son domaine (la métropole), la projection rend l'infini ou lève une erreur.
# Constat : coordonnées finies et plausibles ; un quartier à 500 m d'un centre social paraît à 936 m
# (Réunion), 806 m (Mayotte), 631 m (Guyane), 566 m (Guadeloupe). Laval : 500 m.
# Conséquence : la règle « à 500 m » se mesure dans la projection légale de chaque département d'outre-mer.
"$dossier/venv/bin/pip" install -q 'pyproj==3.7.2'
"$dossier/venv/bin/python" - <<'P'
import math
import pyproj
from pyproj import Geod, Transformer

vers = Transformer.from_crs(4326, 2154, always_xy=True)
geod = Geod(ellps="GRS80")
print("pyproj", pyproj.__version__, "; domaine déclaré :", pyproj.CRS(2154).area_of_use.bounds)
attendu = {"Laval": 500, "Guadeloupe": 566, "Guyane": 631, "Mayotte": 806, "La Réunion": 936}
points = {"Laval": (-0.77, 48.07), "Guadeloupe": (-61.5, 16.2), "Guyane": (-52.3, 4.9),
          "Mayotte": (45.2, -12.8), "La Réunion": (55.45, -20.88)}
for lieu, (lon, lat) in points.items():
    lon2, lat2, _ = geod.fwd(lon, lat, 90, 500)
    (x1, y1), (x2, y2) = vers.transform(lon, lat), vers.transform(lon2, lat2, errcheck=True)
    metres = math.hypot(x2 - x1, y2 - y1)
    print(f"{lieu:12} 500 m au sol = {metres:.0f} m en EPSG:2154")
    assert math.isfinite(metres) and round(metres) == attendu[lieu]
P
