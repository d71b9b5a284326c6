#!/usr/bin/env bash
# Jinja2 : aucun des deux réglages du filtre default ne distingue un manquant d'un zéro.
# Pronostic : {{ taux|default("n.d.") }} écrit « n.d. » quand le taux est None, et 0 quand il vaut 0.
# Constat : sans option, None s'écrit « None » ; avec default("n.d.", true), None donne bien « n.d. », mais 0 aussi.
# Conséquence : une note annonce « None place » ou cache un vrai zéro ; écrire « n.d. » if taux is none else taux.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jinja2==3.1.6' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

from jinja2 import Environment

print("jinja2", version("jinja2"))
ecritures = {
    "default": '{{ v|default("n.d.") }}',
    "default, true": '{{ v|default("n.d.", true) }}',
    "is none": '{{ "n.d." if v is none else v }}',
}
constat = {n: [Environment().from_string(t).render(v=v) for v in (None, 0)] for n, t in ecritures.items()}
print("attendu  : ['n.d.', '0']\nconstaté (None, 0) :", constat)
assert constat == {"default": ["None", "0"], "default, true": ["n.d.", "n.d."], "is none": ["n.d.", "0"]}, "a changé"
PY
