#!/usr/bin/env bash
# pointblank (contrôle qualité d'une table) : « aucun manquant » est vrai ou faux de la même colonne, selon la bibliothèque qui la tient.
# Pronostic : la colonne 10, nan, 60 a un manquant, que la table soit de pandas ou de polars.
# Constat : avec pandas, col_vals_not_null en trouve un ; avec polars, aucun, alors que la même ligne échoue au contrôle des
# bornes. Le null de polars, lui, est vu.
# Conséquence : un contrôle vert sur des taux absents ; convertir les nan en null avant de contrôler.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pointblank==1.1.1' 'pandas==3.1.1' 'polars==2.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
import pointblank as pb
import polars as pl

print(*(f"{p} {version(p)}" for p in ("pointblank", "pandas", "polars")), sep=" ; ")
trou = [10.0, float("nan"), 60.0]
tables = {
    "pandas": pd.DataFrame({"taux": trou}),
    "polars, nan": pl.DataFrame({"taux": trou}),
    "polars, null": pl.DataFrame({"taux": [10.0, None, 60.0]}),
}
constat = {
    n: tuple(pb.Validate(t).col_vals_not_null("taux").col_vals_between("taux", 0, 100).interrogate().n_failed().values())
    for n, t in tables.items()
}
print("attendu  : (1, 1) partout\nconstaté (manquants, hors bornes) :", constat)
assert constat == {"pandas": (1, 1), "polars, nan": (0, 1), "polars, null": (1, 1)}, "le comportement a changé"
PY
