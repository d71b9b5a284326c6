#!/usr/bin/env bash
# openpyxl.insert_rows : la commune ajoutée au milieu du tableau n'entre pas dans le total, et la part change de dénominateur.
# Pronostic : comme dans un tableur, insérer une ligne décale les formules d'en dessous.
# Constat : les cases descendent, le texte des formules non : le total reste SUM(B2:B3), sans la dernière commune, et la part
# divise par B4, qui est maintenant une commune.
# Conséquence : un modèle rempli par programme a des totaux justes en apparence ; réécrire les formules après toute insertion.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'openpyxl==3.1.5' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import openpyxl

print("openpyxl", version("openpyxl"))
feuille = openpyxl.Workbook().active
for ligne in (["commune", "places"], ["Laval", 1], ["Ernée", 2], ["Total", "=SUM(B2:B3)"], ["Part", "=B2/B4"]):
    feuille.append(ligne)
feuille.insert_rows(3)
feuille["A3"], feuille["B3"] = "Évron", 10
constat = {ligne[0].value: ligne[1].value for ligne in feuille.iter_rows(min_row=2)}
somme = sum(feuille[f"B{k}"].value for k in (2, 3))
print("attendu  : =SUM(B2:B4) et =B2/B5, soit 13\nconstaté :", constat, "; soit", somme)
assert constat == {"Laval": 1, "Évron": 10, "Ernée": 2, "Total": "=SUM(B2:B3)", "Part": "=B2/B4"} and somme == 11, "a changé"
PY
