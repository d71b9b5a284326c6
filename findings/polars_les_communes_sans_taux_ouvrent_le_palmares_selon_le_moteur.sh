#!/usr/bin/env bash
# Un palmarès (tri décroissant, les deux premières) : pandas, DuckDB et SQLite rendent 72 et 9 ; polars, tidypolars et daft un manquant et 72.
# Pronostic : une commune sans taux est en fin de tri, dans les deux sens ; c'est ce que font pandas et dplyr, que tidypolars imite.
# Constat : polars et tidypolars placent les manquants en tête quel que soit le sens, daft en tête dans le sens décroissant, SQLite en tête dans le
# sens croissant. Les communes bien renseignées sont justes, il en manque une au palmarès, et rien n'avertit.
# Conséquence : une commune sans donnée classée première, une autre chassée du podium ; écrire nulls_last, ou ôter les manquants d'abord.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'pandas==3.1.1' 'duckdb==1.5.6' 'tidypolars==0.3.2' 'daft==0.7.26' 'pyarrow==25.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import sqlite3
from importlib.metadata import version

import daft
import duckdb
import pandas as pd
import polars as pl
import tidypolars as tp

print(*(f"{p} {version(p)}" for p in ("pandas", "duckdb", "polars", "tidypolars", "daft")), sep=" ; ")
taux = [5.0, None, 72.0, 9.0]
table = pd.DataFrame({"taux": taux})
t = pl.DataFrame({"taux": taux}).to_arrow()
lignes = sqlite3.connect(":memory:")
lignes.execute("create table t (taux)")
lignes.executemany("insert into t values (?)", [(t,) for t in taux])


def trier(baisse):
    sens = "desc" if baisse else "asc"
    tris = {
        "pandas": table.sort_values("taux", ascending=not baisse)["taux"].tolist(),
        "duckdb": [t for (t,) in duckdb.sql(f"select taux from t order by taux {sens}").fetchall()],
        "sqlite": [t for (t,) in lignes.execute(f"select taux from t order by taux {sens}")],
        "polars": pl.Series(taux).sort(descending=baisse).to_list(),
        "tidypolars": tp.tibble(taux=taux).arrange(tp.desc("taux") if baisse else "taux").pull("taux").to_list(),
        "daft": daft.from_pydict({"taux": taux}).sort("taux", desc=baisse).to_pydict()["taux"],
    }
    return {nom: [None if t is None or t != t else t for t in tri[:2]] for nom, tri in tris.items()}


haut, bas = trier(True), trier(False)
print("attendu  : 72 et 9 partout ; 5 et 9 partout\nconstaté :", haut, bas, sep="\n  ")
assert haut["pandas"] == haut["duckdb"] == haut["sqlite"] == [72, 9]
assert haut["polars"] == haut["tidypolars"] == haut["daft"] == [None, 72], "le comportement a changé"
assert [nom for nom, tri in bas.items() if tri[0] is None] == ["sqlite", "polars", "tidypolars"], "le comportement a changé"
PY
