#!/usr/bin/env bash
# pygal (graphiques SVG) : l'année sans chiffre n'a pas de barre dans un graphique simple, et une barre « 0 » dans un graphique empilé.
# Pronostic : une année inconnue est un trou, quel que soit le graphique.
# Constat : Bar et Line n'écrivent que 10 et 30 ; StackedBar, StackedLine, Radar et Pie écrivent 10, 0, 30 : le zéro est au graphique,
# à l'étiquette et dans le texte de la bulle.
# Conséquence : « aucune place en 2021 » au lieu de « inconnu », et un total empilé qui plonge ; ôter l'année, ou le type empilé.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pygal==3.1.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import re
from importlib.metadata import version

import pygal

print("pygal", version("pygal"))
constat = {}
for genre in ("Bar", "Line", "StackedBar", "StackedLine", "Radar"):
    graphique = getattr(pygal, genre)()
    graphique.x_labels = ["2020", "2021", "2022"]
    graphique.add("places", [10, None, 30])
    constat[genre] = re.findall(r'<desc class="value">([^<]*)</desc>', graphique.render(is_unicode=True))
print("attendu  : 10 et 30 partout\nconstaté :", constat)
assert constat["Bar"] == constat["Line"] == ["10", "30"]
assert all(constat[genre] == ["10", "0", "30"] for genre in ("StackedBar", "StackedLine", "Radar")), "le comportement a changé"
PY
