"""L'empreinte d'un fichier, calculée une seule fois tant que rien n'y touche."""

from __future__ import annotations

import hashlib
from pathlib import Path

# En dessous, recalculer ne coûte rien, et deux écritures peuvent porter la même date.
_GROS = 1 << 20
_GARDEES = 64
_CONNUES: dict[tuple, str] = {}


def marque(chemin: Path) -> tuple | None:
    """Ce qui change dès qu'on récrit un gros fichier ; None s'il est petit, ou si le système ne sait pas le dire.

    Le nom n'y est pas : un fichier qu'on renomme reste le même.
    """
    etat = chemin.stat()
    gros = etat.st_size >= _GROS and etat.st_ino
    return (etat.st_dev, etat.st_ino, etat.st_size, etat.st_mtime_ns) if gros else None


def retenir(chemin: Path, somme: str) -> None:
    """Garde l'empreinte d'un fichier dont on vient de voir passer tous les octets."""
    if (cle := marque(chemin)) is not None:
        while len(_CONNUES) >= _GARDEES:
            _CONNUES.pop(next(iter(_CONNUES)))
        _CONNUES[cle] = somme


def empreinte(chemin: Path) -> str:
    """SHA-256 d'un fichier.

    Raises
    ------
    OSError
        Fichier absent ou illisible.
    """
    cle = marque(chemin)
    if cle is None or cle not in _CONNUES:
        with chemin.open("rb") as flux:
            somme = hashlib.file_digest(flux, "sha256").hexdigest()
        if marque(chemin) == cle:
            retenir(chemin, somme)
        return somme
    return _CONNUES[cle]
