#!/usr/bin/env bash
# pycanon (mesure du k-anonymat d'un fichier avant publication) : l'enfant seul de sa combinaison n'est pas compté si
# sa commune manque.
# Pronostic : une commune manquante forme sa propre classe, d'une personne : k = 1, comme si elle était nommée.
# Constat : k = 3 avec la case vide, k = 1 avec n'importe quel nom ; la ligne écartée ne l'est pas dans ce qui sera publié.
# Conséquence : un fichier déclaré « 3-anonyme » contient un cas unique ; remplir les manquants d'une modalité avant de mesurer.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pycanon==1.0.1.post2' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
from pycanon import anonymity

print(*(f"{p} {version(p)}" for p in ("pycanon", "pandas")), sep=" ; ")
constats = {}
for derniere in (None, "Évron"):
    fichier = pd.DataFrame({"commune": ["Laval"] * 3 + [derniere], "age": ["0-2"] * 4, "aide": [1, 1, 2, 3]})
    constats[derniere] = anonymity.k_anonymity(fichier, ["commune", "age"])
print("attendu  : k = 1 dans les deux cas\nconstaté :", constats)
assert constats == {None: 3, "Évron": 1}, "le comportement a changé"
PY
