#!/usr/bin/env bash
# geopandas et FlatGeobuf : les lignes reviennent dans un autre ordre que celui écrit, alors que GeoPackage et GeoJSON le gardent.
# Pronostic : ligne n écrite = ligne n relue, comme dans les autres formats.
# Constat : l'ordre devient celui de l'espace ; l'index repart de 0, si bien que recoller une colonne gardée à part donne à
# chaque commune la valeur d'une autre, sans erreur.
# Conséquence : joindre par le code, jamais par la position ; ou écrire avec SPATIAL_INDEX="NO", qui garde l'ordre.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import geopandas as gpd

print(*(f"{p} {version(p)}" for p in ("geopandas", "pyogrio")), sep=" ; ")
codes = ["a", "b", "c", "d", "e", "f"]
table = gpd.GeoDataFrame({"code": codes}, geometry=gpd.points_from_xy([5, 1, 4, 2, 3, 0], [45, 47, 46, 43, 44, 48]), crs=4326)
ordres = {}
for nom, options in (("gpkg", {}), ("geojson", {}), ("fgb", {}), ("fgb sans index", {"SPATIAL_INDEX": "NO"})):
    fichier = f"t.{nom.split()[0]}"
    table.to_file(fichier, **options)
    relue = gpd.read_file(fichier)
    ordres[nom] = "".join(relue["code"])
    assert list(relue.index) == [0, 1, 2, 3, 4, 5]
print("attendu  : abcdef partout\nconstaté :", ordres)
assert ordres["gpkg"] == ordres["geojson"] == ordres["fgb sans index"] == "abcdef" != ordres["fgb"], "a changé"
assert sorted(ordres["fgb"]) == codes
PY
