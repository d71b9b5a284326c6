"""Une carte dans un fichier : page interactive, ou image avec titre et source, pour un courrier."""

from __future__ import annotations

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.cartes_statiques import LARGEUR, CarteDessinee, CarteStatique, carte_statique
from cafdiag.restitution.couleurs import ENCRE, ENCRE_2
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.illustrations import POLICES
from cafdiag.restitution.legende_statique import couper

SUFFIXES = (".png", ".svg", ".html")
_MARGE = 16


def contenu_de(carte: CarteDessinee, suffixe: str) -> str | bytes:
    """Contenu du fichier d'une carte.

    Parameters
    ----------
    carte : CarteDessinee
        La carte.
    suffixe : {".html", ".png", ".svg"}
        Fin du nom du fichier.

    Raises
    ------
    DemandeFausse
        Autre suffixe.
    """
    suffixe = suffixe.lower()
    if suffixe in (".html", ".htm"):
        return carte.page()
    if suffixe not in SUFFIXES:
        raise DemandeFausse(
            f"carte en « {suffixe} »",
            attendu="un fichier .html, .png ou .svg",
            conseil="changez la fin du nom du fichier",
        )
    dessin = image_titree(carte_statique(carte))
    if suffixe == ".svg":
        return dessin
    from cafdiag.restitution.images import png

    return png(dessin, largeur_cm=17)


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
