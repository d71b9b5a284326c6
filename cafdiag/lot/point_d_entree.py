"""Ce que papermill charge pour « --engine souche » : presque rien.

papermill lit les points d'entrée pendant son propre import. S'il chargeait alors un module qui importe papermill,
l'un des deux serait encore incomplet : le vrai moteur n'est donc importé qu'au premier carnet.
"""

from __future__ import annotations

from typing import Any


class MoteurSouche:
    """Renvoie à :class:`cafdiag.lot.moteur_souche.MoteurDuplique`."""

    @staticmethod
    def execute_notebook(nb: Any, kernel_name: str, **reglages: Any) -> Any:
        """Exécute le carnet."""
        return _moteur().execute_notebook(nb, kernel_name, **reglages)

    @staticmethod
    def nb_kernel_name(nb: Any, name: str | None = None) -> str:
        """Noyau du carnet."""
        return _moteur().nb_kernel_name(nb, name)

    @staticmethod
    def nb_language(nb: Any, language: str | None = None) -> str:
        """Langage du carnet."""
        return _moteur().nb_language(nb, language)


def _moteur() -> Any:
    from cafdiag.lot.moteur_souche import MoteurDuplique as Moteur

    return Moteur
