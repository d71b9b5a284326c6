#!/usr/bin/env bash
# SQLite : la moyenne d'une colonne de taux restée en texte (« 60,9 », « s ») se calcule, sans un mot, et elle est fausse.
# Pronostic : une erreur de conversion, comme dans DuckDB.
# Constat : chaque texte est lu jusqu'au premier signe qui n'est pas d'un nombre : 60,9 vaut 60, 1 234 vaut 1, et « s » vaut 0 tout en
# comptant au dénominateur. « taux > 50 » compare, lui, lettre à lettre : 9,5 passe, « s » aussi, et c'est le maximum.
# Conséquence : un taux moyen plausible et faux à la sortie d'un fichier français ; convertir avant de charger.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'apsw==3.54.1.0' 'duckdb==2.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import apsw
import duckdb

print("SQLite", apsw.sqlite_lib_version(), "; duckdb", duckdb.__version__)
lignes = [("Laval", "60,9"), ("Évron", "9,5"), ("Craon", "s")]
base = apsw.Connection(":memory:")
base.execute("create table t (commune text, taux text)")
base.executemany("insert into t values (?, ?)", lignes)
(moyenne, maximum), = base.execute("select avg(taux), max(taux) from t")
milliers, = next(base.execute("select cast('1 234' as integer)"))
seuil = [commune for commune, in base.execute("select commune from t where taux > 50")]
voisin = duckdb.connect()
voisin.execute("create table t (commune text, taux text)")
voisin.executemany("insert into t values (?, ?)", lignes)
try:
    refus = voisin.sql("select avg(taux::double) from t").fetchall()
except duckdb.ConversionException:
    refus = "refusé"
print("attendu  :", refus, "(ou 35,2 sur les deux connues)\nconstaté :", moyenne, "; maximum", maximum, "; au-dessus de 50 :", seuil)
assert refus == "refusé"
assert moyenne == (60 + 9 + 0) / 3 and maximum == "s" and milliers == 1, "le comportement a changé"
assert seuil == ["Laval", "Évron", "Craon"], "le comportement a changé"
PY
