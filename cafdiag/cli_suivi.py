"""Suivre une convention : ``serie``, ``figer``, ``evaluer``, ``anomalies``, ``avis``, ``bilan``, ``questionnaire``.

Les options et l'affichage, rien d'autre.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from cafdiag import cli_choix
from cafdiag.cli_donnees import afficher


def ajouter_commandes(sous_analyseurs: Any) -> None:
    """Ajoute ces commandes à l'analyseur de :mod:`cafdiag.cli`."""
    serie = sous_analyseurs.add_parser("serie", help="un indicateur, année par année, ruptures signalées")
    serie.add_argument("code", metavar="CODE")
    serie.add_argument("indicateur", metavar="INDICATEUR")

    decomposer = sous_analyseurs.add_parser(
        "decomposer", help="ce qui, dans un taux, vient des places et ce qui vient des naissances"
    )
    decomposer.add_argument("code", metavar="CODE")
    decomposer.add_argument("debut", type=int, metavar="ANNEE")
    decomposer.add_argument("fin", type=int, metavar="ANNEE")
    decomposer.add_argument(
        "--mode", default="global", metavar="MODE", help="global, eaje, am, prescol ou gad"
    )

    figer = sous_analyseurs.add_parser("figer", help="écrit l'instantané T0 d'un territoire")
    figer.add_argument("code", metavar="CODE")
    figer.add_argument("--sortie", metavar="FICHIER", help="par défaut : sorties/t0-CODE.json")
    figer.add_argument("-i", "--indicateur", action="append", metavar="INDICATEUR", dest="indicateurs")
    figer.add_argument("--annee", type=int)

    evaluer = sous_analyseurs.add_parser("evaluer", help="ce qui a changé depuis un instantané T0")
    evaluer.add_argument("fichier", metavar="T0.json")
    evaluer.add_argument(
        "--actions", metavar="FICHIER", help="le tableau des actions (actions-CODE.xlsx) : où en est chacune"
    )

    anomalies = sous_analyseurs.add_parser("anomalies", help="ce qui cloche dans un portrait de territoire")
    anomalies.add_argument(
        "fichier",
        metavar="FICHIER",
        help="CSV, xlsx ou ods, colonnes grandeur et valeur ; unite, libelle, source au choix",
    )

    cli_choix.format_de_sortie(serie, decomposer, evaluer, anomalies)


def executer(options: argparse.Namespace) -> int:
    """Exécute la commande demandée ; rend son code de retour."""
    return _COMMANDES[options.commande](options)


def _serie(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.evolution import serie

    table = serie(cli_choix.lire_lieu(options.code), options.indicateur)
    if options.format == "texte":
        table = table[["annee", "valeur", "unite", "statut", "serie", "rupture", "motif"]]
    return afficher(table, options.format)


def _decomposer(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.evolution import decomposer

    table = decomposer(cli_choix.lire_lieu(options.code), options.debut, options.fin, mode=options.mode)
    return afficher(table.rename_axis("grandeur").reset_index(), options.format)


def _figer(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.instantane import figer
    from cafdiag.restitution.demande import refuser_annee_inconnue

    cible = cli_choix.lire_lieu(options.code)
    if options.annee is not None:
        refuser_annee_inconnue(options.annee, cible)
    sortie = options.sortie or Path("sorties") / f"t0-{cible.suffixe}.json"
    print(figer(cible, sortie, indicateurs=options.indicateurs, annee=options.annee))
    return 0


def _evaluer(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.instantane import evaluer

    actions = None
    if options.actions:
        from cafdiag.indicateurs.actions import lire_actions

        # Lu d'abord : un tableau fautif se dit avant de recalculer tout le territoire.
        with cli_choix.noms_dits():
            actions = lire_actions(options.actions)
    evaluation = evaluer(options.fichier)
    for remarque in evaluation.remarques:
        print(f"cafdiag : {remarque}", file=sys.stderr)
    if actions is not None:
        return _suivre(evaluation, actions, options.format)
    if options.format != "texte":
        return afficher(evaluation.table, options.format)
    from cafdiag.restitution.terminal import evaluation_en_texte

    print(evaluation_en_texte(evaluation))
    return 0


def _suivre(evaluation: Any, actions: Any, format_: str) -> int:
    from cafdiag.indicateurs.actions import suivre

    table = suivre(evaluation, actions)
    if format_ != "texte":
        return afficher(table, format_)
    from cafdiag.restitution.fiches_actions import suivi_en_texte

    print(suivi_en_texte(table))
    print("cafdiag : un indicateur qui bouge ne dit pas que l'action en est la cause.", file=sys.stderr)
    return 0


def _anomalies(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.anomalies import verifier_portrait
    from cafdiag.indicateurs.portraits import lire_portrait

    portrait, remarques = lire_portrait(options.fichier)
    alertes = verifier_portrait(portrait)
    for remarque in remarques:
        print(f"cafdiag : {remarque}", file=sys.stderr)
    if options.format != "texte":
        return afficher(alertes, options.format)
    for alerte in alertes.itertuples():
        print(
            f"[{alerte.gravite}] {alerte.regle} : {alerte.trouve}. Attendu : {alerte.attendu}. {alerte.pourquoi}"
        )
    if alertes.empty:
        print("cafdiag : rien à signaler.", file=sys.stderr)
    return 0


# --- Avis, bilan, questionnaire ---


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


def ajouter_commandes_du_dossier(sous_analyseurs: Any) -> None:
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
    cli_choix.format_de_sortie(avis, bilan)

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
        lieu = cli_choix.lire_lieu(options.code)
        with cli_choix.noms_dits():
            for chemin in document.preparer(lieu, options.sortie):
                print(chemin)
        return 0
    lieu, _ = cli_choix.tout_lire(
        lambda: territoire(options.code), lambda: options.sortie and controler_sortie(options.sortie)
    )
    cli_choix.annoncer(lieu, options.code)
    trouve = depouiller(lieu, options.reponses, seuil=options.seuil)
    if options.sortie:
        for remarque in trouve.remarques:
            print(f"cafdiag : {remarque}", file=sys.stderr)
        with cli_choix.noms_dits():
            print(ecrire_piece(document.piece(trouve), options.sortie))
        return 0
    print(en_texte(document.piece(trouve)))
    return 0


_COMMANDES = {
    "serie": _serie,
    "decomposer": _decomposer,
    "figer": _figer,
    "evaluer": _evaluer,
    "anomalies": _anomalies,
    "avis": _avis,
    "bilan": _bilan,
    "questionnaire": _questionnaire,
}
