#!/usr/bin/env bash
# mammoth (Word vers page web) : les fiches numérotées 4 et 5 dans Word redeviennent 1 et 2.
# Pronostic : une liste interrompue par un paragraphe et reprise dans Word garde ses numéros ; sinon l'outil avertit.
# Constat : cinq fiches d'une même liste, un paragraphe après la troisième : deux listes qui repartent chacune à 1, aucun message ; en Markdown
# de même. Word, lui, affiche 4 et 5 : la liste est une seule numérotation.
# Conséquence : « voir la fiche 4 » mène à une autre fiche dans la page publiée ; écrire le numéro dans le titre.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'mammoth==1.13.0' 'python-docx==1.2.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import docx
import mammoth

print("mammoth", version("mammoth"), "; python-docx", version("python-docx"))
document = docx.Document()
for titre in ("relais", "crèche", "ludothèque"):
    document.add_paragraph(titre, style="List Number")
document.add_paragraph("Deux fiches viennent de la concertation.")
for titre in ("parents", "mobilité"):
    document.add_paragraph(titre, style="List Number")
tampon = io.BytesIO()
document.save(tampon)
tampon.seek(0)
page = mammoth.convert_to_html(tampon)
tampon.seek(0)
texte = mammoth.convert_to_markdown(tampon).value
print("attendu  : 4. parents, 5. mobilité, ou un message\nconstaté :", page.value, page.messages, repr(texte))
assert page.value.count("<ol>") == 2 and "start" not in page.value and page.messages == [], "le comportement a changé"
assert "1. parents\n2. mobilité" in texte, "le comportement a changé"
PY
