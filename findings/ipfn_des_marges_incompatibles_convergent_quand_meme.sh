#!/usr/bin/env bash
# ipfn (calage d'un tableau sur ses marges) : deux marges qui ne font pas le même total donnent un résultat, dit « converged ».
# Pronostic : 110 enfants par sexe et 100 par âge : c'est refusé, ou dit.
# Constat : le total est celui de la dernière marge citée : 100 ou 110 selon l'ordre. Une marge impossible (50 enfants à mettre
# dans une colonne vide) rend un total de 50 au lieu de 100, « converged » aussi.
# Conséquence : dix enfants apparaissent ou disparaissent selon l'ordre d'une liste ; vérifier les marges avant, et après.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'ipfn==1.4.4' 'pandas==3.1.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import contextlib
import io
from importlib.metadata import version

import numpy as np
from ipfn import ipfn

print("ipfn", version("ipfn"))


def caler(depart, *marges):
    dit = io.StringIO()
    with contextlib.redirect_stdout(dit):
        cale = ipfn.ipfn(np.array(depart, float), [np.array(m, float) for _, m in marges], [[a] for a, _ in marges]).iteration()
    return round(float(cale.sum()), 6), "converged" in dit.getvalue()


sexe, age = (1, [60, 50]), (0, [60, 40])
constat = {
    "âge en dernier": caler([[1, 1], [1, 1]], sexe, age),
    "sexe en dernier": caler([[1, 1], [1, 1]], age, sexe),
    "marge impossible": caler([[1, 0], [1, 0]], age, (1, [50, 50])),
}
print("attendu  : un refus chaque fois\nconstaté (total, « converged ») :", constat)
assert constat == {
    "âge en dernier": (100.0, True), "sexe en dernier": (110.0, True), "marge impossible": (50.0, True)
}, "le comportement a changé"
PY
