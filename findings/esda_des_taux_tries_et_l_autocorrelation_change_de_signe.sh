#!/usr/bin/env bash
# esda (autocorrélation spatiale) : les mêmes taux, rangés dans un autre ordre de communes, ont un indice de Moran de −0,12 au lieu de 0,62.
# Pronostic : la série et le voisinage portent tous deux les codes des communes ; ils se rejoignent par code, ou l'ordre est vérifié.
# Constat : esda ne lit que les valeurs, par leur rang, avec l'ancien voisinage (W) comme avec le nouveau (Graph), sans avertissement ; la
# moyenne du voisinage (lag) aussi. geopandas, à qui l'on donne la même série pour la carte, la rejoint par code.
# Conséquence : une carte juste et un indice faux côte à côte, dès qu'une table a été triée ; toujours taux.reindex(codes du voisinage).
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'esda==2.9.0' 'libpysal==4.14.1' 'geopandas==1.2.0' 'pandas==3.1.1' 'matplotlib==3.11.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import esda
import geopandas as gpd
import pandas as pd
import shapely
from libpysal import graph, weights

print("esda", version("esda"), "; libpysal", version("libpysal"), "; geopandas", version("geopandas"))
codes = [f"53{i:03d}" for i in range(16)]
communes = gpd.GeoDataFrame(index=codes, geometry=[shapely.box(i % 4, i // 4, i % 4 + 1, i // 4 + 1) for i in range(16)], crs=2154)
taux = pd.Series([(i % 4) * 10.0 + i // 4 for i in range(16)], index=codes)
autre = taux.sample(frac=1, random_state=1)
voisinages = {"W": weights.Queen.from_dataframe(communes, use_index=True), "Graph": graph.Graph.build_contiguity(communes, rook=False)}
constat = {}
for nom, voisins in voisinages.items():
    constat[nom] = [round(float(esda.Moran(serie, voisins, permutations=0).I), 2) for serie in (taux, autre, autre.reindex(codes))]
print("attendu  : trois fois le même indice\nconstaté : (rangés, mêlés, remis en ordre)", constat)
assert constat["W"] == constat["Graph"] == [0.62, -0.12, 0.62], "le comportement a changé"
peints = communes.plot(column=autre).collections[0].get_array().tolist()
assert peints == taux.tolist(), "geopandas ne rejoint plus par code"
PY
