#!/usr/bin/env bash
# jq, JMESPath et JSONata interrogent le même JSON : la commune dont le taux est inconnu est « sous 50 » pour le premier seul.
# Pronostic : null n'est ni au-dessous ni au-dessus de 50 ; les trois langages nomment les mêmes communes.
# Constat : jq range null avant tout nombre, et tout texte après : la commune inconnue est sous le seuil, celle au secret (« s »)
# au-dessus. JMESPath et JSONata écartent l'inconnue. La moyenne par add / length la compte comme zéro.
# Conséquence : une liste de communes « à aider » qui change avec l'outil de la chaîne ; filtrer sur type == "number" d'abord.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jq==1.13.0' 'jmespath==1.1.0' 'jsonata-python==0.7.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import jmespath
import jq
import jsonata

print(*(f"{p} {version(p)}" for p in ("jq", "jmespath", "jsonata-python")), sep=" ; ")
communes = [{"nom": "Craon", "taux": 60}, {"nom": "Renazé", "taux": None}, {"nom": "Cossé", "taux": 40}]


def par_jq(formule, *autres):
    return jq.compile(formule).input_value([*communes, *autres]).first()


sous = {
    "jq": par_jq("[.[] | select(.taux < 50) | .nom]"),
    "jmespath": jmespath.search("[?taux < `50`].nom", communes),
    "jsonata": jsonata.Jsonata("[$[taux != null and taux < 50].nom]").evaluate(communes),
}
dessus = par_jq("[.[] | select(.taux > 50) | .nom]", {"nom": "Laubrières", "taux": "s"})
moyenne = round(par_jq("[.[].taux] | add / length"), 1)
print("attendu  : Cossé seule sous 50, Craon seule au-dessus, moyenne 50")
print("constaté : sous 50", sous, "; au-dessus, pour jq", dessus, "; moyenne de jq", moyenne)
assert sous == {"jq": ["Renazé", "Cossé"], "jmespath": ["Cossé"], "jsonata": ["Cossé"]}, "le comportement a changé"
assert dessus == ["Craon", "Laubrières"] and moyenne == 33.3, "le comportement a changé"
PY
