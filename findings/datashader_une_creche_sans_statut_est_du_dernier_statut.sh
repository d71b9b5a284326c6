#!/usr/bin/env bash
# datashader (cartes de très nombreux points, par catégorie) : la crèche dont le statut est inconnu est comptée parmi les publiques.
# Pronostic : un point sans catégorie n'est dans aucune, ou l'appel est refusé.
# Constat : il est compté dans la dernière de la liste : un privé et deux publics font un et trois. Que l'ordre des catégories change, et
# c'est le privé qui en a un de trop. by(…, count()) fait de même ; aucun avertissement.
# Conséquence : une carte des modes d'accueil où tout l'inconnu a la couleur d'un seul statut ; donner une catégorie « inconnu ».
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'datashader==0.19.1' 'pandas==3.1.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import datashader as ds
import pandas as pd

print("datashader", version("datashader"), "; pandas", version("pandas"))
statuts = ["public", "prive", None, "public"]
constat = []
for ordre in (["prive", "public"], ["public", "prive"]):
    creches = pd.DataFrame({"x": [1.0, 5, 9, 3], "y": [1.0, 5, 9, 3], "statut": pd.Categorical(statuts, categories=ordre)})
    carte = ds.Canvas(10, 10, x_range=(0, 10), y_range=(0, 10))
    for reduction in (ds.count_cat("statut"), ds.by("statut", ds.count())):
        compte = carte.points(creches, "x", "y", reduction).sum(["x", "y"])
        constat.append({s: int(compte.sel(statut=s)) for s in sorted(ordre)})
print("attendu  : {'prive': 1, 'public': 2} quatre fois\nconstaté :", constat)
assert constat == 2 * [{"prive": 1, "public": 3}] + 2 * [{"prive": 2, "public": 2}], "le comportement a changé"
PY
