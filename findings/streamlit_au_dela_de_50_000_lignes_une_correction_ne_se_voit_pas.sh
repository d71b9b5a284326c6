#!/usr/bin/env bash
# streamlit (tableau de bord) : dans une table de 60 000 lignes, on corrige le chiffre d'une commune, et le total affiché reste l'ancien.
# Pronostic : st.cache_data refait le calcul dès qu'une case de la table change, quelle que soit sa longueur.
# Constat : à 40 000 lignes, le total suit la correction ; à 60 000, l'empreinte n'est prise que sur un échantillon, toujours le même, et
# une correction hors de l'échantillon rend le total d'avant, sans un mot. Une ligne de plus, elle, se voit.
# Conséquence : un fichier France par commune et par an dépasse ce seuil ; passer le fichier et sa date au calcul, pas la table.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'streamlit==1.67.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import logging
from importlib.metadata import version

import pandas as pd

logging.disable(logging.CRITICAL)
import streamlit as st  # noqa: E402

print("streamlit", version("streamlit"), "; pandas", version("pandas"))


@st.cache_data
def total(table):
    return int(table["enfants"].sum())


constat = {}
for lignes in (40_000, 60_000):
    communes = pd.DataFrame({"code": range(lignes), "enfants": 10})
    corrigee = communes.copy()
    corrigee.loc[7, "enfants"] = 1_000
    longue = pd.concat([communes, communes.head(1)])
    constat[lignes] = [total(communes), total(corrigee), total(longue)]
vrais = {n: [10 * n, 10 * n + 990, 10 * n + 10] for n in constat}
print("attendu  : avant, corrigée, allongée", vrais, "\nconstaté :", constat)
assert constat[40_000] == vrais[40_000], "le comportement a changé"
assert constat[60_000] == [600_000, 600_000, 600_010], "le comportement a changé"
PY
