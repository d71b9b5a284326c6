#!/usr/bin/env bash
# reverse_geocoder (géocodage inverse hors ligne) : un point de La Réunion est au pays « RE », un point de Mayotte au pays « YT ».
# Pronostic : cc vaut FR pour tout point de France, la région ou le département disant l'outre-mer.
# Constat : La Réunion RE, Mayotte YT, Guadeloupe GP ; la métropole FR, Corse comprise. Les noms sont sans accent (« Reunion »,
# « Departement de la Mayenne ») et ne se joignent à aucun libellé français.
# Conséquence : filtrer sur FR efface l'outre-mer en silence ; préférer un découpage officiel et un point dans polygone.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'reverse_geocoder==1.5.1' 'scipy==1.17.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import reverse_geocoder

print("reverse_geocoder", version("reverse_geocoder"))
points = {"La Réunion": (-20.88, 55.45), "Mayotte": (-12.78, 45.22), "Guadeloupe": (16.25, -61.55),
          "Mayenne": (47.85, -0.95), "Corse": (41.92, 8.73)}
lus = dict(zip(points, reverse_geocoder.search(list(points.values()), mode=1, verbose=False)))
constat = {nom: (lu["cc"], lu["admin1"], lu["admin2"]) for nom, lu in lus.items()}
print("attendu  : FR partout\nconstaté :", constat)
assert constat["Mayenne"][0] == constat["Corse"][0] == "FR"
assert [constat[n][0] for n in ("La Réunion", "Mayotte", "Guadeloupe")] == ["RE", "YT", "GP"], "le comportement a changé"
assert constat["La Réunion"][1] == "Reunion" and constat["Mayenne"][2] == "Departement de la Mayenne", "le comportement a changé"
PY
