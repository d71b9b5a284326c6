#!/usr/bin/env bash
# esda (lissage bayésien) : une seule commune de population nulle, et plus aucune commune n'a de taux lissé.
# Pronostic : 0 sur 0 n'a pas de taux ; les autres gardent le leur.
# Constat : avec Empirical_Bayes les quatre taux sont nan ; avec Excess_Risk, du même module, seule la commune vide l'est.
# Un avertissement de division par zéro, c'est tout.
# Conséquence : une carte entière en gris pour un hameau sans enfant ; retirer les populations nulles avant de lisser.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'esda==2.9.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from esda.smoothing import Empirical_Bayes, Excess_Risk

print("esda", version("esda"), "; numpy", version("numpy"))
familles, enfants = np.array([5.0, 30.0, 0.0, 3.0]), np.array([100.0, 200.0, 0.0, 50.0])
constat = {c.__name__: np.isnan(c(familles, enfants).r.ravel()).tolist() for c in (Empirical_Bayes, Excess_Risk)}
sans = Empirical_Bayes(familles[[0, 1, 3]], enfants[[0, 1, 3]]).r.ravel()
print("attendu  : une seule manquante\nconstaté :", constat, "; sans la commune vide", sans.round(3))
assert constat["Excess_Risk"] == [False, False, True, False] and not np.isnan(sans).any()
assert constat["Empirical_Bayes"] == [True] * 4, "le comportement a changé"
PY
