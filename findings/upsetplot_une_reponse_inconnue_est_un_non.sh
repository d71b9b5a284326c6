#!/usr/bin/env bash
# upsetplot (croiser les services présents dans les communes) : la commune dont on ne sait pas si elle a un relais est de celles qui n'en ont pas.
# Pronostic : une colonne oui/non à trous est refusée, comme l'est une colonne de 0 et de 1, ou la commune est écartée.
# Constat : une colonne de vrai, faux et manquant est acceptée, et le manquant vaut faux, sans avertissement ; la même en 0, 1 et manquant
# est refusée. La table rendue garde pourtant la valeur d'origine.
# Conséquence : « crèche sans relais » compté deux fois au lieu d'une ; écarter les communes inconnues et dire combien.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'upsetplot==0.9.0' 'pandas==2.3.3' 'matplotlib==3.10.7' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
from upsetplot import from_indicators

print("upsetplot", version("upsetplot"))
communes = pd.DataFrame({"creche": [True, True, False, True], "relais": [True, False, True, None]})
table = from_indicators(["creche", "relais"], communes)
effectifs = {cle: int(n) for cle, n in table.groupby(level=[0, 1]).size().items()}
try:
    from_indicators(["creche", "relais"], communes.astype(float))
    nombres = "acceptés"
except ValueError:
    nombres = "refusés"
print("attendu  : {(False, True): 1, (True, False): 1, (True, True): 1} et une inconnue\nconstaté :", effectifs, "; 0, 1 et manquant", nombres)
assert effectifs == {(False, True): 1, (True, False): 2, (True, True): 1} and nombres == "refusés", "le comportement a changé"
assert table["relais"].isna().sum() == 1, "le comportement a changé"
PY
