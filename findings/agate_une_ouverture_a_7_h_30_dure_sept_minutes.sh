#!/usr/bin/env bash
# agate (le moteur de csvkit) : dans la colonne des horaires, « 7:30 » vaut sept minutes et demie.
# Pronostic : 7:30 est une heure, ou reste du texte ; au pire sept heures et demie.
# Constat : la colonne devient une durée en minutes et secondes : 450 s. « 07:30:00 » vaut bien 27 000 s, et « 7h30 » reste du texte.
# Conséquence : une amplitude d'ouverture soixante fois trop courte, sans erreur, selon que le fichier porte ou non les secondes ;
# lire la colonne en texte (agate.Text).
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'agate==1.14.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import agate

print("agate", version("agate"))
constat = {}
for horaire in ("7:30", "07:30:00", "7h30"):
    colonne = agate.Table.from_csv(io.StringIO(f"creche,ouvre\nA,{horaire}\nB,{horaire}\n")).columns["ouvre"]
    constat[horaire] = (type(colonne.data_type).__name__, getattr(colonne[0], "seconds", colonne[0]))
print("attendu  : 27000 secondes, ou du texte, pour les trois\nconstaté :", constat)
assert constat["7:30"] == ("TimeDelta", 450), "le comportement a changé"
assert constat["07:30:00"] == ("TimeDelta", 27_000) and constat["7h30"] == ("Text", "7h30"), "le comportement a changé"
PY
