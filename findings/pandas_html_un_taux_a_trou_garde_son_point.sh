#!/usr/bin/env bash
# pandas (to_html, decimal=« , ») : selon le type de la colonne, le même 12,5 s'écrit avec une virgule ou un point dans le même tableau.
# Pronostic : to_html et to_csv entendent decimal de la même façon.
# Constat : les types à manquant propre (Float64, double[pyarrow]) gardent le point dans la page, et prennent la virgule dans le CSV.
# Les float64 prennent la virgule dans les deux.
# Conséquence : convert_dtypes ou une lecture Arrow suffit à rendre un tableau de rapport à moitié anglais ; regarder la page rendue.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import re
from importlib.metadata import version

import pandas as pd

print("pandas", version("pandas"))
types = ("float64", "Float64", "double[pyarrow]")
table = pd.DataFrame({t: pd.Series([12.5], dtype=t) for t in types})
page = re.findall(r"<td>(.*?)</td>", table.to_html(decimal=","))
csv = table.to_csv(sep=";", decimal=",", index=False).splitlines()[1].split(";")
print("attendu  : 12,5 partout\nconstaté : html", dict(zip(types, page)), "; csv", csv)
assert csv == ["12,5"] * 3
assert page == ["12,5", "12.5", "12.5"], "le comportement a changé"
PY
