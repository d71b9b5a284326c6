"""La géographie en vigueur : celle du 1er janvier 2026, ou celle de 2025 (``--geographie 2025``).

Les communes sont les mêmes ; dix-neuf ont changé de nom, et quarante-cinq d'intercommunalité. Le choix est une variable
d'environnement : les processus et les travailleurs d'un lot en héritent.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from cafdiag.erreurs import DemandeFausse
from cafdiag.millesimes import millesime

VARIABLE = "CAFDIAG_GEOGRAPHIE"
REFERENCE, ANCIENNE = millesime("geographie.reference"), millesime("geographie.precedente")
ANNEES = (REFERENCE, ANCIENNE)


def geographie() -> int:
    """Année de la géographie en vigueur.

    Raises
    ------
    DemandeFausse
        La variable ``CAFDIAG_GEOGRAPHIE`` n'est pas une année connue.

    Examples
    --------
    >>> geographie()
    2026
    """
    dite = os.environ.get(VARIABLE) or str(REFERENCE)
    if dite not in map(str, ANNEES):
        raise DemandeFausse(f"géographie « {dite} »", attendu=" ou ".join(map(str, ANNEES)))
    return int(dite)


def autre(annee: int) -> int:
    """L'autre géographie connue.

    >>> autre(2026)
    2025
    """
    return ANCIENNE if annee == REFERENCE else REFERENCE


@contextlib.contextmanager
def en_vigueur(annee: int | None) -> Iterator[None]:
    """Met une géographie en vigueur le temps d'un bloc ; sans année, celle qui l'est déjà.

    >>> with en_vigueur(2025):
    ...     geographie()
    2025
    """
    avant = os.environ.get(VARIABLE)
    if annee is None or annee == geographie():
        yield
        return
    os.environ[VARIABLE] = str(annee)
    _oublier()
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if avant is not None:
            os.environ[VARIABLE] = avant
        _oublier()


def _oublier() -> None:
    """Vide ce que cafdiag garde en mémoire : tout vient du référentiel, qui vient de changer."""
    for nom, module in list(sys.modules.items()):
        if nom.split(".")[0] == "cafdiag":
            for objet in list(vars(module).values()):
                vider = getattr(objet, "cache_clear", None)
                # La classe d'une mémoire a la méthode ; chaque mémoire seule se vide.
                if callable(vider) and not isinstance(objet, type):
                    vider()
