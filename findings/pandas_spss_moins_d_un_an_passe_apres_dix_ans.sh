#!/usr/bin/env bash
# pandas (read_spss, read_stata) sur la même enquête : en Stata les réponses sont dans l'ordre du questionnaire, en SPSS non.
# Pronostic : les deux lecteurs rendent les étiquettes dans l'ordre des codes, et laissent en nombre les codes sans étiquette.
# Constat : read_stata : moins d'un an, 1, 2, 10, catégories ordonnées ; read_spss : 1, 2, 10, moins d'un an, sans ordre, et les modes
# d'accueil par ordre alphabétique. Dans les deux, les âges sont un mélange de nombres et de mots.
# Conséquence : une pyramide des âges qui commence à un an ; lire les codes bruts, et poser soi-même l'ordre et les étiquettes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'pyreadstat==1.3.7' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import pyreadstat

print("pandas", version("pandas"), "; pyreadstat", version("pyreadstat"))
enquete = pd.DataFrame({"age": [0.0, 1, 2, 10], "mode": [1.0, 2, 3, 1]})
etiquettes = {"age": {0: "moins d'un an"}, "mode": {1: "parents", 2: "crèche", 3: "assistante maternelle"}}
pyreadstat.write_dta(enquete, "enquete.dta", variable_value_labels=etiquettes)
pyreadstat.write_sav(enquete, "enquete.sav", variable_value_labels=etiquettes)
lus = {"stata": pd.read_stata("enquete.dta"), "spss": pd.read_spss("enquete.sav")}
constat = {k: {c: (t[c].cat.categories.tolist(), t[c].cat.ordered) for c in t} for k, t in lus.items()}
print("attendu  :", constat["stata"], "\nconstaté :", constat["spss"])
assert constat["stata"]["age"] == (["moins d'un an", 1, 2, 10], True)
assert constat["stata"]["mode"][0] == ["parents", "crèche", "assistante maternelle"]
assert constat["spss"]["age"] == ([1, 2, 10, "moins d'un an"], False), "le comportement a changé"
assert constat["spss"]["mode"][0] == ["assistante maternelle", "crèche", "parents"], "le comportement a changé"
PY
