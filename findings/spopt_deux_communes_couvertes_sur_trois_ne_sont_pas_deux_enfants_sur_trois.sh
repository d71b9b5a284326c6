#!/usr/bin/env bash
# spopt (PySAL, où placer une crèche) : le modèle cherche à couvrir le plus d'enfants, puis rend la part des communes couvertes.
# Pronostic : perc_cov est la part de la demande couverte, celle que le modèle maximise : 30 enfants sur 330, soit 9 %.
# Constat : perc_cov vaut 66,7, deux communes sur trois, quel que soit leur poids ; l'objectif du problème, lui, compte les enfants. La
# moyenne de PMedian est pesée par les enfants : les deux chiffres de la même bibliothèque ne se lisent pas de même.
# Conséquence : « deux tiers de la population desservie » dit à tort ; diviser l'objectif par la somme des poids.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'spopt==0.7.0' 'pulp==3.3.2' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pulp
from spopt.locate import MCLP, PMedian

print("spopt", version("spopt"))
enfants = np.array([10, 20, 300])
solveur = pulp.PULP_CBC_CMD(msg=False)


def couvrir(minutes):
    modele = MCLP.from_cost_matrix(np.array(minutes), enfants, service_radius=15, p_facilities=1).solve(solveur)
    return round(modele.perc_cov, 1), round(100 * modele.problem.objective.value() / float(enfants.sum()), 1)


bourgs, ville = couvrir([[5], [9], [40]]), couvrir([[50], [60], [4]])
moyenne = PMedian.from_cost_matrix(np.array([[5.0], [9.0], [40.0]]), enfants, p_facilities=1).solve(solveur).mean_dist
print("attendu  : 9,1 % près des deux bourgs, 90,9 % près de la ville\nconstaté : perc_cov et part des enfants :", bourgs, ville)
print("moyenne pesée de PMedian :", round(float(moyenne), 2))
assert bourgs == (66.7, 9.1) and ville == (33.3, 90.9), "le comportement a changé"
assert round(moyenne, 2) == round((10 * 5 + 20 * 9 + 300 * 40) / 330, 2), "le comportement a changé"
PY
