#!/usr/bin/env bash
# openpyxl et calamine sur le même classeur, enregistré par Excel en « Open XML strict » : l'un n'y voit aucune feuille, l'autre lit tout.
# Pronostic : xlsx est xlsx : les deux bibliothèques lisent la feuille.
# Constat : openpyxl rend un classeur à zéro feuille et un simple avertissement ; calamine rend les codes, le taux et la date.
# La variante stricte est au menu « Enregistrer sous » d'Excel, sous la même extension.
# Conséquence : un fichier plein passe pour vide ; zéro feuille doit se dire « format strict », jamais « aucune donnée ».
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'openpyxl==3.1.5' 'python-calamine==0.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
import re
import zipfile
from importlib.metadata import version

import openpyxl
from python_calamine import CalamineWorkbook

print("openpyxl", version("openpyxl"), "; python-calamine", version("python-calamine"))
classeur = openpyxl.Workbook()
classeur.active.append(["code", "taux", "date"])
classeur.active.append(["01001", 12.5, datetime.date(2023, 9, 1)])
classeur.save("ordinaire.xlsx")
# Les espaces de noms de la variante stricte de la norme ISO 29500, et sa marque.
noms = {"schemas.openxmlformats.org/spreadsheetml/2006/main": "purl.oclc.org/ooxml/spreadsheetml/main",
        "schemas.openxmlformats.org/officeDocument/2006/relationships": "purl.oclc.org/ooxml/officeDocument/relationships",
        "schemas.openxmlformats.org/drawingml/2006/main": "purl.oclc.org/ooxml/drawingml/main"}
with zipfile.ZipFile("ordinaire.xlsx") as source, zipfile.ZipFile("strict.xlsx", "w") as but:
    for piece in source.namelist():
        texte = source.read(piece).decode()
        for ancien, nouveau in noms.items():
            texte = texte.replace(ancien, nouveau)
        but.writestr(piece, re.sub("<workbook ", '<workbook conformance="strict" ', texte, count=1))
feuilles = {f: len(openpyxl.load_workbook(f).worksheets) for f in ("ordinaire.xlsx", "strict.xlsx")}
rang = CalamineWorkbook.from_path("strict.xlsx").get_sheet_by_index(0).to_python()[1]
print("attendu  : une feuille partout\nconstaté :", feuilles, "; calamine lit", rang)
assert feuilles == {"ordinaire.xlsx": 1, "strict.xlsx": 0}, "le comportement a changé"
assert rang[:2] == ["01001", 12.5], "le comportement a changé"
PY
