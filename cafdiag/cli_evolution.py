"""``cafdiag serie``, ``figer``, ``evaluer``, ``anomalies`` : les options et l'affichage, rien d'autre."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from cafdiag.cli_choix import annoncer, noms_dits
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

    for commande in (serie, decomposer, evaluer, anomalies):
        commande.add_argument("--format", choices=["texte", "json", "csv"], default="texte")


def executer(options: argparse.Namespace) -> int:
    """Exécute la commande demandée ; rend son code de retour."""
    return _COMMANDES[options.commande](options)


def _serie(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.evolution import serie

    table = serie(options.code, options.indicateur)
    if options.format == "texte":
        table = table[["annee", "valeur", "unite", "statut", "serie", "rupture", "motif"]]
    return afficher(table, options.format)


def _decomposer(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.evolution import decomposer

    table = decomposer(options.code, options.debut, options.fin, mode=options.mode)
    return afficher(table.rename_axis("grandeur").reset_index(), options.format)


def _figer(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.instantane import figer
    from cafdiag.territoires import territoire

    cible = territoire(options.code)
    annoncer(cible, options.code)
    sortie = options.sortie or Path("sorties") / f"t0-{cible.suffixe}.json"
    print(figer(cible, sortie, indicateurs=options.indicateurs, annee=options.annee))
    return 0


def _evaluer(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.instantane import evaluer

    actions = None
    if options.actions:
        from cafdiag.indicateurs.actions import lire_actions

        # Lu d'abord : un tableau fautif se dit avant de recalculer tout le territoire.
        with noms_dits():
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

    alertes = verifier_portrait(lire_portrait(options.fichier))
    if options.format != "texte":
        return afficher(alertes, options.format)
    for alerte in alertes.itertuples():
        print(
            f"[{alerte.gravite}] {alerte.regle} : {alerte.trouve}. Attendu : {alerte.attendu}. {alerte.pourquoi}"
        )
    if alertes.empty:
        print("cafdiag : rien à signaler.", file=sys.stderr)
    return 0


_COMMANDES = {
    "serie": _serie,
    "decomposer": _decomposer,
    "figer": _figer,
    "evaluer": _evaluer,
    "anomalies": _anomalies,
}
