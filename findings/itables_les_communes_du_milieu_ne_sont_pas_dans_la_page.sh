#!/usr/bin/env bash
# itables (tableaux interactifs d'un carnet) : une table de 5 000 communes n'est pas toute dans la page ; la recherche n'en trouve qu'une partie.
# Pronostic : le tableau pagine, mais contient toutes les lignes.
# Constat : au-delà de 64 Kio, des lignes du milieu sont ôtées ; la première et la dernière restent, celle du milieu non. Avec
# maxBytes=0, toutes y sont.
# Conséquence : « votre commune n'est pas dans le tableau » ; fixer maxBytes=0, ou livrer un fichier à côté.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'itables==2.9.1' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
from itables import to_html_datatable

print("itables", version("itables"), "; pandas", version("pandas"))
table = pd.DataFrame({"code": [f"c{i:05d}" for i in range(5000)], "taux": [i / 100 for i in range(5000)]})


def presentes(**options):
    page = to_html_datatable(table, **options)
    return [f"c{i:05d}" in page for i in (0, 2500, 4999)], sum(c in page for c in table["code"])


constat = {"défaut": presentes(), "maxBytes=0": presentes(maxBytes=0)}
print("attendu  : 5 000 lignes\nconstaté (première, milieu, dernière ; nombre) :", constat)
assert constat["maxBytes=0"] == ([True, True, True], 5000)
assert constat["défaut"][0] == [True, False, True] and constat["défaut"][1] < 5000, "le comportement a changé"
PY
