"""Le rapport hors de toute mise en page : des éléments figés, que chaque rédacteur met en forme à sa façon.

Chapitres, pièces et fiches rendent des éléments ; ``rendu_html``, ``rendu_docx`` et ``rendu_pdf`` les écrivent, et
aucun ne relit ce qu'un autre a écrit. Un carnet les porte en JSON, à côté de ce qu'il affiche.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from cafdiag.restitution.formats import majuscule, ponctuer


class Element:
    """Ce dont un document est fait ; chaque rédacteur sait écrire tous les genres."""


Suite = tuple[Element, ...]


@dataclass(frozen=True)
class Bout:
    """Un bout de texte et son allure : ``gras``, ``italique``, ``petit`` (à la ligne : ``saut`` avant lui).

    ``role`` : ce qu'une page en montre autrement (``nd``, ``statut``, ``modalite``, ``intervalle``) ; ``dit`` : ce
    qu'elle en dit au survol.
    """

    texte: str
    gras: bool = False
    italique: bool = False
    petit: bool = False
    saut: bool = False
    role: str = ""
    dit: str = ""


Bouts = tuple[Bout, ...]


@dataclass(frozen=True)
class Titre(Element):
    """Un titre, de niveau 1 à 4 ; celui d'un chapitre, au niveau 1, est porté par sa :class:`Section`."""

    niveau: int
    bouts: Bouts


@dataclass(frozen=True)
class Paragraphe(Element):
    """Un paragraphe.

    `allure` : ``texte``, ``source``, ``legende`` (d'un tableau), ``note``, ``avertissement`` ou ``intitule`` (de ce qui
    suit).
    """

    bouts: Bouts
    allure: str = "texte"


@dataclass(frozen=True)
class Liste(Element):
    """Une liste. `allure` : ``texte``, ``motifs`` (d'un tableau), ``reperes`` ou ``enjeux``."""

    elements: tuple[Bouts, ...]
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
class Table(Element):
    """Un tableau : légende, lignes d'en-tête répétées à chaque page, lignes du corps, notes dessous."""

    titre: str
    precision: str
    entetes: tuple[tuple[Case, ...], ...]
    corps: tuple[tuple[Case, ...], ...]
    notes: tuple[Paragraphe | Liste, ...] = ()

    @property
    def largeur(self) -> int:
        """Nombre de colonnes."""
        return max((sum(c.colonnes for c in li) for li in (*self.entetes, *self.corps)), default=0)


@dataclass(frozen=True)
class Figure(Element):
    """Un dessin SVG, son titre, son équivalent en mots, ce qui s'écrit dessous."""

    titre: str
    svg: str
    alternative: str
    precision: str = ""
    source: str = ""
    genre: str = "graphique"


@dataclass(frozen=True)
class Planche(Element):
    """Une carte, telle qu'un carnet la garde (``MIME_CARTE``) ; chaque rédacteur la dessine à sa façon."""

    contenu: Mapping[str, Any]


@dataclass(frozen=True)
class Encadre(Element):
    """Des éléments mis à part. `genre` : ``parole``, ``completer`` (à remplir), ``note`` ou ``precisions``.

    Avec un `resume`, une page le replie sous cet intitulé.
    """

    genre: str
    elements: Suite
    resume: str = ""


@dataclass(frozen=True)
class Duo(Element):
    """Des éléments côte à côte, si l'écran est assez large."""

    elements: Suite


@dataclass(frozen=True)
class Chiffre:
    """Un chiffre clé : sa valeur, ce qu'il compte, une précision."""

    valeur: str
    libelle: str
    precision: str = ""


@dataclass(frozen=True)
class Chiffres(Element):
    """Une rangée de chiffres clés."""

    chiffres: tuple[Chiffre, ...]


@dataclass(frozen=True)
class Section(Element):
    """Une partie du document, avec ou sans titre.

    Attributes
    ----------
    ancre : str
        Où le sommaire mène ; vide : elle n'y est pas.
    court : str
        Son titre au sommaire, s'il est plus court.
    genre : str
        ``chapitre``, ou ``bref`` (l'encadré qui ouvre le rapport).
    """

    titre: str
    elements: Suite
    ancre: str = ""
    court: str = ""
    genre: str = ""


PIED = "Document produit à partir de données publiques."


@dataclass(frozen=True)
class Document:
    """Un rapport entier. `sommaire` : faux pour une pièce de deux pages ; `pied` : d'où viennent ses chiffres."""

    titre: str
    sous_titre: str
    maille: str = ""
    situation: str = ""
    avertissements: tuple[str, ...] = ()
    elements: Suite = field(default_factory=tuple)
    sommaire: bool = True
    pied: str = PIED


def parcourir(elements: Sequence[Element]) -> Iterator[Element]:
    """Les éléments et ceux qu'ils contiennent, dans l'ordre de lecture.

    Examples
    --------
    >>> dedans = Paragraphe((Bout("a"),))
    >>> [type(e).__name__ for e in parcourir((Encadre("note", (dedans,)),))]
    ['Encadre', 'Paragraphe']
    """
    for element in elements:
        yield element
        if isinstance(element, Encadre | Duo | Section):
            yield from parcourir(element.elements)
        elif isinstance(element, Table):
            yield from element.notes


def porte_son_resume(encadre: Encadre) -> bool:
    """Vrai si le premier tableau d'un encadré a pour titre son intitulé : il ne se dit qu'une fois."""
    premier = encadre.elements[0] if encadre.elements else None
    return isinstance(premier, Table) and premier.titre == ponctuer(encadre.resume)


# --- Composer ---


def mots(texte: str, **allure: Any) -> Bouts:
    """Un texte d'une seule allure, ponctué à la française.

    >>> mots("Qui ?", gras=True)[0].texte == "Qui\\u202f?"
    True
    """
    return (Bout(ponctuer(texte), **allure),)


def titre(texte: str, niveau: int = 2) -> Suite:
    """Un titre à l'intérieur d'un chapitre."""
    return (Titre(niveau, mots(texte)),)


def paragraphe(*phrases: str, allure: str = "texte") -> Suite:
    """Un paragraphe des phrases non vides ; rien s'il n'y en a pas.

    >>> paragraphe("", "")
    ()
    """
    dites = [p for p in phrases if p]
    return (Paragraphe(mots(" ".join(dites)), allure),) if dites else ()


def paragraphes(*phrases: str) -> Suite:
    """Des phrases, chacune en paragraphe."""
    return tuple(e for p in phrases for e in paragraphe(p))


def liste(phrases: Sequence[str], *, ordonnee: bool = False, allure: str = "texte") -> Suite:
    """Des phrases en liste ; rien s'il n'y en a pas."""
    return (Liste(tuple(mots(p) for p in phrases), ordonnee, allure),) if phrases else ()


def a_completer(quoi: str) -> Suite:
    """Un cadre à remplir ; dans le docx, une zone où l'on clique pour écrire."""
    invite = (*mots("À compléter.", gras=True), *mots(f" {majuscule(quoi)}."))
    return (Encadre("completer", (Paragraphe(invite),)),)


def parole(quoi: str, question: str, deja_dit: Suite = ()) -> Suite:
    """La place laissée à la parole des acteurs, après ce qui en est déjà connu."""
    invite = Paragraphe((*mots(quoi, gras=True), *mots(f" {question}")))
    return (Encadre("parole", (invite, *deja_dit, *paragraphe("À compléter."))),)


def en_clair(bouts: Bouts) -> str:
    """Le texte d'une suite de bouts.

    Examples
    --------
    >>> en_clair((Bout("79,9"), Bout("places", petit=True, saut=True)))
    '79,9 places'
    """
    return "".join((" " if b.saut else "") + b.texte for b in bouts).strip()


def tous_les_mots(objet: Any) -> Iterator[str]:
    """Tous les textes d'un élément, ceux d'un dessin compris.

    >>> list(tous_les_mots(paragraphe("Des EAJE.")))
    ['Des EAJE.']
    """
    a_lire = [objet]
    while a_lire:
        un = a_lire.pop()
        if isinstance(un, str):
            yield re.sub(r"<[^>]+>", " ", un) if un.startswith("<svg") else un
        elif isinstance(un, tuple):
            a_lire.extend(reversed(un))
        else:
            # Ce qui ne se lit pas n'est pas un mot : une allure, un genre, une ancre.
            tus = ("allure", "genre", "ancre", "role", "dit")
            a_lire.extend(getattr(un, nom) for nom, _ in reversed(_champs(un)) if nom not in tus)


_CHAMPS: dict[type, tuple[tuple[str, Any], ...]] = {}


def _champs(objet: Any) -> tuple[tuple[str, Any], ...]:
    """Nom et valeur habituelle des champs d'un élément ; aucun pour ce qui n'en est pas un."""
    genre = type(objet)
    if genre not in _CHAMPS:
        _CHAMPS[genre] = tuple((f.name, f.default) for f in fields(objet)) if is_dataclass(objet) else ()
    return _CHAMPS[genre]


# --- Porter dans un carnet ---

_GENRES: dict[str, Any] = {c.__name__: c for c in (Bout, Case, Chiffre, *Element.__subclasses__())}


def en_json(objet: Any) -> Any:
    """Un élément en objets que JSON sait écrire ; ce qui vaut comme d'habitude n'est pas redit.

    >>> en_json(paragraphe("Ici."))
    [{'_': 'Paragraphe', 'bouts': [{'_': 'Bout', 'texte': 'Ici.'}]}]
    """
    if isinstance(objet, tuple):
        return [en_json(o) for o in objet]
    champs = _champs(objet)
    if not champs:
        return objet
    dits = ((nom, getattr(objet, nom), habituel) for nom, habituel in champs)
    return {"_": type(objet).__name__} | {n: en_json(dit) for n, dit, habituel in dits if dit != habituel}


def de_json(objet: Any) -> Any:
    """L'inverse d':func:`en_json`.

    >>> de_json(en_json(paragraphe("Ici."))) == paragraphe("Ici.")
    True
    """
    if isinstance(objet, list):
        return tuple(de_json(o) for o in objet)
    if isinstance(objet, Mapping):
        return _GENRES[objet["_"]](**{nom: de_json(v) for nom, v in objet.items() if nom != "_"})
    return objet
