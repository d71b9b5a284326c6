#!/usr/bin/env bash
# text2num (nombres écrits en lettres, français) : « des locaux neufs » devient « des locaux 9 », « pour cent » « pour 100 ».
# Pronostic : « neufs », au pluriel, n'est qu'un adjectif : le nombre neuf est invariable.
# Constat : l'adjectif au pluriel est remplacé par 9 ; « soixante-quinze pour cent » devient « 75 pour 100 » ; « neuve » est gardé.
# Conséquence : un verbatim d'entretien gagne des chiffres que nul n'a dits ; relire tout ce que la bibliothèque a converti.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'text2num==3.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from text_to_num import alpha2digit

print("text2num", version("text2num"))
phrases = ("douze places dans des locaux neufs", "une salle neuve", "soixante-quinze pour cent des familles")
constat = [alpha2digit(p, "fr") for p in phrases]
print("attendu  : « 12 places dans des locaux neufs »\nconstaté :", constat)
assert constat[1] == "une salle neuve"
assert constat[0] == "12 places dans des locaux 9", "le comportement a changé"
assert constat[2] == "75 pour 100 des familles", "le comportement a changé"
PY
