"""``cafdiag secret …`` : les options et l'affichage ; la logique est dans :mod:`cafdiag.secret`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

_EPILOGUE = """exemples :
  cafdiag secret epreuve mon_tableau --sortie resultat
  cafdiag secret epreuve mes_tables_liees --singletons --sortie resultat
  cafdiag secret verifier sorties/244900015 --certificat certificat.json --date 2026-11-28
  cafdiag secret verifier sorties/nouveau sorties/deja_montre
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
    verifier = actions.add_parser(
        "verifier",
        help="tente de retrouver ce qu'un dossier de sortie tait",
        description=(
            "Relit un dossier (csv, json, geojson, gpkg, xlsx, docx, pptx, pdf, html, ipynb, svg, png), rassemble "
            "ce qu'il montre, et tente d'en déduire chaque case tue ; d'autres dossiers, déjà montrés, "
            "s'y ajoutent. Code de retour 0 si rien "
            "n'est retrouvé, 1 sinon."
        ),
    )
    verifier.add_argument("dossiers", metavar="DOSSIER", nargs="+", help="le dossier, et ceux déjà montrés")
    verifier.add_argument("--seuil-caf", type=int, metavar="NOMBRE", help="celui du dossier, si on l'avait choisi")
    verifier.add_argument("--certificat", metavar="FICHIER", help="écrit le certificat (JSON)")
    verifier.add_argument("--date", default="", metavar="AAAA-MM-JJ", help="date portée sur le certificat")
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
    for qui, siennes in list(rendu.par_initie.items())[:5]:
        fin += f" ; par un initié ({qui}) : {', '.join(siennes[:5])}"
    if epreuve.seuls:
        fin += f" ; {epreuve.seuls} primaires n'ont qu'un répondant, qui connaît la sienne (--singletons s'en garde)"
    optimum = ", optimum prouvé" if rendu.solution.optimal else ""
    print(
        f"cafdiag : {len(epreuve.ids)} cases, {int(epreuve.probleme.protegee.sum())} primaires, "
        f"{len(rendu.secondaires)} secondaires{optimum} ; {fin}.",
        file=sys.stderr,
    )
    return 1 if trouees or rendu.par_initie else 0


def _verifier(options: argparse.Namespace) -> int:
    from datetime import date

    from cafdiag.erreurs import DemandeFausse
    from cafdiag.indicateurs.options import Options
    from cafdiag.restitution.attaque import attaquer, ecrire_certificat

    seuil = Options.seuil_caf if options.seuil_caf is None else options.seuil_caf

    if options.date:
        try:
            date.fromisoformat(options.date)
        except ValueError as cause:
            raise DemandeFausse(f"« {options.date} » n'est pas une date", attendu="AAAA-MM-JJ") from cause
    if seuil < 1:
        raise DemandeFausse(f"seuil de {seuil}", attendu="au moins 1")
    constat = attaquer(*options.dossiers, seuil_caf=seuil)
    relecture = constat.relecture
    print(f"Fichiers lus : {len(relecture.lus)} ({', '.join(relecture.lus)})")
    if relecture.non_lus:
        print(f"Non lus : {', '.join(relecture.non_lus)}")
    for nom, pourquoi in relecture.illisibles.items():
        print(f"Illisible : {nom} ({pourquoi})")
    for nom in constat.inconnus:
        print(f"Territoire de composition inconnue, laissé de côté : {nom}")
    print(f"{constat.cases} cases tues, {constat.montres} nombres lus, {constat.relations} relations.")
    for phrase in (*constat.contradictions, *(f"Retrouvée : {p}" for p in constat.percees)):
        print(phrase)
    if constat.percees:
        print(f"Dossier percé : {len(constat.percees)} case(s) retrouvée(s).")
    elif constat.sain:
        print("Dossier sain : aucune case tue n'est retrouvée.")
    else:
        print("Dossier à revoir : tout n'a pas pu être vérifié.")
    if options.certificat:
        print(ecrire_certificat(constat, options.certificat, seuil_caf=seuil, date=options.date))
    return 0 if constat.sain else 1


_ACTIONS = {"epreuve": _epreuve, "verifier": _verifier}
