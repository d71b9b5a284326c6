#!/usr/bin/env bash
# PyYAML : un code de commune écrit sans guillemets dans un fichier de réglages devient un autre nombre, ou reste un texte.
# Pronostic : 01001 est lu 1001 (zéro perdu), et 08105 aussi perd son zéro ; 7:30 est un texte.
# Constat : un zéro en tête fait lire la suite en base huit : 01001 vaut 513 et 01053, Bourg-en-Bresse, 555. Un 8 ou un 9 dans le code
# et il reste du texte. L'heure 7:30 vaut 450, 18:30 vaut 1110, mais 08:30 reste du texte. ruamel.yaml (YAML 1.2) lit 1001 et 7:30.
# Conséquence : remettre cinq chiffres à 513 donne 00513, sans retour possible ; guillemets obligatoires autour d'un code ou d'une heure.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyyaml==6.0.4' 'ruamel.yaml==0.19.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import yaml
from ruamel.yaml import YAML

print("pyyaml", version("pyyaml"), "; ruamel.yaml", version("ruamel.yaml"))
texte = "communes: [01001, 01053, 02691, 08105, 53130, 2A004]\nouvertures: [7:30, 08:30, 18:30]\n"
lu, voisin = yaml.safe_load(texte), YAML(typ="safe").load(texte)
garde = yaml.safe_load(texte.replace("[", "['").replace(", ", "', '").replace("]", "']"))
print("attendu  :", voisin["communes"], voisin["ouvertures"], "\nconstaté :", lu["communes"], lu["ouvertures"])
assert lu["communes"] == [513, 555, "02691", "08105", 53130, "2A004"], "le comportement a changé"
assert lu["ouvertures"] == [450, "08:30", 1110], "le comportement a changé"
assert voisin["communes"][:2] == [1001, 1053] and voisin["ouvertures"][0] == "7:30"
assert garde["communes"][1] == "01053" and garde["ouvertures"][0] == "7:30"
PY
