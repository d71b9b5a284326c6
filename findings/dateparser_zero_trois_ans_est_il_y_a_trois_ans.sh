#!/usr/bin/env bash
# dateparser (dates en français) : la tranche d'âge « 0-3 ans » est une date, l'année scolaire « 2022-23 » un 23 novembre.
# Pronostic : une tranche d'âge n'est pas une date ; une année scolaire est refusée, comme « 2022-2023 ».
# Constat : lu le 29 novembre 2026, « 0-3 ans » vaut le 29 novembre 2023 et « 2022-23 » le 23 novembre 2022 ; « 2022-2023 » est refusé.
# Le mois et le jour sont ceux où le programme tourne.
# Conséquence : une colonne de tranches d'âge passe pour des dates, qui changent chaque jour ; donner le format attendu.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'dateparser==1.5.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import dateparser

print("dateparser", version("dateparser"))
reglages = {"RELATIVE_BASE": datetime.datetime(2026, 11, 29)}
textes = ("0-3 ans", "2022-23", "2022-2023", "3-11 ans", "septembre 2023")
constat = {t: dateparser.parse(t, languages=["fr"], settings=reglages) for t in textes}
constat = {t: d and d.date().isoformat() for t, d in constat.items()}
print("attendu  : None pour les tranches et les années scolaires\nconstaté :", constat)
assert constat["2022-2023"] is None
assert constat["0-3 ans"] == "2023-11-29" and constat["2022-23"] == "2022-11-23", "le comportement a changé"
PY
