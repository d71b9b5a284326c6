"""Ce qu'une page doit porter pour ses cartes, et ses cartes en morceaux : sans folium, donc vite importé."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cafdiag import magasin

MIME_CARTE = "application/vnd.cafdiag.carte+json"
# Les deux cartes que la note et les diapositives reprennent du rapport.
CLEF_DES_TAUX, CLEF_DES_COMMUNES = "PE_TXCOUV_GLOBAL", "communes"


@lru_cache(maxsize=1)
def socle() -> tuple[str, str]:
    """Style et script communs à toutes les cartes, à incorporer une seule fois par page.

    Returns
    -------
    tuple of str
        ``(css, js)``, sans balises : Leaflet 1.9.4 (BSD-2) puis le dessin de cafdiag.

    Raises
    ------
    DonneesAbimees
        Leaflet n'est pas celui qui a été embarqué.
    """
    leaflet, carte = magasin.dossier("maps") / "leaflet", magasin.dossier("templates") / "carte"
    css = magasin.verifier(leaflet / "leaflet.css").read_text(encoding="utf-8")
    # Les images de Leaflet (ombres, couches) ne servent pas ici et seraient demandées au disque.
    css = re.sub(r"url\([^)]*\)", "none", re.sub(r"behavior:[^;]*;", "", css))
    js = re.sub(
        r"//# sourceMappingURL=.*", "", magasin.verifier(leaflet / "leaflet.js").read_text(encoding="utf-8")
    )
    nos = [(carte / nom).read_text(encoding="utf-8").strip() for nom in ("noms.js", "carte.js", "outils.js")]
    return (
        css.strip() + "\n" + (carte / "carte.css").read_text(encoding="utf-8").strip(),
        "\n".join([js.strip(), *nos]),
    )


def socle_html() -> str:
    """Le :func:`socle` entre ses balises, pour l'en-tête d'une page."""
    css, js = socle()
    return f"<style>{css}</style>\n<script>{js}</script>"


@dataclass(frozen=True)
class Fragments:
    """Une carte en deux morceaux à placer dans une page qui porte déjà le :func:`socle`."""

    html: str
    script: str
    prefixe: str

    def __iter__(self):
        return iter((self.html, self.script))

    def sous_prefixe(self, prefixe: str) -> Fragments:
        """Les mêmes morceaux sous un autre préfixe, pour placer deux fois une carte dans une page."""
        html, script = (t.replace(f"_{self.prefixe}_", f"_{prefixe}_") for t in self)
        return Fragments(html, script, prefixe)


def assembler(cartes: Sequence) -> list[Fragments]:
    """Les morceaux de plusieurs cartes d'une même page, sans identifiant en double.

    Parameters
    ----------
    cartes : sequence
        Cartes, ou contenus de type :data:`MIME_CARTE` lus dans un carnet.
    """
    vus: dict[str, int] = {}
    sortie = []
    for carte in cartes:
        morceaux = (
            carte.fragments()
            if hasattr(carte, "fragments")
            else Fragments(carte["html"], carte["script"], carte["prefixe"])
        )
        rang = vus[morceaux.prefixe] = vus.get(morceaux.prefixe, 0) + 1
        sortie.append(morceaux if rang == 1 else morceaux.sous_prefixe(f"{morceaux.prefixe}x{rang}"))
    return sortie
