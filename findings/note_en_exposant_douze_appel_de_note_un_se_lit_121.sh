#!/usr/bin/env bash
# Un « 12 » suivi d'un appel de note « 1 » en exposant : le même tableau, relu d'un HTML, d'un classeur, d'un Word et d'un PDF, donne 121.
# Pronostic : l'appel de note est séparé du nombre, marqué, ou ôté.
# Constat : pandas.read_html, openpyxl, calamine, python-docx, pypdf et pymupdf rendent tous « 121 » ; seul mammoth garde la marque
# (12<sup>1</sup>). Rien n'est dit.
# Conséquence : dix fois plus de places là où le producteur a mis une réserve, c'est-à-dire là où il fallait lire la note.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'lxml==6.1.3' 'openpyxl==3.1.5' 'python-calamine==0.9.1' 'python-docx==1.2.0' 'mammoth==1.13.0' 'pypdf==7.1.1' 'pymupdf==2.0' 'reportlab==5.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import docx
import fitz
import mammoth
import openpyxl
import pandas as pd
import pypdf
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from python_calamine import CalamineWorkbook
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

paquets = ("pandas", "openpyxl", "python-calamine", "python-docx", "mammoth", "pypdf", "pymupdf")
print(*(f"{p} {version(p)}" for p in paquets), sep=" ; ")
page = "<table><tr><th>commune</th><th>places</th></tr><tr><td>Craon</td><td>12<sup>1</sup></td></tr></table>"
classeur = openpyxl.Workbook()
classeur.active["A1"] = CellRichText("12", TextBlock(InlineFont(vertAlign="superscript"), "1"))
classeur.save("t.xlsx")
document = docx.Document()
document.add_paragraph("12").add_run("1").font.superscript = True
document.save("t.docx")
SimpleDocTemplate("t.pdf").build([Paragraph("12<super>1</super>", getSampleStyleSheet()["Normal"])])
with open("t.docx", "rb") as fichier:
    en_html = mammoth.convert_to_html(fichier).value
constat = {
    "pandas": str(pd.read_html(io.StringIO(page))[0].loc[0, "places"]),
    "openpyxl": openpyxl.load_workbook("t.xlsx").active["A1"].value,
    "calamine": CalamineWorkbook.from_path("t.xlsx").get_sheet_by_index(0).to_python()[0][0],
    "python-docx": docx.Document("t.docx").paragraphs[0].text,
    "pypdf": pypdf.PdfReader("t.pdf").pages[0].extract_text().strip(),
    "pymupdf": fitz.open("t.pdf")[0].get_text().strip(),
    "mammoth": en_html,
}
print("attendu  : 12, ou une marque entre 12 et 1\nconstaté :", constat)
assert constat.pop("mammoth") == "<p>12<sup>1</sup></p>"
assert set(constat.values()) == {"121"}, "le comportement a changé"
PY
