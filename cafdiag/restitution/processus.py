"""Un carnet par processus : le démarrer, le surveiller, l'arrêter s'il passe ses limites, recueillir ce qu'il a fait.

Le processus fils (:mod:`cafdiag.restitution.carnet`) n'a qu'un dossier pour parler : il y lit sa demande, y écrit son
journal et son résultat. Le parent, lui, tient le délai et la mémoire.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cafdiag.restitution.copie import Copiable

if TYPE_CHECKING:
    from nbformat import NotebookNode

FAIT, ECHEC = "fait", "echec"
DEMANDE, JOURNAL, RESULTAT = "demande", "journal", "resultat"
_PAS = 0.25  # secondes entre deux regards sur la mémoire et le délai
TRACE = "module://matplotlib_inline.backend_inline"  # le tracé qu'emploie Jupyter


@dataclass(frozen=True)
class Limites:
    """Ce qu'un carnet ne peut dépasser.

    Attributes
    ----------
    delai : float
        Secondes pour tout le carnet ; 0 : sans limite.
    memoire : int
        Mégaoctets de mémoire propre du processus et de ce qu'il a lancé ; 0 : sans limite.
    """

    delai: float = 0
    memoire: int = 0


@dataclass(frozen=True)
class Travail:
    """Un carnet à jouer.

    Attributes
    ----------
    cle : str
        Ce qui le nomme.
    gabarit : Path
    parametres : dict of str
    delai : float
        Secondes accordées à chaque cellule ; 0 : sans limite.
    suite : callable, optional
        Ce qu'on fait du carnet joué, dans le même processus ; une fonction qui se transmet (``pickle``).
    """

    cle: str
    gabarit: Path
    parametres: dict[str, str]
    delai: float = 0
    suite: Callable[[NotebookNode], Any] | None = None


@dataclass(frozen=True)
class Resultat:
    """Ce que rend un carnet, ou pourquoi il ne rend rien.

    Attributes
    ----------
    cle : str
    etat : {"fait", "echec"}
    rendu
        Ce que rend la suite du travail ; sans elle, le carnet joué.
    faute : tuple of str
        Nom et phrase de l'erreur de la cellule en faute.
    motif : str
        Pourquoi il n'y a rien, en une phrase.
    carnet_fautif : bytes
        Le carnet jusqu'à la faute, sa bannière en tête.
    duree : float
        Secondes.
    moteur : str
        D'où venait le processus.
    """

    cle: str
    etat: str
    rendu: Any = None
    faute: tuple[str, str] = ("", "")
    motif: str = ""
    carnet_fautif: bytes = b""
    duree: float = 0.0
    moteur: str = ""

    @classmethod
    def en_faute(cls, cle: str, nom: str, phrase: str, carnet_fautif: bytes) -> Resultat:
        """Le résultat d'un carnet dont une cellule est en faute."""
        return cls(cle, ECHEC, faute=(nom, phrase), motif=f"{nom} : {phrase}"[:2000], carnet_fautif=carnet_fautif)


class Processus(Protocol):
    """Un processus fils, neuf ou copié."""

    pid: int

    def attendre(self, secondes: float) -> int | None:
        """Son code de sortie (l'opposé du signal qui l'a tué), ou None s'il vit encore."""

    def arreter(self) -> None:
        """Le tue, avec tout ce qu'il a lancé, et attend sa fin."""


class Neuf:
    """Un processus Python neuf ; il charge ses bibliothèques dès qu'il est construit, et joue quand on le lui dit."""

    def __init__(self, environnement: dict[str, str] | None = None) -> None:
        self._processus = subprocess.Popen(
            commande_python("cafdiag.restitution.carnet"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            # Un Ctrl-C au clavier ne frappe que le parent, qui range avant de sortir.
            start_new_session=True,
            env=os.environ | {"MPLBACKEND": TRACE} | (environnement or {}),
        )
        self.pid = self._processus.pid

    def jouer(self, dossier: Path) -> Neuf:
        """Lui dit son dossier."""
        # Mort avant d'avoir rien joué, il se dira à l'attente.
        with contextlib.suppress(OSError):
            assert self._processus.stdin is not None
            self._processus.stdin.write(f"{dossier}\n".encode())
            self._processus.stdin.flush()
        return self

    def attendre(self, secondes: float) -> int | None:
        """Voir :class:`Processus`."""
        try:
            code = self._processus.wait(secondes)
        except subprocess.TimeoutExpired:
            return None
        self._clore()
        return code

    def arreter(self) -> None:
        """Voir :class:`Processus`."""
        import psutil

        condamnes = []
        with contextlib.suppress(psutil.Error):
            condamnes = psutil.Process(self.pid).children(recursive=True)
        for un in (*condamnes, self._processus):
            with contextlib.suppress(psutil.Error, OSError):
                un.kill()
        self._processus.wait()
        self._clore()

    def _clore(self) -> None:
        if hasattr(os, "killpg"):
            # Un programme que le carnet a laissé derrière lui.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            assert self._processus.stdin is not None
            self._processus.stdin.close()


def commande_python(module: str, *arguments: str) -> list[str]:
    """Ce qui lance ``principal`` d'un module de cafdiag dans un Python neuf."""
    racine = str(Path(__file__).resolve().parents[2])
    # -P : le dossier courant ne doit pas prendre la place d'un module. jsonschema compile une grammaire de 2 s à
    # l'import (format IRI, inutile ici) : on l'en dispense. Charger mille modules y déclenche sans cesse le ramassage
    # de la mémoire, qui n'y trouve rien : le faire moins souvent épargne un dixième du temps.
    programme = (
        "import gc, sys; gc.set_threshold(50_000, 20, 20)\n"
        f"sys.path.append({racine!r}); sys.modules['rfc3987_syntax'] = None\n"
        f"from {module} import principal; principal()"
    )
    return [sys.executable, "-P", "-c", programme, *arguments]


_d_avance: ContextVar[Neuf | Copiable | None] = ContextVar("processus_d_avance", default=None)


@contextlib.contextmanager
def processus_d_avance() -> Iterator[None]:
    """Prépare le processus du premier carnet joué dans ce bloc.

    Là où ce processus peut se copier, il chargera tout une fois, et une copie jouera. Ailleurs, un processus neuf
    charge ses bibliothèques pendant que la commande vérifie la demande ; il est arrêté à la sortie s'il n'a pas servi.
    """
    jeton = _d_avance.set(Copiable() if Copiable.possible() else Neuf())
    try:
        yield
    finally:
        inutile = _d_avance.get()
        _d_avance.reset(jeton)
        if isinstance(inutile, Neuf):
            inutile.arreter()


def neuf(dossier: Path, environnement: dict[str, str] | None = None) -> Processus:
    """Un processus pour ce dossier : celui préparé d'avance, s'il y en a un et qu'il peut servir."""
    avance = _d_avance.get()
    if isinstance(avance, Copiable):
        copie = avance.copie(dossier, {"MPLBACKEND": TRACE} | (environnement or {}))
        if copie is not None:
            return copie
    elif avance is not None:
        _d_avance.set(None)
        if avance.attendre(0) is None:
            return avance.jouer(dossier)
    return Neuf(environnement).jouer(dossier)


def jouer(
    travail: Travail,
    limites: Limites,
    *,
    demarrer: Callable[[Path], Processus] = neuf,
    interrompu: Callable[[], bool] = lambda: False,
    ou: str = "",
    pendant: Callable[[], object] = lambda: None,
) -> Resultat:
    """Joue un carnet dans un processus à lui.

    Parameters
    ----------
    travail : Travail
    limites : Limites
    demarrer : callable
        Donne un processus pour un dossier.
    interrompu : callable
        Vrai quand il faut s'arrêter là.
    ou : str
        Dossier provisoire où travailler ; celui du système par défaut.
    pendant : callable
        Ce que ce processus-ci peut faire pendant que l'autre commence.

    Raises
    ------
    KeyboardInterrupt
        Interrompu ; le processus est arrêté.
    """
    debut = time.perf_counter()
    # Un programme que le carnet a laissé peut tenir un fichier sous Windows.
    with tempfile.TemporaryDirectory(prefix="cafdiag-", dir=ou or None, ignore_cleanup_errors=True) as nom:
        dossier = Path(nom)
        (dossier / DEMANDE).write_bytes(pickle.dumps(travail))
        processus, journal = demarrer(dossier), _Journal(dossier / JOURNAL)
        try:
            pendant()
            depasse, code = _surveiller(processus, limites, travail.delai, journal, interrompu)
        except BaseException:
            processus.arreter()
            raise
        resultat = None if depasse else _lire(dossier / RESULTAT)
        if resultat is None:
            journal.lire()
            faute = depasse or ("ProcessusArrete", f"le processus s'est arrêté ({_dire_fin(code)})")
            resultat = Resultat.en_faute(travail.cle, *faute, _interrompu(travail, dossier, journal, *faute))
    return replace(resultat, duree=time.perf_counter() - debut)


def _lire(fichier: Path) -> Resultat | None:
    """Le résultat d'un processus fini ; None s'il est mort avant de l'avoir écrit en entier."""
    try:
        return pickle.loads(fichier.read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError):
        return None


class _Journal:
    """Ce que le processus fils dit en jouant, relu au fur et à mesure."""

    def __init__(self, fichier: Path) -> None:
        self._fichier, self._lu, self._reste = fichier, 0, b""
        self.evenements: list[bytes] = []
        self.debut_cellule = time.monotonic()

    def lire(self) -> None:
        """Prend ce qui est nouveau."""
        try:
            with self._fichier.open("rb") as flux:
                flux.seek(self._lu)
                nouveau = flux.read()
        except OSError:
            return
        self._lu += len(nouveau)
        *lignes, self._reste = (self._reste + nouveau).split(b"\n")
        self.evenements += lignes
        if any(ligne.startswith(b'{"cellule"') for ligne in lignes):
            self.debut_cellule = time.monotonic()


def _surveiller(
    processus: Processus, limites: Limites, delai_cellule: float, journal: _Journal, interrompu: Callable[[], bool]
) -> tuple[tuple[str, str] | None, int]:
    """Attend la fin du processus, ou l'arrête : le dépassement, s'il y en a un, et le code de sortie."""
    debut = time.monotonic()
    while (code := processus.attendre(_PAS)) is None:
        if interrompu():
            raise KeyboardInterrupt
        journal.lire()
        maintenant = time.monotonic()
        depasse = None
        if limites.delai and maintenant - debut > limites.delai:
            depasse = "DelaiDepasse", f"plus de {limites.delai:g} s pour le carnet"
        elif delai_cellule and journal.evenements and maintenant - journal.debut_cellule > delai_cellule:
            depasse = "DelaiDepasse", f"plus de {delai_cellule:g} s pour une cellule"
        elif limites.memoire and memoire(processus.pid) > limites.memoire * 1e6:
            depasse = "MemoireDepassee", f"plus de {limites.memoire} Mo de mémoire"
        if depasse:
            processus.arreter()
            return depasse, 0
    return None, code


def memoire(pid: int) -> int:
    """Octets de mémoire occupés par un processus et sa descendance, sans ce qu'ils partagent avec d'autres."""
    import psutil

    total = 0
    with contextlib.suppress(psutil.Error):
        processus = psutil.Process(pid)
        for un in (processus, *processus.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                vue = un.memory_info()
                total += vue.rss - getattr(vue, "shared", 0)
    return total


def _dire_fin(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"code de sortie {code}"


def preparer(travail: Travail) -> NotebookNode:
    """Le carnet, ses paramètres posés, avant d'être joué."""
    import papermill

    return papermill.execute_notebook(
        str(travail.gabarit), None, parameters=travail.parametres, prepare_only=True, progress_bar=False
    )


def ajouter_sortie(sorties: list, sortie: dict[str, Any]) -> None:
    """Ajoute une sortie à celles d'une cellule ; deux morceaux d'un même flux n'en font qu'un."""
    from nbformat import NotebookNode

    if sortie["output_type"] == "stream" and sorties and sorties[-1].get("name") == sortie["name"]:
        sorties[-1]["text"] += sortie["text"]
    else:
        sorties.append(NotebookNode(sortie))


def clore(carnet: NotebookNode, essai: Path) -> None:
    """La règle de papermill sur les cellules en faute.

    Raises
    ------
    PapermillExecutionError
        Une cellule est en faute ; le carnet, sa bannière en tête, est dans ``essai``.
    """
    from papermill.execute import raise_for_execution_errors

    raise_for_execution_errors(carnet, str(essai))


def _interrompu(travail: Travail, dossier: Path, journal: _Journal, nom: str, phrase: str) -> bytes:
    """Le carnet d'un processus mort : ce que ses cellules avaient affiché, et la raison dans la dernière."""
    from papermill.exceptions import PapermillExecutionError

    carnet = preparer(travail)
    cellule: Any = next(c for c in carnet.cells if c.cell_type == "code")
    jouees = 0
    for ligne in journal.evenements:
        evenement = json.loads(ligne)
        if "cellule" in evenement:
            jouees += 1
            cellule = carnet.cells[evenement["cellule"]]
            cellule.outputs, cellule.execution_count = [], jouees
        elif "sortie" in evenement:
            ajouter_sortie(cellule.outputs, evenement["sortie"])
        elif "efface" in evenement:
            cellule.outputs.clear()
    erreur = {"output_type": "error", "ename": nom, "evalue": phrase, "traceback": [f"{nom} : {phrase}"]}
    ajouter_sortie(cellule.outputs, erreur)
    essai = dossier / "carnet.ipynb"
    with contextlib.suppress(PapermillExecutionError):
        clore(carnet, essai)
    return essai.read_bytes()
