#!/usr/bin/env bash
# great_tables réglé en français : les séparateurs des nombres sont français, la place des signes ne l'est pas.
# Pronostic : locale="fr" donne « 1 234,50 € », « 61 % » (de 60,5 %) et « lundi 1 janvier 2024 ».
# Constat : « €1 234,50 », « 60% » et « lundi, janvier 1, 2024 » ; de plus 60,5 % s'affiche 60 % et 2,5 s'affiche 2
# (moitié vers le pair), là où un tableur affiche 61 et 3.
# Conséquence : un tableau de note se relit avant de partir, et un entier affiché ne se compare pas à celui du tableur.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'great-tables==1.1.0' 'pandas==3.1.1' 'polars==2.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import html
from importlib.metadata import version

from great_tables import vals

print("great-tables", version("great-tables"))
constat = [
    *vals.fmt_currency([1234.5], currency="EUR", locale="fr"),
    *vals.fmt_percent([0.605], decimals=0, locale="fr"),
    *vals.fmt_date(["2024-01-01"], date_style="wday_month_day_year", locale="fr"),
    *vals.fmt_integer([2.5], locale="fr"),
]
constat = [html.unescape(c).replace("\u202f", " ").replace("\xa0", " ") for c in constat]
print("attendu  :", ["1 234,50 €", "61 %", "lundi 1 janvier 2024", "3"], "\nconstaté :", constat)
assert constat == ["€1 234,50", "60%", "lundi, janvier 1, 2024", "2"], "le comportement a changé"
PY
