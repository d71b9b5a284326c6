#!/usr/bin/env bash
# pywaffle (cent carrés pour cent enfants) : 33,3, 33,3 et 33,4 % font 99 carrés, ou 34, 34 et 32 selon l'arrondi demandé.
# Pronostic : la grille de cent carrés est remplie, et la plus grande part n'en a pas moins que les autres.
# Constat : à l'arrondi au plus proche, une case reste vide ; arrondi au-dessus, la dernière part, la plus grande, paie la différence. Un
# mode d'accueil à 0,4 % n'a aucun carré et reste dans la légende.
# Conséquence : un graphique qui contredit le texte d'un carré ou deux ; répartir soi-même les carrés, et passer des entiers.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pywaffle==1.2.0' 'matplotlib==3.10.7' 'numpy==2.2.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from collections import Counter
from importlib.metadata import version

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from pywaffle import Waffle

print("pywaffle", version("pywaffle"))


def carres(parts, arrondi):
    fig = plt.figure(FigureClass=Waffle, rows=10, columns=10, values=parts, rounding_rule=arrondi, legend={})
    couleurs = Counter(c.get_facecolor() for c in fig.axes[0].patches)
    return list(couleurs.values()), len(fig.axes[0].get_legend().get_texts())


tiers = {"crèche": 33.3, "assmat": 33.3, "parents": 33.4}
constat = {a: carres(tiers, a) for a in ("nearest", "ceil")}
rare = carres({"crèche": 60.5, "parents": 39.1, "garde à domicile": 0.4}, "nearest")
print("attendu  : 33, 33 et 34 carrés ; 100 en tout\nconstaté :", constat, "; avec une part de 0,4 % :", rare)
assert constat == {"nearest": ([33, 33, 33], 3), "ceil": ([34, 34, 32], 3)}, "le comportement a changé"
assert rare == ([60, 39], 3), "le comportement a changé"
PY
