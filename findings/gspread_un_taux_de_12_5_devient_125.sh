#!/usr/bin/env bash
# gspread (classeurs Google, get_all_records) : dans un classeur en français, un taux affiché « 12,5 » est lu 125, et « 01001 » 1001.
# Pronostic : une case à virgule reste du texte, à convertir soi-même ; au pire elle est refusée.
# Constat : la virgule est ôtée, en séparateur de milliers qu'elle serait aux États-Unis : 12,5 vaut 125, 7,25 vaut 725, et 9 reste 9.
# « 12,5 % » reste du texte. numericise_ignore=["all"] garde toutes les cases telles qu'affichées.
# Conséquence : des taux multipliés par dix ou cent selon leurs décimales, mêlés à des entiers justes ; demander le texte, ou les valeurs brutes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'gspread==6.2.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import gspread

print("gspread", version("gspread"))
cases = [["code", "taux"], ["01001", "12,5"], ["53012", "7,25"], ["2A004", "9"], ["75056", "12,5 %"]]


class Service(gspread.http_client.HTTPClient):
    """Rend les cases affichées du classeur, comme le ferait le service."""

    def __init__(self):
        pass

    def values_get(self, *_, **__):
        return {"range": "Taux!A1:B5", "majorDimension": "ROWS", "values": cases}


proprietes = {"sheetId": 0, "title": "Taux", "index": 0, "sheetType": "GRID", "gridProperties": {"rowCount": 5, "columnCount": 2}}
feuille = gspread.Worksheet(None, proprietes, "classeur", Service())
lus = [tuple(ligne.values()) for ligne in feuille.get_all_records()]
tels = [tuple(ligne.values()) for ligne in feuille.get_all_records(numericise_ignore=["all"])]
print("attendu  :", [tuple(c) for c in cases[1:]], "ou 12.5 et 7.25\nconstaté :", lus)
assert lus == [(1001, 125), (53012, 725), ("2A004", 9), (75056, "12,5 %")], "le comportement a changé"
assert tels == [tuple(c) for c in cases[1:]]
PY
