"""Copier un processus qui a tout chargé, pour y jouer un carnet : quelques millisecondes au lieu d'un démarrage.

Un processus qui a plusieurs fils ne se copie pas sans risque : il se compte, et ne se copie que s'il est seul.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import NoReturn

# Un seul fil : à dire avant que les bibliothèques de calcul se chargent.
SEUL = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_PAS = 0.02  # secondes entre deux regards sur la copie
# Par son nom, comme un processus neuf : il se sert, lui, de ce qui surveille son processus.
_CARNET = "cafdiag.restitution.carnet"


def fils() -> list[str]:
    """Noms des fils de ce processus (Linux)."""
    noms = []
    for tache in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            noms.append((tache / "comm").read_text().strip())
    return sorted(noms)


def naitre(dossier: str, variables: dict[str, str]) -> NoReturn:
    """Dans la copie : couper ce qui la relie à l'original, repartir d'un hasard neuf, jouer, finir."""
    try:
        os.setpgid(0, 0)
        original = os.getppid()
        # PR_SET_PDEATHSIG : l'original mort, la copie meurt.
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
        if os.getppid() != original:
            os._exit(1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(variables)
        random.seed()
        import numpy as np

        np.random.seed(int.from_bytes(os.urandom(4), "little"))
        import_module(_CARNET).mener(Path(dossier))
    except BaseException:
        # Une faute de la machinerie elle-même : elle doit se voir.
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(1)


class Copiable:
    """Ce processus-ci, tant qu'il n'a qu'un fil : ce que charge la commande sert aussi au carnet.

    À construire avant que les bibliothèques de calcul se chargent : elles ouvriraient des fils.
    """

    def __init__(self) -> None:
        self._variables = dict(os.environ)
        os.environ.update(SEUL)
        # Charger mille modules déclenche sans cesse le ramassage de la mémoire, qui n'y trouve rien.
        gc.set_threshold(50_000, 20, 20)

    @staticmethod
    def possible() -> bool:
        """Vrai sous Linux, si rien n'a encore ouvert de fil ni chargé de quoi en ouvrir."""
        return sys.platform.startswith("linux") and "numpy" not in sys.modules and len(fils()) == 1

    def copie(self, dossier: Path, variables: dict[str, str]) -> Jumelle | None:
        """Une copie qui joue le carnet de ce dossier ; None si ce processus a ouvert un fil."""
        if len(fils()) > 1:
            return None
        import_module(_CARNET).charger()
        if len(fils()) > 1:
            return None
        # Sans ramassage avant : il coûterait plus que les quelques déchets qu'il n'emporterait pas.
        gc.freeze()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            naitre(str(dossier), self._variables | variables)
        return Jumelle(pid)


class Jumelle:
    """Une copie de ce processus ; voir :class:`cafdiag.restitution.processus.Processus`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def attendre(self, secondes: float) -> int | None:
        """Son code de sortie (l'opposé du signal qui l'a tuée), ou None si elle vit encore."""
        fin = time.monotonic() + secondes
        while os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            if time.monotonic() >= fin:
                return None
            time.sleep(_PAS)
        return self._relever()

    def arreter(self) -> None:
        """La tue, avec ce qu'elle a lancé, et attend sa fin."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self._relever()

    def _relever(self) -> int:
        # Tant qu'elle n'est pas relevée, son numéro ne peut pas désigner un autre groupe.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        _, statut = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(statut)
