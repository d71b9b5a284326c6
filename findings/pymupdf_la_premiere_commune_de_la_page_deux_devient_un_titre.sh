#!/usr/bin/env bash
# pymupdf (tableaux d'un PDF) : un tableau de soixante communes sur deux pages en rend cinquante-neuf, en quatre colonnes.
# Pronostic : soixante lignes et deux colonnes, ou un avertissement si la seconde page n'a pas de titres.
# Constat : la première ligne de chaque page est prise pour les titres : « Commune 38 » et « 38 » nomment deux colonnes, et les communes qui
# suivent y sont rangées, la colonne « places » manquante. Si les titres sont répétés à chaque page, tout va bien ; pdfplumber rend les 61 lignes.
# Conséquence : une commune perdue par page, vingt-deux sans places ; extraire par extract(), qui rend les lignes brutes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pymupdf==2.0' 'pdfplumber==0.11.10' 'reportlab==5.1.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import fitz
import pandas as pd
import pdfplumber
from reportlab.lib import colors
from reportlab.platypus import LongTable, SimpleDocTemplate

print(*(f"{p} {version(p)}" for p in ("pymupdf", "pdfplumber", "pandas")), sep=" ; ")
lignes = [["commune", "places"], *([f"Commune {n}", str(n)] for n in range(1, 61))]
constat = {}
for repetes in (0, 1):
    tableau = LongTable(lignes, style=[("GRID", (0, 0), (-1, -1), 0.5, colors.black)], repeatRows=repetes)
    SimpleDocTemplate("communes.pdf").build([tableau])
    tables, brutes = [], 0
    for page in fitz.open("communes.pdf"):
        for trouve in page.find_tables().tables:
            tables.append(trouve.to_pandas())
            brutes += len(trouve.extract())
    table = pd.concat(tables)
    with pdfplumber.open("communes.pdf") as lu:
        autres = sum(len(t) for page in lu.pages for t in page.extract_tables())
    constat["titres répétés" if repetes else "une fois"] = [table.shape, int(table["places"].isna().sum()), brutes, autres]
print("attendu  : (60, 2), 0 sans places\nconstaté : (table, sans places, lignes brutes, pdfplumber)", constat)
assert constat["titres répétés"] == [(60, 2), 0, 62, 62]
assert constat["une fois"] == [(59, 4), 22, 61, 61], "le comportement a changé"
PY
