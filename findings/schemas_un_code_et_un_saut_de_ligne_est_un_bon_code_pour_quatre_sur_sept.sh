#!/usr/bin/env bash
# Sept contrôles de données et la même règle « cinq chiffres, rien avant, rien après » : « 01001 » suivi d'un saut de ligne passe chez quatre.
# Pronostic : ^[0-9]{5}$ veut dire cinq chiffres et rien d'autre, partout.
# Constat : jsonschema, msgspec, Cerberus et marshmallow l'acceptent, fastjsonschema, jsonschema-rs et pydantic le refusent ; deux d'entre eux
# lisent pourtant le même schéma JSON. Le code accepté ne se joint à rien.
# Conséquence : une case où l'on a tapé Alt+Entrée est déclarée conforme, et la commune sort de la carte ; ôter les blancs avant de
# contrôler, comme fait cafdiag à l'import.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jsonschema==4.26.0' 'fastjsonschema==2.22.3' 'jsonschema-rs==0.61.2' 'pydantic==2.14.4' 'msgspec==0.23.0' 'cerberus==1.3.8' 'marshmallow==4.4.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version
from typing import Annotated

import cerberus
import fastjsonschema
import jsonschema
import jsonschema_rs
import marshmallow
import msgspec
import pandas as pd
import pydantic

regle = "^[0-9]{5}$"
schema = {"type": "string", "pattern": regle}
passe = {
    "jsonschema": lambda v: jsonschema.validate(v, schema),
    "fastjsonschema": fastjsonschema.compile(schema),
    "jsonschema-rs": lambda v: jsonschema_rs.validate(schema, v),
    "pydantic": pydantic.TypeAdapter(Annotated[str, pydantic.StringConstraints(pattern=regle)]).validate_python,
    "msgspec": lambda v: msgspec.convert(v, Annotated[str, msgspec.Meta(pattern=regle)]),
    "cerberus": lambda v: {}[0] if not cerberus.Validator({"c": {"regex": regle}}).validate({"c": v}) else None,
    "marshmallow": marshmallow.validate.Regexp(regle),
}
print(*(f"{p} {version(p)}" for p in passe), sep=" ; ")


def accepte(outil, valeur):
    try:
        passe[outil](valeur)
    except Exception:
        return False
    return True


for valeur, attendu in {"01001": True, "x01001": False, "010011": False}.items():
    assert all(accepte(outil, valeur) is attendu for outil in passe)
constat = [outil for outil in passe if accepte(outil, "01001\n")]
jointes = pd.DataFrame({"code": ["01001\n"]}).merge(pd.DataFrame({"code": ["01001"]}), on="code")
print("attendu  : refusé par les sept\nconstaté : accepté par", constat, "; lignes jointes", len(jointes))
assert constat == ["jsonschema", "msgspec", "cerberus", "marshmallow"] and jointes.empty, "le comportement a changé"
PY
