#!/usr/bin/env bash
# altair (Vega-Lite) : une colonne « Nb. enfants » ou « Taux [%] », et le graphique n'a ni barre ni erreur.
# Pronostic : le nom d'une colonne est un nom, quels que soient ses signes ; sinon, une erreur la nomme.
# Constat : le point et le crochet sont lus comme un chemin : zéro barre, un axe vide. Échappé (« Nb\. enfants »), tout se
# dessine.
# Conséquence : une figure vide passe pour « rien à signaler » ; renommer les colonnes avant de dessiner, ou les échapper.
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


def barres(colonne, champ):
    table = pd.DataFrame({"lieu": ["Laval", "Évron"], colonne: [120, 45]})
    dessin = alt.Chart(table).mark_bar().encode(x="lieu:N", y=alt.Y(field=champ, type="quantitative"))
    svg = vl_convert.vegalite_to_svg(dessin.to_json())
    return len(re.findall(r'aria-roledescription="bar"', svg))


constat = {c: barres(c, c) for c in ("Enfants", "Nb. enfants", "Taux [%]")}
echappe = barres("Nb. enfants", r"Nb\. enfants")
print("attendu  : deux barres chaque fois\nconstaté :", constat, "; échappé :", echappe)
assert constat == {"Enfants": 2, "Nb. enfants": 0, "Taux [%]": 0} and echappe == 2, "le comportement a changé"
PY
