#!/usr/bin/env bash
# seaborn et plotnine : une année sans chiffre fait un trou dans une courbe, et pas dans l'autre de la même bibliothèque.
# Pronostic : une année manquante coupe la courbe, comme avec matplotlib.
# Constat : seaborn.lineplot relie 2020 à 2022 d'un trait, pointplot coupe ; chez plotnine, geom_line coupe et geom_area relie.
# Aucun avertissement pour lineplot.
# Conséquence : une valeur que personne n'a publiée se lit sur la courbe ; vérifier le dessin de chaque forme, ou tracer avec matplotlib.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'seaborn==0.13.2' 'plotnine==0.15.9' 'matplotlib==3.11.2' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotnine
import seaborn

print(*(f"{p} {version(p)}" for p in ("seaborn", "plotnine", "matplotlib")), sep=" ; ")
table = pd.DataFrame({"an": [2019, 2020, 2021, 2022, 2023], "taux": [10, 11, None, 14, 15.0]})


def tracer(forme):
    axe = forme(data=table, x="an", y="taux", ax=plt.figure().subplots(), errorbar=None)
    return axe.lines[0].get_xydata()


def dessiner(forme):
    axe = (plotnine.ggplot(table, plotnine.aes("an", "taux")) + forme()).draw(show=False).axes[0]
    return np.vstack([p.vertices for c in axe.collections for p in c.get_paths()] or [ligne.get_xydata() for ligne in axe.lines])


points = {"lineplot": tracer(seaborn.lineplot), "pointplot": tracer(seaborn.pointplot),
          "geom_line": dessiner(plotnine.geom_line), "geom_area": dessiner(plotnine.geom_area)}
coupe = {nom: bool(np.isnan(p).any()) for nom, p in points.items()}
print("attendu  : coupée partout\nconstaté :", coupe)
assert coupe == {"lineplot": False, "pointplot": True, "geom_line": True, "geom_area": False}, "le comportement a changé"
assert len(points["lineplot"]) == 4
PY
