#!/usr/bin/env bash
# scipy (accord de deux classements, le tau pondéré) : deux millésimes rangent quatre communes pareil, une cinquième est sans donnée : tau de 0,11.
# Pronostic : un manquant rend le tau manquant, comme kendalltau du même paquet, ou écarte la commune : 1.
# Constat : weightedtau range la commune sans donnée à la place la plus basse, sans le dire : 0,11 si elle est première l'autre année, 1 si
# elle y est dernière, comme si elle avait un rang.
# Conséquence : « le classement des communes a été bouleversé » pour un chiffre non parvenu ; ôter la commune des deux listes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'scipy==1.15.3' 'numpy==2.0.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from scipy.stats import kendalltau, weightedtau

print("scipy", version("scipy"), "; numpy", version("numpy"))
avant, premiere, derniere = [1, 2, 3, 4, np.nan], [1.0, 2, 3, 4, 5], [1.0, 2, 3, 4, 0]
constat = [round(float(weightedtau(avant, apres).statistic), 2) for apres in (premiere, derniere)]
sans = round(float(weightedtau(avant[:4], premiere[:4]).statistic), 2)
print("attendu  : manquant, ou", sans, "\nconstaté :", constat, "; kendalltau", kendalltau(avant, premiere).statistic)
assert sans == 1 and np.isnan(kendalltau(avant, premiere).statistic)
assert constat == [0.11, 1.0], "le comportement a changé"
PY
