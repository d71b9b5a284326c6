"""Dire un chiffre comme on le dirait à voix haute : une fraction, une date, une durée."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cafdiag.restitution.formats import date_de

# Une part qui s'en écarte d'autant, en points, s'arrondit encore à la fraction.
PRES = 2.5
PRESQUE_TOUS = 99.5
_FRACTIONS = (
    (25, "un sur quatre"),
    (100 / 3, "un sur trois"),
    (50, "un sur deux"),
    (200 / 3, "deux sur trois"),
    (75, "trois sur quatre"),
    (80, "quatre sur cinq"),
    (90, "neuf sur dix"),
)


def fraction(part: float, nom: str) -> str:
    """Une part en mots : la fraction toute proche, sinon celle qu'elle dépasse ; vide sous un quart.

    Examples
    --------
    >>> fraction(74.1, "place"), fraction(53.9, "place"), fraction(96.0, "habitant"), fraction(12.0, "place")
    ('Trois places sur quatre', "Plus d'une place sur deux", 'Plus de neuf habitants sur dix', '')
    """
    proche = min(_FRACTIONS, key=lambda f: abs(f[0] - part))
    juste = abs(proche[0] - part) <= PRES
    dessous = [f for f in _FRACTIONS if f[0] < part]
    if not juste and not dessous:
        return ""
    compte, _, sur = (proche if juste else dessous[-1])[1].partition(" ")
    une = compte == "un"
    compte = "une" if une and nom == "place" else compte
    dit = f"{compte} {nom if une else nom + 's'} {sur}"
    dit = dit if juste else f"plus {'d’' if une else 'de '}{dit}".replace("’", "'")
    return dit[:1].upper() + dit[1:]


def quand(ligne: Mapping[str, Any]) -> str:
    """« fin 2023 » pour un relevé de décembre, l'année sinon, ou la date de chaque terme.

    >>> quand({"millesime": "décembre 2023", "annee": 2023}), quand({"millesime": "2024", "annee": 2024})
    ('fin 2023', '2024')
    """
    trouve = re.fullmatch(r"décembre (\d{4})", str(ligne.get("millesime") or ""))
    return f"fin {trouve[1]}" if trouve else date_de(ligne)


def duree(ligne: Mapping[str, Any]) -> str:
    """La durée que dit le libellé d'un indicateur d'accès : elle est un choix, jamais une constante.

    >>> duree({"libelle": "Part des habitants à 30 minutes au plus d'une France services"})
    '30 minutes'
    """
    trouvee = re.search(r"\d+(?:,\d+)? minutes?", str(ligne["libelle"]))
    return trouvee[0] if trouvee else "quelques minutes"
