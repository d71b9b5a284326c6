"""Les légendes des cartes, en HTML : des vignettes SVG qui s'impriment, et des mots.

La légende est sous ou à côté de la carte, jamais par-dessus : elle reste lisible sur un téléphone et
sur le papier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cafdiag.restitution.couleurs import ENCRE_2
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import nombre, pluriel

_VIDES = {"secret": "Secret statistique", "non_disponible": "Donnée absente", "sans_objet": "Sans objet"}
# Mêmes tracés que TRACES dans carte.js.
TRACES = {
    "rond": "M8 2a6 6 0 1 0 .01 0z",
    "carre": "M2.5 2.5h11v11h-11z",
    "triangle": "M8 1.5L15 14H1z",
    "losange": "M8 .5L15.5 8 8 15.5.5 8z",
    "croix": "M5.5 1h5v4.5H15v5h-4.5V15h-5v-4.5H1v-5h4.5z",
}


def nom_du_vide(cle: str) -> str:
    """Comment la légende nomme une absence de valeur.

    Examples
    --------
    >>> nom_du_vide("secret")
    'Secret statistique'
    """
    return _VIDES.get(cle, "Donnée absente")


def bloc(titre: str, elements: list[str], *, precision: str = "") -> str:
    """Un bloc de légende : titre facultatif, précision, liste d'éléments déjà en HTML."""
    entete = f"<small>{html_sur(precision)}</small>" if precision else ""
    titre = f"<p>{html_sur(titre)}{entete}</p>" if titre or entete else ""
    return f"<div>{titre}<ul>{''.join(elements)}</ul></div>"


def _element(dessin: str, libelle: str, *, largeur: int, hauteur: int, precision: str = "") -> str:
    suite = f"<small>{html_sur(precision)}</small>" if precision else ""
    return (
        f'<li><svg width="{largeur}" height="{hauteur}" viewBox="0 0 {largeur} {hauteur}" aria-hidden="true" '
        f'focusable="false">{dessin}</svg><span>{html_sur(libelle)}{suite}</span></li>'
    )


def aplat(remplissage: str, libelle: str, compte: int, *, opacite: float = 1.0, precision: str = "") -> str:
    """Une classe de couleur ou un motif, et le nombre de territoires."""
    dessin = (
        f'<rect x=".5" y=".5" width="25" height="15" fill="{html_sur(remplissage)}" '
        f'fill-opacity="{opacite:g}" stroke="#8a929a"/>'
    )
    # « de 1 à 1,15 fois la France (60,9 à 70,0) » : la fourchette passe à la ligne, en petit.
    tete, _, fourchette = libelle.partition(" (")
    suite = f" ({nombre(compte)})" if not fourchette else ""
    return _element(
        dessin,
        tete + suite,
        largeur=26,
        hauteur=16,
        precision=precision
        or (f"{fourchette.rstrip(')')} – {pluriel(compte, 'territoire')}" if fourchette else ""),
    )


def trait(style: dict[str, Any], libelle: str) -> str:
    """Un trait de contour."""
    bord = f'stroke="{style["color"]}" stroke-width="{style["weight"]}"'
    if style.get("dashArray"):
        bord += f' stroke-dasharray="{style["dashArray"]}"'
    if style.get("fill") is False:
        dessin = f'<path d="M1 8h24" fill="none" {bord}/>'
    else:
        remplissage = f'fill="{style["fillColor"]}" fill-opacity="{style.get("fillOpacity", 1):g}"'
        dessin = f'<rect x="1" y="2" width="24" height="12" {remplissage} {bord}/>'
    return _element(dessin, libelle, largeur=26, hauteur=16)


def signe(forme: str, couleur: str, libelle: str, compte: int) -> str:
    """La forme d'un type de structure, et leur nombre."""
    dessin = f'<path transform="translate(5 0)" d="{TRACES[forme]}" fill="{couleur}"/>'
    return _element(dessin, f"{libelle} ({nombre(compte)})", largeur=26, hauteur=16)


def anneau(couleur: str, libelle: str, *, plein: bool, precision: str = "") -> str:
    """Un anneau : zéro (trait plein) ou donnée absente (tirets)."""
    tirets = "" if plein else ' stroke-dasharray="2 2"'
    rayon = 2.5 if plein else 5
    dessin = f'<circle cx="13" cy="8" r="{rayon}" fill="#fff" stroke="{couleur}" stroke-width="1.4"{tirets}/>'
    return _element(dessin, libelle, largeur=26, hauteur=16, precision=precision)


def cercles(maximum: float, rayon: Callable[[float, float], float], *, couleur: str, decimales: int) -> str:
    """Trois tailles emboîtées : une valeur ronde proche du maximum, son quart environ, son vingtième."""
    tailles = sorted({rond(maximum * part) for part in (1.0, 0.3, 0.06)} - {0.0}, reverse=True)
    grand = rayon(tailles[0], maximum)
    haut, axe = 2 * grand + 4, grand + 2
    dessin = []
    precedent = -20.0
    for taille in tailles:
        r = rayon(taille, maximum)
        sommet = haut - 2 - 2 * r
        ecrit = max(sommet, precedent + 16)
        precedent = ecrit
        dessin.append(
            f'<circle cx="{axe:.1f}" cy="{haut - 2 - r:.1f}" r="{r:.1f}" fill="{couleur}" '
            f'fill-opacity=".15" stroke="{couleur}"/>'
            f'<path d="M{axe:.1f} {sommet:.1f}H{axe * 2 + 2:.1f}L{axe * 2 + 6:.1f} {ecrit + 1:.1f}" '
            f'fill="none" stroke="{ENCRE_2}" stroke-width=".7"/>'
            f'<text x="{axe * 2 + 9:.1f}" y="{ecrit + 4:.1f}" font-size="12" fill="currentColor">'
            f"{nombre(taille, decimales=0 if taille >= 1 else decimales)}</text>"
        )
    hauteur = max(haut, precedent + 8) + 6
    return (
        f'<li><svg width="130" height="{hauteur:.0f}" viewBox="0 -6 130 {hauteur:.0f}" role="img" '
        f'aria-label="Taille des cercles">{"".join(dessin)}</svg></li>'
    )


def rond(valeur: float) -> float:
    """La valeur ronde (1, 2 ou 5 fois une puissance de dix) juste sous `valeur`.

    Examples
    --------
    >>> rond(473), rond(28), rond(1), rond(0)
    (200.0, 20.0, 1.0, 0.0)
    """
    import math

    if valeur <= 0:
        return 0.0
    puissance = 10.0 ** math.floor(math.log10(valeur))
    return max(m * puissance for m in (1, 2, 5) if m * puissance <= valeur * (1 + 1e-9))
