"""Le document tel que le papier le montre : ce que le docx et le pdf ont en commun."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cafdiag.restitution.document import (
    Bout,
    Bouts,
    Case,
    Duo,
    Element,
    Encadre,
    Figure,
    Liste,
    Paragraphe,
    Planche,
    Section,
    Suite,
    Table,
    Titre,
    en_clair,
    mots,
    porte_son_resume,
)

_SUR_LE_PAPIER = {"legende": "source", "motifs": "source", "enjeux": "texte"}


def a_imprimer(elements: Sequence[Element]) -> Suite:
    """Les éléments tels que le papier les montre : ni pli ni section, les notes à la suite de leur tableau.

    Examples
    --------
    >>> from cafdiag.restitution.document import paragraphe
    >>> [type(e).__name__ for e in a_imprimer((Section("Portrait", paragraphe("Ici.")),))]
    ['Titre', 'Paragraphe']
    """
    return tuple(e for element in elements for e in _imprimer(element))


def _imprimer(element: Element) -> Iterator[Element]:
    if isinstance(element, Section):
        entete = (Titre(1, mots(element.titre)),) if element.titre else ()
        dedans = a_imprimer((*entete, *element.elements))
        if element.genre == "bref":
            yield Encadre("bref", dedans)
        else:
            yield from dedans
    elif isinstance(element, Duo):
        yield from a_imprimer(element.elements)
    elif isinstance(element, Encadre):
        # Un tableau qui porte déjà l'intitulé ne le fait pas redire.
        dit = element.resume and not porte_son_resume(element)
        resume = (Paragraphe(mots(element.resume, gras=True), "intitule"),) if dit else ()
        genre = "note" if element.genre == "precisions" else element.genre
        yield Encadre(genre, a_imprimer((*resume, *element.elements)))
    elif isinstance(element, Planche):
        yield figure_de_la_carte(element)
    elif isinstance(element, Table):
        if element.largeur:
            yield replace(element, entetes=_lignes(element.entetes), corps=_lignes(element.corps), notes=())
        yield from a_imprimer(element.notes)
    elif isinstance(element, Titre):
        yield replace(element, bouts=regrouper(element.bouts))
    elif isinstance(element, Paragraphe):
        bouts, allure = regrouper(element.bouts), _SUR_LE_PAPIER.get(element.allure, element.allure)
        if bouts:
            yield Paragraphe(bouts, allure)
    elif isinstance(element, Liste):
        allure = _SUR_LE_PAPIER.get(element.allure, element.allure)
        yield Liste(tuple(map(regrouper, element.elements)), element.ordonnee, allure)
    else:
        yield element


def figure_de_la_carte(planche: Planche) -> Figure:
    """La carte en figure fixe."""
    from cafdiag.restitution.carte import Carte
    from cafdiag.restitution.carte_fixe import carte_statique

    image = carte_statique(Carte.lire(planche.contenu))
    return Figure(image.titre, image.svg, image.texte, image.sous_titre, image.source, genre="carte")


def _lignes(lignes: tuple[tuple[Case, ...], ...]) -> tuple[tuple[Case, ...], ...]:
    return tuple(tuple(replace(c, bouts=regrouper(c.bouts)) for c in ligne) for ligne in lignes)


_BLANCS = re.compile(r"[ \t\r\n\f]+")


def regrouper(bouts: Bouts) -> Bouts:
    """Réunit les bouts de même allure, met les petits à la ligne, ôte les blancs du bord.

    Examples
    --------
    >>> [(b.texte, b.saut) for b in regrouper((Bout("840 "), Bout("e"), Bout(" "), Bout("(800 à 880)", petit=True)))]
    [('840 e', False), ('(800 à 880)', True)]
    """
    ranges: list[Bout] = []
    petit = False
    for bout in bouts:
        saut = bool(ranges) and (bout.saut or (bout.petit and not petit))
        petit = bout.petit
        texte = _BLANCS.sub(" ", bout.texte)
        if not ranges or saut or ranges[-1].texte.endswith(" "):
            texte = texte.lstrip(" ")
        if saut:
            ranges[-1] = replace(ranges[-1], texte=ranges[-1].texte.rstrip(" "))
        if not texte:
            continue
        allure = (bout.gras, bout.italique, bout.petit)
        if ranges and not saut and (ranges[-1].gras, ranges[-1].italique, ranges[-1].petit) == allure:
            ranges[-1] = replace(ranges[-1], texte=ranges[-1].texte + texte)
        else:
            ranges.append(Bout(texte, *allure, saut))
    if ranges:
        ranges[-1] = replace(ranges[-1], texte=ranges[-1].texte.rstrip(" "))
    return tuple(b for b in ranges if b.texte)


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
    return max(mot * 3 // 2 + 5, min(moyenne, 75 if moyenne > _PAVE else 45))
