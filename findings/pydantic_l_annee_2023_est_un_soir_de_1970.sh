#!/usr/bin/env bash
# pydantic (contrôle des lignes d'un registre) : l'année 2023, dans un champ de date et d'heure, est le 1er janvier 1970 à 0 h 33.
# Pronostic : une année seule est refusée, comme « 2023-01 » et « 12,5 », ou vaut le 1er janvier 2023.
# Constat : tout nombre, écrit ou non entre guillemets, est un compte de secondes depuis 1970 : 2023 → 0 h 33, 20230101 → août 1970.
# Le champ de date seule les refuse. strict=True les refuse aussi.
# Conséquence : une ouverture de crèche datée de 1970, sans erreur, et une ancienneté de cinquante ans ; déclarer date, ou strict.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pydantic==2.14.4' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import pydantic

print("pydantic", version("pydantic"))


def lire(type_attendu, valeur, **options):
    try:
        return str(pydantic.TypeAdapter(type_attendu).validate_python(valeur, **options))[:16]
    except pydantic.ValidationError:
        return "refusé"


valeurs = ["2023", 2023, "20230101", "2023-01", "12,5"]
instants = [lire(datetime.datetime, v) for v in valeurs]
jours = [lire(datetime.date, v) for v in valeurs]
stricts = [lire(datetime.datetime, v, strict=True) for v in valeurs]
print("attendu  : refusé, ou en 2023\nconstaté :", dict(zip(map(repr, valeurs), instants, strict=True)))
assert instants == ["1970-01-01 00:33", "1970-01-01 00:33", "1970-08-23 03:28", "refusé", "refusé"], "le comportement a changé"
assert set(jours) == set(stricts) == {"refusé"}, "le comportement a changé"
PY
