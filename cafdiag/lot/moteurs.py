"""Les moteurs : qui exécute les diagnostics d'un lot, derrière l'interface ``concurrent.futures.Executor``.

- ``souche`` : un fil par diagnostic en cours, chacun dans une copie d'un processus préchargé (Linux) ;
- ``processus`` : un groupe de processus, un noyau neuf par diagnostic (partout, Windows compris) ;
- une grappe dask : voir :mod:`cafdiag.lot.grappe`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.lot import elevage
from cafdiag.lot.elevage import SoucheIndisponible
from cafdiag.lot.tache import Ordre, Resultat, amorcer, executer

MOTEURS = ("auto", "processus", "souche")
# Au-delà, la mémoire d'un ouvrier n'est plus tout à fait celle d'un processus neuf.
_CARNETS_PAR_OUVRIER = 40
_OUVRIERS_MAXIMUM = 61  # ce que Windows accepte


class Panne(Exception):
    """La machinerie a failli, pas le carnet : l'ordre peut être relancé."""


class Local:
    """Les moteurs de cette machine.

    Parameters
    ----------
    moteur : {"souche", "processus"}
    processus : int
        Diagnostics menés de front.
    """

    def __init__(self, moteur: str, processus: int) -> None:
        self.moteur, self.places = moteur, processus
        self._executeur: Executor | None = None
        # Un ouvrier tué ne range rien : ses dossiers sont dans celui-ci, que le lot ôte.
        self._provisoire = tempfile.TemporaryDirectory(prefix="cafdiag-lot-", ignore_cleanup_errors=True)

    def soumettre(self, ordre: Ordre) -> Any:
        """Confie un ordre ; rend un ``Future``."""
        # Un nettoyeur de fichiers temporaires peut passer pendant un long lot.
        os.makedirs(self._provisoire.name, exist_ok=True)
        ordre = replace(ordre, provisoire=self._provisoire.name)
        if self._executeur is None:
            self._executeur = self._ouvrir()
        try:
            return self._executeur.submit(executer, ordre)
        except BrokenProcessPool:
            self._executeur.shutdown(wait=False)
            self._executeur = self._ouvrir()
            return self._executeur.submit(executer, ordre)

    def _ouvrir(self) -> Executor:
        if self.moteur == "souche":
            elevage.autoriser()
            return ThreadPoolExecutor(self.places, thread_name_prefix="cafdiag-lot")
        return ProcessPoolExecutor(
            min(self.places, _OUVRIERS_MAXIMUM),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=amorcer,
            max_tasks_per_child=_CARNETS_PAR_OUVRIER,
        )

    def lire(self, futur: Any) -> Resultat:
        """Le résultat d'un ``Future`` fini.

        Raises
        ------
        Panne
            L'ouvrier ou la souche est mort.
        """
        try:
            return futur.result()
        except BrokenProcessPool as cause:
            raise Panne("le processus ouvrier s'est arrêté") from cause
        except SoucheIndisponible as cause:
            raise Panne(cause.trouve) from cause
        except Exception as cause:
            raise Panne(f"{type(cause).__name__} : {cause}") from cause

    def verifier(self) -> None:
        """Rien à surveiller : une panne locale se voit au résultat."""

    def fermer(self, *, interrompre: bool = False) -> None:
        """Range tout ; ``interrompre`` arrête aussi ce qui est en cours."""
        if interrompre:
            elevage.interdire()
        if self._executeur is not None:
            if interrompre:
                _abattre(getattr(self._executeur, "_processes", None) or {})
            self._executeur.shutdown(wait=True, cancel_futures=True)
        elevage.fermer_souches()
        self._executeur = None
        self._provisoire.cleanup()


def _abattre(ouvriers: dict[int, Any]) -> None:
    """Arrête des ouvriers et leurs noyaux."""
    import psutil

    condamnes = []
    for pid in list(ouvriers):
        with contextlib.suppress(psutil.Error):
            ouvrier = psutil.Process(pid)
            condamnes += [*ouvrier.children(recursive=True), ouvrier]
    for un in condamnes:
        with contextlib.suppress(psutil.Error):
            un.kill()


def choisir(moteur: str, *, annoncer: Callable[[str], None]) -> str:
    """Le moteur qui servira ici, repli annoncé.

    Parameters
    ----------
    moteur : {"auto", "processus", "souche"}
        ``auto`` prend la souche sous Linux.
    annoncer : callable
        Reçoit la raison d'un repli.

    Raises
    ------
    DemandeFausse
        Moteur inconnu.

    Examples
    --------
    >>> choisir("processus", annoncer=print)
    'processus'
    """
    if moteur not in MOTEURS:
        raise DemandeFausse(f"moteur inconnu : « {moteur} »", attendu=", ".join(MOTEURS))
    if moteur == "processus":
        return moteur
    if sys.platform.startswith("linux"):
        return "souche"
    if moteur == "souche":
        annoncer(
            "le moteur « souche » demande Linux : ce lot se fait par « processus », plus lent, mêmes rapports."
        )
    return "processus"


def executer_avec_repli(ordre: Ordre) -> Resultat:
    """Comme :func:`cafdiag.lot.tache.executer` ; là où la souche refuse, par un noyau neuf."""
    try:
        return executer(ordre)
    except SoucheIndisponible:
        return executer(replace(ordre, moteur="processus"))


def essayer(ordre: Ordre, *, annoncer: Callable[[str], None]) -> str:
    """Démarre la souche de ce lot ; rend « processus » et dit pourquoi si elle refuse."""
    elevage.autoriser()
    try:
        elevage.souche_commune(**ordre.souche)
    except SoucheIndisponible as cause:
        annoncer(f"{cause.trouve} : ce lot se fait par « processus », plus lent, mêmes rapports.")
        return "processus"
    return "souche"


def places_par_defaut() -> int:
    """Diagnostics menés de front : un par cœur utilisable.

    >>> places_par_defaut() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
