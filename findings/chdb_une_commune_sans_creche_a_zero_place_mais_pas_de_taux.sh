#!/usr/bin/env bash
# chdb (ClickHouse dans Python) et DuckDB, la même jointure à gauche sur les mêmes tables pandas : les places absentes valent 0, ou manquent.
# Pronostic : une commune sans ligne à joindre a des colonnes manquantes, comme le veut LEFT JOIN.
# Constat : avec chdb, dans la même ligne, l'entier vaut 0, le nom la chaîne vide, et le décimal manque : cela dépend du type de la colonne
# pandas, pas de la donnée. La moyenne des places passe de 5 à 1,67 ; avec DuckDB, 5. SETTINGS join_use_nulls = 1 rétablit le manque.
# Conséquence : « aucune place » à la place de « pas d'information » pour les communes d'un fichier incomplet ; poser join_use_nulls.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'chdb==4.4.0' 'chdb-core==26.9.0' 'duckdb==2.0.1' 'pandas==3.1.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import chdb
import duckdb
import pandas as pd

print(*(f"{p} {version(p)}" for p in ("chdb", "duckdb", "pandas")), sep=" ; ")
communes = pd.DataFrame({"code": ["01001", "01002", "01003"]})
creches = pd.DataFrame({"code": ["01001"], "places": [5], "nom": ["Pomme"], "taux": [50.0]})
colonnes = "SELECT code, places, nom, taux FROM {} c LEFT JOIN {} p USING (code) ORDER BY code"
moyenne = "SELECT round(avg(places), 2) m FROM {} c LEFT JOIN {} p USING (code)"


def par_chdb(demande, suite=""):
    return chdb.query(demande.format("Python(communes)", "Python(creches)") + suite, "CSV").bytes().decode().split()


def par_duckdb(demande):
    return duckdb.sql(demande.format("communes", "creches")).fetchall()


rendu, reference = par_chdb(colonnes), par_duckdb(colonnes)
moyennes = par_chdb(moyenne), par_chdb(moyenne, " SETTINGS join_use_nulls = 1"), par_duckdb(moyenne)
print("attendu  :", reference, "\nconstaté :", rendu, "; moyennes (chdb, join_use_nulls, duckdb)", moyennes)
assert reference[1] == ("01002", None, None, None)
assert rendu[1] == '"01002",0,"",\\N' and moyennes == (["1.67"], ["5"], [(5.0,)]), "le comportement a changé"
PY
