#!/usr/bin/env bash
# Le trait d'union insécable de Word (celui qui empêche de couper « 0-2 ans ») : docx2txt et docx2python le perdent.
# Pronostic : le trait est rendu, ordinaire ou insécable, comme par python-docx et mammoth.
# Constat : « 02 ans » avec docx2txt et docx2python ; « 0-2 ans » avec python-docx et mammoth. Le tiret ordinaire passe partout.
# Conséquence : une tranche d'âge devient un âge, une année scolaire 2022-2023 un nombre à huit chiffres ; relire par un autre.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-docx==1.2.0' 'docx2txt==0.9' 'docx2python==3.7.1' 'mammoth==1.13.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import docx
import docx2txt
import mammoth
from docx.oxml import OxmlElement
from docx2python import docx2python

print(*(f"{p} {version(p)}" for p in ("python-docx", "docx2txt", "docx2python", "mammoth")), sep=" ; ")
document = docx.Document()
for avant, apres in (("0", "2 ans"), ("2022", "2023")):
    suite = document.add_paragraph().add_run(avant)
    suite._r.append(OxmlElement("w:noBreakHyphen"))
    texte = OxmlElement("w:t")
    texte.text = apres
    suite._r.append(texte)
document.save("t.docx")
with open("t.docx", "rb") as fichier:
    brut = mammoth.extract_raw_text(fichier).value
constat = {
    "python-docx": [p.text for p in docx.Document("t.docx").paragraphs],
    "mammoth": brut.replace("\u2011", "-").split(),
    "docx2txt": docx2txt.process("t.docx").split(),
    "docx2python": docx2python("t.docx").text.split(),
}
constat = {nom: " ".join(textes) for nom, textes in constat.items()}
print("attendu  : 0-2 ans et 2022-2023, partout\nconstaté :", constat)
assert constat["python-docx"] == constat["mammoth"] == "0-2 ans 2022-2023"
assert constat["docx2txt"] == constat["docx2python"] == "02 ans 20222023", "le comportement a changé"
PY
