"""Jouer un carnet dans ce processus même : papermill en pose les paramètres, IPython en exécute les cellules.

Ni noyau, ni prise, ni message : ce module vit dans le processus fils que démarre et surveille
:mod:`cafdiag.restitution.processus`, et qui ne joue jamais qu'un carnet. Ce qu'il affiche est aussi écrit, au fur et à
mesure, dans un journal : s'il meurt, son parent y retrouve le carnet jusqu'à la cellule fatale.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from papermill.engines import Engine
from papermill.exceptions import PapermillExecutionError
from traitlets import Type
from traitlets.config import Config

from cafdiag.erreurs import CafdiagError
from cafdiag.restitution.processus import (
    DEMANDE,
    ECHEC,
    FAIT,
    JOURNAL,
    RESULTAT,
    Resultat,
    Travail,
    ajouter_sortie,
    clore,
    preparer,
)

_LANGAGE = {
    "name": "python",
    "version": sys.version.split()[0],
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "file_extension": ".py",
}


class Sorties:
    """Ce qu'affiche la cellule en cours, rangé comme le ferait un carnet ouvert dans Jupyter.

    Parameters
    ----------
    journal : binary file
        Reçoit chaque événement, une ligne de JSON chacun : seul ce qui s'écrit en JSON entre dans un carnet.
    """

    def __init__(self, journal: BinaryIO) -> None:
        self._journal, self._processus, self._verrou = journal, os.getpid(), threading.RLock()
        self._cellule: list[NotebookNode] = []
        self._montrees: dict[str, list[NotebookNode]] = {}
        self._effacer = False

    def ouvrir(self, rang: int, sorties: list) -> None:
        """Les sorties à venir sont celles de cette cellule."""
        self._cellule, self._effacer = sorties, False
        self._noter({"cellule": rang})

    def ajouter(self, sortie: dict[str, Any], *, nom: str | None = None) -> None:
        """Ajoute une sortie ; ``nom`` la désigne à :meth:`remplacer`."""
        with self._verrou:
            propre = self._noter({"sortie": sortie})
            if propre is None:
                return
            self._vider_si_demande()
            ajouter_sortie(self._cellule, propre["sortie"])
            if nom is not None:
                self._montrees.setdefault(nom, []).append(self._cellule[-1])

    def remplacer(self, nom: str, donnees: dict[str, Any], precisions: dict[str, Any]) -> None:
        """Change ce que montrent les sorties de ce nom."""
        propre = self._noter({"remplace": {"data": donnees, "metadata": precisions}}) or {}
        for sortie in self._montrees.get(nom, []):
            sortie.update(propre.get("remplace", {}))

    def effacer(self, *, attendre: bool) -> None:
        """Efface la cellule, tout de suite ou quand la prochaine sortie arrive."""
        self._noter({"efface": True})
        self._effacer = True
        if not attendre:
            self._vider_si_demande()

    def _vider_si_demande(self) -> None:
        if self._effacer:
            self._cellule.clear()
            self._effacer = False

    def _noter(self, evenement: dict[str, Any]) -> dict[str, Any] | None:
        # Un carnet peut se dupliquer lui-même (multiprocessing) : ce qu'affiche sa copie n'est pas de lui.
        if os.getpid() != self._processus:
            return None
        ligne = json.dumps(evenement, ensure_ascii=False, default=_en_json).encode("utf-8", "replace")
        self._journal.write(ligne + b"\n")
        return json.loads(ligne)


def _en_json(objet: Any) -> Any:
    """Octets, dates, nombres de numpy, ensembles : comme un noyau ordinaire ; le reste par son écriture."""
    if isinstance(objet, bytes):
        return base64.b64encode(objet).decode("ascii")
    if isinstance(objet, set | tuple):
        return list(objet)
    nombre = getattr(objet, "item", None)
    return nombre() if callable(nombre) and getattr(objet, "ndim", None) == 0 else str(objet)


class Flux(io.TextIOBase):
    """``sys.stdout`` ou ``sys.stderr`` d'un carnet : ce qui y est écrit devient une sortie de la cellule."""

    encoding = "utf-8"

    def __init__(self, sorties: Sorties, nom: str) -> None:
        self._sorties, self.name = sorties, nom
        self._attente: list[str] = []
        self._verrou = threading.RLock()

    def writable(self) -> bool:
        """Toujours vrai."""
        return True

    def write(self, texte: str) -> int:
        """Garde le texte jusqu'au prochain :meth:`flush`."""
        if not isinstance(texte, str):
            raise TypeError(f"write() argument must be str, not {type(texte)}")
        with self._verrou:
            self._attente.append(texte)
        return len(texte)

    def flush(self) -> None:
        """Montre ce qui attend."""
        with self._verrou:
            texte, self._attente = "".join(self._attente), []
        if texte:
            self._sorties.ajouter({"output_type": "stream", "name": self.name, "text": texte})


def _vider_les_flux() -> None:
    for flux in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            flux.flush()


class _Valeur(DisplayHook):
    """Ce que vaut la dernière expression d'une cellule."""

    shell: Any

    def write_output_prompt(self) -> None:
        """Le numéro va avec la sortie."""

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        """Montre la valeur."""
        _vider_les_flux()
        self.shell.sorties.ajouter(
            {"output_type": "execute_result", "execution_count": self.prompt_count}
            | {"data": format_dict, "metadata": md_dict or {}}
        )

    def finish_displayhook(self) -> None:
        """Rien à clore."""
        self._is_active = False


class _Affichage(DisplayPublisher):
    """Ce que montre ``display``."""

    shell: Any

    def publish(self, data: dict, metadata: dict | None = None, *_: Any, **options: Any) -> None:
        """Montre, ou remplace ce qui était montré sous le même nom."""
        _vider_les_flux()
        nom = (options.get("transient") or {}).get("display_id")
        if options.get("update"):
            self.shell.sorties.remplacer(nom, data, metadata or {})
        else:
            sortie = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
            self.shell.sorties.ajouter(sortie, nom=nom)

    def clear_output(self, wait: bool = False) -> None:
        """Efface la cellule."""
        _vider_les_flux()
        self.shell.sorties.effacer(attendre=wait)


class Interprete(InteractiveShell):
    """IPython, dont les sorties vont au carnet."""

    sorties: Sorties
    system = InteractiveShell.system_piped
    displayhook_class = Type(_Valeur)
    display_pub_class = Type(_Affichage)

    def enable_gui(self, gui: str | None = None) -> None:
        """Pas de fenêtre : ``%matplotlib inline`` n'en demande pas."""

    def ask_exit(self) -> NoReturn:
        """``exit()`` : le carnet congédie son processus."""
        _vider_les_flux()
        os._exit(0)

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        _vider_les_flux()
        self.sorties.ajouter(
            {"output_type": "error", "ename": str(etype.__name__), "evalue": str(evalue), "traceback": list(stb)}
        )


def interprete() -> Interprete:
    """L'interprète de ce processus ; sans historique, il n'ouvre ni fichier ni fil."""
    import pandas as pd

    # Hors d'un noyau, pandas se croit dans un terminal et coupe les tables à sa largeur : celle de la machine.
    pd.set_option("display.max_columns", 20)
    return Interprete.instance(config=Config({"HistoryManager": {"enabled": False}}))


class MoteurEnProcessus(Engine):
    """Moteur papermill : les cellules s'exécutent ici même, l'une après l'autre, jusqu'à la première faute."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, journal: BinaryIO, **_: Any) -> None:
        """Exécute le carnet de papermill."""
        ici, processus = interprete(), os.getpid()
        ici.sorties = Sorties(journal)
        sys.stdout, sys.stderr = Flux(ici.sorties, "stdout"), Flux(ici.sorties, "stderr")
        for rang, cellule in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cellule, rang)
            if cellule.cell_type == "code" and cellule.source.strip():
                cellule.outputs = []
                ici.sorties.ouvrir(rang, cellule.outputs)
                cellule.execution_count = ici.execution_count
                rendu = ici.run_cell(cellule.source, store_history=True)
                _vider_les_flux()
                if os.getpid() != processus:
                    # Une copie que le carnet a faite de lui-même et n'a pas arrêtée : la suite n'est pas pour elle.
                    os._exit(0)
                if not rendu.success and "raises-exception" not in cellule.metadata.get("tags", []):
                    nb_man.cell_exception(cellule, cell_index=rang)
                    nb_man.cell_complete(cellule, cell_index=rang)
                    return
            nb_man.cell_complete(cellule, cell_index=rang)
        nb_man.nb.metadata["language_info"] = _LANGAGE


def jouer(travail: Travail, dossier: Path) -> Resultat:
    """Joue un carnet ; s'il est en faute, ce n'est pas une exception mais un résultat."""
    essai = dossier / "carnet.ipynb"
    try:
        carnet = preparer(travail)
        with (dossier / JOURNAL).open("ab", buffering=0) as journal:
            MoteurEnProcessus.execute_notebook(
                carnet, "python3", progress_bar=False, autosave_cell_every=0, journal=journal
            )
        clore(carnet, essai)
        return Resultat(travail.cle, FAIT, travail.suite(carnet) if travail.suite else carnet)
    except PapermillExecutionError as cause:
        return Resultat.en_faute(travail.cle, str(cause.ename), str(cause.evalue), essai.read_bytes())
    except CafdiagError as cause:
        motif, detail = str(cause), b""
    except Exception as cause:
        motif, detail = f"{type(cause).__name__} : {cause}", traceback.format_exc().encode("utf-8", "replace")
    return Resultat(travail.cle, ECHEC, motif=motif[:2000], carnet_fautif=detail)


def mener(dossier: Path) -> NoReturn:
    """Dans le processus fils : joue ce que demande ce dossier, y pose le résultat, et finit."""
    # Ce qu'un programme lancé par le carnet écrit sans passer par Python n'est pas une sortie, et ne va pas au lot.
    bruit = os.open(dossier / "bruit", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descripteur, vers in ((0, os.open(os.devnull, os.O_RDONLY)), (1, bruit), (2, bruit)):
        os.dup2(vers, descripteur)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    code = 1
    try:
        travail = pickle.loads((dossier / DEMANDE).read_bytes())
        ici = dossier / "travail"
        ici.mkdir(exist_ok=True)
        os.chdir(ici)
        asyncio.set_event_loop(asyncio.new_event_loop())
        resultat = jouer(travail, dossier)
        (dossier / RESULTAT).write_bytes(pickle.dumps(resultat, protocol=pickle.HIGHEST_PROTOCOL))
        code = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        # Sans adieux : un fil que le carnet a laissé ne retient pas ce qui est fait.
        os._exit(code)


def principal() -> None:
    """Un processus neuf : charge ce dont un carnet se sert, puis attend qu'on lui dise son dossier."""
    # Sous Windows, un Ctrl-C au clavier frappe aussi les fils : c'est au parent de les arrêter.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    charger()
    entree = os.fdopen(os.dup(0), "rb", buffering=0)
    dossier = entree.readline().decode("utf-8").rstrip("\n")
    if dossier:
        # La prise se ferme avec le parent : personne ne lirait plus ce travail.
        threading.Thread(target=_finir_avec, args=(entree.read,), daemon=True).start()
        mener(Path(dossier))


def _finir_avec(attendre: Callable[[], Any]) -> NoReturn:
    attendre()
    os._exit(1)


def charger() -> None:
    """Importe ce dont le carnet du diagnostic se sert."""
    import cafdiag.restitution.diagnostic  # noqa: F401
