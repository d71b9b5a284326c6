#!/usr/bin/env bash
# access (PySAL, accessibilité en deux temps) : la commune dont la capacité est inconnue a une accessibilité de 0, comme celle qui n'a rien.
# Pronostic : une offre manquante rend l'accessibilité manquante, là où elle compte.
# Constat : capacité manquante → 0,0 ; capacité 0 → 0,0 ; rien ne les distingue. Une population manquante compte aussi pour zéro,
# et l'accessibilité de ses voisins monte.
# Conséquence : un désert d'accueil inventé ; compter à part les équipements sans capacité, et rendre la commune manquante.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'access==1.1.10.post3' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import logging
from importlib.metadata import version

import pandas as pd
from access import Access

logging.disable(logging.CRITICAL)
print("access", version("access"), "; pandas", version("pandas"))
manque = float("nan")


def mesurer(populations, places, minutes):
    trajets = pd.DataFrame({"de": [1, 1, 2, 2], "vers": [1, 2, 2, 1], "minutes": [0.0, minutes, 0.0, minutes]})
    a = Access(
        demand_df=pd.DataFrame({"id": [1, 2], "enfants": populations}), demand_index="id", demand_value="enfants",
        supply_df=pd.DataFrame({"id": [1, 2], "places": places}), supply_index="id", supply_value="places",
        cost_df=trajets, cost_origin="de", cost_dest="vers", cost_name="minutes",
    )
    return [round(float(x), 6) for x in a.two_stage_fca(name="x", max_cost=15)["x_places"]]


constat = {str(p): mesurer([100.0, 100.0], [10.0, p], 20.0) for p in (5.0, 0.0, manque)}
voisins = {str(e): mesurer([100.0, e], [10.0, 5.0], 5.0) for e in (100.0, manque)}
print("attendu  : manquant pour la seconde commune\nconstaté :", constat, "; population manquante :", voisins)
assert constat == {"5.0": [0.1, 0.05], "0.0": [0.1, 0.0], "nan": [0.1, 0.0]}, "le comportement a changé"
assert voisins == {"100.0": [0.075, 0.075], "nan": [0.15, 0.15]}, "le comportement a changé"
PY
