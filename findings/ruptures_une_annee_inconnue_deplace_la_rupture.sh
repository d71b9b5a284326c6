#!/usr/bin/env bash
# ruptures : dans une série annuelle, une seule année inconnue (nan) déplace la rupture au début, et en crée partout ensuite.
# Pronostic : un refus, ou l'année inconnue laissée de côté : la rupture reste à l'ouverture de la crèche, à la onzième année.
# Constat : sans avertissement, la recherche d'une rupture rend la deuxième année, et Pelt une rupture tous les deux ans ; seul le
# modèle « rank » garde la bonne. La série complète donne bien la onzième partout.
# Conséquence : une date de bascule inventée, loin du vrai changement ; ôter ou estimer l'année avant, et le dire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'ruptures==1.1.10' 'numpy==2.4.6' 'scipy==1.17.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import ruptures

print("ruptures", version("ruptures"))
places = np.array([10.0, 10.1] * 5 + [20.0, 20.1] * 5)
a_trou = places.copy()
a_trou[4] = np.nan


def une(serie, modele):
    return ruptures.Binseg(model=modele, min_size=2, jump=1).fit(serie).predict(n_bkps=1)[:-1]


def toutes(serie):
    return ruptures.Pelt(model="l2", min_size=2, jump=1).fit(serie).predict(pen=3)[:-1]


print("attendu  :", une(places, "l2"), toutes(places), "\nconstaté :", une(a_trou, "l2"), toutes(a_trou))
assert une(places, "l2") == une(places, "l1") == toutes(places) == une(a_trou, "rank") == [10]
assert une(a_trou, "l2") == une(a_trou, "l1") == [2], "le comportement a changé"
assert toutes(a_trou) == [4, 6, 8, 10, 12, 14, 16, 18], "le comportement a changé"
PY
