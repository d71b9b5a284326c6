#!/usr/bin/env bash
# papermill avec des paramètres pris dans une table : l'entier devient du texte, le décimal reste un nombre, et faux devient vrai.
# Pronostic : une année et un booléen tirés d'une table pandas arrivent dans le carnet comme un nombre et un booléen, ou
# papermill refuse.
# Constat : numpy.int64(2024) est écrit "2024", numpy.bool_(False) est écrit "False" (un texte, donc vrai dans un « if »),
# tandis que numpy.float64 reste un nombre.
# Conséquence : un lot qui lit ses territoires et options dans un tableau change de comportement sans erreur ; convertir
# (.item()) avant l'appel.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'papermill==2.7.0' 'pandas==3.1.1' 'ipykernel==7.4.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
from papermill.translators import PythonTranslator

print(*(f"{p} {version(p)}" for p in ("papermill", "pandas", "numpy")), sep=" ; ")
lot = pd.DataFrame({"annee": [2024], "seuil": [60.9], "carte": [False]})
parametres = {c: lot[c].iloc[0] for c in lot}
injecte = {}
exec(PythonTranslator.codify(parametres), injecte)
recu = {c: injecte[c] for c in parametres}
print("attendu  :", {"annee": 2024, "seuil": 60.9, "carte": False}, "\nconstaté :", recu, "; carte dessinée :", bool(recu["carte"]))
assert recu == {"annee": "2024", "seuil": 60.9, "carte": "False"}, "le comportement a changé"
PY
