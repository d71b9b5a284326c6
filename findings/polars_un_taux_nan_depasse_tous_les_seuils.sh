#!/usr/bin/env bash
# polars : une commune dont le taux est « nan » passe tout filtre « supérieur à », et prend la tête du classement.
# Pronostic : comme en pandas, une comparaison avec un nan est fausse, et le tri le met à la fin.
# Constat : polars tient nan pour plus grand que tout nombre : il passe « > 50 », est premier du tri décroissant, mais le
# maximum, lui, l'ignore. Un null, au contraire, ne passe pas.
# Conséquence : la commune sans donnée est annoncée la mieux couverte ; fill_nan(None) à l'entrée de toute table.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
import polars as pl

print("polars", version("polars"), "; pandas", version("pandas"))
taux = {"commune": ["Laval", "Évron", "Ernée"], "taux": [60.5, float("nan"), 45.0]}
avec_polars, avec_pandas = pl.DataFrame(taux), pd.DataFrame(taux)
filtre = avec_polars.filter(pl.col("taux") > 50)["commune"].to_list()
premier = avec_polars.sort("taux", descending=True)["commune"][0]
propre = avec_polars.fill_nan(None).filter(pl.col("taux") > 50)["commune"].to_list()
attendu = avec_pandas[avec_pandas.taux > 50].commune.tolist()
print("attendu  : plus de 50 :", attendu, "\nconstaté :", filtre, "; premier :", premier, "; maximum :", avec_polars["taux"].max())
assert attendu == ["Laval"] == propre
assert filtre == ["Laval", "Évron"] and premier == "Évron" and avec_polars["taux"].max() == 60.5, "a changé"
PY
