#!/usr/bin/env bash
# tablib (échange de tableaux, moteur d'import de Django) : un enregistrement JSON dont les champs sont dans un autre ordre met les
# places dans la colonne des communes.
# Pronostic : en JSON, l'ordre des champs ne dit rien : chaque valeur va dans la colonne de son nom, et un nom inconnu est refusé.
# Constat : les noms sont lus du premier enregistrement, les suivants par leur rang : la commune « 12 » a « Évron » places, et une
# capacité de micro-crèche devient celle d'un relais. Seul un nombre de champs différent est refusé.
# Conséquence : un export qui omet les champs vides est relu de travers sans un mot ; remettre les champs en ordre avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'tablib==3.10.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import json
from importlib.metadata import version

import tablib

print("tablib", version("tablib"))


def relire(enregistrements):
    return tablib.Dataset().load(json.dumps(enregistrements), format="json").dict


ordre = [{"commune": "Laval", "places": 40}, {"places": 12, "commune": "Évron"}]
noms = [{"commune": "Laval", "creche": 40, "relais": 1}, {"commune": "Évron", "relais": 2, "micro": 9}]
lu = relire(ordre), relire(noms)
print("attendu  :", ordre, "et un refus du second\nconstaté :", *lu, sep="\n  ")
assert lu[0] == [{"commune": "Laval", "places": 40}, {"commune": 12, "places": "Évron"}], "le comportement a changé"
assert lu[1][1] == {"commune": "Évron", "creche": 2, "relais": 9}, "le comportement a changé"
try:
    relire([{"commune": "Laval", "places": 40}, {"commune": "Évron"}])
    raise SystemExit("un champ de moins est accepté : le comportement a changé")
except tablib.InvalidDimensions:
    pass
PY
