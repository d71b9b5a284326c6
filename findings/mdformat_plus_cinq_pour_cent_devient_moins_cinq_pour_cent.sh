#!/usr/bin/env bash
# mdformat (mise en forme du Markdown) : une ligne « + 5 % de naissances » devient « - 5 % de naissances » dans le fichier.
# Pronostic : une mise en forme ne change pas le sens ; une ligne qui commence par un signe le garde, ou en reçoit un échappé.
# Constat : « + » en tête est une puce, et les puces sont toutes récrites « - » ; deux lignes suffisent pour que hausse et baisse se lisent de
# même. Les fiches 3, 5 et 8 deviennent 3, 1 et 1, « 2024. » devient « 0001. ». La page rendue, elle, ne change pas.
# Conséquence : une tendance inversée pour qui lit le fichier, envoyé tel quel ; écrire le signe dans la phrase, jamais en tête de ligne.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'mdformat==1.0.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import mdformat

print("mdformat", version("mdformat"))
textes = ["+ 5 % de naissances\n", "- 5 % de places\n", "3. relais\n5. crèche\n8. ludothèque\n", "2023. ouverture\n2024. bilan\n"]
rendus = [mdformat.text(t) for t in textes]
print("attendu  :", textes, "\nconstaté :", rendus)
assert rendus[:2] == ["- 5 % de naissances\n", "- 5 % de places\n"], "le comportement a changé"
assert rendus[2:] == ["3. relais\n1. crèche\n1. ludothèque\n", "2023. ouverture\n0001. bilan\n"], "le comportement a changé"
assert mdformat.text("Naissances : + 5 %\n") == "Naissances : + 5 %\n"
PY
