"""Un morceau de rapport affichable dans un carnet, et ce que tous les morceaux partagent."""

from __future__ import annotations

import html as _html
import re
from dataclasses import dataclass, field

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.indicateurs import Confrontation, Options
from cafdiag.restitution.formats import ponctuer
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.rattachement import Rattachement
from cafdiag.restitution.types_mime import MIME_BLOC
from cafdiag.territoires import Territoire

# Une option de la ligne de commande se recopie : elle ne se coupe pas à un tiret.
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]+)")

SANS_RIEN = "Rien à montrer ici : voir la fin du rapport."


def phrase_html(texte: str) -> str:
    """Texte échappé, dont la ponctuation haute et les guillemets ne partent pas seuls à la ligne.

    >>> phrase_html("Qui ? <b>") == "Qui\\u202f? &lt;b&gt;"
    True
    >>> phrase_html("avec --registre-complet 53")
    'avec <code>--registre-complet</code> 53'
    """
    return _OPTION.sub(r"<code>\1</code>", _html.escape(ponctuer(texte), quote=False))


@dataclass(frozen=True)
class Bloc:
    """Un morceau de rapport : du HTML, et des données pour l'assemblage de la page.

    >>> Bloc("<p>bonjour</p>")._repr_mimebundle_()["text/html"]
    '<p>bonjour</p>'
    """

    html: str
    donnees: dict = field(default_factory=dict)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if not self.html:
            # Un carnet montre alors cette phrase ; le rapport, rien.
            return {"text/plain": SANS_RIEN, MIME_BLOC: {}, **self.donnees}
        return {"text/plain": "(morceau de rapport)", "text/html": self.html, MIME_BLOC: {}, **self.donnees}

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
