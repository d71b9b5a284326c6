#!/usr/bin/env bash
# dask (pandas en morceaux) : groupées par EPCI, les places de la commune sans EPCI sont dans la moyenne, et pas dans la somme.
# Pronostic : le même groupby a les mêmes groupes, quelle que soit la fonction ; pandas n'a ici que A et B.
# Constat : sum, count et max rendent A et B ; mean, var et std ont un troisième groupe, manquant. Diviser la somme par le compte et demander
# la moyenne ne donnent plus la même table. dropna=True, écrit en toutes lettres, ôte le groupe partout.
# Conséquence : une moyenne départementale d'EPCI faussée par un EPCI qui n'existe pas ; toujours écrire dropna.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'dask[dataframe]==2026.8.0' 'pandas==3.1.1' 'pyarrow==26.0.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import dask.dataframe as dd
import pandas as pd

print("dask", version("dask"), "; pandas", version("pandas"))
communes = pd.DataFrame({"epci": ["A", "B", None, "A"], "places": [1.0, 2, 30, 3]})
constat = {}
for fonction in ("sum", "count", "max", "mean", "var"):
    ligne = []
    for table in (communes, dd.from_pandas(communes, npartitions=2)):
        for reglages in ({}, {"dropna": True}):
            groupes = getattr(table.groupby("epci", **reglages)["places"], fonction)()
            ligne.append(len(groupes.compute() if table is not communes else groupes))
    constat[fonction] = ligne
print("attendu  : deux groupes partout\nconstaté : (pandas, dropna ; dask, dropna)", constat)
assert all(c[:2] == [2, 2] and c[3] == 2 for c in constat.values()), "le comportement a changé"
assert {f: c[2] for f, c in constat.items()} == {"sum": 2, "count": 2, "max": 2, "mean": 3, "var": 3}, "le comportement a changé"
PY
