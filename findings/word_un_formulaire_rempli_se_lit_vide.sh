#!/usr/bin/env bash
# Un formulaire Word rempli (contrôles de contenu, liste déroulante) : ses réponses n'existent pas pour python-docx, et pas toutes pour mammoth.
# Pronostic : ce qui se voit à l'écran se lit : 35 places, statut public, et la case du tableau.
# Constat : python-docx rend « Places : » et une ligne de tableau à une seule case ; mammoth et docx2python rendent 35 et public, mais de
# l'ancienne liste déroulante, qui garde le rang de la réponse, seul docx2python tire « oui ». Aucun ne prévient.
# Conséquence : un questionnaire dépouillé comme « sans réponse » alors qu'il est plein ; lire tous les w:t, comme fait
# la relecture du secret de cafdiag.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-docx==1.2.0' 'mammoth==1.13.0' 'docx2python==3.7.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import docx
import mammoth
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx2python import docx2python

print(*(f"{p} {version(p)}" for p in ("python-docx", "mammoth", "docx2python")), sep=" ; ")
w = nsdecls("w")
fiche = docx.Document()


def repondre(question, *balises):
    paragraphe = fiche.add_paragraph(question)._p
    for balise in balises:
        paragraphe.append(parse_xml(balise))


texte = f"<w:sdt {w}><w:sdtPr><w:text/></w:sdtPr><w:sdtContent><w:r><w:t>%s</w:t></w:r></w:sdtContent></w:sdt>"
choix = '<w:ddList><w:result w:val="1"/><w:listEntry w:val="non"/><w:listEntry w:val="oui"/></w:ddList>'
debut = f'<w:r {w}><w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="a"/><w:enabled/>{choix}</w:ffData></w:fldChar></w:r>'
repondre("Places : ", texte % "35")
repondre("Statut : ", texte % "public")
repondre(
    "Relais : ",
    debut,
    f'<w:r {w}><w:instrText xml:space="preserve"> FORMDROPDOWN </w:instrText></w:r>',
    f'<w:r {w}><w:fldChar w:fldCharType="end"/></w:r>',
)
ligne = fiche.add_table(1, 2).rows[0]
ligne.cells[0].text = "Berceaux"
ligne._tr.remove(ligne._tr.tc_lst[1])
case = "<w:tc><w:tcPr/><w:p><w:r><w:t>12</w:t></w:r></w:p></w:tc>"
ligne._tr.append(parse_xml(f"<w:sdt {w}><w:sdtPr/><w:sdtContent>{case}</w:sdtContent></w:sdt>"))
fiche.save("fiche.docx")
relue = docx.Document("fiche.docx")
textes = {
    "python-docx": [p.text for p in relue.paragraphs] + [c.text for r in relue.tables[0].rows for c in r.cells],
    "mammoth": mammoth.extract_raw_text("fiche.docx").value.splitlines(),
    "docx2python": docx2python("fiche.docx").text.splitlines(),
}
constat = {n: [m for m in ("35", "public", "oui", "12") if any(m in ligne for ligne in t)] for n, t in textes.items()}
print("attendu  : 35, public, oui et 12 partout\nconstaté :", constat)
assert constat == {"python-docx": [], "mammoth": ["35", "public", "12"], "docx2python": ["35", "public", "oui", "12"]}, "le comportement a changé"
PY
