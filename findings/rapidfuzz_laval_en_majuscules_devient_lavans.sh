#!/usr/bin/env bash
# rapidfuzz (rapprochement de noms) : « LAVAL » n'est pas rapproché de « Laval », mais de « LAVANS ».
# Pronostic : le même nom, à la casse près, l'emporte sur un autre.
# Constat : la casse compte : LAVANS (73) avant Laval, SAINT-DIÉ (80) avant Saint-Denis, sur une liste de casse mêlée. Avec
# processor=default_process, chacun retrouve le sien.
# Conséquence : des places attribuées à une commune d'un autre département, avec un score honorable ; normaliser les deux côtés,
# et se méfier d'un seuil.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rapidfuzz==3.14.6' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

from rapidfuzz import process, utils

print("rapidfuzz", version("rapidfuzz"))
listes = {"LAVAL": ["Laval", "LAVANS"], "SAINT-DENIS": ["Saint-Denis", "SAINT-DIÉ"]}
constat = {n: process.extractOne(n, choix)[0] for n, choix in listes.items()}
pareil = {n: process.extractOne(n, choix, processor=utils.default_process)[0] for n, choix in listes.items()}
print("attendu  :", pareil, "\nconstaté :", constat)
assert constat == {"LAVAL": "LAVANS", "SAINT-DENIS": "SAINT-DIÉ"}, "le comportement a changé"
assert pareil == {"LAVAL": "Laval", "SAINT-DENIS": "Saint-Denis"}, "le comportement a changé"
PY
