#!/usr/bin/env bash
# libpysal (moyenne des communes voisines) : une commune sans voisine a une moyenne de voisinage de 0, pas manquante.
# Pronostic : lag et describe, qui résument le même voisinage, disent tous deux « manquant » pour une île.
# Constat : describe rend nan ; lag (pondération par lignes) rend 0,0, et lag_spatial de l'ancienne interface aussi.
# Conséquence : l'Île-d'Yeu ou Ouessant paraissent entourées de communes à 0 % de couverture ; masquer les isolées
# (graph.isolates) avant tout écart au voisinage.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'libpysal==4.14.1' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
from libpysal.graph import Graph

print(*(f"{p} {version(p)}" for p in ("libpysal", "pandas")), sep=" ; ")
liens = pd.DataFrame({"focal": ["A", "B", "île"], "neighbor": ["B", "A", "île"], "weight": [1, 1, 0]})
voisinage = Graph.from_adjacency(liens).transform("r")
taux = pd.Series([60.0, 40.0, 55.0], index=["A", "B", "île"])
moyenne, resume = voisinage.lag(taux).tolist(), voisinage.describe(taux)["mean"]
print("sans voisine :", list(voisinage.isolates))
print("attendu  : [40, 60, manquant]\nconstaté : lag", moyenne, "; describe", resume.tolist())
assert moyenne == [40.0, 60.0, 0.0] and pd.isna(resume["île"]), "le comportement a changé"
PY
