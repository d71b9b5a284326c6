#!/usr/bin/env bash
# mapclassify (classes d'une carte) : la commune sans donnée est rangée dans la classe la plus basse, et un seul manquant peut
# les mettre toutes dans la même.
# Pronostic : un nan est refusé, ou n'a pas de classe.
# Constat : EqualInterval et UserDefined rangent le nan en classe 0 ; Quantiles perd sa dernière classe (borne nan) ;
# FisherJenks met les dix communes en classe 0. Seul NaturalBreaks refuse.
# Conséquence : une carte d'une seule couleur, ou une commune muette peinte comme la moins couverte ; ôter les manquants avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'mapclassify==2.10.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import warnings
from importlib.metadata import version

import mapclassify
import numpy as np

warnings.simplefilter("ignore")
print("mapclassify", version("mapclassify"))
taux = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, np.nan])
bornees = {"UserDefined": {"bins": [3, 6, 9]}}
classes = {
    n: getattr(mapclassify, n)(taux, **bornees.get(n, {"k": 3})).yb.tolist()
    for n in ("EqualInterval", "UserDefined", "Quantiles", "FisherJenks")
}
try:
    mapclassify.NaturalBreaks(taux, k=3)
    refuse = False
except ValueError:
    refuse = True
print("attendu  : un refus, ou la dixième sans classe\nconstaté :", classes, "; NaturalBreaks refuse :", refuse)
assert classes["EqualInterval"] == classes["UserDefined"] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0], "le comportement a changé"
assert classes["Quantiles"] == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0], "le comportement a changé"
assert classes["FisherJenks"] == [0] * 10 and refuse, "le comportement a changé"
PY
