#!/usr/bin/env bash
# DuckDB sur la même colonne à un manquant : sa moyenne est 2 ou « nan » selon la bibliothèque qui a tenu la table.
# Pronostic : un nan est un manquant pour DuckDB, d'où qu'il vienne.
# Constat : venu de pandas (ou d'un Parquet écrit par pandas), le nan est un NULL et la moyenne vaut 2 ; venu de polars
# (ou de son Parquet), il reste un nombre : moyenne nan, maximum nan, et count compte trois valeurs.
# Conséquence : deux Parquet « identiques » ne donnent pas le même taux ; convertir les nan en NULL à l'entrée de l'entrepôt.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'duckdb==2.0.1' 'pandas==3.1.1' 'pyarrow==26.0.1' 'polars==2.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import duckdb
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("duckdb", "pandas", "polars")), sep=" ; ")
de_pandas = pd.DataFrame({"taux": [1.0, float("nan"), 3.0]})
de_polars = pl.DataFrame({"taux": [1.0, float("nan"), 3.0]})
de_pandas.to_parquet("pandas.parquet")
de_polars.write_parquet("polars.parquet")
constats = {
    source: str(duckdb.sql(f"select avg(taux), max(taux), count(taux) from {source}").fetchall()[0])
    for source in ("de_pandas", "de_polars", "'pandas.parquet'", "'polars.parquet'")
}
print("attendu  : (2.0, 3.0, 2) partout\nconstaté :", constats)
assert constats["de_pandas"] == constats["'pandas.parquet'"] == "(2.0, 3.0, 2)"
assert constats["de_polars"] == constats["'polars.parquet'"] == "(nan, nan, 3)", "le comportement a changé"
PY
