"""Un noyau lancé d'avance : il s'éveille et charge cafdiag pendant que la commande vérifie la demande.

Lancer un noyau puis y importer pandas prend deux secondes, lire la demande une et demie : sur deux cœurs, l'un se
fait pendant l'autre.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

# Le noyau s'inquiète à voix haute de parler en clair à lui-même, sur 127.0.0.1. Un profil à part : les réglages et
# les scripts de démarrage de l'utilisateur changeraient les sorties.
ARGUMENTS = (
    "--IPKernelApp.log_level=50",
    "--HistoryManager.enabled=False",
    "--profile=cafdiag",
    "--IPKernelApp.auto_create=True",
)
# « exec » : rien n'est affiché, ni nommé, dans l'espace du carnet.
_CHARGER = '--IPKernelApp.exec_lines=exec("from cafdiag import Diagnostic", {})'
NOM = "python3"

_pret: ContextVar[Any] = ContextVar("noyau_pret", default=None)


@contextlib.contextmanager
def noyau_d_avance() -> Iterator[None]:
    """Lance un noyau, que prendra le premier carnet exécuté dans ce bloc ; arrêté à la sortie s'il n'a pas servi."""
    with tempfile.TemporaryDirectory(prefix="cafdiag-", ignore_cleanup_errors=True) as ici:
        gestionnaire = _lancer(ici)
        jeton = _pret.set(gestionnaire)
        try:
            yield
        finally:
            _pret.reset(jeton)
            if gestionnaire is not None and gestionnaire.has_kernel:
                _a_part(gestionnaire.shutdown_kernel(now=True))


def prendre(nom: str) -> Any:
    """Le gestionnaire du noyau lancé d'avance, ou None s'il n'y en a pas, plus, ou pas de cette sorte."""
    gestionnaire = _pret.get()
    if gestionnaire is None or gestionnaire.kernel_name != nom or not gestionnaire.has_kernel:
        return None
    if not _a_part(gestionnaire.is_alive()):
        return None
    _pret.set(None)
    return gestionnaire


def _lancer(ici: str) -> Any:
    from jupyter_client import AsyncKernelManager

    gestionnaire = AsyncKernelManager(kernel_name=NOM)
    # Ce n'est qu'une avance : s'il ne part pas, le carnet lancera le sien, et dira pourquoi il ne peut pas.
    with contextlib.suppress(Exception):
        _a_part(gestionnaire.start_kernel(extra_arguments=[*ARGUMENTS, _CHARGER], cwd=ici))
        return gestionnaire
    return None


def _a_part(tache: Awaitable) -> Any:
    """Attend une tâche dans un fil : celui-ci a peut-être déjà une boucle en marche (un carnet, un navigateur)."""

    async def attendre() -> Any:
        return await tache

    with ThreadPoolExecutor(1) as fil:
        return fil.submit(asyncio.run, attendre()).result()
