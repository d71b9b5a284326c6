#!/usr/bin/env bash
# geopandas (GDAL) : un classeur de codes et de noms est lu sans titres, et sa première commune s'appelle « code ».
# Pronostic : la première ligne porte les titres, comme pour pandas, quel que soit ce qu'il y a dessous.
# Constat : sans colonne de nombres, les colonnes s'appellent Field1 et Field2 et la ligne de titres est une commune ; avec une
# colonne de nombres, les titres sont reconnus. Rien n'est dit.
# Conséquence : une commune de trop, et une jointure sur « code » qui échoue sur la table de passage seulement ; lire par pandas.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pandas==3.1.1' 'openpyxl==3.1.5' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio

print("geopandas", version("geopandas"), "; GDAL", ".".join(map(str, pyogrio.__gdal_version__)))
constat = {}
for nom, lignes in {
    "texte": [["code", "nom"], ["53084", "Craon"], ["01001", "L'Abergement-Clémenciat"]],
    "nombre": [["code", "places"], ["53084", 12], ["01001", 9]],
}.items():
    classeur = openpyxl.Workbook()
    for ligne in lignes:
        classeur.active.append(ligne)
    classeur.save(nom + ".xlsx")
    lue = gpd.read_file(nom + ".xlsx")
    constat[nom] = (list(lue.columns), len(lue))
    assert list(pd.read_excel(nom + ".xlsx").columns) == lignes[0]
print("attendu  : (code, nom) et (code, places), deux lignes\nconstaté :", constat)
assert constat == {"texte": (["Field1", "Field2"], 3), "nombre": (["code", "places"], 2)}, "le comportement a changé"
PY
