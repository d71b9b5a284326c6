#!/usr/bin/env bash
# Quatre listes de mots vides du français, sur des réponses de familles : « pas assez ouvert » et « pas suffisant » n'ont plus un seul mot.
# Pronostic : une liste de mots vides ôte les articles et les prépositions ; ce qui fait le sens de la réponse reste.
# Constat : spaCy et stopwordsiso ôtent aussi « ouvert », « suffisant », « possible », « seul », et des nombres : « sept
# heures » et « huit heures » se confondent. Les quatre ôtent « pas » et « plus » : « pas de place » et « plus de place » sont la même réponse.
# Conséquence : les plaintes les plus courtes ne sont pas comptées, et les demandes se mêlent aux refus ; relire la liste, y laisser
# négations et nombres.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'spacy==3.8.18' 'stopwordsiso==0.7.1' 'stop-words==2025.11.4' 'many-stop-words==0.2.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import stop_words
import stopwordsiso
from many_stop_words import get_stop_words
from spacy.lang.fr.stop_words import STOP_WORDS

print(*(f"{p} {version(p)}" for p in ("spacy", "stopwordsiso", "stop-words", "many-stop-words")), sep=" ; ")
listes = [set(STOP_WORDS), set(stopwordsiso.stopwords("fr")), set(stop_words.get_stop_words("french")), set(get_stop_words("fr"))]
reponses = ("pas assez ouvert", "pas suffisant", "sept heures", "huit heures", "pas de place", "plus de place")
constat = {r: [" ".join(m for m in r.split() if m not in liste) for liste in listes] for r in reponses}
print("attendu  : six réponses distinctes, aucune vide\nconstaté : (spaCy, stopwordsiso, stop-words, many-stop-words)", constat)
assert constat["pas assez ouvert"] == ["", "", "assez ouvert", "assez ouvert"], "le comportement a changé"
assert constat["pas suffisant"] == ["", "", "suffisant", "suffisant"], "le comportement a changé"
assert constat["sept heures"][:2] == constat["huit heures"][:2] == ["heures", "heures"], "le comportement a changé"
assert constat["pas de place"] == constat["plus de place"] == 4 * ["place"], "le comportement a changé"
PY
