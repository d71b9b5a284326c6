#!/usr/bin/env bash
# cleanco (ôter la forme juridique d'un nom, avant un rapprochement) : la crèche « Les Petits As » devient « Les Petits ».
# Pronostic : SA, SAS, SARL sont ôtés en fin de nom ; un mot du nom, même court, est gardé.
# Constat : les sigles du monde entier comptent, sans égard à la casse : AS norvégien, SE européen, Co anglais. La SCIC et
# l'association, formes courantes des gestionnaires, ne sont pas connues ; une SARL en tête est gardée.
# Conséquence : « Les Petits As » et « Les Petits SAS » se confondent ; rapprocher par SIRET, ou garder le nom entier à côté.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'cleanco==2.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from cleanco import basename

print("cleanco", version("cleanco"))
attendu = {
    "Crèche Les Petits As": "Crèche Les Petits As",
    "Jardin d'enfants Bébé et Co": "Jardin d'enfants Bébé et Co",
    "Micro-crèche La Ronde SAS": "Micro-crèche La Ronde",
    "Crèche Am Stram Gram SCIC": "Crèche Am Stram Gram",
    "SARL Les Lutins": "Les Lutins",
}
constat = {nom: basename(nom) for nom in attendu}
for nom in attendu:
    print("attendu  :", attendu[nom], "\nconstaté :", constat[nom])
assert list(constat.values())[:3] == ["Crèche Les Petits", "Jardin d'enfants Bébé", "Micro-crèche La Ronde"], "a changé"
assert list(constat.values())[3:] == ["Crèche Am Stram Gram SCIC", "SARL Les Lutins"], "le comportement a changé"
assert basename("Les Petits As") == basename("Les Petits SAS") == "Les Petits", "le comportement a changé"
PY
