"""Une carte en page : sa figure (titre, vue, légende, source, tableau) et les appels à ``carte.js`` qui la dessinent.

Leaflet est incorporé, rien n'est demandé au réseau. Les identifiants portent un préfixe tiré du contenu : plusieurs
cartes tiennent dans une même page, et la même carte a toujours les mêmes octets.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.carte import Carte, Legende, ValeursDeCarte, motifs, nommer_les_motifs
from cafdiag.restitution.echappement import html_sur, json_sur

# Caractère d'usage privé : aucun texte affiché ne peut être pris pour un identifiant en attente.
ATTENTE = "_\ue000"
_OPTIONS = '{\n  "zoom": 9,\n  "preferCanvas": false,\n  "scrollWheelZoom": false,\n}'


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
class Ajouts:
    """Ce que folium a ajouté à une carte, ses identifiants en attente : des morceaux de page et de script."""

    avant: str = ""
    apres: str = ""
    script: str = ""


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


def fragments(carte: Carte, *, ajouts: Ajouts | None = None, prefixe: str | None = None) -> Fragments:
    """La carte en morceaux ``(html, script)``, sans Leaflet, aux identifiants reproductibles.

    Parameters
    ----------
    prefixe : str, optional
        Commence par une lettre, ne contient que lettres et chiffres. Par défaut tiré du contenu :
        deux cartes différentes ne se heurtent pas, la même carte a toujours le même.
    """
    ajouts = ajouts or Ajouts()
    # Son identifiant est le premier ; ceux de ce qu'on lui ajoute viennent après.
    suite = f"{ATTENTE}1"
    corps = (ajouts.avant + figure(carte, suite) + ajouts.apres).strip()
    script = "\n".join(t for t in (appels(carte, suite), ajouts.script) if t)
    if prefixe is None:
        prefixe = "k" + hashlib.sha256((corps + script).encode("utf-8")).hexdigest()[:10]
    elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", prefixe):
        raise DemandeFausse(f"préfixe « {prefixe} »", attendu="une lettre, puis des lettres et des chiffres")
    corps, script = (t.replace(ATTENTE, f"_{prefixe}_") for t in (corps, script))
    return Fragments(corps, f"(function () {{\n{script}\n}})();", prefixe)


def appels(carte: Carte, suite: str) -> str:
    """Les appels à ``carte.js`` qui dessinent la carte ; ses identifiants finissent par `suite`."""
    nom, (ouest, sud, est, nord) = f"map{suite}", carte.cadre or (None,) * 4
    cadre = json_sur(None if carte.cadre is None else [[sud, ouest], [nord, est]])
    lignes = [f'var {nom} = cafdiag.carte("{nom}", {cadre},\n          {_OPTIONS});']
    for couche in carte.couches:
        # Un carnet relu de son fichier a ses clés triées : il donne ainsi les mêmes octets.
        dessin = json_sur(_sous_motifs(couche.dessin, suite), trier=True)
        lignes.append(f"        cafdiag.{couche.genre}({nom}, {dessin});")
    return "\n".join(lignes)


def _sous_motifs(dessin: Mapping[str, Any], suite: str) -> dict[str, Any]:
    """Un dessin dont les styles appellent les motifs de la page."""
    rendu = dict(dessin)
    if "styles" in rendu:
        rendu["styles"] = styles_de_la_page(rendu["styles"], suite)
    if "peintures" in rendu:
        rendu["peintures"] = [
            {**p, "styles": styles_de_la_page(p["styles"], suite)} if "styles" in p else p for p in rendu["peintures"]
        ]
    return rendu


def styles_de_la_page(styles: Iterable[Mapping[str, Any]], suite: str) -> list[dict[str, Any]]:
    """Des styles dont les hachures et les pointillés portent leur nom dans la page."""
    return [
        {**s, "fillColor": nommer_les_motifs(s["fillColor"], suite)} if "fillColor" in s else dict(s) for s in styles
    ]


def figure(carte: Carte, suite: str) -> str:
    """Ce qui entoure la vue : titre, légende, source, tableau ; ses identifiants finissent par `suite`."""
    nom = f"map{suite}"
    dessins = f'<svg class="carte-motifs" aria-hidden="true" focusable="false">{motifs(suite)}</svg>'
    sous_titre = f"<small>{html_sur(carte.sous_titre)}</small>" if carte.sous_titre else ""
    blocs = legende_html(carte.legendes, suite)
    legende = f'<div class="carte-legende">{blocs}</div>' if blocs else ""
    source = f'<p class="carte-source">{html_sur(carte.source)}</p>' if carte.source else ""
    return (
        f'<figure class="carte" id="figure_{nom}" style="--hauteur:{int(carte.hauteur)}px">'
        f"<figcaption>{html_sur(carte.titre)}{sous_titre}</figcaption>{dessins}"
        f'<div class="carte-corps"><div class="carte-vue folium-map" id="{nom}" role="group" '
        f'aria-label="{html_sur(f"Carte interactive : {carte.titre}")}" aria-describedby="texte_{nom}">'
        f"<noscript>La carte a besoin de JavaScript ; son contenu est décrit dessous.</noscript></div>"
        f"{legende}</div>{source}"
        f'<details class="carte-texte"><summary>La carte en toutes lettres</summary>'
        f'<p id="texte_{nom}">{html_sur(carte.texte)}</p>{"".join(map(_valeurs, carte.valeurs))}</details></figure>'
    )


def legende_html(blocs: Iterable[Legende], suite: str) -> str:
    """La légende d'une carte ; les blocs d'une peinture qui n'est pas montrée sont cachés.

    Parameters
    ----------
    suite : str
        Ce qui suit, dans la page, le nom des motifs.
    """
    rendus = []
    for bloc in blocs:
        entete = f"<small>{html_sur(bloc.precision)}</small>" if bloc.precision else ""
        titre = f"<p>{html_sur(bloc.titre)}{entete}</p>" if bloc.titre or entete else ""
        elements = "".join(
            f"<li>{nommer_les_motifs(e.svg, suite)}{_libelle(e.libelle, e.precision)}</li>" for e in bloc.elements
        )
        rendus.append(f"{_ouvrir(bloc.peinture)}{titre}<ul>{elements}</ul></div>")
    return "".join(rendus)


def _libelle(mots: str, precision: str) -> str:
    petit = f"<small>{html_sur(precision)}</small>" if precision else ""
    return f"<span>{html_sur(mots)}{petit}</span>" if mots else ""


def _ouvrir(peinture: int | None) -> str:
    if peinture is None:
        return "<div>"
    return f'<div data-peinture="{peinture}"' + (" hidden>" if peinture else ">")


def _valeurs(table: ValeursDeCarte) -> str:
    corps = "".join(
        f'<tr><th scope="row">{html_sur(nom)}</th><td class="nombre">{html_sur(valeur)}</td>'
        f"<td>{html_sur(statut)}</td></tr>"
        for nom, valeur, statut in table.lignes
    )
    titre = html_sur(table.libelle) + (f" ({html_sur(table.unite)})" if table.unite else "")
    rendu = (
        f'<div class="tableau-defilant" tabindex="0" role="group" aria-label="{html_sur(table.libelle)}"><table>'
        f'<caption>{titre}</caption><thead><tr><th scope="col">Territoire</th>'
        f'<th scope="col" class="nombre">Valeur</th><th scope="col">Statut</th></tr></thead>'
        f"<tbody>{corps}</tbody></table></div>"
    )
    return rendu if table.peinture is None else f"{_ouvrir(table.peinture)}{rendu}</div>"


def page(carte: Carte, morceaux: Fragments) -> str:
    """La carte seule, en une page HTML autonome."""
    titre = html.escape(carte.titre)
    return (
        '<!DOCTYPE html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{titre}</title>\n{socle_html()}\n"
        "<style>body { margin: 0; padding: .75rem 1rem; background: #fff; } .carte { margin: 0; }\n"
        "h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }\n"
        "</style>\n"
        f"</head>\n<body>\n<main>\n<h1>{titre}</h1>\n{morceaux.html}\n</main>\n"
        f"<script>{morceaux.script}</script>\n</body>\n</html>\n"
    )


def assembler(contenus: Sequence[Mapping[str, Any]]) -> list[Fragments]:
    """Les morceaux de plusieurs cartes d'une même page, sans identifiant en double.

    Parameters
    ----------
    contenus : sequence of mapping
        Cartes gardées par un carnet, sous :data:`cafdiag.restitution.carte.MIME_CARTE`.
    """
    vus: dict[str, int] = {}
    sortie = []
    for contenu in contenus:
        morceaux = fragments(Carte.lire(contenu), ajouts=Ajouts(**contenu.get("ajouts", {})))
        rang = vus[morceaux.prefixe] = vus.get(morceaux.prefixe, 0) + 1
        sortie.append(morceaux if rang == 1 else morceaux.sous_prefixe(f"{morceaux.prefixe}x{rang}"))
    return sortie
