#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# pdfplumber et pypdf sur le même PDF : l'espace insécable d'un nombre français disparaît chez l'un.
# Pronostic : « 28 752 » (espace fine insécable) reste un seul mot pour les deux lecteurs.
# Constat : pypdf rend l'espace fine telle quelle ; pdfplumber la remplace par une espace ordinaire, et
# extract_words coupe le nombre en « 28 » et « 752 ».
# Conséquence : un essai qui relit les chiffres d'un PDF compare après avoir ôté toutes les espaces, jamais mot à mot.
"$dossier/venv/bin/pip" install -q 'typst==0.15.2' 'pypdf==7.1.1' 'pdfplumber==0.11.10'
cd "$dossier"
venv/bin/python - <<'P'
from importlib.metadata import version
import pdfplumber, pypdf, typst

with open("note.pdf", "wb") as sortie:
    sortie.write(typst.compile("28\u202f752 habitants".encode()))
lu = pypdf.PdfReader("note.pdf").pages[0].extract_text()
with pdfplumber.open("note.pdf") as document:
    mots = [mot["text"] for mot in document.pages[0].extract_words()]
print(*(f"{p} {version(p)}" for p in ("typst", "pypdf", "pdfplumber")), sep=" ; ")
print("pypdf      :", ascii(lu), "\npdfplumber :", mots)
assert "28\u202f752" in lu and mots[:2] == ["28", "752"]
P
