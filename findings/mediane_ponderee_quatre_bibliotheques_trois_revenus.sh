#!/usr/bin/env bash
# La médiane pondérée de trois communes, par quatre bibliothèques : 2,0, 2,33 ou 2,5.
# Pronostic : une médiane pondérée par des effectifs est la médiane de la liste où chaque commune est répétée.
# Constat : statsmodels et weightedstats rendent 2,5, comme la liste répétée ; numpy (sa seule méthode pondérée) 2,0 ; wquantiles 2,33.
# Aux revenus 15 000, 20 000, 30 000 pesés 100, 1 000, 50 : wquantiles rend 19 773, une valeur que nul ne porte.
# Conséquence : un revenu médian d'EPCI qui dépend du paquet installé ; nommer la définition avec le chiffre.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'numpy==2.4.6' 'statsmodels==0.15.0' 'weightedstats==0.4.1' 'wquantiles==0.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import weightedstats
import wquantiles
from statsmodels.stats.weightstats import DescrStatsW

print(*(f"{p} {version(p)}" for p in ("numpy", "statsmodels", "weightedstats", "wquantiles")), sep=" ; ")


def medianes(valeurs, poids):
    valeurs, poids = np.array(valeurs, float), np.array(poids)
    return {
        "répétée": float(np.median(np.repeat(valeurs, poids))),
        "statsmodels": float(DescrStatsW(valeurs, weights=poids).quantile(0.5).iloc[0]),
        "weightedstats": float(weightedstats.weighted_median(valeurs.tolist(), weights=poids.tolist())),
        "numpy": float(np.quantile(valeurs, 0.5, weights=poids, method="inverted_cdf")),
        "wquantiles": round(float(wquantiles.median(valeurs, poids)), 2),
    }


petits, revenus = medianes([1, 2, 3], [1, 1, 2]), medianes([15_000, 20_000, 30_000], [100, 1_000, 50])
print("attendu  :", petits["répétée"], "partout\nconstaté :", petits, revenus)
assert list(petits.values()) == [2.5, 2.5, 2.5, 2.0, 2.33], "le comportement a changé"
assert list(revenus.values()) == [20_000, 20_000, 20_000, 20_000, 19_772.73], "le comportement a changé"
PY
