#!/usr/bin/env bash
# frformat (contrôle des formats français) : le numéro RNA d'une association de La Réunion n'est pas un numéro RNA.
# Pronostic : les numéros de l'outre-mer (W9R…, W9G…) et de la Corse (W2A…, W2B…) sont valides comme ceux de la Mayenne (W53…).
# Constat : seuls W et neuf chiffres passent, les trois autres formes sont refusées ; csv-detective, du même monde, reconnaît une
# colonne mayennaise comme « code_rna » et une réunionnaise comme « code_waldec ». Les codes de commune d'outre-mer, eux, passent.
# Conséquence : les associations gestionnaires de crèches de l'outre-mer et de Corse sont déclarées en erreur ; élargir le contrôle.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'frformat==0.5.0' 'csv-detective==0.13.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from csv_detective import routine
from frformat import CodeCommuneInsee, CodeRNA, Millesime

print("frformat", version("frformat"), "; csv-detective", version("csv-detective"))
formes = {"Mayenne": "W53{:07d}", "La Réunion": "W9R{:07d}", "Guadeloupe": "W9G{:07d}", "Corse-du-Sud": "W2A{:07d}"}
valides = {lieu: CodeRNA().is_valid(forme.format(1000)) for lieu, forme in formes.items()}
reconnus = {}
for lieu in ("Mayenne", "La Réunion"):
    with open("a.csv", "w") as fichier:
        fichier.write("rna,nom\n" + "".join(formes[lieu].format(1000 + i) + f",Les Lutins {i}\n" for i in range(40)))
    analyse = routine("a.csv", num_rows=-1, save_results=False, output_profile=False, verbose=False)
    reconnus[lieu] = analyse["columns"]["rna"]["format"]
print("attendu  : valides et reconnus partout\nconstaté :", valides, reconnus)
assert list(valides.values()) == [True, False, False, False], "le comportement a changé"
assert reconnus == {"Mayenne": "code_rna", "La Réunion": "code_waldec"}, "le comportement a changé"
assert CodeCommuneInsee(Millesime.LATEST).is_valid("97411")
PY
