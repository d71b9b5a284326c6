#!/usr/bin/env bash
# csv-diff (comparer deux millésimes d'un fichier) : une commune a deux lignes, la première change, et « rien n'a changé ».
# Pronostic : une clé en double est refusée, ou ses lignes sont toutes comparées.
# Constat : seule la dernière ligne de chaque clé est gardée ; le passage de 12 à 35 places de la première n'apparaît nulle part,
# et la ligne de trop non plus. La même modification sans doublon est bien vue.
# Conséquence : un fichier à deux structures par commune paraît stable ; vérifier d'abord que la clé est unique.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'csv-diff==1.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

from csv_diff import compare, load_csv

print("csv-diff", version("csv-diff"))


def ecart(avant, apres):
    lu = [load_csv(io.StringIO("code,places\n" + lignes), key="code") for lignes in (avant, apres)]
    return {quoi: valeur for quoi, valeur in compare(*lu).items() if valeur}


simple = ecart("53084,12\n53130,20\n", "53084,35\n53130,20\n")
double = ecart("53084,12\n53084,10\n53130,20\n", "53084,35\n53084,10\n53130,20\n")
print("attendu  : 12 devenu 35, les deux fois\nconstaté :", simple, double)
assert simple == {"changed": [{"key": "53084", "changes": {"places": ["12", "35"]}}]} and double == {}, "le comportement a changé"
PY
