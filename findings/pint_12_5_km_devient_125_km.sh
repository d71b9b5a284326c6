#!/usr/bin/env bash
# pint (grandeurs et unités) : « 12,5 km » vaut 125 km, et « 1 250 m » vaut 250 m.
# Pronostic : une écriture française est refusée, ou lue 12,5 et 1 250.
# Constat : la virgule est ôtée ; l'espace des milliers est une multiplication : « 1 250 m » vaut 250 m, « 2 500 m » vaut 1 000 m.
# Rien n'est dit. Le point décimal, lui, donne la bonne valeur.
# Conséquence : une distance à la crèche dix fois trop grande ou cinq fois trop petite ; convertir le nombre avant de lui donner une unité.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pint==0.25.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pint

print("pint", version("pint"))
unites = pint.UnitRegistry()
ecritures = {"12,5 km": 12_500, "1 250 m": 1_250, "2 500 m": 2_500, "12.5 km": 12_500}
constat = {texte: round(unites.Quantity(texte).to("m").magnitude, 6) for texte in ecritures}
print("attendu  :", ecritures, "\nconstaté :", constat)
assert constat == {"12,5 km": 125_000, "1 250 m": 250, "2 500 m": 1_000, "12.5 km": 12_500}, "le comportement a changé"
PY
