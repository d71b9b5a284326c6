#!/usr/bin/env bash
# altair (Vega-Lite) : la tranche d'âge dont le taux manque est effacée de l'axe d'un graphique à barres, et gardée sous une courbe.
# Pronostic : quatre tranches dans la table, quatre tranches à l'axe, l'une sans barre ; et dans l'ordre de la table.
# Constat : trois tranches à l'axe des barres, quatre à celui de la courbe ; et « 12-15 » passe avant « 3-5 » dans les deux.
# Conséquence : deux figures d'une même page n'ont pas le même axe, et le lecteur ne voit pas qu'il manque un âge ; imposer
# l'ordre et le domaine (scale=alt.Scale(domain=…)).
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'altair==6.3.0' 'vl-convert-python==1.9.0.post1' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import re
from importlib.metadata import version

import altair as alt
import pandas as pd
import vl_convert

print(*(f"{p} {version(p)}" for p in ("altair", "vl-convert-python")), sep=" ; ")
ages = ["0-2", "3-5", "6-11", "12-15"]
table = pd.DataFrame({"age": ages, "taux": [60.5, 98.0, None, 41.0]})


def axe(dessin):
    svg = vl_convert.vegalite_to_svg(dessin.to_json())
    return re.search(r"discrete scale with \d+ values: ([^\"]*)\"", svg).group(1).split(", ")


fond = alt.Chart(table)
constat = {
    "barres": axe(fond.mark_bar().encode(x="age:N", y="taux:Q")),
    "courbe": axe(fond.mark_line().encode(x="age:N", y="taux:Q")),
    "imposé": axe(fond.mark_bar().encode(x=alt.X("age:N", scale=alt.Scale(domain=ages)), y="taux:Q")),
}
print("attendu  :", ages, "\nconstaté :", constat)
assert constat["barres"] == ["0-2", "12-15", "3-5"], "le comportement a changé"
assert constat["courbe"] == ["0-2", "12-15", "3-5", "6-11"] and constat["imposé"] == ages, "le comportement a changé"
PY
