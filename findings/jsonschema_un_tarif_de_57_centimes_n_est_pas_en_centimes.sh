#!/usr/bin/env bash
# jsonschema : « multipleOf: 0.01 » (un montant à deux décimales au plus) refuse environ un tarif horaire sur neuf, dont 0,57 €.
# Pronostic : 0,57 est un multiple de 0,01 ; tous les montants en centimes passent, comme avec fastjsonschema.
# Constat : la division se fait en binaire : 0.57 / 0.01 vaut 56,99… et le montant est refusé ; 349 des 2 999 montants de 0,01 à
# 29,99 € le sont, par exemple 0,07, 0,29, 0,58, 1,13. fastjsonschema n'en refuse aucun avec le même schéma.
# Conséquence : un fichier de tarifs juste est rejeté selon l'outil de contrôle ; lire en Decimal, ou compter en centimes entiers.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jsonschema==4.26.0' 'fastjsonschema==2.22.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import json
from decimal import Decimal
from importlib.metadata import version

import fastjsonschema
import jsonschema

print("jsonschema", version("jsonschema"), "; fastjsonschema", version("fastjsonschema"))
schema = '{"type": "number", "multipleOf": 0.01}'
juge = jsonschema.Draft202012Validator(json.loads(schema))
exact = jsonschema.Draft202012Validator(json.loads(schema, parse_float=Decimal))
rapide = fastjsonschema.compile(json.loads(schema))
montants = [f"{centimes // 100}.{centimes % 100:02d}" for centimes in range(1, 3000)]
refuses = [montant for montant in montants if not juge.is_valid(json.loads(montant))]
for montant in montants:
    rapide(json.loads(montant))
    assert exact.is_valid(json.loads(montant, parse_float=Decimal))
print("attendu  : aucun refus\nconstaté :", len(refuses), "refus :", refuses[:8])
assert len(refuses) == 349 and {"0.07", "0.29", "0.57", "0.58", "1.13"} <= set(refuses), "le comportement a changé"
assert not exact.is_valid(Decimal("0.575"))
PY
