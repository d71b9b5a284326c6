"""Ce qu'une carte dit de valeurs : couleur ou rayon de chaque territoire, infobulles, légende, phrases, tableau.

Aucun contour ici : la même peinture sert à une carte entière et à repeindre une carte déjà dessinée.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs, fiches
from cafdiag.restitution import legendes as lg
from cafdiag.restitution.classes import SANS_CLASSE, Classes
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import FOIS_LA_FRANCE, decimales_de, enumeration, nombre

if TYPE_CHECKING:
    import pandas as pd

RAYON_MAXIMAL = 22
NOMS_DES_CHOIX = {"france": "par rapport à la France", "territoire": "dans le territoire"}


@dataclass(frozen=True)
class Peinture:
    """Des valeurs, prêtes à dessiner : une entrée par territoire, dans l'ordre des codes donnés.

    Attributes
    ----------
    styles : list of dict
        Styles Leaflet ; ``rangs`` donne celui de chaque territoire.
    fiches : list of list of str
        Lignes de chaque infobulle.
    legende, texte, table : str
        Légende (HTML), résumé en phrases, tableau équivalent (HTML).
    lignes : list of dict
        Mesures alignées sur les codes.
    rayons : list of float
        En pixels ; vide pour des aplats.
    choix : str
        Façon de ranger en classes, à offrir quand il y en a plusieurs.
    quoi, groupe, titre, source : str
        Sur une carte à plusieurs indicateurs : son nom dans la liste, son thème, ce qui s'écrit autour.
    """

    styles: list[dict]
    rangs: list[int]
    fiches: list[list[str]]
    legende: str
    texte: str
    table: str
    lignes: list[dict]
    rayons: list[float] = field(default_factory=list)
    choix: str = ""
    quoi: str = ""
    groupe: str = ""
    titre: str = ""
    source: str = ""


def peindre_aplats(
    codes: Sequence[str],
    noms: Sequence[str],
    mesures: pd.DataFrame,
    *,
    classes: Classes | None,
    libelle: str,
    unite: str | None,
    motif: Callable[[str], str],
    decimales: int | None = None,
    discret: bool = False,
) -> Peinture:
    """Une couleur de classe par territoire ; sans donnée, hachuré et nommé.

    Parameters
    ----------
    codes, noms : sequence of str
        Territoires à peindre.
    mesures : DataFrame
        Mesures (au plus une par territoire). Un code sans mesure est « non disponible ».
    classes : Classes or None
        ``None`` si aucune valeur n'est connue : tout est hachuré.
    motif : callable
        Référence du motif ``hachures`` ou ``pointille`` sur la carte.
    discret : bool
        Teintes pâlies, pour un fond sous des cercles ou des points.

    Raises
    ------
    DemandeFausse
        Deux mesures pour un territoire ; taux d'une maille plus large peint sur une plus fine.
    """
    lignes, places = _aligner(codes, mesures, unite, decimales)
    opacite = 0.55 if discret else 1
    rangs = (
        classes.indices([ligne.get("valeur") for ligne in lignes])
        if classes
        else np.full(len(lignes), SANS_CLASSE)
    )
    vides = list(
        dict.fromkeys(
            ligne["statut"] for ligne, rang in zip(lignes, rangs, strict=True) if rang == SANS_CLASSE
        )
    )
    styles = [
        {"color": "#ffffff", "weight": 1, "fillColor": c, "fillOpacity": opacite,
         "encre": couleurs.encre_sur(couleurs.melange(c, opacite))}
        for c in (classes.couleurs if classes else ())
    ]
    rang_vide = {}
    for cle in vides:
        rang_vide[cle] = len(styles)
        nom_du_motif = "pointille" if cle == "sans_objet" else "hachures"
        styles.append({"color": "#aab4bd", "weight": 1, "fillColor": motif(nom_du_motif), "fillOpacity": 1})
    comptes = np.bincount(rangs[rangs != SANS_CLASSE], minlength=len(classes) if classes else 0)
    elements = [
        lg.aplat(teinte, etiquette, int(compte), opacite=float(opacite))
        for teinte, etiquette, compte in (
            zip(classes.couleurs, classes.etiquettes, comptes, strict=True) if classes else ()
        )
    ]
    for cle in vides:
        concernes = [n for n, li in zip(noms, lignes, strict=True) if li["statut"] == cle]
        elements.append(
            lg.aplat(
                str(styles[rang_vide[cle]]["fillColor"]),
                lg.nom_du_vide(cle),
                len(concernes),
                precision=enumeration(concernes, maximum=3),
            )
        )
    return Peinture(
        styles=styles,
        rangs=[
            int(rang) if rang != SANS_CLASSE else rang_vide[ligne["statut"]]
            for ligne, rang in zip(lignes, rangs, strict=True)
        ],
        fiches=_fiches(noms, lignes, unite, places),
        legende=lg.bloc(libelle, elements, precision=_precision(classes, unite, places)),
        texte=fiches.resume(noms, lignes, rangs, unite=unite, decimales=places),
        table=fiches.table(noms, lignes, libelle=libelle, unite=unite, decimales=places),
        lignes=lignes,
        choix=NOMS_DES_CHOIX[classes.choix] if classes else "",
    )


def _precision(classes: Classes | None, unite: str | None, decimales: int) -> str:
    """L'unité ; et, quand les couleurs ne se lisent plus contre la France, ce qu'elle vaut."""
    dite = unite or ""
    if classes is None or classes.choix == "france" or classes.reference is None or unite == FOIS_LA_FRANCE:
        return dite
    return f"{dite}, couleurs propres à la carte (France : {nombre(classes.reference, decimales=decimales)})"


def peindre_cercles(
    codes: Sequence[str],
    noms: Sequence[str],
    mesures: pd.DataFrame,
    *,
    libelle: str,
    unite: str | None,
    couleur: str = couleurs.TERRITOIRE,
    decimales: int | None = None,
) -> Peinture:
    """Un cercle par territoire, dont la **surface** est proportionnelle à l'effectif.

    Un zéro est un petit anneau vide, un manquant un anneau en tirets : ni l'un ni l'autre ne se confond
    avec l'absence de la commune.

    Raises
    ------
    DemandeFausse
        Effectif négatif, deux mesures pour un territoire, maille empruntée.
    """
    lignes, places = _aligner(codes, mesures, unite, decimales)
    connues = [float(li["valeur"]) for li in lignes if not est_vide(li.get("valeur"))]
    if any(v < 0 for v in connues):
        raise DemandeFausse(
            "un effectif négatif",
            attendu="un nombre positif ou nul",
            conseil="montrez une évolution en aplats",
        )
    maximum = max(connues, default=0.0)
    tirets = {"fillOpacity": 0.7, "dashArray": "2 2"}
    styles = [
        {"color": "#ffffff", "weight": 1.2, "fillColor": couleur, "fillOpacity": 0.78},
        {"color": couleur, "weight": 1.4, "fillColor": "#ffffff", "fillOpacity": 0.9},
        {"color": couleurs.ENCRE_2, "weight": 1.4, "fillColor": "#ffffff", **tirets},
    ]
    aspects = [_aspect(ligne, maximum) for ligne in lignes]
    elements = [lg.cercles(maximum, rayon_cercle, couleur=couleur, decimales=places)] if maximum > 0 else []
    if any(v == 0 for v in connues):
        elements.append(lg.anneau(couleur, "aucun", plein=True))
    absents = [n for n, li in zip(noms, lignes, strict=True) if est_vide(li.get("valeur"))]
    if absents:
        elements.append(
            lg.anneau(
                couleurs.ENCRE_2,
                f"Donnée absente ({nombre(len(absents))})",
                plein=False,
                precision=enumeration(absents, maximum=3),
            )
        )
    rangs = np.array([SANS_CLASSE if est_vide(li.get("valeur")) else 0 for li in lignes])
    return Peinture(
        styles=styles,
        rangs=[style for style, _ in aspects],
        fiches=_fiches(noms, lignes, unite, places),
        legende=lg.bloc(libelle, elements, precision=unite or ""),
        texte=f"{libelle} : " + fiches.resume(noms, lignes, rangs, unite=unite, decimales=places),
        table=fiches.table(noms, lignes, libelle=libelle, unite=unite, decimales=places),
        lignes=lignes,
        rayons=[round(rayon, 2) for _, rayon in aspects],
    )


def _aligner(
    codes: Sequence[str], mesures: pd.DataFrame, unite: str | None, decimales: int | None
) -> tuple[list[dict], int]:
    lignes = fiches.aligner(codes, mesures)
    fiches.refuser_maille_empruntee(lignes)
    return lignes, decimales_de(unite) if decimales is None else decimales


def _fiches(noms: Sequence[str], lignes: Sequence[dict], unite: str | None, decimales: int) -> list[list[str]]:
    return [
        fiches.fiche(nom, ligne, unite=unite, decimales=decimales) for nom, ligne in zip(noms, lignes, strict=True)
    ]


def _aspect(ligne: dict, maximum: float) -> tuple[int, float]:
    """Rang du style et rayon du cercle d'une mesure."""
    if est_vide(ligne.get("valeur")):
        return 2, 5.0
    valeur = float(ligne["valeur"])
    return (1, 2.5) if valeur == 0 else (0, max(2.0, rayon_cercle(valeur, maximum)))


def rayon_cercle(valeur: float, maximum: float) -> float:
    """Rayon en pixels : la surface est proportionnelle à la valeur.

    Examples
    --------
    >>> rayon_cercle(100, 400) / rayon_cercle(400, 400)
    0.5
    """
    return RAYON_MAXIMAL * math.sqrt(valeur / maximum) if maximum > 0 else 0.0
