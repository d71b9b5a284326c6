#!/usr/bin/env bash
# pyspellchecker (correction orthographique, en français) : la Mayenne devient « moyenne », Laval « naval », la Paje « paie ».
# Pronostic : le nom d'un département et d'une préfecture est connu, ou laissé tel quel ; « périscolaire » est un mot français.
# Constat : tout mot inconnu est changé pour le plus fréquent à deux lettres près : « périscolaire » devient « parascolaire », Craon « cran ».
# Un mot composé, ou trop loin de tout, rend None, que str() écrit « None ».
# Conséquence : des réponses sur l'accueil périscolaire et des communes qui disparaissent du dépouillement ; ajouter les noms du
# territoire au dictionnaire (word_frequency.load_words) avant de corriger.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyspellchecker==0.9.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from spellchecker import SpellChecker

print("pyspellchecker", version("pyspellchecker"))
mots = ("mayenne", "laval", "craon", "paje", "périscolaire", "multi-accueil")
correcteur = SpellChecker(language="fr")
constat = {m: correcteur.correction(m) for m in mots}
correcteur.word_frequency.load_words(mots)
gardes = [correcteur.correction(m) for m in mots]
print("attendu  : les mots tels quels\nconstaté :", constat)
changes = ["moyenne", "naval", "cran", "paie", "parascolaire", None]
assert list(constat.values()) == changes and gardes == list(mots), "le comportement a changé"
PY
