#!/usr/bin/env bash
# xlsx2csv : une case qui contient 45, montrée « 45 mois » par son format, s'écrit « 0 "02ois" » ; montrée « 45 ans », elle s'écrit 0" ans".
# Pronostic : 45, comme pour openpyxl et calamine, ou « 45 mois ».
# Constat : les lettres de l'unité sont prises pour celles d'une date (m, d, h), même entre guillemets, et le nombre n'est plus dans le
# fichier : « 0 "12eures" », « # ##0 "02²" ». « 0 "j" » passe. Code de retour 0.
# Conséquence : l'âge d'entrée en crèche, les heures et les surfaces perdus, remplacés par du texte ; passer par un autre lecteur.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'xlsx2csv==0.8.6' 'openpyxl==3.1.5' 'python-calamine==0.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import csv
import io
import subprocess
import sys
from importlib.metadata import version

import openpyxl
import python_calamine

print(*(f"{p} {version(p)}" for p in ("xlsx2csv", "openpyxl", "python-calamine")), sep=" ; ")
unites = ('0 "mois"', '0" ans"', '0 "heures"', '# ##0 "m²"', '0 "j"')
classeur = openpyxl.Workbook()
classeur.active.append([45] * len(unites))
for case, unite in zip(classeur.active[1], unites):
    case.number_format = unite
classeur.save("ages.xlsx")
autres = [c.value for c in openpyxl.load_workbook("ages.xlsx").active[1]]
calamine = python_calamine.load_workbook("ages.xlsx").get_sheet_by_index(0).to_python()[0]
sortie = subprocess.run([sys.executable, "-m", "xlsx2csv", "ages.xlsx"], capture_output=True, text=True, check=True).stdout
constat = next(csv.reader(io.StringIO(sortie)))
print("attendu  :", autres, "\nconstaté :", constat)
assert autres == calamine == 5 * [45]
assert constat == ['0 "02ois"', '0" ans"', '0 "12eures"', '# ##0 "02²"', "45"], "le comportement a changé"
PY
