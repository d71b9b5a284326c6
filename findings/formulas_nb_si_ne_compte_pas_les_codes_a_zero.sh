#!/usr/bin/env bash
# formulas et pycel (calculer un xlsx sans Excel) : NB.SI sur le code « 01001 » rend #VALEUR! d'un côté, 3 de l'autre.
# Pronostic : les deux rendent 3, comme le tableur, qui rapproche le texte « 01001 » et le nombre 1001.
# Constat : formulas rend #VALEUR! pour NB.SI et pour SOMME.SI, et 0 pour « différent de s » là où pycel rend 5.
# Sur un critère sans zéro de tête (53130), les deux s'accordent.
# Conséquence : un contrôle automatique d'un classeur du partenaire n'a pas les chiffres du classeur ; comparer aux valeurs enregistrées.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'formulas==1.3.4' 'pycel==1.0b30' 'openpyxl==3.1.5' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import logging
from importlib.metadata import version

import formulas
import openpyxl
from pycel import ExcelCompiler

logging.disable(logging.CRITICAL)
print("formulas", version("formulas"), "; pycel", version("pycel"))
classeur = openpyxl.Workbook()
feuille = classeur.active
feuille.title = "F"
for rang in (("01001", 10), ("53130", 20), ("01001", 2.5), (1001, 7), ("53130", "s"), ("2A004", 4)):
    feuille.append(rang)
calculs = {
    "codes": '=COUNTIF(A1:A6,"01001")', "somme": '=SUMIF(A1:A6,"01001",B1:B6)',
    "sauf_s": '=COUNTIF(B1:B6,"<>s")', "sans_zero": '=COUNTIF(A1:A6,"53130")',
}
for ligne, formule in enumerate(calculs.values(), start=1):
    feuille.cell(ligne, 4, formule)
classeur.save("suivi.xlsx")
resultat = formulas.ExcelModel().loads("suivi.xlsx").finish().calculate()
un = {k: str(resultat[f"'[suivi.xlsx]F'!D{i}"].value[0, 0]) for i, k in enumerate(calculs, start=1)}
autre = {k: str(ExcelCompiler("suivi.xlsx").evaluate(f"F!D{i}")) for i, k in enumerate(calculs, start=1)}
print("attendu  :", autre, "\nconstaté :", un)
assert autre == {"codes": "3", "somme": "19.5", "sauf_s": "5", "sans_zero": "2"}, "pycel a changé"
assert un == {"codes": "#VALUE!", "somme": "#VALUE!", "sauf_s": "0", "sans_zero": "2"}, "le comportement a changé"
PY
