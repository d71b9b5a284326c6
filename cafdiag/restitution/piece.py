"""Une pièce du dossier (trame, avis, bilan, dépouillement) : un document, et ce qu'en montre un terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import ecrire_atomique
from cafdiag.restitution import document as modele
from cafdiag.restitution.archives import place_libre
from cafdiag.restitution.document import PIED, Document, Section
from cafdiag.restitution.redacteurs import REDACTEURS, RETOUCHABLES, rediger
from cafdiag.territoires import Territoire
from cafdiag.territoires.referentiel import LIBELLES_MAILLES

# En deçà, un sommaire prendrait plus de place qu'il n'en épargne.
_SECTIONS_SANS_SOMMAIRE = 5


def piece(
    lieu: Territoire, sections: Sequence[Section], *, sous_titre: str, situation: str, titre: str = "", pied: str = PIED
) -> Document:
    """Ce qu'on remet sur un territoire : la garde du rapport, des sections."""
    return Document(
        titre=titre or lieu.nom,
        sous_titre=sous_titre,
        situation=situation,
        maille=f"{LIBELLES_MAILLES[lieu.maille]} {lieu.code}",
        avertissements=tuple(lieu.avertissements),
        elements=tuple(sections),
        sommaire=len(sections) >= _SECTIONS_SANS_SOMMAIRE,
        pied=pied,
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


def en_texte(document: Document) -> str:
    """La pièce pour un terminal : les mêmes sections, sans les dessins ni ce qui reste à écrire."""
    lignes = [document.titre, document.sous_titre, document.situation]
    for element in document.elements:
        lignes += _lignes(element)
    # Un terminal n'a pas d'espaces insécables ; deux lignes vides n'y disent rien de plus qu'une.
    texte = re.sub("[\u202f\xa0]", " ", "\n".join(lignes))
    return re.sub(r"\n{3,}", "\n\n", texte).strip("\n")


def _lignes(element: Any) -> list[str]:
    if isinstance(element, modele.Section):
        return ["", element.titre, *(li for e in element.elements for li in _lignes(e))]
    if isinstance(element, modele.Titre):
        return ["", _mots(element.bouts)]
    if isinstance(element, modele.Paragraphe):
        return [f"  {_mots(element.bouts)}"]
    if isinstance(element, modele.Liste):
        return [f"  {_mots(bouts)}" for bouts in element.elements]
    if isinstance(element, modele.Table) and element.entetes:
        entete = [_mots(c.bouts) for c in element.entetes[-1]]
        corps = [[_mots(c.bouts) for c in ligne] for ligne in element.corps]
        titre = f"{element.titre} ({element.precision})" if element.precision else element.titre
        notes = (li for note in element.notes for li in _lignes(note))
        return ["", titre, *(f"  {li}" for li in en_colonnes(pd.DataFrame(corps, columns=entete))), "", *notes]
    if isinstance(element, modele.Encadre) and element.genre not in ("parole", "completer"):
        return [li for e in element.elements for li in _lignes(e)]
    return []


def _mots(bouts: modele.Bouts) -> str:
    return "".join(b.texte for b in bouts).strip()


def formes_des_pieces() -> tuple[str, ...]:
    """Les extensions qu'une pièce sait prendre."""
    return tuple(f".{f}" for f in sorted(REDACTEURS))


def controler_sortie(sortie: str | Path, *, formes: Sequence[str] = ()) -> Path:
    """Le chemin demandé, si son extension est permise (celles des pièces, à défaut) : à dire avant de calculer.

    Raises
    ------
    DemandeFausse
        Une autre extension.
    """
    sortie = Path(sortie)
    formes = formes or formes_des_pieces()
    if sortie.suffix.lower() not in formes:
        raise DemandeFausse(f"sortie : « {sortie.name} »", attendu=f"un nom en {', '.join(formes)}")
    return sortie


def ecrire_piece(document: Document, sortie: str | Path) -> Path:
    """Écrit la pièce d'un coup, selon l'extension ; un docx retouché n'est jamais écrasé.

    Warns
    -----
    DocxRetouche
        Le docx déjà là a été retouché : le nouveau s'appelle ``nom (2).docx``.
    """
    sortie = controler_sortie(sortie)
    forme = sortie.suffix.lower().removeprefix(".")
    contenu = rediger(document, forme)
    return ecrire_atomique(place_libre(sortie) if forme in RETOUCHABLES else sortie, contenu)
