#!/usr/bin/env bash
# pyproj (surface géodésique) : le trou d'un territoire s'ajoute à sa surface au lieu d'en être ôté, selon le sens du tracé.
# Pronostic : Geod.geometry_area_perimeter ôte un anneau intérieur, comme shapely, quel que soit son sens.
# Constat : tracés dans le même sens, le trou s'ajoute (9 532 km² au lieu de 6 903) ; en sens contraires, il s'ôte. shapely
# trouve la même proportion dans tous les cas.
# Conséquence : une communauté de communes qui en entoure une autre a une surface trop grande de 38 % ici, donc une densité fausse ; orienter avant
# (shapely.orient_polygons) ou projeter.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyproj==3.7.2' 'shapely==2.2.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import shapely
from pyproj import Geod

print(*(f"{p} {version(p)}" for p in ("pyproj", "shapely")), sep=" ; ")
tour, trou = shapely.box(-1, 48, 0, 49).exterior.coords[:], shapely.box(-0.7, 48.3, -0.3, 48.7).exterior.coords[:]
geode = Geod(ellps="GRS80")
plein = geode.geometry_area_perimeter(shapely.Polygon(tour))[0]
constats = {}
for nom, dedans in (("même sens", trou), ("sens contraires", trou[::-1])):
    zone = shapely.Polygon(tour, [dedans])
    constats[nom] = (round(geode.geometry_area_perimeter(zone)[0] / plein, 2), round(zone.area, 2))
print("attendu  : part restante 0.84 partout\nconstaté (géodésique, plane) :", constats)
redresse = geode.geometry_area_perimeter(shapely.orient_polygons(shapely.Polygon(tour, [trou])))[0] / plein
print("après orientation :", round(redresse, 2))
assert constats == {"même sens": (1.16, 0.84), "sens contraires": (0.84, 0.84)} and round(redresse, 2) == 0.84
PY
