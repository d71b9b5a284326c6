#!/usr/bin/env bash
# pandas, tableau teinté (background_gradient) : la case d'une commune sans donnée est peinte en noir, au bout des bleus foncés.
# Pronostic : la case reste sans couleur, comme sur une carte où le manquant est transparent.
# Constat : la couleur « transparente » du manquant perd sa transparence à l'écriture : il reste #000000, plus foncé que le maximum.
# Les barres (Styler.bar), elles, laissent la case vide.
# Conséquence : l'œil lit la plus forte valeur là où l'on ne sait rien ; passer .highlight_null(color="white") après le dégradé.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'matplotlib==3.11.2' 'jinja2==3.1.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import re
from importlib.metadata import version

import matplotlib
import pandas as pd

print("pandas", version("pandas"), "; matplotlib", version("matplotlib"))
table = pd.DataFrame({"taux": [10.0, None, 90.0]}, index=["Craon", "Évron", "Laval"])


def fonds(style):
    blocs = dict(re.findall(r"_row(\d)_col0 \{(.*?)\}", style.to_html(), re.DOTALL))
    return [re.findall(r"background(?:-color)?: (.*?);", blocs.get(rang, ""))[-1:] for rang in "012"]


constate = fonds(table.style.background_gradient(cmap="Blues"))
corrige = fonds(table.style.background_gradient(cmap="Blues").highlight_null(color="white"))
print("attendu  : le manquant est", matplotlib.colormaps["Blues"](float("nan")), "(transparent)\nconstaté :", constate)
assert matplotlib.colormaps["Blues"](float("nan"))[3] == 0
assert constate == [["#f7fbff"], ["#000000"], ["#08306b"]], "le comportement a changé"
barres = fonds(table.style.bar())
assert barres[1] == [] and barres[2] and corrige[1] == ["white"]
PY
