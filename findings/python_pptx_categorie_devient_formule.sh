#!/usr/bin/env bash
# python-pptx 1.0.2 : un libellé de catégorie qui commence par « = » devient une formule dans le classeur du graphique.
set -euo pipefail
ici=$(mktemp -d)
trap 'rm -rf "$ici"' EXIT
python3 -m venv "$ici/venv"
"$ici/venv/bin/pip" install --quiet 'python-pptx==1.0.2' 'openpyxl==3.1.5' 'XlsxWriter==3.2.9'
"$ici/venv/bin/python" - <<'PY'
import io
import pptx, openpyxl
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

libelle = "= 3 ans"
donnees = CategoryChartData()
donnees.categories = ["< 3 ans", libelle]
donnees.add_series("Enfants", (12, 15))
prs = Presentation()
diapo = prs.slides.add_slide(prs.slide_layouts[6])
cadre = diapo.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, Inches(4), Inches(3), donnees)
montre = list(cadre.chart.plots[0].categories)[1]
classeur = openpyxl.load_workbook(io.BytesIO(cadre.chart.part.chart_workbook.xlsx_part.blob))
case = classeur.active["A3"]
print("python-pptx", pptx.__version__)
print("attendu  : le libellé reste un texte, sur la diapositive comme dans « Modifier les données »")
print(f"constaté : diapositive {montre!r} ; classeur {case.value!r}, de type {case.data_type!r} (f : formule)")
assert str(montre) == libelle and case.data_type == "f", "le comportement a changé"
PY
