#!/usr/bin/env bash
# anonypy (k-anonymat) : la ligne à l'âge ou à la réponse inconnue n'est ni généralisée ni signalée : elle disparaît.
# Pronostic : huit familles entrent, huit sont comptées en sortie, ou le manquant est refusé.
# Constat : huit lignes, sept comptées ; par la réponse manquante comme par l'âge manquant. Avec un âge manquant, une commune
# qui n'avait que cette ligne quitte aussi la liste de sa classe.
# Conséquence : un effectif total faux dans un fichier dit anonymisé ; comparer la somme de « count » au nombre de lignes.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'anonypy==0.2.1' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import anonypy
import pandas as pd

print("anonypy", version("anonypy"), "; pandas", version("pandas"))
entiere = pd.DataFrame({
    "age": [30.0, 31, 32, 45, 46, 47, 60, 61],
    "commune": pd.Categorical(["53001", "53001", "53002", "53130", "53130", "53084", "53084", "53084"]),
    "reponse": pd.Categorical(["oui", "oui", "non", "non", "non", "oui", "oui", "nsp"]),
})


def compter(**trous):
    table = entiere.copy()
    for colonne, rang in trous.items():
        table.loc[rang, colonne] = None
    classes = pd.DataFrame(anonypy.Preserver(table, ["age", "commune"], "reponse").anonymize_k_anonymity(k=3))
    return int(classes["count"].sum()), "53002" in str(classes["commune"].tolist())


constat = {"entière": compter(), "âge inconnu": compter(age=2), "réponse inconnue": compter(reponse=7)}
print("attendu  : 8 partout\nconstaté : (comptées, 53002 citée)", constat)
assert constat["entière"] == (8, True)
assert constat["âge inconnu"] == (7, False) and constat["réponse inconnue"] == (7, True), "le comportement a changé"
PY
