"""``cafdiag avis``, ``bilan`` et ``questionnaire`` : les options et l'affichage, rien d'autre."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cafdiag import cli_choix
from cafdiag.cli_donnees import afficher

_EPILOGUE_AVIS = """exemples :
  cafdiag avis 53084 --places 20
  cafdiag avis 53084 --places 20 --sortie avis.docx
  cafdiag avis 53084 --places 12 --mode eaje_hors_psu --format csv
"""


def ajouter_commandes(sous_analyseurs: Any) -> None:
    """Ajoute les commandes à l'analyseur de :mod:`cafdiag.cli`."""
    avis = sous_analyseurs.add_parser(
        "avis",
        help="avis préalable : ce qu'un projet de places changerait, ici et chez les voisins",
        epilog=_EPILOGUE_AVIS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    avis.add_argument("code", metavar="COMMUNE", help="code ou nom de la commune du projet (ou un EPCI)")
    avis.add_argument("--places", metavar="N", required=True, help="places créées : un nombre entier")
    avis.add_argument(
        "--mode",
        choices=["eaje_psu", "eaje_hors_psu"],
        default="eaje_psu",
        help="crèche à PSU (par défaut), ou micro-crèche à Paje",
    )
    avis.add_argument("--sortie", metavar="FICHIER", help="écrit la fiche (.docx à reprendre, .html ou .pdf)")
    avis.add_argument("--format", choices=["texte", "json", "csv"], default="texte")


def executer(options: argparse.Namespace) -> int:
    """Exécute la commande demandée ; rend son code de retour."""
    return _COMMANDES[options.commande](options)


def _avis(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.avis import avis as etablir
    from cafdiag.indicateurs.avis import lire_places
    from cafdiag.restitution import avis as fiche
    from cafdiag.restitution.piece import controler_sortie, ecrire_piece
    from cafdiag.territoires import territoire

    places, lieu, _ = cli_choix.tout_lire(
        lambda: lire_places(options.places),
        lambda: territoire(options.code),
        lambda: options.sortie and controler_sortie(options.sortie),
    )
    for avertissement in lieu.avertissements:
        print(f"cafdiag : {avertissement}", file=sys.stderr)
    etabli = etablir(lieu, places, mode=options.mode)
    if options.sortie:
        with cli_choix.noms_dits():
            print(ecrire_piece(fiche.piece(etabli), options.sortie))
        return 0
    if options.format != "texte":
        return afficher(etabli.effets, options.format)
    print(fiche.en_texte(etabli))
    return 0


_COMMANDES = {"avis": _avis}
