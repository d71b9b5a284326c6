#!/usr/bin/env bash
# ADBC (SQLite vers Arrow) : une case « s » dans la colonne, et 1 234 567 890,50 € devient le texte « 1.234568e+09 ».
# Pronostic : une colonne mêlée de nombres et d'un « s » est rendue en texte, chaque nombre avec tous ses chiffres ; sinon refusée.
# Constat : les nombres à virgule n'ont plus que sept chiffres, y compris des entiers lus avec eux, et même si le « s » vient après ; 12,25
# s'écrit 1.225000e+01. Sans « s », tout est exact ; avec des entiers seuls et « s », aussi.
# Conséquence : une dépense relue à cent euros près, et des taux qu'un tableur lit comme du texte ; typer la colonne dans la requête.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'adbc-driver-sqlite==1.13.0' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import sqlite3
from importlib.metadata import version

import adbc_driver_sqlite.dbapi

print("adbc-driver-sqlite", version("adbc-driver-sqlite"), "; pyarrow", version("pyarrow"))


def lire(nom, valeurs):
    with sqlite3.connect(nom) as base:
        base.execute("create table t (valeur)")
        base.executemany("insert into t values (?)", [(v,) for v in valeurs])
    with adbc_driver_sqlite.dbapi.connect(f"file:{nom}") as lien, lien.cursor() as curseur:
        curseur.execute("select valeur from t")
        return curseur.fetch_arrow_table()["valeur"].to_pylist()


constat = [
    lire("a.sqlite", [1234567890, 12.25, "s"]),
    lire("b.sqlite", [1234567890.5, "s"]),
    lire("c.sqlite", [1234567890, 12.25, None]),
    lire("d.sqlite", [1234567890, "s"]),
]
print("attendu  : 1234567890 partout\nconstaté :", *constat, sep="\n  ")
assert constat[0] == ["1.234568e+09", "1.225000e+01", "s"], "le comportement a changé"
assert constat[1] == ["1.234568e+09", "s"], "le comportement a changé"
assert constat[2:] == [[1234567890.0, 12.25, None], ["1234567890", "s"]]
PY
