#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# branca (les échelles de couleur de folium) : une commune sans donnée prend la couleur la plus forte.
# Pronostic : les deux échelles traitent un nan de la même façon, par une couleur neutre ou une erreur.
# Constat : StepColormap(nan) rend la dernière couleur, celle du maximum, sans rien dire ; LinearColormap(nan)
# lève ValueError. Ailleurs, mapclassify range un nan dans la première classe : la même commune serait au plus
# haut ou au plus bas selon la pièce qui la peint.
# Conséquence : séparer les manquants avant de classer, et les hachurer soi-même.
"$dossier/venv/bin/pip" install -q 'branca==0.8.2' 'mapclassify==2.10.0' 'numpy<2.5'
"$dossier/venv/bin/python" -W ignore - <<'P'
import branca, mapclassify, numpy as np
from branca.colormap import LinearColormap, StepColormap

couleurs = ["#eeeeee", "#888888", "#111111"]
paliers = StepColormap(couleurs, index=[0, 10, 20, 30], vmin=0, vmax=30)
continu = LinearColormap(couleurs, vmin=0, vmax=30)
manquant, maximum = paliers(float("nan")), paliers(29)
try:
    suite = continu(float("nan"))
except ValueError as erreur:
    suite = f"ValueError ({erreur})"
classe = mapclassify.Quantiles(np.array([1, 2, 3, 4, np.nan, 6, 7, 8, 9.0]), k=3).yb[4]
print("branca", branca.__version__, "; mapclassify", mapclassify.__version__)
print("StepColormap : nan →", manquant, "; maximum →", maximum)
print("LinearColormap : nan →", suite)
print("mapclassify.Quantiles : nan → classe", classe)
assert manquant == maximum == "#111111ff" and suite.startswith("ValueError") and classe == 0
P
