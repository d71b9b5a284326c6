#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# frictionless (validation de tables ouvertes) : un taux à virgule décimale devient un point géographique.
# Pronostic : dans un CSV « ; », la colonne « 60,9 » est lue comme du texte, au pire comme un nombre.
# Constat : le type deviné est « geopoint », les lignes rendent [60, 9], et la table est dite valide.
# Conséquence : ne jamais laisser deviner le type d'un taux français ; un schéma « valide » ne dit rien du sens.
"$dossier/venv/bin/pip" install -q 'frictionless==5.21.0'
cd "$dossier"
printf 'code;taux\nA1;60,9\nA2;8,5\nA3;74,4\n' > taux.csv
venv/bin/python - <<'P'
import frictionless
from frictionless import Resource, describe, validate

schema = describe("taux.csv").schema
with Resource("taux.csv") as table:
    lignes = [ligne["taux"] for ligne in table.read_rows()]
print("frictionless", frictionless.__version__)
print("type deviné :", schema.get_field("taux").type, "; valeurs :", lignes, "; valide :", validate("taux.csv").valid)
assert schema.get_field("taux").type == "geopoint"
assert [[float(x) for x in v] for v in lignes] == [[60, 9], [8, 5], [74, 4]]
assert validate("taux.csv").valid
P
