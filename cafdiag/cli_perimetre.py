"""``cafdiag perimetre …`` : les options et l'affichage ; la logique est dans :mod:`cafdiag.territoires`.

La liste, ou le fichier écrit, va sur la sortie standard ; les messages vont à côté.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any

from cafdiag.cli_donnees import afficher

_EPILOGUE = """exemples :
  cafdiag perimetre lister
  cafdiag perimetre garder "Pôle sud" 53012+53084
  cafdiag diagnostic "perimetre:Pôle sud"
  cafdiag perimetre oublier "Pôle sud"
"""


def ajouter_commandes(sous_analyseurs: Any) -> argparse.ArgumentParser:
    """Ajoute « perimetre » et ses actions à l'analyseur de :mod:`cafdiag.cli`."""
    perimetre = sous_analyseurs.add_parser(
        "perimetre",
        help="les périmètres libres gardés sous un nom",
        description=(
            "Les périmètres libres gardés sous un nom : ils se relisent partout, et le secret statistique "
            "juge ceux d'après en les sachant montrés."
        ),
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = perimetre.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=type(perimetre)
    )
    lister = actions.add_parser("lister", help="les périmètres gardés")
    lister.add_argument("--format", choices=["texte", "json", "csv"], default="texte")
    garder = actions.add_parser("garder", help="garde un périmètre ; de même nom, il remplace")
    garder.add_argument("nom", metavar="NOM", help="par exemple « Pôle sud »")
    garder.add_argument("codes", metavar="CODES", help="codes de communes ou d'EPCI : 53012+53084")
    oublier = actions.add_parser("oublier", help="ôte un périmètre gardé")
    oublier.add_argument("nom", metavar="NOM", help="voir « cafdiag perimetre lister »")
    return perimetre


def executer(options: argparse.Namespace) -> int:
    """Exécute l'action demandée ; rend son code de retour."""
    return _ACTIONS[options.action](options)


def _lister(options: argparse.Namespace) -> int:
    from cafdiag.territoires import perimetres_gardes

    table = perimetres_gardes()
    if table.empty and options.format == "texte":
        print("cafdiag : aucun périmètre gardé ; voyez « cafdiag perimetre garder --help ».", file=sys.stderr)
        return 0
    return afficher(table, options.format)


def _garder(options: argparse.Namespace) -> int:
    from cafdiag.erreurs import CafdiagError
    from cafdiag.territoires import garder_perimetre, perimetre

    lieu = perimetre(options.nom, options.codes)
    with contextlib.suppress(CafdiagError):
        ancien = perimetre(options.nom)
        if ancien.communes != lieu.communes:
            print(
                f"cafdiag : il remplace « {ancien.nom} » ({'+'.join(ancien.communes)}) ; si celui-ci a été publié, "
                "gardez-le sous un autre nom : le secret des suivants en dépend.",
                file=sys.stderr,
            )
    for avertissement in lieu.avertissements:
        print(f"cafdiag : {avertissement}", file=sys.stderr)
    print(garder_perimetre(lieu))
    print(f"cafdiag : {lieu.libelle} est gardé ; redemandez-le par « perimetre:{lieu.nom} ».", file=sys.stderr)
    return 0


def _oublier(options: argparse.Namespace) -> int:
    from cafdiag.territoires import oublier_perimetre

    oublier_perimetre(options.nom)
    print(
        f"cafdiag : « {options.nom} » est oublié ; s'il a déjà été publié, gardez-le : "
        "le secret des suivants en dépend.",
        file=sys.stderr,
    )
    return 0


_ACTIONS = {"lister": _lister, "garder": _garder, "oublier": _oublier}
