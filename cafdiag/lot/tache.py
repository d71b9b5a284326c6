"""Un diagnostic d'un lot : une fonction, un ordre, un résultat ; les trois voyagent d'un processus à l'autre.

La fonction n'écrit rien dans le dossier de sortie : elle rend le contenu des fichiers, que le lot range. Un
carnet en erreur n'est pas une exception mais un résultat ; seule une panne de la machinerie en lève une.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cafdiag.erreurs import CafdiagError
from cafdiag.lot.bornes import Bornes, MoteurSurveille
from cafdiag.lot.elevage import SoucheIndisponible, souche_commune
from cafdiag.lot.moteur_souche import MoteurDuplique
from cafdiag.restitution.produire import Commande, contenus

FAIT, ECHEC, A_FAIRE = "fait", "echec", "a_faire"


@dataclass(frozen=True)
class Ordre:
    """Ce qu'il faut pour produire un diagnostic, n'importe où.

    Attributes
    ----------
    commande : Commande
    bornes : Bornes
    moteur : {"souche", "processus"}
    repetition : dict of str
        Paramètres du carnet joué une fois par la souche avant de servir ; vide, elle n'en joue aucun.
    environnement : dict of str
        Variables d'environnement à ajouter pour le noyau.
    provisoire : str
        Dossier où travailler ; celui du système par défaut.
    """

    commande: Commande
    bornes: Bornes
    moteur: str = "processus"
    repetition: dict[str, str] = field(default_factory=dict)
    environnement: dict[str, str] = field(default_factory=dict)
    provisoire: str = ""

    @property
    def souche(self) -> dict[str, Any]:
        """Ce que demande cet ordre à :func:`cafdiag.lot.elevage.souche_commune`."""
        gabarit = str(self.commande.gabarit) if self.repetition else ""
        return {"gabarit": gabarit, "parametres": self.repetition, "environnement": self.environnement}

    @property
    def cle(self) -> str:
        """Ce qui nomme les fichiers : unique dans un lot."""
        return self.commande.suffixe


@dataclass(frozen=True)
class Resultat:
    """Ce que rend un diagnostic : ses fichiers, ou pourquoi il n'y en a pas."""

    cle: str
    etat: str
    duree: float
    moteur: str
    fichiers: dict[str, tuple[str, str | bytes]] = field(default_factory=dict)
    motif: str = ""
    carnet_fautif: bytes = b""


def amorcer() -> None:
    """Prépare un processus ouvrier : ni grammaire IRI à compiler, ni Ctrl-C pour lui."""
    import signal

    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_suivre_le_lot, daemon=True).start()


def _suivre_le_lot() -> None:
    """Le lot mort, l'ouvrier finit, et son noyau avec lui : personne ne lirait leur travail."""
    lot = multiprocessing.parent_process()
    if lot is not None:
        lot.join()
        os._exit(1)


def executer(ordre: Ordre) -> Resultat:
    """Produit un diagnostic."""
    debut = time.perf_counter()
    dossier = tempfile.mkdtemp(prefix="cafdiag-lot-", dir=ordre.provisoire or None)
    try:
        return _executer(ordre, Path(dossier), debut)
    finally:
        shutil.rmtree(dossier, ignore_errors=True)


def _executer(ordre: Ordre, dossier: Path, debut: float) -> Resultat:
    from papermill.exceptions import PapermillExecutionError

    essai = dossier / "carnet.ipynb"
    motif, detail = "", b""
    try:
        carnet = _jouer(ordre, dossier, essai)
        fichiers = contenus(carnet, ordre.commande)
        return Resultat(ordre.cle, FAIT, time.perf_counter() - debut, ordre.moteur, fichiers)
    except PapermillExecutionError as cause:
        motif = f"{cause.ename} : {cause.evalue}"
    except SoucheIndisponible:
        raise
    except CafdiagError as cause:
        motif = str(cause)
    except Exception as cause:
        motif = f"{type(cause).__name__} : {cause}"
        detail = traceback.format_exc().encode("utf-8", "replace")
    duree = time.perf_counter() - debut
    carnet_fautif = essai.read_bytes() if essai.exists() else detail
    return Resultat(
        ordre.cle, ECHEC, duree, ordre.moteur, motif=motif[:2000], carnet_fautif=carnet_fautif
    )


def _jouer(ordre: Ordre, dossier: Path, essai: Path):
    """Le carnet exécuté. Une souche morte est relancée une fois ; un carnet fautif ne l'est jamais."""
    for reste in (1, 0):
        try:
            return _papermill(ordre, dossier, essai)
        except SoucheIndisponible:
            if not reste:
                raise
    raise AssertionError("inatteignable")


def _papermill(ordre: Ordre, dossier: Path, essai: Path):
    import papermill
    from papermill.engines import papermill_engines

    # Par son nom et non par son point d'entrée : un lot doit marcher depuis un dépôt non installé.
    papermill_engines.register("souche", MoteurDuplique)
    papermill_engines.register("cafdiag", MoteurSurveille)
    options = {}
    if ordre.moteur == "souche":
        options["souche"] = souche_commune(**ordre.souche)
    travail = dossier / "travail"
    travail.mkdir(exist_ok=True)
    return papermill.execute_notebook(
        str(ordre.commande.gabarit),
        str(essai),
        parameters=ordre.commande.parametres,
        engine_name="souche" if ordre.moteur == "souche" else "cafdiag",
        progress_bar=False,
        log_output=False,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        execution_timeout=ordre.commande.delai,
        start_timeout=120,
        # cwd= déplacerait tout le processus, et les autres carnets avec lui.
        dossier=str(travail),
        bornes=ordre.bornes,
        environnement=ordre.environnement,
        **options,
    )
