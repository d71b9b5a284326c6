#!/usr/bin/env bash
# ineqpy (indices d'inégalité) : une commune qui n'a plus aucun revenu rapproche les communes, selon Theil et Atkinson.
# Pronostic : 0 × log 0 vaut 0 : de 10, 20, 30, 40 à 0, 20, 30, 40, le Theil monte (de 0,106 à 0,325 par sa formule).
# Constat : le zéro est ôté : le Theil descend de 0,106 à 0,038 et l'Atkinson de 0,056 à 0,019. Le Gini du même paquet, lui, monte
# de 0,333 à 0,481 : deux indices se contredisent, sans un mot.
# Conséquence : un écart de ressources qui « se réduit » parce qu'une commune n'a plus rien ; compter les zéros avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'ineqpy==0.4.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import ineqpy
import numpy as np

print("ineqpy", version("ineqpy"))
constat = {}
for nom, revenus in {"sans zéro": [10.0, 20, 30, 40], "avec": [0.0, 20, 30, 40]}.items():
    x, uns = np.array(revenus), np.ones(4)
    parts = x[x > 0] / x.mean()
    indices = {indice: getattr(ineqpy.inequality, indice)(x, uns) for indice in ("theil", "atkinson", "gini")}
    indices["theil par sa formule"] = (parts * np.log(parts)).sum() / len(x)
    constat[nom] = {indice: round(float(valeur), 3) for indice, valeur in indices.items()}
print("attendu  : chaque indice monte avec le zéro\nconstaté :", constat)
avant, apres = (list(constat[nom].values()) for nom in ("sans zéro", "avec"))
assert avant == [0.106, 0.056, 0.333, 0.106] and apres == [0.038, 0.019, 0.481, 0.325], "le comportement a changé"
PY
