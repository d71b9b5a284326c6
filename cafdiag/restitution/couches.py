"""Les couches d'une carte : fonds, aplats, cercles, points, surbrillance, étiquettes.

Chacune dessine, ajoute sa légende et dit en toutes lettres ce qu'elle montre (``carte.textes``).
Aucune ne calcule : elle reçoit des Mesures et des contours déjà lus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from branca.element import MacroElement
from folium.template import Template

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs, fiches
from cafdiag.restitution import legendes as lg
from cafdiag.restitution.classes import Classes
from cafdiag.restitution.contours import (
    DECIMALES_COORDONNEES,
    emplacements,
    geometries,
    noms_des_contours,
    reperes,
    rogner,
)
from cafdiag.restitution.echappement import est_vide, json_sur
from cafdiag.restitution.formats import enumeration, nombre, pluriel
from cafdiag.restitution.leaflet import CarteHorsLigne
from cafdiag.restitution.peintures import Peinture, peindre_aplats, peindre_cercles

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

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


class Couche(MacroElement):
    """Un appel à carte.js sur la carte parente, avec des données sérialisées sans risque."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        cafdiag.{{ this.fonction }}({{ this._parent.get_name() }}, {{ this.donnees }});
        {% endmacro %}
    """)

    def __init__(self, fonction: str, donnees: object) -> None:
        super().__init__()
        self._name = "Couche"
        self.fonction, self.donnees = fonction, json_sur(donnees)


def ajouter_fond(
    carte: CarteHorsLigne,
    contours: gpd.GeoDataFrame,
    *,
    libelle: str = "",
    trait: str = "voisin",
    infobulle: bool = False,
) -> None:
    """Ajoute des contours de repère, sans valeur.

    Parameters
    ----------
    trait : {"voisin", "maille", "limite", "quartier"}
        ``voisin`` et ``maille`` sont sous les aplats ; ``limite`` (tirets) et ``quartier`` dessus.
    libelle : str
        Nom dans la légende ; rien dans la légende s'il est vide.
    infobulle : bool
        Montre le nom au survol (sans effet pour ``limite``).
    """
    if trait not in TRAITS:
        raise DemandeFausse(f"trait « {trait} »", attendu=", ".join(TRAITS))
    if carte.cadre is not None and trait != "maille":
        contours = rogner(contours, carte.cadre)
    if contours.empty:
        return
    modele = TRAITS[trait]
    entites: list[dict] = [{"g": g, "s": 0} for g in geometries(contours)]
    if infobulle:
        for entite, nom in zip(entites, noms_des_contours(contours), strict=True):
            entite["l"] = [nom]
    carte.add_child(
        Couche(
            "zones",
            {
                "nom": libelle,
                "plan": modele["plan"],
                "interactif": infobulle and trait != "limite",
                "styles": [modele["style"]],
                "entites": entites,
            },
        )
    )
    if libelle:
        carte.reperes.append(lg.trait(modele["style"], libelle))


def ajouter_aplats(
    carte: CarteHorsLigne,
    contours: gpd.GeoDataFrame,
    mesures: pd.DataFrame,
    *,
    classes: Classes | Sequence[Classes] | None,
    libelle: str,
    unite: str | None,
    decimales: int | None = None,
    discret: bool = False,
    lieux: Sequence[tuple[str, str]] = (),
) -> None:
    """Peint chaque contour de la couleur de sa classe ; sans donnée, il est hachuré et nommé.

    Parameters
    ----------
    contours : GeoDataFrame
        Colonnes ``code``, ``geometry``, et ``nom`` si possible.
    mesures : DataFrame
        Mesures (au plus une par territoire). Un contour sans mesure est « non disponible ».
    classes : Classes, sequence of Classes or None
        Vide si aucune valeur n'est connue : tout est hachuré. S'il y en a plusieurs, la première se montre et
        la page laisse choisir (voir :func:`cafdiag.restitution.classes.classements`).
    discret : bool
        Teintes pâlies, pour un fond sous des cercles ou des points.
    lieux : sequence of tuple of str
        Voir :func:`ajouter_peintures`.

    Raises
    ------
    DemandeFausse
        Deux mesures pour un territoire ; taux d'une maille plus large peint sur une plus fine.
    """
    rangees = (classes,) if isinstance(classes, Classes) else tuple(classes or ())
    noms = noms_des_contours(contours, mesures)
    peintures = [
        peindre_aplats(
            contours["code"],
            noms,
            mesures,
            classes=c,
            libelle=libelle,
            unite=unite,
            decimales=decimales,
            discret=discret,
            motif=carte.motif,
        )
        for c in rangees or (None,)
    ]
    ajouter_peintures(carte, contours, peintures, libelle=libelle, lieux=lieux)


def ajouter_peintures(
    carte: CarteHorsLigne,
    contours: gpd.GeoDataFrame,
    peintures: Sequence[Peinture],
    *,
    libelle: str,
    lieux: Sequence[tuple[str, str]] = (),
) -> None:
    """Peint les contours de la première peinture ; la page laisse choisir parmi les autres.

    Parameters
    ----------
    peintures : sequence of Peinture
        Une entrée par contour, dans leur ordre. Deux peintures d'un même `quoi` sont deux façons de le ranger.
    libelle : str
        Nom de la couche, à cocher.
    lieux : sequence of tuple of str
        Nom cherché et code du contour qui le contient : une commune, sur une carte d'intercommunalités.
    """
    premiere = peintures[0]
    donnees: dict[str, Any] = {
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
        donnees["lieux"] = [[nom, rangs[code]] for nom, code in lieux if code in rangs]
    if len(peintures) > 1:
        donnees["peintures"] = [_choix(p, premiere) for p in peintures]
    carte.add_child(Couche("zones", donnees))
    dits: set[str] = set()
    for rang, peinture in enumerate(peintures):
        marque = f'<div data-peinture="{rang}"' + (" hidden>" if rang else ">")
        carte.legendes.append(
            peinture.legende.replace("<div>", marque, 1) if len(peintures) > 1 else peinture.legende
        )
        if peinture.quoi not in dits:
            dits.add(peinture.quoi)
            carte.details_html.append(marque + peinture.table + "</div>" if peinture.quoi else peinture.table)
    carte.textes.append(premiere.texte)


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


def ajouter_cercles(
    carte: CarteHorsLigne,
    contours: gpd.GeoDataFrame,
    mesures: pd.DataFrame,
    *,
    libelle: str,
    unite: str | None,
    couleur: str = couleurs.TERRITOIRE,
    decimales: int | None = None,
) -> Peinture:
    """Pose un cercle dont la **surface** est proportionnelle à l'effectif.

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
    carte.add_child(Couche("cercles", {"nom": libelle, "styles": peinture.styles, "entites": entites}))
    carte.legendes.append(peinture.legende)
    carte.textes.append(peinture.texte)
    carte.details_html.append(peinture.table)
    return peinture


def ajouter_points(carte: CarteHorsLigne, points: pd.DataFrame) -> None:
    """Pose des structures ouvertes au public, une forme et une couleur par type.

    Parameters
    ----------
    points : DataFrame
        Colonnes ``type``, ``nom``, ``lon``, ``lat`` ; si elles existent : ``commune`` (nom), ``source``,
        ``annee``, ``remarque``. Une structure sans coordonnées n'est pas posée, mais comptée et dite.
    """
    manquantes = [c for c in ("type", "nom", "lon", "lat") if c not in points]
    if manquantes:
        raise DemandeFausse(
            f"colonnes absentes des structures : {', '.join(manquantes)}", attendu="type, nom, lon, lat"
        )
    types = list(dict.fromkeys(points["type"].astype(str)))
    reperees = points[points["lon"].notna() & points["lat"].notna()]
    entites = []
    for ligne in reperees.to_dict("records"):
        libelle, _, _ = couleurs.structure(str(ligne["type"]))
        entites.append(
            {
                "p": [
                    round(float(ligne["lat"]), DECIMALES_COORDONNEES),
                    round(float(ligne["lon"]), DECIMALES_COORDONNEES),
                ],
                "s": types.index(str(ligne["type"])),
                "l": fiches.fiche_structure(ligne, libelle),
            }
        )
    aspects = [couleurs.structure(t) for t in types]
    carte.add_child(
        Couche(
            "points",
            {
                "noms": [a[0] for a in aspects],
                "couleurs": [a[1] for a in aspects],
                "formes": [a[2] for a in aspects],
                "entites": entites,
            },
        )
    )
    comptes = points["type"].astype(str).value_counts()
    elements = [
        lg.signe(forme, teinte, libelle, int(comptes[t]))
        for t, (libelle, teinte, forme) in zip(types, aspects, strict=True)
    ]
    sans_place = len(points) - len(reperees)
    precision = (
        f"{pluriel(sans_place, 'structure')} sans adresse localisée, non posée sur la carte"
        if sans_place
        else ""
    )
    if elements:
        carte.legendes.append(
            lg.bloc(
                "Structures",
                elements,
                precision=precision.replace("posée", "posées" if sans_place > 1 else "posée"),
            )
        )
        carte.textes.append(
            "Structures : "
            + enumeration(
                [
                    f"{libelle} ({nombre(int(comptes[t]))})"
                    for t, (libelle, _, _) in zip(types, aspects, strict=True)
                ]
            )
            + "."
        )


def ajouter_surbrillance(carte: CarteHorsLigne, contours: gpd.GeoDataFrame, *, libelle: str) -> None:
    """Cerne le territoire de sa couleur, sur un liseré blanc qui le détache de tous les aplats."""
    formes = geometries(contours)
    styles = [
        {"color": "#ffffff", "weight": 6, "fill": False, "opacity": 0.95},
        {"color": couleurs.TERRITOIRE, "weight": 3, "fill": False},
    ]
    entites = [{"g": g, "s": s} for s in (0, 1) for g in formes]
    carte.add_child(
        Couche(
            "zones",
            {
                "nom": libelle,
                "plan": "surbrillance",
                "trait": True,
                "interactif": False,
                "styles": styles,
                "entites": entites,
            },
        )
    )
    carte.reperes.insert(0, lg.trait(styles[1], libelle))


def ajouter_etiquettes(
    carte: CarteHorsLigne,
    contours: gpd.GeoDataFrame,
    *,
    noms: Sequence[str] | None = None,
    importance: Sequence[float] | None = None,
    fortes: Sequence[str] = (),
    avant: Sequence[str] = (),
    rayons: Sequence[float] | None = None,
) -> None:
    """Écrit les noms, sans jamais en mettre un à cheval sur deux lieux ni sur un autre nom.

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
    """
    poids = (
        list(importance)
        if importance is not None
        else list(contours.to_crs(4326).geometry.bounds.eval("(maxx - minx) * (maxy - miny)"))
    )
    textes = list(noms) if noms is not None else noms_des_contours(contours)
    gras = [code in fortes for code in contours["code"]]
    places = emplacements(contours, textes, fortes=gras) if rayons is None else [[] for _ in textes]
    liste = []
    for rang, (nom, point, code) in enumerate(zip(textes, reperes(contours), contours["code"], strict=True)):
        poids_du_nom = -1.0 if est_vide(poids[rang]) else float(poids[rang])
        du = int(gras[rang] or code in avant)
        nom_pose: dict[str, Any] = {"t": nom, "p": point, "i": rang, "f": int(gras[rang]), "o": du, "w": poids_du_nom}
        nom_pose |= {"v": places[rang]} if rayons is None else {"r": round(float(rayons[rang]), 1)}
        liste.append(nom_pose)
    liste.sort(key=lambda e: (-e["f"], -e["o"], -e["w"], e["t"]))
    if liste and not (fortes or avant):
        # Sans territoire ni extrême à nommer, le lieu le plus important situe la carte.
        liste[0]["o"] = 1
    # Un drapeau nul ne s'écrit pas : il y en aurait mille.
    carte.add_child(
        Couche("etiquettes", [{k: v for k, v in e.items() if k != "w" and (v or k not in "fo")} for e in liste])
    )
