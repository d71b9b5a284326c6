#!/usr/bin/env bash
# Vega-Lite (altair, images par vl-convert) : le même graphique par année, dessiné sur un poste de Guadeloupe, recule toutes les années d'un an.
# Pronostic : « 2023 » dans un champ marqué année s'écrit 2023 sous la barre, où que soit l'ordinateur.
# Constat : le texte est lu comme minuit à Greenwich puis écrit à l'heure du poste : 2022 et 2023 à Paris et à La Réunion, 2021 et 2022 en
# Guadeloupe et en Guyane. Non déclarée comme une date (type ordinal, sans timeUnit), l'année est juste partout.
# Conséquence : deux Caf ne lisent pas les mêmes années sur le même fichier, et une page vue aux Antilles n'est plus celle de l'auteur ;
# ne pas en faire une date, ou timeUnit="utcyear".
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'altair==6.3.0' 'vl-convert-python==1.9.0.post1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import json
import os
import subprocess
import sys
from importlib.metadata import version

import altair as alt

print("altair", version("altair"), "; vl-convert", version("vl-convert-python"))
lignes = [{"an": "2022", "enfants": 10}, {"an": "2023", "enfants": 12}]
dessin = "import re, vl_convert as v; print(*re.findall(r'>(20[0-9]{2})<', v.vegalite_to_svg(open('carte.json').read())))"


def annees(champ, heure):
    figure = alt.Chart(alt.Data(values=lignes)).mark_bar().encode(x=champ, y="enfants:Q")
    with open("carte.json", "w") as sortie:
        json.dump(figure.to_dict(), sortie)
    lance = subprocess.run([sys.executable, "-c", dessin], env={**os.environ, "TZ": heure}, capture_output=True, text=True)
    return lance.stdout.strip()


lieux = ("Europe/Paris", "Indian/Reunion", "America/Guadeloupe", "America/Cayenne")
constat = {lieu: [annees(c, lieu) for c in ("year(an):O", "utcyear(an):O", "an:O")] for lieu in lieux}
print("attendu  : 2022 2023 partout\nconstaté : (année, année UTC, sans date)", constat)
for lieu, (locale, utc, sans_date) in constat.items():
    assert utc == sans_date == "2022 2023", "le comportement a changé"
    assert locale == ("2021 2022" if lieu.startswith("America") else "2022 2023"), "le comportement a changé"
PY
