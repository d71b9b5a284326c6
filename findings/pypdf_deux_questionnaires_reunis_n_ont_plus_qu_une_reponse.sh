#!/usr/bin/env bash
# pypdf (PDF à remplir) : deux fiches remplies par deux crèches, réunies en un fichier, ne donnent plus qu'une réponse.
# Pronostic : les deux réponses se relisent, au besoin sous des noms distincts, comme le fait pymupdf.
# Constat : à la page, 12 et 35 se voient ; lus comme formulaire, il n'y a que le dernier, 35. Réunis par pymupdf, le second champ est
# renommé et les deux se lisent ; réunis par pikepdf, le formulaire n'est plus déclaré et rien ne se lit.
# Conséquence : un dépouillement qui oublie toutes les structures sauf une ; lire les fiches avant de les réunir.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pypdf==7.1.1' 'pikepdf==10.18.0' 'pymupdf==2.0' 'reportlab==5.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import fitz
import pikepdf
import pypdf
from reportlab.pdfgen import canvas

print(*(f"{p} {version(p)}" for p in ("pypdf", "pikepdf", "pymupdf")), sep=" ; ")
fiche = canvas.Canvas("fiche.pdf")
fiche.drawString(50, 720, "Places")
fiche.acroForm.textfield(name="places", x=50, y=690, width=100, height=20, value="")
fiche.save()
for nom, places in {"a.pdf": "12", "b.pdf": "35"}.items():
    remplie = pypdf.PdfWriter(clone_from="fiche.pdf")
    remplie.update_page_form_field_values(remplie.pages[0], {"places": places})
    remplie.write(nom)
avec_pypdf = pypdf.PdfWriter()
avec_pikepdf = pikepdf.new()
for nom in ("a.pdf", "b.pdf"):
    avec_pypdf.append(nom)
    avec_pikepdf.pages.extend(pikepdf.open(nom).pages)
avec_pymupdf = fitz.open("a.pdf")
avec_pymupdf.insert_pdf(fitz.open("b.pdf"))
avec_pypdf.write("pypdf.pdf")
avec_pikepdf.save("pikepdf.pdf")
avec_pymupdf.save("pymupdf.pdf")
constat = {}
for outil in ("pypdf", "pikepdf", "pymupdf"):
    lu = pypdf.PdfReader(outil + ".pdf")
    vues = [note.get_object().get("/V") for page in lu.pages for note in page["/Annots"]]
    constat[outil] = {"à la page": vues, "au formulaire": sorted((lu.get_form_text_fields() or {}).values())}
print("attendu  : 12 et 35 partout\nconstaté :", constat)
assert all(c["à la page"] == ["12", "35"] for c in constat.values())
assert [c["au formulaire"] for c in constat.values()] == [["35"], [], ["12", "35"]], "le comportement a changé"
PY
