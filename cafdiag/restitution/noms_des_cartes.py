"""Où s'écrivent les noms d'une carte fixe : les mêmes règles, dans le même ordre, que ``noms.js``.

Un nom tient dans son contour, ou se tait ; le territoire et les extrêmes s'écrivent toujours, au besoin à côté,
dans un cartouche relié à leur lieu. Aucun n'en touche un autre, ni un cercle, ni la limite du territoire.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

from cafdiag.restitution.contours import anneaux, en_deux, taille_du_nom
from cafdiag.restitution.couleurs import BLANC, ENCRE, ENCRE_2
from cafdiag.restitution.echappement import html_sur

Boite = tuple[float, float, float, float]
# Mêmes valeurs que dans noms.js.
DIRECTIONS = (-90, 90, 0, 180, -45, -135, 45, 135)
DISTANCES = (14, 30, 50, 75, 105, 140, 180)
CORPS, CORPS_FORT = 11.0, 12.0
_DESSOUS = "<g/>"


class Noms:
    """Les noms d'une vue.

    Parameters
    ----------
    vue
        De degrés à pixels : ``point(lon, lat)``, ``largeur``, ``hauteur``, ``zoom``.
    prises : sequence of Boite
        Ce qui occupe déjà la vue : ``(gauche, haut, droite, bas)`` en pixels.
    """

    def __init__(self, vue: Any, prises: Sequence[Boite] = ()) -> None:
        self.vue, self.prises = vue, list(prises)
        self.cercles: list[tuple[float, float, float]] = []
        self.traits: list[list[tuple[float, float]]] = []
        self.encres: list[str] = []
        self.liens: list[tuple[tuple[float, float], tuple[float, float]]] = []

    def voir(self, nom: str, donnees: Any) -> None:
        """Retient d'une couche ce qu'un nom ne doit pas toucher, et l'encre qui se lit sur chaque lieu."""
        if nom == "cercles":
            self.cercles += [(*self.vue.point(e["p"][1], e["p"][0]), e["r"]) for e in donnees["entites"]]
        elif nom == "zones" and donnees.get("trait"):
            for entite in donnees["entites"]:
                self.traits += [[self.vue.point(*p[:2]) for p in a] for a, _ in anneaux(entite["g"])]
        elif nom == "zones" and donnees["plan"] == "zones":
            styles = [s.get("encre", "") for s in donnees["styles"]]
            self.encres = [styles[e["s"]] for e in donnees["entites"]]

    def ecrire(self, liste: Sequence[dict]) -> str:
        """Les noms en SVG."""
        places: dict[int, str] = {}
        for passe in ("directs", "cartouches", "autres"):
            for rang, entite in enumerate(liste):
                if rang in places or bool(entite.get("o")) == (passe == "autres"):
                    continue
                place = self._cartouche(entite) if passe == "cartouches" else self._direct(entite)
                if place:
                    places[rang] = place
        # Un lien qui passe sous un autre nom s'écrit avant lui.
        return "".join(sorted((places[rang] for rang in sorted(places)), key=lambda p: not p.startswith(_DESSOUS)))

    def _direct(self, entite: dict) -> str:
        gras = bool(entite.get("f"))
        corps = CORPS_FORT if gras else CORPS
        for lignes, x, y in self._candidats(entite, corps, gras):
            boite = _boite(x, y, *taille_du_nom(lignes, corps=corps, gras=gras))
            if self._libre(boite, entite):
                self.prises.append(boite)
                encre = self.encres[entite["i"]] if entite["i"] < len(self.encres) else ""
                return _texte(lignes, x, y, corps, gras, encre=encre)
        return ""

    def _candidats(self, entite: dict, corps: float, gras: bool) -> Iterator[tuple[list[str], float, float]]:
        for nombre, latitude, longitude, zoom, prevue in entite.get("v", ()):
            lignes = en_deux(entite["t"]) if nombre > 1 else [entite["t"]]
            large, haut = taille_du_nom(lignes, corps=corps, gras=gras)
            if self.vue.zoom >= zoom + math.log2(max(large / prevue, haut / taille_du_nom(lignes)[1])):
                yield lignes, *self.vue.point(longitude, latitude)
        if "r" in entite:
            (x, y), (large, haut) = self._point(entite), taille_du_nom([entite["t"]], corps=corps, gras=gras)
            dx, dy = entite["r"] + large / 2, entite["r"] + haut / 2
            for px, py in ((x, y + dy), (x, y - dy), (x + dx, y), (x - dx, y)):
                yield [entite["t"]], px, py

    def _point(self, entite: dict) -> tuple[float, float]:
        return self.vue.point(entite["p"][1], entite["p"][0])

    def _libre(self, boite: Boite, entite: dict, *, net: bool = True) -> bool:
        if boite[0] < 0 or boite[1] < 0 or boite[2] > self.vue.largeur or boite[3] > self.vue.hauteur:
            return False
        if any(_touche(boite, p) for p in self.prises):
            return False
        if net and any(traverse(a, b, boite) for a, b in self.liens):
            return False
        if "r" not in entite:
            return True
        ici = self._point(entite)
        ronds = [(x - r, y - r, x + r, y + r) for x, y, r in self.cercles if (x, y) != ici]
        if any(_touche(boite, r) for r in ronds):
            return False
        return not any(
            traverse(a, b, boite) for ligne in self.traits for a, b in pairwise(ligne)
        )

    def _cartouche(self, entite: dict) -> str:
        """Un nom qu'il faut lire et qui ne tient pas chez lui : à côté, sur fond blanc, relié à son lieu."""
        gras = bool(entite.get("f"))
        corps, (x, y) = CORPS_FORT if gras else CORPS, self._point(entite)
        if not (0 <= x <= self.vue.largeur and 0 <= y <= self.vue.hauteur):
            return ""
        lignes = en_deux(entite["t"])
        large, haut = taille_du_nom(lignes, corps=corps, gras=gras)
        # Vers l'extérieur d'abord : le cartouche couvre moins de lieux.
        dehors = math.atan2(y - self.vue.hauteur / 2, x - self.vue.largeur / 2)
        directions = sorted(DIRECTIONS, key=lambda a: round(-math.cos(math.radians(a) - dehors), 6))
        # Un lien qui passe sous un autre nom vaut mieux que pas de nom, mais seulement faute de mieux.
        for net, distance, angle in product((True, False), DISTANCES, directions):
            cx = x + math.cos(math.radians(angle)) * (distance + large / 2)
            cy = y + math.sin(math.radians(angle)) * (distance + haut / 2)
            boite = _boite(cx, cy, large + 4, haut + 2)
            lien = ((x, y), (cx, cy))
            if not self._libre(boite, {}, net=net) or (net and any(traverse(*lien, p) for p in self.prises)):
                continue
            self.prises.append(boite)
            self.liens.append(lien)
            return ("" if net else _DESSOUS) + (
                f'<path d="M{x:.1f} {y:.1f}L{cx:.1f} {cy:.1f}" stroke="{ENCRE}" stroke-width="1"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{ENCRE}" stroke="{BLANC}"/>'
                f'<rect x="{boite[0]:.1f}" y="{boite[1]:.1f}" width="{large + 4:.1f}" height="{haut + 2:.1f}" '
                f'rx="2" fill="{BLANC}" stroke="{ENCRE_2}" stroke-width=".8"/>'
                + _texte(lignes, cx, cy, corps, gras, halo=False)
            )
        return ""


def _boite(x: float, y: float, large: float, haut: float) -> Boite:
    return x - large / 2, y - haut / 2, x + large / 2, y + haut / 2


def _touche(a: Boite, b: Boite) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


def traverse(a: tuple[float, float], b: tuple[float, float], boite: Boite) -> bool:
    """Vrai si le segment `a`-`b` passe dans la boîte.

    Examples
    --------
    >>> traverse((0, 0), (10, 10), (4, 4, 6, 6)), traverse((0, 0), (10, 0), (4, 4, 6, 6))
    (True, False)
    """
    debut, fin = 0.0, 1.0
    for axe in (0, 1):
        ecart, bas, haut = b[axe] - a[axe], boite[axe] - a[axe], boite[axe + 2] - a[axe]
        if ecart == 0:
            if bas > 0 or haut < 0:
                return False
            continue
        entree, sortie = sorted((bas / ecart, haut / ecart))
        debut, fin = max(debut, entree), min(fin, sortie)
        if debut > fin:
            return False
    return True


def _texte(
    lignes: Sequence[str], x: float, y: float, corps: float, gras: bool, *, encre: str = "", halo: bool = True
) -> str:
    graisse = ' font-weight="700"' if gras else ""
    # Sans couleur de classe dessous (hachures, fond blanc), un liseré blanc détache l'encre.
    detache = ' stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    lisere = detache if halo and not encre else ""
    haut = y - (len(lignes) - 1) * (corps + 2) / 2 + corps * 0.35
    return "".join(
        f'<text x="{x:.1f}" y="{haut + rang * (corps + 2):.1f}" font-size="{corps:g}"{graisse} text-anchor="middle" '
        f'fill="{encre or ENCRE}"{lisere}>{html_sur(ligne)}</text>'
        for rang, ligne in enumerate(lignes)
    )
