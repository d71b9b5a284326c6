#!/usr/bin/env bash
# recordlinkage (nettoyage avant rapprochement) : la lettre accentuée disparaît : « Évron » devient « vron », « crèche » « crche ».
# Pronostic : le nettoyage par défaut ôte la casse et la ponctuation, et laisse (ou désaccentue) les lettres.
# Constat : tout ce qui n'est pas a-z ou un chiffre est ôté, « (53) » compris ; avec strip_accents=« unicode », « evron » est gardé.
# La crèche « Éveil » et la crèche « Veil » ont alors le même nom.
# Conséquence : des rapprochements faux entre noms à accents ; passer strip_accents, ou désaccentuer avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'recordlinkage==0.16' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
from recordlinkage.preprocessing import clean

print("recordlinkage", version("recordlinkage"), "; pandas", version("pandas"))
noms = pd.Series(["MAM - Évron", "Crèche « Les Lutins » (53)", "Crèche Éveil", "Crèche Veil"])
defaut, sans_accent = clean(noms).tolist(), clean(noms, strip_accents="unicode").tolist()
print("attendu  :", sans_accent, "\nconstaté :", defaut)
assert sans_accent == ["mam evron", "creche les lutins", "creche eveil", "creche veil"]
assert defaut == ["mam vron", "crche les lutins", "crche veil", "crche veil"], "le comportement a changé"
PY
