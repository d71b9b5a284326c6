#!/usr/bin/env bash
# weightipy (redressement d'enquête) : qui a répondu « autre », réponse sans cible, pèse 0,03 ; qui n'a pas répondu pèse 1.
# Pronostic : une réponse sans cible est refusée, ou traitée comme une absence de réponse.
# Constat : absents des cibles, les deux « autre » partagent 0,05 et les huit autres répondants montent de 24 % ; les mêmes sans réponse
# pèsent 1 chacun. Une cible de 20 % que personne n'atteint est ôtée, et les autres remises à 100. Rien n'est dit.
# Conséquence : deux familles effacées d'un questionnaire par un code de réponse ; comparer réponses et cibles avant de redresser.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'weightipy==0.4.2' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import warnings
from importlib.metadata import version

import pandas as pd
import weightipy

warnings.simplefilter("ignore")
print("weightipy", version("weightipy"), "; pandas", version("pandas"))
reponses = pd.DataFrame({"age": [1, 1, 1, 1, 1, 2, 2, 2, None, None], "sexe": [1, 2] * 5})
moities = {"age": {1: 50.0, 2: 50.0}, "sexe": {1: 50.0, 2: 50.0}}


def peser(table, cibles):
    modele = weightipy.scheme_from_dict(cibles)
    return weightipy.weight_dataframe(table.copy(), modele, weight_column="poids")["poids"].round(3).tolist()


muets, autres = peser(reponses, moities), peser(reponses.fillna(3), moities)
repondu = reponses.dropna()
absente = peser(repondu, {**moities, "age": {1: 40.0, 2: 40.0, 3: 20.0}})
print("attendu  : le même poids pour « autre » et sans réponse\nconstaté :", autres, "; sans réponse", muets)
assert muets[8:] == [1.0, 1.0] and round(autres[0] / muets[0], 2) == 1.24
assert max(autres[8:]) < 0.03, "le comportement a changé"
assert absente == peser(repondu, moities), "le comportement a changé"
PY
