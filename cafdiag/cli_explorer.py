"""``cafdiag explorer`` : les options ; la logique est dans :mod:`cafdiag.atelier`.

La sortie standard ne reçoit que l'adresse locale de l'atelier.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any


def ajouter_commande(sous_analyseurs: Any) -> argparse.ArgumentParser:
    """Ajoute « explorer » à l'analyseur de :mod:`cafdiag.cli`."""
    explorer = sous_analyseurs.add_parser(
        "explorer",
        help="ouvre JupyterLab en français sur les carnets",
        description="Ouvre JupyterLab en français sur les carnets, sans réseau. Ctrl-C l'arrête.",
    )
    explorer.add_argument(
        "--dossier", metavar="DOSSIER", help="travaille dans ce dossier : les carnets y sont copiés"
    )
    explorer.add_argument("--port", type=int, help="port de cet ordinateur ; par défaut, le premier libre")
    explorer.add_argument(
        "--sans-navigateur", action="store_true", help="donne l'adresse sans ouvrir le navigateur"
    )
    return explorer


def executer(options: argparse.Namespace) -> int:
    """Ouvre l'atelier ; rend son code de retour."""
    from cafdiag.atelier import ouvrir

    return ouvrir(
        dossier=options.dossier,
        port=options.port,
        navigateur=not options.sans_navigateur,
        annoncer=partial(print, flush=True),
    )
