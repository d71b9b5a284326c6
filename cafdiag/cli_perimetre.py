"""``cafdiag perimetre …`` : les options et l'affichage ; la logique est dans :mod:`cafdiag.territoires`.

La liste, ou le fichier écrit, va sur la sortie standard ; les messages vont à côté.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any

from cafdiag.cli_choix import annoncer
from cafdiag.cli_donnees import afficher

_EPILOGUE = """exemples :
  cafdiag perimetre lister
  cafdiag perimetre garder "Pôle sud" 53012+53084
  cafdiag diagnostic "perimetre:Pôle sud"
  cafdiag perimetre oublier "Pôle sud"
  cafdiag perimetre montres
  cafdiag perimetre oublier-montres 53012+53084
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
    montres = actions.add_parser(
        "montres", help="le journal des périmètres dont des chiffres confidentiels ont été montrés"
    )
    montres.add_argument("--format", choices=["texte", "json", "csv"], default="texte")
    oublier_montres = actions.add_parser(
        "oublier-montres", help="ôte du journal un périmètre montré : ceux d'après ne le connaîtront plus"
    )
    vises = oublier_montres.add_mutually_exclusive_group(required=True)
    vises.add_argument("codes", metavar="CODES", nargs="?", help="53012+53084, ou le code P-… du journal")
    vises.add_argument("--tous", action="store_true", help="tout le journal")
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
    annoncer(lieu)
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


def _montres(options: argparse.Namespace) -> int:
    from cafdiag.territoires import perimetres_montres

    table = perimetres_montres()
    if table.empty and options.format == "texte":
        print("cafdiag : aucun périmètre libre n'a montré de chiffre confidentiel.", file=sys.stderr)
        return 0
    return afficher(table, options.format)


def _oublier_montres(options: argparse.Namespace) -> int:
    from cafdiag.restitution.formats import pluriel
    from cafdiag.territoires import oublier_montres

    nombre = oublier_montres(None if options.tous else options.codes)
    print(
        f"cafdiag : {pluriel(nombre, 'périmètre montré oublié', 'périmètres montrés oubliés')} ; si ses chiffres "
        "ont été remis à quelqu'un, un périmètre voisin pourra les trahir.",
        file=sys.stderr,
    )
    return 0


_ACTIONS = {
    "lister": _lister,
    "garder": _garder,
    "oublier": _oublier,
    "montres": _montres,
    "oublier-montres": _oublier_montres,
}
