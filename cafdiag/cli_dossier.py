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
_EPILOGUE_BILAN = """exemples :
  cafdiag bilan 200048551 --modele realisations.xlsx
  cafdiag bilan 200048551 --realisations realisations.xlsx
  cafdiag bilan 200048551 --realisations realisations.xlsx --t0 t0.json --sortie bilan.docx
"""
_EPILOGUE_QUESTIONNAIRE = """exemples :
  cafdiag questionnaire preparer 200048551
  cafdiag questionnaire depouiller 200048551 --reponses reponses-1.csv reponses-2.csv
  cafdiag questionnaire depouiller 200048551 --reponses reponses.xlsx --sortie familles.docx
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

    bilan = sous_analyseurs.add_parser(
        "bilan",
        help="bilan de la convention passée : les réalisations, à côté des indicateurs",
        epilog=_EPILOGUE_BILAN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bilan.add_argument("code", metavar="CODE", help="code ou nom du territoire de la convention")
    bilan.add_argument("--realisations", metavar="FICHIER", help="les réalisations : classeur ou CSV")
    bilan.add_argument("--modele", metavar="FICHIER", help="écrit le fichier vierge (.xlsx), à remplir")
    bilan.add_argument("--t0", metavar="T0.json", help="l'instantané du départ (« cafdiag figer »)")
    bilan.add_argument("--sortie", metavar="FICHIER", help="écrit le bilan (.docx à reprendre, .html ou .pdf)")
    bilan.add_argument("--format", choices=["texte", "json", "csv"], default="texte")

    questionnaire = sous_analyseurs.add_parser(
        "questionnaire",
        help="questionnaire aux familles : le préparer, dépouiller les réponses",
        epilog=_EPILOGUE_QUESTIONNAIRE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gestes = questionnaire.add_subparsers(dest="geste", metavar="GESTE", required=True)
    preparer = gestes.add_parser("preparer", help="écrit la page à remplir hors ligne et le classeur vierge")
    preparer.add_argument("code", metavar="CODE", help="code ou nom du territoire")
    preparer.add_argument("--sortie", metavar="DOSSIER", default="sorties")
    depouiller = gestes.add_parser("depouiller", help="tableaux redressés, intervalles, mots par thème")
    depouiller.add_argument("code", metavar="CODE", help="code ou nom du territoire")
    depouiller.add_argument(
        "--reponses", metavar="FICHIER", nargs="+", required=True, help="les fichiers de réponses reçus"
    )
    depouiller.add_argument("--sortie", metavar="FICHIER", help="écrit le dépouillement (.docx, .html ou .pdf)")
    depouiller.add_argument("--seuil", metavar="N", default="5", help="rien n'est diffusé en deçà : 5")


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
    cli_choix.annoncer(lieu, options.code)
    etabli = etablir(lieu, places, mode=options.mode)
    if options.sortie:
        with cli_choix.noms_dits():
            print(ecrire_piece(fiche.piece(etabli), options.sortie))
        return 0
    if options.format != "texte":
        return afficher(etabli.effets, options.format)
    print(fiche.en_texte(etabli))
    return 0


def _bilan(options: argparse.Namespace) -> int:
    from cafdiag.erreurs import DemandeFausse
    from cafdiag.indicateurs.bilan import bilan as etablir
    from cafdiag.restitution import bilan as document
    from cafdiag.restitution.modeles import ecrire_modele
    from cafdiag.restitution.piece import controler_sortie, ecrire_piece, en_texte
    from cafdiag.territoires import territoire

    lieu, _ = cli_choix.tout_lire(
        lambda: territoire(options.code), lambda: options.sortie and controler_sortie(options.sortie)
    )
    cli_choix.annoncer(lieu, options.code)
    if options.modele:
        with cli_choix.noms_dits():
            print(ecrire_modele(document.modele(), options.modele))
        return 0
    if not options.realisations:
        raise DemandeFausse(
            "aucun fichier de réalisations",
            attendu="--realisations FICHIER",
            conseil="écrivez-en un vierge avec --modele realisations.xlsx, et remplissez-le",
        )
    etabli = etablir(lieu, options.realisations, t0=options.t0)
    for remarque in etabli.remarques:
        print(f"cafdiag : {remarque}", file=sys.stderr)
    if options.sortie:
        with cli_choix.noms_dits():
            print(ecrire_piece(document.piece(etabli), options.sortie))
        return 0
    if options.format != "texte":
        return afficher(etabli.realisations.table, options.format)
    print(en_texte(document.piece(etabli)))
    return 0


def _questionnaire(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.questionnaire import depouiller
    from cafdiag.restitution import questionnaire as document
    from cafdiag.restitution.piece import controler_sortie, ecrire_piece, en_texte
    from cafdiag.territoires import territoire

    if options.geste == "preparer":
        lieu = territoire(options.code)
        with cli_choix.noms_dits():
            for chemin in document.preparer(lieu, options.sortie):
                print(chemin)
        return 0
    lieu, _ = cli_choix.tout_lire(
        lambda: territoire(options.code), lambda: options.sortie and controler_sortie(options.sortie)
    )
    trouve = depouiller(lieu, options.reponses, seuil=options.seuil)
    if options.sortie:
        for remarque in trouve.remarques:
            print(f"cafdiag : {remarque}", file=sys.stderr)
        with cli_choix.noms_dits():
            print(ecrire_piece(document.piece(trouve), options.sortie))
        return 0
    print(en_texte(document.piece(trouve)))
    return 0


_COMMANDES = {"avis": _avis, "bilan": _bilan, "questionnaire": _questionnaire}
