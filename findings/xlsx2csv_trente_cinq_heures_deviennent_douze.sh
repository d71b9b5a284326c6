#!/usr/bin/env bash
# xlsx2csv : le nombre 35 au format « 0" h" » devient « 12 », celui au format « 0" hab." » perd aussi son chiffre.
# Pronostic : un texte entre guillemets dans un format de nombre n'est pas un format de date ; au pire le nombre brut, 35.
# Constat : h, d, m et y des mots entre guillemets sont pris pour heures, jours, mois et années : « 0" 12" » ; « 0" ETP" », sans
# ces lettres, rend 35. Au format « 0% », 0,605 devient « 61% » et au format « 0.0% », 0.605, dans la même colonne.
# Conséquence : une durée hebdomadaire ou une population remplacée par un morceau de date ; lire par openpyxl ou calamine, qui rendent 35.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'xlsx2csv==0.8.6' 'openpyxl==3.1.5' 'python-calamine==0.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import csv
import io
from importlib.metadata import version

import openpyxl
from python_calamine import CalamineWorkbook
from xlsx2csv import Xlsx2csv

print(*(f"{p} {version(p)}" for p in ("xlsx2csv", "openpyxl", "python-calamine")), sep=" ; ")
formats = {'0" h"': 35, '0\\ "hab."': 35, '0" ETP"': 35, "0%": 0.605, "0.0%": 0.605}
classeur = openpyxl.Workbook()
for i, (forme, valeur) in enumerate(formats.items(), 1):
    classeur.active.cell(i, 1, valeur).number_format = forme
classeur.save("t.xlsx")
sortie = io.StringIO()
Xlsx2csv("t.xlsx").convert(sortie)
constat = dict(zip(formats, (ligne[0] for ligne in csv.reader(io.StringIO(sortie.getvalue()))), strict=True))
autres = [[case.value for case in openpyxl.load_workbook("t.xlsx").active["A"]]]
autres.append([ligne[0] for ligne in CalamineWorkbook.from_path("t.xlsx").get_sheet_by_index(0).to_python()])
print("attendu  :", formats, "\nconstaté :", constat)
assert constat['0" h"'] == '0" 12"' and "35" not in constat['0\\ "hab."'] and constat['0" ETP"'] == "35", "le comportement a changé"
assert (constat["0%"], constat["0.0%"]) == ("61%", "0.605"), "le comportement a changé"
assert all(lu == list(formats.values()) for lu in autres)
PY
