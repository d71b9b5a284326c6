#!/usr/bin/env bash
# fastavro (Avro, fichiers à schéma) : « capacité » au lieu de « capacite », et toutes les capacités valent 0 ; 12,9 places en font 12.
# Pronostic : un fichier à schéma refuse un champ qu'il ne connaît pas, et un nombre à virgule là où il faut un entier.
# Constat : le champ inconnu est ignoré et la valeur par défaut du schéma prend sa place ; 12,9 est tronqué, 67 842 591 en « float » devient
# 67 842 592. L'accent manquant ne se voit nulle part. strict=True refuse les deux premiers, pas la troncature.
# Conséquence : une colonne de zéros dans un fichier « validé par son schéma » ; écrire avec strict=True, sans valeur par défaut.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'fastavro==1.13.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import fastavro

print("fastavro", version("fastavro"))
schema = {
    "type": "record",
    "name": "Commune",
    "fields": [
        {"name": "code", "type": "string"},
        {"name": "capacite", "type": "int", "default": 0},
        {"name": "places", "type": "int"},
        {"name": "habitants", "type": "float"},
    ],
}
lignes = [{"code": "53012", "capacité": 40, "places": 12.9, "habitants": 67842591}]


def relire(**reglages):
    tampon = io.BytesIO()
    fastavro.writer(tampon, schema, lignes, **reglages)
    tampon.seek(0)
    return list(fastavro.reader(tampon))


lu = relire()
print("attendu  : un refus\nconstaté :", lu)
assert lu == [{"code": "53012", "capacite": 0, "places": 12, "habitants": 67842592.0}], "le comportement a changé"
try:
    relire(strict=True)
    raise SystemExit("le champ inconnu est accepté en mode strict : le comportement a changé")
except ValueError as refus:
    print("en mode strict :", refus)
lignes[0]["capacite"] = lignes[0].pop("capacité")
assert relire(strict=True)[0]["places"] == 12, "le comportement a changé"
PY
