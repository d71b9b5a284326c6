#!/usr/bin/env bash
# pytablewriter (tableaux pour un rapport) et SimpleSQLite (base sans schéma), d'une même famille : le texte « 12,5 » y devient 125.
# Pronostic : un texte s'écrit tel quel ; d'une table pandas dont les colonnes sont de texte, les zéros et les virgules restent.
# Constat : le tableau Markdown montre 125 pour 12,5 et 1001 pour le code 01001, mais garde 2A004 ; la base range 125 et 1001. La virgule est
# prise pour un séparateur de milliers, le type de la colonne (texte) n'est pas regardé, et rien n'est dit.
# Conséquence : un taux décuplé dans le rapport, sous une table de départ juste ; donner les types (type_hints) après la table, ou des nombres.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pytablewriter==1.2.1' 'SimpleSQLite==1.5.4' 'typepy==1.3.5' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import pytablewriter
import simplesqlite

print(*(f"{p} {version(p)}" for p in ("pytablewriter", "SimpleSQLite", "pandas")), sep=" ; ")
table = pd.DataFrame({"code": ["01001", "2A004", "53012"], "taux": ["12,5", "9", "7,25"]})
tableau = pytablewriter.MarkdownTableWriter()
tableau.from_dataframe(table)
lignes = [[case.strip() for case in ligne.strip("|").split("|")] for ligne in tableau.dumps().splitlines()[2:]]
tableau.type_hints = ["str", "str"]
base = simplesqlite.SimpleSQLite("base.sqlite", "w")
base.create_table_from_dataframe(table.drop(index=1), "taux")
rangees = [tuple(ligne.values()) for ligne in base.select_as_dict("taux")]
print("attendu  :", table.to_numpy().tolist(), "\nconstaté :", lignes, rangees)
assert lignes == [["1001", "125"], ["2A004", "9"], ["53012", "725"]], "le comportement a changé"
assert rangees == [(1001, 125), (53012, 725)], "le comportement a changé"
assert "12,5" in tableau.dumps() and "01001" in tableau.dumps()
PY
