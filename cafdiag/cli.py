"""La ligne de commande : des résultats lisibles par machine sur la sortie, les messages à côté.

Codes de retour : 0 réussi, 1 échec (écriture, données abîmées), 2 demande fausse (code, option).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from cafdiag import cli_choix, cli_donnees, cli_lot, cli_secret, cli_simuler, cli_suivi
from cafdiag.cli_choix import Analyseur, annoncer
from cafdiag.cli_donnees import afficher, ajouter_commandes
from cafdiag.erreurs import CafdiagError, DemandeFausse, TerritoireAmbigu
from cafdiag.geographie import ANCIENNE, ANNEES, REFERENCE, en_vigueur

_EPILOGUE_PERIMETRE = """exemples :
  cafdiag perimetre lister
  cafdiag perimetre garder "Pôle sud" 53012+53084
  cafdiag diagnostic "perimetre:Pôle sud"
  cafdiag perimetre oublier "Pôle sud"
  cafdiag perimetre montres
  cafdiag perimetre oublier-montres 53012+53084
"""


def _commandes_de_perimetre(sous_analyseurs: Any) -> argparse.ArgumentParser:
    """Ajoute « perimetre » et ses actions à l'analyseur de :mod:`cafdiag.cli`."""
    perimetre = sous_analyseurs.add_parser(
        "perimetre",
        help="les périmètres libres gardés sous un nom",
        description=(
            "Les périmètres libres gardés sous un nom : ils se relisent partout, et le secret statistique "
            "juge ceux d'après en les sachant montrés."
        ),
        epilog=_EPILOGUE_PERIMETRE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = perimetre.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=type(perimetre)
    )
    lister = actions.add_parser("lister", help="les périmètres gardés")
    garder = actions.add_parser("garder", help="garde un périmètre ; de même nom, il remplace")
    garder.add_argument("nom", metavar="NOM", help="par exemple « Pôle sud »")
    garder.add_argument("codes", metavar="CODES", help="codes de communes, d'EPCI ou de départements : 53012+53084")
    oublier = actions.add_parser("oublier", help="ôte un périmètre gardé")
    oublier.add_argument("nom", metavar="NOM", help="voir « cafdiag perimetre lister »")
    montres = actions.add_parser(
        "montres", help="le journal des périmètres dont des chiffres confidentiels ont été montrés"
    )
    cli_choix.format_de_sortie(lister, montres)
    oublier_montres = actions.add_parser(
        "oublier-montres", help="ôte du journal un périmètre montré : ceux d'après ne le connaîtront plus"
    )
    vises = oublier_montres.add_mutually_exclusive_group(required=True)
    vises.add_argument("codes", metavar="CODES", nargs="?", help="53012+53084, ou le code P-… du journal")
    vises.add_argument("--tous", action="store_true", help="tout le journal")
    return perimetre


def _perimetre(options: argparse.Namespace) -> int:
    """Exécute l'action demandée ; rend son code de retour."""
    return _ACTIONS[options.action](options)


def _lister(options: argparse.Namespace) -> int:
    from cafdiag.territoires import perimetres_gardes

    rien = "aucun périmètre gardé ; voyez « cafdiag perimetre garder --help »."
    return _afficher_s_il_y_en_a(perimetres_gardes(), options.format, rien)


def _afficher_s_il_y_en_a(table: Any, forme: str, rien: str) -> int:
    if table.empty and forme == "texte":
        print(f"cafdiag : {rien}", file=sys.stderr)
        return 0
    return afficher(table, forme)


def _garder(options: argparse.Namespace) -> int:
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

    rien = "aucun périmètre libre n'a montré de chiffre confidentiel."
    return _afficher_s_il_y_en_a(perimetres_montres(), options.format, rien)


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


# --- L'explorateur, l'atelier ---


def _commandes_d_explorateur(sous_analyseurs: Any) -> None:
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


def _explorateur(options: argparse.Namespace) -> int:
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


# --- Toutes les commandes ---


PAR_DEFAUT = "200048551"
_EPILOGUE = """exemples :
  cafdiag territoires craon
  cafdiag mesurer 200048551 -i PE_TXCOUV_GLOBAL --format json
  cafdiag comparables 200048551 --k 5
  cafdiag carte "Pays de Craon" PE_TXCOUV_GLOBAL --sortie carte.html
  cafdiag diagnostic 200048551 --sortie sorties
  cafdiag diagnostic 53012+53084 --nom "Pôle sud" --formats html,docx,xlsx
  cafdiag explorer
  cafdiag lot --departement 53
"""


def analyseur() -> argparse.ArgumentParser:
    """Construit l'analyseur des arguments."""
    racine = Analyseur(
        prog="cafdiag",
        description="Diagnostic de territoire des Caf : données, cartes, rapport.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    racine.add_argument("--version", action="store_true", help="affiche la version")
    commandes = racine.add_subparsers(dest="commande", metavar="COMMANDE", parser_class=Analyseur)

    territoires = commandes.add_parser("territoires", help="liste et cherche les territoires")
    territoires.add_argument(
        "--maille",
        choices=["commune", "epci", "departement", "region", "qpv"],
        help="par défaut : EPCI ; toutes les mailles avec --recherche",
    )
    territoires.add_argument("--departement", metavar="CODE", help="par exemple 53")
    territoires.add_argument("mots", metavar="NOM", nargs="*", help="tout ou partie d'un nom, ou un code")
    territoires.add_argument("--recherche", metavar="NOM", help="la même chose")

    indicateurs = commandes.add_parser("indicateurs", help="le dictionnaire des indicateurs")
    indicateurs.add_argument("--theme", metavar="THEME", help="par exemple petite-enfance")

    mesurer = commandes.add_parser("mesurer", help="les mesures d'un territoire, ou de plusieurs côte à côte")
    mesurer.add_argument(
        "codes",
        metavar="CODE",
        nargs="+",
        help="code ou nom ; 53012+53084 pour un périmètre libre ; plusieurs se mettent côte à côte",
    )
    mesurer.add_argument("-i", "--indicateur", action="append", metavar="INDICATEUR", dest="indicateurs")
    mesurer.add_argument("--annee", type=int)
    mesurer.add_argument("--comparer", action="store_true", help="ajoute département, région, France et comparables")
    cli_choix.apports(mesurer)
    cli_choix.choix(mesurer)
    cli_choix.acces(mesurer)

    comparables = commandes.add_parser("comparables", help="les territoires qui ressemblent à celui-ci")
    comparables.add_argument("code", metavar="CODE")
    comparables.add_argument("--k", type=int, default=10, metavar="NOMBRE", help="combien (10 par défaut)")
    cli_choix.format_de_sortie(territoires, indicateurs, mesurer, comparables)

    carte = commandes.add_parser("carte", help="la carte d'un indicateur, sans réseau")
    carte.add_argument("code", metavar="CODE")
    carte.add_argument("indicateur", metavar="INDICATEUR")
    carte.add_argument(
        "--sortie",
        metavar="FICHIER",
        help="page .html, ou image .png ou .svg ; par défaut : sorties/carte-CODE-INDICATEUR.html",
    )
    carte.add_argument(
        "--classes",
        choices=["auto", "france", "territoire"],
        default="auto",
        help="couleurs en rapport à la France, ou propres à la carte ; auto : propres à la carte quand plus des "
        "deux tiers des lieux seraient de la même couleur",
    )
    cli_choix.apports(carte)
    cli_choix.secret(carte)

    diagnostic = commandes.add_parser("diagnostic", help="le rapport complet d'un territoire")
    diagnostic.add_argument(
        "code",
        metavar="CODE",
        nargs="?",
        default=PAR_DEFAUT,
        help=f"par défaut : le Pays de Craon ({PAR_DEFAUT})",
    )
    diagnostic.add_argument("--sortie", metavar="DOSSIER", default="sorties")
    diagnostic.add_argument(
        "--formats",
        default="html,ipynb",
        metavar="LISTE",
        help="html,ipynb par défaut ; aussi note (quatre pages pour un élu), pptx (diapositives), fiches "
        "(actions), xlsx, docx, pdf, gpkg, geojson",
    )
    diagnostic.add_argument("--nom", default="", metavar="NOM", help="nom d'usage, en titre du rapport")
    diagnostic.add_argument("--annee", type=int, help="année des données, la dernière par défaut")
    cli_choix.identite(diagnostic)
    diagnostic.add_argument(
        "--actions",
        default="",
        metavar="FICHIER",
        help="le tableau actions-CODE.xlsx que vous avez rempli, pour --formats fiches : une fiche par action",
    )
    cli_choix.questionnaire(diagnostic)
    diagnostic.add_argument("--ouvrir", action="store_true", help="ouvre ensuite le rapport dans le navigateur")
    cli_choix.autre_parametre(diagnostic)
    cli_choix.apports(diagnostic)
    cli_choix.choix(diagnostic)
    cli_choix.durees(diagnostic)
    cli_simuler.ajouter_commandes(commandes)
    cli_suivi.ajouter_commandes_du_dossier(commandes)
    departement = commandes.add_parser("departement", help="le tableau de bord des EPCI d'un département")
    departement.add_argument("code", metavar="CODE", help="code ou nom du département, par exemple 53")
    departement.add_argument(
        "--sortie", metavar="DOSSIER", default="sorties", help="là où sont déjà les diagnostics, pour les relier"
    )
    cli_choix.apports(departement)
    cli_choix.secret(departement)
    cli_suivi.ajouter_commandes(commandes)
    ajouter_commandes(commandes)
    _commandes_de_perimetre(commandes)
    cli_secret.ajouter_commandes(commandes)
    _commandes_d_explorateur(commandes)
    cli_lot.ajouter_commandes(commandes)
    _geographie(racine)
    return racine


def _geographie(analyseur_: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Ajoute ``--geographie`` à une commande et à toutes ses sous-commandes."""
    analyseur_.add_argument(
        "--geographie",
        type=int,
        choices=ANNEES,
        metavar="ANNEE",
        help=f"{ANCIENNE} : les intercommunalités et les noms d'avant le 1er janvier {REFERENCE}",
        default=default,
    )
    for action in analyseur_._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sous in dict.fromkeys(action.choices.values()):
                # Dite avant ou après le nom de la commande.
                _geographie(sous, default=argparse.SUPPRESS)


def principal(arguments: list[str] | None = None) -> int:
    """Point d'entrée : exécute une commande, rend son code de retour."""
    for flux in (sys.stdout, sys.stderr):
        # Console Windows en cp1252 : un accent ou un « → » ne doit pas interrompre un rapport.
        if hasattr(flux, "reconfigure"):
            flux.reconfigure(encoding="utf-8", errors="replace")
    # jsonschema compile une grammaire de 2 s à l'import (format IRI, inutile ici) : on l'en dispense.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    try:
        options = analyseur().parse_args([*map(cli_choix.redresser, sys.argv[1:] if arguments is None else arguments)])
        with en_vigueur(options.geographie):
            while True:
                try:
                    return _executer(options)
                except TerritoireAmbigu as faute:
                    options = cli_choix.preciser(options, faute)
    except CafdiagError as erreur:
        print(_a_taper(f"cafdiag : {erreur}"), file=sys.stderr)
        return erreur.code_retour
    except KeyboardInterrupt as arret:
        print("cafdiag : interrompu ; rien n'a été écrit à moitié.", file=sys.stderr)
        return getattr(arret, "code_retour", 130)
    except BrokenPipeError:
        # « cafdiag territoires | head » : le lecteur est parti, ce n'est pas une faute.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _a_taper(conseil: str) -> str:
    """Un conseil et ses commandes, telles qu'elles se tapent ici : par ``lancer.py``, s'il nous a appelés."""
    tapee = os.environ.get("CAFDIAG_COMMANDE", "")
    nos = "|".join((*_COMMANDES, "--help"))
    return re.sub(rf"\bcafdiag (?=(?:{nos})\b)", lambda _: f"{tapee} ", conseil) if tapee else conseil


def _executer(options: argparse.Namespace) -> int:
    if options.version:
        from cafdiag import __version__

        print(f"cafdiag {__version__}")
        return 0
    if options.commande is None:
        analyseur().print_help()
        return 2
    # Celles-ci disent elles-mêmes où elles en sont.
    if options.commande in ("diagnostic", "lot", "explorer", "atelier", "donnees"):
        return _COMMANDES[options.commande](options)
    with cli_choix.patience():
        return _COMMANDES[options.commande](options)


def _territoires(options: argparse.Namespace) -> int:
    from cafdiag.erreurs import TerritoireInconnu
    from cafdiag.territoires import lister, territoire

    recherche = " ".join(filter(None, [options.recherche, *options.mots])) or None
    maille = options.maille or (None if recherche else "epci")
    table = lister(maille, departement=options.departement, recherche=recherche)
    if table.empty:
        if recherche and not options.departement:
            # Il dit pourquoi, ou ce qui ressemble.
            territoire(recherche if maille is None else f"{maille}:{recherche}")
        raise TerritoireInconnu(
            recherche or options.departement or "",
            conseil="essayez un morceau du nom, ou un autre département",
        )
    if "ancien_nom" in table and table["ancien_nom"].isna().all():
        table = table.drop(columns="ancien_nom")
    return afficher(table, options.format)


def _indicateurs(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs import dictionnaire

    table = dictionnaire(theme=options.theme).reset_index(drop=True)
    if options.format == "texte":
        table = table[["libelle", "unite", "annee", "theme", "code"]]
    return afficher(table, options.format)


def _mesurer(options: argparse.Namespace) -> int:
    import pandas as pd

    from cafdiag.indicateurs import Options, comparer, mesurer
    from cafdiag.restitution.demande import refuser_annee_inconnue
    from cafdiag.restitution.formats import chiffrees
    from cafdiag.territoires import territoire

    cibles = cli_choix.tout_lire(*(partial(territoire, code) for code in options.codes))
    cibles = list({cible.cle: cible for cible in cibles}.values())
    if options.comparer and len(cibles) > 1:
        raise DemandeFausse(
            "--comparer ajoute les références d'un seul territoire",
            conseil="nommez-les toutes : cafdiag mesurer A B 53 region:52 FR",
        )
    for cible in cibles:
        cli_choix.annoncer(cible, cible.code if cible.code in options.codes else "")
    fonction = comparer if options.comparer else mesurer
    apports, choix = cli_choix.lire_apports(options), Options(**cli_choix.calcul(options))
    tables = [
        fonction(cible, options.indicateurs, annee=options.annee, apports=apports, options=choix) for cible in cibles
    ]
    table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    # Après le calcul : un registre apporté peut avoir des chiffres d'une année que rien d'autre ne connaît.
    if options.annee is not None and not table.loc[chiffrees(table), "annee"].eq(options.annee).any():
        refuser_annee_inconnue(options.annee, cibles[0])
    if options.format == "texte":
        from cafdiag.restitution.terminal import mesures_en_texte

        print(mesures_en_texte(table))
        return 0
    return afficher(table, options.format)


def _comparables(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs.comparables import voisinage
    from cafdiag.restitution.formats import nombre

    cible = cli_choix.lire_lieu(options.code)
    choisis = voisinage(cible, k=options.k)
    print(f"cafdiag : choisis parmi {nombre(choisis.candidats)}, d'après :", file=sys.stderr)
    for variable in choisis.variables:
        print(f"  {variable.libelle}", file=sys.stderr)
    for libelle, motif in choisis.ecartees.items():
        print(f"  (sans {libelle} : {motif})", file=sys.stderr)
    table = choisis.table.round(3)
    if options.format == "texte":
        table = table.round(dict.fromkeys(table.select_dtypes("float").columns.drop("distance"), 1))
    return afficher(table, options.format)


def _carte(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs import Options
    from cafdiag.restitution.cartes import carte

    cible = cli_choix.lire_lieu(options.code)
    choix = Options(**cli_choix.calcul(options))
    apports = cli_choix.lire_apports(options)
    objet = carte(cible, options.indicateur, apports=apports, options=choix, classes=options.classes)
    sortie = options.sortie or Path("sorties") / f"carte-{cible.suffixe}-{options.indicateur.upper()}.html"
    print(objet.enregistrer(sortie))
    return 0


def _diagnostic(options: argparse.Namespace) -> int:
    from cafdiag.restitution.processus import processus_d_avance

    with processus_d_avance():
        return _produire_le_diagnostic(options)


def _produire_le_diagnostic(options: argparse.Namespace) -> int:
    from cafdiag.restitution.produire import diagnostic, formats_voulus

    lire_lieu, lire_formats = partial(cli_choix.lire_lieu, options.code), partial(formats_voulus, options.formats)
    cible, formats = cli_choix.tout_lire(lire_lieu, lire_formats)
    if options.registre:
        cli_choix.lire_apports(options)  # dit ce que le registre a rangé de côté, avant un rapport qui ne le compte pas
    print(f"cafdiag : diagnostic en cours : {options.nom or cible.libelle}…", file=sys.stderr)
    promesses: list[str] = []
    with cli_choix.noms_dits():
        chemins = diagnostic(
            cible,
            sortie=options.sortie,
            formats=tuple(formats),
            nom_usage=options.nom,
            annee=options.annee,
            parametres=cli_choix.parametres(options),
            identite=options.identite,
            modele=options.modele,
            actions=options.actions,
            annoncer=promesses.append,
        )
    for chemin in chemins.values():
        print(chemin)
    page = chemins.get("html") or chemins.get("note")
    if page and not (options.ouvrir and _ouvrir(page)):
        print(f"cafdiag : ouvrez {page.resolve()} dans un navigateur.", file=sys.stderr)
    for dite in promesses:
        print(_a_taper(f"cafdiag : {dite}"), file=sys.stderr)
    return 0


def _ouvrir(page: Path) -> bool:
    """Ouvre une page écrite dans le navigateur de l'usager ; faux s'il n'y en a pas."""
    import webbrowser

    try:
        return webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        return False


def _departement(options: argparse.Namespace) -> int:
    from cafdiag.indicateurs import Options
    from cafdiag.restitution.departement import vue_departementale

    chemins = vue_departementale(
        options.code,
        sortie=options.sortie,
        apports=cli_choix.lire_apports(options),
        options=Options(**cli_choix.calcul(options)),
    )
    for chemin in chemins.values():
        print(chemin)
    print(f"cafdiag : ouvrez {chemins['html'].resolve()} dans un navigateur.", file=sys.stderr)
    return 0


_COMMANDES = {
    "territoires": _territoires,
    "indicateurs": _indicateurs,
    "mesurer": _mesurer,
    "comparables": _comparables,
    "carte": _carte,
    "diagnostic": _diagnostic,
    "simuler": cli_simuler.simuler,
    "baremes": cli_simuler.baremes,
    "sppe": cli_simuler.sppe,
    "besoin": cli_simuler.besoin,
    "horizon": cli_simuler.horizon,
    "departement": _departement,
    "donnees": cli_donnees.executer,
    "perimetre": _perimetre,
    "secret": cli_secret.executer,
    **dict.fromkeys(
        ("serie", "decomposer", "figer", "evaluer", "anomalies", "avis", "bilan", "questionnaire"), cli_suivi.executer
    ),
    **dict.fromkeys(("explorer", "atelier"), _explorateur),
    "lot": cli_lot.executer,
}
