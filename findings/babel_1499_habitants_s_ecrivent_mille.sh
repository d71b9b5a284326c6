#!/usr/bin/env bash
# babel (nombres compacts, français) : 1 499 habitants s'écrivent « mille », 1 500 « 2 mille », 999 999 « 1 million ».
# Pronostic : le nombre compact garde un chiffre après la virgule quand il en faut un : « 1,5 k ».
# Constat : sans fraction_digits, l'arrondi est au millier ou au million : 1 k, 2 k, 2 M pour 1,5 million ; en toutes lettres, 1 499
# perd jusqu'à son chiffre : « mille ». Avec fraction_digits=1, « 1,5 k ».
# Conséquence : deux communes d'un habitant d'écart vont du simple au double dans la même phrase.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'babel==2.19.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from babel.numbers import format_compact_decimal

print("babel", version("babel"))
nombres = (1_499, 1_500, 999_999, 1_500_000)
courts, longs = ([format_compact_decimal(n, locale="fr", format_type=f) for n in nombres] for f in ("short", "long"))
avec = format_compact_decimal(1_500, locale="fr", fraction_digits=1)
constat = [[texte.replace("\xa0", " ") for texte in textes] for textes in (courts, longs, [avec])]
print("attendu  : 1,5 k pour les deux premiers, 1 M, 1,5 M\nconstaté :", constat)
assert constat[0] == ["1 k", "2 k", "1 M", "2 M"] and constat[2] == ["1,5 k"], "le comportement a changé"
assert constat[1] == ["mille", "2 mille", "1 million", "2 millions"], "le comportement a changé"
PY
