#!/usr/bin/env bash
# humanize (durées en français) : un enfant de 30 mois a « 3 ans » ; un de 20 mois, « un an et 8 mois ».
# Pronostic : les années sont révolues : 30 mois font 2 ans (ou 2 ans et 6 mois), comme 20 mois font un an et 8 mois.
# Constat : jusqu'à deux ans, les mois sont dits ; au-delà, l'âge est arrondi à l'année la plus proche : 29 mois, 2 ans ; 31 mois, 3 ans.
# Conséquence : les enfants de deux ans et demi sortent des « moins de 3 ans » ; compter l'âge révolu soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'humanize==4.17.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import humanize

print("humanize", version("humanize"))
humanize.i18n.activate("fr_FR")
ages = {mois: humanize.naturaldelta(datetime.timedelta(days=mois * 365.25 / 12)) for mois in (20, 29, 31, 35)}
print("attendu  : jamais 3 ans avant 36 mois\nconstaté :", ages)
assert ages[20] == "un an et 8 mois" and ages[29] == "2 ans"
assert ages[31] == ages[35] == "3 ans", "le comportement a changé"
PY
