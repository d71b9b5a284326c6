#!/usr/bin/env bash
# pandas.merge : deux lignes dont le code manque sont tenues pour la même commune ; polars et DuckDB ne les joignent pas.
# Pronostic : un manquant n'est égal à rien, pas même à un autre manquant : la jointure les écarte.
# Constat : une crèche sans code et deux lignes de population sans code donnent deux lignes, et la crèche compte double ; polars
# et DuckDB n'en donnent aucune.
# Conséquence : des places attribuées à une population quelconque, et un total gonflé ; ôter les clés manquantes des deux côtés,
# ou validate="many_to_one".
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'polars==2.1.0' 'duckdb==2.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import duckdb
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("pandas", "polars", "duckdb")), sep=" ; ")
creches = {"code": ["53130", None], "places": [40, 12]}
populations = {"code": ["53130", None, None], "enfants": [900, 3, 5]}
base = duckdb.connect()
for nom, t in (("creches", creches), ("populations", populations)):
    base.execute(f"create table {nom} (code text, n integer)")
    base.executemany(f"insert into {nom} values (?, ?)", list(zip(*t.values(), strict=True)))
constat = {
    "pandas": int(pd.DataFrame(creches).merge(pd.DataFrame(populations), on="code")["places"].sum()),
    "polars": pl.DataFrame(creches).join(pl.DataFrame(populations), on="code")["places"].sum(),
    "duckdb": base.execute("select sum(c.n) from creches c join populations using (code)").fetchone()[0],
}
print("attendu  : 40 places jointes\nconstaté :", constat)
assert constat == {"pandas": 64, "polars": 40, "duckdb": 40}, "le comportement a changé"
PY
