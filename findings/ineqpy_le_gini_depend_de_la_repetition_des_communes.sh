#!/usr/bin/env bash
# Le Gini de quatre communes, par trois bibliothèques : 0,25 ou 0,333 ; et 0,365 ou 0,286 si on pèse une commune ou la répète.
# Pronostic : à poids égaux, un seul Gini ; et peser 2 une commune, c'est l'écrire deux fois.
# Constat : inequality et pygini rendent 0,25, ineqpy 0,333 (une correction d'échantillon). Avec ineqpy, la dernière commune pesée 2
# donne 0,365, écrite deux fois 0,286 ; et une commune de poids nul n'est pas comptée.
# Conséquence : deux rapports sur les mêmes revenus, deux inégalités ; nommer la formule à côté du chiffre.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'ineqpy==0.4.1' 'inequality==1.1.2' 'pygini==1.0.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import ineqpy
import numpy as np
import pygini
from inequality.gini import Gini

print(*(f"{p} {version(p)}" for p in ("ineqpy", "inequality", "pygini")), sep=" ; ")


def avec_ineqpy(valeurs, poids=None):
    return round(float(ineqpy.inequality.gini(np.array(valeurs, float), np.array(poids or [1] * len(valeurs), float))), 3)


quatre = [10, 20, 30, 40]
simples = {
    "inequality": round(float(Gini(np.array(quatre, float)).g), 3),
    "pygini": round(float(pygini.gini(np.array(quatre, float))), 3),
    "ineqpy": avec_ineqpy(quatre),
}
pesees = {"pesée 2": avec_ineqpy(quatre, [1, 1, 1, 2]), "écrite deux fois": avec_ineqpy([*quatre, 40])}
nulles = avec_ineqpy(quatre, [1, 1, 1, 0]), avec_ineqpy(quatre[:3])
print("attendu  : une valeur par ligne\nconstaté :", simples, pesees, nulles)
assert simples == {"inequality": 0.25, "pygini": 0.25, "ineqpy": 0.333}, "le comportement a changé"
assert pesees == {"pesée 2": 0.365, "écrite deux fois": 0.286} and nulles[0] == nulles[1], "le comportement a changé"
PY
