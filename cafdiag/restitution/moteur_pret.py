"""Le moteur papermill ordinaire, qui prend le noyau lancé d'avance s'il y en a un."""

from __future__ import annotations

from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from cafdiag.restitution import noyau_pret


class MoteurPret(NBClientEngine):
    """Comme le moteur d'origine : mêmes options, même noyau, arrêté de la même façon."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, execution_timeout: int, start_timeout: int, **options: Any
    ) -> Any:
        """Exécute le carnet de papermill."""
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            log_output=options.get("log_output", False),
            # Rien à sauver dans un noyau jetable : inutile d'attendre ses adieux.
            shutdown_kernel="immediate",
            extra_arguments=list(noyau_pret.ARGUMENTS),
        )
        # Posé après coup, le client le tient pour sien : il l'arrête et le nettoie.
        client.km = noyau_pret.prendre(kernel_name)
        return client.execute()
