"""Le moteur papermill ordinaire, qui prend le noyau lancé d'avance s'il y en a un."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from cafdiag.restitution import noyau_pret


class ClientTenace(PapermillNotebookClient):
    """Un client papermill dont le noyau, mort avant d'avoir répondu, est relancé une fois."""

    @contextlib.contextmanager
    def setup_kernel(self, **options: Any) -> Iterator[None]:
        """Un noyau prêt ; deux noyaux qui ont pris le même port, et l'un meurt en s'éveillant."""
        with contextlib.ExitStack() as pile:
            try:
                pile.enter_context(super().setup_kernel(**options))
            except RuntimeError:
                try:
                    pile.enter_context(super().setup_kernel(**options))
                except RuntimeError as mort:
                    raise DeadKernelError("le noyau s'est arrêté deux fois avant d'avoir répondu") from mort
            yield


class MoteurPret(NBClientEngine):
    """Comme le moteur d'origine, avec ce que veut un noyau jetable."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, execution_timeout: int, start_timeout: int, **_: Any
    ) -> Any:
        """Exécute le carnet de papermill."""
        client = ClientTenace(
            nb_man,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            # Rien à sauver dans un noyau jetable : inutile d'attendre ses adieux.
            shutdown_kernel="immediate",
            extra_arguments=list(noyau_pret.ARGUMENTS),
        )
        # Posé après coup, le client le tient pour sien : il l'arrête et le nettoie.
        client.km = noyau_pret.prendre(kernel_name)
        return client.execute()
