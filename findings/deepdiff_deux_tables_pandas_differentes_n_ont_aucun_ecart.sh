#!/usr/bin/env bash
# deepdiff (comparer deux millésimes) : deux tables pandas dont un chiffre diffère n'ont « aucun écart » ; en polars, un.
# Pronostic : une table se compare par ses cases, comme une liste, une série ou un tableau ; sinon l'appel est refusé.
# Constat : seuls les noms de colonnes sont comparés : {} pour 12 places contre 35, et même pour une table deux fois plus longue.
# La série pandas, le tableau numpy et la table polars donnent bien l'écart.
# Conséquence : une mise à jour déclarée « identique » qui ne l'est pas ; passer par to_dict(), ou par DataFrame.compare.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'deepdiff==9.1.0' 'pandas==3.1.1' 'polars==2.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import polars as pl
from deepdiff import DeepDiff

print(*(f"{p} {version(p)}" for p in ("deepdiff", "pandas", "polars")), sep=" ; ")
avant = pd.DataFrame({"commune": ["Craon", "Laval"], "places": [12, 120]})
apres, double = avant.assign(places=[35, 120]), pd.concat([avant, avant])
constat = {
    "pandas": DeepDiff(avant, apres),
    "pandas, deux fois plus longue": DeepDiff(avant, double),
    "série pandas": DeepDiff(avant["places"], apres["places"]),
    "polars": DeepDiff(pl.DataFrame(avant.to_dict("list")), pl.DataFrame(apres.to_dict("list"))),
    "dictionnaires": DeepDiff(avant.to_dict("records"), apres.to_dict("records")),
}
print("attendu  : un écart partout\nconstaté :", constat)
assert [bool(ecart) for ecart in constat.values()] == [False, False, True, True, True], "le comportement a changé"
PY
