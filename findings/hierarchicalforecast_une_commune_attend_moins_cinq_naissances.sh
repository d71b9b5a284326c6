#!/usr/bin/env bash
# hierarchicalforecast (accorder la prévision d'un EPCI et celles de ses communes) : la commune à deux naissances en attend −4,75.
# Pronostic : l'écart se partage selon la taille des communes, et une naissance prévue reste positive.
# Constat : 100 naissances prévues à l'EPCI, 70, 55 et 2 dans ses communes ; MinTrace (« ols », l'exemple courant) ôte la même chose à
# chacune et rend 63,25, 48,25 et −4,75, de total juste. « wls_struct » rend −2,5. nonnegative=True, à demander, rend zéro.
# Conséquence : un besoin de places négatif dans un village, invisible au total ; demander nonnegative, et relire le minimum.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'hierarchicalforecast==1.5.3' 'numpy==2.0.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from hierarchicalforecast.methods import MinTrace

print("hierarchicalforecast", version("hierarchicalforecast"), "; numpy", version("numpy"))
sommes = np.array([[1.0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
prevues = np.array([[100.0], [70], [55], [2]])
constat = {}
for methode in ("ols", "wls_struct"):
    accordees = MinTrace(methode)(S=sommes, y_hat=prevues)["mean"].ravel().round(2)
    constat[methode] = accordees.tolist()
bornees = MinTrace("ols", nonnegative=True)(S=sommes, y_hat=prevues)["mean"].ravel()
print("attendu  : quatre nombres positifs\nconstaté : (EPCI, puis communes)", constat, "; nonnegative", bornees.round(1).tolist())
assert constat == {"ols": [106.75, 63.25, 48.25, -4.75], "wls_struct": [113.5, 65.5, 50.5, -2.5]}, "le comportement a changé"
assert bornees.min() > -0.01, "le comportement a changé"
PY
