"""``cafdiag donnees …`` : les options et l'affichage ; la logique est dans :mod:`cafdiag.donnees.commandes`.

Les résultats vont sur la sortie standard, les messages sur la sortie d'erreur. Codes de retour : 0 réussi,
1 échec (une source manquée, un fichier refusé, une donnée abîmée), 2 demande fausse.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from cafdiag.cli_choix import format_de_sortie

if TYPE_CHECKING:
    import pandas as pd

    from cafdiag.donnees.commandes import BilanDesDonnees

_EPILOGUE = """exemples :
  cafdiag donnees lister
  cafdiag donnees telecharger
  cafdiag donnees telecharger "txcouv_pe_*" bpe
  cafdiag donnees importer BPE25.zip registre-eaje.xlsx
  cafdiag donnees verifier
"""


def ajouter_commandes(sous_analyseurs: Any) -> argparse.ArgumentParser:
    """Ajoute « donnees » et ses actions à l'analyseur de :mod:`cafdiag.cli`."""
    donnees = sous_analyseurs.add_parser(
        "donnees",
        help="les données officielles et les vôtres",
        description="Les données officielles et les vôtres : prendre, importer, vérifier.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = donnees.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=type(donnees)
    )

    lister = actions.add_parser("lister", help="le catalogue des sources")
    lister.add_argument("--producteur", metavar="NOM", help="par exemple cnaf")

    telecharger = actions.add_parser("telecharger", help="prend et range la dernière version des sources")
    telecharger.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="nom, motif (txcouv_pe_*) ou « tout » ; par défaut, l'essentiel",
    )
    telecharger.add_argument("--forcer", action="store_true", help="reprend tout, même inchangé")
    telecharger.add_argument(
        "--sans-lire", action="store_true", help="garde les fichiers sans les ranger dans l'entrepôt"
    )

    importer = actions.add_parser("importer", help="range des fichiers officiels ou vos registres")
    importer.add_argument("fichiers", nargs="+", metavar="FICHIER", help="fichiers, dossiers ou motifs")
    importer.add_argument(
        "--lecteur", metavar="NOM", help="pour ne pas laisser deviner ; « registre » pour le vôtre"
    )
    importer.add_argument("--annee", type=int, help="année des chiffres, si rien dans le fichier ne la dit")
    importer.add_argument("--nom", metavar="NOM", help="nom dans l'entrepôt (par défaut, celui du fichier)")
    importer.add_argument(
        "--type",
        metavar="TYPE",
        default="",
        help="registre : type de toutes les lignes (eaje…), quoi que dise la colonne",
    )
    importer.add_argument(
        "--confirmer", action="store_true", help="registre : accepte les colonnes proposées"
    )
    importer.add_argument("--ecarter", action="store_true", help="registre : importe les lignes saines")
    importer.add_argument(
        "--sains-seulement",
        action="store_true",
        help="importe les fichiers sains même si d'autres sont refusés",
    )

    verifier = actions.add_parser(
        "verifier", help="empreintes, millésimes, codes qui ont bougé, recoupements"
    )
    actions.add_parser(
        "preparer", help="mesure la France d'avance : les rapports n'ont plus qu'à lire (une demi-minute)"
    )
    etat = actions.add_parser("etat", help="ce que contient l'entrepôt")
    retirer = actions.add_parser("retirer", help="ôte une table de l'entrepôt")
    retirer.add_argument("noms", nargs="+", metavar="NOM", help="voir « cafdiag donnees etat »")

    format_de_sortie(lister, telecharger, importer, verifier, etat, retirer)
    return donnees


def executer(options: argparse.Namespace) -> int:
    """Exécute l'action demandée ; rend son code de retour."""
    return _ACTIONS[options.action](options)


def _lister(options: argparse.Namespace) -> int:
    from cafdiag.donnees.commandes import lister
    from cafdiag.erreurs import DemandeFausse

    table = lister()
    if options.producteur:
        voulu = table["producteur"].str.contains(options.producteur, case=False, regex=False)
        if not voulu.any():
            connus = ", ".join(sorted(set(table["producteur"])))
            raise DemandeFausse(f"aucune source de « {options.producteur} »", attendu=connus)
        table = table[voulu]
    if options.format == "texte":
        table = table[["nom", "producteur", "maille", "millesime", "prise_le", "importee_le", "libelle"]]
    return afficher(table, options.format)


def _preparer(options: argparse.Namespace) -> int:
    from cafdiag.donnees.memoire import VARIABLE, dossier
    from cafdiag.indicateurs.preparation import preparer
    from cafdiag.restitution.evolution import COMMUNES, SERIES

    if dossier() is None:
        print(f"cafdiag : {VARIABLE} est vide : rien n'est gardé d'avance.", file=sys.stderr)
        return 0
    print("cafdiag : la France se mesure d'avance, une demi-minute ou plus…", file=sys.stderr)
    if preparer(series=SERIES, communes=COMMUNES):
        print("cafdiag : c'est prêt ; le prochain rapport n'a plus qu'à lire.", file=sys.stderr)
    else:
        print("cafdiag : données confidentielles dans l'entrepôt : rien n'en est gardé d'avance.", file=sys.stderr)
    return 0


def _telecharger(options: argparse.Namespace) -> int:
    from cafdiag.donnees.commandes import telecharger

    bilan = telecharger(
        options.sources,
        lire=not options.sans_lire,
        forcer=options.forcer,
        annoncer=lambda phrase: print(f"cafdiag : {phrase}", file=sys.stderr),
    )
    return _rendre(bilan, options.format, deja_dit=True)


def _importer(options: argparse.Namespace) -> int:
    from cafdiag.donnees.commandes import importer

    bilan = importer(
        options.fichiers,
        lecteur=options.lecteur,
        annee=options.annee,
        nom=options.nom,
        type_structure=options.type,
        confirmer=options.confirmer,
        ecarter=options.ecarter,
        sains_seulement=options.sains_seulement,
    )
    return _rendre(bilan, options.format)


def _rendre(bilan: BilanDesDonnees, forme: str, *, deja_dit: bool = False) -> int:
    from cafdiag.donnees.commandes import dire

    if not deja_dit:
        for ligne in bilan.lignes:
            print(f"cafdiag : {dire(ligne)}", file=sys.stderr)
    if forme == "texte":
        for compte in bilan.comptes:
            print(compte.en_texte())
    else:
        afficher(bilan.table, forme)
    return 0 if bilan.reussi else 1


def _verifier(options: argparse.Namespace) -> int:
    from cafdiag.donnees.commandes import verifier

    table = verifier()
    if options.format == "texte":
        for ligne in table.itertuples():
            print(f"[{ligne.gravite}] {ligne.objet} : {ligne.constat}")
        if table.empty:
            print("cafdiag : rien à signaler.", file=sys.stderr)
    else:
        afficher(table, options.format)
    return 1 if (table["gravite"] == "erreur").any() else 0


def _etat(options: argparse.Namespace) -> int:
    from cafdiag.donnees import entrepot
    from cafdiag.donnees.commandes import etat

    table = etat()
    if options.format == "texte":
        print(f"cafdiag : entrepôt dans {entrepot.dossier()}", file=sys.stderr)
        if table.empty:
            print(
                "cafdiag : il est vide ; « cafdiag donnees telecharger » ou « cafdiag donnees importer FICHIER ».",
                file=sys.stderr,
            )
            return 0
    return afficher(table, options.format)


def _retirer(options: argparse.Namespace) -> int:
    from cafdiag.donnees import entrepot

    for nom in options.noms:
        entrepot.retirer(nom)
        print(f"cafdiag : {nom} n'est plus dans l'entrepôt.", file=sys.stderr)
    return afficher(entrepot.lister(), options.format) if options.format != "texte" else 0


def afficher(table: pd.DataFrame, forme: str) -> int:
    """Une table sur la sortie standard, en texte, JSON ou CSV ; rend le code de retour 0."""
    if forme == "json":
        print(table.to_json(orient="records", force_ascii=False, indent=1))
    elif forme == "csv":
        print(table.to_csv(index=False, lineterminator="\n"), end="")
    else:
        from cafdiag.restitution.terminal import tableau_en_texte

        print(tableau_en_texte(table))
    return 0


_ACTIONS = {
    "lister": _lister,
    "telecharger": _telecharger,
    "importer": _importer,
    "verifier": _verifier,
    "etat": _etat,
    "preparer": _preparer,
    "retirer": _retirer,
}
