#!/usr/bin/env bash
# sqlglot : une requête MySQL d'âge (TIMESTAMPDIFF), traduite pour DuckDB, change l'âge des enfants.
# Pronostic : la traduction garde le sens : des années révolues, donc date_sub('year', ...) en DuckDB.
# Constat : elle écrit DATE_DIFF('YEAR', ...), qui compte les 1er janvier franchis : né le 31 décembre, l'enfant a un an le lendemain,
# et celui de deux ans et demi en a trois. Aucun avertissement, même en mode strict ; la version « mois » se trompe de même.
# Conséquence : des enfants sortis à tort des moins de trois ans après un changement de base ; refaire les âges à la main.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'sqlglot==30.30.0' 'duckdb==2.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import duckdb
import sqlglot

print("sqlglot", sqlglot.__version__, "; duckdb", duckdb.__version__)
base = duckdb.connect()
base.execute("create table t (naissance date, jour date)")
base.execute("insert into t values ('2023-12-31', '2024-01-01'), ('2021-07-01', '2024-01-01'), ('2021-01-01', '2024-01-01')")
strict = {"read": "mysql", "write": "duckdb", "unsupported_level": sqlglot.ErrorLevel.RAISE}
annees, = sqlglot.transpile("SELECT TIMESTAMPDIFF(YEAR, naissance, jour) FROM t", **strict)
mois, = sqlglot.transpile("SELECT TIMESTAMPDIFF(MONTH, naissance, jour) FROM t", **strict)
revolus = base.sql("select date_sub('year', naissance, jour), date_sub('month', naissance, jour) from t").fetchall()
traduit = list(zip((a for a, in base.sql(annees).fetchall()), (m for m, in base.sql(mois).fetchall()), strict=True))
print("attendu  :", revolus, "\nconstaté :", traduit, ";", annees)
assert revolus == [(0, 0), (2, 30), (3, 36)]
assert traduit == [(1, 1), (3, 30), (3, 36)], "le comportement a changé"
PY
