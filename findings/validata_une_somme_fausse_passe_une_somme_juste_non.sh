#!/usr/bin/env bash
# validata-core (contrôle des schémas, Validata) : le contrôle « ce total est la somme » coupe les centimes avant d'additionner.
# Pronostic : des montants se comparent entiers, ou le contrôle refuse ce qui n'est pas un entier ; une case vide est dite.
# Constat : 100,90 + 100,90 = 200 passe ; 12,5 + 12,5 = 25 est une erreur (« 24 ») ; 10 + rien = 30 passe sans contrôle.
# Conséquence : un compte de résultat faux est déclaré valide, un juste refusé ; vérifier les totaux soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'validata-core==0.9.7' 'setuptools==65.5.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from validata_core import validate

print("validata-core", version("validata-core"))
champs = [{"name": nom, "type": "number"} for nom in ("familles", "caf", "total")]
controle = {"name": "sum-columns-value", "params": {"column": "total", "columns": ["familles", "caf"]}}
lignes = {"100.90,100.90,200": False, "12.5,12.5,25": True, "10,20,30": True, "10,20,31": False, "10,,30": False}
constat = {}
for ligne in lignes:
    with open("c.csv", "w") as fichier:
        fichier.write("familles,caf,total\n" + ligne + "\n")
    rapport = validate("c.csv", {"fields": champs, "custom_checks": [controle]})
    constat[ligne] = not rapport.to_dict()["stats"]["errors"]
print("attendu  :", lignes, "\nconstaté :", constat)
assert list(constat.values()) == [True, False, True, False, True], "le comportement a changé"
PY
