#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# num2words (montants en toutes lettres d'une convention) : 2600 euros s'écrivent « vingt-six euros ».
# Pronostic : to="currency" lit 2600 comme deux mille six cents euros ; 80e s'écrit « quatre-vingtième ».
# Constat : un entier est compté en centimes, un décimal en euros ; l'ordinal de 80 garde le s du cardinal.
# Conséquence : passer un Decimal à deux décimales, et relire tout ordinal en toutes lettres.
"$dossier/venv/bin/pip" install -q 'num2words==0.5.14'
"$dossier/venv/bin/python" - <<'P'
from importlib.metadata import version
from num2words import num2words

entier = num2words(2600, lang="fr", to="currency", currency="EUR")
decimal = num2words(2600.0, lang="fr", to="currency", currency="EUR")
ordinal = num2words(80, lang="fr", to="ordinal")
print("num2words", version("num2words"))
print("2600   →", entier, "\n2600.0 →", decimal, "\n80e    →", ordinal)
assert entier.startswith("vingt-six euros") and decimal.startswith("deux mille six cents euros")
assert ordinal == "quatre-vingtsième"
P
