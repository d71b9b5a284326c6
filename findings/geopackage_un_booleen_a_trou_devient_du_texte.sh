#!/usr/bin/env bash
# geopandas et GeoPackage : « ouvert le mercredi » (oui, non, inconnu) revient en texte ou en nombre, jamais en booléen.
# Pronostic : un booléen avec un manquant revient booléen, le manquant compris ; le format a un type booléen.
# Constat : colonne ordinaire [True, None, False] → « True », manquant, « False » (deux textes, donc vrais tous deux) ;
# type « boolean » de pandas → 1.0, nan, 0.0 ; sans manquant, le booléen revient bien booléen.
# Conséquence : le même filtre retient toutes les crèches dès qu'une seule réponse manque ; écrire « oui/non » en toutes lettres.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'geopandas==1.2.0' 'pyogrio==0.13.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import pandas as pd

print(*(f"{p} {version(p)}" for p in ("geopandas", "pyogrio")), sep=" ; ")
points = gpd.points_from_xy([0, 1, 2], [48, 48, 48], crs=4326)
colonnes = {
    "sans manquant": [True, True, False],
    "ordinaire": [True, None, False],
    "boolean": pd.array([True, None, False], dtype="boolean"),
}
relus = {}
for nom, valeurs in colonnes.items():
    gpd.GeoDataFrame({"mercredi": valeurs}, geometry=points).to_file("c.gpkg")
    relus[nom] = [None if pd.isna(v) else v for v in gpd.read_file("c.gpkg")["mercredi"]]
print("attendu  : des booléens\nconstaté :", relus)
assert relus["sans manquant"] == [True, True, False] and relus["ordinaire"] == ["True", None, "False"]
assert relus["boolean"] == [1.0, None, 0.0] and not isinstance(relus["boolean"][0], bool), "a changé"
PY
