#!/usr/bin/env bash
# pyjanitor (clean_names) : sans caractères spéciaux, « + de 65 ans » et « - de 65 ans » ont le même nom, et « Âge » devient « ge ».
# Pronostic : deux colonnes distinctes restent distinctes, ou l'appel est refusé ; l'accent est ôté de la lettre, comme par défaut.
# Constat : avec remove_special=True, deux colonnes « _de_65_ans », et la lettre accentuée part avec son accent : « ge_moyen ».
# Sans l'option, l'accent seul part : « age_moyen ». Aucun avertissement pour le doublon.
# Conséquence : table[« _de_65_ans »] rend deux colonnes, et une somme les confond ; renommer à la main les bornes d'âge.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyjanitor==0.32.60' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import janitor  # noqa: F401
import pandas as pd

print("pyjanitor", version("pyjanitor"), "; pandas", version("pandas"))
table = pd.DataFrame([[120, 80, 41.5]], columns=["+ de 65 ans", "- de 65 ans", "Âge moyen"])
defaut = table.clean_names().columns.tolist()
sans = table.clean_names(remove_special=True).columns.tolist()
print("attendu  : trois noms distincts\nconstaté :", sans, "; par défaut", defaut)
assert len(set(defaut)) == 3 and defaut[2] == "age_moyen"
assert sans == ["_de_65_ans", "_de_65_ans", "ge_moyen"], "le comportement a changé"
PY
