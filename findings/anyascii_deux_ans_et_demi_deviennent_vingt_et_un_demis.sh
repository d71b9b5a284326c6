#!/usr/bin/env bash
# anyascii, Unidecode et la normalisation de Python (NFKC), trois façons d'ôter les signes rares : « 2½ ans » devient « 21/2 ans ».
# Pronostic : le demi reste un demi, séparé du deux.
# Constat : anyascii écrit 21/2, NFKC 21⁄2 (vingt et un demis), Unidecode seul met une espace : 2 1/2. Un taux de « 12 ‰ » devient « 12 %0 » avec
# anyascii et Unidecode, que le lecteur prend pour des pour cent ; NFKC garde le signe.
# Conséquence : un enfant de deux ans et demi a dix ans et demi une fois le quotient fait, un taux de naissance est multiplié par dix ;
# remplacer ½ et ‰ soi-même, d'abord.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'anyascii==0.3.3' 'Unidecode==1.4.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import unicodedata
from importlib.metadata import version

from anyascii import anyascii
from unidecode import unidecode

print("anyascii", version("anyascii"), "; Unidecode", version("Unidecode"))
textes = ("2½ ans", "12 ‰", "½ journée")
constat = {t: [anyascii(t), unidecode(t).strip(), unicodedata.normalize("NFKC", t)] for t in textes}
print("attendu  : deux et demi, et pour mille\nconstaté : (anyascii, Unidecode, NFKC)", constat)
assert constat["2½ ans"] == ["21/2 ans", "2 1/2 ans", "21⁄2 ans"], "le comportement a changé"
assert constat["12 ‰"] == ["12 %0", "12 %0", "12 ‰"], "le comportement a changé"
assert constat["½ journée"] == ["1/2 journee", "1/2 journee", "1⁄2 journée"], "le comportement a changé"
PY
