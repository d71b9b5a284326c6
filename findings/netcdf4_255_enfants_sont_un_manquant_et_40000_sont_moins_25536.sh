#!/usr/bin/env bash
# netCDF4 (grilles et carreaux) : 255 enfants rangés dans un octet se relisent manquants, 40 000 rangés sur deux octets deviennent −25 536.
# Pronostic : un effectif trop grand pour sa case est refusé ; un effectif qui y tient, 255 dans un octet sans signe, se relit tel quel.
# Constat : à l'écriture tout est rabattu sans un mot : 300 devient 44, 12,9 devient 12. À la lecture, la plus grande valeur de l'octet (255) et la
# plus petite sur deux octets (−32 767) sont prises pour du vide, faute d'avoir choisi un manquant. Sur quatre octets, tout revient.
# Conséquence : le carreau le plus peuplé disparaît de la carte, la ville en négatif du total ; ranger sur quatre octets, et relire la somme.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'netCDF4==1.7.5.1.post1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import netCDF4
import numpy as np

print("netCDF4", version("netCDF4"), "; numpy", np.__version__)
constat = {}
for genre, enfants in {"u1": [255, 254, 300], "i2": [40000, -32767, 12.9], "i4": [40000, 255, -32767]}.items():
    with netCDF4.Dataset("carreaux.nc", "w") as fichier:
        fichier.createDimension("carreau", 3)
        fichier.createVariable("enfants", genre, ("carreau",))[:] = np.array(enfants)
    with netCDF4.Dataset("carreaux.nc") as fichier:
        constat[genre] = (enfants, fichier["enfants"][:].tolist())
print("attendu  : les mêmes, ou un refus\nconstaté : (écrits, relus)", *constat.items(), sep="\n  ")
assert constat["u1"][1] == [None, 254, 44], "le comportement a changé"
assert constat["i2"][1] == [-25536, None, 12], "le comportement a changé"
assert constat["i4"][0] == constat["i4"][1]
PY
