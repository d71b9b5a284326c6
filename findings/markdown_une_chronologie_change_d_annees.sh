#!/usr/bin/env bash
# Markdown : une chronologie dont chaque ligne commence par l'année et un point (« 2021. Dix places de plus. ») change d'années.
# Pronostic : les années restent écrites comme elles sont.
# Constat : c'est une liste numérotée, dont seul le premier numéro compte : 2019, 2021, 2024 s'affichent 2019, 2020, 2021 avec
# markdown-it-py (Jupyter Book, MyST) et mistune (nbconvert) ; Python-Markdown (MkDocs) affiche 1, 2, 3.
# Conséquence : des dates fausses et plausibles dans le texte d'un diagnostic ; écrire « 2021 : », ou « 2021\. ».
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'markdown-it-py==4.3.0' 'mistune==3.4.0' 'markdown==3.11.3' 'html2text==2025.4.15' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import html2text
import markdown
import mistune
from markdown_it import MarkdownIt

print(*(f"{nom} {version(nom)}" for nom in ("markdown-it-py", "mistune", "markdown")))
texte = "2019. Ouverture de la crèche.\n2021. Dix places de plus.\n2024. Fermeture.\n"
moteurs = {"markdown-it-py": MarkdownIt().render, "mistune": mistune.html, "markdown": markdown.markdown}


def annees(moteur, source):
    lignes = html2text.html2text(moteur(source)).split("\n")
    return [int(ligne.split(".")[0].rstrip("\\")) for ligne in lignes if "." in ligne]


lues = {nom: annees(moteur, texte) for nom, moteur in moteurs.items()}
print("attendu  : [2019, 2021, 2024]\nconstaté :", lues)
assert lues["markdown-it-py"] == lues["mistune"] == [2019, 2020, 2021], "le comportement a changé"
assert lues["markdown"] == [1, 2, 3], "le comportement a changé"
protege = MarkdownIt().render(texte.replace(". ", "\\. "))
assert "<ol" not in protege and all(annee in protege for annee in ("2019.", "2021.", "2024."))
PY
