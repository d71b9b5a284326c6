#!/usr/bin/env bash
# tobler (passage d'un zonage à un autre, PySAL) : un quartier qui ne couvre que la moitié d'une commune reçoit toute sa population.
# Pronostic : interpoler selon la surface donne la moitié de la population à qui couvre la moitié de la surface.
# Constat : par défaut (allocate_total=True), chaque commune se vide entièrement dans les zones qui la touchent : 300 habitants
# au lieu de 150 ; allocate_total=False rend 150.
# Conséquence : la population des quartiers prioritaires est doublée dès qu'ils ne pavent pas le territoire ; passer False.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'tobler==0.13.0' 'geopandas==1.2.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import warnings
from importlib.metadata import version

import geopandas as gpd
from shapely.geometry import box
from tobler.area_weighted import area_interpolate

warnings.simplefilter("ignore")
print(*(f"{p} {version(p)}" for p in ("tobler", "geopandas")), sep=" ; ")
communes = gpd.GeoDataFrame({"habitants": [100.0, 200.0]}, geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs=2154)
quartier = gpd.GeoDataFrame(geometry=[box(5, 0, 15, 10)], crs=2154)
constat = {
    dit: round(float(area_interpolate(communes, quartier, extensive_variables=["habitants"], **options)["habitants"].iloc[0]), 6)
    for dit, options in (("défaut", {}), ("allocate_total=False", {"allocate_total": False}))
}
print("attendu  : 150\nconstaté :", constat)
assert constat == {"défaut": 300.0, "allocate_total=False": 150.0}, "le comportement a changé"
PY
