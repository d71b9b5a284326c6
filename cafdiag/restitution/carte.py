"""Une carte : ses couches, et ce que chacune dessine, légende et dit. Faite une fois, lue par chaque rédacteur.

:mod:`cafdiag.restitution.carte_html` en fait une page, :mod:`cafdiag.restitution.carte_fixe` une image,
:mod:`cafdiag.restitution.rendu_geo` des couches de SIG. Un carnet la garde en JSON, sous :data:`MIME_CARTE`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cafdiag.restitution.couleurs import SANS_DONNEE

MIME_CARTE = "application/vnd.cafdiag.carte+json"
# Les deux cartes que la note et les diapositives reprennent du rapport.
CLEF_DES_TAUX, CLEF_DES_COMMUNES = "PE_TXCOUV_GLOBAL", "communes"
# Ce que chaque rédacteur sait dessiner.
GENRES = ("zones", "cercles", "points", "etiquettes")
_MOTIF = re.compile(r"url\(#(hachures|pointille)\)")


def nommer_les_motifs(dessin: str, suite: str) -> str:
    """Le remplissage ``url(#hachures)`` d'un style ou d'une vignette, sous le nom que lui donne un rédacteur.

    >>> nommer_les_motifs("url(#hachures)", "_k1_1")
    'url(#hachures_k1_1)'
    """
    return _MOTIF.sub(rf"url(#\1{suite})", dessin)


def motifs(suite: str) -> str:
    """Ces motifs, définis pour un dessin : ce qui n'a pas de donnée, ce qui est sans objet."""
    return (
        f'<defs><pattern id="hachures{suite}" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
        f'<rect width="2" height="6" fill="{SANS_DONNEE}"/></pattern>'
        f'<pattern id="pointille{suite}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="#fff"/><circle cx="3" cy="3" r="1" fill="{SANS_DONNEE}"/></pattern></defs>'
    )


@dataclass(frozen=True)
class Vignette:
    """Un élément de légende : un petit dessin (un ``<svg>`` entier), un libellé, une précision en petit."""

    svg: str
    libelle: str = ""
    precision: str = ""
    hauteur: float = 16

    def seule(self, suite: str) -> str:
        """Le dessin, loin de sa carte : il porte le motif qu'il appelle."""
        if not _MOTIF.search(self.svg):
            return self.svg
        tete, _, reste = nommer_les_motifs(self.svg, suite).partition(">")
        return f"{tete}>{motifs(suite)}{reste}"


@dataclass(frozen=True)
class Legende:
    """Un bloc de légende ; `peinture` : le rang de celle qu'il explique, quand la carte en offre plusieurs."""

    elements: tuple[Vignette, ...]
    titre: str = ""
    precision: str = ""
    peinture: int | None = None


@dataclass(frozen=True)
class ValeursDeCarte:
    """Le tableau équivalent d'une couche : nom, valeur et statut en mots, du plus grand au plus petit."""

    libelle: str
    unite: str
    lignes: tuple[tuple[str, str, str], ...]
    peinture: int | None = None


@dataclass(frozen=True)
class Couche:
    """Ce qu'une carte superpose.

    Attributes
    ----------
    genre : str
        Parmi :data:`GENRES`.
    dessin : dict
        Ce que dessine ``carte.js`` (styles, entités, infobulles) : du JSON, ses motifs dits ``url(#hachures)``.
    legendes, repere
        Blocs de légende ; ou trait d'un repère, rangé avec les autres au bas de la légende.
    texte, valeurs
        La couche en phrases, puis en tableau.
    quoi : str
        ``territoire``, ``quartiers``, ``structures`` : ce que sont ses entités, pour un SIG.
    attributs : tuple of dict
        Un par entité, ce que le SIG en dit.
    """

    genre: str
    dessin: dict[str, Any]
    legendes: tuple[Legende, ...] = ()
    repere: Vignette | None = None
    texte: str = ""
    valeurs: tuple[ValeursDeCarte, ...] = ()
    quoi: str = ""
    attributs: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Carte:
    """Une carte à écrire en page, en image ou en couches de SIG.

    Attributes
    ----------
    titre, sous_titre, source : str
        Ce qui s'écrit autour.
    cadre : tuple of float, optional
        ``(ouest, sud, est, nord)`` en degrés : la vue d'ensemble.
    hauteur : int
        Hauteur de la vue, en pixels.
    clef : str
        À quoi un document reconnaît cette carte parmi d'autres.
    couches : tuple of Couche
        Du fond vers le dessus.
    """

    titre: str
    sous_titre: str = ""
    source: str = ""
    cadre: tuple[float, ...] | None = None
    hauteur: int = 440
    clef: str = ""
    couches: tuple[Couche, ...] = ()

    @property
    def texte(self) -> str:
        """Ce que la carte montre, en phrases : pour qui ne la voit pas, ou pour un autre format."""
        titre = self.titre.strip()
        tete = titre if titre.endswith(("?", "!", ".")) else f"{titre}."
        return " ".join([tete, *(c.texte for c in self.couches if c.texte)])

    @property
    def legendes(self) -> list[Legende]:
        """Tous les blocs, les repères à la fin, le territoire en tête des siens."""
        blocs = [bloc for c in self.couches for bloc in c.legendes]
        reperes = [c for c in self.couches if c.repere]
        reperes.sort(key=lambda c: c.quoi != "territoire")
        dits = tuple(c.repere for c in reperes if c.repere)
        return [*blocs, Legende(dits)] if dits else blocs

    @property
    def legendes_montrees(self) -> list[Legende]:
        """Celles de la première peinture : les autres attendent qu'on les choisisse."""
        return [bloc for bloc in self.legendes if not bloc.peinture]

    @property
    def valeurs(self) -> Iterator[ValeursDeCarte]:
        """Les tableaux équivalents de ses couches."""
        return (v for c in self.couches for v in c.valeurs)

    def en_json(self) -> dict[str, Any]:
        """La carte en objets simples, que :meth:`lire` relit."""
        return _simple(self)

    @classmethod
    def lire(cls, contenu: Mapping[str, Any]) -> Carte:
        """La carte qu'un carnet a gardée.

        >>> carte = Carte("Où ?", couches=(Couche("zones", {"entites": []}, repere=Vignette("<svg/>", "Craon")),))
        >>> Carte.lire(carte.en_json()) == carte
        True
        """
        connus = {champ.name for champ in dataclasses.fields(cls)}
        simples = {nom: valeur for nom, valeur in contenu.items() if nom in connus}
        cadre = simples.get("cadre")
        couches = tuple(_couche(c) for c in simples.get("couches", ()))
        return cls(**simples | {"cadre": tuple(cadre) if cadre else None, "couches": couches})


def _simple(objet: Any) -> Any:
    """Comme ``dataclasses.asdict``, sans recopier un à un les points des contours."""
    if isinstance(objet, tuple):
        return [_simple(element) for element in objet]
    if dataclasses.is_dataclass(objet):
        return {champ.name: _simple(getattr(objet, champ.name)) for champ in dataclasses.fields(objet)}
    return objet


def _couche(lue: Mapping[str, Any]) -> Couche:
    repere = lue["repere"]
    return Couche(**{
        **lue,
        "legendes": tuple(
            Legende(**{**bloc, "elements": tuple(Vignette(**e) for e in bloc["elements"])}) for bloc in lue["legendes"]
        ),
        "repere": Vignette(**repere) if repere else None,
        "valeurs": tuple(ValeursDeCarte(**{**v, "lignes": tuple(map(tuple, v["lignes"]))}) for v in lue["valeurs"]),
        "attributs": tuple(lue["attributs"]),
    })
