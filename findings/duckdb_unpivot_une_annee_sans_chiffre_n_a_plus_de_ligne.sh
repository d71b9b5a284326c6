#!/usr/bin/env bash
# DuckDB et polars, passer les années de colonnes en lignes : l'année qui manque a une ligne chez l'un, aucune chez l'autre.
# Pronostic : deux communes et deux années font quatre lignes, dont une sans chiffre.
# Constat : UNPIVOT de DuckDB en rend trois, polars.unpivot et pandas.melt quatre. INCLUDE NULLS rend la quatrième.
# Conséquence : un taux de réponse de 100 % par construction, et une commune muette absente de la liste ; toujours INCLUDE NULLS.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'duckdb==2.0.1' 'polars==2.1.0' 'pandas==3.1.1' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import duckdb
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("duckdb", "polars", "pandas")), sep=" ; ")
donnees = {"commune": ["Craon", "Renazé"], "2022": [10, None], "2023": [11, 12]}
large = pl.DataFrame(donnees)
demande = 'from large unpivot {}(places for annee in ("2022", "2023"))'
constat = {
    "duckdb": duckdb.sql(demande.format("")).fetchall(),
    "polars": large.unpivot(index="commune").rows(),
    "pandas": pd.DataFrame(donnees).melt(id_vars="commune").values.tolist(),
    "duckdb, include nulls": duckdb.sql(demande.format("include nulls ")).fetchall(),
}
lignes = {nom: len(valeurs) for nom, valeurs in constat.items()}
print("attendu  : 4 lignes partout\nconstaté :", lignes, constat["duckdb"])
assert list(lignes.values()) == [3, 4, 4, 4], "le comportement a changé"
PY
