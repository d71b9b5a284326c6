#!/usr/bin/env bash
# samplics (estimation de sondage) : remove_nan=True n'écarte pas un texte manquant, et les proportions ne font pas 1.
# Pronostic : remove_nan écarte le répondant sans réponse, que la réponse soit un nombre ou un mot.
# Constat : réponses 1/0 : 0,714 et 0,286 ; les mêmes en oui/non avec None : 0,5 et 0,2, soit 70 %. Sans remove_nan, les nombres
# donnent aussi 0,5 et 0,2, alors que la moyenne (la même chose) vaut nan.
# Conséquence : une part de « oui » trop basse de vingt points ; vérifier que les proportions d'une question font 1.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'samplics==0.6.1' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from samplics import PopParam, TaylorEstimator

print("samplics", version("samplics"), "; numpy", version("numpy"))
poids = np.array([10.0, 10.0, 20.0, 20.0, 30.0, 10.0])
nombres = np.array([1, 0, 1, 1, np.nan, 0])
mots = np.array(["oui", "non", "oui", "oui", None, "non"], dtype=object)


def estimer(reponses, ecarter, parametre=PopParam.prop):
    estimateur = TaylorEstimator(parametre)
    estimateur.estimate(y=reponses, samp_weight=poids, psu=np.arange(6), remove_nan=ecarter)
    point = estimateur.point_est
    return {str(k): round(float(v), 3) for k, v in point.items()} if isinstance(point, dict) else float(point)


constat = [estimer(nombres, True), estimer(mots, True), estimer(nombres, False), estimer(nombres, False, PopParam.mean)]
print("attendu  : 0.286 et 0.714 dès que l'on écarte\nconstaté :", *constat, sep="\n  ")
assert list(constat[0].values()) == [0.286, 0.714]
assert constat[1] == {"non": 0.2, "oui": 0.5} and list(constat[2].values()) == [0.2, 0.5], "le comportement a changé"
assert np.isnan(constat[3]), "le comportement a changé"
PY
