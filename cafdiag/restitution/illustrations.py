"""Du dessin matplotlib à une figure : vrai texte, mêmes octets, équivalent en mots.

matplotlib n'est importé qu'ici et seulement quand on dessine, sans ``pyplot`` : aucun état global, aucune
figure qui traîne. On dessine en points sur une toile étroite : le texte reste lisible sur un téléphone.
"""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any

from cafdiag.restitution.couleurs import ENCRE, ENCRE_2
from cafdiag.restitution.document import Figure
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import ponctuer

LARGEUR = 420.0
CORPS = 12.5
POLICES = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"
)

_REGLAGES = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cafdiag",
    "font.family": ["DejaVu Sans"],
    "font.size": CORPS,
    "text.color": ENCRE,
    "path.simplify": False,
    "axes.unicode_minus": True,
    "text.usetex": False,
    "text.parse_math": False,
}

# Un dessin se refait à l'identique dans la note, et quand on rejoue un carnet.
DESSINS_GARDES = 64
_TRACES: dict[str, str] = {}


class Toile:
    """Une figure matplotlib graduée en points, l'origine en haut à gauche ; peinte d'un coup par :meth:`svg`."""

    def __init__(self, hauteur: float, *, largeur: float = LARGEUR) -> None:
        self.largeur, self.hauteur = largeur, hauteur
        self._gestes: list[tuple[str, tuple, dict[str, Any]]] = []

    def _retenir(self, geste: str, *places: Any, **options: Any) -> None:
        self._gestes.append((geste, places, options))

    def rectangle(
        self, x: float, y: float, largeur: float, hauteur: float, couleur: str, **options: Any
    ) -> None:
        """Un rectangle plein."""
        trait = {"edgecolor": "none", "linewidth": 0, **options}
        self._retenir("Rectangle", (x, y), largeur, hauteur, facecolor=couleur, **trait)

    def ligne(self, xs: Any, ys: Any, couleur: str, epaisseur: float = 1.0, **options: Any) -> None:
        """Une ligne brisée."""
        # Des nombres de Python : un tableau numpy ne s'écrit qu'à huit chiffres.
        points = ([float(x) for x in xs], [float(y) for y in ys])
        self._retenir("Line2D", *points, color=couleur, linewidth=epaisseur, **{"solid_capstyle": "butt", **options})

    def point(self, x: float, y: float, couleur: str, *, rayon: float = 4.5, creux: bool = False) -> None:
        """Un point, creux pour une valeur estimée."""
        self._retenir(
            "Line2D",
            [x],
            [y],
            marker="o",
            markersize=2 * rayon,
            markerfacecolor="#ffffff" if creux else couleur,
            markeredgecolor=couleur,
            markeredgewidth=1.6 if creux else 0,
            linestyle="none",
        )

    def texte(
        self,
        x: float,
        y: float,
        mots: str,
        *,
        couleur: str = ENCRE,
        taille: float = CORPS,
        gras: bool = False,
        cote: str = "left",
    ) -> None:
        """Un texte, centré en hauteur sur `y`."""
        # Sans « parse_math », un « $ » dans un nom serait lu comme une formule.
        self._retenir(
            "Text",
            x,
            y,
            mots,
            color=couleur,
            fontsize=taille,
            ha=cote,
            va="center_baseline",
            fontweight="bold" if gras else "normal",
            parse_math=False,
        )

    def svg(self, *, titre: str, alternative: str) -> str:
        """Le dessin en SVG incorporable : accessible, sans identifiant inutile ni police imposée."""
        # Les gestes ne sont que des nombres et des textes : écrits, ils disent tout du dessin.
        cle = repr((self.largeur, self.hauteur, self._gestes))
        if cle not in _TRACES:
            if len(_TRACES) >= DESSINS_GARDES:
                del _TRACES[next(iter(_TRACES))]
            _TRACES[cle] = self._tracer()
        return _nettoyer(_TRACES[cle], titre, alternative)

    def _tracer(self) -> str:
        from matplotlib import style
        from matplotlib.figure import Figure as FigureMatplotlib
        from matplotlib.lines import Line2D
        from matplotlib.patches import Rectangle
        from matplotlib.text import Text
        from matplotlib.transforms import Affine2D

        gestes = {"Rectangle": Rectangle, "Line2D": Line2D, "Text": Text}
        tampon = io.StringIO()
        # Réglages d'origine d'abord : un « matplotlibrc » de l'utilisateur, ou du dossier courant, changerait traits
        # et marges.
        with style.context(_REGLAGES, after_reset=True):
            figure = FigureMatplotlib(figsize=(self.largeur / 72, self.hauteur / 72), dpi=72)
            # Ni axes ni graduations, les deux tiers du temps d'un dessin : chaque trait se pose sur la figure.
            en_points = Affine2D().scale(1, -1).translate(0, self.hauteur)
            for geste, places, options in self._gestes:
                figure.add_artist(gestes[geste](*places, transform=en_points, **options))
            figure.savefig(
                tampon,
                format="svg",
                transparent=True,
                metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
            )
        return tampon.getvalue()


def _nettoyer(brut: str, titre: str, alternative: str) -> str:
    corps = brut[brut.index("<svg") :]
    corps = re.sub(r"<metadata>.*?</metadata>\s*", "", corps, flags=re.DOTALL)
    corps = re.sub(r"<!--.*?-->\s*", "", corps, flags=re.DOTALL)
    # Les groupes numérotés (axes_1, patch_2…) feraient des id en double d'un graphique à l'autre.
    corps = re.sub(r'<g id="[^"]*">', "<g>", corps)
    corps = re.sub(r"font-family: [^;\"]*", f"font-family: {POLICES}", corps)
    corps = re.sub(r"font: ((?:[a-z]+ |\d+ )*)([\d.]+px) [^;\"]*", rf"font: \1\2 {POLICES}", corps)
    empreinte = "g" + hashlib.sha256((titre + alternative + corps).encode("utf-8")).hexdigest()[:10]
    for ancien in set(re.findall(r'\bid="([^"]+)"', corps)):
        corps = corps.replace(f'id="{ancien}"', f'id="{empreinte}-{ancien}"').replace(
            f"#{ancien}", f"#{empreinte}-{ancien}"
        )
    boite = re.search(r'viewBox="([^"]+)"', corps)
    entete = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{boite.group(1) if boite else ""}" role="img" '
        f'aria-labelledby="{empreinte}-titre {empreinte}-texte">'
        f'<title id="{empreinte}-titre">{html_sur(titre)}</title>'
        f'<desc id="{empreinte}-texte">{html_sur(alternative)}</desc>'
    )
    corps = entete + corps[corps.index(">") + 1 :]
    return re.sub(r"\n\s*", "\n", corps).strip()


def illustrer(
    toile: Toile, *, titre: str, alternative: str, sous_titre: str = "", source: str = "", note: str = ""
) -> Figure:
    """Finit un dessin : titre, équivalent en mots, source."""
    dessin = toile.svg(titre=titre, alternative=alternative)
    pied = " ".join(t for t in (note, f"Source : {source.rstrip('. ')}." if source else "") if t)
    return Figure(ponctuer(titre), dessin, alternative, ponctuer(sous_titre), ponctuer(pied))


__all__ = ["CORPS", "ENCRE", "ENCRE_2", "LARGEUR", "Toile", "illustrer"]
