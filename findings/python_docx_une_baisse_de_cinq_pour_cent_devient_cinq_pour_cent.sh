#!/usr/bin/env bash
# Le signe moins inséré par le menu Symbole de Word : « −5 % » se lit « 5 % ».
# Pronostic : le signe est rendu, ou une marque dit qu'il y avait là un symbole.
# Constat : python-docx et docx2txt rendent « 5 % » ; docx2python met une balise à sa place, mammoth rend « −5 % ».
# Conséquence : une baisse du nombre d'enfants devient une hausse dans le document relu ; chercher les w:sym avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-docx==1.2.0' 'docx2txt==0.9' 'docx2python==3.7.1' 'mammoth==1.13.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import docx
import docx2txt
import mammoth
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx2python import docx2python

print(*(f"{p} {version(p)}" for p in ("python-docx", "docx2txt", "docx2python", "mammoth")), sep=" ; ")
document = docx.Document()
paragraphe = document.add_paragraph("Naissances : ")
symbole = OxmlElement("w:sym")
symbole.set(qn("w:font"), "Symbol")
symbole.set(qn("w:char"), "F02D")
paragraphe.add_run()._r.append(symbole)
paragraphe.add_run("5 %")
document.save("t.docx")
with open("t.docx", "rb") as fichier:
    brut = mammoth.extract_raw_text(fichier).value
constat = {
    "python-docx": docx.Document("t.docx").paragraphs[0].text,
    "docx2txt": docx2txt.process("t.docx").strip(),
    "mammoth": brut.strip(),
    "docx2python": docx2python("t.docx").text.strip(),
}
print("attendu  : un signe devant 5\nconstaté :", constat)
assert constat["python-docx"] == constat["docx2txt"] == "Naissances : 5 %", "le comportement a changé"
assert constat["mammoth"] == "Naissances : \u22125 %" and "002D" in constat["docx2python"]
PY
