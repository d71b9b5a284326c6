#!/usr/bin/env bash
# polars.write_excel : deux manquants de la même colonne partent l'un en case vide, l'autre en formule « =#NUM! ».
# Pronostic : un taux qu'on n'a pas donne une case vide, qu'il soit null ou nan.
# Constat : null → case vide ; nan → la formule « =#NUM! », qui se propage à tout total de la colonne ; pandas, lui, écrit deux
# cases vides.
# Conséquence : un tableau remis à un élu affiche des erreurs, et ses sommes aussi ; fill_nan(None) avant d'écrire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'xlsxwriter==3.3.1' 'openpyxl==3.1.5' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import openpyxl
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("polars", "xlsxwriter", "pandas")), sep=" ; ")
taux = [None, float("nan"), 60.5]
pl.DataFrame({"taux": taux}).write_excel("polars.xlsx")
pd.DataFrame({"taux": taux}).to_excel("pandas.xlsx", index=False)
cases = {n: [c.value for c in openpyxl.load_workbook(f"{n}.xlsx").active["A"][1:]] for n in ("polars", "pandas")}
print("attendu  :", [None, None, 60.5], "\nconstaté :", cases)
assert cases == {"polars": [None, "=#NUM!", 60.5], "pandas": [None, None, 60.5]}, "le comportement a changé"
PY
