#!/usr/bin/env bash
# osmnx (temps de trajet, sans réseau) : un chemin sans vitesse connue reçoit la moyenne de celles des autres routes.
# Pronostic : une vitesse absente reste absente, ou prend une valeur prudente.
# Constat : dans un réseau d'une autoroute (130), d'une rue (30) et d'une rue « FR:urban », le chemin de terre est à 85 km/h, et
# rien dans l'arête ne dit que c'est estimé.
# Conséquence : la crèche du hameau paraît à cinq minutes ; donner hwy_speeds et fallback, et marquer ce qui est imputé.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'osmnx==2.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import networkx as nx
import osmnx as ox

print("osmnx", version("osmnx"))
reseau = nx.MultiDiGraph(crs="epsg:4326")
for k in range(4):
    reseau.add_node(k, x=k / 100, y=48.0)
routes = [(0, 1, "motorway", "130"), (1, 2, "track", None), (2, 3, "residential", "FR:urban"), (3, 0, "residential", "30")]
for de, vers, genre, vitesse in routes:
    reseau.add_edge(de, vers, 0, length=1000.0, highway=genre, **({"maxspeed": vitesse} if vitesse else {}))
lues = ox.routing.add_edge_speeds(reseau)
constat = {(d["highway"], d.get("maxspeed")): d["speed_kph"] for _, _, d in lues.edges(data=True)}
marque = [k for _, _, d in lues.edges(data=True) for k in d if k not in ("length", "highway", "maxspeed", "speed_kph", "geometry")]
print("attendu  : le chemin sans vitesse\nconstaté :", constat, "; autres attributs :", marque)
assert constat[("track", None)] == 85.0 and constat[("motorway", "130")] == 130.0 and not marque, "le comportement a changé"
PY
