#!/usr/bin/env bash
# simplemma (forme de base des mots français) : « été », la saison, devient « être » ; Fougères « fougère », Les Sables « sabler ».
# Pronostic : un nom de commune garde sa forme ; la saison reste la saison, ou les deux sens sont rendus.
# Constat : sans le contexte, le verbe l'emporte : l'été s'ajoute aux « être » d'une autre réponse. La majuscule ne protège pas : Livré devient
# « livrer », Vitré « vitré » ; Laval, Craon et Nantes passent.
# Conséquence : l'accueil d'été, premier sujet d'un centre de loisirs, n'est plus comptable ; mettre noms et saisons de côté avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'simplemma==2.0.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import simplemma

print("simplemma", version("simplemma"))
mots = ("été", "suis", "Fougères", "Sables", "Livré", "Vitré", "Laval", "crèches")
constat = {m: simplemma.lemmatize(m, lang="fr") for m in mots}
print("attendu  : été, Fougères, Sables, Livré, Vitré, Laval, crèche\nconstaté :", constat)
assert constat["été"] == constat["suis"] == "être", "le comportement a changé"
assert [constat[m] for m in mots[2:6]] == ["fougère", "sabler", "livrer", "vitré"], "le comportement a changé"
assert (constat["Laval"], constat["crèches"]) == ("Laval", "crèche"), "le comportement a changé"
PY
