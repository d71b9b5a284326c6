#!/usr/bin/env bash
# reportlab (PDF) : l'espace fine des milliers, celle que babel écrit en français, est un carré noir dans un tableau.
# Pronostic : la police par défaut écrit l'espace fine insécable, ou la remplace, partout de même.
# Constat : dans un Paragraph, « 12 345 » a une espace ordinaire, où la ligne peut se couper ; dans une Table, « 12■345 ».
# L'espace insécable large passe dans les deux.
# Conséquence : des carrés dans tous les grands nombres du rapport ; charger une police complète, ou écrire l'insécable large.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'reportlab==5.1.0' 'pypdf==7.1.1' 'babel==2.19.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from babel.numbers import format_decimal
from pypdf import PdfReader
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

print(*(f"{p} {version(p)}" for p in ("reportlab", "pypdf", "babel")), sep=" ; ")
fine = format_decimal(12345, locale="fr")
assert fine == "12\u202f345"
large = fine.replace("\u202f", "\u00a0")
style = getSampleStyleSheet()["Normal"]
SimpleDocTemplate("rapport.pdf").build([Paragraph(fine, style), Table([[fine], [large]])])
lignes = PdfReader("rapport.pdf").pages[0].extract_text().split("\n")
lignes = [ligne.strip() for ligne in lignes if ligne.strip()]
print("attendu  : le même nombre trois fois\nconstaté :", lignes)
assert lignes[0] == "12 345" and lignes[1] == "12■345", "le comportement a changé"
assert lignes[2].replace("\u00a0", " ") == "12 345"
PY
