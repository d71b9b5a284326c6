#!/usr/bin/env bash
# astropy (tables à trous, lues d'un CSV) et numpy : la médiane compte les communes sans taux pour zéro, la moyenne les écarte.
# Pronostic : une case vide est masquée à la lecture ; np.mean et np.median l'écartent toutes deux, ou la rendent manquante.
# Constat : des taux 60, 70, 80 et deux vides ont pour moyenne 70 et pour médiane 60, celle de 0, 0, 60, 70, 80, sans
# avertissement. np.ma.median rend 70. Écrite par filled(), une case vide d'un effectif entier vaut 999999.
# Conséquence : une médiane d'autant plus basse qu'il manque de communes, à côté d'une moyenne juste ; .compressed() avant tout quantile.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'astropy==8.0.2' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from pathlib import Path

import astropy
import numpy as np
from astropy.table import Table

print("astropy", astropy.__version__, "; numpy", np.__version__)
Path("taux.csv").write_text("commune,taux,places\nA,60.0,12\nB,,\nC,70.0,20\nD,80.0,5\nE,,\n")
table = Table.read("taux.csv", format="csv")
taux = table["taux"]
constat = {
    "moyenne": float(np.mean(taux)),
    "médiane": float(np.median(taux)),
    "np.ma.median": float(np.ma.median(taux)),
    "sans les vides": float(np.median(taux.compressed())),
    "places": table["places"].filled().tolist(),
}
print("attendu  : moyenne 70, médiane 70\nconstaté :", constat)
assert constat["moyenne"] == constat["np.ma.median"] == constat["sans les vides"] == 70
assert constat["médiane"] == 60, "le comportement a changé"
assert constat["places"] == [12, 999999, 20, 5, 999999], "le comportement a changé"
PY
