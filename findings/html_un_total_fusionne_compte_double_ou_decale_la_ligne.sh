#!/usr/bin/env bash
# Un tableau HTML où le total de l'EPCI est une case fusionnée : pandas le compte deux fois, markdownify décale la ligne.
# Pronostic : la case fusionnée est lue une fois, la suivante vide, et chaque valeur reste sous son titre.
# Constat : pandas.read_html répète 100 à chaque ligne, somme 200 ; markdownify et html2text n'écrivent rien à la place : la
# seconde ligne a une case de moins, et le nom de la commune passe sous le titre « EPCI ».
# Conséquence : un total d'EPCI doublé, ou des chiffres sous le titre d'à côté ; défusionner avant de compter.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'lxml==6.1.3' 'markdownify==1.2.3' 'html2text==2025.4.15' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

import html2text
import pandas as pd
from markdownify import markdownify

print(*(f"{p} {version(p)}" for p in ("pandas", "markdownify", "html2text")), sep=" ; ")
titres = "<tr><th>EPCI</th><th>commune</th><th>places de l'EPCI</th></tr>"
premiere = "<tr><td rowspan=2>Craon</td><td>Craon</td><td rowspan=2>100</td></tr>"
page = f"<table>{titres}{premiere}<tr><td>Renazé</td></tr></table>"
lue = pd.read_html(io.StringIO(page))[0]
derniere = [t.strip().splitlines()[-1].strip("| ").split("|") for t in (markdownify(page), html2text.html2text(page))]
print("attendu  : une somme de 100, et Renazé sous « commune »\nconstaté :", int(lue.iloc[:, 2].sum()), derniere)
assert lue.iloc[:, 2].tolist() == [100, 100] and lue.iloc[1, 1] == "Renazé", "le comportement a changé"
assert derniere == [["Renazé"], ["Renazé"]], "le comportement a changé"
PY
