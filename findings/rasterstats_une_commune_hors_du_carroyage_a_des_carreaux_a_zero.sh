#!/usr/bin/env bash
# rasterstats (population carroyée par commune) : une commune qui n'est pas dans le carroyage y a quatre carreaux de zéro habitant.
# Pronostic : hors de l'emprise il n'y a ni carreau ni somme, comme le dit exactextract (0 carreau, moyenne manquante).
# Constat : quand le fichier ne déclare pas de valeur manquante, le dehors est rempli de zéros : somme 0, moyenne 0, quatre carreaux
# comptés ; déclarée, la somme est None. La commune plus petite qu'un carreau, elle, n'en a aucun.
# Conséquence : une commune d'outre-mer, ou d'un autre département, paraît vide ; déclarer la valeur manquante, ou compter les carreaux.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rasterstats==0.21.0' 'exactextract==0.3.0' 'geopandas==1.2.0' 'rasterio==1.4.4' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import numpy as np
import rasterio
from exactextract import exact_extract
from rasterio.transform import from_origin
from rasterstats import zonal_stats
from shapely.geometry import box

print("rasterstats", version("rasterstats"), "; exactextract", version("exactextract"))


def ecrire(nom, manquant):
    forme = {"height": 2, "width": 4, "count": 1, "dtype": "int32", "crs": "EPSG:2154", "nodata": manquant}
    with rasterio.open(nom, "w", driver="GTiff", transform=from_origin(0, 400, 200, 200), **forme) as carreaux:
        carreaux.write(np.array([[10, 20, 30, 40]] * 2, dtype="int32"), 1)


communes = {"dedans": box(0, 0, 400, 400), "dehors": box(2000, 0, 2400, 400), "minuscule": box(10, 10, 60, 60)}
zones = gpd.GeoDataFrame({"nom": list(communes)}, geometry=list(communes.values()), crs=2154)
constat = {}
for nom, manquant in {"muet": None, "declare": -1}.items():
    ecrire(nom + ".tif", manquant)
    lignes = zonal_stats(zones, nom + ".tif", stats="sum mean count")
    constat[nom] = {c: (s["sum"], s["mean"], s["count"]) for c, s in zip(communes, lignes, strict=True)}
temoin = exact_extract("muet.tif", zones, ["sum", "mean", "count"], output="pandas", include_cols=["nom"]).iloc[1]
print("attendu  : aucun carreau dehors, et pas de moyenne :", temoin.to_dict(), "\nconstaté :", constat)
assert constat["muet"]["dehors"] == (0, 0, 4) and constat["declare"]["dehors"] == (None, None, 0), "le comportement a changé"
assert constat["muet"]["dedans"][0] == 60 and constat["muet"]["minuscule"] == (None, None, 0), "le comportement a changé"
assert temoin["count"] == 0 and np.isnan(temoin["mean"])
PY
