#!/usr/bin/env bash
# pyaxis (lecture PxWeb, statistique suisse et luxembourgeoise) : les effectifs sont du texte, et le maximum de 9 et 1250 est « 9 ».
# Pronostic : DATA porte des nombres, et les deux marques d'absence du format reviennent manquantes.
# Constat : toute la colonne est en texte, somme comprise (« 91250 ») ; « .. » revient manquant et « . » un texte vide.
# Le fichier est lu sans erreur ni avertissement.
# Conséquence : un voisin frontalier au mauvais rang ; convertir DATA en nombre, et compter ce qui ne s'y convertit pas.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyaxis==0.4.3' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from pyaxis import pyaxis

print("pyaxis", version("pyaxis"), "; pandas", version("pandas"))
with open("enfants.px", "w", encoding="latin-1") as flux:
    flux.write(
        'CHARSET="ANSI";\nAXIS-VERSION="2000";\nLANGUAGE="fr";\nTITLE="Enfants par commune";\nUNITS="nombre";\n'
        'STUB="commune";\nHEADING="annee";\nVALUES("commune")="A","B";\nVALUES("annee")="2022","2023";\nDECIMALS=0;\n'
        'DATA=\n9 1250\n".." ".";\n'
    )
valeurs = pyaxis.parse(uri="enfants.px", encoding="latin-1")["DATA"]["DATA"]
constat = (valeurs[:2].max(), valeurs[:2].sum(), valeurs.isna().tolist(), valeurs[3])
print("attendu  : 1250, 1259, deux manquants\nconstaté :", constat)
assert constat == ("9", "91250", [False, False, True, False], ""), "le comportement a changé"
PY
