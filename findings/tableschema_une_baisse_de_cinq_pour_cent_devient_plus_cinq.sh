#!/usr/bin/env bash
# tableschema et frictionless (schémas de données ouvertes) : pour lire « 60,5 % », bareNumber à faux ; « −5 » et « <5 » deviennent 5.
# Pronostic : les unités autour du nombre sont ôtées, le signe est gardé, et ce qui n'est pas une unité est refusé.
# Constat : tableschema ôte tout jusqu'au premier chiffre, signe compris, même de « -5 » sans unité ; frictionless garde le signe. Chez
# les deux, « <5 » (secret), « ≥5 » et « (5) » (appel de note) valent 5.
# Conséquence : une baisse devient une hausse, un seuil de secret un effectif, dans une table dite valide ; ôter le % avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'tableschema==1.21.0' 'frictionless==5.21.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import tableschema
from frictionless import Field

print("tableschema", version("tableschema"), "; frictionless", version("frictionless"))
champ = {"name": "evolution", "type": "number", "bareNumber": False, "decimalChar": ","}
un, deux = tableschema.Field(champ), Field.from_descriptor(champ)
lus = {v: (float(un.cast_value(v)), float(deux.read_cell(v)[0])) for v in ("60,5 %", "-5", "-12,5 %", "<5", "≥5", "(5)")}
print("attendu  : 60,5 ; -5 ; -12,5 ; puis des refus\nconstaté :", lus)
assert lus["60,5 %"] == (60.5, 60.5) and lus["-5"] == (5, -5) and lus["-12,5 %"] == (12.5, -12.5), "le comportement a changé"
assert lus["<5"] == lus["≥5"] == lus["(5)"] == (5, 5), "le comportement a changé"
PY
