#!/usr/bin/env bash
# babel.parse_decimal réglé en français et strict : « 1 234,5 » tapé au clavier est refusé, « 12.5 » est accepté.
# Pronostic : strict veut dire conforme à la langue : l'espace et la virgule passent, le point décimal non.
# Constat : l'espace ordinaire et l'espace insécable sont refusées, seule l'espace fine insécable passe ; « 12.5 » vaut 12,5 et
# « 1.234 » vaut 1,234, en mode strict comme en mode large.
# Conséquence : le contrôle écarte les bonnes saisies et laisse passer les anglaises ; nettoyer soi-même avant de lire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'babel==2.19.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

from babel.numbers import NumberFormatError, parse_decimal

print("babel", version("babel"))


def lire(texte, strict):
    try:
        return str(parse_decimal(texte, locale="fr", strict=strict))
    except NumberFormatError:
        return "refusé"


saisies = ("1 234,5", "1\xa0234,5", "1\u202f234,5", "12.5", "1.234")
constat = {s: (lire(s, True), lire(s, False)) for s in saisies}
print("attendu  : les trois espaces lues, les deux points refusés\nconstaté (strict, large) :", constat)
assert [constat[s][0] for s in saisies] == ["refusé", "refusé", "1234.5", "12.5", "1.234"], "le comportement a changé"
assert constat["1.234"][1] == "1.234" and constat["1 234,5"][1] == "1234.5", "le comportement a changé"
PY
