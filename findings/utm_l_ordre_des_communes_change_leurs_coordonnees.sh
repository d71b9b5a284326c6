#!/usr/bin/env bash
# utm (coordonnées en mètres) : Laval et Le Mans sont de part et d'autre du méridien de Greenwich ; leurs abscisses dépendent de
# la commune placée en tête de liste.
# Pronostic : un tableau de points donne les mêmes coordonnées que les points pris un par un, ou refuse de mêler deux zones.
# Constat : tout le tableau est mis dans la zone du premier point, et un seul numéro de zone est rendu ; retourner la liste change
# toutes les abscisses. Un par un, les deux villes sont dans deux zones, et leur distance vaut 375 km au lieu de 73.
# Conséquence : deux lots d'un même département ne se superposent pas ; passer force_zone_number, ou projeter en Lambert-93.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'utm==0.9.0' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import utm

print("utm", version("utm"))
lat, lon = np.array([48.0707, 48.0061]), np.array([-0.7734, 0.1996])
un_par_un = [utm.from_latlon(*p) for p in zip(lat, lon)]
liste, retournee = utm.from_latlon(lat, lon), utm.from_latlon(lat[::-1], lon[::-1])


def km(x, y):
    return round(float(np.hypot(x[1] - x[0], y[1] - y[0])) / 1000)


distances = [km(*zip(*[p[:2] for p in un_par_un])), km(*liste[:2]), km(*retournee[:2])]
abscisses = [[round(float(x) / 1000) for x in v] for v in ([p[0] for p in un_par_un], liste[0], retournee[0][::-1])]
print("attendu  : les mêmes coordonnées, à 73 km l'une de l'autre")
print("constaté : abscisses (km) de Laval et du Mans, un par un, en liste, liste retournée :", abscisses, "; distances", distances)
assert [p[2] for p in un_par_un] == [30, 31] and (liste[2], retournee[2]) == (30, 31), "le comportement a changé"
assert abscisses == [[666, 291], [666, 739], [219, 291]] and distances == [375, 73, 73], "le comportement a changé"
PY
