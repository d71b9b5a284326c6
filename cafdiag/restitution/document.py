"""Le rapport hors de toute mise en page : titres, paragraphes, tableaux, figures, encadrés.

Le docx et le pdf partent de ce modèle ; il est tiré du carnet exécuté, bloc par bloc. Un morceau de rapport
nouveau y entre sans code de plus, du moment que c'est du HTML sémantique.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bout:
    """Un bout de texte et son allure : ``gras``, ``italique``, ``petit`` (à la ligne : ``saut`` avant lui)."""

    texte: str
    gras: bool = False
    italique: bool = False
    petit: bool = False
    saut: bool = False


Bouts = tuple[Bout, ...]


@dataclass(frozen=True)
class Titre:
    """Un titre, de niveau 1 à 4 ; les chapitres sont au niveau 1."""

    niveau: int
    bouts: Bouts
    ancre: str = ""


@dataclass(frozen=True)
class Paragraphe:
    """Un paragraphe. `allure` : ``texte``, ``source``, ``note``, ``avertissement`` ou ``intitule`` (de ce qui suit)."""

    bouts: Bouts
    allure: str = "texte"


@dataclass(frozen=True)
class Liste:
    """Une liste ; chaque élément est une suite de blocs."""

    elements: tuple[tuple[Bloc, ...], ...]
    ordonnee: bool = False
    allure: str = "texte"


@dataclass(frozen=True)
class Case:
    """Une case de tableau."""

    bouts: Bouts
    entete: bool = False
    nombre: bool = False
    accent: bool = False
    colonnes: int = 1
    lignes: int = 1


@dataclass(frozen=True)
class Table:
    """Un tableau : légende, lignes d'en-tête répétées à chaque page, lignes du corps."""

    titre: str
    precision: str
    entetes: tuple[tuple[Case, ...], ...]
    corps: tuple[tuple[Case, ...], ...]

    @property
    def largeur(self) -> int:
        """Nombre de colonnes."""
        return max((sum(c.colonnes for c in li) for li in (*self.entetes, *self.corps)), default=0)


@dataclass(frozen=True)
class Figure:
    """Un dessin SVG, son titre, son équivalent en mots, ce qui s'écrit dessous."""

    titre: str
    svg: str
    alternative: str
    precision: str = ""
    source: str = ""
    genre: str = "graphique"


@dataclass(frozen=True)
class Encadre:
    """Des blocs mis à part. `genre` : ``bref``, ``parole``, ``completer`` (à remplir), ``note`` ou ``alerte``."""

    genre: str
    blocs: tuple[Bloc, ...]


@dataclass(frozen=True)
class Chiffre:
    """Un chiffre clé : sa valeur, ce qu'il compte, une précision."""

    valeur: str
    libelle: str
    precision: str = ""


@dataclass(frozen=True)
class Chiffres:
    """Une rangée de chiffres clés."""

    chiffres: tuple[Chiffre, ...]


@dataclass(frozen=True)
class Definitions:
    """Un glossaire : des termes et leur définition."""

    termes: tuple[tuple[Bouts, Bouts], ...]


Bloc = Titre | Paragraphe | Liste | Table | Figure | Encadre | Chiffres | Definitions


PIED = "Document produit à partir de données publiques."


@dataclass(frozen=True)
class Document:
    """Un rapport entier. `sommaire` : faux pour une pièce de deux pages ; `pied` : d'où viennent ses chiffres."""

    titre: str
    sous_titre: str
    maille: str = ""
    situation: str = ""
    avertissements: tuple[str, ...] = ()
    blocs: tuple[Bloc, ...] = field(default_factory=tuple)
    sommaire: bool = True
    pied: str = PIED

    def tous(self) -> Iterator[Bloc]:
        """Tous les blocs, ceux des encadrés et des listes compris, dans l'ordre de lecture."""
        yield from parcourir(self.blocs)


def parcourir(blocs: tuple[Bloc, ...]) -> Iterator[Bloc]:
    """Les blocs et ceux qu'ils contiennent, dans l'ordre de lecture.

    Examples
    --------
    >>> dedans = Paragraphe((Bout("a"),))
    >>> [type(b).__name__ for b in parcourir((Encadre("note", (dedans,)),))]
    ['Encadre', 'Paragraphe']
    """
    for bloc in blocs:
        yield bloc
        if isinstance(bloc, Encadre):
            yield from parcourir(bloc.blocs)
        elif isinstance(bloc, Liste):
            for element in bloc.elements:
                yield from parcourir(element)


def en_clair(bouts: Bouts) -> str:
    """Le texte d'une suite de bouts.

    Examples
    --------
    >>> en_clair((Bout("79,9"), Bout("places", petit=True, saut=True)))
    '79,9 places'
    """
    return "".join((" " if b.saut else "") + b.texte for b in bouts).strip()


def parts_des_colonnes(table: Table) -> list[int]:
    """Parts de largeur des colonnes ; 0 : juste ce qu'il faut (colonne de nombres).

    Examples
    --------
    >>> ligne = (Case((Bout("Une commune au nom long"),)), Case((Bout("12"),), nombre=True))
    >>> parts_des_colonnes(Table("", "", (), (ligne,)))
    [23, 0]
    """
    textes: list[list[str]] = [[] for _ in range(table.largeur)]
    chiffrees = [True] * table.largeur
    for ligne in (*table.entetes, *table.corps):
        rang = 0
        for case in ligne:
            if case.colonnes == 1 and rang < len(textes):
                textes[rang].append(en_clair(case.bouts))
                chiffrees[rang] &= case.nombre or not case.bouts
            rang += case.colonnes
    # Cinq colonnes de nombres ne tiennent que si elles se partagent la page.
    if sum(chiffrees) > 4:
        return [8 if c else 16 for c in chiffrees]
    return [0 if c else _part(mots) for c, mots in zip(chiffrees, textes, strict=True)]


# Au-delà, en moyenne, une colonne est un pavé : à largeur égale, elle ferait des pages de blanc à côté d'elle.
_PAVE = 150


def _part(textes: list[str]) -> int:
    """Part d'une colonne de texte : sa longueur moyenne, sans jamais couper son plus long mot."""
    pleins = [t for t in textes if t]
    if not pleins:
        return 8
    mot = max(len(m) for t in pleins for m in re.split(r"[ \-\u00a0\u202f]", t))
    moyenne = round(sum(map(len, pleins)) / len(pleins))
    return max(mot + 5, min(moyenne, 75 if moyenne > _PAVE else 45))
