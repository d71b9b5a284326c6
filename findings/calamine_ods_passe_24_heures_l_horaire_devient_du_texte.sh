#!/usr/bin/env bash
# calamine (moteur ODS de pandas) : dans la colonne des heures d'ouverture, 7:30 est une heure et 50:30 un texte.
# Pronostic : une durée de tableur est une durée, qu'elle tienne ou non dans la journée ; l'équivalent xlsx rend bien 2 jours et 2 h 30.
# Constat : 7:30 revient datetime.time(7, 30), qui ne s'additionne pas ; 50:30 revient le texte « PT50H30M00S ».
# Lu par odfdo, le même fichier donne deux durées ; en xlsx, calamine rend deux timedelta.
# Conséquence : l'amplitude hebdomadaire d'une crèche se perd en silence dès qu'elle passe 24 h ; convertir la colonne avant tout calcul.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'python-calamine==0.9.1' 'odfpy==1.4.1' 'odfdo==3.27.3' 'openpyxl==3.1.5' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import odfdo
import openpyxl
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from python_calamine import CalamineWorkbook

print("python-calamine", version("python-calamine"), "; odfdo", version("odfdo"))
document, table = OpenDocumentSpreadsheet(), Table(name="horaires")
for valeur, affiche in (("PT07H30M00S", "07:30"), ("PT50H30M00S", "50:30")):
    rang, case = TableRow(), TableCell(valuetype="time", timevalue=valeur)
    case.addElement(P(text=affiche))
    rang.addElement(case)
    table.addElement(rang)
document.spreadsheet.addElement(table)
document.save("horaires.ods")
classeur = openpyxl.Workbook()
for heures in (7.5, 50.5):
    classeur.active.append([heures / 24])
for (case,) in classeur.active.iter_rows():
    case.number_format = "[h]:mm"
classeur.save("horaires.xlsx")
ods, xlsx = ([r[0] for r in CalamineWorkbook.from_path(f"horaires.{x}").get_sheet_by_index(0).to_python()] for x in ("ods", "xlsx"))
temoin = [r[0] for r in odfdo.Document("horaires.ods").body.get_table(0).get_values()]
durees = [datetime.timedelta(hours=7.5), datetime.timedelta(hours=50.5)]
print("attendu  :", durees, "\nconstaté : ods", ods, "; xlsx", xlsx)
assert temoin == durees and xlsx == durees
assert ods == [datetime.time(7, 30), "PT50H30M00S"], "le comportement a changé"
PY
