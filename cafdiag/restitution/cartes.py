"""Les cartes d'un diagnostic : taux en aplats, effectifs en cercles, structures en points.

La maille publiée commande la carte : un taux d'EPCI ne se peint jamais commune par commune. Les briques
de :mod:`cafdiag.restitution.couches` se composent aussi à la main sur une :class:`CarteHorsLigne`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couches
from cafdiag.restitution.classes import Classes, classements
from cafdiag.restitution.couleurs import TERRITOIRE
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import nom_court
from cafdiag.restitution.leaflet import CarteHorsLigne

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

SOURCE_CONTOURS = "Contours : IGN, Admin Express (simplifiés)."


@dataclass(frozen=True)
class Fond:
    """Des contours de repère. `trait` : ``voisin`` (dessous), ``limite`` ou ``quartier`` (dessus)."""

    contours: gpd.GeoDataFrame
    libelle: str = ""
    trait: str = "voisin"
    infobulle: bool = False


def _codes(surligner: str | Sequence[str] | gpd.GeoDataFrame | None) -> list[str]:
    if surligner is None:
        return []
    if isinstance(surligner, str):
        return [surligner]
    return list(surligner["code"]) if isinstance(surligner, pd.DataFrame) else list(surligner)


def _verifier_contours(contours: gpd.GeoDataFrame) -> None:
    if "code" not in contours:
        raise DemandeFausse("des contours sans colonne « code »", attendu="les colonnes code et geometry")
    if contours.empty:
        raise DemandeFausse("aucun contour à dessiner", conseil="vérifiez les codes demandés")
    if contours["code"].duplicated().any():
        raise DemandeFausse(
            f"le contour {contours['code'][contours['code'].duplicated()].iloc[0]} est en double",
            attendu="un contour par territoire",
        )


def _cadre(contours: gpd.GeoDataFrame) -> tuple[float, ...]:
    return tuple(float(b) for b in contours.to_crs(4326).total_bounds)


def _surligner(
    carte: CarteHorsLigne,
    contours: gpd.GeoDataFrame,
    surligner: str | Sequence[str] | gpd.GeoDataFrame | None,
    libelle: str,
) -> None:
    codes = _codes(surligner)
    if not codes:
        return
    cernes = surligner if isinstance(surligner, pd.DataFrame) else contours[contours["code"].isin(codes)]
    if cernes.empty:
        raise DemandeFausse(
            f"le territoire à surligner ({', '.join(codes)}) n'est pas dans les contours",
            conseil="donnez son code, ou son contour",
        )
    if not libelle:
        libelle = " et ".join(couches.noms_des_contours(cernes)[:2])
    couches.ajouter_surbrillance(carte, cernes, libelle=libelle)


def _sources(source: str, mention: str) -> str:
    if not source:
        return mention
    dite = source if source.lower().startswith("source") else f"Source : {source}"
    return f"{dite.rstrip('. ')}. {mention}".strip()


def carte_aplats(
    contours: gpd.GeoDataFrame,
    mesures: pd.DataFrame,
    *,
    libelle: str,
    unite: str | None,
    titre: str,
    source: str = "",
    sous_titre: str = "",
    reference: float | None = None,
    nom_reference: str = "la France",
    classes: Classes | str = "auto",
    surligner: str | Sequence[str] | gpd.GeoDataFrame | None = None,
    nom_surligne: str = "",
    contexte: Sequence[Fond] = (),
    etiquettes: bool = True,
    decimales: int | None = None,
    cadre: Sequence[float] | None = None,
    hauteur: int = 460,
    clef: str = "",
    lieux: Sequence[tuple[str, str]] = (),
    mention_contours: str = SOURCE_CONTOURS,
) -> CarteHorsLigne:
    """Un taux par territoire, en aplats.

    Parameters
    ----------
    contours : GeoDataFrame
        Colonnes ``code``, ``geometry`` et, si possible, ``nom`` : un contour par territoire peint.
    mesures : DataFrame
        Mesures d'un seul indicateur et d'une seule année. Un contour sans mesure, un secret, un « sans
        objet » ne prennent jamais une couleur de classe : ils sont hachurés ou pointillés, et nommés.
    libelle, unite : str
        Ce qui est mesuré et son unité (légende et infobulle).
    reference : float, optional
        À quoi rapporter les classes (``nom_reference``, avec son article).
    classes : Classes or {"auto", "france", "territoire"}
        Des classes toutes faites, ou le choix de :func:`cafdiag.restitution.classes.classements`.
    surligner : str, sequence of str or GeoDataFrame, optional
        Territoire cerné de sa couleur : code pris dans les contours, ou contour à part.
    contexte : sequence of Fond
        Repères dessinés dessous (``voisin``) ou dessus (``limite``, ``quartier``).
    etiquettes : bool
        Écrit les noms : voir :func:`cafdiag.restitution.couches.ajouter_etiquettes`.
    clef : str
        À quoi un document reconnaît cette carte parmi d'autres.
    lieux : sequence of tuple of str
        Voir :func:`cafdiag.restitution.couches.ajouter_peintures`.

    Returns
    -------
    CarteHorsLigne
        ``carte.texte`` dit la carte en phrases.

    Raises
    ------
    DemandeFausse
        Contours vides ou en double, plusieurs mesures par territoire, taux d'une maille plus large.
    """
    _verifier_contours(contours)
    carte = CarteHorsLigne(
        titre=titre,
        sous_titre=sous_titre,
        source=_sources(source, mention_contours),
        cadre=cadre or _cadre(contours),
        hauteur=hauteur,
        clef=clef,
    )
    for fond in contexte:
        couches.ajouter_fond(
            carte, fond.contours, libelle=fond.libelle, trait=fond.trait, infobulle=fond.infobulle
        )
    valeurs = [ligne["valeur"] for ligne in couches.fiches.aligner(contours["code"], mesures)]
    connues = [v for v in valeurs if not est_vide(v)]
    rangees = (
        (classes,)
        if isinstance(classes, Classes)
        else classements(
            connues,
            choix=classes,
            reference=None if est_vide(reference) else reference,
            nom_reference=nom_reference,
            unite=unite,
            decimales=decimales,
        )
    )
    couches.ajouter_aplats(
        carte,
        contours,
        mesures,
        classes=rangees,
        libelle=libelle,
        unite=unite,
        decimales=decimales,
        lieux=lieux,
    )
    _surligner(carte, contours, surligner, nom_surligne)
    if etiquettes:
        noms = [nom_court(n) for n in couches.noms_des_contours(contours, mesures)]
        couches.ajouter_etiquettes(
            carte, contours, noms=noms, fortes=_codes(surligner), avant=extremes(mesures)
        )
    return carte


def extremes(mesures: pd.DataFrame) -> list[str]:
    """Les territoires de la plus petite et de la plus grande valeur : on les cherche sur la carte."""
    connues = mesures.dropna(subset="valeur")
    if connues.empty:
        return []
    valeurs = connues.set_index("territoire")["valeur"].astype(float)
    return [str(valeurs.idxmin()), str(valeurs.idxmax())]


def carte_communes(
    contours: gpd.GeoDataFrame,
    *,
    titre: str,
    source: str = "",
    sous_titre: str = "",
    cercles: pd.DataFrame | None = None,
    libelle_cercles: str = "",
    unite_cercles: str = "enfants",
    couleur_cercles: str = TERRITOIRE,
    points: pd.DataFrame | None = None,
    fond: pd.DataFrame | None = None,
    libelle_fond: str = "",
    unite_fond: str | None = None,
    classes_fond: Classes | None = None,
    surligner: str | Sequence[str] | gpd.GeoDataFrame | None = None,
    nom_surligne: str = "",
    contexte: Sequence[Fond] = (),
    etiquettes: bool = True,
    importance: Sequence[float] | None = None,
    cadre: Sequence[float] | None = None,
    hauteur: int = 480,
    clef: str = "",
    mention_contours: str = SOURCE_CONTOURS,
) -> CarteHorsLigne:
    """Les communes d'un territoire : effectifs en cercles, structures en points, fond discret.

    Parameters
    ----------
    contours : GeoDataFrame
        Communes : ``code``, ``nom``, ``geometry``.
    cercles : DataFrame, optional
        Mesures d'un effectif, une par commune : surface du cercle proportionnelle à la valeur.
    points : DataFrame, optional
        Structures : ``type``, ``nom``, ``lon``, ``lat`` (voir :func:`couches.ajouter_points`).
    fond : DataFrame, optional
        Mesures peintes en aplats pâles (densité, distance…), avec `classes_fond` ou des quantiles.
    importance : sequence of float, optional
        Priorité des étiquettes (population) ; à défaut, la valeur des cercles, puis la surface.

    Raises
    ------
    DemandeFausse
        Mêmes cas que :func:`carte_aplats`.
    """
    _verifier_contours(contours)
    carte = CarteHorsLigne(
        titre=titre,
        sous_titre=sous_titre,
        source=_sources(source, mention_contours),
        cadre=cadre or _cadre(contours),
        hauteur=hauteur,
        clef=clef,
    )
    for repere in contexte:
        couches.ajouter_fond(
            carte, repere.contours, libelle=repere.libelle, trait=repere.trait, infobulle=repere.infobulle
        )
    if fond is None:
        couches.ajouter_fond(carte, contours, trait="maille", infobulle=cercles is None)
    else:
        valeurs = [li["valeur"] for li in couches.fiches.aligner(contours["code"], fond)]
        connues = [v for v in valeurs if not est_vide(v)]
        if classes_fond is None:
            classes_fond = next(iter(classements(connues, unite=unite_fond)), None)
        couches.ajouter_aplats(
            carte,
            contours,
            fond,
            classes=classes_fond,
            libelle=libelle_fond,
            unite=unite_fond,
            discret=cercles is not None or points is not None,
        )
    rayons, avant = None, []
    if cercles is not None:
        peinture = couches.ajouter_cercles(
            carte, contours, cercles, libelle=libelle_cercles, unite=unite_cercles, couleur=couleur_cercles
        )
        rayons, avant = peinture.rayons, extremes(cercles)
        if importance is None:
            importance = [li["valeur"] for li in peinture.lignes]
    elif fond is not None:
        avant = extremes(fond)
    if points is not None:
        couches.ajouter_points(carte, points)
    _surligner(carte, contours, surligner, nom_surligne)
    if etiquettes:
        couches.ajouter_etiquettes(carte, contours, importance=importance, avant=avant, rayons=rayons)
    return carte
