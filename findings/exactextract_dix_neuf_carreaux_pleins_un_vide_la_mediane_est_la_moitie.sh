#!/usr/bin/env bash
# exactextract (carreaux par commune) : dix-neuf carreaux à 250 habitants, un à 0, et la médiane est 125.
# Pronostic : la médiane de vingt carreaux entiers est celle de numpy, 250.
# Constat : chaque valeur ne compte qu'une fois, et le résultat est pris à mi-chemin : 125 ; dix carreaux, neuf à 0 et un à 100,
# donnent 50 au lieu de 0. Sur des valeurs toutes différentes, les deux s'accordent. La moyenne et le mode sont justes.
# Conséquence : le carreau médian d'une commune peuplée aux trois quarts vide est faux du tout au tout ; la calculer soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'exactextract==0.3.0' 'geopandas==1.2.0' 'rasterio==1.4.4' 'numpy==2.4.6' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import numpy as np
import rasterio
from exactextract import exact_extract
from rasterio.transform import from_origin
from shapely.geometry import box

print("exactextract", version("exactextract"), "; numpy", version("numpy"))


def mesurer(valeurs):
    forme = {"height": 1, "width": len(valeurs), "count": 1, "dtype": "float64", "crs": "EPSG:2154"}
    with rasterio.open("c.tif", "w", driver="GTiff", transform=from_origin(0, 200, 200, 200), **forme) as carreaux:
        carreaux.write(np.array([valeurs], float), 1)
    commune = gpd.GeoDataFrame(geometry=[box(0, 0, 200 * len(valeurs), 200)], crs=2154)
    ligne = exact_extract("c.tif", commune, ["median", "mean", "count"], output="pandas").iloc[0]
    assert (ligne["mean"], ligne["count"]) == (np.mean(valeurs), len(valeurs))
    return float(np.median(valeurs)), float(ligne["median"])


cas = {"peuplée": [250] * 19 + [0], "vide": [0] * 9 + [100], "toutes différentes": [10, 20, 30, 40, 90]}
constat = {nom: mesurer(valeurs) for nom, valeurs in cas.items()}
print("attendu  : deux fois la même\nconstaté : (numpy, exactextract)", constat)
assert constat == {"peuplée": (250, 125), "vide": (0, 50), "toutes différentes": (30, 30)}, "le comportement a changé"
PY
