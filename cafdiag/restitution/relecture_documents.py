"""Relire ce qui n'est pas une table : pdf balisé, diapositives, dessins, images ; leurs tableaux et leurs descriptions.

Un tableau est un couple (légende, lignes de cellules), comme pour les autres formats de
:mod:`cafdiag.restitution.relecture`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cafdiag.erreurs import CafdiagError, en_clair
from cafdiag.restitution.images import description_de

Tableau = tuple[str, list[list[str]]]

# Ce que dit l'image d'une carte : « Titre, date. [Libellé :] 13 territoires, de 0,0 (Nom) à 16,5 places (Nom). »
_EXTREMES = re.compile(
    r"(?P<libelle>[^.:]+?)(?:, [^.:]*)?(?:\.| :) (?:\d+ territoires?), "
    r"de (?P<bas>[-−]?\d[\d\u202f\u00a0]*(?:,\d+)?)[^()]* \((?P<moins>[^()]+(?:\([^()]*\))?)\) "
    r"à (?P<haut>[-−]?\d[\d\u202f\u00a0]*(?:,\d+)?)[^()]* \((?P<plus>[^()]+(?:\([^()]*\))?)\)"
)


def descriptions(texte: str) -> list[Tableau]:
    """Les deux extrêmes que nomme la description d'une carte, s'il y en a une dans ce texte.

    Examples
    --------
    >>> descriptions("Naissances, 2024. 13 territoires, de 3 (Gastines) à 109 enfants (Craon).")
    [('', [['', 'Gastines'], ['Naissances', '3']]), ('', [['', 'Craon'], ['Naissances', '109']])]
    """
    return [
        ("", [["", m[lieu].strip()], [m["libelle"].strip(), m[nombre]]])
        for m in _EXTREMES.finditer(texte)
        for lieu, nombre in (("moins", "bas"), ("plus", "haut"))
    ]


def svg(chemin: Path) -> list[Tableau]:
    """Un dessin : les descriptions qu'il porte."""
    return descriptions_html(chemin.read_text(encoding="utf-8"))


def descriptions_html(page: str) -> list[Tableau]:
    """Celles des dessins et des images d'une page : ``<desc>`` et ``alt``."""
    dites = re.findall(r"<desc[^>]*>(.*?)</desc>|\b(?:alt|aria-label|descr)=\"([^\"]*)\"", page, re.S)
    return [t for dite in {"".join(d) for d in dites} for t in descriptions(html.unescape(dite))]


# --- Images ---


def png(chemin: Path) -> list[Tableau] | None:
    """Une image : ce que dit sa description ; ``None`` sans description, rien n'en est lu."""
    dite = description_de(chemin.read_bytes())
    return descriptions(dite) if dite else None


# --- Pdf balisé ---


def pdf(chemin: Path) -> list[Tableau]:
    """Les tableaux d'un pdf balisé, et les descriptions de ses figures.

    Raises
    ------
    CafdiagError
        Le pdf est abîmé, ou n'est pas balisé : rien ne dit où sont ses tableaux.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        lu = PdfReader(chemin)
        arbre = _objet(lu.trailer["/Root"]).get("/StructTreeRoot")
        if arbre is None:
            raise CafdiagError("pdf sans balises : ses tableaux ne se lisent pas")
        pages = ((page, page.indirect_reference) for page in lu.pages)
        textes = {(r.idnum, n): t for page, r in pages if r is not None for n, t in _textes(page).items()}
        return list(_tableaux_du_pdf(_objet(arbre), textes))
    except (PyPdfError, AttributeError, TypeError) as cause:
        raise CafdiagError(f"pdf abîmé ({en_clair(cause)})") from cause


def _objet(x: Any) -> Any:
    return x.get_object() if hasattr(x, "get_object") else x


def _textes(page: Any) -> dict[int, str]:
    """Le texte de chaque contenu balisé d'une page, par son numéro (MCID)."""
    rendus: dict[int, list[str]] = {}
    pile: list[int | None] = []

    def avant(operation: bytes, operandes: list, *_: object) -> None:
        if operation in (b"BDC", b"BMC"):
            proprietes = operandes[1] if len(operandes) > 1 else {}
            pile.append(proprietes.get("/MCID") if hasattr(proprietes, "get") else None)
        elif operation == b"EMC" and pile:
            pile.pop()

    def dire(texte: str, *_: object) -> None:
        numero = next((n for n in reversed(pile) if n is not None), None)
        if numero is not None:
            rendus.setdefault(numero, []).append(texte)

    page.extract_text(visitor_operand_before=avant, visitor_text=dire)
    return {n: "".join(morceaux).strip() for n, morceaux in rendus.items()}


def _enfants(noeud: Any) -> list[Any]:
    enfants = _objet(noeud.get("/K", []))
    return [_objet(e) for e in enfants] if isinstance(enfants, list) else [enfants]


def _tableaux_du_pdf(noeud: Any, textes: dict[tuple[int, int], str]) -> Iterator[Tableau]:
    if not hasattr(noeud, "get"):
        return
    if "/Alt" in noeud:
        yield from descriptions(str(noeud["/Alt"]))
    if noeud.get("/S") == "/Table":
        legende = " ".join(_contenu(c, textes) for c in _sous(noeud, ("/Caption",)))
        yield legende, [[_contenu(c, textes) for c in _sous(r, ("/TH", "/TD"))] for r in _sous(noeud, ("/TR",))]
        return
    for enfant in _enfants(noeud):
        yield from _tableaux_du_pdf(enfant, textes)


def _sous(noeud: Any, balises: tuple[str, ...]) -> Iterator[Any]:
    for enfant in _enfants(noeud):
        if hasattr(enfant, "get"):
            if enfant.get("/S") in balises:
                yield enfant
            else:
                yield from _sous(enfant, balises)


def _contenu(noeud: Any, textes: dict[tuple[int, int], str], page: int = 0) -> str:
    """Le texte sous un élément ; une ligne coupée en deux par la colonne redevient une."""
    if isinstance(noeud, int):
        return textes.get((page, int(noeud)), "")
    if "/Pg" in noeud:
        page = noeud.raw_get("/Pg").idnum
    if "/MCID" in noeud:
        return textes.get((page, int(noeud["/MCID"])), "")
    return " ".join(t for e in _enfants(noeud) if (t := _contenu(e, textes, page)))


# --- Diapositives ---


def pptx(chemin: Path) -> list[Tableau]:
    """Les tableaux et les graphiques natifs de chaque diapositive, sous son titre ; ce que disent ses images.

    Raises
    ------
    CafdiagError
        Ce n'est pas une présentation.
    """
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    try:
        diapositives = list(Presentation(str(chemin)).slides)
    except PythonPptxError as cause:
        raise CafdiagError(en_clair(cause)) from cause
    rendus: list[Tableau] = []
    for diapositive in diapositives:
        titre = diapositive.shapes.title
        legende = titre.text_frame.text.strip() if titre is not None else ""
        for forme in diapositive.shapes:
            rendus += descriptions(forme._element.xpath("string(.//p:cNvPr/@descr)"))
            if getattr(forme, "has_table", False) and forme.has_table:
                rendus.append((legende, [[c.text.strip() for c in r.cells] for r in forme.table.rows]))
            if getattr(forme, "has_chart", False) and forme.has_chart:
                rendus += _graphique(legende, forme.chart)
    return rendus


def _graphique(legende: str, graphique: Any) -> Iterator[Tableau]:
    """Les séries d'un graphique : un titre ou un nom de série pour l'indicateur, une catégorie par territoire."""
    titre = graphique.chart_title.text_frame.text.strip() if graphique.has_title else legende
    for trace in graphique.plots:
        categories = [str(c) for c in trace.categories]
        for serie in trace.series:
            nombres = ["" if v is None else f"{v:.10g}".replace(".", ",") for v in serie.values]
            for dite in {titre, serie.name}:
                yield dite, [["", dite], *([c, n] for c, n in zip(categories, nombres, strict=False))]
