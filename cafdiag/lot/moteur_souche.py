"""Le moteur papermill « souche » : chaque carnet s'exécute dans une copie d'un processus préchargé.

``papermill --engine souche entree.ipynb sortie.ipynb`` suffit ; les lots le choisissent d'eux-mêmes là où la
duplication est sûre (Linux). Ailleurs, demander ce moteur est refusé avec une explication.
"""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any

from jupyter_client.session import Session
from papermill.engines import Engine

from cafdiag.erreurs import DemandeFausse
from cafdiag.lot.bornes import Bornes, ClientBorne, memoire_du_groupe
from cafdiag.lot.elevage import NoyauDuplique, Souche, SoucheIndisponible, souche_commune


def _sourd(_: Any) -> None:
    """Personne n'écoute."""


class ClientSouche(ClientBorne):
    """Le client de papermill, qui parle à un noyau dupliqué ; l'interprétation des messages est la sienne."""

    def __init__(self, nb_man: Any, *, souche: Souche, dossier: str, bornes: Bornes, **options: Any) -> None:
        super().__init__(nb_man, bornes=bornes, **options)
        self._souche, self._dossier = souche, dossier
        # Un widget de sorties voudrait rendre au noyau ce qu'il a recueilli ; ce noyau n'écoute que des cellules.
        self.kc = SimpleNamespace(session=Session(key=b""), shell_channel=SimpleNamespace(send=_sourd))

    def execute(self, **_: Any) -> Any:
        """Exécute le carnet ; une cellule en faute, un noyau mort, une borne passée y laissent leur trace."""
        self.reset_execution_trackers()
        self.debut = time.monotonic()
        self._noyau: NoyauDuplique = self._souche.noyau(self._dossier)
        try:
            if not self._noyau.accueillir(self._surveiller):
                raise SoucheIndisponible(f"le noyau n'est pas né ({self._noyau.fin()})")
            self._noyau.confier(
                [(c.source, self._s_arrete(c)) for c in self.nb.cells if self._se_joue(c)],
                session=f"cafdiag-{self._noyau.pid}",
            )
            self.papermill_execute_cells()
            self.nb.metadata["language_info"] = self._noyau.accueil["language_info"]
            self.set_widgets_metadata()
        finally:
            self._noyau.fermer()
        return self.nb

    def execute_cell(self, cell: Any, cell_index: int, *_: Any, **__: Any) -> Any:
        """Exécute une cellule, avec les règles de nbclient (étiquettes, erreurs permises, sorties)."""
        if not self._se_joue(cell):
            return cell
        if self.record_timing:
            cell["metadata"]["execution"] = {}
        self.debut_cellule = time.monotonic()
        self.delai_cellule = self._get_timeout(cell)
        self.code_cells_executed += 1
        cell.outputs = []
        self.clear_before_next_output = False
        reponse = self._noyau.resultat(
            surveiller=self._surveiller,
            recevoir=lambda message: self.process_message(message, cell, cell_index),
        )
        if reponse is None:
            self.abandonner(cell, "NoyauArrete", f"le noyau s'est arrêté ({self._noyau.fin()})")
        self.juger(cell, cell_index, reponse)
        return cell

    def _se_joue(self, cell: Any) -> bool:
        etiquettes = cell.metadata.get("tags", [])
        return cell.cell_type == "code" and bool(cell.source.strip()) and self.skip_cells_with_tag not in etiquettes

    def _s_arrete(self, cell: Any) -> bool:
        """La règle de nbclient, plus large : ce que :meth:`juger` pardonne ne doit pas arrêter le noyau."""
        permise = "raises-exception" in cell.metadata.get("tags", [])
        return self.force_raise_errors or not (permise or self.allow_errors or self.allow_error_names)

    def _surveiller(self) -> None:
        self.verifier_bornes(lambda: memoire_du_groupe(self._noyau.pid))


class MoteurDuplique(Engine):
    """Moteur papermill ; voir le module."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        execution_timeout: int | None = None,
        bornes: Bornes | None = None,
        dossier: str = "",
        souche: Souche | None = None,
        **_: Any,
    ) -> Any:
        """Exécute le carnet de papermill dans une copie de la souche."""
        # Le langage déclaré, jamais le nom du noyau : « mon-env » est un Python comme un autre.
        declare = nb_man.nb.metadata
        langage = declare.get("kernelspec", {}).get("language") or declare.get("language_info", {}).get("name")
        if not str(langage or "python").lower().startswith("python"):
            raise DemandeFausse(
                f"ce carnet est écrit pour « {langage} »", attendu="un carnet Python", conseil="ôtez --engine souche"
            )
        client = ClientSouche(
            nb_man,
            souche=souche or souche_commune(),
            dossier=dossier or os.getcwd(),
            bornes=bornes or Bornes(),
            timeout=execution_timeout,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        )
        return client.execute()
