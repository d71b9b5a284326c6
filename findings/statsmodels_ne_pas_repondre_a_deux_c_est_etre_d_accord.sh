#!/usr/bin/env bash
# statsmodels (accord entre évaluateurs, kappa de Fleiss) : deux conseillers qui n'ont rien coché sur deux dossiers y sont « d'accord ».
# Pronostic : un dossier sans note est écarté, refusé, ou rend le kappa manquant.
# Constat : aggregate_raters compte le manquant comme une modalité de plus : le kappa passe de 0,33 à 0,70, de « faible » à « fort », pour deux
# dossiers que personne n'a regardés. Rien n'est dit ; la liste des modalités rendue porte bien un nan.
# Conséquence : une grille d'instruction validée par ses cases vides ; ôter les dossiers incomplets, et dire combien.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'statsmodels==0.15.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

print("statsmodels", version("statsmodels"), "; numpy", version("numpy"))
notes = np.array([[1, 1], [2, 2], [1, 2], [np.nan, np.nan], [np.nan, np.nan]])
complets, modalites = aggregate_raters(notes[:3])
tous, avec_vide = aggregate_raters(notes)
constat = round(float(fleiss_kappa(complets)), 2), round(float(fleiss_kappa(tous)), 2)
print("attendu  : 0,33 dans les deux cas, ou un refus\nconstaté : (trois dossiers notés, avec les deux vides)", constat)
assert len(modalites) == 2 and constat == (0.33, 0.7) and np.isnan(avec_vide[-1]), "le comportement a changé"
PY
