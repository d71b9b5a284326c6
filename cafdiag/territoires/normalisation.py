"""Comparer des noms de lieux : accents, casse, tirets, apostrophes, « St », articles, natures d'EPCI."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_ACCENTS = re.compile("[\u0300-\u036f]+")
_HORS_LETTRES = re.compile(r"[^a-z0-9\n]+")
_SAINT = re.compile(r"\bst(e?)\b")
_ARTICLES = re.compile(r"\b(?:le|la|les|l|de|du|des|d)\b ?")
_PREPOSITION = re.compile(r"^(?:du|des|de|d) ")
_PARENTHESE = re.compile(r"\s*\(([^)]*)\)")

_NATURES = (
    "communaute de communes",
    "communaute d agglomeration",
    "communaute urbaine",
    "metropole europeenne",
    "eurometropole",
    "metropole",
    "communaute intercommunale",
    "communaute",
    "agglomeration",
    "agglo",
    "intercommunalite",
    "interco",
    "comcom",
    "com com",
    "epci",
    "cc",
    "ca",
    "cu",
)
_TETE = re.compile(rf"^(?:{'|'.join(_NATURES)}) ")
_QUEUE = re.compile(
    r" (?:(?:eurometropole|metropole|communaute|agglomeration|agglo|intercom|interco)|"
    r"l agglo)$"
)
_MOTS_DE_MAILLE = (
    ("commune", re.compile(r"^(?:commune|ville) (?=(?:de|d|du|des) )")),
    ("departement", re.compile(r"^(?:departement|dep) ")),
    ("region", re.compile(r"^region ")),
    ("qpv", re.compile(r"^(?:qpv|quartier prioritaire) ")),
)


def normaliser_tous(noms: Iterable[str]) -> list[str]:
    """Normalise une suite de noms d'un seul passage (36 000 noms en quelques centièmes de seconde)."""
    noms = [" ".join(str(nom).split()) for nom in noms]
    if not noms:
        return []
    # Un seul long texte, une ligne par nom : les expressions ne sont parcourues qu'une fois.
    texte = unicodedata.normalize("NFKD", "\n".join(noms).lower().translate(_LIGATURES))
    texte = _SAINT.sub(r"saint\1", _HORS_LETTRES.sub(" ", _ACCENTS.sub("", texte)))
    return [ligne.strip() for ligne in texte.split("\n")]


def normaliser(nom: str) -> str:
    """Nom ramené à des lettres minuscules sans accent, mots séparés d'une espace.

    >>> normaliser("  St-Denis d'Anjou "), normaliser("L'Haÿ-les-Roses"), normaliser("CŒUR DE VIE")
    ('saint denis d anjou', 'l hay les roses', 'coeur de vie')
    """
    return normaliser_tous([nom])[0]


def sans_articles(normalise: str) -> str:
    """Nom normalisé privé de ses articles et prépositions (le nom entier s'il n'a que cela).

    >>> sans_articles("pays de la loire"), sans_articles("le mans"), sans_articles("les")
    ('pays loire', 'mans', 'les')
    """
    return _ARTICLES.sub("", normalise + " ").strip() or normalise


def formes_epci(nom: str) -> set[str]:
    """Façons normalisées d'écrire un EPCI : avec ou sans nature, avec ou sans sigle.

    >>> sorted(formes_epci("CC du Kreiz-Breizh (CCKB)"))
    ['cc du kreiz breizh', 'cc du kreiz breizh cckb', 'cckb', 'kreiz breizh', 'kreiz breizh cckb']
    >>> sorted(formes_epci("CA Laval Agglomération"))
    ['ca laval', 'ca laval agglomeration', 'laval', 'laval agglomeration']
    """
    formes = formes_sans_parenthese(nom) | {normaliser(sigle) for sigle in _PARENTHESE.findall(nom)}
    for forme in list(formes):
        tete = _PREPOSITION.sub("", _TETE.sub("", forme)) if _TETE.match(forme) else forme
        formes |= {tete, _QUEUE.sub("", forme), _QUEUE.sub("", tete)}
    return {forme for forme in formes if forme and not _TETE.fullmatch(forme + " ")}


def formes_sans_parenthese(nom: str) -> set[str]:
    """Le nom normalisé, et le même sans sa parenthèse : « Bors (Canton de…) » se cherche aussi « Bors »."""
    return {normaliser(nom), normaliser(_PARENTHESE.sub("", nom))} - {""}


def lire_nature(normalise: str) -> tuple[str, str] | None:
    """Sépare la maille dite en toutes lettres du nom qui la suit.

    >>> lire_nature("cc pays de craon"), lire_nature("departement de la mayenne"), lire_nature("craon")
    (('epci', 'pays de craon'), ('departement', 'la mayenne'), None)
    >>> lire_nature("laval agglo")
    ('epci', 'laval')
    """
    if _TETE.match(normalise):
        reste = _PREPOSITION.sub("", _TETE.sub("", normalise))
        return "epci", _QUEUE.sub("", reste)
    for maille, mot in _MOTS_DE_MAILLE:
        if mot.match(normalise):
            return maille, _PREPOSITION.sub("", mot.sub("", normalise))
    if _QUEUE.search(normalise):
        return "epci", _QUEUE.sub("", normalise)
    return None
