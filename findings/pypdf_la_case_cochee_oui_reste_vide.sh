#!/usr/bin/env bash
# pypdf et PyPDFForm (formulaires PDF) : cocher une case avec « Oui » la laisse vide pour l'un, et « Non » la coche pour l'autre.
# Pronostic : une valeur que la case ne connaît pas est refusée ; vrai, « Oui » ou « Yes » la cochent.
# Constat : pypdf ne coche que pour « /Yes », barre comprise, l'état nommé dans le fichier ; « Yes », « Oui » et vrai la laissent vide, sans
# un mot, alors que les textes du même appel sont remplis. PyPDFForm coche pour tout texte non vide, « Non » compris.
# Conséquence : cent questionnaires préremplis où personne n'accueille d'enfant handicapé, ou tout le monde ; relire chaque case écrite.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pypdf==6.21.4' 'reportlab==5.1.0' 'PyPDFForm==6.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import pypdf
import PyPDFForm
from reportlab.pdfgen import canvas

print(*(f"{p} {version(p)}" for p in ("pypdf", "PyPDFForm", "reportlab")), sep=" ; ")
page = canvas.Canvas("questionnaire.pdf")
page.drawString(50, 740, "Votre structure")
page.acroForm.checkbox(name="handicap", x=50, y=700)
page.acroForm.textfield(name="nom", x=50, y=650)
page.showPage()
page.save()


def avec_pypdf(valeur):
    ecrit, tampon = pypdf.PdfWriter("questionnaire.pdf"), io.BytesIO()
    ecrit.update_page_form_field_values(ecrit.pages[0], {"handicap": valeur, "nom": "Les Lutins"})
    ecrit.write(tampon)
    return lire(tampon)


def avec_pypdfform(valeur):
    return lire(io.BytesIO(PyPDFForm.PdfWrapper("questionnaire.pdf").fill({"handicap": valeur, "nom": "Les Lutins"}).read()))


def lire(tampon):
    champs = pypdf.PdfReader(tampon).get_fields()
    assert champs["nom"]["/V"] == "Les Lutins"
    return champs["handicap"]["/V"] == "/Yes"


valeurs = ("/Yes", "Yes", "Oui", True, "Non")
constat = {"pypdf": [avec_pypdf(v) for v in valeurs], "PyPDFForm": [avec_pypdfform(v) for v in valeurs]}
print("attendu  : cochée, sauf pour la dernière\nconstaté :", valeurs, constat)
assert constat["pypdf"] == [True, False, False, False, False], "le comportement a changé"
assert constat["PyPDFForm"] == [True] * 5, "le comportement a changé"
PY
