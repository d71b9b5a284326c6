#!/usr/bin/env bash
# python-docx : le chiffre corrigé en suivi des modifications, ou saisi dans un champ de formulaire, n'est pas dans le texte du paragraphe.
# Pronostic : paragraph.text rend ce que Word montre : « Places : 120 » et « Taux : 60,5 % ».
# Constat : python-docx rend « Places :  » et « Taux : », sans ancien ni nouveau chiffre ; docx2txt et mammoth les rendent tous deux.
# Conséquence : une relecture des chiffres d'une convention conclut qu'il n'y en a pas ; lire tous les w:t, ou un autre lecteur.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-docx==1.2.0' 'docx2txt==0.9' 'mammoth==1.13.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import docx
import docx2txt
import mammoth
from docx.oxml import parse_xml

print(*(f"{p} {version(p)}" for p in ("python-docx", "docx2txt", "mammoth")), sep=" ; ")
w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
document = docx.Document()
p = document.add_paragraph("Places : ")._p
p.append(parse_xml(f'<w:del {w} w:id="1" w:author="x"><w:r><w:delText>80</w:delText></w:r></w:del>'))
p.append(parse_xml(f'<w:ins {w} w:id="2" w:author="x"><w:r><w:t>120</w:t></w:r></w:ins>'))
p = document.add_paragraph("Taux : ")._p
p.append(parse_xml(f"<w:sdt {w}><w:sdtContent><w:r><w:t>60,5 %</w:t></w:r></w:sdtContent></w:sdt>"))
document.save("c.docx")
with open("c.docx", "rb") as flux:
    lus = {
        "python-docx": [q.text.strip() for q in docx.Document("c.docx").paragraphs],
        "docx2txt": [t for t in docx2txt.process("c.docx").split("\n") if t],
        "mammoth": [t for t in mammoth.extract_raw_text(flux).value.split("\n") if t],
    }
print("attendu  : 120 et 60,5 %, partout\nconstaté :", lus)
assert lus["python-docx"] == ["Places :", "Taux :"], "le comportement a changé"
assert lus["docx2txt"] == lus["mammoth"] == ["Places : 120", "Taux : 60,5 %"], "le comportement a changé"
PY
