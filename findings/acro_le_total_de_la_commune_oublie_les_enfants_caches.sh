#!/usr/bin/env bash
# acro (contrôle du secret statistique des sorties) : une case de moins de dix est cachée, et le total de sa ligne change.
# Pronostic : la case est cachée, les totaux restent vrais, et d'autres cases sont cachées pour qu'on ne la déduise pas.
# Constat : le total est celui des cases montrées : la commune A a 18 enfants au lieu de 20, le territoire 50 au lieu de 60, marqués
# « ok ». Demandé en parts (normalize), le même tableau revient vide : aucune case n'y atteint le seuil de dix, même la part de 18 enfants.
# Conséquence : un total faux publié comme sûr ; prendre les totaux à part, et compter les effectifs avant les parts.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'acro==1.0.2' 'pandas==2.3.3' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import contextlib
import io
import logging
from importlib.metadata import version

import acro
import pandas as pd

print("acro", version("acro"))
logging.disable(logging.CRITICAL)
modes = {"A": (18, 2), "B": (10, 10), "C": (12, 8)}
enfants = pd.DataFrame([(c, m) for c, n in modes.items() for m, k in zip(("crèche", "assmat"), n) for _ in range(k)], columns=["commune", "mode"])
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    session = acro.ACRO(suppress=True)
    table = session.crosstab(enfants.commune, enfants["mode"], margins=True)
    parts = session.crosstab(enfants.commune, enfants["mode"], normalize="index")
totaux = {str(k): int(v) for k, v in table["All"].items()}
print("attendu  : {'A': 20, 'B': 20, 'C': 20, 'All': 60}\nconstaté :", totaux)
print("lignes du tableau en parts :", len(parts))
assert totaux == {"A": 18, "B": 20, "C": 12, "All": 50} and table["assmat"].isna().sum() == 2 and not len(parts), "le comportement a changé"
PY
