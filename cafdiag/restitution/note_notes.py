"""Les notes de bas de page : une par source et millésime, numérotée à sa première apparition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cafdiag.indicateurs.hors_mayotte import HORS_MAYOTTE
from cafdiag.restitution.formats import majuscule

_STATUTS = {"estime": "estimation", "arrondi": "effectifs arrondis à la source"}


class Notes:
    """Des notes numérotées à partir de un.

    Examples
    --------
    >>> notes, insee = Notes(), {"source": "Insee, état civil", "millesime": "2024", "statut": "exact"}
    >>> notes.renvoi(insee), notes.renvoi(insee | {"millesime": "2023", "statut": "estime"}), notes.renvoi(insee)
    (1, 2, 1)
    >>> notes.textes
    ['Insee, état civil, 2024.', 'Insee, état civil, 2023, estimation.']
    """

    def __init__(self) -> None:
        self.textes: list[str] = []

    def renvoi(
        self, ligne: Mapping[str, Any], *, france: Mapping[str, Any] | None = None, suite: str = ""
    ) -> int:
        """Le numéro de la note d'une mesure ; ``france`` dit si sa référence nationale est hors Mayotte.

        ``suite`` : ce qu'elle dit de plus, une phrase entière.
        """
        source, millesime = (_sans_jargon(str(ligne.get(c) or "")) for c in ("source", "millesime"))
        dit = majuscule(source) + (f", {millesime}" if millesime and millesime not in source else "")
        dit += f", {_STATUTS[ligne['statut']]}" if ligne["statut"] in _STATUTS else ""
        if suite:
            self.textes.append(f"{dit}. {suite}")
            return len(self.textes)
        partielle = france is not None and str(france.get("motif") or "").startswith(HORS_MAYOTTE)
        simple, hors = f"{dit}.", f"{dit}, France {HORS_MAYOTTE}."
        if hors in self.textes:
            return self.textes.index(hors) + 1
        if simple not in self.textes:
            self.textes.append(simple)
        rang = self.textes.index(simple)
        # La même source, citée plus haut sans la France : une seule note suffit aux deux.
        self.textes[rang] = hors if partielle else simple
        return rang + 1


def _sans_jargon(texte: str) -> str:
    """La source et sa date, sans le nom des fichiers ni des zonages.

    >>> _sans_jargon("Cnaf, toutes prestations (communal)"), _sans_jargon("grille COG 2025, population 2023")
    ('Cnaf, toutes prestations', 'grille 2025, population 2023')
    """
    texte = texte.replace(" (communal)", "").replace("COG ", "").replace("FRR", "France ruralités revitalisation")
    texte = texte.replace(" ; ", ", ")
    return re.sub(r"\bQPV (\d{4})", r"quartiers prioritaires \1", texte)


def sans_mayotte(phrase: str) -> str:
    """La phrase sans « hors Mayotte » : la note de bas de page le dit.

    >>> sans_mayotte("contre 60,9 en France hors Mayotte.")
    'contre 60,9 en France.'
    """
    return phrase.replace(f" {HORS_MAYOTTE}", "")
