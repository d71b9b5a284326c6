#!/usr/bin/env bash
# mapclassify (classes d'une carte, NaturalBreaks) : le même programme sur les mêmes taux rend plusieurs découpages.
# Pronostic : mêmes données, même nombre de classes, mêmes bornes, comme FisherJenks.
# Constat : le départ est tiré au hasard et rien ne permet de le fixer dans l'appel ; sur trente appels pour vingt-deux communes,
# plus d'un jeu de bornes. FisherJenks n'en a qu'un ; fixer la graine de numpy avant chaque appel aussi.
# Conséquence : la carte d'un rapport refait n'est plus celle du rapport remis ; prendre FisherJenks, ou figer les bornes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'mapclassify==2.10.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import mapclassify
import numpy as np

print("mapclassify", version("mapclassify"))
taux = np.array([12, 14, 18, 21, 22, 25, 27, 30, 33, 34, 38, 41, 43, 47, 52, 55, 58, 61, 66, 72, 80, 95.0])


def decoupages(methode, graine=None):
    vus = set()
    for _ in range(60):
        if graine is not None:
            np.random.seed(graine)
        vus.add(tuple(float(borne) for borne in methode(taux, k=5).bins))
    return vus


natures, fisher = decoupages(mapclassify.NaturalBreaks), decoupages(mapclassify.FisherJenks)
print("attendu  : un seul découpage", fisher, "\nconstaté :", len(natures), "découpages,", sorted(natures)[:3])
assert len(natures) > 1, "le comportement a changé"
assert len(fisher) == len(decoupages(mapclassify.NaturalBreaks, graine=1)) == 1
PY
