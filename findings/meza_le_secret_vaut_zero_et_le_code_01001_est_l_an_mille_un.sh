#!/usr/bin/env bash
# meza (lire et typer des tables) : le « s » du secret devient 0, « 12,5 » devient 125, et le code 01001 la date du 31 décembre 1001.
# Pronostic : un texte qui n'est pas un nombre est refusé ou manque ; un code à cinq chiffres reste un texte, au pire un entier.
# Constat : tout ce qui ne se lit pas vaut 0 : « s », « 12,5 % », « 1 234,5 », et « (5) ». La virgule est ôtée comme un séparateur de milliers.
# detect_types dit la colonne des codes de l'Ain « date », type_cast l'y convertit ; 53130 est un entier.
# Conséquence : une commune au secret est publiée à zéro enfant, et les taux sont dix fois trop grands ; tout garder en texte.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'meza==0.47.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from meza import convert, process

print("meza", version("meza"))
constat = {v: convert.to_float(v) for v in ("s", "12,5", "12,5 %", "1 234,5", "(5)", "1.234,5")}
types = {}
for code in ("01001", "53130"):
    lignes, trouves = process.detect_types([{"code": code, "taux": "12,5"}])
    types[code] = [str(v) for v in next(iter(process.type_cast(list(lignes), trouves["types"]))).values()]
print("attendu  : 12,5 ; 1 234,5 ; le reste refusé ; des codes inchangés\nconstaté :", constat, types)
assert list(constat.values()) == [0.0, 125.0, 0.0, 0.0, 0.0, 1.2345], "le comportement a changé"
assert types == {"01001": ["1001-12-31", "125"], "53130": ["53130", "125"]}, "le comportement a changé"
PY
