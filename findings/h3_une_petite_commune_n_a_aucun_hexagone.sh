#!/usr/bin/env bash
# h3 (mailles hexagonales) : une commune plus petite que la maille n'en reçoit aucune, et sa population avec elle.
# Pronostic : tout territoire est couvert par une maille au moins.
# Constat : seules comptent les mailles dont le centre est dans le contour : 0 en résolution 5, 1 en 6, pour une commune de
# 20 km² ; deux moitiés d'une commune peuvent n'avoir qu'une maille à elles deux.
# Conséquence : des communes disparaissent d'une carte à hexagones, et du total ; demander overlap (polygon_to_cells_experimental),
# ou partir des points.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'h3==4.5.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import h3

print("h3", version("h3"))


def contour(ouest, est):
    return h3.LatLngPoly([(48.05, ouest), (48.05, est), (48.09, est), (48.09, ouest)])


entiere, moities = contour(-0.80, -0.74), (contour(-0.80, -0.77), contour(-0.77, -0.74))
constat = {r: len(h3.polygon_to_cells(entiere, r)) for r in (5, 6, 7)}
par_moitie = [len(h3.polygon_to_cells(m, 6)) for m in moities]
couvrante = len(h3.h3shape_to_cells_experimental(entiere, 5, "overlap"))
print("attendu  : une maille au moins\nconstaté :", constat, "; par moitié, en 6 :", par_moitie, "; couvrante, en 5 :", couvrante)
assert constat == {5: 0, 6: 1, 7: 4} and sorted(par_moitie) == [0, 1] and couvrante >= 1, "le comportement a changé"
PY
