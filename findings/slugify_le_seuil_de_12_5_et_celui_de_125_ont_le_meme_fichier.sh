#!/usr/bin/env bash
# python-slugify (noms de fichiers et d'ancres) : « Taux > 12,5 % » et « Taux > 125 % » ont le même nom, « 1,2,3 ans » devient « 123 ans ».
# Pronostic : la virgule est un signe comme un autre, changé en tiret, comme le point de « 12.5 ».
# Constat : entre deux chiffres, la virgule est tenue pour un séparateur de milliers et s'efface ; l'espace des milliers devient un tiret.
# « 2½ ans » donne « 21-2-ans ».
# Conséquence : une carte écrase l'autre quand le nom du fichier vient du titre ; mettre le point ou le code de l'indicateur.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-slugify==9.2.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from slugify import slugify

print("python-slugify", version("python-slugify"))
attendu = {
    "Taux > 12.5 %": "taux-12-5", "Taux > 12,5 %": "taux-12-5", "Taux > 125 %": "taux-125", "Garde de 1,2,3 ans": "garde-de-1-2-3-ans",
    "Dès 2½ ans": "des-2-1-2-ans", "1 250 enfants": "1-250-enfants", "T2, T3": "t2-t3",
}
constat = {titre: slugify(titre) for titre in attendu}
print("attendu  :", attendu, "\nconstaté :", {t: c for t, c in constat.items() if c != attendu[t]})
assert constat["Taux > 12,5 %"] == constat["Taux > 125 %"] == "taux-125", "le comportement a changé"
assert constat["Garde de 1,2,3 ans"] == "garde-de-123-ans" and constat["Dès 2½ ans"] == "des-21-2-ans", "le comportement a changé"
assert all(constat[t] == attendu[t] for t in ("Taux > 12.5 %", "1 250 enfants", "T2, T3")), "le comportement a changé"
PY
