#!/usr/bin/env bash
# skrub (Cleaner) : deux colonnes de dates françaises de la même table, l'une lue jour/mois, l'autre mois/jour.
# Pronostic : le nettoyeur se fait une idée par table, ou laisse en texte ce qui est ambigu.
# Constat : chaque colonne est lue seule : celle qui contient un 13/02 est lue jour/mois ; celle qui n'a que de petits jours, mois/jour.
# Dans une même ligne, « 01/02/2023 » vaut le 1er février à gauche et le 2 janvier à droite. Rien n'est dit.
# Conséquence : une durée ouverture-fermeture devient négative ; donner le format des dates, ne jamais le laisser deviner.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'skrub==0.11.0' 'pandas==3.1.1' 'scikit-learn==1.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
from skrub import Cleaner

print("skrub", version("skrub"), "; pandas", version("pandas"))
table = pd.DataFrame({
    "demande": ["01/02/2023", "13/02/2023", "02/03/2023"],
    "ouverture": ["01/02/2023", "03/02/2023", "02/03/2023"],
})
propre = Cleaner().fit_transform(table)
constat = {c: propre[c].dt.strftime("%d/%m").tolist() for c in table}
print("attendu  : 01/02 dans les deux colonnes\nconstaté :", constat)
assert constat["demande"] == ["01/02", "13/02", "02/03"], "le comportement a changé"
assert constat["ouverture"] == ["02/01", "02/03", "03/02"], "le comportement a changé"
PY
