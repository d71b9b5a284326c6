#!/usr/bin/env bash
# scipy (plus court chemin sur une matrice de temps) : deux services au même endroit, à zéro minute, se retrouvent à dix minutes.
# Pronostic : zéro minute est le plus court des trajets ; c'est l'absence de route qui s'écrit inf ou manquant.
# Constat : dans une matrice pleine, zéro veut dire « pas de route » : le trajet fait le détour, 10 minutes par le troisième lieu. csr_matrix
# ôte de même les zéros. Écrits un à un dans une matrice creuse, ou donnés à igraph, ils valent zéro. Aucun avertissement.
# Conséquence : une crèche et son relais, même adresse, éloignés par un calcul d'accessibilité ; mettre un temps minimal d'une seconde.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'scipy==1.17.1' 'igraph==1.0.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import igraph
import numpy as np
import scipy
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

print("scipy", scipy.__version__, "; igraph", version("igraph"))
minutes = np.array([[0, 0, 9], [0, 0, 1], [9, 1, 0.0]])
routes = [(0, 1), (0, 2), (1, 2)]
temps = [minutes[r] for r in routes]
ecrites = csr_matrix((temps, tuple(zip(*routes))), shape=(3, 3))
reseau = igraph.Graph(edges=routes, n=3)
constat = {
    "scipy, matrice": dijkstra(minutes)[0, 1],
    "scipy, csr_matrix": dijkstra(csr_matrix(minutes), directed=False)[0, 1],
    "scipy, trajets écrits": dijkstra(ecrites, directed=False)[0, 1],
    "igraph": reseau.distances(0, 1, weights=temps)[0][0],
}
constat = {nom: float(duree) for nom, duree in constat.items()}
print("attendu  : 0 minute\nconstaté :", constat)
assert list(constat.values()) == [10, 10, 0, 0], "le comportement a changé"
PY
