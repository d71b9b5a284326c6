#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# esda (autocorrélation spatiale, PySAL) : une seule commune sans donnée, et tout devient « significatif ».
# Pronostic : une valeur manquante est refusée, ou rend un p manquant comme l'indice.
# Constat : l'indice est bien nan, mais p_sim vaut 1/(permutations+1), le plus petit p possible, sans
# avertissement ; en local, les 25 communes sont toutes dans le quadrant 3 (bas-bas) et toutes significatives.
# Conséquence pour un diagnostic : masquer les manquants avant l'appel ; ne jamais lire p_sim sans l'indice.
"$dossier/venv/bin/pip" install -q 'esda==2.9.0' 'libpysal==4.14.1' 'pandas==3.1.1' 'geopandas==1.2.0' 'numpy<2.5'
"$dossier/venv/bin/python" -W error::UserWarning - <<'P'
import esda, numpy as np
from libpysal.weights import lat2W

grille = lat2W(5, 5)
taux = np.random.default_rng(1).normal(60, 5, 25)
complet = esda.Moran(taux, grille)
taux[3] = np.nan
moran = esda.Moran(taux, grille)
local = esda.Moran_Local(taux, grille)
print(f"esda {esda.__version__}")
print(f"sans manquant : I = {complet.I:.3f}, p_sim = {complet.p_sim:.3f}")
print(f"un manquant sur 25 : I = {moran.I}, p_sim = {moran.p_sim:.3f}, p_norm = {moran.p_norm}")
print("local : quadrants", sorted({int(q) for q in local.q}), "; communes à p_sim = 0,001 :", int((local.p_sim == 0.001).sum()))
assert complet.p_sim > 0.05
assert np.isnan(moran.I) and np.isnan(moran.p_norm) and moran.p_sim == 0.001
assert set(local.q) == {3} and (local.p_sim == 0.001).all()
P
