"""``cafdiag lot …`` : les options et l'affichage ; la logique est dans :mod:`cafdiag.lot`.

Codes de retour : 0 tout est fait, 1 des échecs, 2 demande fausse (rien n'est lancé).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from cafdiag import cli_choix
from cafdiag.restitution.formats import pluriel

if TYPE_CHECKING:
    from cafdiag.lot.execution import Avancement
    from cafdiag.lot.machine import Original
    from cafdiag.restitution.processus import Resultat

_EPILOGUE = """exemples :
  cafdiag lot --departement 53
  cafdiag lot --region 52 --formats html --sortie rapports
  cafdiag lot --fichier liste.csv --reprendre
  cafdiag lot --france --processus 8
  cafdiag lot --france --dask tcp://ordonnanceur:8786
"""


def ajouter_commandes(sous_analyseurs: Any) -> argparse.ArgumentParser:
    """Ajoute « lot » à l'analyseur de :mod:`cafdiag.cli`."""
    lot = sous_analyseurs.add_parser(
        "lot",
        help="beaucoup de rapports d'un coup",
        description="Les rapports d'un département, d'une région, d'une liste, de la France.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lot.add_argument("--departement", metavar="CODE", default="", help="toutes ses intercommunalités (53,49)")
    lot.add_argument("--region", metavar="CODE", default="", help="toutes ses intercommunalités")
    lot.add_argument("--territoires", metavar="A,B", default="", help="codes ou noms, séparés par « , » ou « ; »")
    lot.add_argument(
        "--fichier", metavar="LISTE", default="", help="liste CSV, colonne « code » (et « nom_usage »)"
    )
    lot.add_argument("--france", action="store_true", help="toutes les intercommunalités de France")
    lot.add_argument(
        "--maille",
        choices=["epci", "commune", "departement", "region"],
        default="epci",
        help="pour --departement, --region et --france ; l'EPCI par défaut",
    )
    lot.add_argument("--sortie", metavar="DOSSIER", default="sorties")
    lot.add_argument("--formats", metavar="LISTE", default="html,ipynb", help="comme pour « diagnostic »")
    lot.add_argument("--annee", type=int, help="année des données, la dernière par défaut")
    lot.add_argument("--reprendre", action="store_true", help="ne refait que ce qui a changé ou échoué")
    lot.add_argument("--processus", type=int, default=0, metavar="N", help="de front ; un par cœur par défaut")
    lot.add_argument(
        "--moteur",
        choices=["auto", "copie", "neuf"],
        default="auto",
        # Leurs noms d'avant restent compris.
        type=lambda nom: {"souche": "copie", "processus": "neuf"}.get(nom, nom),
        help="copie : chaque carnet dans la copie d'un processus déjà chargé (Linux) ; neuf : un processus neuf "
        "chacun, plus lent, mêmes rapports",
    )
    lot.add_argument("--dask", metavar="ADRESSE", default="", help="un ordonnanceur dask existant")
    lot.add_argument("--delai", type=int, default=900, metavar="S", help="secondes par rapport (900)")
    lot.add_argument("--memoire", type=int, default=4000, metavar="MO", help="mégaoctets par rapport (4000)")
    cli_choix.identite(lot)
    cli_choix.autre_parametre(lot)
    cli_choix.apports(lot)
    cli_choix.questionnaire(lot)
    cli_choix.choix(lot)
    cli_choix.durees(lot)
    return lot


def executer(options: argparse.Namespace) -> int:
    """Mène le lot demandé ; rend son code de retour."""
    with _arrets_entendus():
        return _executer(options)


def _executer(options: argparse.Namespace) -> int:
    from cafdiag.erreurs import DemandeFausse

    if options.processus < 0 or options.delai < 1 or options.memoire < 1:
        raise DemandeFausse("--processus, --delai et --memoire sont des nombres positifs")
    if options.dask:
        from cafdiag.lot.grappe import exiger_distributed

        exiger_distributed()
        return _produire(options, None)
    from cafdiag.lot.machine import Original, OriginalPerdu

    if options.moteur == "neuf":
        return _produire(options, None)
    try:
        # Avant les imports de ce processus : ceux de l'original se font pendant ce temps.
        original = Original()
    except OriginalPerdu:
        return _produire(options, None)
    try:
        return _produire(options, original)
    finally:
        original.fermer()


def _produire(options: argparse.Namespace, original: Original | None) -> int:
    from cafdiag.erreurs import DemandeFausse, EntreeFautive
    from cafdiag.lot.execution import Reglages, produire_lot
    from cafdiag.lot.plan import cibles, planifier
    from cafdiag.restitution.processus import Limites
    from cafdiag.restitution.produire import trouver_identite

    try:
        lignes = cibles(
            departement=options.departement,
            region=options.region,
            france=options.france,
            territoires=options.territoires,
            fichier=options.fichier,
            maille=options.maille,
        )
        plan = planifier(
            lignes,
            formats=options.formats,
            annee=options.annee,
            parametres=cli_choix.parametres(options),
            identite=trouver_identite(options.formats, options.identite, options.sortie),
            modele=options.modele,
        )
    except EntreeFautive as faute:
        # Rien n'est lancé : c'est la demande qui est fausse, pas un diagnostic qui a échoué.
        faute.code_retour = DemandeFausse.code_retour
        raise
    for remarque in plan.remarques:
        _dire(remarque)
    _dire(f"{pluriel(len(plan.commandes), 'diagnostic demandé', 'diagnostics demandés')} dans {options.sortie}.")
    journal = Journal(len(plan.commandes))
    reglages = Reglages(
        sortie=Path(options.sortie),
        moteur=options.moteur,
        processus=options.processus,
        dask=options.dask,
        reprendre=options.reprendre,
        limites=Limites(delai=options.delai, memoire=options.memoire),
    )
    try:
        bilan = produire_lot(
            plan,
            reglages,
            annoncer=_dire,
            suivre=journal.suivre,
            conclure=lambda faits: _vues_departementales(options, faits),
            original=original,
        )
    except KeyboardInterrupt:
        journal.finir()
        _dire("relancez la même commande avec --reprendre pour finir.")
        raise
    finally:
        journal.finir()
    for cle, motif in bilan.echecs.items():
        _dire(f"échec — {cle} : {motif.splitlines()[0] if motif else 'raison inconnue'}")
    _dire(
        ", ".join(_comptes(bilan.faits, bilan.repris, len(bilan.echecs), bilan.restants))
        + f" en {duree(bilan.duree)}."
    )
    if bilan.code_retour:
        _dire("relancez la même commande avec --reprendre pour compléter.")
    _ecrire(sys.stdout, str(bilan.index))
    return bilan.code_retour


def _vues_departementales(options: argparse.Namespace, faits: int) -> None:
    """Le tableau de bord de chaque département demandé, à côté des rapports de ses EPCI ; l'index y mène."""
    if not options.departement or options.maille != "epci" or "html" not in options.formats:
        return
    if options.annee is not None:
        # Elle met tous les EPCI à la dernière date commune : à une autre, elle contredirait les rapports.
        _dire("pas de vue départementale avec --annee : lancez « cafdiag departement » pour la dernière année.")
        return
    from cafdiag.erreurs import CafdiagError
    from cafdiag.indicateurs import Options
    from cafdiag.restitution.departement import departement_nomme, vue_departementale

    for nom in re.split("[,;]", options.departement):
        if not nom.strip():
            continue
        cible = departement_nomme(nom.strip())
        if not faits and (Path(options.sortie) / f"departement-{cible.code}.html").is_file():
            continue
        try:
            vue_departementale(
                cible,
                sortie=options.sortie,
                apports=cli_choix.lire_apports(options),
                options=Options(**cli_choix.calcul(options)),
            )
        except CafdiagError as erreur:
            # Les rapports sont faits : la page qui les réunit ne les met pas en échec.
            _dire(f"pas de vue départementale de {cible.nom} : {erreur}")


class Arret(KeyboardInterrupt):
    """Le système demande l'arrêt (terminal fermé, ``kill``) : comme un Ctrl-C, avec son code de retour."""

    def __init__(self, numero: int) -> None:
        super().__init__(numero)
        self.code_retour = 128 + numero


@contextlib.contextmanager
def _arrets_entendus() -> Iterator[None]:
    def arreter(numero: int, _: Any) -> NoReturn:
        raise Arret(numero)

    ecoutes = []
    if threading.current_thread() is threading.main_thread():
        for nom in ("SIGTERM", "SIGHUP"):
            numero = getattr(signal, nom, None)
            # Ignoré (nohup) ou déjà pris par un autre : on n'y touche pas.
            if numero is not None and signal.getsignal(numero) is signal.SIG_DFL:
                signal.signal(numero, arreter)
                ecoutes.append(numero)
    try:
        yield
    finally:
        for numero in ecoutes:
            signal.signal(numero, signal.SIG_DFL)


def _comptes(faits: int, gardes: int, echecs: int, restants: int) -> list[str]:
    """« 3 faits », « 1 gardé »… ; ce qui est nul ne se dit pas, sauf ce qui est fait."""
    dits = [pluriel(faits, "diagnostic fait", "diagnostics faits")]
    autres = ((gardes, "gardé", "gardés"), (echecs, "échec", "échecs"), (restants, "non fait", "non faits"))
    return dits + [pluriel(n, *mots) for n, *mots in autres if n]


def _dire(phrase: str) -> None:
    _ecrire(sys.stderr, f"cafdiag : {phrase}")


def _ecrire(flux: TextIO, texte: str, *, fin: str = "\n") -> None:
    """Écrit ; un lecteur parti (« | head ») n'arrête pas un lot."""
    try:
        print(texte, file=flux, end=fin, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), flux.fileno())


def duree(secondes: float) -> str:
    """Une durée lisible.

    >>> duree(42), duree(95), duree(3720)
    ('42 s', '1 min 35 s', '1 h 02 min')
    """
    entier = round(secondes)
    if entier < 60:
        return f"{entier} s"
    if entier < 3600:
        return f"{entier // 60} min {entier % 60:02d} s"
    return f"{entier // 3600} h {entier % 3600 // 60:02d} min"


class Journal:
    """La progression : une ligne qui se réécrit dans un terminal ; ailleurs, une ligne de temps en temps."""

    def __init__(self, total: int) -> None:
        self.terminal = sys.stderr.isatty()
        self.total, self._prochain, self._ecrit = total, 0.0, 0

    def suivre(self, suivi: Avancement, resultat: Resultat | None) -> None:
        """Reçoit chaque pas du lot."""
        if resultat is not None and resultat.motif:
            self._effacer()
            _dire(f"échec — {resultat.cle} : {resultat.motif.splitlines()[0]}")
        maintenant = time.monotonic()
        if maintenant < self._prochain:
            return
        self._prochain = maintenant + (0.5 if self.terminal else 30)
        finis = suivi.repris + suivi.faits + suivi.echecs
        reste = f", reste {duree(suivi.reste_s)}" if suivi.reste_s is not None else ""
        texte = (
            f"{finis}/{suivi.total} — {pluriel(suivi.faits, 'fait')}, {suivi.en_cours} en cours, "
            f"{pluriel(suivi.echecs, 'échec')}{reste}"
        )
        if self.terminal:
            large = max(20, shutil.get_terminal_size((79, 24)).columns - 1)
            _ecrire(sys.stderr, f"\r{texte[:large]:<{large}}", fin="")
            self._ecrit = large
        elif finis:
            _dire(texte)

    def _effacer(self) -> None:
        if self._ecrit:
            _ecrire(sys.stderr, f"\r{'':<{self._ecrit}}\r", fin="")
            self._ecrit = 0

    def finir(self) -> None:
        """Rend la ligne au terminal."""
        self._effacer()
