#!/usr/bin/env bash
# string_grouper (rapprocher des noms) : la ville d'Eu, écrite deux fois à l'identique, fait deux groupes, et n'est retrouvée dans aucune liste.
# Pronostic : deux noms identiques se ressemblent à 100 %, quelle que soit leur longueur.
# Constat : un nom n'est comparé que par ses suites de trois lettres ; Eu et Y (Somme) n'en ont pas, et rien ne leur ressemble, pas même
# eux. Craon, lui, se regroupe. Avec ngram_size=2, Eu est retrouvée, Y toujours pas.
# Conséquence : la commune d'Eu garde ses doublons et perd sa population ; rapprocher d'abord les égalités, ou par le code.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'string-grouper==0.8.0' 'pandas==2.3.3' 'scipy==1.15.3' 'numpy==2.0.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
from string_grouper import group_similar_strings, match_most_similar

print("string_grouper", version("string_grouper"), "; pandas", version("pandas"))
noms = pd.Series(["Eu", "Y", "Craon", "Eu", "Y", "Craon"])
officiels = pd.Series(["Craon", "Eu", "Laval", "Y"])
constat = {}
for taille in (3, 2):
    groupes = group_similar_strings(noms, ngram_size=taille).iloc[:, 0].nunique()
    trouves = match_most_similar(officiels, noms[:3], ngram_size=taille).iloc[:, 0].notna().tolist()
    constat[taille] = [groupes, trouves]
print("attendu  : 3 groupes, Eu, Y et Craon trouvés\nconstaté :", constat)
assert constat[3] == [5, [False, False, True]] and constat[2] == [4, [True, False, True]], "le comportement a changé"
PY
