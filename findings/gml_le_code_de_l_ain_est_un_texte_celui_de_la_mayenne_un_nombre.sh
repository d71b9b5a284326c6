#!/usr/bin/env bash
# GDAL (pyogrio) : un GML sans son schéma .xsd ; le type du code de commune dépend du département.
# Pronostic : sans schéma, tout code de chiffres devient un nombre, 01001 compris (ou aucun ne le devient).
# Constat : avec le .xsd à côté, deux textes ; sans lui, le fichier de l'Ain garde le texte « 01001 », celui de la Mayenne rend le
# nombre 53130 ; les deux mis bout à bout font une colonne mêlée, et la jointure avec une table de textes perd la Mayenne.
# Conséquence : un département entier sans chiffre sur la carte ; remettre le code en texte après toute lecture de GML.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version
from pathlib import Path

import geopandas
import pandas as pd
import pyogrio
from shapely.geometry import box

print("pyogrio", version("pyogrio"), "; GDAL", *pyogrio.__gdal_version__)
types = {}
for nom, codes in (("ain", ["01001", "01002"]), ("mayenne", ["53130", "53084"])):
    geopandas.GeoDataFrame({"code": codes}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326).to_file(f"{nom}.gml", driver="GML")
    avec = geopandas.read_file(f"{nom}.gml")["code"].tolist()
    Path(f"{nom}.xsd").unlink()
    types[nom] = (avec, geopandas.read_file(f"{nom}.gml")["code"].tolist())
mele = pd.DataFrame({"code": types["ain"][1] + types["mayenne"][1]})
joint = mele.merge(pd.DataFrame({"code": ["01001", "53130"], "taux": [12.5, 60.0]}, dtype=object), on="code")
print("attendu  : le même type pour tous\nconstaté : (avec .xsd, sans)", types, "; joints", joint["code"].tolist())
assert all(isinstance(c, str) for avec, _ in types.values() for c in avec)
assert types["ain"][1] == ["01001", "01002"] and types["mayenne"][1] == [53130, 53084], "le comportement a changé"
assert joint["code"].tolist() == ["01001"]
PY
