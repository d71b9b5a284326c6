"""L'état de chaque carnet, gardé d'une ouverture à l'autre dans le dossier de l'utilisateur."""

from __future__ import annotations

import os
from pathlib import Path

from cafdiag import magasin
from cafdiag.erreurs import CafdiagError, en_clair
from cafdiag.restitution.echappement import identifiant
from cafdiag.restitution.explorateur.etat import Etat


def nom_du_carnet() -> str:
    """Nom du carnet qui s'exécute ; « explorateur » hors d'un carnet.

    JupyterLab le donne au noyau ; sans lui (papermill, console), tous partagent un même état.
    """
    chemin = os.environ.get("JPY_SESSION_NAME", "")
    return Path(chemin).stem if chemin.endswith(".ipynb") else "explorateur"


def fichier(nom: str) -> Path:
    """Fichier de l'état gardé sous ce nom."""
    return magasin.dossier_utilisateur() / "explorateur" / f"{identifiant(nom, defaut='etat')}.json"


def relire(nom: str) -> tuple[Etat, str]:
    """L'état gardé sous ce nom, et ce qu'il faut en dire ; l'état de départ s'il n'y en a pas."""
    try:
        return Etat.lire(fichier(nom).read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return Etat(), ""
    except (OSError, UnicodeDecodeError, CafdiagError) as cause:
        return Etat(), f"Votre dernière vue n'a pas pu être relue ({en_clair(cause)}) : voici le point de départ."


def garder(nom: str, etat: Etat) -> str:
    """Garde l'état sous ce nom ; rend ce qui s'y oppose, ou rien."""
    try:
        magasin.ecrire_atomique(fichier(nom), etat.ecrire())
    except CafdiagError as cause:
        return f"Cette vue ne sera pas retrouvée à la prochaine ouverture : {en_clair(cause)}."
    return ""
