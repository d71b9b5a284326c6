#!/usr/bin/env bash
# pandas, polars et DuckDB : 2,5 enfants s'arrondissent à 2 chez les deux premiers, à 3 chez le troisième.
# Pronostic : trois outils du même métier arrondissent un demi de la même façon.
# Constat : pandas et polars vont au pair (0,5 → 0 ; 1,5 → 2 ; 2,5 → 2), DuckDB s'éloigne de zéro (1, 2, 3) ; sur ces trois
# communes, le total arrondi fait 4 ou 6 pour une vraie somme de 4,5.
# Conséquence : un écart d'un enfant entre deux tables tirées des mêmes données n'est pas une donnée qui change ; arrondir une
# seule fois, d'une seule façon.
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
demis = [0.5, 1.5, 2.5]
constat = {
    "pandas": pd.Series(demis).round().tolist(),
    "polars": pl.Series(demis).round().to_list(),
    "duckdb": [duckdb.execute("select round(?::double)", [x]).fetchone()[0] for x in demis],
}
print("attendu  : la même liste\nconstaté :", constat)
assert constat == {"pandas": [0.0, 2.0, 2.0], "polars": [0.0, 2.0, 2.0], "duckdb": [1.0, 2.0, 3.0]}, "a changé"
PY
