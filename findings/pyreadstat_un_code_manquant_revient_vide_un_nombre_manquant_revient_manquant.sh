#!/usr/bin/env bash
# pyreadstat (SPSS, Stata) : dans la même ligne, le code de commune manquant revient en texte vide et l'effectif manquant revient manquant.
# Pronostic : un manquant reste un manquant, quel que soit le type de la colonne ; un booléen revient booléen.
# Constat : None d'une colonne de texte → « » (isna() répond faux) en SAV comme en DTA ; l'effectif → nan. Vrai revient 1.0.
# Conséquence : « aucune commune manquante » après un simple aller-retour ; remettre les textes vides à manquant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyreadstat==1.3.7' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
import pyreadstat

print("pyreadstat", version("pyreadstat"), "; pandas", version("pandas"))
table = pd.DataFrame({"commune": ["01001", None], "enfants": [1.0, None], "ouvert": [True, False]})
constat = {}
for nom, ecrire, lire in (
    ("sav", pyreadstat.write_sav, pyreadstat.read_sav),
    ("dta", pyreadstat.write_dta, pyreadstat.read_dta),
):
    ecrire(table, f"t.{nom}")
    relue, _ = lire(f"t.{nom}")
    constat[nom] = (relue["commune"].tolist(), relue.isna().sum().to_dict(), relue["ouvert"].tolist())
print("attendu  : un manquant par colonne\nconstaté :", constat)
for communes, manquants, _ in constat.values():
    assert communes == ["01001", ""] and manquants["commune"] == 0 and manquants["enfants"] == 1, "a changé"
assert not any(isinstance(v, bool) for v in constat["sav"][2]), "le comportement a changé"
PY
