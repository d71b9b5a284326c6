#!/usr/bin/env bash
# Deux communes homonymes dans un diagramme à barres : matplotlib, seaborn et plotnine montrent une seule barre, de trois hauteurs.
# Pronostic : deux barres côte à côte, ou un refus.
# Constat : pour 10 et 30 places, matplotlib dessine les barres l'une sur l'autre (on voit 30), seaborn en fait la moyenne avec un
# trait d'erreur (20), plotnine les empile (40). Aucun ne le signale.
# Conséquence : une commune disparaît, et le chiffre lu dépend de l'outil ; mettre le code, ou le département, dans l'étiquette.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'matplotlib==3.11.2' 'seaborn==0.13.2' 'plotnine==0.15.9' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
import plotnine as p9
import seaborn as sns

print(*(f"{nom} {version(nom)}" for nom in ("matplotlib", "seaborn", "plotnine")))
table = pd.DataFrame({"commune": ["Saint-Denis", "Laval", "Saint-Denis"], "places": [10, 15, 30]})
barres = plt.subplots()[1].bar(table.commune, table.places)
avec_matplotlib = [(float(barre.get_x()), int(barre.get_height())) for barre in barres]
axe = sns.barplot(table, x="commune", y="places", ax=plt.subplots()[1])
avec_seaborn = [float(barre.get_height()) for barre in axe.patches]
figure = (p9.ggplot(table, p9.aes("commune", "places")) + p9.geom_col()).draw()
formes = [chemin.get_extents() for groupe in figure.axes[0].collections for chemin in groupe.get_paths()]
avec_plotnine = sorted({(round(float(forme.x0)), round(float(forme.y1))) for forme in formes})
print("attendu  : trois barres, 10, 15 et 30\nconstaté :", avec_matplotlib, avec_seaborn, avec_plotnine)
assert avec_matplotlib[0][0] == avec_matplotlib[2][0] and avec_matplotlib[2][1] == 30, "le comportement a changé"
assert avec_seaborn == [20.0, 15.0], "le comportement a changé"
assert max(haut for _, haut in avec_plotnine) == 40, "le comportement a changé"
PY
