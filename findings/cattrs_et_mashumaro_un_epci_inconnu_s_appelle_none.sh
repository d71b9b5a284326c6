#!/usr/bin/env bash
# cattrs et mashumaro (du JSON vers des objets typés) : 12,9 places en font 12, et une commune sans EPCI a l'EPCI « None ».
# Pronostic : le type annoncé est vérifié ; un manquant là où il faut un texte, ou 12,9 là où il faut un entier, est refusé.
# Constat : le type est appliqué, non vérifié : les deux rendent le texte « None », tronquent 12,9 à 12, lisent 1001
# dans « 01001 » et font de « non » un oui. Aucune erreur ; msgspec refuse les quatre.
# Conséquence : un EPCI nommé « None » de plus au décompte, des places perdues à la virgule ; vérifier avant de convertir.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'cattrs==26.2.1' 'mashumaro==3.23' 'msgspec==0.23.0' 'attrs==26.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import dataclasses
from importlib.metadata import version

import cattrs
import mashumaro
import msgspec

print("cattrs", version("cattrs"), "; mashumaro", version("mashumaro"))


@dataclasses.dataclass
class Commune(mashumaro.DataClassDictMixin):
    epci: str
    places: int
    code: int
    ouverte: bool


lue = {"epci": None, "places": 12.9, "code": "01001", "ouverte": "non"}
constat = {"cattrs": cattrs.structure(lue, Commune), "mashumaro": Commune.from_dict(lue)}
constat = {nom: dataclasses.astuple(objet) for nom, objet in constat.items()}
print("attendu  : un refus\nconstaté :", constat)
assert constat["cattrs"] == ("None", 12, 1001, True), "le comportement a changé"
assert constat["mashumaro"] == ("None", 12, 1001, True), "le comportement a changé"
valides = {"epci": "200048551", "places": 12, "code": 1001, "ouverte": False}
assert msgspec.convert(valides, Commune).places == 12
for champ, valeur in lue.items():
    try:
        msgspec.convert({**valides, champ: valeur}, Commune)
        raise SystemExit(f"msgspec accepte {champ} : le comportement a changé")
    except msgspec.ValidationError:
        pass
PY
