#!/usr/bin/env bash
# snowballstemmer (racines de mots français, pour compter les réponses ouvertes) : petit et petite diffèrent, loyer et loi se confondent.
# Pronostic : petit, petite et petits ont une racine commune ; loyer et loi, non.
# Constat : petit devient « pet », mais petits, petite et petites « petit » ; loyer devient « loi ». Allocation et allocataire ne se
# rejoignent pas, alors que crèche et crèches vont ensemble.
# Conséquence : un même mot d'une enquête est compté en deux moitiés, et le loyer passe dans la loi ; relire les groupes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'snowballstemmer==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import snowballstemmer

print("snowballstemmer", version("snowballstemmer"))
racine = snowballstemmer.stemmer("french").stemWord
lues = {mot: racine(mot) for mot in ("petit", "petits", "petite", "petites", "loyer", "loi", "allocation", "allocataire")}
print("attendu  : petit = petite ; loyer ≠ loi\nconstaté :", lues)
assert racine("crèche") == racine("crèches") and racine("accueil") == racine("accueillir")
assert racine("petit") == "pet" and {racine(m) for m in ("petits", "petite", "petites")} == {"petit"}, "le comportement a changé"
assert racine("loyer") == racine("loi") == "loi" and racine("allocation") != racine("allocataire"), "a changé"
PY
