"""Une carte folium qui s'ouvre câble débranché, et dont deux rendus ont les mêmes octets.

folium va chercher six bibliothèques sur le réseau ; ici Leaflet est incorporé et rien d'autre n'est
demandé. branca tire les identifiants au hasard ; ils sont renumérotés au rendu, dans l'ordre où ils
apparaissent.
"""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path
from typing import Any, cast

import folium
from branca.element import Element, Figure
from folium.template import Template

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import carte_html
from cafdiag.restitution.carte import MIME_CARTE, Carte
from cafdiag.restitution.carte_fixe import image
from cafdiag.restitution.carte_html import ATTENTE, Ajouts, Fragments, socle_html
from cafdiag.restitution.types_mime import porter

_ID_BRANCA = re.compile(r"_([0-9a-f]{32})(?![0-9a-f])")
_DEHORS = re.compile(
    r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)""",
    re.IGNORECASE,
)


class _Brut(Element):
    """Un morceau rendu tel quel : branca prendrait le code de Leaflet pour un gabarit."""

    def __init__(self, contenu: str) -> None:
        super().__init__()
        self._contenu = contenu

    def render(self, **kwargs: Any) -> str:
        return self._contenu


class CarteHorsLigne(folium.Map):
    """Carte folium sans aucune requête réseau, avec titre, légende, source et équivalent textuel.

    Parameters
    ----------
    modele : Carte
        La carte à montrer.
    tiles
        Un fond de tuiles de folium ; il aura besoin d'internet à l'ouverture.

    Notes
    -----
    On lui ajoute n'importe quel élément de folium qui se contente de Leaflet. Un élément qui appelle un site
    extérieur est refusé au rendu ; l'image fixe et les couches de SIG n'en montrent aucun.
    """

    _template = Template("")

    def __init__(self, modele: Carte, *, tiles: Any = None) -> None:
        super().__init__(tiles=tiles)
        self.default_js, self.default_css = [], []
        self.modele = modele

    @property
    def titre(self) -> str:
        """Ce que montre la carte."""
        return self.modele.titre

    @property
    def texte(self) -> str:
        """Ce que la carte montre, en phrases : pour qui ne la voit pas, ou pour un autre format."""
        return self.modele.texte

    def render(self, **kwargs: Any) -> str:
        """Rend les morceaux de la carte dans sa figure (appelé par branca)."""
        racine, suite = self._figure(), f"_{self._id}"
        racine.header.add_child(_Brut(socle_html()), name="cafdiag_socle")
        racine.html.add_child(_Brut(carte_html.figure(self.modele, suite)), name=self.get_name())
        racine.script.add_child(_Brut(carte_html.appels(self.modele, suite)), name=self.get_name())
        return super().render(**kwargs)

    def _figure(self) -> Figure:
        return cast(Figure, self.get_root())

    def _ajouts(self) -> Ajouts:
        """Ce que disent les éléments de folium ajoutés à la carte, leurs identifiants renumérotés.

        Raises
        ------
        DemandeFausse
            L'un d'eux appelle un site extérieur.
        """
        racine, siens = self._figure(), ("cafdiag_socle", "meta_http", self.get_name())
        racine.render()
        avant, apres, script = (
            "".join(enfant.render() for nom, enfant in partie._children.items() if nom not in siens)
            for partie in (racine.header, racine.html, racine.script)
        )
        script = re.sub(r"\n\s*\n+", "\n", script).strip()
        dehors = _DEHORS.search(avant + apres)
        if dehors:
            raise DemandeFausse(
                f"un élément de la carte appelle {dehors.group(1)}",
                attendu="une carte qui s'ouvre sans internet",
                conseil="retirez cet élément, ou dessinez-le avec cafdiag.restitution.couches",
            )
        # folium n'échappe pas toujours ses textes : une balise fermante couperait la page.
        script = re.sub(r"</(?=script)", r"<\\/", script, flags=re.IGNORECASE)
        rangs = {self._id: 1}

        def renumeroter(trouve: re.Match) -> str:
            return f"{ATTENTE}{rangs.setdefault(trouve.group(1), len(rangs) + 1)}"

        return Ajouts(*(_ID_BRANCA.sub(renumeroter, t) for t in (avant, apres.strip(), script)))

    def fragments(self, *, prefixe: str | None = None) -> Fragments:
        """La carte en morceaux : voir :func:`cafdiag.restitution.carte_html.fragments`."""
        return carte_html.fragments(self.modele, ajouts=self._ajouts(), prefixe=prefixe)

    def page(self, *, prefixe: str | None = None) -> str:
        """La carte seule, en une page HTML autonome."""
        return carte_html.page(self.modele, self.fragments(prefixe=prefixe))

    def contenu(self, suffixe: str) -> str | bytes:
        """Contenu du fichier de la carte, selon la fin de son nom : ``.html``, ``.png`` ou ``.svg``, rien d'autre."""
        suffixe = suffixe.lower()
        if suffixe in (".html", ".htm"):
            return self.page()
        if suffixe not in (".png", ".svg"):
            raise DemandeFausse(
                f"carte en « {suffixe} »",
                attendu="un fichier .html, .png ou .svg",
                conseil="changez la fin du nom du fichier",
            )
        return image(self.modele, suffixe)

    def enregistrer(self, chemin: Path | str) -> Path:
        """Écrit la carte d'un coup, et rend son chemin : page autonome (.html), ou image (.png, .svg)."""
        return magasin.ecrire_atomique(chemin, self.contenu(Path(chemin).suffix))

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Comme ``folium.Map.save``, mais la page est celle de :meth:`page`."""
        if isinstance(outfile, (str, Path)):
            self.enregistrer(outfile)
            return
        outfile.write(self.page().encode("utf-8"))
        if close_file:
            outfile.close()

    def __repr__(self) -> str:
        return f"<Carte « {self.modele.titre} »>"

    def _repr_html_(self, **kwargs: Any) -> str:
        return self._cadre(self._ajouts())

    def _cadre(self, ajouts: Ajouts) -> str:
        page = carte_html.page(self.modele, carte_html.fragments(self.modele, ajouts=ajouts))
        return (
            f'<iframe data-cafdiag="carte" title="{html.escape(f"Carte : {self.modele.titre}")}" '
            f'style="width:100%;height:{int(self.modele.hauteur) + 170}px;border:0" '
            f'srcdoc="{html.escape(page)}"></iframe>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        ajouts = self._ajouts()
        return {
            "text/plain": f"{self!r}\n{self.texte}",
            "text/html": self._cadre(ajouts),
            MIME_CARTE: porter({"version": 2, **self.modele.en_json(), "ajouts": dataclasses.asdict(ajouts)}),
        }
