#!/usr/bin/env bash
# TinyDB (petite base en JSON) : « statut différent de public » et « non (statut égal à public) » ne rendent pas les mêmes structures.
# Pronostic : l'un est la négation de l'autre : mêmes lignes, que le statut manque d'une façon ou d'une autre.
# Constat : sans statut écrit (champ absent), la structure n'est dans aucune comparaison, donc ni « égale » ni « différente », mais elle est
# « non égale » ; au statut vide (null), elle est dans les deux. « égal à null » ne trouve pas le champ absent.
# Conséquence : un décompte qui dépend de la façon d'écrire la négation et le manquant ; donner tous les champs à toutes les lignes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'tinydb==4.9.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import tinydb
from tinydb.storages import MemoryStorage

print("tinydb", version("tinydb"))
base = tinydb.TinyDB(storage=MemoryStorage)
base.insert_multiple([{"nom": "A", "statut": "public"}, {"nom": "B", "statut": "privé"}, {"nom": "C", "statut": None}, {"nom": "D"}])
statut = tinydb.where("statut")
questions = {"différent": statut != "public", "non égal": ~(statut == "public"), "sans statut": statut == None}
constat = {nom: "".join(ligne["nom"] for ligne in base.search(question)) for nom, question in questions.items()}
print("attendu  : deux fois les mêmes, et C, D sans statut\nconstaté :", constat)
assert constat == {"différent": "BC", "non égal": "BCD", "sans statut": "C"}, "le comportement a changé"
PY
