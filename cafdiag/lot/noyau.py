"""Le noyau dupliqué : un vrai noyau IPython, relié au lot par une prise plutôt que par cinq sockets zmq.

Tout se passe dans le processus né de :mod:`cafdiag.lot.souche`. Les cellules sont exécutées par
``ipykernel`` ; seule change la façon dont ses messages partent. C'est ce qui évite l'ouverture des sockets,
les fils d'entrée-sortie et la poignée de main, soit une demi-seconde de processeur par carnet.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sys
import tempfile
import threading
from types import SimpleNamespace
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import Session

from cafdiag.lot import trames


class SessionDirecte(Session):
    """Une session Jupyter dont les messages partent par la prise du carnet."""

    fil: socket.socket | None = None
    processus = 0
    _verrou = threading.Lock()

    def relier(self, fil: socket.socket) -> None:
        """Désigne la prise, et le seul processus qui ait le droit d'y écrire."""
        self.fil, self.processus, self._verrou = fil, os.getpid(), threading.Lock()

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        ident: Any = None,
        buffers: Any = None,
        track: bool = False,
        header: Any = None,
        metadata: Any = None,
    ) -> dict:
        """Envoie un message du noyau ; même signature que celle de jupyter_client."""
        message = (
            msg_or_type
            if isinstance(msg_or_type, dict)
            else self.msg(msg_or_type, content=content, parent=parent, header=header, metadata=metadata)
        )
        # Un carnet peut se dupliquer lui-même (multiprocessing) : deux voix sur une prise la brouilleraient.
        if self.fil is not None and os.getpid() == self.processus:
            with self._verrou:
                trames.envoyer(self.fil, message, buffers or message.get("buffers"))
        return message

    def finir(self) -> None:
        """Dit que la cellule est finie ; sous le même verrou, car un fil du carnet peut être en train d'afficher."""
        with self._verrou:
            if self.fil is not None:
                trames.envoyer(self.fil, {"fin": True})


class Flux(io.TextIOBase):
    """``sys.stdout`` ou ``sys.stderr`` d'un carnet : ce qui y est écrit devient une sortie de la cellule."""

    encoding = "utf-8"

    def __init__(self, noyau: NoyauDirect, nom: str, descripteur: int) -> None:
        self._noyau, self.name, self._descripteur = noyau, nom, descripteur
        self._attente: list[str] = []
        self._verrou = threading.RLock()

    def fileno(self) -> int:
        """Le descripteur que recevra un programme lancé par le carnet."""
        return self._descripteur

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
        """Envoie ce qui attend."""
        with self._verrou:
            texte, self._attente = "".join(self._attente), []
        if texte:
            noyau = self._noyau
            noyau.directe.send(
                noyau.iopub_socket,
                "stream",
                {"name": self.name, "text": texte},
                parent=noyau.get_parent(),
            )


class NoyauDirect(IPythonKernel):
    """Un noyau IPython sans zmq ni fil."""

    # ipykernel y cherche son fil principal pour savoir à qui rendre un Ctrl-C ; ici il n'y en a pas.
    shell_channel_thread = SimpleNamespace(parent_thread=None)  # type: ignore[assignment]
    # La pause d'ipykernel laisse à zmq le temps de vider ses files. Une prise garde l'ordre ; et un processeur
    # endormi après chaque cellule reprend la suivante les caches froids.
    _execute_sleep = 0.0
    arrete = False

    def __init__(self, **traits: Any) -> None:
        directe = SessionDirecte(key=b"")
        super().__init__(session=directe, **traits)
        self.directe = directe
        # « %matplotlib inline » cherche une boucle d'affichage dans l'application du noyau : il n'y en a pas.
        if self.shell is not None:
            self.shell.enable_gui = lambda gui=None: None

    def start(self) -> None:
        """Rien à ouvrir : les demandes arrivent par :meth:`servir`."""

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """Une cellule a échoué : celles qui attendent dans la prise ne seront pas exécutées."""
        self.arrete = True

    def servir(self, fil: socket.socket) -> None:
        """Exécute les demandes reçues, une par une, jusqu'à la fermeture de la prise."""
        self.directe.relier(fil)
        traces = _detourner_descripteurs()
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
        sys.stdout, sys.stderr = Flux(self, "stdout", 1), Flux(self, "stderr", 2)
        boucle = asyncio.new_event_loop()
        asyncio.set_event_loop(boucle)
        trames.envoyer(fil, {"language_info": self.language_info})
        while (recu := trames.recevoir(fil)) is not None:
            if self.arrete:
                continue
            demande = recu[0]
            self.set_parent([], demande)
            boucle.run_until_complete(self.execute_request(None, [], demande))
            if os.getpid() != self.directe.processus:
                # Une copie que le carnet a faite de lui-même et n'a pas arrêtée : la suite n'est pas pour elle.
                os._exit(0)
            _recueillir(traces)
            self.directe.finir()
            if self.shell is not None and self.shell.exit_now:
                return  # le carnet a congédié son noyau : ses cellules suivantes n'en ont plus


def _detourner_descripteurs() -> dict[int, io.FileIO]:
    """Ce qu'un programme lancé par le carnet écrit sans passer par Python est recueilli dans un fichier."""
    traces = {}
    for numero in (1, 2):
        trace = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        os.dup2(trace.fileno(), numero)
        traces[numero] = trace
    return traces


def _recueillir(traces: dict[int, io.FileIO]) -> None:
    for numero, trace in traces.items():
        taille = os.fstat(trace.fileno()).st_size
        if not taille:
            continue
        texte = os.pread(trace.fileno(), taille, 0).decode("utf-8", "replace")
        # Le descripteur est partagé avec le programme : revenir au début vaut pour lui aussi.
        os.lseek(trace.fileno(), 0, os.SEEK_SET)
        os.ftruncate(trace.fileno(), 0)
        flux = sys.stdout if numero == 1 else sys.stderr
        flux.write(texte)
        flux.flush()
