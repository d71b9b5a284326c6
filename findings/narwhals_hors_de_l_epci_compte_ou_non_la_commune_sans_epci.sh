#!/usr/bin/env bash
# narwhals (une écriture, plusieurs tables) : « hors de l'EPCI A » compte trois communes sur pandas, deux ailleurs.
# Pronostic : la même expression rend la même réponse sur toute table ; c'est la raison d'être de la bibliothèque.
# Constat : ~is_in(['A']) garde la commune sans EPCI avec pandas, types à manquant compris, et la perd avec pandas sur Arrow,
# polars et PyArrow. « Différent de 3 » et « non supérieur à 3 », eux, ne diffèrent que sur pandas ordinaire.
# Conséquence : un effectif qui change avec le type de table du collègue ; dire le sort du manquant par is_null().
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'narwhals==2.29.0' 'pandas==3.1.1' 'polars==2.1.0' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa

print(*(f"{p} {version(p)}" for p in ("narwhals", "pandas", "polars", "pyarrow")), sep=" ; ")
colonnes = {"epci": ["A", "A", None, "B", "B"], "taux": [1.0, None, 3.0, 4.0, 10.0]}
ordinaire = pd.DataFrame(colonnes)
tables = {
    "pandas": ordinaire, "pandas à manquant": ordinaire.convert_dtypes(),
    "pandas sur Arrow": ordinaire.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.DataFrame(colonnes), "pyarrow": pa.table(colonnes),
}
conditions = {"hors de A": ~nw.col("epci").is_in(["A"]), "pas 3": nw.col("taux") != 3, "pas plus de 3": ~(nw.col("taux") > 3)}
constat = {nom: [len(nw.from_native(t).filter(c)) for c in conditions.values()] for nom, t in tables.items()}
print("attendu  : les mêmes partout\nconstaté :", list(conditions), constat)
assert constat["pandas"] == [3, 4, 3] and constat["pandas à manquant"] == [3, 3, 2], "le comportement a changé"
assert constat["pandas sur Arrow"] == constat["polars"] == constat["pyarrow"] == [2, 3, 2], "le comportement a changé"
PY
