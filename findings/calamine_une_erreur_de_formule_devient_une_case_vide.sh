#!/usr/bin/env bash
# python-calamine et openpyxl sur le même classeur : une formule en erreur est une case vide pour l'un, « #REF! » pour l'autre.
# Pronostic : les deux lecteurs rendent le texte de l'erreur enregistrée, comme ils rendent le texte d'une case « #REF! » saisie.
# Constat : calamine rend une chaîne vide, openpyxl rend « #REF! » ; calamine rend bien le même texte quand il a été saisi.
# Conséquence : un total cassé d'un registre de crèches se confond avec « rien à déclarer » ; relire ces cases autrement
# avant de compter les manquants.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-calamine==0.9.1' 'openpyxl==3.1.5' 'xlsxwriter==3.3.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import openpyxl
import xlsxwriter
from python_calamine import CalamineWorkbook

print(*(f"{p} {version(p)}" for p in ("python-calamine", "openpyxl", "xlsxwriter")), sep=" ; ")
with xlsxwriter.Workbook("c.xlsx") as classeur:
    feuille = classeur.add_worksheet()
    feuille.write_formula(0, 0, "=SUM(#REF!)", None, "#REF!")
    feuille.write_formula(0, 1, "=NA()", None, "#N/A")
    feuille.write_string(0, 2, "#N/A")
    feuille.write_number(0, 3, 12)
par_calamine = CalamineWorkbook.from_path("c.xlsx").get_sheet_by_index(0).to_python()[0]
par_openpyxl = [c.value for c in openpyxl.load_workbook("c.xlsx", data_only=True).active[1]]
print("attendu  :", ["#REF!", "#N/A", "#N/A", 12], "\nconstaté : calamine", par_calamine, "; openpyxl", par_openpyxl)
assert par_calamine == ["", "", "#N/A", 12] and par_openpyxl == ["#REF!", "#N/A", "#N/A", 12], "a changé"
PY
