"""``cafdiag simuler``, ``besoin``, ``horizon``, ``baremes`` et ``sppe`` : les options et l'affichage, rien d'autre."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cafdiag import cli_choix
from cafdiag.cli_donnees import afficher

_EPILOGUE = """exemples :
  cafdiag simuler 244900015
  cafdiag simuler 244900015 --cible 75 --mode eaje_psu=70 --mode am=30
  cafdiag simuler 244900015 --cout-place 30000 --cout-annuel 16000 --format csv
  cafdiag simuler 200048551 --cible france --taux eaje
  cafdiag simuler 200048551 --departs-am 40 --origine "PMI 53, 2025"
  cafdiag baremes --copie mes_baremes.toml
"""


def ajouter_commandes(sous_analyseurs: Any) -> None:
    """Ajoute les commandes à l'analyseur de :mod:`cafdiag.cli`."""
    simuler = sous_analyseurs.add_parser(
        "simuler",
        help="places à créer pour atteindre une cible, financements",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    simuler.add_argument("code", metavar="CODE", help="code ou nom du territoire")
    simuler.add_argument(
        "--cible",
        default="departement",
        metavar="CIBLE",
        help="departement (par défaut), region, france, comparables, ou un nombre de places pour 100 enfants",
    )
    simuler.add_argument(
        "--taux", choices=["global", "eaje"], default="global", help="tous modes, ou collectif"
    )
    simuler.add_argument(
        "--mode",
        action="append",
        default=[],
        metavar="MODE=PART",
        help="part (%%) des places créées : eaje_psu, eaje_hors_psu, am, prescol, gad ; tout en eaje_psu par défaut",
    )
    simuler.add_argument(
        "--baremes", metavar="FICHIER", help="vos barèmes (une copie de « cafdiag baremes --copie »)"
    )
    simuler.add_argument("--annee-bareme", metavar="ANNEE", help="les derniers connus par défaut")
    simuler.add_argument(
        "--enfants", metavar="N", type=_fourchette, help="enfants de moins de 3 ans : 700 ou 700-720"
    )
    simuler.add_argument("--places", metavar="N", type=_positif, help="places existantes")
    simuler.add_argument("--cout-place", metavar="EUROS", type=_positif, help="coût de création d'une place")
    simuler.add_argument("--cout-annuel", metavar="EUROS", type=_positif, help="coût annuel d'une place")
    simuler.add_argument(
        "--departs-am",
        metavar="PART",
        type=_positif,
        help="part (%%) des assistants maternels de 55 ans et plus",
    )
    simuler.add_argument(
        "--origine", default="", metavar="TEXTE", help="d'où vient cette part (obligatoire avec elle)"
    )
    baremes = sous_analyseurs.add_parser(
        "baremes", help="les barèmes datés de la Caf, et ce qu'on n'en sait pas"
    )
    baremes.add_argument("--baremes", metavar="FICHIER", help="les vôtres, à contrôler")
    baremes.add_argument("--annee", metavar="ANNEE", help="ceux qui valent au 31 décembre de cette année")
    baremes.add_argument("--copie", metavar="FICHIER", help="écrit une copie à corriger")
    sppe = sous_analyseurs.add_parser(
        "sppe", help="service public de la petite enfance : missions, trame du schéma"
    )
    sppe.add_argument("code", metavar="CODE", help="code ou nom du territoire")
    sppe.add_argument(
        "--population", choices=["totale", "municipale"], default="totale", help="comparée aux seuils"
    )
    sppe.add_argument(
        "--populations", metavar="FICHIER", help="populations totales (colonnes CODGEO et PTOT)"
    )
    sppe.add_argument(
        "--transfert", default="", metavar="MISSIONS", help="recenser,informer,planifier,qualite, ou tout"
    )
    sppe.add_argument("--beneficiaire", default="", metavar="NOM", help="qui les exerce ; l'EPCI par défaut")
    sppe.add_argument(
        "--ctg", metavar="FICHIER", help="la grille remplie : où la convention porte chaque point du schéma"
    )
    sppe.add_argument("--grille", metavar="FICHIER", help="écrit la grille vierge (.xlsx), à remplir pour --ctg")
    sppe.add_argument("--sortie", metavar="FICHIER", help="écrit la trame (.docx à reprendre, .html, .pdf ou .md)")
    horizon = sous_analyseurs.add_parser(
        "horizon", help="naissances et enfants jusqu'à dix ans : trois hypothèses, un intervalle éprouvé sur le passé"
    )
    horizon.add_argument("code", metavar="CODE", help="code ou nom : EPCI, commune de plus de 2 000 habitants…")
    horizon.add_argument("--annees", type=int, default=10, metavar="N", help="de 1 à 10 (par défaut)")
    horizon.add_argument(
        "--depuis", type=int, metavar="ANNEE", help="comme on l'aurait projeté cette année-là, pour comparer"
    )
    horizon.add_argument(
        "--departs-am", metavar="PART", type=_positif, help="part (%%) des assistants maternels de 55 ans et plus"
    )
    horizon.add_argument("--logements", metavar="N", type=_positif, help="logements livrés d'ici là")
    horizon.add_argument(
        "--enfants-par-logement", metavar="X", type=_positif, help="moins de 3 ans par logement (obligatoire avec eux)"
    )
    horizon.add_argument("--origine", default="", metavar="TEXTE", help="d'où viennent ces chiffres")
    besoin = sous_analyseurs.add_parser(
        "besoin", help="enfants de moins de 3 ans sans place à moins de tant de minutes, offre répartie au mieux"
    )
    besoin.add_argument("code", metavar="CODE", help="code ou nom : commune, EPCI, périmètre, département, région")
    besoin.add_argument("--minutes", metavar="N", default="15", help="trajet accepté (15 par défaut)")
    besoin.add_argument(
        "--vitesse", metavar="KM/H", help="vitesse sur la route, sans les durées de l'Insee (50 par défaut)"
    )
    besoin.add_argument("--carte", metavar="FICHIER", help="écrit aussi la carte par commune (.html, .png ou .svg)")
    cli_choix.apports(besoin)
    cli_choix.format_de_sortie(simuler, baremes, besoin, horizon)
    sppe.add_argument("--format", choices=["texte", "json", "csv", "md", "docx"], default="texte")


def _positif(texte: str) -> float:
    try:
        lu = float(texte.replace(" ", "").replace(",", "."))
    except ValueError:
        lu = -1.0
    if not 0 <= lu < float("inf"):
        raise argparse.ArgumentTypeError(f"« {texte} » n'est pas un nombre positif")
    return lu


def _fourchette(texte: str) -> float | tuple[float, float]:
    bas, tiret, haut = texte.partition("-")
    return (_positif(bas), _positif(haut)) if tiret else _positif(texte)


def simuler(options: argparse.Namespace) -> int:
    """Exécute « simuler »."""
    from cafdiag.indicateurs.departs import simuler_departs
    from cafdiag.indicateurs.simulation import simuler as calculer
    from cafdiag.indicateurs.simulation_objets import Hypotheses
    from cafdiag.restitution.simulation import lire_modes_ecrits, simulation_en_texte

    lieu = cli_choix.lire_lieu(options.code)
    resultat = calculer(
        lieu,
        cible=options.cible,
        taux=options.taux,
        modes=lire_modes_ecrits(options.mode),
        annee_bareme=options.annee_bareme,
        baremes=options.baremes,
        hypotheses=Hypotheses(options.enfants, options.places, options.cout_place, options.cout_annuel),
    )
    departs = None
    if options.departs_am is not None:
        departs = simuler_departs(lieu, part_55=options.departs_am, origine=options.origine)
    if options.format == "texte":
        print(simulation_en_texte(resultat, departs=departs))
        return 0
    table = resultat.table()
    if departs is not None:
        import pandas as pd

        table = pd.concat([table, departs.table()], ignore_index=True)
    return afficher(table, options.format)


def baremes(options: argparse.Namespace) -> int:
    """Exécute « baremes »."""
    from cafdiag.indicateurs.baremes import annee_du_bareme, copier_baremes, lire_baremes

    if options.copie:
        print(copier_baremes(options.copie))
        return 0
    table = lire_baremes(options.baremes).table(annee=annee_du_bareme(options.annee))
    if options.format == "texte":
        table = table[table["vaut"]].drop(columns=["vaut", "theme", "source", "remarque"])
    return afficher(table, options.format)


def besoin(options: argparse.Namespace) -> int:
    """Exécute « besoin »."""
    from cafdiag.indicateurs import Options
    from cafdiag.indicateurs.non_couvert import besoin as compter
    from cafdiag.restitution.besoin import en_texte

    cible = cli_choix.lire_lieu(options.code)
    choix = Options(vitesse_kmh=options.vitesse) if options.vitesse else None
    trouve = compter(cible, minutes=options.minutes, apports=cli_choix.lire_apports(options), options=choix)
    if options.carte:
        from cafdiag.restitution.besoin import carte

        print(f"cafdiag : carte écrite : {carte(trouve).enregistrer(options.carte)}", file=sys.stderr)
    if options.format == "texte":
        print(en_texte(trouve))
        return 0
    return afficher(trouve.table(), options.format)


def horizon(options: argparse.Namespace) -> int:
    """Exécute « horizon »."""
    from cafdiag.indicateurs.horizon import horizon as projeter
    from cafdiag.indicateurs.horizon_objets import ApportHorizon
    from cafdiag.restitution.horizon import en_texte

    cible = cli_choix.lire_lieu(options.code)
    apport = ApportHorizon(
        part_55=options.departs_am,
        logements=options.logements,
        enfants_par_logement=options.enfants_par_logement,
        origine=options.origine,
    )
    trouve = projeter(cible, annees=options.annees, depuis=options.depuis, apport=apport)
    if options.format == "texte":
        print(en_texte(trouve))
        return 0
    return afficher(trouve.table(), options.format)


def sppe(options: argparse.Namespace) -> int:
    """Exécute « sppe »."""
    from cafdiag.indicateurs.sppe import sppe as etablir
    from cafdiag.indicateurs.sppe_schema import lire_grille
    from cafdiag.restitution import sppe as kit

    lieu = cli_choix.lire_lieu(options.code)
    if options.grille:
        from cafdiag.restitution.modeles import ecrire_modele

        with cli_choix.noms_dits():
            print(ecrire_modele(kit.grille(), options.grille))
        return 0
    sortie = options.sortie
    if options.format == "docx":
        from pathlib import Path

        sortie = sortie or Path("sorties") / f"sppe-{lieu.suffixe}.docx"
    declares = lire_grille(options.ctg) if options.ctg else None
    etat = etablir(
        lieu,
        population=options.population,
        populations=options.populations,
        transferts=options.transfert,
        beneficiaire=options.beneficiaire,
    )
    if sortie:
        with cli_choix.noms_dits():
            print(kit.ecrire(etat, sortie, declares=declares))
        return 0
    if options.format in ("json", "csv"):
        return afficher(etat.communes.reset_index(), options.format)
    rendre = kit.en_markdown if options.format == "md" else kit.en_texte
    print(rendre(etat, kit.trame(etat, declares=declares)))
    if declares is None:
        print(
            "cafdiag : pour dire ce que la convention porte déjà : --grille grille.xlsx, puis --ctg grille.xlsx.",
            file=sys.stderr,
        )
    return 0
