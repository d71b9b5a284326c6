#!/usr/bin/env bash
# calplot (l'année en calendrier coloré) : le jour où l'on n'a pas compté et le jour absent du fichier ont la couleur de zéro enfant.
# Pronostic : un jour sans valeur reste blanc, un zéro a sa couleur.
# Constat : par défaut, les jours sont d'abord additionnés, et une somme de rien vaut 0 : pour un mois à un zéro, un manque et un jour absent,
# trois jours à zéro. Avec how=None ou "mean", un seul ; avec dropzero=True, les trois sont blancs, le vrai zéro aussi.
# Conséquence : une fréquentation qui « tombe à zéro » pendant une panne de badgeuse ; passer how=None.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'calplot==0.1.7.5' 'pandas==3.1.1' 'matplotlib==3.11.2' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import matplotlib

matplotlib.use("Agg")
import calplot  # noqa: E402
import pandas as pd  # noqa: E402

print("calplot", version("calplot"), "; pandas", version("pandas"))
presents = pd.Series(5.0, pd.date_range("2023-03-01", "2023-03-31"))
presents["2023-03-07"], presents["2023-03-08"] = 0, None
presents = presents.drop(pd.Timestamp("2023-03-09"))
constat = {}
for nom, reglages in {"défaut": {}, "how=None": {"how": None}, "mean": {"how": "mean"}, "dropzero": {"dropzero": True}}.items():
    _, axes = calplot.calplot(presents, **reglages)
    cases = axes[0].collections[-1].get_array().astype(float).compressed()
    constat[nom] = [int((cases == 0).sum()), int((cases == 5).sum())]
print("attendu  : [1, 28]\nconstaté : (jours à zéro, jours à cinq)", constat)
assert constat["how=None"] == constat["mean"] == [1, 28]
assert constat["défaut"] == [3, 28] and constat["dropzero"] == [0, 28], "le comportement a changé"
PY
