#!/usr/bin/env bash
# YAML, écrit par une bibliothèque et lu par l'autre : un code écrit en texte par PyYAML perd son zéro chez ruamel ; une heure écrite par
# ruamel est un nombre chez PyYAML.
# Pronostic : chacune met des guillemets dès qu'un texte pourrait passer pour un nombre, et l'autre relit le texte.
# Constat : PyYAML met des guillemets à '01001' et aucun à 08105, qui n'est pas un nombre de YAML 1.1 ; ruamel, en 1.2, lit 8105. Dans
# l'autre sens, 7:30, sans guillemets en 1.2, devient 450 en 1.1, et « on » vrai. Chacune relit juste ce qu'elle a écrit.
# Conséquence : les communes des Ardennes et de l'Ariège perdues à la jointure, celles de l'Ain non ; une seule bibliothèque aux deux bouts.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyyaml==6.0.4' 'ruamel.yaml==0.19.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import ruamel.yaml
import yaml

print("PyYAML", version("pyyaml"), "; ruamel.yaml", version("ruamel.yaml"))
moderne = ruamel.yaml.YAML(typ="safe")
textes = ["01001", "08105", "09122", "53012", "7:30", "08:30", "on"]


def ecrire(valeur):
    tampon = io.StringIO()
    moderne.dump(valeur, tampon)
    return tampon.getvalue()


constat = {
    "PyYAML puis ruamel": moderne.load(yaml.safe_dump(textes)),
    "ruamel puis PyYAML": yaml.safe_load(ecrire(textes)),
}
print("attendu  :", textes, "\nconstaté :", *constat.items(), sep="\n  ")
assert yaml.safe_load(yaml.safe_dump(textes)) == moderne.load(ecrire(textes)) == textes
assert constat["PyYAML puis ruamel"] == ["01001", 8105, 9122, "53012", "7:30", "08:30", "on"], "le comportement a changé"
assert constat["ruamel puis PyYAML"] == ["01001", "08105", "09122", "53012", 450, "08:30", True], "le comportement a changé"
PY
