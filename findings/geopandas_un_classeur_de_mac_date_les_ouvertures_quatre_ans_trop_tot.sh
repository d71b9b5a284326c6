#!/usr/bin/env bash
# geopandas (GDAL) et un classeur dont les dates comptent depuis 1904, l'ancien réglage d'Excel pour Mac : ouvert en 2020, lu en 2016.
# Pronostic : le réglage est écrit dans le classeur, et tout lecteur de xlsx le suit.
# Constat : openpyxl et calamine rendent le 1er septembre 2020 ; GDAL rend le 31 août 2016, sans avertissement : 1 462 jours trop tôt. Le même
# classeur compté depuis 1900 est lu juste par les trois.
# Conséquence : des crèches vieilles de quatre ans de plus, et des agréments échus ; lire les classeurs par openpyxl ou calamine.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 'xlsxwriter==3.3.1' 'openpyxl==3.1.5' 'python-calamine==0.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import geopandas as gpd
import openpyxl
import pyogrio
import python_calamine
import xlsxwriter

print("geopandas", version("geopandas"), "; GDAL", ".".join(map(str, pyogrio.__gdal_version__)), "; calamine", version("python-calamine"))
ouverture = datetime.datetime(2020, 9, 1)
constat = {}
for depuis in (1900, 1904):
    nom = f"creches{depuis}.xlsx"
    with xlsxwriter.Workbook(nom, {"date_1904": depuis == 1904}) as classeur:
        feuille = classeur.add_worksheet()
        feuille.write_row(0, 0, ["creche", "ouverture"])
        feuille.write(1, 0, "Pomme")
        feuille.write_datetime(1, 1, ouverture, classeur.add_format({"num_format": "dd/mm/yyyy"}))
    lues = [
        gpd.read_file(nom)["ouverture"][0],
        openpyxl.load_workbook(nom).active["B2"].value,
        python_calamine.load_workbook(nom).get_sheet_by_index(0).to_python()[1][1],
    ]
    constat[depuis] = [str(v)[:10] for v in lues]
print("attendu  : 2020-09-01 partout\nconstaté : (GDAL, openpyxl, calamine)", constat)
assert constat == {1900: 3 * ["2020-09-01"], 1904: ["2016-08-31", "2020-09-01", "2020-09-01"]}, "le comportement a changé"
PY
