"""De quelles données confidentielles vient chaque diagnostic d'un lot : gardé sur le poste, jamais remis."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from cafdiag.erreurs import ProductionImpossible
from cafdiag.magasin import dossier_utilisateur, ecrire_atomique


def _chemin(sortie: Path) -> Path:
    nom = hashlib.sha256(str(sortie.resolve()).encode("utf-8")).hexdigest()[:16]
    return dossier_utilisateur() / "lots" / f"{nom}.json"


def lire(sortie: Path) -> dict[str, str]:
    """Marque de chaque territoire du dossier ; vide si ce poste n'en sait rien : tout se refera.

    Parameters
    ----------
    sortie : Path
        Dossier du lot.
    """
    try:
        contenu = json.loads(_chemin(sortie).read_text(encoding="utf-8"))
        return {str(cle): str(marque) for cle, marque in contenu.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def ecrire(sortie: Path, marques: dict[str, str]) -> None:
    """Garde ces marques ; un dossier de l'utilisateur interdit n'arrête pas un lot."""
    utiles = {cle: marque for cle, marque in sorted(marques.items()) if marque}
    chemin = _chemin(sortie)
    with contextlib.suppress(ProductionImpossible, OSError):
        if utiles:
            ecrire_atomique(chemin, json.dumps(utiles, indent=1))
        else:
            chemin.unlink(missing_ok=True)
