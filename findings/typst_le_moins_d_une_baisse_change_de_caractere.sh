#!/usr/bin/env bash
# typst puis pypdf : « -5 % » écrit au clavier ne se retrouve pas dans le PDF, ni ne se relit comme un nombre.
# Pronostic : le texte du document est rendu tel quel ; « -5 » se retrouve dans le PDF et float() le relit.
# Constat : devant un chiffre, le trait devient le signe moins U+2212 ; « 0-2 ans » garde son trait ; une chaîne passée
# par #"-5" le garde aussi. float() refuse le signe moins.
# Conséquence : une relecture des chiffres d'une note qui cherche « -5 » ne voit aucune baisse, et laisse passer ce qu'elle devait
# trouver ; chercher les deux signes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'typst==0.15.2' 'pypdf==7.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pypdf
import typst

print(*(f"{p} {version(p)}" for p in ("typst", "pypdf")), sep=" ; ")


def relu(source):
    with open("n.pdf", "wb") as sortie:
        sortie.write(typst.compile(source.encode()))
    return pypdf.PdfReader("n.pdf").pages[0].extract_text()


texte, tranche, chaine = relu("Évolution : -5 %"), relu("Enfants de 0-2 ans"), relu('Évolution : #"-5" %')
try:
    nombre = float(texte.split()[2])
except ValueError:
    nombre = "illisible"
print("attendu  : -5 partout\nconstaté :", ascii(texte), ascii(tranche), ascii(chaine), "; float :", nombre)
assert "\u22125" in texte and "-5" not in texte and "0-2" in tranche and "-5" in chaine and nombre == "illisible"
PY
