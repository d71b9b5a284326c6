#!/usr/bin/env bash
# pyjstat (écriture de JSON-stat depuis une table) : triée par année plutôt que par commune, la table revient fausse.
# Pronostic : chaque ligne porte sa commune et son année ; relue, elle les a toujours, quel que soit l'ordre des lignes.
# Constat : les valeurs sont prises dans l'ordre des lignes, les places dans celui des axes : Évron 2022 reçoit le chiffre
# d'Ernée 2022, Ernée 2022 celui de Laval 2023… Quand il manque une combinaison, 3 valeurs partent pour 4 places. Rien n'est dit.
# Conséquence : un chiffre juste au mauvais territoire ; compléter et trier la table dans l'ordre de ses axes, puis relire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyjstat==2.0.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import json
from importlib.metadata import version

import pandas as pd
from pyjstat import pyjstat

print("pyjstat", version("pyjstat"), "; pandas", version("pandas"))
places = {("Laval", 2022): 1, ("Évron", 2022): 2, ("Ernée", 2022): 3, ("Laval", 2023): 10, ("Évron", 2023): 20, ("Ernée", 2023): 30}


def aller_retour(couples):
    table = pd.DataFrame([(c, str(a), float(places[c, a])) for c, a in couples], columns=["commune", "an", "value"])
    relu = pyjstat.Dataset.read(pyjstat.Dataset.read(table).write()).write("dataframe")
    return {(c, int(a)): int(v) for c, a, v in relu.values.tolist()}


par_an, par_commune = aller_retour(places), aller_retour(sorted(places))
print("attendu  :", places, "\nconstaté :", par_an)
assert par_commune == places, "triée par commune, la table revient juste"
assert par_an[("Évron", 2022)] == 3 and par_an[("Ernée", 2022)] == 20 and sum(par_an[c] != places[c] for c in places) == 4
trouee = pd.DataFrame([("Laval", "2022", 1.0), ("Évron", "2022", 2.0), ("Évron", "2023", 20.0)], columns=["commune", "an", "value"])
ecrit = json.loads(pyjstat.Dataset.read(trouee).write())
print("une combinaison absente : taille", ecrit["size"], "valeurs", ecrit["value"])
assert ecrit["size"] == [2, 2] and ecrit["value"] == [1.0, 2.0, 20.0], "le comportement a changé"
PY
