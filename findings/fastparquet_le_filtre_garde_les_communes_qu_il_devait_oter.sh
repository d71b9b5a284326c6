#!/usr/bin/env bash
# pandas.read_parquet, le même filtre sur le même fichier : « taux > 50 » rend deux communes avec pyarrow, six avec fastparquet.
# Pronostic : le moteur change la vitesse, pas les lignes.
# Constat : fastparquet ne s'en sert que pour sauter des morceaux entiers du fichier ; un petit fichier n'en a qu'un, et tout revient, sans
# avertissement, taux de 5 compris. Coupé en morceaux d'une ligne, le même fichier rend deux communes.
# Conséquence : un effectif de communes « au-dessus du seuil » qui dépend du moteur installé chez le collègue ; refiltrer après lecture.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==2.3.3' 'pyarrow==26.0.1' 'fastparquet==2026.9.0' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd

print(*(f"{p} {version(p)}" for p in ("pandas", "pyarrow", "fastparquet")), sep=" ; ")
pd.DataFrame({"commune": list("ABCDEF"), "taux": [10.0, 60, 20, 70, 30, 5]}).to_parquet("communes.parquet", index=False)
pd.read_parquet("communes.parquet").to_parquet("morceaux.parquet", index=False, row_group_size=1)


def lire(fichier, moteur):
    return "".join(pd.read_parquet(fichier, engine=moteur, filters=[("taux", ">", 50)])["commune"])


constat = {f: [lire(f + ".parquet", m) for m in ("pyarrow", "fastparquet")] for f in ("communes", "morceaux")}
print("attendu  : BD partout\nconstaté : (pyarrow, fastparquet)", constat)
assert constat == {"communes": ["BD", "ABCDEF"], "morceaux": ["BD", "BD"]}, "le comportement a changé"
PY
