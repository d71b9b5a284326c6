#!/usr/bin/env bash
# Jinja2 (gabarits de rapport) : le filtre « float » change un taux « 12,5 » en 0, et « int » un effectif « 1 234 » en 0.
# Pronostic : un texte qui n'est pas un nombre arrête le rendu, comme une variable inconnue en mode strict.
# Constat : 0 sans un mot, y compris pour « s » (secret) et la case vide ; « select » ôte ensuite le zéro véritable avec les vides, et le
# total de trois communes ne compte que celle dont le taux est entier. StrictUndefined n'y change rien.
# Conséquence : un total faux dans un rapport qui sort sans erreur ; convertir avant le gabarit, qui ne fait qu'écrire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jinja2==3.1.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import jinja2

print("jinja2", version("jinja2"))
gabarits = jinja2.Environment(undefined=jinja2.StrictUndefined)


def rendre(texte, **valeurs):
    return gabarits.from_string(texte).render(**valeurs)


constat = [
    rendre("{{ v | map('float') | sum }}", v=["12,5", "7,25", "3"]),
    rendre("{{ v | map('int') | sum }}", v=["1 234", "s", "", "12"]),
    rendre("{{ v | select | list | length }}", v=[12.5, 0, None]),
]
print("attendu  : 22.75, un refus, 2\nconstaté :", *constat)
assert constat == ["3.0", "12", "1"], "le comportement a changé"
assert rendre("{{ v | float('inconnu') }}", v="12,5") == "inconnu"
PY
