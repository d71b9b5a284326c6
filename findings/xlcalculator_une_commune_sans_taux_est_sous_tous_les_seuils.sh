#!/usr/bin/env bash
# xlcalculator (calculer un xlsx sans Excel) : NB.SI compte la case vide comme un zéro, et SOMME ajoute un code écrit en texte.
# Pronostic : comme pycel et comme le tableur : une case vide n'est ni nulle ni inférieure à 3, un texte d'une plage ne s'additionne pas.
# Constat : sur 2,5, vide et 8, NB.SI(« <3 ») vaut 2 et NB.SI(0) vaut 1 ; pycel rend 1 et 0. SOMME de « 01001 », 3 et « s » : 1 004 et 3.
# Conséquence : une commune sans donnée comptée parmi les moins équipées par un contrôle automatique du classeur ; le rejouer au tableur.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'xlcalculator==0.5.0' 'pycel==1.0b30' 'openpyxl==3.1.5' 'pandas==2.3.3' 'numpy==1.26.4' 'setuptools==80.9.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import logging
from importlib.metadata import version

import openpyxl
from pycel import ExcelCompiler
from xlcalculator import Evaluator, ModelCompiler

logging.disable(logging.CRITICAL)
print("xlcalculator", version("xlcalculator"), "; pycel", version("pycel"))
classeur = openpyxl.Workbook()
for ligne in (["01001", 2.5], [3, None], ["s", 8]):
    classeur.active.append(ligne)
formules = {"D1": '=COUNTIF(B1:B3,"<3")', "D2": "=COUNTIF(B1:B3,0)", "D3": "=SUM(A1:A3)"}
for case, formule in formules.items():
    classeur.active[case] = formule
classeur.save("c.xlsx")
un, deux = Evaluator(ModelCompiler().read_and_parse_archive("c.xlsx")), ExcelCompiler(filename="c.xlsx")
constat = {f: (float(un.evaluate(f"Sheet!{c}")), float(deux.evaluate(f"Sheet!{c}"))) for c, f in formules.items()}
print("attendu  : 1, 0 et 3 par les deux\nconstaté :", constat)
assert list(constat.values()) == [(2, 1), (1, 0), (1004, 3)], "le comportement a changé"
PY
