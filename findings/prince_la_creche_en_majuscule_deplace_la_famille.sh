#!/usr/bin/env bash
# prince (analyse des correspondances multiples d'une enquête) : écrite « Crèche », la réponse ne compte plus, et la famille change de place.
# Pronostic : une modalité inconnue de l'analyse est refusée, ou rend la position manquante.
# Constat : elle est ignorée sans avertissement, et la position vient des seules réponses connues : « Crèche » et « mam » placent la même
# famille au même point, qui n'est pas celui de « crèche ». Le manquant n'apparaît que si toutes les réponses sont inconnues.
# Conséquence : les familles d'une autre vague d'enquête sont mal projetées ; vérifier les modalités avant transform.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'prince==0.23.0' 'pandas==2.3.3' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import prince

print("prince", version("prince"))
noms = ["mode", "age", "lieu"]
reponses = [("crèche", "0-1", "rural"), ("crèche", "1-2", "urbain"), ("assmat", "0-1", "urbain"), ("parents", "1-2", "rural"), ("assmat", "2-3", "rural"), ("parents", "2-3", "urbain")]
acm = prince.MCA(n_components=2, random_state=1).fit(pd.DataFrame(reponses, columns=noms))


def place(*reponse):
    return [round(float(x), 2) + 0.0 for x in acm.transform(pd.DataFrame([reponse], columns=noms)).iloc[0]]


connue, majuscule = place("crèche", "0-1", "rural"), place("Crèche", "0-1", "rural")
nouvelle, aucune = place("mam", "0-1", "rural"), place("mam", "3-4", "DROM")
print("attendu  : refusé, ou manquant\nconstaté :", connue, "crèche ;", majuscule, "Crèche ;", nouvelle, "mam ;", aucune, "tout inconnu")
assert majuscule == nouvelle != connue and np.isfinite(majuscule).all() and np.isnan(aucune).all(), "le comportement a changé"
PY
