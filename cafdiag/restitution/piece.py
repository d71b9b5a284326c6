"""Une pièce du dossier (trame, avis, bilan, dépouillement) : les mêmes sections en page HTML, en docx ou en pdf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import ecrire_atomique
from cafdiag.restitution.archives import place_libre
from cafdiag.restitution.bloc import phrase_html
from cafdiag.restitution.document import PIED, Document
from cafdiag.restitution.document_html import lire_blocs
from cafdiag.restitution.formats import majuscule
from cafdiag.restitution.produire import rendre_page

FORMES = (".docx", ".html", ".pdf")
# En deçà, un sommaire prendrait plus de place qu'il n'en épargne.
_SECTIONS_SANS_SOMMAIRE = 5


@dataclass(frozen=True)
class Section:
    """Un titre, son ancre dans la page, son contenu en HTML sémantique."""

    ancre: str
    titre: str
    html: str


@dataclass(frozen=True)
class Piece:
    """Ce qu'on remet : une garde et des sections.

    Attributes
    ----------
    titre, sous_titre, situation, maille : str
        La garde, comme celle du rapport.
    origine : str
        Ce qui s'écrit en pied de page HTML : d'où viennent les chiffres.
    """

    titre: str
    sous_titre: str
    situation: str
    sections: tuple[Section, ...]
    maille: str = ""
    avertissements: tuple[str, ...] = ()
    origine: str = PIED

    def corps(self) -> str:
        """Les sections, l'une après l'autre."""
        return "".join(
            f'<section id="{s.ancre}"><h2>{phrase_html(s.titre)}</h2>{s.html}</section>' for s in self.sections
        )


def liste(phrases: Sequence[str]) -> str:
    """Des phrases en liste ; rien s'il n'y en a pas.

    >>> liste(["Un.", "Deux."])
    '<ul><li>Un.</li><li>Deux.</li></ul>'
    """
    return f"<ul>{''.join(f'<li>{phrase_html(p)}</li>' for p in phrases)}</ul>" if phrases else ""


def paragraphes(*phrases: str) -> str:
    """Des phrases, chacune en paragraphe."""
    return "".join(f"<p>{phrase_html(p)}</p>" for p in phrases if p)


def a_completer(quoi: str) -> str:
    """Un cadre à remplir ; dans le docx, une zone où l'on clique pour écrire."""
    return (
        f'<div class="parole a-completer"><p><strong>À compléter.</strong> {phrase_html(majuscule(quoi))}.</p></div>'
    )


def controler_sortie(sortie: str | Path, *, formes: Sequence[str] = FORMES) -> Path:
    """Le chemin demandé, si son extension est de celles qu'on sait écrire : à dire avant de calculer.

    Raises
    ------
    DemandeFausse
        Une autre extension.
    """
    sortie = Path(sortie)
    if sortie.suffix.lower() not in formes:
        raise DemandeFausse(f"sortie : « {sortie.name} »", attendu=f"un nom en {', '.join(formes)}")
    return sortie


def rendre(piece: Piece, forme: str) -> str | bytes:
    """La pièce dans une forme (``.docx``, ``.html`` ou ``.pdf``) ; mêmes entrées, mêmes octets."""
    sommaire = len(piece.sections) >= _SECTIONS_SANS_SOMMAIRE
    if forme == ".html":
        garde = {
            "titre": piece.titre,
            "sous_titre": piece.sous_titre,
            "situation": piece.situation,
            "maille": piece.maille,
            "avertissements": list(piece.avertissements),
            "sommaire": [{"ancre": s.ancre, "titre": s.titre} for s in piece.sections] if sommaire else [],
            "origine": piece.origine,
        }
        return rendre_page(garde=garde, corps=piece.corps(), scripts=[])
    document = Document(
        titre=piece.titre,
        sous_titre=piece.sous_titre,
        maille=piece.maille,
        situation=piece.situation,
        avertissements=piece.avertissements,
        blocs=lire_blocs(piece.corps()),
        sommaire=sommaire,
        pied=piece.origine,
    )
    if forme == ".pdf":
        from cafdiag.restitution.rendu_pdf import pdf

        return pdf(document)
    from cafdiag.restitution.rendu_docx import rendre_docx

    return rendre_docx(document)


def ecrire_piece(piece: Piece, sortie: str | Path) -> Path:
    """Écrit la pièce d'un coup, selon l'extension ; un docx retouché n'est jamais écrasé.

    Warns
    -----
    DocxRetouche
        Le docx déjà là a été retouché : le nouveau s'appelle ``nom (2).docx``.
    """
    sortie = controler_sortie(sortie)
    forme = sortie.suffix.lower()
    contenu = rendre(piece, forme)
    return ecrire_atomique(place_libre(sortie) if forme == ".docx" else sortie, contenu)
