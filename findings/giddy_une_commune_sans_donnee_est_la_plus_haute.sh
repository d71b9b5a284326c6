#!/usr/bin/env bash
# giddy (mobilité des rangs, PySAL) : la commune sans donnée compte comme la plus haute, et la stabilité des rangs monte.
# Pronostic : le tau refuse le manquant, le rend manquant comme scipy, ou l'écarte.
# Constat : quatre communes : 0,667 ; avec une cinquième inconnue à la première date, 0,8. Remplacer le manquant par 99 donne 0,8 aussi.
# scipy.stats.kendalltau rend nan sur les mêmes vecteurs.
# Conséquence : « les positions sont figées » sur une donnée absente ; ne garder que les communes connues aux deux dates.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'giddy==2.3.6' 'scipy==1.17.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from giddy.rank import Tau
from scipy.stats import kendalltau

print("giddy", version("giddy"), "; scipy", version("scipy"))
avant, apres = np.array([1.0, 2.0, 3.0, 4.0, np.nan]), np.array([1.0, 3.0, 2.0, 4.0, 5.0])
connues, trouee = round(Tau(avant[:4], apres[:4]).tau, 3), round(Tau(avant, apres).tau, 3)
haute = round(Tau(np.where(np.isnan(avant), 99.0, avant), apres).tau, 3)
temoin = kendalltau(avant, apres).statistic
print("attendu  :", temoin, "ou", connues, "\nconstaté :", trouee, "; manquant remplacé par 99 :", haute)
assert np.isnan(temoin) and connues == 0.667
assert trouee == haute == 0.8, "le comportement a changé"
PY
