#!/usr/bin/env bash
# python-calamine lit mal un saut de ligne (text:line-break) dans une cellule d'un classeur ods : il disparaît,
# et les deux mots se collent, alors que deux paragraphes (text:p) sont bien séparés par un saut de ligne.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-calamine==0.9.1' 'odfpy==1.4.1' 2>/dev/null
"$dossier/venv/bin/python" - "$dossier/essai.ods" <<'PY'
import sys
from importlib.metadata import version

from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import LineBreak, P
from python_calamine import CalamineWorkbook

document, feuille, ligne = OpenDocumentSpreadsheet(), Table(name="A"), TableRow()
saut, deux = TableCell(valuetype="string"), TableCell(valuetype="string")
paragraphe = P(text="Code")
paragraphe.addElement(LineBreak())
paragraphe.addText("commune")
saut.addElement(paragraphe)
deux.addElement(P(text="Code"))
deux.addElement(P(text="commune"))
ligne.addElement(saut)
ligne.addElement(deux)
feuille.addElement(ligne)
document.spreadsheet.addElement(feuille)
document.save(sys.argv[1])
constate = CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).to_python()[0]
print("python-calamine", version("python-calamine"))
print("attendu  :", ["Code\ncommune", "Code\ncommune"])
print("constaté :", constate)
assert constate == ["Codecommune", "Code\ncommune"], "le comportement a changé"
PY
