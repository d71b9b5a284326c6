#!/usr/bin/env bash
# price-parser (montants dans un texte) : « 0,605 € » de l'heure vaut 605 €, « 150 k€ » vaut 150 €.
# Pronostic : devant « 0, » la virgule est décimale ; les milliers d'euros sont comptés, ou refusés.
# Constat : trois chiffres après la virgule font des milliers, même après un zéro : 0,605 → 605, 2,345 → 2 345 ; deux ou quatre font
# des décimales (0,61 et 0,0619 %). k€ et M€ sont ôtés. Avec decimal_separator=",", les tarifs sont justes, pas les k€.
# Conséquence : un barème de participation familiale mille fois trop grand, une subvention mille fois trop petite.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'price-parser==0.5.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from price_parser import Price

print("price-parser", version("price-parser"))
ecritures = {"0,605 €": 0.605, "2,345 € de l'heure": 2.345, "0,61 €": 0.61, "0,0619 %": 0.0619, "150 k€": 150_000, "1,5 M€": 1.5e6}
constat = {texte: float(Price.fromstring(texte).amount) for texte in ecritures}
regle = {texte: float(Price.fromstring(texte, decimal_separator=",").amount) for texte in ecritures}
print("attendu  :", ecritures, "\nconstaté :", constat, "\nréglé    :", regle)
assert list(constat.values()) == [605, 2_345, 0.61, 0.0619, 150, 1.5], "le comportement a changé"
assert list(regle.values()) == [0.605, 2.345, 0.61, 0.0619, 150, 1.5], "le comportement a changé"
PY
