#!/usr/bin/env bash
# holidays et jours-feries-france : en Guadeloupe en 2026, quinze jours fériés pour l'une, douze pour l'autre.
# Pronostic : les deux calendriers français ont les mêmes jours, outre-mer compris.
# Constat : holidays ajoute la mi-carême, le vendredi saint et la fête Victor Schœlcher ; les deux s'accordent à La Réunion, à Mayotte
# et en Moselle.
# Conséquence : trois jours d'ouverture de moins par crèche selon le paquet ; demander au gestionnaire ses jours réels.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'holidays==0.109' 'jours-feries-france==0.7.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import holidays
from jours_feries_france import JoursFeries

print("holidays", version("holidays"), "; jours-feries-france", version("jours-feries-france"))
zones = {"971": "Guadeloupe", "974": "La Réunion", "976": "Mayotte", "57": "Alsace-Moselle"}
ecarts = {}
for code, nom in zones.items():
    un, autre = set(holidays.France(subdiv=code, years=2026)), set(JoursFeries.for_year(2026, nom).values())
    ecarts[nom] = (len(un), len(autre), [d.strftime("%d/%m") for d in sorted(un ^ autre)])
print("attendu  : aucun écart\nconstaté :", ecarts)
assert ecarts["Guadeloupe"] == (15, 12, ["12/03", "03/04", "21/07"]), "le comportement a changé"
assert all(not ecarts[n][2] for n in ("La Réunion", "Mayotte", "Alsace-Moselle")), "le comportement a changé"
PY
