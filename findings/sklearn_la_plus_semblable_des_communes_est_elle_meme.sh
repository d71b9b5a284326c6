#!/usr/bin/env bash
# scikit-learn (communes comparables par plus proches voisins) : la première voisine n'est pas toujours la commune elle-même.
# Pronostic : à distance nulle de soi, chaque commune est sa première voisine ; on l'ôte en prenant les suivantes, [:, 1:].
# Constat : trois communes aux mêmes chiffres ont la même liste de voisines, donc la même en tête : deux d'entre elles restent parmi leurs
# propres comparables une fois la première colonne ôtée. kneighbors() sans argument, lui, exclut la ligne elle-même.
# Conséquence : une commune comparée à elle-même quand des chiffres arrondis se répètent ; appeler sans argument, ou ôter par le code.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'scikit-learn==1.9.1' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from sklearn.neighbors import NearestNeighbors

print("scikit-learn", version("scikit-learn"))
noms = np.array(["Laval", "Évron", "Craon", "Angers", "Ernée"])
taux = np.array([[12.0, 3], [12, 3], [12, 3], [40, 9], [5, 1]])
voisins = NearestNeighbors(n_neighbors=3).fit(taux)
avec, sans = voisins.kneighbors(taux)[1], NearestNeighbors(n_neighbors=2).fit(taux).kneighbors()[1]
comparables = {str(noms[i]): [str(n) for n in noms[ligne[1:]]] for i, ligne in enumerate(avec)}
print("attendu  : nulle commune parmi ses comparables\nconstaté :", comparables)
assert sum(n in c for n, c in comparables.items()) == 2, "le comportement a changé"
assert all(i not in ligne for i, ligne in enumerate(sans)), "le comportement a changé"
PY
