#!/usr/bin/env bash
# wordcloud (nuage de mots des réponses de familles) : « mois » devient « moi », « cours » devient « cour », « fois » devient « foi ».
# Pronostic : un mot du texte est un mot du nuage ; au pire, « crèches » et « crèche » se réunissent.
# Constat : dès que le mot sans s est aussi dans le texte, le mot en s lui est ajouté, à l'anglaise : trois « mois » et un « moi » font
# quatre « moi », et plus aucun « mois ». normalize_plurals=False les garde.
# Conséquence : l'attente de six mois disparaît du nuage au profit de « moi » ; passer normalize_plurals=False.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'wordcloud==1.9.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from wordcloud import WordCloud

print("wordcloud", version("wordcloud"))
reponses = {
    ("mois", "moi"): "Six mois d'attente. Un mois de plus. Trois mois. Et moi, je travaille.",
    ("cours", "cour"): "Les cours du soir, le cours de danse, un cours de plus. La cour est petite.",
    ("fois", "foi"): "Deux fois par semaine, une fois, trois fois. Ma foi !",
}
constat = {}
for mots, texte in reponses.items():
    comptes = [WordCloud(stopwords=set(), normalize_plurals=n).process_text(texte) for n in (True, False)]
    constat[mots] = [tuple(c.get(m, 0) for m in mots) for c in comptes]
print("attendu  : (3, 1) à chaque fois\nconstaté : (tel quel, normalize_plurals=False)", constat)
assert all(c == [(0, 4), (3, 1)] for c in constat.values()), "le comportement a changé"
PY
