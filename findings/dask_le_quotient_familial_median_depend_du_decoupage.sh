#!/usr/bin/env bash
# dask : le quotient familial médian de dix familles est 650, ou 610 si la table est en deux morceaux ; le premier quart, 500, 410 ou 387,50.
# Pronostic : dix valeurs tiennent en mémoire : la médiane est celle de pandas, en un ou en deux morceaux.
# Constat : les quantiles des morceaux sont fondus entre eux, même quand tout est petit ; en cinq morceaux on retombe sur 650. En trois, le
# même calcul dit 610 par quantile et 650 par describe().
# Conséquence : une médiane qui passe sous un seuil de tarif selon la machine qui a découpé le fichier ; ramener la colonne en pandas
# (compute) avant toute médiane.
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
familles = pd.DataFrame({"qf": [320, 410, 480, 560, 610, 690, 720, 905, 1100, 1500]})
constat = {}
for morceaux in (1, 2, 3, 5):
    table = dd.from_pandas(familles, npartitions=morceaux)
    quart, mediane = (float(table["qf"].quantile(q).compute()) for q in (0.25, 0.5))
    constat[morceaux] = [quart, mediane, float(table.describe().compute().loc["50%", "qf"])]
print("attendu  :", [500.0, 650.0, 650.0], "partout\nconstaté : (quart, médiane, médiane de describe)", constat)
assert familles["qf"].median() == 650 and constat[1] == constat[5] == [500, 650, 650]
assert constat[2] == [410, 610, 610] and constat[3] == [387.5, 610, 650], "le comportement a changé"
PY
