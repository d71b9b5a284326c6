"""L'image d'une vue : la carte fixe, avec son titre et sa source, pour une présentation ou un courrier."""

from __future__ import annotations

from cafdiag.restitution.cartes_statiques import LARGEUR, CarteStatique
from cafdiag.restitution.couleurs import ENCRE, ENCRE_2
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.illustrations import POLICES
from cafdiag.restitution.legende_statique import couper

_MARGE = 16


def image_titree(carte: CarteStatique) -> str:
    """Le SVG d'une carte, précédé de son titre et suivi de sa source : elle peut voyager seule.

    Parameters
    ----------
    carte : CarteStatique
        Le dessin, sa légende, et les textes à écrire autour.

    Returns
    -------
    str
        SVG autonome.
    """
    haut, ecrits = float(_MARGE), []
    for texte, taille, couleur, gras in (
        (carte.titre, 17.0, ENCRE, True),
        (carte.sous_titre, 13.0, ENCRE_2, False),
    ):
        bloc, haut = _ecrire(texte, haut, taille, couleur, gras=gras)
        ecrits.append(bloc)
    dessin = carte.svg.replace("<svg ", f'<svg x="{_MARGE}" y="{haut + 6:.0f}" ', 1)
    source, bas = _ecrire(carte.source, haut + 6 + carte.hauteur + 8, 11.0, ENCRE_2, gras=False)
    large = LARGEUR + 2 * _MARGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {large} {bas + _MARGE:.0f}" width="{large}" '
        f'height="{bas + _MARGE:.0f}" font-family="{POLICES}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(ecrits)}{dessin}{source}</svg>'
    )


def _ecrire(texte: str, haut: float, taille: float, couleur: str, *, gras: bool) -> tuple[str, float]:
    """Des lignes de texte et la hauteur où elles finissent."""
    graisse = ' font-weight="bold"' if gras else ""
    lignes = []
    for ligne in couper(texte, taille, LARGEUR, gras=gras) if texte else ():
        haut += taille * 1.35
        lignes.append(
            f'<text x="{_MARGE}" y="{haut - taille * 0.3:.1f}" font-size="{taille:g}" fill="{couleur}"{graisse}>'
            f"{html_sur(ligne)}</text>"
        )
    return "".join(lignes), haut
