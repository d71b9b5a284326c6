#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# shapely/GEOS : trois façons courantes de réparer un même contour donnent des surfaces différentes.
# Pronostic : make_valid et buffer(0) rendent la même zone, à un sommet près.
# Constat : un ruban qui se recouvre perd son recouvrement avec make_valid par défaut (80), le garde avec
# method="structure" et buffer(0) (92) ; un ruban croisé garde ses deux lobes avec make_valid (75) et perd le
# plus petit avec buffer(0) (50). GeoSeries.make_valid() suit le premier.
# Conséquence : une adresse peut être dans un quartier ou dehors selon l'outil qui l'a réparé ; une seule
# réparation sur tous les chemins, et dire combien de surface elle change.
"$dossier/venv/bin/pip" install -q 'shapely==2.2.0' 'geopandas==1.2.0' 'pandas==3.1.1' 'numpy<2.5'
"$dossier/venv/bin/python" - <<'P'
import geopandas, shapely
from shapely.geometry import Point, Polygon

recouvert = Polygon([(0, 0), (10, 0), (10, 6), (2, 6), (2, 4), (8, 4), (8, 10), (0, 10)])
croise = Polygon([(0, 0), (10, 0), (10, 10), (5, 10), (5, -5), (0, -5)])
print("shapely", shapely.__version__, "; GEOS", shapely.geos_version_string)
rendu = {}
for nom, contour in (("recouvert", recouvert), ("croisé", croise)):
    zones = {"make_valid": shapely.make_valid(contour),
             "structure": shapely.make_valid(contour, method="structure", keep_collapsed=False),
             "buffer(0)": contour.buffer(0),
             "GeoSeries": geopandas.GeoSeries([contour]).make_valid().iloc[0]}
    rendu[nom] = {outil: zone.area for outil, zone in zones.items()}
    print(nom, rendu[nom])
    if nom == "recouvert":
        dedans = {outil: bool(zone.contains(Point(5, 5))) for outil, zone in zones.items()}
        print("point (5, 5) dedans :", dedans)
assert rendu["recouvert"] == {"make_valid": 80, "structure": 92, "buffer(0)": 92, "GeoSeries": 80}
assert rendu["croisé"] == {"make_valid": 75, "structure": 75, "buffer(0)": 50, "GeoSeries": 75}
P
