"""Où sont les ressources du projet : dans la roue installée, sinon dans le dépôt."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def racine() -> Path:
    """Racine des ressources : la roue installée, sinon le dépôt."""
    roue = Path(__file__).parent / "_ressources"
    return roue if roue.is_dir() else Path(__file__).resolve().parent.parent


def dossier(nom: str) -> Path:
    """Chemin d'un dossier de ressources (``data``, ``maps``, ``templates``, ``notebooks``).

    >>> dossier("data").name
    'data'
    """
    return racine() / nom
