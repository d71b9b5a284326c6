#!/usr/bin/env bash
# pandera (contrôle d'un registre par schéma) : « non » est validé comme un booléen vrai, et 2,7 places comme 2.
# Pronostic : un schéma qui convertit refuse ce qui n'est pas convertible sans perte.
# Constat : colonne booléenne, coerce=True : « oui », « non », « False » donnent trois fois vrai, seule la case vide donne faux ;
# colonne entière : 2,7 devient 2. Le fichier est déclaré conforme.
# Conséquence : toutes les crèches deviennent ouvertes le mercredi ; contrôler les modalités (isin) avant de convertir.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandera==0.35.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
import pandera.pandas as pa

print("pandera", version("pandera"), "; pandas", version("pandas"))
table = pd.DataFrame({"mercredi": ["oui", "non", "False", ""], "places": [2.7, 3.2, 4.0, 5.9]})
schema = pa.DataFrameSchema({"mercredi": pa.Column(bool, coerce=True), "places": pa.Column(int, coerce=True)})
valide = schema.validate(table)
constat = {c: valide[c].tolist() for c in valide}
print("attendu  : un refus\nconstaté :", constat)
assert constat == {"mercredi": [True, True, True, False], "places": [2, 3, 4, 5]}, "le comportement a changé"
PY
