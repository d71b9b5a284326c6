#!/usr/bin/env bash
# pyshp (écriture de shapefile) : dans un champ numérique, 60,7 devient 60 ; dans un champ de texte, un manquant devient le mot « None ».
# Pronostic : un champ numérique garde les décimales ou les arrondit ; un manquant reste manquant.
# Constat : sans nombre de décimales, le champ « N » coupe 60,7 à 60 sans arrondir ni prévenir ; None dans un champ « C » est
# relu « None », par pyshp comme par geopandas.
# Conséquence : un taux perd presque un point, et une crèche s'appelle None ; préciser decimal=1, et écrire du texte vide.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyshp==3.1.6' 'geopandas==1.2.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import geopandas as gpd
import shapefile

print(*(f"{p} {version(p)}" for p in ("pyshp", "geopandas")), sep=" ; ")
with shapefile.Writer("s") as sortie:
    sortie.field("taux", "N")
    sortie.field("precis", "N", decimal=1)
    sortie.field("creche", "C")
    sortie.point(0, 0)
    sortie.record(60.7, 60.7, None)
    sortie.point(0, 1)
    sortie.record(None, None, "Les Lutins")
with shapefile.Reader("s") as lecteur:
    relu = [list(ligne) for ligne in lecteur.records()]
ailleurs = gpd.read_file("s.shp")["creche"].tolist()
print("attendu  : 60.7 et un manquant\nconstaté :", relu, "; geopandas :", ailleurs)
assert relu == [[60, 60.7, "None"], [None, None, "Les Lutins"]] and ailleurs == ["None", "Les Lutins"], "a changé"
PY
