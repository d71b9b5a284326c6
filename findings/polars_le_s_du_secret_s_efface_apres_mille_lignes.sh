#!/usr/bin/env bash
# polars.read_excel : une case « s » (secret) donne une colonne de texte, sauf si elle arrive après la millième ligne.
# Pronostic : la lecture d'un classeur ne dépend pas de la ligne où se trouve la case ; sinon elle le dit.
# Constat : « s » à la ligne 21 : colonne de texte, « s » gardé ; « s » à la ligne 1201 : colonne d'entiers, la case devient
# null, sans un mot. Le type se décide sur les mille premières lignes.
# Conséquence : le secret se confond avec l'absence, mais dans la moitié de la France seulement ; passer
# infer_schema_length=None.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'polars==2.1.0' 'fastexcel==0.21.0' 'openpyxl==3.1.5' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import openpyxl
import polars as pl

print(*(f"{p} {version(p)}" for p in ("polars", "fastexcel")), sep=" ; ")


def lire(rang, **options):
    classeur = openpyxl.Workbook()
    classeur.active.append(["code", "enfants"])
    for i in range(1500):
        classeur.active.append([f"c{i}", "s" if i == rang else i])
    classeur.save("c.xlsx")
    return pl.read_excel("c.xlsx", **options)["enfants"][rang]


constat = {"ligne 20": lire(20), "ligne 1200": lire(1200), "ligne 1200, tout lu": lire(1200, infer_schema_length=None)}
print("attendu  : s, partout\nconstaté :", constat)
assert constat == {"ligne 20": "s", "ligne 1200": None, "ligne 1200, tout lu": "s"}, "le comportement a changé"
PY
