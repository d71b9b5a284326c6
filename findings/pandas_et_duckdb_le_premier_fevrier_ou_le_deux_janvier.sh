#!/usr/bin/env bash
# pandas, polars et DuckDB devant les mêmes dates d'ouverture « 01/02/2024 » : le 2 janvier pour l'un, le 1er février pour les autres.
# Pronostic : les trois lisent le jour d'abord, ou demandent.
# Constat : pandas lit le mois d'abord ; qu'une date plus bas (13/04) ne puisse s'y lire, et toute la colonne reste du texte.
# polars et DuckDB lisent le jour d'abord. Aucun ne prévient.
# Conséquence : des places « ouvertes » changent de mois, donc parfois d'année scolaire, selon le lecteur ; dire dayfirst ou le
# format, toujours.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'polars==2.1.0' 'duckdb==2.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import duckdb
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("pandas", "polars", "duckdb")), sep=" ; ")
with open("d.csv", "w", encoding="utf-8") as flux:
    flux.write("creche;ouverte\nA;01/02/2024\nB;03/04/2024\n")
lues = {
    "pandas": [d.date().isoformat() for d in pd.read_csv("d.csv", sep=";", parse_dates=["ouverte"])["ouverte"]],
    "polars": [d.isoformat() for d in pl.read_csv("d.csv", separator=";", try_parse_dates=True)["ouverte"]],
    "duckdb": [d.isoformat() for (d,) in duckdb.sql("select ouverte from read_csv('d.csv')").fetchall()],
}
print("attendu  : 2024-02-01 et 2024-04-03\nconstaté :", lues)
with open("d.csv", "a", encoding="utf-8") as flux:
    flux.write("C;13/04/2024\n")
texte = pd.read_csv("d.csv", sep=";", parse_dates=["ouverte"])["ouverte"].tolist()
assert texte == ["01/02/2024", "03/04/2024", "13/04/2024"], "le comportement a changé"
jour_d_abord, mois_d_abord = ["2024-02-01", "2024-04-03"], ["2024-01-02", "2024-03-04"]
assert lues == {"pandas": mois_d_abord, "polars": jour_d_abord, "duckdb": jour_d_abord}, "le comportement a changé"
PY
