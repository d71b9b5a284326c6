#!/usr/bin/env bash
# ibis (une expression, plusieurs moteurs) : compter les modes d'accueil, mettre un âge en entier, prendre le plus petit de deux
# effectifs dépendent du moteur.
# Pronostic : la même expression rend la même valeur sur DuckDB, polars et SQLite ; c'est la promesse du paquet.
# Constat : deux modes et un manquant : 2, 3 (polars) et 2 ; 1,5 an mis en entier : 2 (DuckDB), 1 et 1 ; le plus petit d'un effectif
# connu et d'un inconnu : l'effectif, l'effectif, et manquant (SQLite). La moyenne et la somme s'accordent.
# Conséquence : un chiffre qui change quand on change de moteur « sans rien changer » ; compter et arrondir hors d'ibis.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'ibis-framework[duckdb,polars,sqlite]==12.0.0' 'duckdb==1.5.6' 'polars==2.1.0' 'sqlglot==27.29.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import ibis
import polars as pl

print(*(f"{p} {version(p)}" for p in ("ibis-framework", "duckdb", "polars")), sep=" ; ")
effectifs = {"a": [10.0, 4.0, None], "b": [12.0, None, 7.0]}
lignes = pl.DataFrame({"mode": ["crèche", None, "domicile"], "age": [1.5, 2.5, 3.5]} | effectifs)
constat = {}
for nom, moteur in {"duckdb": ibis.duckdb, "polars": ibis.polars, "sqlite": ibis.sqlite}.items():
    t = moteur.connect().create_table("t", lignes.to_arrow())
    petits = ibis.least(t.a, t.b).name("m").execute().tolist()
    constat[nom] = {
        "modes": int(t["mode"].nunique().execute()),
        "âges entiers": t.age.cast("int64").execute().tolist(),
        "plus petits": [None if m != m or m is None else m for m in petits],
        "moyenne": float(t.a.mean().execute()),
    }
print("attendu  : trois fois la même ligne\nconstaté :", *constat.items(), sep="\n  ")
assert [c["modes"] for c in constat.values()] == [2, 3, 2], "le comportement a changé"
assert [c["âges entiers"][0] for c in constat.values()] == [2, 1, 1], "le comportement a changé"
assert [c["plus petits"] for c in constat.values()] == [[10, 4, 7], [10, 4, 7], [10, None, None]], "le comportement a changé"
assert {c["moyenne"] for c in constat.values()} == {7.0}
PY
