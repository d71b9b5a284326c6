#!/usr/bin/env bash
# pyexcel (lecture ODS) : une case au format monétaire revient « 1250.5 EUR », du texte ; sa voisine au format nombre, 1250.5.
# Pronostic : la monnaie est un habillage, la valeur est un nombre.
# Constat : le montant est un texte, sans séparateur de milliers et à point décimal ; la somme des nombres de la colonne n'en compte qu'un.
# Lus par calamine, les deux montants sont des nombres.
# Conséquence : la moitié d'un budget disparaît d'un total filtré sur les nombres ; vérifier le type de chaque montant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyexcel==0.7.6' 'pyexcel-ods3==0.6.1' 'python-calamine==0.9.1' 'odfpy==1.4.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pyexcel
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from python_calamine import CalamineWorkbook

print(*(f"{p} {version(p)}" for p in ("pyexcel", "pyexcel-ods3", "python-calamine")), sep=" ; ")
document, table = OpenDocumentSpreadsheet(), Table(name="budget")
for case in (TableCell(valuetype="currency", currency="EUR", value="1250.5"), TableCell(valuetype="float", value="800")):
    rang = TableRow()
    case.addElement(P(text="affiché"))
    rang.addElement(case)
    table.addElement(rang)
document.spreadsheet.addElement(table)
document.save("budget.ods")
constat = [r[0] for r in pyexcel.get_array(file_name="budget.ods")]
temoin = [r[0] for r in CalamineWorkbook.from_path("budget.ods").get_sheet_by_index(0).to_python()]
print("attendu  :", temoin, "\nconstaté :", constat)
assert temoin == [1250.5, 800], "le témoin a changé"
assert constat == ["1250.5 EUR", 800], "le comportement a changé"
PY
