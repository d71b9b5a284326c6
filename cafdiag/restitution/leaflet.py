"""Une carte folium qui s'ouvre câble débranché, et dont deux rendus ont les mêmes octets.

folium va chercher six bibliothèques sur le réseau ; ici Leaflet est incorporé et rien d'autre n'est
demandé. branca tire les identifiants au hasard ; ils sont renumérotés au rendu, dans l'ordre où ils
apparaissent, sous un préfixe propre à la carte : plusieurs cartes tiennent dans une même page.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import folium
from branca.element import Element, Figure
from folium.template import Template

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.echappement import html_sur, identifiant, json_sur
from cafdiag.restitution.socle_cartes import MIME_CARTE, Fragments, assembler, socle, socle_html

__all__ = ["MIME_CARTE", "CarteHorsLigne", "Fragments", "assembler", "socle", "socle_html"]

_ID_BRANCA = re.compile(r"_([0-9a-f]{32})(?![0-9a-f])")
# Caractère d'usage privé : aucun texte affiché ne peut être pris pour un identifiant en attente.
_ATTENTE = "_\ue000"
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
    titre : str
        Ce que montre la carte ; titre de la figure, de la page et du cadre dans un carnet.
    sous_titre, source : str, optional
        Précision sous le titre ; attribution écrite sous la carte.
    cadre : sequence, optional
        ``(ouest, sud, est, nord)`` en degrés : la vue d'ensemble.
    hauteur : int
        Hauteur de la vue, en pixels.
    molette : bool
        Zoom à la molette. Faux par défaut : la page doit pouvoir défiler sur la carte.
    clef : str
        À quoi un document reconnaît cette carte parmi d'autres (``couverture``, un code d'indicateur).
    **options
        Options de ``folium.Map``. ``tiles`` vaut ``None`` ; un fond de tuiles demandé ici aura besoin
        d'internet à l'ouverture.

    Notes
    -----
    On lui ajoute les couches de :mod:`cafdiag.restitution.couches`, ou n'importe quel élément de folium
    qui se contente de Leaflet. Un élément qui appelle un site extérieur est refusé au rendu.
    """

    _template = Template("""
        {% macro html(this, kwargs) %}{{ this._html_carte() }}{% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = cafdiag.carte({{ this.get_name()|tojson }}, {{ this._json_cadre() }},
          {{ this.options|tojavascript }});
        {% endmacro %}
    """)

    def __init__(
        self,
        *,
        titre: str,
        sous_titre: str = "",
        source: str = "",
        cadre: Sequence[float] | None = None,
        hauteur: int = 440,
        molette: bool = False,
        clef: str = "",
        **options: Any,
    ) -> None:
        options.setdefault("tiles", None)
        super().__init__(
            scroll_wheel_zoom=molette,
            zoom_start=options.pop("zoom_start", 9),
            location=options.pop("location", None) or [46.6, 2.4],
            **options,
        )
        # folium impose ces clés : « center » et « zoomControl » sont tenus par carte.js.
        self.options.pop("zoom_control", None)
        self.default_js, self.default_css = [], []
        self.titre, self.sous_titre, self.source, self.hauteur = titre, sous_titre, source, hauteur
        self.clef = clef
        self.cadre = tuple(float(c) for c in cadre) if cadre is not None else None
        self.legendes: list[str] = []
        self.reperes: list[str] = []
        self.textes: list[str] = []
        self.details_html: list[str] = []

    @property
    def texte(self) -> str:
        """Ce que la carte montre, en phrases : pour qui ne la voit pas, ou pour un autre format."""
        titre = self.titre.strip()
        return " ".join([titre if titre.endswith(("?", "!", ".")) else f"{titre}.", *self.textes])

    def motif(self, nom: str) -> str:
        """Référence d'un motif de remplissage de cette carte (``hachures`` ou ``pointille``)."""
        return f"url(#{nom}_{self._id})"

    def _json_cadre(self) -> str:
        if self.cadre is None:
            return "null"
        ouest, sud, est, nord = self.cadre
        return json_sur([[sud, ouest], [nord, est]])

    def _html_carte(self) -> str:
        nom, gris = self.get_name(), couleurs.SANS_DONNEE
        motifs = (
            '<svg class="carte-motifs" aria-hidden="true" focusable="false"><defs>'
            f'<pattern id="hachures_{self._id}" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
            f'<rect width="2" height="6" fill="{gris}"/></pattern>'
            f'<pattern id="pointille_{self._id}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" fill="#fff"/><circle cx="3" cy="3" r="1" fill="{gris}"/></pattern>'
            "</defs></svg>"
        )
        sous_titre = f"<small>{html_sur(self.sous_titre)}</small>" if self.sous_titre else ""
        blocs = [*self.legendes, f"<div><ul>{''.join(self.reperes)}</ul></div>" if self.reperes else ""]
        legende = f'<div class="carte-legende">{"".join(blocs)}</div>' if any(blocs) else ""
        source = f'<p class="carte-source">{html_sur(self.source)}</p>' if self.source else ""
        return (
            f'<figure class="carte" id="figure_{nom}" style="--hauteur:{int(self.hauteur)}px">'
            f"<figcaption>{html_sur(self.titre)}{sous_titre}</figcaption>{motifs}"
            f'<div class="carte-corps"><div class="carte-vue folium-map" id="{nom}" role="group" '
            f'aria-label="{html_sur(f"Carte interactive : {self.titre}")}" aria-describedby="texte_{nom}">'
            f"<noscript>La carte a besoin de JavaScript ; son contenu est décrit dessous.</noscript></div>"
            f"{legende}</div>{source}"
            f'<details class="carte-texte"><summary>La carte en toutes lettres</summary>'
            f'<p id="texte_{nom}">{html_sur(self.texte)}</p>{"".join(self.details_html)}</details></figure>'
        )

    def render(self, **kwargs: Any) -> str:
        """Rend les morceaux de la carte dans sa figure (appelé par branca)."""
        self._figure().header.add_child(_Brut(socle_html()), name="cafdiag_socle")
        return super().render(**kwargs)

    def _figure(self) -> Figure:
        return cast(Figure, self.get_root())

    def fragments(self, *, prefixe: str | None = None) -> Fragments:
        """La carte en morceaux ``(html, script)``, sans Leaflet, aux identifiants reproductibles.

        Parameters
        ----------
        prefixe : str, optional
            Commence par une lettre, ne contient que lettres et chiffres. Par défaut tiré du contenu :
            deux cartes différentes ne se heurtent pas, la même carte a toujours le même.

        Raises
        ------
        DemandeFausse
            Un élément ajouté à la carte appelle un site extérieur.
        """
        racine = self._figure()
        racine.render()
        ajouts = "".join(
            enfant.render()
            for nom, enfant in racine.header._children.items()
            if nom not in ("cafdiag_socle", "meta_http")
        )
        corps = ajouts + racine.html.render().strip()
        script = re.sub(r"\n\s*\n+", "\n", racine.script.render()).strip()
        dehors = _DEHORS.search(corps)
        if dehors:
            raise DemandeFausse(
                f"un élément de la carte appelle {dehors.group(1)}",
                attendu="une carte qui s'ouvre sans internet",
                conseil="retirez cet élément, ou dessinez-le avec cafdiag.restitution.couches",
            )
        rangs: dict[str, int] = {}

        def renumeroter(trouve: re.Match) -> str:
            return f"{_ATTENTE}{rangs.setdefault(trouve.group(1), len(rangs) + 1)}"

        corps, script = (_ID_BRANCA.sub(renumeroter, t) for t in (corps, script))
        if prefixe is None:
            prefixe = "k" + hashlib.sha256((corps + script).encode("utf-8")).hexdigest()[:10]
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", prefixe):
            raise DemandeFausse(
                f"préfixe « {prefixe} »", attendu="une lettre, puis des lettres et des chiffres"
            )
        corps, script = (t.replace(_ATTENTE, f"_{prefixe}_") for t in (corps, script))
        # folium n'échappe pas toujours ses textes : une balise fermante couperait la page.
        script = re.sub(r"</(?=script)", r"<\\/", script, flags=re.IGNORECASE)
        return Fragments(corps, f"(function () {{\n{script}\n}})();", prefixe)

    def page(self, *, prefixe: str | None = None) -> str:
        """La carte seule, en une page HTML autonome."""
        corps, script = self.fragments(prefixe=prefixe)
        return (
            '<!DOCTYPE html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(self.titre)}</title>\n{socle_html()}\n"
            "<style>body { margin: 0; padding: .75rem 1rem; background: #fff; } .carte { margin: 0; }\n"
            "h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }\n"
            "</style>\n"
            f"</head>\n<body>\n<main>\n<h1>{html.escape(self.titre)}</h1>\n{corps}\n</main>\n"
            f"<script>{script}</script>\n</body>\n</html>\n"
        )

    def enregistrer(self, chemin: Path | str) -> Path:
        """Écrit la carte d'un coup, et rend son chemin : page autonome (.html), ou image (.png, .svg).

        Raises
        ------
        DemandeFausse
            Le nom du fichier finit autrement.
        """
        from cafdiag.restitution.cartes_images import contenu_de

        return magasin.ecrire_atomique(chemin, contenu_de(self, Path(chemin).suffix))

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Comme ``folium.Map.save``, mais la page est celle de :meth:`page`."""
        if isinstance(outfile, (str, Path)):
            self.enregistrer(outfile)
            return
        outfile.write(self.page().encode("utf-8"))
        if close_file:
            outfile.close()

    def __repr__(self) -> str:
        return f"<Carte « {self.titre} »>"

    def _repr_html_(self, **kwargs: Any) -> str:
        return (
            f'<iframe data-cafdiag="carte" title="{html.escape(f"Carte : {self.titre}")}" '
            f'style="width:100%;height:{int(self.hauteur) + 170}px;border:0" '
            f'srcdoc="{html.escape(self.page())}"></iframe>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        morceaux = self.fragments()
        return {
            "text/plain": f"{self!r}\n{self.texte}",
            "text/html": self._repr_html_(),
            MIME_CARTE: {
                "version": 1,
                "clef": self.clef,
                "titre": self.titre,
                "texte": self.texte,
                "prefixe": morceaux.prefixe,
                "identifiant": identifiant(self.titre, defaut="carte"),
                "html": morceaux.html,
                "script": morceaux.script,
            },
        }
