#!/usr/bin/env bash
# pandana (accessibilité sur un réseau) : là où rien n'est à portée, la médiane des places est −1, leur moyenne 0.
# Pronostic : rien à portée : zéro équipement, et une moyenne, une médiane ou une distance manquantes.
# Constat : count et sum 0, mean 0,0, min, max et median −1,0 ; deux lieux sans chemin sont à 4 294 967,295 m.
# Une crèche de capacité inconnue n'est pas comptée, même par count.
# Conséquence : une moyenne d'EPCI tirée vers le bas, une distance absurde mais finie ; masquer d'abord les lieux où count vaut 0.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandana==0.8' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandana
import pandas as pd

print("pandana", version("pandana"), "; pandas", version("pandas"))
lieux = pd.DataFrame({"x": [0.0, 1000, 2000, 9000], "y": [0.0] * 4}, index=[10, 20, 30, 40])
routes = pd.DataFrame({"de": [10, 20], "vers": [20, 30], "metres": [1000.0, 1000.0]})
reseau = pandana.Network(lieux.x, lieux.y, routes.de, routes.vers, routes[["metres"]])
reseau.set([10, 20], variable=pd.Series([12.0, None]), name="places")
constat = {
    calcul: reseau.aggregate(500, type=calcul, decay="flat", name="places")[[10, 20, 40]].tolist()
    for calcul in ("count", "sum", "mean", "median", "min", "max")
}
distance = reseau.shortest_path_lengths([10], [40])[0]
print("attendu  : manquant loin de tout, 1 crèche au lieu 20\nconstaté : lieux 10, 20, 40", constat, "; distance", distance)
assert all(v[0] == (1 if c == "count" else 12) for c, v in constat.items())
assert constat["count"][1:] == constat["sum"][1:] == constat["mean"][1:] == [0, 0], "le comportement a changé"
assert constat["median"][2] == constat["min"][2] == constat["max"][2] == -1, "le comportement a changé"
assert distance == 4294967.295, "le comportement a changé"
PY
