"""L'image fixe d'une carte : mêmes couches, mêmes couleurs, mêmes mots, pour le papier et les documents.

Elle lit le modèle que lit la page (:class:`cafdiag.restitution.carte.Carte`) et l'écrit en SVG : bornes, hachures
« sans donnée » et comptes sont les mêmes, par construction.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.carte import GENRES, Carte, Couche, Legende, motifs, nommer_les_motifs
from cafdiag.restitution.couches import REGLES_DES_NOMS, anneaux, mercator, taille_du_nom
from cafdiag.restitution.couleurs import BLANC, ENCRE, ENCRE_2
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import nombre
from cafdiag.restitution.illustrations import POLICES
from cafdiag.restitution.images import couper, png

LARGEUR = 640
LARGEUR_LEGENDE = 196
# Même ordre, du fond vers le dessus, que PLANS dans carte.js.
_PLANS = ("fond", "zones", "surbrillance", "cercles", "points", "etiquettes")
_RAYON_TERRE = 6_371_000.0
_MARGE = 14.0
_TOUR = 16
# Finit les identifiants d'une image en attendant son empreinte ; d'usage privé, aucun texte ne le contient.
_SUITE = "\ue000"
_VIDE = " – 0 territoire"


Boite = tuple[float, float, float, float]


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
        return png(self.svg, largeur_cm=17, ppp=ppp)


def carte_statique(
    carte: Carte, *, largeur: int = LARGEUR, legende: bool = True, loupe: float = 1.0
) -> CarteStatique:
    """Image fixe d'une carte.

    Parameters
    ----------
    carte : Carte
        La carte faite, ou relue du carnet qui l'a gardée (:meth:`Carte.lire`).
    largeur : int
        Largeur du dessin, légende comprise, en pixels.
    legende : bool
        Dessine la légende à droite de la vue ; sinon la vue seule occupe la largeur.
    loupe : float
        Au-delà de 1, une légende brève (:func:`breve`), grossie d'autant si la hauteur de la vue le permet.

    Raises
    ------
    DemandeFausse
        La carte porte une couche que l'image ne sait pas dessiner : rien n'est omis en silence.
    """
    inconnues = sorted({c.genre for c in carte.couches} - set(GENRES))
    if inconnues:
        raise DemandeFausse(f"couche de carte « {inconnues[0]} »", attendu=", ".join(GENRES))
    utile = largeur - (round(LARGEUR_LEGENDE * loupe) + 14 if legende else 0)
    vue = _Vue(carte.cadre or _cadre_des_couches(carte.couches), utile)
    dessin = _dessiner(vue, carte.couches)
    cle, hauteur_cle = "", 0.0
    if legende and loupe > 1:
        cle, hauteur_cle = _legende(breve(carte.legendes_montrees), x=0, largeur=LARGEUR_LEGENDE)
        grossie = min(loupe, max(1.0, vue.hauteur / hauteur_cle))
        cle = f'<g transform="translate({utile + 14} 0) scale({grossie:.3f})">{cle}</g>'
        hauteur_cle *= grossie
    elif legende:
        cle, hauteur_cle = _legende(carte.legendes_montrees, x=utile + 14, largeur=LARGEUR_LEGENDE)
    hauteur = max(vue.hauteur, hauteur_cle)
    corps = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {largeur} {hauteur:.0f}" width="{largeur}" '
        f'height="{hauteur:.0f}" role="img" color="#1b2430" font-family="{POLICES}">'
        f"<title>{html_sur(carte.titre)}</title><desc>{html_sur(carte.texte)}</desc>{motifs(_SUITE)}{dessin}{cle}</svg>"
    )
    # Deux images tiennent dans une même page, et avec la carte interactive.
    corps = corps.replace(_SUITE, f"-{hashlib.sha256(corps.encode('utf-8')).hexdigest()[:10]}")
    return CarteStatique(
        titre=carte.titre,
        sous_titre=carte.sous_titre,
        source=carte.source,
        texte=carte.texte,
        svg=corps,
        largeur=float(largeur),
        hauteur=round(hauteur),
    )


def _cadre_des_couches(couches: Sequence[Couche]) -> tuple[float, ...]:
    sommets = [p for c in couches if c.genre == "zones" for e in c.dessin["entites"] for p in _sommets(e["g"])]
    sommets += [(e["p"][1], e["p"][0]) for c in couches for e in _reperes(c.dessin)]
    if not sommets:
        raise DemandeFausse("une carte vide", conseil="donnez-lui un cadre ou une couche")
    lon, lat = [p[0] for p in sommets], [p[1] for p in sommets]
    return min(lon), min(lat), max(lon), max(lat)


def _reperes(dessin: dict) -> list[dict]:
    return [e for e in (*dessin.get("entites", ()), *dessin.get("noms", ())) if isinstance(e, dict) and "p" in e]


def _sommets(geometrie: dict) -> Iterator[tuple[float, float]]:
    return (tuple(p[:2]) for anneau, _ in anneaux(geometrie) for p in anneau)


class _Vue:
    """De degrés à pixels, dans la projection de Leaflet (Mercator)."""

    def __init__(self, cadre: Sequence[float], largeur: float) -> None:
        ouest, sud, est, nord = cadre
        large = max(math.radians(est - ouest), 1e-6)
        haut = max(mercator(nord) - mercator(sud), 1e-6)
        self.largeur = largeur
        self.hauteur = min(
            max(haut / large * (largeur - 2 * _MARGE) + 2 * _MARGE, 0.62 * largeur), 0.9 * largeur
        )
        self.echelle = min((largeur - 2 * _MARGE) / large, (self.hauteur - 2 * _MARGE) / haut)
        self._lon = math.radians((ouest + est) / 2)
        self._lat = (mercator(nord) + mercator(sud)) / 2
        milieu = (sud + nord) / 2
        self.metres_par_pixel = _RAYON_TERRE * math.cos(math.radians(milieu)) / self.echelle

    @property
    def metres_de_carte(self) -> float:
        """Ce que vaut un pixel, en mètres de la projection de Leaflet."""
        return 6_378_137.0 / self.echelle

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Position en pixels, l'origine en haut à gauche."""
        x = self.largeur / 2 + (math.radians(lon) - self._lon) * self.echelle
        y = self.hauteur / 2 - (mercator(lat) - self._lat) * self.echelle
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
        fond = html_sur(nommer_les_motifs(style["fillColor"], _SUITE))
        attributs.append(f'fill="{fond}" fill-opacity="{style.get("fillOpacity", 0.2):g}" fill-rule="evenodd"')
    if style.get("dashArray"):
        attributs.append(f'stroke-dasharray="{html_sur(style["dashArray"])}"')
    if "opacity" in style:
        attributs.append(f'stroke-opacity="{style["opacity"]:g}"')
    return " ".join(attributs)


def _dessiner(vue: _Vue, couches: Sequence[Couche]) -> str:
    plans: dict[str, list[str]] = {plan: [] for plan in _PLANS}
    # La barre d'échelle est déjà là.
    noms = _Noms(vue, [(0.0, vue.hauteur - 28, 130.0, vue.hauteur)])
    for couche in couches:
        genre, dessin = couche.genre, couche.dessin
        noms.voir(genre, dessin)
        plan = dessin.get("plan", genre)
        plans[plan].append(noms.ecrire(dessin) if genre == "etiquettes" else _RENDUS[genre](vue, dessin))
    cadre = f'width="{vue.largeur:g}" height="{vue.hauteur:.1f}"'
    return (
        f'<clipPath id="vue-carte{_SUITE}"><rect {cadre}/></clipPath><g clip-path="url(#vue-carte{_SUITE})">'
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
    signes = []
    for entite in donnees["entites"]:
        (x, y), (dx, dy) = vue.point(entite["p"][1], entite["p"][0]), entite.get("d", (0, 0))
        signes.append(
            f'<path transform="translate({x + dx - 8:.1f} {y + dy - 8:.1f})" d="{donnees["formes"][entite["s"]]}" '
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


# --- Les noms ---


@dataclass(frozen=True)
class _Place:
    """Où un nom pourrait s'écrire : sa boîte, et pour un cartouche son lien.

    `net` : le lien ne passe sous aucun nom ; `degage` : la boîte ne couvre ni le trait du territoire ni un cercle.
    """

    lignes: Sequence[str]
    x: float
    y: float
    large: float
    haut: float
    lien: bool = False
    net: bool = True
    degage: bool = False

    @property
    def boite(self) -> Boite:
        return self.x - self.large / 2, self.y - self.haut / 2, self.x + self.large / 2, self.y + self.haut / 2


class _Noms:
    """Les noms d'une vue, posés sur les places que :func:`cafdiag.restitution.couches.noms_a_ecrire` leur donne.

    Parameters
    ----------
    prises : sequence of Boite
        Ce qui occupe déjà la vue : ``(gauche, haut, droite, bas)`` en pixels.
    """

    def __init__(self, vue: _Vue, prises: Sequence[Boite] = ()) -> None:
        self.vue, self.prises = vue, list(prises)
        self.cercles: list[tuple[float, float, float]] = []
        self.traits: list[list[tuple[float, float]]] = []
        self.limites: list[np.ndarray] = []
        self.encres: list[str] = []
        self.liens: list[tuple[tuple[float, float], tuple[float, float]]] = []

    def voir(self, genre: str, donnees: Any) -> None:
        """Retient d'une couche ce qu'un nom ne doit pas toucher, et l'encre qui se lit sur chaque lieu."""
        if genre == "cercles":
            self.cercles += [(*self._point(e), e["r"]) for e in donnees["entites"]]
        elif genre == "points":
            demi = REGLES_DES_NOMS["signe"] / 2
            for entite in donnees["entites"]:
                (x, y), (dx, dy) = self._point(entite), entite.get("d", (0, 0))
                self.prises.append((x + dx - demi, y + dy - demi, x + dx + demi, y + dy + demi))
        elif genre == "zones" and donnees.get("trait"):
            for entite in donnees["entites"]:
                self.traits += [[self.vue.point(*p[:2]) for p in a] for a, _ in anneaux(entite["g"])]
        elif genre == "zones" and donnees["plan"] == "zones":
            styles = [s.get("encre", "") for s in donnees["styles"]]
            self.encres = [styles[e["s"]] for e in donnees["entites"]]
            suites = (a for e in donnees["entites"] for a, _ in anneaux(e["g"]))
            points = [np.array([self.vue.point(*p[:2]) for p in a]) for a in suites]
            self.limites += [np.hstack([a[:-1], a[1:]]) for a in points]

    def ecrire(self, donnees: dict) -> str:
        """Les noms en SVG."""
        regles, poses = donnees["regles"], {}
        for debut, fin, a_cote in donnees["essais"]:
            for rang in range(debut, fin):
                nom = donnees["noms"][rang]
                places = self._ecartees(nom, regles) if a_cote else self._directes(nom, regles)
                place = None if rang in poses else next((p for p in places if self._libre(p, nom)), None)
                if place:
                    self.prises.append(place.boite)
                    if place.lien:
                        self.liens.append((self._point(nom), (place.x, place.y)))
                    poses[rang] = (not place.net, self._dessiner(place, nom))
        # Un lien qui passe sous un autre nom s'écrit avant lui.
        return "".join(d for _, d in sorted((poses[rang] for rang in sorted(poses)), key=lambda p: not p[0]))

    def _directes(self, nom: dict, regles: dict) -> Iterator[_Place]:
        """Dans son lieu, là où la boîte tient à cette échelle ; ou contre son cercle."""
        gras = bool(nom.get("f"))
        if "r" in nom:
            x, y = self._point(nom)
            for lignes, (ux, uy) in product(nom["t"], regles["autour"]):
                large, haut = taille_du_nom(lignes, gras=gras)
                yield _Place(lignes, x + ux * (nom["r"] + large / 2), y + uy * (nom["r"] + haut / 2), large, haut)
            return
        for rang, latitude, longitude, large, haut in nom.get("v", ()):
            taille = taille_du_nom(nom["t"][rang], gras=gras)
            if taille[0] * self.vue.metres_de_carte <= large and taille[1] * self.vue.metres_de_carte <= haut:
                yield _Place(nom["t"][rang], *self.vue.point(longitude, latitude), *taille)

    def _ecartees(self, nom: dict, regles: dict) -> Iterator[_Place]:
        """À côté, dans un cartouche relié à son lieu ; sur un trait ou sous un autre nom seulement faute de mieux."""
        (x, y), lignes = self._point(nom), nom["t"][-1]
        if not (0 <= x <= self.vue.largeur and 0 <= y <= self.vue.hauteur):
            return
        (large, haut), rond = taille_du_nom(lignes, gras=bool(nom.get("f"))), nom.get("r", 0.0)
        bord = large + regles["bord"][0], haut + regles["bord"][1]
        for (degage, net), distance, angle in product(regles["egards"], regles["distances"], nom["a"]):
            cx = x + math.cos(math.radians(angle)) * (rond + distance + large / 2)
            cy = y + math.sin(math.radians(angle)) * (rond + distance + haut / 2)
            yield _Place(lignes, cx, cy, *bord, lien=True, net=bool(net), degage=bool(degage))

    def _point(self, entite: dict) -> tuple[float, float]:
        return self.vue.point(entite["p"][1], entite["p"][0])

    def _libre(self, place: _Place, nom: dict) -> bool:
        boite, ici = place.boite, self._point(nom)
        if boite[0] < 0 or boite[1] < 0 or boite[2] > self.vue.largeur or boite[3] > self.vue.hauteur:
            return False
        if any(_touche(boite, p) for p in self.prises):
            return False
        if place.net and any(traverse(a, b, boite) for a, b in self.liens):
            return False
        ronds = [(x - r, y - r, x + r, y + r) for x, y, r in self.cercles if place.lien or (x, y) != ici]
        if place.degage and (self._sur_un_trait(boite) or any(_touche(boite, r) for r in ronds)):
            return False
        autres = [r for r in ronds if not (r[0] <= ici[0] <= r[2] and r[1] <= ici[1] <= r[3])]
        if place.degage and any(traverse(ici, (place.x, place.y), r) for r in autres):
            return False
        if place.lien:
            return not place.net or not any(traverse(ici, (place.x, place.y), p) for p in self.prises)
        if "r" not in nom:
            return True
        if any(_touche(boite, r) for r in ronds):
            return False
        return not self._sur_un_trait(boite) and not self._a_cheval(boite)

    def _sur_un_trait(self, boite: Boite) -> bool:
        """Vrai si la boîte couvre le contour du territoire."""
        return any(traverse(a, b, boite) for ligne in self.traits for a, b in pairwise(ligne))

    def _a_cheval(self, boite: Boite) -> bool:
        """Vrai si les lettres, sans le blanc qui les entoure, passent la limite d'un lieu."""
        a_cote, dessus = (r / 2 for r in REGLES_DES_NOMS["respiration"])
        gauche, haut, droite, bas = boite[0] + a_cote, boite[1] + dessus, boite[2] - a_cote, boite[3] - dessus
        for s in self.limites:
            pres = (
                (np.minimum(s[:, 0], s[:, 2]) <= droite) & (np.maximum(s[:, 0], s[:, 2]) >= gauche)
                & (np.minimum(s[:, 1], s[:, 3]) <= bas) & (np.maximum(s[:, 1], s[:, 3]) >= haut)
            )
            if any(traverse((x, y), (u, v), (gauche, haut, droite, bas)) for x, y, u, v in s[pres].tolist()):
                return True
        return False

    def _dessiner(self, place: _Place, nom: dict) -> str:
        gras, boite = bool(nom.get("f")), place.boite
        if not place.lien:
            encre = self.encres[nom["i"]] if nom["i"] < len(self.encres) else ""
            return _texte(place.lignes, place.x, place.y, gras, encre=encre)
        x, y = self._point(nom)
        return (
            f'<path d="M{x:.1f} {y:.1f}L{place.x:.1f} {place.y:.1f}" stroke="{ENCRE}" stroke-width="1"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{ENCRE}" stroke="{BLANC}"/>'
            f'<rect x="{boite[0]:.1f}" y="{boite[1]:.1f}" width="{place.large:.1f}" height="{place.haut:.1f}" '
            f'rx="2" fill="{BLANC}" stroke="{ENCRE_2}" stroke-width=".8"/>'
            + _texte(place.lignes, place.x, place.y, gras, halo=False)
        )


def _touche(a: Boite, b: Boite) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


def traverse(a: tuple[float, float], b: tuple[float, float], boite: Boite) -> bool:
    """Vrai si le segment `a`-`b` passe dans la boîte.

    Examples
    --------
    >>> traverse((0, 0), (10, 10), (4, 4, 6, 6)), traverse((0, 0), (10, 0), (4, 4, 6, 6))
    (True, False)
    """
    debut, fin = 0.0, 1.0
    for axe in (0, 1):
        ecart, bas, haut = b[axe] - a[axe], boite[axe] - a[axe], boite[axe + 2] - a[axe]
        if ecart == 0:
            if bas > 0 or haut < 0:
                return False
            continue
        entree, sortie = sorted((bas / ecart, haut / ecart))
        debut, fin = max(debut, entree), min(fin, sortie)
        if debut > fin:
            return False
    return True


def _texte(lignes: Sequence[str], x: float, y: float, gras: bool, *, encre: str = "", halo: bool = True) -> str:
    corps, interligne = REGLES_DES_NOMS["corps"][gras], REGLES_DES_NOMS["interligne"]
    graisse = ' font-weight="700"' if gras else ""
    # Sans couleur de classe dessous (hachures, fond blanc), un liseré blanc détache l'encre.
    detache = ' stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    lisere = detache if halo and not encre else ""
    haut = y - (len(lignes) - 1) * (corps + interligne) / 2 + corps * 0.35
    allure = f'font-size="{corps:g}"{graisse} text-anchor="middle" fill="{encre or ENCRE}"{lisere}'
    return "".join(
        f'<text x="{x:.1f}" y="{haut + rang * (corps + interligne):.1f}" {allure}>{html_sur(ligne)}</text>'
        for rang, ligne in enumerate(lignes)
    )


# --- La légende ---


class _Colonne:
    """Des textes et des vignettes empilés."""

    def __init__(self, x: float, largeur: float) -> None:
        self.x, self.largeur, self.y = x, largeur, 0.0
        self.morceaux: list[str] = []

    def ecrire(self, mots: str, *, taille: float, retrait: float = 0, gras: bool = False, encre: str = ENCRE):
        for ligne in couper(mots, taille, self.largeur - retrait, gras=gras):
            self.y += taille * 1.28
            graisse = ' font-weight="700"' if gras else ""
            self.morceaux.append(
                f'<text x="{self.x + retrait:g}" y="{self.y - taille * 0.28:.1f}" font-size="{taille:g}"{graisse} '
                f'fill="{encre}">{html_sur(ligne)}</text>'
            )

    def vignette(self, svg: str) -> None:
        """Pose un petit dessin à la ligne courante."""
        place = svg.replace("<svg ", f'<svg x="{self.x:g}" y="{self.y:.1f}" ', 1)
        self.morceaux.append(nommer_les_motifs(place, _SUITE))

    def filet(self) -> None:
        self.y += 8
        self.morceaux.append(f'<path d="M{self.x:g} {self.y:.1f}h{self.largeur:g}" stroke="#d5dbe1"/>')
        self.y += 6


def breve(blocs: Sequence[Legende]) -> list[Legende]:
    """La légende qu'on lit de loin : les bornes de chaque classe présente, sans ce qui les explique."""
    dits = []
    for bloc in blocs:
        vus = [(e, e.precision.partition(" – ")) for e in bloc.elements if not e.precision.endswith(_VIDE)]
        courts = (replace(e, libelle=bornes if tiret else e.libelle, precision="") for e, (bornes, tiret, _) in vus)
        dits.append(replace(bloc, elements=tuple(courts)))
    return dits


def _legende(blocs: Sequence[Legende], *, x: float, largeur: float) -> tuple[str, float]:
    """La légende en SVG, et sa hauteur."""
    colonne = _Colonne(x, largeur)
    for rang, bloc in enumerate(blocs):
        if rang:
            colonne.filet()
        if bloc.titre:
            colonne.ecrire(bloc.titre, taille=11.5, gras=True)
        if bloc.precision:
            colonne.ecrire(bloc.precision, taille=10.5, encre=ENCRE_2)
        if bloc.titre or bloc.precision:
            colonne.y += 3
        for element in bloc.elements:
            bas = colonne.y + element.hauteur
            colonne.vignette(element.svg)
            if element.libelle:
                colonne.ecrire(element.libelle, taille=11.5, retrait=33)
            if element.precision:
                colonne.ecrire(element.precision, taille=10.5, retrait=33, encre=ENCRE_2)
            colonne.y = max(colonne.y, bas) + 4
    return "".join(colonne.morceaux), colonne.y + 4


# --- L'image seule ---


def image(carte: Carte, suffixe: str) -> str | bytes:
    """La carte en image, titre et source compris, en ``.svg`` ou en ``.png``."""
    dessin = image_titree(carte_statique(carte))
    return dessin if suffixe == ".svg" else png(dessin, largeur_cm=17)


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
    haut, ecrits = float(_TOUR), []
    for texte, taille, couleur, gras in (
        (carte.titre, 17.0, ENCRE, True),
        (carte.sous_titre, 13.0, ENCRE_2, False),
    ):
        bloc, haut = _ecrire(texte, haut, taille, couleur, gras=gras)
        ecrits.append(bloc)
    dessin = carte.svg.replace("<svg ", f'<svg x="{_TOUR}" y="{haut + 6:.0f}" ', 1)
    source, bas = _ecrire(carte.source, haut + 6 + carte.hauteur + 8, 11.0, ENCRE_2, gras=False)
    large = LARGEUR + 2 * _TOUR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {large} {bas + _TOUR:.0f}" width="{large}" '
        f'height="{bas + _TOUR:.0f}" font-family="{POLICES}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(ecrits)}{dessin}{source}</svg>'
    )


def _ecrire(texte: str, haut: float, taille: float, couleur: str, *, gras: bool) -> tuple[str, float]:
    """Des lignes de texte et la hauteur où elles finissent."""
    graisse = ' font-weight="bold"' if gras else ""
    lignes = []
    for ligne in couper(texte, taille, LARGEUR, gras=gras) if texte else ():
        haut += taille * 1.35
        lignes.append(
            f'<text x="{_TOUR}" y="{haut - taille * 0.3:.1f}" font-size="{taille:g}" fill="{couleur}"{graisse}>'
            f"{html_sur(ligne)}</text>"
        )
    return "".join(lignes), haut
