"""Les bornes d'un carnet : son délai, sa mémoire ; et la trace qu'il laisse quand il les passe.

Un carnet arrêté est un carnet en erreur comme un autre : la cellule porte la raison, papermill y met sa
bannière, le lot continue.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from cafdiag.restitution.moteur_pret import ClientTenace
from cafdiag.restitution.noyau_pret import ARGUMENTS

_PAS = 0.25


@dataclass(frozen=True)
class Bornes:
    """Ce qu'un carnet ne peut dépasser.

    Attributes
    ----------
    delai : float
        Secondes pour tout le carnet ; 0 : sans limite.
    memoire : int
        Mégaoctets de mémoire propre du noyau et de ce qu'il a lancé ; 0 : sans limite.
    """

    delai: float = 0
    memoire: int = 0


def memoire_du_groupe(pid: int) -> int:
    """Octets de mémoire occupés par un processus et sa descendance, sans ce que la souche partage avec lui."""
    import psutil

    total = 0
    with contextlib.suppress(psutil.Error):
        processus = psutil.Process(pid)
        for un in (processus, *processus.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                vue = un.memory_info()
                total += vue.rss - getattr(vue, "shared", 0)
    return total


class ClientBorne(PapermillNotebookClient):
    """Un client papermill qui consigne dans le carnet pourquoi il s'est arrêté, au lieu de tout perdre."""

    def __init__(self, nb_man: Any, *, bornes: Bornes, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self.bornes = bornes
        self.debut = self.debut_cellule = time.monotonic()
        self.delai_cellule: float | None = None
        self.depassement: tuple[str, str] | None = None

    def papermill_execute_cells(self) -> None:
        """Comme papermill, mais un dépassement ou un noyau mort finit en cellule fautive."""
        for rang, cellule in enumerate(self.nb.cells):
            try:
                self.nb_man.cell_start(cellule, rang)
                self.execute_cell(cellule, rang)
            except (CellExecutionError, CellTimeoutError, DeadKernelError, _Depassement) as erreur:
                self._consigner(cellule, erreur)
                self.nb_man.cell_exception(cellule, cell_index=rang, exception=erreur)
                break
            finally:
                self.nb_man.cell_complete(cellule, cell_index=rang)

    def _consigner(self, cellule: Any, erreur: Exception) -> None:
        if isinstance(erreur, CellExecutionError):
            return  # le noyau a déjà laissé sa trace dans les sorties
        if isinstance(erreur, _Depassement):
            nom, phrase = erreur.args
        elif self.depassement is not None:
            nom, phrase = self.depassement
        elif isinstance(erreur, CellTimeoutError):
            nom, phrase = "DelaiDepasse", f"plus de {self._get_timeout(cellule)} s pour une cellule"
        else:
            nom, phrase = "NoyauArrete", "le noyau s'est arrêté"
        cellule.outputs.append(
            nbformat.v4.new_output("error", ename=nom, evalue=phrase, traceback=[f"{nom} : {phrase}"])
        )

    def abandonner(self, cellule: Any, nom: str, phrase: str) -> NoReturn:
        """Arrête le carnet sur cette cellule."""
        raise _Depassement(nom, phrase)

    def juger(self, cellule: Any, rang: int, reponse: dict) -> None:
        """La règle de nbclient sur les erreurs permises (étiquettes, noms)."""
        pas = self._check_raise_for_error(cellule, rang, reponse)
        with contextlib.closing(pas), contextlib.suppress(StopIteration):
            pas.send(None)

    def verifier_bornes(self, memoire: Callable[[], int]) -> None:
        """Lève si le délai du carnet, celui de la cellule ou la mémoire est dépassé."""
        raison = self._raison(memoire)
        if raison:
            raise _Depassement(*raison)

    def _raison(self, memoire: Callable[[], int]) -> tuple[str, str] | None:
        maintenant = time.monotonic()
        if self.bornes.delai and maintenant - self.debut > self.bornes.delai:
            return "DelaiDepasse", f"plus de {self.bornes.delai:g} s pour le carnet"
        if self.delai_cellule and maintenant - self.debut_cellule > self.delai_cellule:
            return "DelaiDepasse", f"plus de {self.delai_cellule:g} s pour une cellule"
        if self.bornes.memoire:
            pris = memoire() / 1e6
            if pris > self.bornes.memoire:
                return "MemoireDepassee", f"plus de {self.bornes.memoire} Mo de mémoire"
        return None


class _Depassement(Exception):
    """Une borne est passée, ou le noyau est mort : (nom, phrase)."""


async def _patienter(lire: Callable[..., Any], timeout: float | None = None) -> Any:
    """Attend une réponse du noyau en regardant la prise quatre fois par seconde.

    nbclient renvoie au noyau ce qu'un widget de sorties recueille, pendant qu'il attend la réponse de la cellule :
    l'envoi peut effacer l'annonce d'une réponse déjà là, et l'attente ne finirait pas (jupyter/nbclient n° 312).
    """
    fin = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        reste = fin - time.monotonic()
        try:
            return await lire(timeout=max(0.0, min(_PAS, reste)))
        except queue.Empty:
            if reste <= _PAS:
                raise


class ClientSurveille(ClientBorne, ClientTenace):
    """Le même, avec un noyau ordinaire : un fil regarde la mémoire et l'heure, et tue le noyau au besoin."""

    def execute(self, **options: Any) -> Any:
        """Exécute le carnet dans un noyau neuf."""
        self.reset_execution_trackers()
        with self.setup_kernel(**options):
            self.kc.shell_channel.get_msg = partial(_patienter, self.kc.shell_channel.get_msg)
            fini = threading.Event()
            garde = threading.Thread(target=self._garder, args=(fini,), daemon=True)
            garde.start()
            try:
                self.papermill_execute_cells()
                if not self.nb.metadata.papermill.get("exception"):
                    reponse = self.wait_for_reply(self.kc.kernel_info())
                    self.nb.metadata["language_info"] = reponse["content"]["language_info"]
                    self.set_widgets_metadata()
            finally:
                fini.set()
                garde.join()
        return self.nb

    def _garder(self, fini: threading.Event) -> None:
        import psutil

        self.debut = time.monotonic()
        pid = self.km.provisioner.pid
        while not fini.wait(_PAS):
            self.depassement = self._raison(lambda: memoire_du_groupe(pid))
            if self.depassement:
                with contextlib.suppress(psutil.Error):
                    noyau = psutil.Process(pid)
                    for un in (*noyau.children(recursive=True), noyau):
                        with contextlib.suppress(psutil.Error):
                            un.kill()
                return


class MoteurSurveille(NBClientEngine):
    """Moteur papermill ordinaire, avec des bornes."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        bornes: Bornes | None = None,
        dossier: str = "",
        environnement: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """Exécute le carnet de papermill dans un noyau neuf, qui travaille dans ``dossier``."""
        client = ClientSurveille(
            nb_man,
            bornes=bornes or Bornes(),
            kernel_name=kernel_name,
            resources={"metadata": {"path": dossier}} if dossier else {},
            timeout=options.get("execution_timeout"),
            startup_timeout=options.get("start_timeout", 120),
            shutdown_kernel="immediate",
            extra_arguments=list(ARGUMENTS),
            log_output=options.get("log_output", False),
        )
        if sys.platform.startswith("win"):
            asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
        return client.execute(env=os.environ | (environnement or {}))

