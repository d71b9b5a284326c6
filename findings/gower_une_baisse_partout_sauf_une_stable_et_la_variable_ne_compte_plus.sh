#!/usr/bin/env bash
# gower (ressemblance entre communes) : si la plus forte évolution du tableau vaut exactement zéro, l'évolution ne compte plus.
# Pronostic : un écart est rapporté à l'étendue : de −10 % à 0 % ou de −10 % à 0,1 %, les deux communes extrêmes sont à 1.
# Constat : avec un maximum nul, la variable est mise à zéro et reste au dénominateur : les deux extrêmes, opposés en tout, sont à 0,5 ;
# deux communes à −10 % et 0 %, pareilles par ailleurs, sont à 0. Un maximum de 0,1 ou de −0,1 rend 1.
# Conséquence : là où tout baisse sauf une commune stable, des comparables choisis sans l'évolution ; ajouter une constante.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'gower==0.1.2' 'pandas==2.3.3' 'numpy==2.2.6' 'scipy==1.14.1' 'scikit-learn==1.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import gower
import pandas as pd

print("gower", version("gower"))


def distances(evolutions, enfants=(100.0, 200, 300)):
    m = gower.gower_matrix(pd.DataFrame({"evolution": evolutions, "enfants": enfants}))
    return [round(float(x), 2) for x in m[0]]


constat = {maxi: distances([-10.0, -5, maxi]) for maxi in (-0.1, 0.0, 0.1)}
pareilles = distances([-10.0, -5, 0.0], (200.0, 200, 200))
print("attendu  : la première et la dernière à 1\nconstaté :", constat, "; l'évolution seule diffère :", pareilles)
assert constat[-0.1][2] == constat[0.1][2] == 1, "le comportement a changé"
assert constat[0.0] == [0, 0.25, 0.5] and pareilles == [0, 0, 0], "le comportement a changé"
PY
