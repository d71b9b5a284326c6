#!/usr/bin/env bash
# pandas.pivot_table avec totaux : dans la même ligne, la case d'un manquant vaut 0 et le total de la ligne est manquant.
# Pronostic : la case et le total de la ligne suivent la même règle, tous deux 0 ou tous deux manquants.
# Constat : une commune dont l'unique valeur manque a 0,0 dans sa case et nan dans « All » ; groupby().sum() rend 0.
# Conséquence : la ligne ne somme plus à son total, et le 0 se lit comme une mesure ; passer aggfunc avec min_count=1 et
# recalculer les totaux soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd

print("pandas", version("pandas"))
table = pd.DataFrame({"commune": ["A", "A", "B"], "age": ["0-2", "3-5", "0-2"], "enfants": [10.0, 20.0, None]})
pivot = table.pivot_table(index="commune", columns="age", values="enfants", aggfunc="sum", margins=True)
case, total = pivot.loc["B", "0-2"], pivot.loc["B", "All"]
print(pivot, "\nattendu  : case et total de B d'accord\nconstaté : case", case, "; total", total)
assert case == 0.0 and pd.isna(total) and table.groupby("commune")["enfants"].sum()["B"] == 0.0, "a changé"
PY
