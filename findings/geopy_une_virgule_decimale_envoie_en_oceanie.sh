#!/usr/bin/env bash
# geopy : deux coordonnées à virgule décimale, comme les écrit un tableur français, donnent un point, mais ailleurs.
# Pronostic : « 48,0707 -0,7734 » est refusé, ou lu comme 48,0707 et -0,7734 (Laval).
# Constat : latitude 0, longitude 174, en plein Pacifique, sans erreur. Avec le point décimal, tout va bien.
# Conséquence : une distance à la crèche la plus proche se calcule alors sans bruit ; convertir les virgules avant, et vérifier
# que le point tombe dans sa commune.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopy==2.5.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

from geopy import Point

print("geopy", version("geopy"))
lus = {s: tuple(Point(s))[:2] for s in ("48.0707 -0.7734", "48,0707 -0,7734", "48,0707;-0,7734")}
print("attendu  : (48.0707, -0.7734) ou une erreur")
for ecrit, lu in lus.items():
    print("constaté :", ecrit, "→", lu)
assert lus.pop("48.0707 -0.7734") == (48.0707, -0.7734)
assert set(lus.values()) == {(0.0, 174.0)}, "le comportement a changé"
PY
