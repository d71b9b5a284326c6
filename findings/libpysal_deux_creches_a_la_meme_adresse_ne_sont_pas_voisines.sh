#!/usr/bin/env bash
# libpysal (voisinage pesé par l'inverse de la distance) : deux crèches à la même adresse ne sont pas voisines, ou le sont infiniment.
# Pronostic : une distance nulle est refusée, ou reçoit un poids fini ; les deux écritures de la bibliothèque s'accordent.
# Constat : avec l'ancienne (DistanceBand), les deux crèches confondues n'ont pour voisine que la troisième ; avec la nouvelle (Graph), leur
# poids est infini, et la somme pesée du voisinage aussi. Ailleurs les deux donnent 1,4 et 0,6.
# Conséquence : un multi-accueil et sa micro-crèche au même numéro, géocodés au même point, faussent l'indice ; les réunir ou les écarter.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'libpysal==4.14.1' 'geopandas==1.1.4' 'scikit-learn==1.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import numpy as np
from libpysal.graph import Graph
from libpysal.weights import DistanceBand, lag_spatial

print("libpysal", version("libpysal"))
x, y, places = [0, 0, 3, 6], [0, 0, 4, 8], np.array([1.0, 2, 3, 4])
ancienne = DistanceBand(list(zip(x, y)), threshold=6, binary=False)
nouvelle = Graph.build_distance_band(gpd.GeoSeries.from_xy(x, y), 6, binary=False)
voisinages = [[round(float(v), 2) for v in s] for s in (lag_spatial(ancienne, places), nouvelle.lag(places))]
voisines = 1 in ancienne.neighbors[0], float(nouvelle.adjacency[0, 1])
print("attendu  : deux voisines, au même poids fini, partout\nconstaté :", voisines, "; places alentour :", voisinages)
assert voisines == (False, np.inf), "le comportement a changé"
assert voisinages == [[0.6, 0.6, 1.4, 0.6], [np.inf, np.inf, 1.4, 0.6]], "le comportement a changé"
PY
