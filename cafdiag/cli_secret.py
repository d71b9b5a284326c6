"""``cafdiag secret …`` : les options et l'affichage ; la logique est dans :mod:`cafdiag.secret`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

_EPILOGUE = """exemples :
  cafdiag secret epreuve mon_tableau --sortie resultat
  cafdiag secret epreuve mes_tables_liees --singletons --sortie resultat
"""


def ajouter_commandes(sous_analyseurs: Any) -> argparse.ArgumentParser:
    """Ajoute « secret » et ses actions à l'analyseur de :mod:`cafdiag.cli`."""
    secret = sous_analyseurs.add_parser(
        "secret",
        help="le secret statistique : protéger un tableau, vérifier un dossier",
        description="Le secret statistique : protéger un tableau quelconque, vérifier ce qu'un dossier laisse deviner.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = secret.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(secret))
    epreuve = actions.add_parser(
        "epreuve",
        help="les cases à masquer d'un tableau, ou de tables liées, et leur preuve",
        description=(
            "Lit cellules.csv (id, valeur, primaire, permis_bas, permis_haut ; au choix cout, bas, haut, masquable, "
            "effectif, maximum, singleton, initie) et relations.json ([{total, parties}]), ou un sous-dossier par "
            "table ; écrit secondaires.csv, intervalles.csv et certificat.json."
        ),
    )
    epreuve.add_argument("dossier", metavar="DOSSIER")
    epreuve.add_argument("--sortie", metavar="DOSSIER", required=True)
    epreuve.add_argument(
        "--singletons", action="store_true", help="qui est seul dans une case (effectif 1) la connaît : s'en garder"
    )
    epreuve.add_argument(
        "--seuil", type=float, metavar="NOMBRE", help="sans colonne « primaire » : l'effectif qui se tait en deçà"
    )
    return secret


def executer(options: argparse.Namespace) -> int:
    """Exécute l'action demandée ; rend son code de retour."""
    return _ACTIONS[options.action](options)


def _epreuve(options: argparse.Namespace) -> int:
    from cafdiag.secret.epreuve import ecrire, eprouver, lire

    epreuve = lire(options.dossier, singletons=options.singletons, seuil=options.seuil)
    for groupe in epreuve.liees:
        print(f"cafdiag : tables liées : {', '.join(groupe)}", file=sys.stderr)
    rendu = eprouver(epreuve)
    for chemin in ecrire(rendu, options.sortie):
        print(chemin)
    trouees = [epreuve.ids[i] for i in rendu.trouees]
    fin = f"mal protégées : {', '.join(trouees[:5])}" if trouees else "aucune case primaire retrouvée"
    optimum = ", optimum prouvé" if rendu.solution.optimal else ""
    print(
        f"cafdiag : {len(epreuve.ids)} cases, {int(epreuve.probleme.protegee.sum())} primaires, "
        f"{len(rendu.secondaires)} secondaires{optimum} ; {fin}.",
        file=sys.stderr,
    )
    return 1 if trouees else 0


_ACTIONS = {"epreuve": _epreuve}
