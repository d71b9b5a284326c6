#!/usr/bin/env bash
# Une carte SVG de matplotlib, mise en PDF ou en image : la commune hachurée (secret) devient noire pour l'un, blanche pour l'autre.
# Pronostic : des hachures sont du dessin ordinaire : elles se gardent, ou l'outil dit qu'il ne sait pas.
# Constat : PyMuPDF peint la commune en noir uni, plus foncée que la classe la plus haute ; svglib la laisse blanche, comme hors du
# territoire ; cairosvg garde les hachures. Les deux autres communes sont justes partout. Ni erreur, ni avertissement.
# Conséquence : le secret se lit « maximum » ou « rien » dans le document remis ; donner une couleur sous les hachures, et regarder le PDF.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'matplotlib==3.11.2' 'pymupdf==2.0' 'svglib==2.3.2' 'cairosvg==2.9.1' 'reportlab==5.1.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import cairosvg
import matplotlib
import pymupdf
from reportlab.graphics import renderPDF
from svglib.svglib import svg2rlg

matplotlib.use("Agg")
import matplotlib.pyplot as plt

print(*(f"{p} {version(p)}" for p in ("matplotlib", "pymupdf", "svglib", "CairoSVG")), sep=" ; ")
figure = plt.figure(figsize=(3, 1))
axes = figure.add_axes([0, 0, 1, 1], xlim=(0, 3), ylim=(0, 1))
axes.axis("off")
for rang, (couleur, hachures) in enumerate([("#ffdddd", None), ("#ffffff", "////"), ("#990000", None)]):
    axes.add_patch(plt.Rectangle((rang, 0), 1, 1, facecolor=couleur, hatch=hachures, edgecolor="#888888"))
figure.savefig("carte.svg")


def couleurs(image):
    """Couleur moyenne et nombre de couleurs du milieu de chaque tiers de l'image."""
    resultat = []
    for tiers in range(3):
        largeur = range(int(image.width * (tiers + 0.1) / 3), int(image.width * (tiers + 0.9) / 3))
        points = [image.pixel(x, y)[:3] for x in largeur for y in range(image.height // 10, image.height * 9 // 10)]
        resultat.append((round(sum(map(sum, points)) / 3 / len(points)), len(set(points))))
    return resultat


constat = {
    "PyMuPDF": couleurs(pymupdf.open("carte.svg")[0].get_pixmap()),
    "svglib": couleurs(pymupdf.open(stream=renderPDF.drawToString(svg2rlg("carte.svg")))[0].get_pixmap()),
    "cairosvg": couleurs(pymupdf.Pixmap(cairosvg.svg2png(url="carte.svg"))),
}
print("attendu  : (gris moyen, couleurs) : des hachures au milieu\nconstaté :", *constat.items(), sep="\n  ")
assert constat["PyMuPDF"][1] == (0, 1), "le comportement a changé"
assert constat["svglib"][1] == (255, 1), "le comportement a changé"
assert 200 < constat["cairosvg"][1][0] < 250 and constat["cairosvg"][1][1] > 2
assert all(c[0] == (232, 1) and c[2] == (51, 1) for c in constat.values())
PY
