"""Les souches vues du lot : les démarrer, leur demander des noyaux, les arrêter.

Ce module n'importe ni papermill ni pandas : une souche démarre avant eux, et charge ses bibliothèques pendant que le
lot se prépare.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from typing import Any

from cafdiag.erreurs import ProductionImpossible
from cafdiag.geographie import geographie
from cafdiag.lot import trames

_DEPART = 120.0  # secondes laissées à la souche pour tout charger
_TRACE = "module://matplotlib_inline.backend_inline"
_CONSTAT = 30.0  # secondes laissées à la souche pour dire comment une copie a fini
_PAS = 0.25  # secondes entre deux regards sur la mémoire et le délai
_D_AVANCE = 16_384  # octets de cellules envoyés avant que les précédentes aient répondu
_ENVELOPPE = 512  # ce qu'une cellule pèse en plus de sa source, largement


# Un seul fil, et le tracé qu'emploie un noyau ordinaire.
_SEULE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MPLBACKEND": _TRACE,
}


class SoucheIndisponible(ProductionImpossible):
    """Ce système, ou ce qui y est chargé, ne permet pas de dupliquer un processus sans risque."""


class Souche:
    """Une souche en marche, vue du lot : elle donne des noyaux.

    Sitôt construite, elle commence ses imports ; :meth:`regler` lui dit le reste et attend qu'elle soit prête.

    Parameters
    ----------
    environnement : dict, optional
        Variables d'environnement à ajouter.

    Raises
    ------
    SoucheIndisponible
        Pas Linux.
    """

    def __init__(self, *, environnement: dict[str, str] | None = None) -> None:
        if not sys.platform.startswith("linux"):
            raise SoucheIndisponible("la duplication de processus n'est sûre que sous Linux")
        self._ajouts = dict(environnement or {})
        self._controle, la_bas = socket.socketpair()
        self._verrou, self.proprietaire, self.pid = threading.Lock(), os.getpid(), 0
        self._morte = False
        variables = os.environ | self._ajouts | _SEULE
        with la_bas:
            # -P : le dossier courant ne doit pas prendre la place d'un module. Session à part : un Ctrl-C
            # au clavier ne frappe que le lot, qui range avant de sortir.
            self._processus = subprocess.Popen(
                [sys.executable, "-P", "-m", "cafdiag.lot.souche", str(la_bas.fileno())],
                pass_fds=[la_bas.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=variables,
            )

    def regler(self, *, gabarit: str = "", parametres: dict[str, str] | None = None) -> Souche:
        """Donne le carnet à répéter et attend que la souche puisse servir.

        Raises
        ------
        SoucheIndisponible
            Le préchargement a échoué, ou a laissé plusieurs fils.
        """
        self._controle.settimeout(_DEPART)
        try:
            trames.envoyer(self._controle, {"gabarit": gabarit, "parametres": parametres or {}})
            accueil = trames.recevoir(self._controle)
        except OSError:
            accueil = None
        if accueil is None or "pret" not in accueil[0]:
            self.fermer()
            raison = accueil[0]["refus"] if accueil else "elle n'a pas démarré"
            raise SoucheIndisponible(f"la souche ne peut pas servir : {raison}")
        self.pid = accueil[0]["pret"]
        return self

    @property
    def vivante(self) -> bool:
        """Vrai tant que la souche peut encore donner un noyau."""
        # Le système ferme les prises d'un processus tué avant de le dire fini : elles savent les premières.
        return self.proprietaire == os.getpid() and not self._morte and self._processus.poll() is None

    def perdue(self, raison: str) -> SoucheIndisponible:
        """La souche ne répond plus : elle ne servira plus, et voici l'erreur à lever."""
        self._morte = True
        return SoucheIndisponible(raison)

    def noyau(self, dossier: str) -> NoyauDuplique:
        """Une copie neuve, qui travaille dans ce dossier."""
        ici, la_bas = socket.socketpair()
        lecture, ecriture = os.pipe()
        variables = os.environ | {"MPLBACKEND": _TRACE} | self._ajouts
        demande = json.dumps({"dossier": dossier, "environnement": variables}) + "\n"
        try:
            with self._verrou, la_bas:
                # Les descripteurs partent avec un octet : le reste peut dépasser le tampon de la prise.
                octets = demande.encode("utf-8", "surrogateescape")
                socket.send_fds(self._controle, [octets[:1]], [la_bas.fileno(), ecriture])
                self._controle.sendall(octets[1:])
                reponse = trames.recevoir(self._controle)
        except OSError:
            reponse = None
        finally:
            os.close(ecriture)
        if reponse is None:
            ici.close()
            os.close(lecture)
            raise self.perdue("la souche s'est arrêtée")
        return NoyauDuplique(self, reponse[0]["pid"], ici, lecture)

    def tuer(self, pid: int) -> None:
        """Arrête une copie et ce qu'elle a lancé ; elle seule connaît les siennes."""
        with self._verrou, contextlib.suppress(OSError):
            self._controle.sendall((json.dumps({"tuer": pid}) + "\n").encode())
            # Une demande, une réponse : deux demandes ne se suivent jamais dans la prise.
            trames.recevoir(self._controle)

    def fermer(self) -> None:
        """Arrête la souche ; ses copies la suivent."""
        self._controle.close()
        try:
            self._processus.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._processus.kill()
            self._processus.wait()


class NoyauDuplique:
    """Un noyau né de la souche : on lui envoie des cellules, il rend des messages Jupyter."""

    def __init__(self, souche: Souche, pid: int, fil: socket.socket, constat: int) -> None:
        self._souche, self.pid, self._fil, self._constat = souche, pid, fil, constat
        self.accueil: dict = {}
        self._a_envoyer: deque[dict] = deque()
        self._partis: deque[int] = deque()
        self._prochain = time.monotonic() + _PAS

    def confier(self, cellules: list[tuple[str, bool]], *, session: str) -> None:
        """Donne tout le carnet : par cellule, sa source, et s'il faut s'arrêter là en cas d'erreur.

        Le noyau reçoit les cellules d'avance et passe de l'une à l'autre sans attendre qu'on ait lu ce qu'il
        affiche : s'endormir entre deux lui coûterait ses caches.
        """
        for rang, (source, arret) in enumerate(cellules, start=1):
            entete = {
                "msg_id": f"{session}-{rang}",
                "msg_type": "execute_request",
                "session": session,
                "username": "cafdiag",
                "version": "5.4",
            }
            contenu = {
                "code": source,
                "silent": False,
                "store_history": True,
                "allow_stdin": False,
                "stop_on_error": arret,
            }
            self._a_envoyer.append(
                {"header": entete, "parent_header": {}, "metadata": {}, "content": contenu}
                | {"msg_id": entete["msg_id"], "msg_type": "execute_request"}
            )

    def resultat(self, *, surveiller: Any, recevoir: Any) -> dict | None:
        """La réponse à la cellule suivante de celles qu'on a confiées, ou None si le noyau est mort.

        ``surveiller`` est appelé quatre fois par seconde et peut lever ; ``recevoir`` prend chaque message.
        """
        self._avancer()
        reponse = None
        while (recu := self._attendre(surveiller)) is not None:
            message, tampons = recu
            if "fin" in message:
                self._partis.popleft()
                return reponse
            if message["msg_type"] == "execute_reply":
                reponse = message
            else:
                recevoir(message | {"buffers": tampons})
        return None

    def _avancer(self) -> None:
        # Jamais plus que le tampon de la prise : un noyau qui attend qu'on le lise ne lit pas, lui non plus.
        while self._a_envoyer:
            taille = len(self._a_envoyer[0]["content"]["code"].encode("utf-8", "replace")) + _ENVELOPPE
            if self._partis and sum(self._partis) + taille > _D_AVANCE:
                return
            self._partis.append(taille)
            # Un noyau mort se dira à la lecture, après ce qu'il avait eu le temps d'envoyer.
            with contextlib.suppress(OSError):
                trames.envoyer(self._fil, self._a_envoyer.popleft())

    def accueillir(self, surveiller: Any) -> bool:
        """Attend le premier mot du noyau ; faux s'il est mort avant."""
        recu = self._attendre(surveiller)
        if recu is not None:
            self.accueil = recu[0]
        return recu is not None

    def _attendre(self, surveiller: Any) -> tuple[dict, list[bytes]] | None:
        # Un noyau bavard se surveille comme un muet : à l'heure, pas au silence.
        while not select.select([self._fil], [], [], max(0.0, self._prochain - time.monotonic()))[0] or (
            time.monotonic() >= self._prochain
        ):
            surveiller()
            self._prochain = time.monotonic() + _PAS
        return trames.recevoir(self._fil)

    def fin(self) -> str:
        """Comment le noyau est mort, en français.

        Raises
        ------
        SoucheIndisponible
            La souche est morte avec lui : le carnet n'y est pour rien.
        """
        if not select.select([self._constat], [], [], _CONSTAT)[0]:
            return "arrêt inexpliqué"
        texte = os.read(self._constat, 64).decode().strip()
        if not texte:
            raise self._souche.perdue("la souche s'est arrêtée")
        code = int(texte)
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
        return f"code de sortie {code}"

    def fermer(self, *, tuer: bool = True) -> None:
        """Arrête le noyau, sans attendre ses adieux."""
        # Tuer avant de fermer : les cellules déjà dans la prise ne doivent plus être jouées.
        if tuer:
            self._souche.tuer(self.pid)
        self._fil.close()
        os.close(self._constat)


_COMMUNES: dict[tuple, Souche] = {}
_AVANCE = "avance"
_VERROU = threading.Lock()
_PERMIS = threading.Event()
_PERMIS.set()


def souche_commune(
    *,
    gabarit: str = "",
    parametres: dict[str, str] | None = None,
    environnement: dict[str, str] | None = None,
) -> Souche:
    """La souche de ce processus, démarrée à la première demande et relancée si elle est morte."""
    reglages = (gabarit, parametres or {}, environnement or {})
    cle = (os.getpid(), geographie(), json.dumps(reglages, sort_keys=True))
    with _VERROU:
        if not _PERMIS.is_set():
            raise SoucheIndisponible("le lot est interrompu")
        souche = _COMMUNES.get(cle)
        if souche is None or not souche.vivante:
            if souche is not None:
                souche.fermer()
            souche = _COMMUNES.pop((_AVANCE, geographie()), None) if not environnement else None
            souche = souche or Souche(environnement=environnement)
            try:
                _COMMUNES[cle] = souche.regler(gabarit=gabarit, parametres=parametres)
            except BaseException:
                # Interrompue pendant son préchargement, elle ne servira pas : un nouvel essai en veut une neuve.
                souche.fermer()
                raise
        return _COMMUNES[cle]


def devancer() -> None:
    """Démarre une souche pendant que le lot se prépare : ses imports sont faits quand il en a besoin."""
    with _VERROU, contextlib.suppress(SoucheIndisponible):
        if (_AVANCE, geographie()) not in _COMMUNES:
            _COMMUNES[_AVANCE, geographie()] = Souche()


def autoriser() -> None:
    """Permet de démarrer des souches (c'est le cas d'office)."""
    _PERMIS.set()


def interdire() -> None:
    """Arrête les souches et n'en laisse plus naître : un lot qu'on interrompt ne doit pas les relancer."""
    _PERMIS.clear()
    fermer_souches()


@atexit.register
def fermer_souches() -> None:
    """Arrête les souches de ce processus."""
    with _VERROU:
        for souche in _COMMUNES.values():
            if souche.proprietaire == os.getpid():
                souche.fermer()
        _COMMUNES.clear()
