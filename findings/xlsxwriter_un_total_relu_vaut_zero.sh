#!/usr/bin/env bash
# XlsxWriter et openpyxl écrivent le même total en formule : relu par pandas sans passer par un tableur, il vaut 0 ou n'existe pas.
# Pronostic : une formule jamais calculée est relue comme manquante, quel que soit le programme qui l'a écrite.
# Constat : XlsxWriter enregistre 0 comme résultat : pandas relit 0. openpyxl n'enregistre rien : la case, et ici sa ligne
# entière, disparaît de la table relue.
# Conséquence : un contrôle automatique du classeur qu'on vient d'écrire compare à zéro ; donner le résultat
# (write_formula(…, value=7)), ou compter soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'xlsxwriter==3.3.1' 'openpyxl==3.1.5' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import openpyxl
import pandas as pd
import xlsxwriter

print(*(f"{p} {version(p)}" for p in ("xlsxwriter", "openpyxl", "pandas")), sep=" ; ")
lignes = [["places"], [3], [4], ["=SUM(A2:A3)"]]
with xlsxwriter.Workbook("x.xlsx") as classeur:
    feuille = classeur.add_worksheet()
    for k, (valeur,) in enumerate(lignes):
        feuille.write(k, 0, valeur)
with xlsxwriter.Workbook("v.xlsx") as classeur:
    feuille = classeur.add_worksheet()
    for k, (valeur,) in enumerate(lignes[:3]):
        feuille.write(k, 0, valeur)
    feuille.write_formula(3, 0, lignes[3][0], None, 7)
classeur = openpyxl.Workbook()
for ligne in lignes:
    classeur.active.append(ligne)
classeur.save("o.xlsx")
relus = {nom: pd.read_excel(f"{nom}.xlsx")["places"].tolist() for nom in "xvo"}
print("attendu  : le total manque, ou vaut 7\nconstaté :", relus)
assert relus == {"x": [3, 4, 0], "v": [3, 4, 7], "o": [3, 4]}, "le comportement a changé"
PY
