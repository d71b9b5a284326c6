"""La version exacte de ce qui calcule : sources de cafdiag, tables embarquées, bibliothèques."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def sha256(contenu: str | bytes) -> str:
    """Empreinte d'un texte ou d'octets.

    >>> sha256("a")[:8]
    'ca978112'
    """
    octets = contenu.encode("utf-8") if isinstance(contenu, str) else contenu
    return hashlib.sha256(octets).hexdigest()


def des_fichiers(racine: Path, *motifs: str) -> str:
    """Empreinte des fichiers d'un dossier, noms compris, quelles que soient leurs fins de ligne."""
    calcul = hashlib.sha256()
    for chemin in sorted(c for motif in motifs for c in racine.rglob(motif) if c.is_file()):
        if any(partie.startswith((".", "__")) for partie in chemin.relative_to(racine).parts[:-1]):
            continue  # ce que laissent Jupyter et Python
        # Fins de ligne : le même dépôt cloné sous Windows est la même version.
        octets = chemin.read_bytes().replace(b"\r\n", b"\n")
        calcul.update(f"{chemin.relative_to(racine).as_posix()}\0{sha256(octets)}\n".encode())
    return calcul.hexdigest()


def version_de(paquet: str) -> str:
    """Version installée d'un paquet ; vide s'il n'y est pas."""
    try:
        return version(paquet)
    except PackageNotFoundError:
        return ""


@lru_cache(maxsize=1)
def version_du_code() -> str:
    """Version de cafdiag, suivie de l'empreinte de ses sources : un dépôt modifié n'est plus la même."""
    return f"{version_de('cafdiag') or '0'}+{des_fichiers(Path(__file__).resolve().parent, '*.py')[:12]}"
