#!/usr/bin/env bash
# docx-mailmerge2 (publipostage Word) : au format de champ français « 0,0 % », 12,5 s'écrit « 12 % », et un taux inconnu « 00 % ».
# Pronostic : Word en français y lit la virgule décimale ; sinon le format est refusé, et un manquant reste vide.
# Constat : la virgule est celle des milliers : 12 %, et 1234,5 devient « 1,234 % ». « # ##0,00 » laisse le format dans la lettre :
# « 12 ##0,00 ». None, vide sans format, devient 00 %. Une date en toutes lettres est en anglais. Du texte (« 12,5 ») passe tel quel.
# Conséquence : une convention signée sur un taux nul qui n'a jamais été mesuré ; mettre les nombres en texte avant de fusionner.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'docx-mailmerge2==1.0.3' 'python-docx==1.2.0' 'lxml==6.1.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from mailmerge import MailMerge

print("docx-mailmerge2", version("docx-mailmerge2"), "; python-docx", version("python-docx"))
champs = ("taux", "taux \\# &quot;0,0 %&quot;", "taux \\# &quot;# ##0,00&quot;", "jour \\@ &quot;d MMMM yyyy&quot;")
modele = docx.Document()
for champ in champs:
    balise = f'<w:fldSimple {nsdecls("w")} w:instr=" MERGEFIELD {champ} "><w:r><w:t>x</w:t></w:r></w:fldSimple>'
    modele.add_paragraph()._p.append(parse_xml(balise))
modele.save("modele.docx")


def lettre(taux):
    fusion = MailMerge("modele.docx")
    fusion.merge(taux=taux, jour=datetime.date(2024, 2, 1))
    fusion.write("lettre.docx")
    return [p.text for p in docx.Document("lettre.docx").paragraphs]


constat = {str(t): lettre(t) for t in (12.5, 1234.5, None, "12,5")}
print("attendu  : 12,5 % ; 1234,5 % ; rien ; 12,5\nconstaté :", constat)
assert [constat[t][1] for t in ("12.5", "1234.5", "None", "12,5")] == ["12 %", "1,234 %", "00 %", "12,5"], "le comportement a changé"
assert constat["12.5"][2:] == ["12 ##0,00", "1 February 2024"] and constat["None"][0] == "", "le comportement a changé"
PY
