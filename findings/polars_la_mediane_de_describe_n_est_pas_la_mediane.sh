#!/usr/bin/env bash
# polars : la ligne « 50 % » de describe() vaut 3 quand median() vaut 2,5, sur la même colonne de quatre communes.
# Pronostic : le 50 % d'un résumé est la médiane de la bibliothèque qui le rend.
# Constat : describe() et quantile(0.5) prennent la valeur la plus proche, median() interpole ; le premier quartile est 2 (1,75 en pandas).
# Plus la colonne est courte, plus l'écart pèse.
# Conséquence : deux médianes dans le même carnet ; passer interpolation=« linear », ou ne lire que median().
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import polars as pl

print("polars", version("polars"), "; pandas", version("pandas"))
revenus = [1, 2, 3, 4]
resume = dict(pl.Series(revenus).describe().rows())
constat = {"50 %": resume["50%"], "25 %": resume["25%"], "median()": pl.Series(revenus).median()}
temoin = pd.Series(revenus).describe()
print("attendu  : 2.5 et 1.75\nconstaté :", constat, "; pandas", temoin["50%"], temoin["25%"])
assert constat["median()"] == temoin["50%"] == 2.5 and temoin["25%"] == 1.75
assert constat["50 %"] == 3.0 and constat["25 %"] == 2.0, "le comportement a changé"
PY
