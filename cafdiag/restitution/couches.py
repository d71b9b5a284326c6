"""Les couches d'une carte : fonds, aplats, cercles, points, surbrillance, étiquettes.

Chacune dessine, légende et dit en toutes lettres ce qu'elle montre (:class:`cafdiag.restitution.carte.Couche`).
Aucune ne calcule : elle reçoit des Mesures et des contours déjà lus. Cinq décimales (un mètre) suffisent à un contour
et allègent la page de 40 %.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs, fiches
from cafdiag.restitution.carte import Couche, Legende, ValeursDeCarte
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import enumeration, nombre, pluriel
from cafdiag.restitution.images import largeur_du_texte
from cafdiag.restitution.peintures import (
    TRACES,
    Classes,
    Peinture,
    peindre_aplats,
    peindre_cercles,
    vignette_de_structures,
    vignette_de_trait,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

DECIMALES_COORDONNEES = 5
# Le placement des noms, lu par la page comme par l'image fixe. En pixels : corps courant et gras, blanc autour d'un
# nom, bord d'un cartouche, cœur d'une structure (un nom ne le couvre pas), côtés d'un cercle dans l'ordre où on les
# essaie, distances d'un cartouche à son lieu ; et ce dont il s'abstient d'abord : couvrir le trait du territoire ou un
# cercle, voir son lien passer sous un nom.
REGLES_DES_NOMS: dict[str, Any] = {
    "corps": [11, 12],
    "interligne": 2,
    "respiration": [6, 2],
    "bord": [4, 2],
    "signe": 4,
    "autour": [[0, 1], [0, -1], [1, 0], [-1, 0]],
    "distances": [14, 30, 50, 75, 105, 140, 180],
    "egards": [[1, 1], [0, 1], [0, 0]],
}
_DIRECTIONS = (-90, 90, 0, 180, -45, -135, 45, 135)
# Tour de la Terre en mètres, dans la projection de Leaflet : le zoom 0 le met en 256 pixels.
_TOUR = 2 * math.pi * 6_378_137.0
_CENTRES, _PAS = 15, 8

TRAITS: dict[str, dict[str, Any]] = {
    "voisin": {
        "plan": "fond",
        "style": {"color": "#c3cad1", "weight": 1, "fillColor": couleurs.VOISIN, "fillOpacity": 1},
    },
    "maille": {
        "plan": "zones",
        "style": {"color": "#aab4bd", "weight": 0.8, "fillColor": "#ffffff", "fillOpacity": 1},
    },
    "limite": {
        "plan": "surbrillance",
        "style": {"color": couleurs.ENCRE_2, "weight": 1.4, "fill": False, "dashArray": "5 4"},
    },
    "quartier": {
        "plan": "surbrillance",
        "style": {"color": "#b3261e", "weight": 1.5, "fillColor": "#b3261e", "fillOpacity": 0.18},
    },
}

@dataclass(frozen=True)
class Fond:
    """Des contours de repère. `trait` : ``voisin`` (dessous), ``limite`` ou ``quartier`` (dessus)."""

    contours: gpd.GeoDataFrame
    libelle: str = ""
    trait: str = "voisin"
    infobulle: bool = False


# --- Contours ---


def geometries(contours: gpd.GeoDataFrame) -> list[dict]:
    """Géométries GeoJSON en WGS84, arrondies à cinq décimales (environ un mètre).

    Raises
    ------
    DemandeFausse
        Contours sans système de coordonnées, ou géométrie vide.
    """
    import shapely

    if contours.crs is None:
        raise DemandeFausse(
            "des contours sans système de coordonnées",
            attendu="EPSG:4326",
            conseil="précisez-le avec set_crs",
        )
    formes = contours.to_crs(4326).geometry.to_numpy()
    vides = shapely.is_missing(formes) | shapely.is_empty(formes)
    if vides.any():
        raise DemandeFausse(
            f"{pluriel(int(vides.sum()), 'contour')} sans forme",
            conseil="retirez-les des contours : leurs mesures resteront dans les tableaux",
        )
    arrondies = shapely.transform(formes, lambda xy: np.round(xy, DECIMALES_COORDONNEES))
    return [json.loads(g) for g in shapely.to_geojson(arrondies)]


def mercator(latitude: float) -> float:
    """Ordonnée d'une latitude dans la projection de Leaflet, en radians d'équateur."""
    return math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))


def anneaux(geometrie: dict) -> Iterator[tuple[list, bool]]:
    """Anneaux (ou lignes) d'une géométrie GeoJSON, et s'ils se ferment."""
    genre = geometrie["type"]
    if genre == "GeometryCollection":
        for membre in geometrie["geometries"]:
            yield from anneaux(membre)
    elif genre == "Polygon":
        yield from ((a, True) for a in geometrie["coordinates"])
    elif genre == "MultiPolygon":
        yield from ((a, True) for polygone in geometrie["coordinates"] for a in polygone)
    elif genre == "LineString":
        yield geometrie["coordinates"], False
    elif genre == "MultiLineString":
        yield from ((a, False) for a in geometrie["coordinates"])


def reperes(contours: gpd.GeoDataFrame) -> list[list[float]]:
    """Un point ``[lat, lon]`` à l'intérieur de chaque contour."""
    dedans = contours.to_crs(4326).geometry.representative_point()
    return [
        [round(y, DECIMALES_COORDONNEES), round(x, DECIMALES_COORDONNEES)]
        for x, y in zip(dedans.x, dedans.y, strict=True)
    ]


def noms_des_contours(contours: gpd.GeoDataFrame, mesures: pd.DataFrame | None = None) -> list[str]:
    """Nom de chaque contour : colonne ``nom``, sinon celui des mesures, sinon le code."""
    connus: dict[str, str] = {}
    if mesures is not None and "nom" in mesures:
        connus = dict(zip(mesures["territoire"], mesures["nom"], strict=True))
    propres = contours["nom"] if "nom" in contours else [None] * len(contours)
    return [
        str(nom) if not est_vide(nom) else str(connus.get(code, code))
        for code, nom in zip(contours["code"], propres, strict=True)
    ]


def rogner(contours: gpd.GeoDataFrame, cadre: Sequence[float], *, marge: float = 0.8) -> gpd.GeoDataFrame:
    """Ne garde d'un fond que ce qui entoure le cadre, pour ne pas alourdir la page."""
    ouest, sud, est, nord = cadre
    large, haut = (est - ouest) * marge, (nord - sud) * marge
    coupes = contours.to_crs(4326).copy()
    coupes["geometry"] = coupes.geometry.clip_by_rect(ouest - large, sud - haut, est + large, nord + haut)
    # is_empty est faux pour une géométrie manquante, mais clip_by_rect n'en rend pas.
    return coupes[~coupes.geometry.is_empty]


def en_deux(nom: str) -> list[str]:
    """Un nom en deux lignes, coupé à l'espace ou au trait d'union le plus proche du milieu.

    Examples
    --------
    >>> en_deux("Saint-Martin-du-Limet"), en_deux("Craon")
    (['Saint-Martin-', 'du-Limet'], ['Craon'])
    """
    coupes = [i + 1 for i, c in enumerate(nom[:-1]) if c in " -" and i > 1]
    if not coupes:
        return [nom]
    ou = min(coupes, key=lambda i: (abs(i - len(nom) / 2), i))
    return [nom[:ou].rstrip(" "), nom[ou:]]


def ecritures(nom: str) -> list[list[str]]:
    """Un nom sur une ligne, puis sur deux si :func:`en_deux` le coupe."""
    return [[nom], en_deux(nom)] if len(en_deux(nom)) > 1 else [[nom]]


def taille_du_nom(lignes: Sequence[str], *, gras: bool = False, corps: float | None = None) -> tuple[float, float]:
    """Largeur et hauteur en pixels de la boîte d'un nom, sa respiration comprise.

    >>> taille_du_nom(["Craon"])[1], taille_du_nom(["Mont des", "Avaloirs"], gras=True)[1]
    (15, 30)
    """
    corps = corps or REGLES_DES_NOMS["corps"][gras]
    large = max(largeur_du_texte(ligne, corps, gras=gras) for ligne in lignes)
    a_cote, dessus = REGLES_DES_NOMS["respiration"]
    return round(large + a_cote, 1), round(len(lignes) * (corps + REGLES_DES_NOMS["interligne"]) + dessus, 1)


def emplacements(contours: gpd.GeoDataFrame, noms: Sequence[str], *, fortes: Sequence[bool]) -> list[list[list]]:
    """Où chaque nom s'écrit sans sortir de son contour, sur une ligne puis sur deux, et la place qu'il y a.

    La carte interactive et l'image fixe lisent la même liste : un nom n'est jamais à cheval sur deux lieux.

    Returns
    -------
    list of list
        Par contour, une place pour une ligne (0) puis pour deux (1), quand elles existent : latitude et longitude du
        milieu, largeur et hauteur de la plus grande boîte qui y tient, en mètres de la projection.
    """
    import shapely

    formes = contours.to_crs(3857).geometry.to_numpy()
    rendus = []
    for forme, nom, gras in zip(formes, noms, fortes, strict=True):
        parties = shapely.get_parts(forme)
        partie = parties[int(np.argmax(shapely.area(parties)))]
        ouest, sud, est, nord = partie.bounds
        partie = partie.simplify(max(est - ouest, nord - sud) / 250)
        shapely.prepare(partie)
        grille = np.linspace(0, 1, _CENTRES + 2)[1:-1]
        x, y = (a.ravel() for a in np.meshgrid(ouest + grille * (est - ouest), sud + grille * (nord - sud)))
        dedans = partie.representative_point()
        x, y = np.append(x, [dedans.x, partie.centroid.x]), np.append(y, [dedans.y, partie.centroid.y])
        ici = shapely.contains_xy(partie, x, y)
        x, y = x[ici], y[ici]
        places = []
        for rang, lignes in enumerate(ecritures(nom)):
            large, haut = taille_du_nom(lignes, gras=gras, corps=REGLES_DES_NOMS["corps"][0])
            place = _plus_au_large(partie, x, y, large, haut)
            if place is not None:
                px, py, metres = place
                places.append([rang, *_degres(px, py), round(large * metres), round(haut * metres)])
        rendus.append(places)
    return rendus


def _plus_au_large(partie, x: np.ndarray, y: np.ndarray, large: float, haut: float) -> tuple | None:
    """Le centre où une boîte de cette forme tient la plus grande, et les mètres que vaut alors un pixel."""
    import shapely

    ouest, sud, est, nord = partie.bounds
    bas, dessus, retenu = 0.0, min((est - ouest) / large, (nord - sud) / haut), None
    for _ in range(_PAS):
        milieu = (bas + dessus) / 2
        dx, dy = milieu * large / 2, milieu * haut / 2
        tient = shapely.contains(partie, shapely.box(x - dx, y - dy, x + dx, y + dy))
        if tient.any():
            x, y = x[tient], y[tient]
            bas, retenu = milieu, (float(x[0]), float(y[0]), milieu)
        else:
            dessus = milieu
    return retenu


def _degres(x: float, y: float) -> list[float]:
    """``[lat, lon]`` d'un point de la projection de Leaflet."""
    rayon = _TOUR / (2 * math.pi)
    latitude = math.degrees(2 * math.atan(math.exp(y / rayon)) - math.pi / 2)
    return [round(latitude, 4), round(math.degrees(x / rayon), 4)]


# --- Couches ---


def fond(
    contours: gpd.GeoDataFrame,
    *,
    libelle: str = "",
    trait: str = "voisin",
    infobulle: bool = False,
    cadre: Sequence[float] | None = None,
) -> Couche | None:
    """Des contours de repère, sans valeur ; rien s'il n'en reste pas autour du cadre.

    Parameters
    ----------
    trait : {"voisin", "maille", "limite", "quartier"}
        ``voisin`` et ``maille`` sont sous les aplats ; ``limite`` (tirets) et ``quartier`` dessus.
    libelle : str
        Nom dans la légende ; rien dans la légende s'il est vide.
    infobulle : bool
        Montre le nom au survol (sans effet pour ``limite``).
    cadre : sequence of float, optional
        La vue de la carte : ce qui en est loin n'alourdit pas la page.
    """
    if trait not in TRAITS:
        raise DemandeFausse(f"trait « {trait} »", attendu=", ".join(TRAITS))
    if cadre is not None and trait != "maille":
        contours = rogner(contours, cadre)
    if contours.empty:
        return None
    modele, noms = TRAITS[trait], noms_des_contours(contours)
    entites: list[dict] = [{"g": g, "s": 0} for g in geometries(contours)]
    if infobulle:
        for entite, nom in zip(entites, noms, strict=True):
            entite["l"] = [nom]
    dessin = {
        "nom": libelle,
        "plan": modele["plan"],
        "interactif": infobulle and trait != "limite",
        "styles": [modele["style"]],
        "entites": entites,
    }
    repere = vignette_de_trait(modele["style"], libelle) if libelle else None
    if trait != "quartier":
        return Couche("zones", dessin, repere=repere)
    dits = tuple({"nom": nom if infobulle else ""} for nom in noms)
    return Couche("zones", dessin, repere=repere, quoi="quartiers", attributs=dits)


def aplats(
    contours: gpd.GeoDataFrame,
    mesures: pd.DataFrame,
    *,
    classes: Classes | Sequence[Classes] | None,
    libelle: str,
    unite: str | None,
    decimales: int | None = None,
    discret: bool = False,
    lieux: Sequence[tuple[str, str]] = (),
) -> Couche:
    """Chaque contour de la couleur de sa classe ; sans donnée, il est hachuré et nommé.

    Parameters
    ----------
    contours : GeoDataFrame
        Colonnes ``code``, ``geometry``, et ``nom`` si possible.
    mesures : DataFrame
        Mesures (au plus une par territoire). Un contour sans mesure est « non disponible ».
    classes : Classes, sequence of Classes or None
        Vide si aucune valeur n'est connue : tout est hachuré. S'il y en a plusieurs, la première se montre et
        la page laisse choisir (voir :func:`cafdiag.restitution.peintures.classements`).
    discret : bool
        Teintes pâlies, pour un fond sous des cercles ou des points.
    lieux : sequence of tuple of str
        Voir :func:`peints`.

    Raises
    ------
    DemandeFausse
        Deux mesures pour un territoire ; taux d'une maille plus large peint sur une plus fine.
    """
    rangees = (classes,) if isinstance(classes, Classes) else tuple(classes or ())
    noms = noms_des_contours(contours, mesures)
    peintures = [
        peindre_aplats(contours["code"], noms, mesures, classes=c, libelle=libelle, unite=unite, decimales=decimales,
                       discret=discret)
        for c in rangees or (None,)
    ]
    return peints(contours, peintures, libelle=libelle, lieux=lieux)


def peints(
    contours: gpd.GeoDataFrame,
    peintures: Sequence[Peinture],
    *,
    libelle: str,
    lieux: Sequence[tuple[str, str]] = (),
) -> Couche:
    """Les contours de la première peinture ; la page laisse choisir parmi les autres.

    Parameters
    ----------
    peintures : sequence of Peinture
        Une entrée par contour, dans leur ordre. Deux peintures d'un même `quoi` sont deux façons de le ranger.
    libelle : str
        Nom de la couche, à cocher.
    lieux : sequence of tuple of str
        Nom cherché et code du contour qui le contient : une commune, sur une carte d'intercommunalités.
    """
    premiere, plusieurs = peintures[0], len(peintures) > 1
    dessin: dict[str, Any] = {
        "plan": "zones",
        "nom": libelle,
        "interactif": True,
        "styles": premiere.styles,
        "entites": [
            {"g": g, "s": s, "l": lignes}
            for g, s, lignes in zip(geometries(contours), premiere.rangs, premiere.fiches, strict=True)
        ],
    }
    if lieux:
        rangs = {code: rang for rang, code in enumerate(contours["code"])}
        dessin["lieux"] = [[nom, rangs[code]] for nom, code in lieux if code in rangs]
    if plusieurs:
        dessin["peintures"] = [_choix(p, premiere) for p in peintures]
    valeurs: dict[str, ValeursDeCarte] = {}
    for rang, peinture in enumerate(peintures):
        a_elle = replace(peinture.valeurs, peinture=rang if plusieurs and peinture.quoi else None)
        valeurs.setdefault(peinture.quoi, a_elle)
    return Couche(
        "zones",
        dessin,
        legendes=tuple(replace(p.legende, peinture=rang if plusieurs else None) for rang, p in enumerate(peintures)),
        texte=premiere.texte,
        valeurs=tuple(valeurs.values()),
    )


def _choix(peinture: Peinture, premiere: Peinture) -> dict[str, Any]:
    """Une peinture à offrir ; ce qu'elle partage avec la première n'est pas répété."""
    rendu: dict[str, Any] = {"c": peinture.choix}
    if peinture.quoi:
        rendu |= {"q": peinture.quoi, "g": peinture.groupe, "t": peinture.titre, "o": peinture.source,
                  "x": peinture.texte}
    if peinture is not premiere:
        rendu |= {"styles": peinture.styles, "rangs": peinture.rangs}
        if peinture.fiches != premiere.fiches:
            rendu["l"] = peinture.fiches
        if peinture.rayons:
            rendu["r"] = peinture.rayons
    return rendu


def cercles(
    contours: gpd.GeoDataFrame,
    mesures: pd.DataFrame,
    *,
    libelle: str,
    unite: str | None,
    couleur: str = couleurs.TERRITOIRE,
    decimales: int | None = None,
) -> tuple[Couche, Peinture]:
    """Des cercles dont la **surface** est proportionnelle à l'effectif ; et leur peinture, dont les noms ont besoin.

    Un zéro est un petit anneau vide, un manquant un anneau en tirets : ni l'un ni l'autre ne se confond
    avec l'absence de la commune.

    Raises
    ------
    DemandeFausse
        Effectif négatif, deux mesures pour un territoire, maille empruntée.
    """
    peinture = peindre_cercles(
        contours["code"],
        noms_des_contours(contours, mesures),
        mesures,
        libelle=libelle,
        unite=unite,
        couleur=couleur,
        decimales=decimales,
    )
    entites: list[dict[str, Any]] = [
        {"p": point, "r": rayon, "s": style, "l": lignes}
        for point, rayon, style, lignes in zip(
            reperes(contours), peinture.rayons, peinture.rangs, peinture.fiches, strict=True
        )
    ]
    # Les petits par-dessus les grands : aucun n'est caché.
    entites.sort(key=lambda e: (-e["r"], e["p"]))
    couche = Couche(
        "cercles",
        {"nom": libelle, "styles": peinture.styles, "entites": entites},
        legendes=(peinture.legende,),
        texte=peinture.texte,
        valeurs=(peinture.valeurs,),
    )
    return couche, peinture


def points(structures: pd.DataFrame) -> Couche:
    """Des structures ouvertes au public, une forme et une couleur par type.

    Parameters
    ----------
    structures : DataFrame
        Colonnes ``type``, ``nom``, ``lon``, ``lat`` ; si elles existent : ``commune`` (nom), ``source``,
        ``annee``, ``remarque``. Une structure sans coordonnées n'est pas posée, mais comptée et dite.
    """
    manquantes = [c for c in ("type", "nom", "lon", "lat") if c not in structures]
    if manquantes:
        raise DemandeFausse(
            f"colonnes absentes des structures : {', '.join(manquantes)}", attendu="type, nom, lon, lat"
        )
    types = list(dict.fromkeys(structures["type"].astype(str)))
    aspects = [couleurs.structure(t) for t in types]
    reperees = structures[structures["lon"].notna() & structures["lat"].notna()]
    entites: list[dict[str, Any]] = []
    attributs: list[dict[str, Any]] = []
    places: dict[tuple, list[int]] = {}
    for ligne in reperees.to_dict("records"):
        rang = types.index(str(ligne["type"]))
        point = [round(float(ligne["lat"]), DECIMALES_COORDONNEES), round(float(ligne["lon"]), DECIMALES_COORDONNEES)]
        fiche = fiches.fiche_structure(ligne, aspects[rang][0])
        places.setdefault(tuple(point), []).append(len(entites))
        entites.append({"p": point, "s": rang, "l": fiche})
        commune = "" if est_vide(ligne.get("commune")) else str(ligne["commune"])
        precision = fiches.precision_de_structure(ligne)
        attributs.append({"nom": fiche[0], "type": aspects[rang][0], "commune": commune, "precisions": precision})
    for ensemble in (e for e in places.values() if len(e) > 1):
        # À la même adresse, les structures se rangent en couronne : aucune n'en cache une autre.
        ecart = 5 + 1.5 * len(ensemble)
        for place, rang in enumerate(ensemble):
            angle = 2 * math.pi * place / len(ensemble)
            entites[rang]["d"] = [round(ecart * math.cos(angle), 1), round(ecart * math.sin(angle), 1)]
    comptes = structures["type"].astype(str).value_counts()
    comptees = [(aspect, int(comptes[t])) for t, aspect in zip(types, aspects, strict=True)]
    sans_place = len(structures) - len(reperees)
    posees = "posées" if sans_place > 1 else "posée"
    precision = f"{pluriel(sans_place, 'structure')} sans adresse localisée, non {posees} sur la carte"
    vignettes = tuple(vignette_de_structures(forme, teinte, nom, n) for (nom, teinte, forme), n in comptees)
    return Couche(
        "points",
        {
            "noms": [a[0] for a in aspects],
            "couleurs": [a[1] for a in aspects],
            "formes": [TRACES[a[2]] for a in aspects],
            "entites": entites,
        },
        legendes=(Legende(vignettes, "Structures", precision if sans_place else ""),) if comptees else (),
        texte=f"Structures : {enumeration([f'{a[0]} ({nombre(n)})' for a, n in comptees])}." if comptees else "",
        quoi="structures",
        attributs=tuple(attributs),
    )


def surbrillance(contours: gpd.GeoDataFrame, *, libelle: str) -> Couche:
    """Le territoire cerné de sa couleur, sur un liseré blanc qui le détache de tous les aplats."""
    formes = geometries(contours)
    styles = [
        {"color": "#ffffff", "weight": 6, "fill": False, "opacity": 0.95},
        {"color": couleurs.TERRITOIRE, "weight": 3, "fill": False},
    ]
    dessin = {
        "nom": libelle,
        "plan": "surbrillance",
        "trait": True,
        "interactif": False,
        "styles": styles,
        "entites": [{"g": g, "s": s} for s in (0, 1) for g in formes],
    }
    return Couche("zones", dessin, repere=vignette_de_trait(styles[1], libelle), quoi="territoire")


def etiquettes(
    contours: gpd.GeoDataFrame,
    *,
    noms: Sequence[str] | None = None,
    importance: Sequence[float] | None = None,
    fortes: Sequence[str] = (),
    avant: Sequence[str] = (),
    rayons: Sequence[float] | None = None,
    cadre: Sequence[float] | None = None,
) -> Couche:
    """Les noms, sans jamais en mettre un à cheval sur deux lieux ni sur un autre nom.

    Un nom tient tout entier dans son contour, sur une ligne ou deux, ou se tait ; ceux qu'on doit lire (`fortes`,
    `avant`) s'écrivent alors à côté, dans un cartouche relié à leur lieu. Sous des cercles, le nom touche le sien.

    Parameters
    ----------
    noms : sequence of str, optional
        Un par contour ; par défaut la colonne ``nom``.
    importance : sequence of float, optional
        Par exemple la population ; à défaut, la surface.
    fortes : sequence of str
        Codes écrits en gras, placés d'abord, toujours.
    avant : sequence of str
        Codes placés ensuite, toujours : ceux dont le texte parle.
    rayons : sequence of float, optional
        Rayon du cercle de chaque contour, en pixels.
    cadre : sequence of float, optional
        La vue de la carte ; par défaut, ce que couvrent les contours.
    """
    poids = (
        list(importance)
        if importance is not None
        else list(contours.to_crs(4326).geometry.bounds.eval("(maxx - minx) * (maxy - miny)"))
    )
    textes = list(noms) if noms is not None else noms_des_contours(contours)
    gras = [code in fortes for code in contours["code"]]
    places = emplacements(contours, textes, fortes=gras) if rayons is None else []
    dessin = noms_a_ecrire(
        textes,
        reperes(contours),
        gras=gras,
        dus=[code in avant for code in contours["code"]],
        poids=[-1.0 if est_vide(p) else float(p) for p in poids],
        cadre=cadre if cadre is not None else contours.to_crs(4326).total_bounds.tolist(),
        rayons=rayons,
    )
    for nom in dessin["noms"] if places else ():
        nom["v"] = places[nom["i"]]
    return Couche("etiquettes", dessin)


def noms_a_ecrire(
    noms: Sequence[str],
    points: Sequence[Sequence[float]],
    *,
    gras: Sequence[bool],
    dus: Sequence[bool],
    poids: Sequence[float],
    cadre: Sequence[float],
    rayons: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Ce qui s'écrit d'abord, et ce qu'on essaie pour chaque nom : le seul endroit qui en décide.

    Returns
    -------
    dict
        ``noms`` : du premier au dernier, ses écritures ``t``, son point ``p``, son rang ``i``, le gras ``f``, le rayon
        ``r`` de son cercle ; et pour ceux qu'on doit lire, les directions ``a`` d'un cartouche, de l'extérieur de la
        carte vers l'intérieur : il y couvre moins de lieux. ``essais`` : des passes ``[début, fin, à côté]``.
    """
    importants = [bool(g or d) for g, d in zip(gras, dus, strict=True)]
    ordre = sorted(range(len(noms)), key=lambda i: (not gras[i], not importants[i], -poids[i], noms[i]))
    # Sans territoire ni extrême à nommer, le lieu le plus important situe la carte.
    combien = sum(importants) or min(len(noms), 1)
    ouest, sud, est, nord = cadre
    milieu = math.radians(ouest + est) / 2, (mercator(sud) + mercator(nord)) / 2
    ecrits = []
    for place, rang in enumerate(ordre):
        nom: dict[str, Any] = {"t": ecritures(noms[rang]), "p": points[rang], "i": rang}
        if gras[rang]:
            nom["f"] = 1
        if place < combien:
            latitude, longitude = points[rang]
            dehors = math.atan2(milieu[1] - mercator(latitude), math.radians(longitude) - milieu[0])
            nom["a"] = sorted(_DIRECTIONS, key=lambda a: round(-math.cos(math.radians(a) - dehors), 6))
        if rayons is not None:
            nom["r"] = round(float(rayons[rang]), 1)
        ecrits.append(nom)
    passes = [[0, combien, 0], [0, combien, 1], [combien, len(noms), 0]]
    return {"noms": ecrits, "essais": passes, "regles": REGLES_DES_NOMS}
