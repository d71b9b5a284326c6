#!/usr/bin/env bash
# pandas et dateutil devant les périodes françaises : le trimestre T2 devient le mois de février.
# Pronostic : « 2024-T2 » (deuxième trimestre) est refusé, comme l'est « 2024-S1 » (semestre) ; « 2024-M03 » aussi.
# Constat : T1, T2, T3 deviennent janvier, février, mars ; « 2024-Q2 » est bien avril ; « 2024-M03 » devient le
# 1er janvier à 0 h 0 min 3 s. Rien n'est dit, et Period en fait des mois.
# Conséquence : une série trimestrielle d'allocataires se retrouve comprimée sur quatre mois ; lire soi-même l'étiquette.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd

print(*(f"{p} {version(p)}" for p in ("pandas", "python-dateutil")), sep=" ; ")
lus = {s: str(pd.to_datetime(s)) for s in ("2024-T1", "2024-T2", "2024-T4", "2024-Q2", "2024-M03")}
print("attendu  : une erreur, ou 2024-T2 = 2024-Q2 = 2024-04-01 et 2024-M03 = 2024-03-01\nconstaté :", lus)
print("Period   :", pd.Period("2024-T2"), pd.Period("2024-T2").freqstr)
try:
    refus = str(pd.to_datetime("2024-S1"))
except ValueError as cause:
    refus = type(cause).__name__
print("2024-S1  :", refus)
assert lus["2024-T2"].startswith("2024-02-01") and lus["2024-T4"].startswith("2024-04-01")
assert lus["2024-Q2"].startswith("2024-04-01") and lus["2024-M03"] == "2024-01-01 00:00:03"
assert pd.Period("2024-T2").freqstr == "M" and refus == "DateParseError", "le comportement a changé"
PY
