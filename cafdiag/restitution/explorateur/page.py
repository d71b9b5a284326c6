"""La page de la carte, dans son cadre : chargée une fois, elle lit décor et peinture dans le carnet.

JupyterLab n'exécute pas un script posé dans un widget ; un cadre de même origine exécute les siens. La page
lit donc les messages écrits à côté d'elle, et rend les gestes par un champ de texte caché, que ``ipywidgets``
transmet au noyau.
"""

from __future__ import annotations

import html
from functools import lru_cache

from cafdiag import magasin
from cafdiag.restitution.carte import motifs
from cafdiag.restitution.carte_html import socle_html
from cafdiag.restitution.echappement import html_sur

RACINE, SEUL, DECOR, PEINTURE, PONT = (
    "cafdiag-explorateur",
    "cafdiag-seul",
    "cafdiag-decor",
    "cafdiag-peinture",
    "cafdiag-pont",
)


@lru_cache(maxsize=1)
def cadre() -> str:
    """Le cadre de la carte, à poser tel quel dans un ``widgets.HTML``."""
    return (
        '<iframe class="cafdiag-cadre" title="Carte et tableau liés" scrolling="no" '
        'style="display:block;width:100%;height:640px;border:0" '
        f'srcdoc="{html.escape(_page())}"></iframe>'
    )


def _page() -> str:
    ou = magasin.dossier("templates") / "explorateur"
    modele = (ou / "carte_vive.html").read_text(encoding="utf-8")
    morceaux = {
        "@SOCLE@": socle_html(),
        "@STYLE@": (ou / "carte_vive.css").read_text(encoding="utf-8"),
        "@SCRIPT@": (ou / "carte_vive.js").read_text(encoding="utf-8"),
        "@MOTIFS@": motifs(""),
    }
    for marque, contenu in morceaux.items():
        modele = modele.replace(marque, contenu)
    return modele


def porteur(message: str, *, rang: int) -> str:
    """Un message JSON dans une balise que le navigateur garde sans l'exécuter ni l'afficher."""
    return f'<script type="application/json" data-rang="{rang}">{message}</script>'


def style() -> str:
    """Le style des widgets de l'explorateur."""
    contenu = (magasin.dossier("templates") / "explorateur" / "explorateur.css").read_text(encoding="utf-8")
    return f"<style>{contenu}</style>"


def message_html(texte: str, *, erreur: bool = False) -> str:
    """Une phrase pour l'utilisateur, dite par un lecteur d'écran."""
    classe = "avis faute" if erreur else "avis"
    return f'<p class="{classe}" role="status">{html_sur(texte)}</p>' if texte else ""
