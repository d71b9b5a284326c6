#!/usr/bin/env bash
# polars.write_excel(column_totals=True) : le total des places, écrit par polars et relu par polars ou pandas, vaut 0.
# Pronostic : le total relu est 42 ; la colonne de taux a un total, ou une case vide.
# Constat : une formule est écrite avec 0 pour valeur tant qu'un tableur n'a pas rouvert et enregistré le fichier ; relue, la ligne de
# total porte 0 et 0,0, au milieu des communes, sans nom.
# Conséquence : « 0 place dans l'EPCI », et une commune de plus à zéro dans la moyenne ; calculer le total avant d'écrire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'pandas==3.1.1' 'xlsxwriter==3.3.1' 'fastexcel==0.21.0' 'openpyxl==3.1.5' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import openpyxl
import pandas as pd
import polars as pl

print("polars", version("polars"), "; pandas", version("pandas"))
table = pl.DataFrame({"commune": ["Craon", "Renazé"], "places": [10, 32], "taux": [60.5, None]})
table.write_excel("t.xlsx", column_totals=True)
avec_polars, avec_pandas = pl.read_excel("t.xlsx"), pd.read_excel("t.xlsx")
formule = openpyxl.load_workbook("t.xlsx").active["B4"].value
print("attendu  : 42\nconstaté :", avec_polars.rows()[-1], avec_pandas["places"].tolist(), formule)
assert avec_polars.rows()[-1] == (None, 0, 0.0) and avec_pandas["places"].tolist() == [10, 32, 0], "le comportement a changé"
assert str(formule).startswith("=SUBTOTAL")
PY
