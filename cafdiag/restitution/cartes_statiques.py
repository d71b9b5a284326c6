"""L'image fixe d'une carte : mêmes couches, mêmes couleurs, mêmes mots, pour le papier et les documents.

Rien n'est recalculé : on relit ce que la carte interactive dessine (ses appels à ``carte.js``) et sa légende,
et on l'écrit en SVG. Bornes, hachures « sans donnée » et comptes sont donc les mêmes, par construction.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.contours import anneaux
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import nombre
from cafdiag.restitution.html_semantique import Arbre, reduire, texte
from cafdiag.restitution.illustrations import POLICES
from cafdiag.restitution.legende_statique import dessiner_legende
from cafdiag.restitution.legendes import TRACES
from cafdiag.restitution.noms_des_cartes import Noms
from cafdiag.restitution.socle_cartes import Fragments

LARGEUR = 640
LARGEUR_LEGENDE = 196
COUCHES = ("zones", "cercles", "points", "etiquettes")
# Même ordre, du fond vers le dessus, que PLANS dans carte.js.
_PLANS = ("fond", "zones", "surbrillance", "cercles", "points", "etiquettes")
_APPEL = re.compile(r'cafdiag\.(\w+)\((?:\w+|"[^"]*"), ?')
_RAYON_TERRE = 6_371_000.0
_MARGE = 14.0


class CarteDessinee(Protocol):
    """Ce que l'image demande à une carte (:class:`cafdiag.restitution.leaflet.CarteHorsLigne`), et rien de folium."""

    titre: str

    @property
    def texte(self) -> str: ...

    def fragments(self) -> Fragments: ...

    def page(self) -> str: ...


@dataclass(frozen=True)
class CarteStatique:
    """Une carte en image, et ce qui s'écrit autour.

    Attributes
    ----------
    titre, sous_titre, source : str
        À écrire au-dessus et au-dessous du dessin.
    texte : str
        La carte en phrases : son équivalent textuel.
    svg : str
        La vue, son échelle et sa légende.
    largeur, hauteur : float
        Taille du dessin, en pixels CSS.
    """

    titre: str
    sous_titre: str
    source: str
    texte: str
    svg: str
    largeur: float
    hauteur: float

    def png(self, *, ppp: int = 200) -> bytes:
        """La même image en PNG ; `ppp` points par pouce pour une largeur de 17 cm."""
        from cafdiag.restitution.images import png

        return png(self.svg, largeur_cm=17, ppp=ppp)


def lire_couches(script: str) -> Iterator[tuple[str, Any]]:
    """Appels à ``carte.js`` d'une carte : nom de la couche et données.

    Examples
    --------
    >>> list(lire_couches('var m = cafdiag.carte("m", [[47,-1],[48,0]], {});cafdiag.points(m, {"entites":[]});'))
    [('carte', [[47, -1], [48, 0]]), ('points', {'entites': []})]
    """
    decodeur, position = json.JSONDecoder(), 0
    while appel := _APPEL.search(script, position):
        donnees, position = decodeur.raw_decode(script, appel.end())
        yield appel.group(1), donnees


def carte_statique(
    carte: CarteDessinee | Mapping[str, Any], *, largeur: int = LARGEUR, legende: bool = True
) -> CarteStatique:
    """Image fixe d'une carte.

    Parameters
    ----------
    carte : CarteDessinee or mapping
        La carte, ou le contenu ``MIME_CARTE`` qu'elle a laissé dans un carnet.
    largeur : int
        Largeur du dessin, légende comprise, en pixels.
    legende : bool
        Dessine la légende à droite de la vue ; sinon la vue seule occupe la largeur.

    Raises
    ------
    DemandeFausse
        La carte porte une couche que l'image ne sait pas dessiner : rien n'est omis en silence.
    """
    if isinstance(carte, Mapping):
        html, script, titre, dite = carte["html"], carte["script"], carte["titre"], carte["texte"]
        prefixe = carte["prefixe"]
    else:
        morceaux = carte.fragments()
        html, script, prefixe = morceaux.html, morceaux.script, morceaux.prefixe
        titre, dite = carte.titre, carte.texte
    arbre = Arbre(html)
    couches = list(lire_couches(script))
    cadre = next((d for nom, d in couches if nom == "carte"), None)
    dessinees = [(nom, d) for nom, d in couches if nom != "carte"]
    inconnues = sorted({nom for nom, _ in dessinees} - set(COUCHES))
    if inconnues:
        raise DemandeFausse(f"couche de carte « {inconnues[0]} »", attendu=", ".join(COUCHES))
    utile = largeur - (LARGEUR_LEGENDE + 14 if legende else 0)
    vue = _Vue(cadre or _cadre_des_zones(dessinees), utile)
    dessin = _dessiner(vue, dessinees)
    cle, hauteur_cle = (
        dessiner_legende(arbre, x=utile + 14, largeur=LARGEUR_LEGENDE) if legende else ("", 0.0)
    )
    hauteur = max(vue.hauteur, hauteur_cle)
    corps = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {largeur} {hauteur:.0f}" width="{largeur}" '
        f'height="{hauteur:.0f}" role="img" color="#1b2430" font-family="{POLICES}">'
        f"<title>{html_sur(titre)}</title><desc>{html_sur(dite)}</desc>{_motifs(arbre)}{dessin}{cle}</svg>"
    )
    # Les identifiants de la carte interactive restent à elle : les deux tiennent dans une même page.
    corps = re.sub(r"((?:hachures|pointille)_\w+|vue-carte)", rf"\1-{prefixe}-image", corps)
    sous_titre, source = arbre.premier(".//figcaption/small"), arbre.premier(".//p[@class='carte-source']")
    return CarteStatique(
        titre=titre,
        sous_titre="" if sous_titre is None else texte(sous_titre),
        source="" if source is None else texte(source),
        texte=reduire(dite).strip(),
        svg=corps,
        largeur=float(largeur),
        hauteur=round(hauteur),
    )


def _motifs(arbre: Arbre) -> str:
    """Hachures et pointillés : les définitions mêmes de la carte interactive."""
    for image in arbre.racine.iter("img"):
        definitions = re.search(r"<defs>.*?</defs>", arbre.svg(image) or "", re.DOTALL)
        if definitions:
            return definitions.group()
    return ""


def _cadre_des_zones(couches: list[tuple[str, Any]]) -> list[list[float]]:
    points = [p for nom, d in couches if nom == "zones" for e in d["entites"] for p in _sommets(e["g"])]
    points += [(e["p"][1], e["p"][0]) for nom, d in couches if nom != "zones" for e in _entites(d)]
    if not points:
        raise DemandeFausse("une carte vide", conseil="donnez-lui un cadre ou une couche")
    lon, lat = [p[0] for p in points], [p[1] for p in points]
    return [[min(lat), min(lon)], [max(lat), max(lon)]]


def _entites(donnees: Any) -> list[dict]:
    return donnees if isinstance(donnees, list) else donnees["entites"]


def _sommets(geometrie: dict) -> Iterator[tuple[float, float]]:
    return (tuple(p[:2]) for anneau, _ in anneaux(geometrie) for p in anneau)


def _mercator(latitude: float) -> float:
    return math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))


class _Vue:
    """De degrés à pixels, dans la projection de Leaflet (Mercator)."""

    def __init__(self, cadre: list[list[float]], largeur: float) -> None:
        (sud, ouest), (nord, est) = cadre
        large = max(math.radians(est - ouest), 1e-6)
        haut = max(_mercator(nord) - _mercator(sud), 1e-6)
        self.largeur = largeur
        self.hauteur = min(
            max(haut / large * (largeur - 2 * _MARGE) + 2 * _MARGE, 0.62 * largeur), 0.9 * largeur
        )
        self.echelle = min((largeur - 2 * _MARGE) / large, (self.hauteur - 2 * _MARGE) / haut)
        self._lon = math.radians((ouest + est) / 2)
        self._lat = (_mercator(nord) + _mercator(sud)) / 2
        milieu = (sud + nord) / 2
        self.metres_par_pixel = _RAYON_TERRE * math.cos(math.radians(milieu)) / self.echelle

    @property
    def zoom(self) -> float:
        """Le niveau de zoom de Leaflet à cette échelle."""
        return math.log2(2 * math.pi * self.echelle / 256)

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Position en pixels, l'origine en haut à gauche."""
        x = self.largeur / 2 + (math.radians(lon) - self._lon) * self.echelle
        y = self.hauteur / 2 - (_mercator(lat) - self._lat) * self.echelle
        return round(x, 1), round(y, 1)

    def trace(self, geometrie: dict) -> str:
        """Tracé SVG d'une géométrie ; vide si elle est hors de la vue."""
        morceaux = []
        for anneau, ferme in anneaux(geometrie):
            points = list(dict.fromkeys(self.point(p[0], p[1]) for p in anneau))
            xs, ys = [p[0] for p in points], [p[1] for p in points]
            dehors = max(xs) < 0 or min(xs) > self.largeur or max(ys) < 0 or min(ys) > self.hauteur
            if dehors or len(points) < 2:
                continue
            morceaux.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points) + ("Z" if ferme else ""))
        return "".join(morceaux)


def _style(style: dict) -> str:
    """Un style Leaflet en attributs SVG."""
    attributs = [
        f'stroke="{html_sur(style["color"])}" stroke-width="{style["weight"]:g}" stroke-linejoin="round"'
    ]
    if style.get("fill") is False:
        attributs.append('fill="none"')
    else:
        attributs.append(
            f'fill="{html_sur(style["fillColor"])}" fill-opacity="{style.get("fillOpacity", 0.2):g}" '
            'fill-rule="evenodd"'
        )
    if style.get("dashArray"):
        attributs.append(f'stroke-dasharray="{html_sur(style["dashArray"])}"')
    if "opacity" in style:
        attributs.append(f'stroke-opacity="{style["opacity"]:g}"')
    return " ".join(attributs)


def _dessiner(vue: _Vue, couches: list[tuple[str, Any]]) -> str:
    plans: dict[str, list[str]] = {plan: [] for plan in _PLANS}
    # La barre d'échelle est déjà là.
    noms = Noms(vue, [(0.0, vue.hauteur - 28, 130.0, vue.hauteur)])
    for nom, donnees in couches:
        plan = donnees.get("plan", nom) if isinstance(donnees, dict) else nom
        noms.voir(nom, donnees)
        plans[plan].append(noms.ecrire(donnees) if nom == "etiquettes" else _RENDUS[nom](vue, donnees))
    cadre = f'width="{vue.largeur:g}" height="{vue.hauteur:.1f}"'
    return (
        f'<clipPath id="vue-carte"><rect {cadre}/></clipPath><g clip-path="url(#vue-carte)">'
        f'<rect {cadre} fill="#eceff1"/>{"".join(m for plan in _PLANS for m in plans[plan])}</g>'
        f'<rect {cadre} fill="none" stroke="#d5dbe1"/>{_echelle(vue)}'
    )


def _zones(vue: _Vue, donnees: dict) -> str:
    styles = [_style(s) for s in donnees["styles"]]
    traces = ((e["s"], vue.trace(e["g"])) for e in donnees["entites"])
    return "".join(f'<path d="{trace}" {styles[rang]}/>' for rang, trace in traces if trace)


def _cercles(vue: _Vue, donnees: dict) -> str:
    styles = [_style(s) for s in donnees["styles"]]
    ronds = []
    for entite in donnees["entites"]:
        x, y = vue.point(entite["p"][1], entite["p"][0])
        ronds.append(f'<circle cx="{x:g}" cy="{y:g}" r="{entite["r"]:g}" {styles[entite["s"]]}/>')
    return "".join(ronds)


def _points(vue: _Vue, donnees: dict) -> str:
    places: dict[tuple, list[dict]] = {}
    for entite in donnees["entites"]:
        places.setdefault(tuple(entite["p"]), []).append(entite)
    signes = []
    for (lat, lon), ensemble in places.items():
        x, y = vue.point(lon, lat)
        # Comme dans carte.js : à la même adresse, les structures se rangent en couronne.
        ecart = 5 + 1.5 * len(ensemble) if len(ensemble) > 1 else 0
        for rang, entite in enumerate(ensemble):
            angle = 2 * math.pi * rang / len(ensemble)
            px, py = x + ecart * math.cos(angle) - 8, y + ecart * math.sin(angle) - 8
            signes.append(
                f'<path transform="translate({px:.1f} {py:.1f})" d="{TRACES[donnees["formes"][entite["s"]]]}" '
                f'fill="{html_sur(donnees["couleurs"][entite["s"]])}" stroke="#fff" stroke-width="1.5"/>'
            )
    return "".join(signes)


_RENDUS: dict[str, Callable[[_Vue, Any], str]] = {"zones": _zones, "cercles": _cercles, "points": _points}


def _echelle(vue: _Vue) -> str:
    """Une barre d'échelle d'une longueur ronde, vraie au milieu de la vue."""
    metres = 100 * vue.metres_par_pixel
    puissance = 10 ** math.floor(math.log10(metres))
    rond = next(m * puissance for m in (5, 3, 2, 1) if m * puissance <= metres)
    long, y = rond / vue.metres_par_pixel, vue.hauteur - 8
    dit = (
        f"{nombre(rond / 1000, decimales=0)}\u00a0km"
        if rond >= 1000
        else f"{nombre(rond, decimales=0)}\u00a0m"
    )
    return (
        f'<rect x="6" y="{y - 15:.1f}" width="{long + 8:.1f}" height="19" fill="#fff" fill-opacity=".85"/>'
        f'<path d="M10 {y - 4:.1f}v4h{long:.1f}v-4" fill="none" stroke="#51606f" stroke-width="1.5"/>'
        f'<text x="14" y="{y - 4:.1f}" font-size="10" fill="#1b2430">{dit}</text>'
    )
