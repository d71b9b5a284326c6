#!/usr/bin/env bash
# polars et DuckDB sur la même table : un EPCI dont toutes les communes manquent a un total de 0 pour l'un, aucun pour l'autre.
# Pronostic : la somme de rien que des manquants est manquante, comme leur moyenne.
# Constat : polars rend 0.0 pour la somme et null pour la moyenne, dans la même ligne ; DuckDB rend NULL pour les deux.
# Conséquence : un territoire non renseigné devient un territoire sans enfant, et 0 entre dans les totaux d'au-dessus ; garder
# la somme derrière un compte des valeurs présentes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'duckdb==2.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import duckdb
import polars as pl

print("polars", version("polars"), "; duckdb", version("duckdb"))
lignes = [("A", 10.0), ("A", None), ("B", None)]
table = pl.DataFrame(lignes, schema=["epci", "enfants"], orient="row")
avec_polars = table.group_by("epci").agg(s=pl.col("enfants").sum(), m=pl.col("enfants").mean()).sort("epci").rows()
base = duckdb.connect()
base.execute("create table t (epci text, enfants double)")
base.executemany("insert into t values (?, ?)", lignes)
avec_duckdb = base.sql("select epci, sum(enfants), avg(enfants) from t group by epci order by epci").fetchall()
gardee = table.group_by("epci").agg(pl.when(pl.col("enfants").count() > 0).then(pl.col("enfants").sum())).sort("epci").rows()
print("attendu  :", avec_duckdb, "\nconstaté :", avec_polars)
assert avec_polars == [("A", 10.0, 10.0), ("B", 0.0, None)], "le comportement a changé"
assert avec_duckdb == [("A", 10.0, 10.0), ("B", None, None)] and gardee == [("A", 10.0), ("B", None)], "a changé"
PY
