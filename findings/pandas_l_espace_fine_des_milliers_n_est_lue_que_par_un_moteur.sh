#!/usr/bin/env bash
# pandas.read_csv : l'espace fine insécable des milliers, demandée par thousands, n'est entendue que par un des deux moteurs.
# Pronostic : thousands accepte l'espace fine comme l'espace ordinaire, ou refuse ce caractère.
# Constat : le moteur par défaut l'accepte sans un mot et n'en tient pas compte : la colonne reste en texte, et sa somme met les
# nombres bout à bout. Avec engine="python", le même appel lit 49 573.
# Conséquence : un fichier de chiffres typographiés à la française n'est plus calculable selon un réglage ; vérifier le type lu.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io

import pandas as pd

print("pandas", pd.__version__)


def lire(espace, moteur):
    texte = f"commune;habitants\nLaval;49{espace}573\nCraon;4{espace}410\nLigné;95\n"
    return pd.read_csv(io.StringIO(texte), sep=";", thousands=espace, engine=moteur).habitants


ordinaire, fine, autre = lire(" ", "c"), lire("\u202f", "c"), lire("\u202f", "python")
print("attendu  :", ordinaire.sum(), autre.sum(), "\nconstaté :", repr(fine.sum()), fine.dtype)
assert ordinaire.tolist() == autre.tolist() == [49573, 4410, 95]
assert fine.tolist() == ["49\u202f573", "4\u202f410", "95"], "le comportement a changé"
assert fine.sum() == "49\u202f5734\u202f41095" and lire("\u00a0", "c").tolist()[0] == "49\u00a0573", "a changé"
PY
