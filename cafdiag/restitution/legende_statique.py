"""La légende d'une carte, redessinée en SVG à partir de celle de la carte interactive."""

from __future__ import annotations

import re

from cafdiag.restitution.couleurs import ENCRE, ENCRE_2
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.html_semantique import Arbre, enfants, reduire, texte

# Largeurs de Helvetica (et d'Arial, de Liberation Sans), en fraction du corps.
_ETROITES = dict.fromkeys("iljI.,;:!|'’ \u00a0\u202ft()[]f/r-", 0.3)
_LARGES = dict.fromkeys("mwMW%@—", 0.86)


def largeur_du_texte(mots: str, taille: float, *, gras: bool = False) -> float:
    """Largeur approchée d'un texte sans empattement, en pixels.

    Examples
    --------
    >>> largeur_du_texte("ill", 10) < largeur_du_texte("mmm", 10)
    True
    """
    somme = sum(_ETROITES.get(c) or _LARGES.get(c) or (0.69 if c.isupper() else 0.545) for c in mots)
    return somme * taille * (1.06 if gras else 1.0)


def couper(mots: str, taille: float, largeur: float, *, gras: bool = False) -> list[str]:
    """Coupe un texte en lignes, aux espaces sécables.

    Examples
    --------
    >>> couper("un deux trois", 10, 45)
    ['un deux', 'trois']
    """
    lignes: list[str] = []
    for mot in mots.split(" "):
        essai = f"{lignes[-1]} {mot}" if lignes else mot
        if lignes and largeur_du_texte(essai, taille, gras=gras) <= largeur:
            lignes[-1] = essai
        else:
            lignes.append(mot)
    return lignes


class _Colonne:
    """Des textes et des vignettes empilés."""

    def __init__(self, x: float, largeur: float) -> None:
        self.x, self.largeur, self.y = x, largeur, 0.0
        self.morceaux: list[str] = []

    def ecrire(self, mots: str, *, taille: float, retrait: float = 0, gras: bool = False, encre: str = ENCRE):
        for ligne in couper(mots, taille, self.largeur - retrait, gras=gras):
            self.y += taille * 1.28
            graisse = ' font-weight="700"' if gras else ""
            self.morceaux.append(
                f'<text x="{self.x + retrait:g}" y="{self.y - taille * 0.28:.1f}" font-size="{taille:g}"{graisse} '
                f'fill="{encre}">{html_sur(ligne)}</text>'
            )

    def vignette(self, svg: str) -> float:
        """Pose un petit dessin à la ligne courante, et rend sa hauteur."""
        largeur, hauteur = (
            float(next(re.finditer(rf'\b{cote}="([\d.]+)"', svg))[1]) for cote in ("width", "height")
        )
        place = svg.replace("<svg ", f'<svg x="{self.x:g}" y="{self.y:.1f}" ', 1)
        self.morceaux.append(place)
        return hauteur if largeur else 0.0

    def filet(self) -> None:
        self.y += 8
        self.morceaux.append(f'<path d="M{self.x:g} {self.y:.1f}h{self.largeur:g}" stroke="#d5dbe1"/>')
        self.y += 6


def dessiner_legende(arbre: Arbre, *, x: float, largeur: float) -> tuple[str, float]:
    """La légende d'une carte en SVG, et sa hauteur.

    Parameters
    ----------
    arbre : Arbre
        Le HTML de la carte.
    x, largeur : float
        Bord gauche et largeur de la légende, en pixels.
    """
    colonne = _Colonne(x, largeur)
    legende = arbre.premier(".//div[@class='carte-legende']")
    for rang, bloc in enumerate(_montres(legende)):
        if rang:
            colonne.filet()
        for partie in enfants(bloc):
            if partie.tag == "p":
                _titre(colonne, partie)
            else:
                for element in partie.iter("li"):
                    _element(colonne, arbre, element)
    return "".join(colonne.morceaux), colonne.y + 4


def _montres(legende) -> list:
    """Les blocs visibles : ceux d'un autre choix de classes attendent, cachés, qu'on les demande."""
    return [] if legende is None else [b for b in enfants(legende) if b.get("hidden") is None]


def _mots_propres(element) -> tuple[str, str]:
    """Le texte d'un élément, sans ce qui est en petit ; puis ce qui est en petit."""
    petit = " ".join(texte(s) for s in element.iter("small"))
    return reduire(element.text).strip(), petit


def _titre(colonne: _Colonne, element) -> None:
    mots, petit = _mots_propres(element)
    if mots:
        colonne.ecrire(mots, taille=11.5, gras=True)
    if petit:
        colonne.ecrire(petit, taille=10.5, encre=ENCRE_2)
    colonne.y += 3


def _element(colonne: _Colonne, arbre: Arbre, element) -> None:
    depart, hauteur = colonne.y, 0.0
    for image in element.iter("img"):
        hauteur = colonne.vignette(arbre.svg(image) or "")
    for span in element.iter("span"):
        mots, petit = _mots_propres(span)
        colonne.ecrire(mots, taille=11.5, retrait=33)
        if petit:
            colonne.ecrire(petit, taille=10.5, retrait=33, encre=ENCRE_2)
    colonne.y = max(colonne.y, depart + hauteur) + 4
