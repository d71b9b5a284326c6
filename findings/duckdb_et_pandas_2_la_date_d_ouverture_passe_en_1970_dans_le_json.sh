#!/usr/bin/env bash
# DuckDB ou polars, puis pandas 2.3 : une ouverture au 1er septembre 2023 s'écrit janvier 1970 par to_json et par to_hdf.
# Pronostic : une date de pandas s'écrit de même, d'où qu'elle vienne ; to_json annonce des millisecondes.
# Constat : la date reste juste à l'écran ; mais DuckDB la donne en microsecondes, polars en millisecondes, et to_json divise comme si c'était
# des nanosecondes : 1693526400 ou 1693526 au lieu de 1693526400000. to_hdf (table) rend le 20 janvier 1970. Lue d'un CSV, elle est juste.
# Conséquence : une chronologie entière tassée au début de 1970 dans la page qui lit le JSON ; date_format="iso", ou .astype("datetime64[ns]").
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==2.3.3' 'duckdb==1.5.6' 'polars==2.1.0' 'pyarrow==25.0.1' 'tables==3.11.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
import io

import duckdb
import pandas as pd
import polars as pl

print("pandas", pd.__version__, "; duckdb", duckdb.__version__, "; polars", pl.__version__)
jour = datetime.date(2023, 9, 1)
tables = {
    "csv": pd.read_csv(io.StringIO("ouverture\n2023-09-01\n"), parse_dates=["ouverture"]),
    "duckdb": duckdb.sql("select date '2023-09-01' as ouverture").df(),
    "polars": pl.DataFrame({"ouverture": [jour]}).to_pandas(),
}
constat = {}
for nom, table in tables.items():
    assert table["ouverture"][0].date() == jour
    table.to_hdf("t.h5", key=nom, format="table")
    ecrite = table.to_json(orient="values")
    iso = table.to_json(orient="values", date_format="iso")[3:13]
    constat[nom] = (ecrite, str(pd.read_hdf("t.h5", nom)["ouverture"][0].date()), iso)
print("attendu  : trois fois la même ligne\nconstaté : (JSON, HDF, JSON iso)", *constat.items(), sep="\n  ")
assert constat["csv"] == ("[[1693526400000]]", "2023-09-01", "2023-09-01")
assert constat["duckdb"] == ("[[1693526400]]", "1970-01-20", "2023-09-01"), "le comportement a changé"
assert constat["polars"] == ("[[1693526]]", "1970-01-01", "2023-09-01"), "le comportement a changé"
PY
