#!/usr/bin/env bash
# jellyfish (clés sonores, pour rapprocher des noms) : Évron et Evron ont la même clé pour deux algorithmes, deux clés pour les deux autres.
# Pronostic : dans une même bibliothèque, l'accent est ôté partout ou nulle part ; un numéro de rue compte, ou rend la clé impossible.
# Constat : soundex et metaphone ôtent l'accent, nysiis et match_rating le gardent ; le trait d'union de Saint-Ellier ne gêne que metaphone et
# nysiis. « 12 rue » et « 14 rue » ont la même clé par soundex et metaphone, qui oublient les chiffres.
# Conséquence : changer d'algorithme perd les communes accentuées ou réunit deux adresses ; ôter soi-même accents et traits d'union.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jellyfish==1.3.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import jellyfish

print("jellyfish", version("jellyfish"))
paires = [("Évron", "Evron"), ("Saint-Ellier", "Saint Ellier"), ("12 rue", "14 rue")]
constat = {}
for algorithme in (jellyfish.soundex, jellyfish.metaphone, jellyfish.nysiis):
    constat[algorithme.__name__] = [algorithme(a) == algorithme(b) for a, b in paires]
constat["match_rating"] = [jellyfish.match_rating_codex("Évron") == jellyfish.match_rating_codex("Evron")]
print("attendu  :", paires, "vrai, vrai, faux partout\nconstaté :", constat)
assert constat["soundex"] == [True, True, True], "le comportement a changé"
assert constat["metaphone"] == [True, False, True], "le comportement a changé"
assert constat["nysiis"] == [False, False, False], "le comportement a changé"
assert constat["match_rating"] == [False], "le comportement a changé"
PY
