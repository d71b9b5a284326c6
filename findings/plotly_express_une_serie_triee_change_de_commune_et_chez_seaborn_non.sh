#!/usr/bin/env bash
# plotly express : une table de communes, une série triée pour la hauteur, et chaque barre porte le chiffre d'une autre commune.
# Pronostic : une série pandas donnée à côté d'une table est rejointe par son index, comme partout dans pandas, et comme chez seaborn.
# Constat : plotly prend les valeurs par leur rang : Laval reçoit le chiffre de Craon ; la couleur de même. seaborn, au même appel, les rejoint.
# Aucun avertissement, sauf si les longueurs diffèrent.
# Conséquence : un graphique faux avec une table juste, par un simple sort_values ; mettre la série dans la table d'abord.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'plotly==7.1.0' 'seaborn==0.13.2' 'pandas==3.1.1' 'matplotlib==3.11.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import matplotlib
import pandas as pd
import plotly.express as px
import seaborn

matplotlib.use("Agg")
print("plotly", version("plotly"), "; seaborn", version("seaborn"), "; pandas", version("pandas"))
table = pd.DataFrame({"commune": ["Laval", "Craon", "Renazé"], "places": [50, 10, 30]})
triees = table["places"].sort_values()
barres = px.bar(table, x="commune", y=triees).data[0]
axes = seaborn.barplot(table, x="commune", y=triees)
constat = {
    "plotly": dict(zip(barres.x, map(int, barres.y))),
    "seaborn": dict(zip([t.get_text() for t in axes.get_xticklabels()], [int(p.get_height()) for p in axes.patches])),
}
couleurs = {trace.name: trace.x[0] for trace in px.bar(table, x="commune", y="places", color=triees.astype(str)).data}
print("attendu  :", dict(table.to_numpy().tolist()), "\nconstaté :", constat, "couleurs", couleurs)
assert constat["seaborn"] == {"Laval": 50, "Craon": 10, "Renazé": 30}
assert constat["plotly"] == {"Laval": 10, "Craon": 30, "Renazé": 50}, "le comportement a changé"
assert couleurs["10"] == "Laval", "le comportement a changé"
PY
