#!/usr/bin/env bash
# esda (lissage bayésien des taux, PySAL) : quatre communes aux taux proches, et la première reçoit un taux lissé de −1,5 %.
# Pronostic : le taux lissé est entre le taux brut de la commune et la moyenne.
# Constat : quand les taux varient moins que le hasard, la variance estimée est négative et le poids sort de 0..1 : 5,0 % (moyenne 4,5 %)
# devient −1,5 %, et la commune au taux le plus bas reçoit le plus haut. Aucun avertissement.
# Conséquence : le classement des petites communes s'inverse ; vérifier que chaque taux lissé est entre le brut et la moyenne.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'esda==2.9.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from esda.smoothing import Empirical_Bayes

print("esda", version("esda"), "; numpy", version("numpy"))
naissances, femmes = np.array([5.0, 8.0, 1.0, 3.0]), np.array([100.0, 200.0, 30.0, 50.0])
bruts, moyenne = naissances / femmes, naissances.sum() / femmes.sum()
lisses = Empirical_Bayes(naissances, femmes).r.ravel()
print("bruts    :", bruts.round(4), "; moyenne", round(moyenne, 4))
print("attendu  : chacun entre son taux brut et la moyenne\nconstaté :", lisses.round(4))
dedans = [min(b, moyenne) <= x <= max(b, moyenne) for b, x in zip(bruts, lisses)]
assert dedans == [False] * 4 and lisses.round(4)[0] == -0.0146, "le comportement a changé"
assert bruts.argmin() == 2 and lisses.argmax() == 2, "le comportement a changé"
PY
