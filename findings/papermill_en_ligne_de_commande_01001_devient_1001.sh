#!/usr/bin/env bash
# papermill -p : le code d'une commune de l'Ain perd son zéro, celui d'une commune corse reste du texte.
# Pronostic : « -p commune 01001 » transmet le texte « 01001 », puisqu'un entier ne commence pas par un zéro.
# Constat : 01001 → 1001 (entier), 2A004 → texte, 53E10 → 530000000000,0 et 5_3 → 53.
# Conséquence : les départements 01 à 09 échouent seuls dans un lot lancé au terminal ; transmettre les codes par -r.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'papermill==2.7.0' 'ipykernel==7.4.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import json
import subprocess
import sys
from importlib.metadata import version

print("papermill", version("papermill"))
carnet = {
    "cells": [{"cell_type": "code", "execution_count": None, "id": "p", "metadata": {"tags": ["parameters"]}, "outputs": [], "source": "commune = ''"}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
with open("c.ipynb", "w") as sortie:
    json.dump(carnet, sortie)


def recu(option, valeur):
    subprocess.run([sys.executable, "-m", "papermill", "c.ipynb", "s.ipynb", "--prepare-only", option, "commune", valeur], check=True, capture_output=True)
    with open("s.ipynb") as entree:
        return json.load(entree)["metadata"]["papermill"]["parameters"]["commune"]


constats = {v: recu("-p", v) for v in ("01001", "2A004", "53E10", "5_3")}
print("attendu  : quatre textes inchangés\nconstaté :", constats, "; avec -r :", repr(recu("-r", "01001")))
assert constats == {"01001": 1001, "2A004": "2A004", "53E10": 53e10, "5_3": 53} and recu("-r", "01001") == "01001"
PY
