#!/usr/bin/env bash
# plotly express (treemap, color) : une commune au taux inconnu, et le taux de son département tombe de 10 à 2,5.
# Pronostic : la moyenne pondérée du département ignore le manquant, ou manque.
# Constat : (10 × 10 + 0 × 30) / 40 = 2,5 : l'inconnue compte comme un taux nul, et sa propre case prend la couleur de 0.
# L'autre département, complet, garde son taux.
# Conséquence : un département entier passe au rouge pour un chiffre tu ; retirer les manquants, ou colorier soi-même les parents.
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
    "departement": ["01", "01", "53"],
    "commune": ["01001", "01002", "53130"],
    "enfants": [10, 30, 20],
    "taux": [10.0, None, 20.0],
})
trace = px.treemap(table, path=["departement", "commune"], values="enfants", color="taux").data[0]
constat = dict(zip(trace.ids, map(float, trace.marker.colors)))
print("attendu  : 10 pour 01, manquant pour 01/01002\nconstaté :", constat)
assert constat["53"] == 20
assert constat["01"] == 2.5 and constat["01/01002"] == 0, "le comportement a changé"
PY
