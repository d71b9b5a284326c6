#!/usr/bin/env bash
# agate (csvkit) et csv-detective (data.gouv.fr) : des communes qui ont 0 ou 1 crèche font une colonne de vrai et de faux.
# Pronostic : une colonne nommée « creches », sans autre valeur que des entiers, est un effectif.
# Constat : les deux la disent booléenne, et csv-detective la rend convertie (False, True) ; il suffit d'une commune à 2 crèches
# pour que ce soit un entier. agate refuse alors la somme.
# Conséquence : deux cantons du même fichier ont deux types, et le total manque dans l'un ; imposer le type.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'agate==1.14.2' 'csv-detective==0.13.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import agate
from csv_detective import routine

print("agate", version("agate"), "; csv-detective", version("csv-detective"))
constat = {}
for creches in ([0, 1, 0, 1], [0, 1, 0, 2]):
    texte = "commune,creches\n" + "".join(f"Commune {'ABCD'[i]},{n}\n" for i, n in enumerate(creches))
    with open("c.csv", "w") as fichier:
        fichier.write(texte)
    analyse = routine("c.csv", num_rows=-1, save_results=False, output_profile=False, verbose=False)
    table = agate.Table.from_csv(io.StringIO(texte))
    try:
        somme = int(table.aggregate(agate.Sum("creches")))
    except agate.exceptions.DataTypeError:
        somme = "somme refusée"
    type_agate = type(table.columns["creches"].data_type).__name__
    constat[str(creches)] = [analyse["columns"]["creches"]["python_type"], type_agate, somme]
print("attendu  : un entier, et sa somme, les deux fois\nconstaté :", constat)
assert constat["[0, 1, 0, 1]"] == ["bool", "Boolean", "somme refusée"], "le comportement a changé"
assert constat["[0, 1, 0, 2]"] == ["int", "Number", 3], "le comportement a changé"
PY
