#!/usr/bin/env bash
# pyecharts (graphiques ECharts) : les effectifs pris dans une table pandas deviennent « null », et la barre n'est pas dessinée.
# Pronostic : 12 est 12, entier de Python ou de numpy ; un type inconnu est refusé.
# Constat : list(serie.values) écrit null à la place de chaque entier, sans erreur ; serie.tolist() écrit 12 et 35. Les décimaux passent
# des deux façons : le taux se voit, l'effectif non.
# Conséquence : une figure où « il n'y a aucune place » selon la façon de sortir la colonne ; toujours tolist().
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyecharts==2.1.0' 'pandas==3.1.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import json
from importlib.metadata import version

import pandas as pd
from pyecharts.charts import Bar

print("pyecharts", version("pyecharts"), "; pandas", version("pandas"))
communes = pd.DataFrame({"commune": ["Craon", "Renazé"], "places": [12, 35], "taux": [12.5, 35.5]})


def ecrit(valeurs):
    barres = Bar().add_xaxis(communes["commune"].tolist()).add_yaxis("places", valeurs)
    return json.loads(barres.dump_options())["series"][0]["data"]


constat = {c: [ecrit(list(communes[c].values)), ecrit(communes[c].tolist())] for c in ("places", "taux")}
print("attendu  : les mêmes nombres deux fois\nconstaté :", constat)
assert constat["places"] == [[None, None], [12, 35]], "le comportement a changé"
assert constat["taux"] == [[12.5, 35.5], [12.5, 35.5]], "le comportement a changé"
PY
