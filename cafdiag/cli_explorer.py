"""``cafdiag explorer`` et ``cafdiag atelier`` : les options ; la logique est dans :mod:`cafdiag.atelier`.

La sortie standard ne reçoit que l'adresse locale de ce qui s'ouvre.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any


def ajouter_commandes(sous_analyseurs: Any) -> None:
    """Ajoute « explorer » et « atelier » à l'analyseur de :mod:`cafdiag.cli`."""
    explorer = sous_analyseurs.add_parser(
        "explorer",
        help="ouvre l'explorateur : une page, sans code",
        description="Ouvre l'explorateur en une page, dans le navigateur, sans réseau. Ctrl-C l'arrête.",
    )
    explorer.add_argument(
        "--sortie", metavar="DOSSIER", default="sorties", help="là où s'écrit ce que la page produit"
    )
    atelier = sous_analyseurs.add_parser(
        "atelier",
        help="ouvre JupyterLab en français sur les carnets",
        description="Ouvre JupyterLab en français sur les carnets, sans réseau. Ctrl-C l'arrête.",
    )
    atelier.add_argument(
        "--dossier", metavar="DOSSIER", help="travaille dans ce dossier : les carnets y sont copiés"
    )
    for commande in (explorer, atelier):
        commande.add_argument("--port", type=int, help="port de cet ordinateur ; par défaut, le premier libre")
        commande.add_argument(
            "--sans-navigateur", action="store_true", help="donne l'adresse sans ouvrir le navigateur"
        )


def executer(options: argparse.Namespace) -> int:
    """Ouvre la page ou l'atelier ; rend son code de retour."""
    from cafdiag import atelier

    communs = {
        "port": options.port,
        "navigateur": not options.sans_navigateur,
        "annoncer": partial(print, flush=True),
    }
    if options.commande == "atelier":
        return atelier.ouvrir(dossier=options.dossier, **communs)
    return atelier.ouvrir_la_page(sortie=options.sortie, **communs)
