"""Relire le HTML que nous produisons : un arbre, et les dessins SVG mis de côté.

Les blocs du rapport sont du HTML sémantique ; le docx, le pdf et les cartes fixes en partent. L'analyseur
HTML met en minuscules les attributs (``viewBox``) : les SVG sont donc sortis du texte avant lui.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_REPERE = "dessin-mis-de-cote"
_VIDE = re.compile(r"[ \t\r\n\f]+")


class Arbre:
    """Un fragment HTML analysé.

    Parameters
    ----------
    fragment : str
        HTML d'un bloc.

    Examples
    --------
    >>> arbre = Arbre('<p>Deux <b>mots</b></p><svg viewBox="0 0 1 1"></svg>')
    >>> [texte(e) for e in arbre.racine], arbre.svg(arbre.racine[1])
    (['Deux mots', ''], '<svg viewBox="0 0 1 1"></svg>')
    """

    def __init__(self, fragment: str) -> None:
        import lxml.html

        self._dessins: list[str] = []

        def ranger(trouve: re.Match) -> str:
            self._dessins.append(trouve.group())
            return f'<img class="{_REPERE}" alt="{len(self._dessins) - 1}">'

        self.racine = lxml.html.fragment_fromstring(_SVG.sub(ranger, fragment), create_parent="div")

    def svg(self, element) -> str | None:
        """Le dessin que remplace cet élément, ou None."""
        if element.tag == "img" and element.get("class") == _REPERE:
            return self._dessins[int(element.get("alt"))]
        return None

    def premier(self, chemin: str):
        """Premier élément de ce chemin XPath, ou None."""
        trouves = self.racine.xpath(chemin)
        return trouves[0] if trouves else None


def reduire(brut: str | None) -> str:
    """Un texte aux blancs réduits ; les espaces insécables restent.

    >>> reduire("un\\n  mot\\u00a0:")
    'un mot\\xa0:'
    """
    return _VIDE.sub(" ", brut or "")


def texte(element) -> str:
    """Tout le texte d'un élément, d'un trait."""
    return reduire("".join(element.itertext())).strip()


def classes(element) -> set[str]:
    """Classes d'un élément."""
    return set((element.get("class") or "").split())


def enfants(element) -> Iterator:
    """Enfants d'un élément, sans les commentaires."""
    return (e for e in element if isinstance(e.tag, str))


def titre_et_dessin(svg: str) -> tuple[str, str]:
    """Titre et description écrits dans un SVG accessible.

    >>> titre_et_dessin("<svg><title>A &amp; B</title><desc>Deux</desc></svg>")
    ('A & B', 'Deux')
    """

    def dit(balise: str) -> str:
        trouve = re.search(rf"<{balise}\b[^>]*>(.*?)</{balise}>", svg, re.DOTALL)
        return html.unescape(trouve.group(1)).strip() if trouve else ""

    return dit("title"), dit("desc")
