#!/usr/bin/env bash
# pandas.read_xml : une commune qui a deux crèches n'a plus que la seconde.
# Pronostic : deux éléments du même nom font deux colonnes, une liste, ou un refus.
# Constat : le dernier écrase les précédents, avec lxml comme avec etree, sans avertissement ; la table a le bon nombre de communes, et
# une crèche de moins. Les places suivent le même sort : 12 et 35 deviennent 35. Le code 01001 perd aussi son zéro.
# Conséquence : un recensement d'équipements au format XML perd toutes les structures sauf une par commune ; parcourir
# soi-même les éléments répétés.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'lxml==6.1.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import pandas as pd

print("pandas", version("pandas"), "; lxml", version("lxml"))
flux = """<communes>
<commune><code>01001</code><creche>Les Lutins</creche><places>12</places><creche>Pomme</creche><places>35</places></commune>
<commune><code>01002</code><creche>Les Cigales</creche><places>20</places></commune>
</communes>"""
constat = {}
for lecteur in ("lxml", "etree"):
    table = pd.read_xml(io.StringIO(flux), parser=lecteur)
    constat[lecteur] = [table.shape, table["creche"].tolist(), int(table["places"].sum()), table["code"].tolist()]
print("attendu  : trois crèches, 67 places\nconstaté :", constat)
assert constat["lxml"] == constat["etree"] == [(2, 3), ["Pomme", "Les Cigales"], 55, [1001, 1002]], "le comportement a changé"
PY
