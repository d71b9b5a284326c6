"""Une liste de territoires écrite en une chaîne."""

from __future__ import annotations

import re

from cafdiag.territoires.recherche import candidats
from cafdiag.territoires.referentiel import fiches

_LISTE = re.compile(r"[;\n]")


def decouper(texte: str) -> list[str]:
    """Les codes et noms d'une liste, séparés par des virgules, des points-virgules ou des retours à la ligne.

    Une vingtaine d'EPCI ont des virgules dans leur nom : elles y restent.

    Examples
    --------
    >>> decouper("53, CC Avallon, Vézelay, Morvan, Craon")
    ['53', 'CC Avallon, Vézelay, Morvan', 'Craon']
    """
    # Au-delà, aucun nom officiel : une longue liste de codes se découpe d'un trait.
    virgules = max(fiche.nom.count(",") for fiche in fiches()["epci"].values())
    noms = []
    for liste in _LISTE.split(texte):
        morceaux = liste.split(",")
        while morceaux:
            tailles = range(min(len(morceaux), virgules + 1), 0, -1)
            nombre = next(n for n in tailles if n == 1 or _est_un_nom(",".join(morceaux[:n])))
            noms.append(",".join(morceaux[:nombre]).strip())
            morceaux = morceaux[nombre:]
    return [nom for nom in noms if nom]


def _est_un_nom(texte: str) -> bool:
    # Autant de virgules que le nom officiel : « Bourg, Saint-Maurice » sont deux communes.
    return any(fiches()["epci"][code].nom.count(",") == texte.count(",") for _, code in candidats(texte, "epci"))
