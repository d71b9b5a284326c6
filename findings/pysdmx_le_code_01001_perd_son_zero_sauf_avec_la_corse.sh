#!/usr/bin/env bash
# pysdmx (la bibliothèque SDMX de la BRI) : dans un SDMX-CSV, la commune 01001 devient 1001, et la tranche d'âge 00 devient 0.
# Pronostic : une dimension SDMX est un code, donc un texte, rendu tel quel.
# Constat : les colonnes sont d'abord devinées, puis remises en texte : « 1001 », de type texte, ne laisse rien voir. Qu'une commune de Corse
# (2A004) soit dans le fichier, et 01001 garde son zéro.
# Conséquence : un jeu de l'Ain ne se joint plus à la liste des communes, celui de la France oui ; relire les codes, ou lire le CSV soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pysdmx[csv,data]==1.21.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from pysdmx.io import read_sdmx

print("pysdmx", version("pysdmx"), "; pandas", version("pandas"))


def codes(*communes):
    lignes = [f"dataflow,FR1:POP(1.0),I,{c},00,2023,12" for c in communes]
    with open("pop.csv", "w") as fichier:
        fichier.write("\n".join(["STRUCTURE,STRUCTURE_ID,ACTION,GEO,AGE,TIME_PERIOD,OBS_VALUE", *lignes]) + "\n")
    table = read_sdmx("pop.csv", validate=False).data[0].data
    return table["GEO"].tolist(), sorted(set(table["AGE"].astype(str)))


constat = codes("01001", "01004"), codes("01001", "2A004")
print("attendu  : 01001 et l'âge 00 dans les deux\nconstaté :", constat)
assert constat == ((["1001", "1004"], ["0"]), (["01001", "2A004"], ["0"])), "le comportement a changé"
PY
