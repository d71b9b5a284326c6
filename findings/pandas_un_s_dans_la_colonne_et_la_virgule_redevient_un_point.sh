#!/usr/bin/env bash
# pandas (to_csv, decimal=« , ») : un seul « s » de secret dans la colonne, et tous ses taux s'écrivent avec un point.
# Pronostic : decimal=« , » vaut pour tout nombre écrit, quel que soit le type de la colonne.
# Constat : la colonne de nombres s'écrit 12,5 ; avec un « s », elle est de type objet et s'écrit 12.5, float_format compris.
# Il en va de même des Decimal que rend une base de données. La colonne d'à côté garde sa virgule.
# Conséquence : Excel en français prend 12.5 pour un texte ou pour le 12 mai ; mettre en forme soi-même toute colonne mêlée.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from decimal import Decimal
from importlib.metadata import version

import pandas as pd

print("pandas", version("pandas"))
table = pd.DataFrame({
    "commune": ["53012", "53084"],
    "plein": [12.5, 3.25],
    "avec_secret": [12.5, "s"],
    "decimal": [Decimal("12.5"), Decimal("3.25")],
})
for options in ({}, {"float_format": "%.1f"}):
    lignes = table.to_csv(sep=";", decimal=",", index=False, **options).splitlines()
    print("attendu  : 53012;12,5;12,5;12,5\nconstaté :", lignes[1])
    assert lignes[1] == "53012;12,5;12.5;12.5", "le comportement a changé"
    assert lignes[2].endswith(";s;3.25"), "le comportement a changé"
PY
