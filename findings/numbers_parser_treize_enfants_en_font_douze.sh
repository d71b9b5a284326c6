#!/usr/bin/env bash
# numbers-parser (classeurs Numbers d'Apple) : treize enfants écrits puis relus font 12,999999999999998, et int() en fait douze.
# Pronostic : un petit entier écrit dans un classeur se relit entier.
# Constat : le nombre décimal du format est remis en binaire par une multiplication : vingt-neuf des entiers de 0 à 199 reviennent à côté,
# 12, 13, 14, 23 à 28, 46 à 57, 92 à 99. 12 n'est plus égal à 12 ; 13, 14, 26 et d'autres passent sous eux-mêmes.
# Conséquence : une crèche « de 12 places et moins » sort de sa catégorie, un effectif perd un enfant ; round() avant tout seuil.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'numbers-parser==4.22.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import warnings
from importlib.metadata import version

from numbers_parser import Document

warnings.simplefilter("ignore")
print("numbers-parser", version("numbers-parser"))
classeur = Document(num_rows=1, num_cols=200)
for effectif in range(200):
    classeur.sheets[0].tables[0].write(0, effectif, effectif)
classeur.save("creches.numbers")
lus = [case.value for case in Document("creches.numbers").sheets[0].tables[0].rows()[0]]
faux = [effectif for effectif, lu in enumerate(lus) if lu != effectif]
tronques = [effectif for effectif, lu in enumerate(lus) if int(lu) != effectif]
print("attendu  : 12, 13, 200 entiers justes\nconstaté :", lus[12], lus[13], ";", len(faux), "à côté", faux, "; un de moins par int()", tronques)
assert len(faux) == 29 and faux[:3] == [12, 13, 14] and tronques[:4] == [13, 14, 26, 27], "le comportement a changé"
assert all(round(lu) == effectif for effectif, lu in enumerate(lus))
PY
