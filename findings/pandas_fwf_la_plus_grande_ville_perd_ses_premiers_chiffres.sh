#!/usr/bin/env bash
# pandas.read_fwf : dans un fichier à largeur fixe, le grand effectif qui vient après la centième ligne perd ses chiffres de gauche.
# Pronostic : 43 210 est lu en entier, ou la ligne est refusée.
# Constat : les bords des colonnes se devinent sur les cent premières lignes ; ce qui dépasse ensuite tombe entre deux colonnes et
# disparaît sans un mot : 43210 se lit 210, et « Bourg-en-Bresse » perd aussi des lettres au milieu de son nom.
# Conséquence : la seule ville du fichier devient le plus petit village ; donner les largeurs (colspecs), ou infer_nrows très grand.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io

import pandas as pd

print("pandas", pd.__version__)
villages = [f"{1100 + n:05d} {'Commune ' + str(n):<16}{100 + n:>9}" for n in range(100)]
ville = f"01053 {'Bourg-en-Bresse':<16}{43210:>9}"
lire = lambda **options: pd.read_fwf(io.StringIO("\n".join([*villages, ville])), header=None, **options).iloc[-1].tolist()
devine, donne, loin = lire(), lire(colspecs=[(0, 5), (6, 22), (22, 31)]), lire(infer_nrows=1000)
print("attendu  :", donne, "\nconstaté :", devine)
assert donne[-1] == loin[-1] == 43210 and donne[1] == "Bourg-en-Bresse"
assert devine[-1] == 210 and devine[-2] != "Bourg-en-Bresse", "le comportement a changé"
PY
