#!/usr/bin/env bash
# Parquet rangé par département (un dossier « dep=01 » par valeur) : le type relu dépend de la présence de la Corse.
# Pronostic : écrite en texte et relue par la même bibliothèque, la colonne de rangement reste du texte, « 01 ».
# Constat : avec 01 et 02, pandas et polars relisent 1 et 2 ; avec 01 et 2A, ils relisent « 01 » et « 2A ». DuckDB
# garde « 01 » dans les deux cas. Le même programme marche donc sur la France et casse sur une région.
# Conséquence : jamais un code géographique dans le nom d'un dossier ; ou imposer le schéma de partition à la lecture.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'pyarrow==26.0.1' 'polars==2.1.0' 'duckdb==2.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import duckdb
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("pandas", "pyarrow", "polars", "duckdb")), sep=" ; ")
constats = {}
for deps in (["01", "02"], ["01", "2A"]):
    nom = "".join(deps)
    pd.DataFrame({"dep": deps, "naissances": [7, 9]}).to_parquet(nom, partition_cols=["dep"])
    lus = {
        "pandas": pd.read_parquet(nom)["dep"].tolist(),
        "polars": pl.read_parquet(f"{nom}/**/*.parquet", hive_partitioning=True)["dep"].sort().to_list(),
        "duckdb": [r[0] for r in duckdb.sql(f"select dep from read_parquet('{nom}/*/*.parquet', hive_partitioning=true) order by 1").fetchall()],
    }
    constats[nom] = lus
    print("attendu  :", deps, "\nconstaté :", lus)
assert constats["0102"] == {"pandas": [1, 2], "polars": [1, 2], "duckdb": ["01", "02"]}, "le comportement a changé"
assert set(map(tuple, constats["012A"].values())) == {("01", "2A")}, "le comportement a changé"
PY
