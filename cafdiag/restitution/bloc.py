"""Un morceau de rapport affichable dans un carnet, et ce que tous les morceaux partagent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.indicateurs import Confrontation, Options
from cafdiag.restitution.document import Suite, en_json
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.rattachement import Rattachement
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.types_mime import MIME_BLOC, porter
from cafdiag.territoires import Territoire

SANS_RIEN = "Rien à montrer ici : voir la fin du rapport."


@dataclass(frozen=True)
class Bloc:
    """Un morceau de rapport : des éléments du document, et des données pour l'assemblage.

    >>> from cafdiag.restitution.document import paragraphe
    >>> Bloc(paragraphe("bonjour"))._repr_mimebundle_()["text/html"]
    '<p>bonjour</p>'
    """

    elements: Suite = ()
    donnees: dict = field(default_factory=dict)

    @property
    def html(self) -> str:
        """Le morceau dans une page."""
        return fragment(self.elements)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        porte = {MIME_BLOC: {"elements": en_json(self.elements)}, **self.donnees}
        porte = {mime: porter(objet) for mime, objet in porte.items()}
        if not self.elements:
            # Un carnet montre alors cette phrase ; le rapport, rien.
            return {"text/plain": SANS_RIEN, **porte}
        return {"text/plain": "(morceau de rapport)", "text/html": self.html, **porte}

    def __repr__(self) -> str:
        return "(morceau de rapport)"


@dataclass(frozen=True)
class Donnees:
    """Ce dont chapitres et cartes ont besoin : le territoire, ses mesures, celles d'alentour."""

    territoire: Territoire
    nom: str
    lecture: MesuresLues
    autour: pd.DataFrame
    apports: Apports
    annee: int | None
    options: Options
    rattachement: Rattachement = field(default_factory=Rattachement)
    confrontation: Confrontation | None = None
    naissances: pd.DataFrame = field(default_factory=pd.DataFrame)
    # Sans « init » : « replace » change les données, et repart d'une mémoire vide.
    _memoire: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def retenir(self, cle: str, calcul: Callable[[], Any]) -> Any:
        """Le résultat d'un calcul que plusieurs chapitres partagent, fait une fois."""
        if cle not in self._memoire:
            self._memoire[cle] = calcul()
        return self._memoire[cle]
