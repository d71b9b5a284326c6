#!/usr/bin/env bash
# Les mêmes bornes de quotient familial (0, 400, 800, 1 200) et six familles, par six fonctions : cinq répartitions.
# Pronostic : six fois la même, 3-2-1 ou 2-2-2 ; une famille à 0 est dans la première tranche.
# Constat : pandas.cut laisse la famille à 0 hors de toute tranche ; value_counts, du même pandas, et hist de polars la comptent, et mettent 400
# dans la première ; numpy.histogram met 400 dans la deuxième, et 1 200 dans la dernière, que digitize met au-delà ; cut de polars crée une
# tranche de moins l'infini à 0. Rien n'est dit.
# Conséquence : les familles sans ressources, les plus visées, sortent du tableau des tarifs ; écrire les bornes et leur côté.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'polars==2.1.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("pandas", "polars", "numpy")), sep=" ; ")
quotients, bornes = [0, 200, 400, 401, 800, 1200], [0, 400, 800, 1200]
par_polars = pl.Series(quotients).cut(bornes).to_list()
constat = {
    "pandas.cut": pd.Series(pd.cut(quotients, bornes)).value_counts(sort=False).tolist(),
    "pandas.value_counts": pd.Series(quotients).value_counts(bins=bornes, sort=False).tolist(),
    "numpy.histogram": np.histogram(quotients, bornes)[0].tolist(),
    "numpy.digitize": [int((np.digitize(quotients, bornes) == n).sum()) for n in (1, 2, 3, 4)],
    "polars.hist": pl.Series(quotients).hist(bornes)["count"].to_list(),
    "polars.cut": [par_polars.count(t) for t in dict.fromkeys(par_polars)],
}
print("attendu  : un seul découpage, six familles\nconstaté :", constat)
assert constat["pandas.cut"] == [2, 2, 1], "le comportement a changé"
assert constat["pandas.value_counts"] == constat["polars.hist"] == [3, 2, 1], "le comportement a changé"
assert constat["numpy.histogram"] == [2, 2, 2] and constat["numpy.digitize"] == [2, 2, 1, 1], "le comportement a changé"
assert constat["polars.cut"] == [1, 2, 2, 1], "le comportement a changé"
PY
