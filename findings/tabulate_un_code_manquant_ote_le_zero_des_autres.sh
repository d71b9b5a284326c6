#!/usr/bin/env bash
# pandas.to_markdown (tabulate) : les codes de commune gardent leur zéro de tête, sauf s'il en manque un dans la colonne.
# Pronostic : une colonne de texte s'écrit telle quelle, qu'une case soit vide ou non.
# Constat : « 01001 » s'écrit 01001 ; ajoutez une ligne sans code, la colonne passe pour décimale et la même commune
# devient 1001. La chaîne vide, elle, ne change rien.
# Conséquence : tout tableau de note en Markdown se contrôle sur un territoire qui a un manquant, ou s'écrit
# avec disable_numparse.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'tabulate==0.10.0' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd

print(*(f"{p} {version(p)}" for p in ("pandas", "tabulate")), sep=" ; ")


def premiere(codes, **options):
    table = pd.DataFrame({"code": codes, "enfants": [3, 4]})
    return table.to_markdown(index=False, **options).splitlines()[2].split("|")[1].strip()


plein, troue, vide = premiere(["01001", "53130"]), premiere(["01001", None]), premiere(["01001", ""])
sans = premiere(["01001", None], disable_numparse=True)
print("attendu  : 01001 partout\nconstaté : sans manquant", plein, "; un manquant", troue, "; un vide", vide, "; sans devinette", sans)
assert (plein, troue, vide, sans) == ("01001", "1001", "01001", "01001"), "le comportement a changé"
PY
