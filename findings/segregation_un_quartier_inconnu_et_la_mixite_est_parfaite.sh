#!/usr/bin/env bash
# segregation (PySAL) : un quartier sans donnée, et deux indices disent la mixité parfaite quand deux autres se taisent.
# Pronostic : un manquant rend tous les indices manquants, ou n'est compté par aucun.
# Constat : Dissim et Gini valent nan ; Entropy et Isolation valent 0,0, comme si chaque quartier ressemblait à la ville.
# Sans le quartier inconnu, aucun n'est nul.
# Conséquence : un zéro qui se lit comme un bon résultat ; écarter et compter les quartiers inconnus avant tout indice.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'segregation==2.5.4' 'pandas==3.1.1' 'geopandas==1.2.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
from segregation.singlegroup import Dissim, Entropy, Gini, Isolation

print("segregation", version("segregation"), "; pandas", version("pandas"))
connus = pd.DataFrame({"allocataires": [50.0, 8.0, 30.0], "menages": [100.0, 200.0, 50.0]})
troue = pd.concat([connus, pd.DataFrame({"allocataires": [float("nan")], "menages": [40.0]})], ignore_index=True)
indices = (Dissim, Gini, Entropy, Isolation)
sans, avec = ({i.__name__: round(float(i(t, "allocataires", "menages").statistic), 3) for i in indices} for t in (connus, troue))
print("attendu  : manquant partout\nconstaté :", avec, "; sans le quartier inconnu", sans)
assert min(sans.values()) > 0.1
assert [str(v) for v in avec.values()] == ["nan", "nan", "0.0", "0.0"], "le comportement a changé"
PY
