#!/usr/bin/env bash
# plotly express : colorier les barres par statut, et les communes au statut inconnu quittent le graphique.
# Pronostic : le statut manquant fait un groupe, ou une barre sans couleur.
# Constat : 159 places sans couleur, 139 avec color ; px.choropleth efface de même la commune ; px.pie, lui, la garde.
# Ni légende, ni avertissement.
# Conséquence : un total qui baisse quand on ajoute une couleur ; donner un nom au manquant (« inconnu ») avant de tracer.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'plotly==7.1.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import plotly.express as px

print("plotly", version("plotly"), "; pandas", version("pandas"))
table = pd.DataFrame({
    "commune": ["53001", "53012", "53084", "53097"],
    "places": [10, 99, 20, 30],
    "statut": ["public", "associatif", None, "public"],
})


def total(figure):
    return sum(float(v) for trace in figure.data for v in trace.y)


sans = total(px.bar(table, x="commune", y="places"))
avec = total(px.bar(table, x="commune", y="places", color="statut"))
carte = [c for t in px.choropleth(table, locations="commune", color="statut").data for c in t.locations]
secteurs = sum(px.pie(table, names="statut", values="places").data[0]["values"])
print("attendu  : 159 partout\nconstaté : barres", sans, "; colorées", avec, "; secteurs", secteurs, "; carte", carte)
assert sans == secteurs == 159
assert avec == 139 and "53084" not in carte and len(carte) == 3, "le comportement a changé"
PY
