#!/usr/bin/env bash
# jours-feries-france (bibliothèque publique des jours fériés) : le 25 décembre est férié, sauf si la date vient de pandas ou porte une heure.
# Pronostic : un datetime est une date, et Timestamp un datetime : la réponse est la même ; sinon l'appel est refusé.
# Constat : vrai pour datetime.date, faux pour datetime.datetime et pour Timestamp, sans erreur : sur l'année 2026 d'un calendrier pandas,
# aucun jour férié. Un texte, lui, est refusé.
# Conséquence : onze jours d'ouverture de trop par an et par crèche ; passer par .dt.date, et vérifier qu'il y a onze jours.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jours-feries-france==0.7.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import pandas as pd
from jours_feries_france import JoursFeries

print("jours-feries-france", version("jours-feries-france"), "; pandas", version("pandas"))
jours = pd.Series(pd.date_range("2026-01-01", "2026-12-31"))
constat = {
    "date": JoursFeries.is_bank_holiday(datetime.date(2026, 12, 25)),
    "datetime": JoursFeries.is_bank_holiday(datetime.datetime(2026, 12, 25, 8, 30)),
    "année, pandas": int(jours.map(JoursFeries.is_bank_holiday).sum()),
    "année, .dt.date": int(jours.dt.date.map(JoursFeries.is_bank_holiday).sum()),
}
print("attendu  : vrai, vrai, 11, 11\nconstaté :", constat)
assert list(constat.values()) == [True, False, 0, 11], "le comportement a changé"
try:
    JoursFeries.is_bank_holiday("2026-12-25")
    raise SystemExit("un texte est accepté : le comportement a changé")
except AttributeError:
    pass
PY
