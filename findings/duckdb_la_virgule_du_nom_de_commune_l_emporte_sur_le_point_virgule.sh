#!/usr/bin/env bash
# DuckDB (read_csv) : un fichier à point-virgule, des noms et des taux à virgule, et c'est la virgule qui sépare.
# Pronostic : l'en-tête, qui n'a que des points-virgules, suffit à trouver le séparateur, comme pour csv.Sniffer et clevercsv.
# Constat : quatre colonnes sans nom, « ville;12 » et « 5;13 », lues sans erreur ; l'en-tête est perdu, des chiffres sont coupés en deux.
# csv.Sniffer, clevercsv et pandas (sep=None) trouvent le point-virgule et trois colonnes.
# Conséquence : un taux de 12,5 devient 12 et 5 dans deux colonnes ; dire delim=« ; », toujours.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'duckdb==2.0.1' 'clevercsv==0.8.5' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import csv
from importlib.metadata import version

import clevercsv
import duckdb
import pandas as pd

print(*(f"{p} {version(p)}" for p in ("duckdb", "clevercsv", "pandas")), sep=" ; ")
texte = "commune;taux 2021;taux 2022\nLaval, ville;12,5;13,5\nÉvron, ville;3,2;4,5\n"
with open("taux.csv", "w", encoding="utf-8") as flux:
    flux.write(texte)
temoins = (csv.Sniffer().sniff(texte).delimiter, clevercsv.Sniffer().sniff(texte).delimiter,
           pd.read_csv("taux.csv", sep=None, engine="python").shape[1])
lu = duckdb.sql("select * from read_csv('taux.csv')")
juste = duckdb.sql("select * from read_csv('taux.csv', delim=';')").columns
print("attendu  :", juste, "\nconstaté :", lu.columns, lu.fetchall())
assert temoins == (";", ";", 3) and juste == ["commune", "taux 2021", "taux 2022"]
assert len(lu.columns) == 4 and lu.fetchall()[0] == ("Laval", " ville;12", "5;13", 5), "le comportement a changé"
PY
