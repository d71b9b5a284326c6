#!/usr/bin/env bash
# docxtpl (publipostage d'une convention) : « < 3 ans » devient « 3 ans », et « R&D » devient « R ».
# Pronostic : une valeur s'écrit telle quelle dans le document, ou l'écriture échoue.
# Constat : sans autoescape=True (le défaut), le signe <, le signe & et les lettres qui lui sont collées disparaissent sans
# erreur ; un taux absent s'écrit « None », et une variable oubliée rien du tout.
# Conséquence : « 12 enfants < 3 ans » dit autre chose une fois signé ; passer autoescape=True, et un filtre pour les manquants.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'docxtpl==0.20.2' 'python-docx==1.2.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import docx
from docxtpl import DocxTemplate

print("docxtpl", version("docxtpl"))
modele = docx.Document()
modele.add_paragraph("{{ a }}, taux {{ taux }}, date {{ oubliee }}.")
modele.save("m.docx")


def remplir(a, **options):
    rendu = DocxTemplate("m.docx")
    rendu.render({"a": a, "taux": None}, **options)
    rendu.save("r.docx")
    return docx.Document("r.docx").paragraphs[0].text


constat = [remplir("12 enfants < 3 ans"), remplir("R&D"), remplir("12 enfants < 3 ans", autoescape=True)]
print("attendu  : « 12 enfants < 3 ans »\nconstaté :", constat)
assert constat == [
    "12 enfants  3 ans, taux None, date .", "R, taux None, date .", "12 enfants < 3 ans, taux None, date ."
], "le comportement a changé"
PY
