#!/usr/bin/env bash
# dataset (tables sans schéma, sur SQLite) : si la première commune n'a pas de taux, 9,5 dépasse le seuil de 50 et passe devant 72,5.
# Pronostic : une colonne dont la première valeur manque attend de voir un nombre pour se donner un type.
# Constat : le manquant fait une colonne de texte ; les taux suivants sont rangés et rendus en texte, triés et comparés comme des mots,
# sans avertissement, même donnés tous ensemble (insert_many). La même table, première commune renseignée, est juste.
# Conséquence : un palmarès et un filtre qui dépendent de l'ordre des lignes ; donner le type à la création de la colonne.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'dataset==2.0.0' 'sqlalchemy==2.1.9' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import dataset

print("dataset", version("dataset"))
taux = [{"commune": "A", "taux": None}, {"commune": "B", "taux": 9.5}, {"commune": "C", "taux": 72.5}]
constat = {}
for nom, lignes in {"manquant d'abord": taux, "manquant à la fin": taux[::-1]}.items():
    base = dataset.connect("sqlite:///:memory:")
    table = base["taux"]
    table.insert_many(lignes)
    premier = next(iter(table.find(order_by="-taux")))
    depassent = [ligne["commune"] for ligne in table.find(taux={">": 50})]
    constat[nom] = (premier["commune"], premier["taux"], depassent)
print("attendu  : C, 72.5, et C seule dépasse 50, deux fois\nconstaté :", constat)
assert constat["manquant d'abord"] == ("B", "9.5", ["B", "C"]), "le comportement a changé"
assert constat["manquant à la fin"] == ("C", 72.5, ["C"])
PY
