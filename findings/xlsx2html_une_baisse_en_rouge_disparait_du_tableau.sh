#!/usr/bin/env bash
# xlsx2html (mettre un classeur en page) : au format « négatifs en rouge » du tableur, toutes les baisses sont des cases vides.
# Pronostic : −5 s'écrit −5, en rouge ou non.
# Constat : avec #,##0;[Red]-#,##0, un format courant du tableur, les hausses s'écrivent et les baisses non ; sans [Red], tout s'écrit. Une unité
# entre guillemets garde un guillemet : « 12,5" enfants" ». Rien n'est dit.
# Conséquence : un tableau d'évolution où seules les communes qui montent ont un chiffre ; ôter la couleur des formats avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'xlsx2html==0.6.4' 'openpyxl==3.1.5' 'babel==2.19.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import re
from importlib.metadata import version

import openpyxl
from xlsx2html import xlsx2html

print("xlsx2html", version("xlsx2html"), "; openpyxl", version("openpyxl"))
classeur = openpyxl.Workbook()
formats = ("#,##0;[Red]-#,##0", "#,##0;-#,##0", '0.0" enfants"')
for format_ in formats:
    classeur.active.append([5, -5])
    for case in classeur.active[classeur.active.max_row]:
        case.number_format = format_
classeur.save("evolution.xlsx")
page = xlsx2html("evolution.xlsx", locale="fr")
page.seek(0)
cases = re.findall(r">([^<>]*)</td>", page.read())
constat = {f: cases[2 * i : 2 * i + 2] for i, f in enumerate(formats)}
print("attendu  : 5 et -5 deux fois, 5,0 enfants\nconstaté :", constat)
assert constat[formats[1]] == ["5", "-5"]
assert constat[formats[0]] == ["5", ""] and constat[formats[2]][0] == '5,0" enfants"', "le comportement a changé"
PY
