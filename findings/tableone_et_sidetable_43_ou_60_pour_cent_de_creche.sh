#!/usr/bin/env bash
# tableone et sidetable : la part de « crèche » parmi les mêmes sept familles est de 42,9 % ou de 60 %.
# Pronostic : les deux comptent sur les répondants, ou disent le nombre de sans-réponse.
# Constat : tableone fait du manquant une modalité « None » et divise par sept ; sidetable l'ôte et divise par cinq, sans le dire.
# Conséquence : deux chiffres pour une question dans un même rapport ; écrire le dénominateur à côté de chaque part.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'tableone==0.9.6' 'sidetable==0.9.1' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import sidetable  # noqa: F401
from tableone import TableOne

print(*(f"{p} {version(p)}" for p in ("tableone", "sidetable", "pandas")), sep=" ; ")
familles = pd.DataFrame({"mode": ["crèche", "crèche", "am", None, None, "am", "crèche"], "une": [1] * 7})
cote = familles.stb.freq(["mode"]).set_index("mode")
une = TableOne(familles, columns=["mode"], categorical=["mode"]).tableone["Overall"]
une = {str(modalite): texte for (_, modalite), texte in une.items()}
print("attendu  : la même part\nconstaté : tableone", une, "; sidetable", cote["percent"].to_dict(), "sur", int(cote["count"].sum()))
assert une["crèche"] == "3 (42.9)" and une["None"] == "2 (28.6)", "le comportement a changé"
assert cote["percent"].to_dict() == {"crèche": 60.0, "am": 40.0} and cote["count"].sum() == 5, "le comportement a changé"
PY
