"""Une pièce du dossier (trame, avis, bilan, dépouillement) : les mêmes sections en page HTML, en docx ou en pdf."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import ecrire_atomique
from cafdiag.restitution import document as modele
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


def en_colonnes(table: pd.DataFrame) -> list[str]:
    """Un tableau de textes, aligné pour un terminal : les mots à gauche, les nombres à droite.

    >>> en_colonnes(pd.DataFrame({"Lieu": ["Craon", "Athée"], "Places": ["25", "7"]}))
    ['Lieu   Places', 'Craon      25', 'Athée       7']
    """
    colonnes = []
    for nom in table.columns:
        textes = [str(v) for v in table[nom]]
        droite = all(t[:1].isdigit() or t[:1] in "−—" or t in ("n.d.", "") for t in textes)
        large = max(map(len, [str(nom), *textes]))
        colonnes.append([t.rjust(large) if droite else t.ljust(large) for t in (str(nom), *textes)])
    return ["  ".join(cases).rstrip() for cases in zip(*colonnes, strict=True)]


def en_texte(piece: Piece) -> str:
    """La pièce pour un terminal : les mêmes sections, sans les dessins ni ce qui reste à écrire."""
    lignes = [piece.titre, piece.sous_titre, piece.situation]
    for section in piece.sections:
        lignes += ["", section.titre, *(li for bloc in lire_blocs(section.html) for li in _lignes(bloc))]
    # Un terminal n'a pas d'espaces insécables ; deux lignes vides n'y disent rien de plus qu'une.
    texte = re.sub("[\u202f\xa0]", " ", "\n".join(lignes))
    return re.sub(r"\n{3,}", "\n\n", texte).strip("\n")


def _lignes(bloc: modele.Bloc) -> list[str]:
    if isinstance(bloc, modele.Titre):
        return ["", _mots(bloc.bouts)]
    if isinstance(bloc, modele.Paragraphe):
        return [f"  {_mots(bloc.bouts)}"]
    if isinstance(bloc, modele.Liste):
        return [li for element in bloc.elements for b in element for li in _lignes(b)]
    if isinstance(bloc, modele.Table) and bloc.entetes:
        entete = [_mots(c.bouts) for c in bloc.entetes[-1]]
        corps = [[_mots(c.bouts) for c in ligne] for ligne in bloc.corps]
        titre = f"{bloc.titre} ({bloc.precision})" if bloc.precision else bloc.titre
        return ["", titre, *(f"  {li}" for li in en_colonnes(pd.DataFrame(corps, columns=entete))), ""]
    if isinstance(bloc, modele.Encadre) and bloc.genre not in ("parole", "completer"):
        return [li for b in bloc.blocs for li in _lignes(b)]
    return []


def _mots(bouts: modele.Bouts) -> str:
    return "".join(b.texte for b in bouts).strip()


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
