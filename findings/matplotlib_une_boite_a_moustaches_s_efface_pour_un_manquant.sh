#!/usr/bin/env bash
# matplotlib.boxplot : une commune sans donnée, et la boîte du département entier n'est pas dessinée.
# Pronostic : le manquant est ignoré, comme le fait l'histogramme de la même colonne.
# Constat : médiane nan, boîte vide, sans message ; l'histogramme de la même colonne compte les trois autres valeurs.
# Conséquence : un département « sans dispersion » dans une comparaison ; ôter les manquants, série par série.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'matplotlib==3.11.2' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

print("matplotlib", version("matplotlib"))
trouee, pleine = [1.0, 2.0, 3.0, float("nan")], [1.0, 2.0, 3.0]
medianes = [float(m.get_ydata()[0]) for m in plt.boxplot([trouee, pleine])["medians"]]
comptes = plt.hist(trouee, bins=2)[0].tolist()
print("attendu  : médiane 2 deux fois\nconstaté :", medianes, "; histogramme :", comptes)
assert medianes[0] != medianes[0] and medianes[1] == 2.0 and sum(comptes) == 3, "le comportement a changé"
PY
