"""Le document en page HTML : sémantique, un seul fichier, cartes comprises, rien du réseau."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

import jinja2

from cafdiag.erreurs import ProductionImpossible, en_clair
from cafdiag.magasin import dossier
from cafdiag.restitution import document as modele
from cafdiag.restitution.carte_html import assembler, socle_html
from cafdiag.restitution.document import Bouts, Document, Element, parcourir
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import ponctuer

PAGE = "page.html.j2"
# Au-delà, un tableau imprimé peut se couper d'une page à l'autre (ses en-têtes se répètent).
LIGNES_D_UNE_PAGE = 24
# Au-delà, un tableau se replie sur un écran étroit, où il prendrait plusieurs écrans.
LIGNES_D_UN_ECRAN = 4
_CLASSES = {
    "source": "source",
    "legende": "legende-tableau",
    "note": "nd",
    "avertissement": "avertissement",
    "motifs": "motifs",
    "enjeux": "enjeux",
}
_ENCADRES = {
    "parole": "parole",
    "completer": "parole a-completer",
    "note": "note-limite",
    "precisions": "note-limite precisions",
}
# Une option de la ligne de commande se recopie : elle ne se coupe pas à un tiret.
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]+)")


def phrase_html(texte: str) -> str:
    """Texte échappé, dont la ponctuation haute et les guillemets ne partent pas seuls à la ligne.

    >>> phrase_html("Qui ? <b>") == "Qui\\u202f? &lt;b&gt;"
    True
    >>> phrase_html("avec --registre-complet 53")
    'avec <code>--registre-complet</code> 53'
    """
    # Hors d'un attribut, apostrophes et guillemets restent lisibles.
    sur = html_sur(ponctuer(texte)).replace("&#x27;", "'").replace("&quot;", '"')
    return _OPTION.sub(r"<code>\1</code>", sur)


def fragment(elements: Sequence[Element]) -> str:
    """Des éléments dans une page, sans la page ; une carte n'y entre pas.

    Examples
    --------
    >>> fragment(modele.paragraphe("Qui a <b> ?", "--vite")).replace("\\u202f", " ")
    '<p>Qui a &lt;b&gt; ? <code>--vite</code></p>'
    """
    return _RedacteurHtml(iter(())).suite(elements)


def bouts_html(bouts: Bouts) -> str:
    """Des bouts de texte en HTML."""
    return "".join(map(_bout, bouts))


def _bout(bout: modele.Bout) -> str:
    ecrit = phrase_html(bout.texte)
    classe = f' class="{bout.role}"' if bout.role else ""
    if bout.dit:
        ecrit = f'<abbr{classe} title="{html_sur(bout.dit)}">{ecrit}</abbr>'
    elif bout.petit:
        ecrit = f"<small{classe}>{ecrit}</small>"
    elif bout.role:
        ecrit = f"<span{classe}>{ecrit}</span>"
    for vrai, balise in ((bout.gras, "strong"), (bout.italique, "em")):
        ecrit = f"<{balise}>{ecrit}</{balise}>" if vrai else ecrit
    return f"<br>{ecrit}" if bout.saut and not bout.petit else ecrit


def _attributs(*, identifiant: str = "", classe: str = "") -> str:
    return (f' id="{html_sur(identifiant)}"' if identifiant else "") + (f' class="{classe}"' if classe else "")


def _classe(allure: str) -> str:
    return _attributs(classe=_CLASSES.get(allure, ""))


class _RedacteurHtml:
    def __init__(self, cartes: Iterator[str]) -> None:
        self.cartes = cartes
        self.replie = False

    def suite(self, elements: Sequence[Element], joint: str = "") -> str:
        return joint.join(self.element(e) for e in elements)

    @singledispatchmethod
    def element(self, element: Any) -> str:
        raise TypeError(type(element).__name__)

    @element.register
    def _(self, element: modele.Section) -> str:
        titre = f"<h2>{phrase_html(element.titre)}</h2>" if element.titre else ""
        attributs = _attributs(identifiant=element.ancre, classe=element.genre)
        return f"<section{attributs}>{titre}{self.suite(element.elements)}</section>"

    @element.register
    def _(self, element: modele.Titre) -> str:
        return f"<h{element.niveau + 1}>{bouts_html(element.bouts)}</h{element.niveau + 1}>"

    @element.register
    def _(self, element: modele.Paragraphe) -> str:
        return f"<p{_classe(element.allure)}>{bouts_html(element.bouts)}</p>"

    @element.register
    def _(self, element: modele.Liste) -> str:
        balise = "ol" if element.ordonnee else "ul"
        lignes = "".join(f"<li>{bouts_html(b)}</li>" for b in element.elements)
        return f"<{balise}{_classe(element.allure)}>{lignes}</{balise}>"

    @element.register
    def _(self, element: modele.Duo) -> str:
        return f'<div class="duo">{self.suite(element.elements)}</div>'

    @element.register
    def _(self, element: modele.Encadre) -> str:
        avant, self.replie = self.replie, self.replie or bool(element.resume)
        classe, dedans = _attributs(classe=_ENCADRES[element.genre]), self.suite(element.elements)
        self.replie = avant
        if modele.porte_son_resume(element):
            # La zone qui défile garde ce nom, l'intitulé le montre.
            dedans = re.sub(r"<caption>.*?</caption>", "", dedans, count=1)
        if not element.resume:
            return f"<div{classe}>{dedans}</div>"
        return f"<details{classe}><summary>{phrase_html(element.resume)}</summary>{dedans}</details>"

    @element.register
    def _(self, element: modele.Chiffres) -> str:
        items = "".join(
            f"<li><strong>{phrase_html(c.valeur)}</strong>{phrase_html(c.libelle)}"
            + (f"<small>{phrase_html(c.precision)}</small>" if c.precision else "")
            + "</li>"
            for c in element.chiffres
        )
        return f'<ul class="chiffres">{items}</ul>'

    @element.register
    def _(self, element: modele.Figure) -> str:
        petit = f"<small>{phrase_html(element.precision)}</small>" if element.precision else ""
        pied = f'<p class="source">{phrase_html(element.source)}</p>' if element.source else ""
        titre = f"<figcaption>{phrase_html(element.titre)}{petit}</figcaption>"
        return f'<figure class="{element.genre}">{titre}{element.svg}{pied}</figure>'

    @element.register
    def _(self, element: modele.Planche) -> str:
        return next(self.cartes)

    @element.register
    def _(self, element: modele.Table) -> str:
        long = " long" if len(element.corps) > LIGNES_D_UNE_PAGE else ""
        petit = f"<small>{phrase_html(element.precision)}</small>" if element.precision else ""
        legende = f"<caption>{phrase_html(element.titre)}{petit}</caption>" if element.titre else ""
        mots = _de_mots(element)
        tete = "".join(_ligne(li, "col") for li in element.entetes)
        titres = [ponctuer(modele.en_clair(c.bouts)) for c in element.entetes[0]] if mots else []
        corps = "".join(_ligne(li, "row", titres) for li in element.corps)
        long += " mots" if mots else ""
        # Une zone qui défile doit être atteignable au clavier et nommée (WCAG 2.1.1).
        nom = f'tabindex="0" role="group" aria-label="{html_sur(element.titre or "Tableau")}"'
        ecrit = (
            f'<div class="tableau{long}"><div class="tableau-defilant" {nom}><table>{legende}<thead>{tete}</thead>'
            f"<tbody>{corps}</tbody></table></div>{self.suite(element.notes)}</div>"
        )
        if self.replie or not element.titre or len(element.corps) <= LIGNES_D_UN_ECRAN:
            return ecrit
        return f'<details class="pli" open><summary>{phrase_html(element.titre)}</summary>{ecrit}</details>'


def _de_mots(table: modele.Table) -> bool:
    """Vrai pour un tableau d'au moins trois colonnes sans colonne de nombres : en étroit, ses cases s'empilent."""
    cases = [c for ligne in (*table.entetes, *table.corps) for c in ligne]
    simple = len(table.entetes) == 1 and all(c.colonnes == c.lignes == 1 and not c.nombre for c in cases)
    return simple and len(table.entetes[0]) >= 3


def _ligne(cases: tuple[modele.Case, ...], portee: str, titres: Sequence[str] = ()) -> str:
    toute = all(c.accent for c in cases)
    attributs = _attributs(classe="territoire" if toute else "")
    # La première case nomme la ligne : elle se passe de titre.
    dits = ("", *titres[1:]) if titres else ("",) * len(cases)
    return f"<tr{attributs}>{''.join(_case(c, portee, toute, t) for c, t in zip(cases, dits, strict=True))}</tr>"


def _case(case: modele.Case, portee: str, ligne_en_accent: bool, titre: str = "") -> str:
    vide = not case.bouts and portee == "col"
    dites = ("coin" if vide else "", "nombre" if case.nombre else "",
             "territoire" if case.accent and not ligne_en_accent else "")  # fmt: skip
    attributs = f' scope="{portee}"' if case.entete else ""
    attributs += _attributs(classe=" ".join(filter(None, dites)))
    attributs += f' data-titre="{html_sur(titre)}"' if titre else ""
    attributs += f' colspan="{case.colonnes}"' if case.colonnes > 1 else ""
    attributs += f' rowspan="{case.lignes}"' if case.lignes > 1 else ""
    balise = "th" if case.entete else "td"
    return f"<{balise}{attributs}>{bouts_html(case.bouts)}</{balise}>"


# --- La page ---


def page(document: Document) -> str:
    """La page d'un document ; Leaflet n'y est incorporé qu'une fois.

    Raises
    ------
    ProductionImpossible
        Gabarit absent ou abîmé.
    """
    cartes = assembler([e.contenu for e in parcourir(document.elements) if isinstance(e, modele.Planche)])
    corps = _RedacteurHtml(c.html for c in cartes).suite(document.elements, "\n")
    entrees = [
        {"ancre": e.ancre, "titre": e.court or e.titre}
        for e in document.elements
        if isinstance(e, modele.Section) and e.ancre
    ]
    garde = {
        "titre": document.titre,
        "sous_titre": document.sous_titre,
        "situation": document.situation,
        "maille": document.maille,
        "avertissements": list(document.avertissements),
        "sommaire": entrees if document.sommaire else [],
        "origine": document.pied,
    }
    return rendre_page(garde=garde, corps=corps, scripts=[c.script for c in cartes])


def rendre_page(*, garde: dict, corps: str, scripts: list[str]) -> str:
    """Assemble une page à partir du gabarit ``templates/rapport/page.html.j2``."""
    ou = dossier("templates") / "rapport"
    garde = garde | {nom: ponctuer(garde[nom]) for nom in ("sous_titre", "situation")}
    environnement = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ou), autoescape=True, undefined=jinja2.StrictUndefined
    )
    fichier = PAGE
    try:
        gabarit = environnement.get_template(PAGE)
        fichier = "style.css"
        style = (ou / fichier).read_text(encoding="utf-8")
        fichier = PAGE
        socle = socle_html() if scripts else ""
        return gabarit.render(garde=garde, corps=corps, scripts=scripts, style=style, socle=socle)
    except (jinja2.TemplateError, OSError, UnicodeDecodeError) as cause:
        raise gabarit_abime(ou / fichier, cause) from cause


def gabarit_abime(fichier: Path, cause: object) -> ProductionImpossible:
    """Un gabarit absent, ou qui n'est plus celui qu'on a livré."""
    return ProductionImpossible(
        f"le gabarit {fichier.name} est absent ou abîmé ({en_clair(cause)})",
        attendu=f"templates/{fichier.relative_to(dossier('templates')).as_posix()}, tel que livré"
        if fichier.is_relative_to(dossier("templates"))
        else "un carnet de diagnostic",
        conseil="retéléchargez le projet, ou reprenez le gabarit d'origine",
    )
