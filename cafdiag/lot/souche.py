"""La souche : un processus préchargé, à un seul fil, d'où chaque carnet naît par duplication (``fork``).

Lancée par :mod:`cafdiag.lot.elevage` (``python -m cafdiag.lot.souche``), elle charge une fois les
bibliothèques et les tables, puis attend. Une duplication coûte quelques millisecondes là où un noyau neuf
redémarre Python et réimporte tout. Un processus qui a plusieurs fils ne se duplique pas sans risque : la
souche se compte elle-même et refuse de servir si elle n'est pas seule.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import importlib
import json
import logging
import os
import random
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from cafdiag.lot import trames
from cafdiag.lot.repetition import repeter

MODULES = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "shapely",
    "geopandas",
    "pyproj",
    "matplotlib.pyplot",
    "folium",
    "cafdiag.restitution.diagnostic",
    "cafdiag.restitution.produire",
)


def fils() -> list[str]:
    """Noms des fils de ce processus (Linux)."""
    noms = []
    for tache in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            noms.append((tache / "comm").read_text().strip())
    return sorted(noms)


def _table_a_un_fil(chemin, *, columns=None, filters=None, **_):
    """``pyarrow.parquet.read_table``, sans ouvrir de fil."""
    import pyarrow
    import pyarrow.compute as pc
    from pyarrow.parquet import ParquetFile

    comparer = {
        "==": pc.equal,
        "!=": pc.not_equal,
        "<": pc.less,
        "<=": pc.less_equal,
        ">": pc.greater,
        ">=": pc.greater_equal,
        "in": lambda colonne, valeurs: pc.is_in(colonne, pyarrow.array(list(valeurs))),
    }
    filtres = filters or []
    lues = None if columns is None else list(dict.fromkeys([*columns, *(c for c, _, _ in filtres)]))
    with ParquetFile(chemin, pre_buffer=False) as fichier:
        table = fichier.read(columns=lues, use_threads=False, use_pandas_metadata=True)
    for colonne, comparaison, valeur in filtres:
        table = table.filter(comparer[comparaison](table[colonne], valeur))
    return table if columns is None else table.select(columns)


def _contours_a_un_fil(chemin, *, columns=None, filters=None):
    """``geopandas.read_parquet`` : son ouverture du fichier, elle, démarre des fils."""
    import geopandas

    table = _table_a_un_fil(chemin, columns=columns, filters=filters)
    decrit = json.loads(table.schema.metadata[b"geo"])
    colonne = decrit["primary_column"]
    cadre = table.to_pandas(use_threads=False)
    crs = decrit["columns"][colonne].get("crs", "OGC:CRS84")
    cadre[colonne] = geopandas.GeoSeries.from_wkb(cadre[colonne], crs=crs)
    return geopandas.GeoDataFrame(cadre, geometry=colonne)


@contextlib.contextmanager
def lectures_a_un_fil():
    """Pendant la répétition, on lit sans ouvrir de fil : une souche n'en a qu'un."""
    import geopandas
    import pandas
    from pyarrow import parquet

    ordinaires = pandas.read_parquet, geopandas.read_parquet, parquet.read_table
    pandas.read_parquet = functools.partial(ordinaires[0], to_pandas_kwargs={"use_threads": False})
    geopandas.read_parquet = _contours_a_un_fil
    parquet.read_table = _table_a_un_fil
    try:
        yield
    finally:
        pandas.read_parquet, geopandas.read_parquet, parquet.read_table = ordinaires


def importer() -> None:
    """Importe ce dont les carnets se servent."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    for module in MODULES:
        importlib.import_module(module)


def precharger(reglages: dict[str, Any]) -> Any:
    """Charge modules, tables et noyau ; rend le noyau, prêt à servir dans les copies."""
    importer()
    if reglages.get("gabarit"):
        import matplotlib
        import matplotlib.pyplot as plt

        from cafdiag.magasin import garder_contours

        with lectures_a_un_fil(), matplotlib.rc_context():
            garder_contours()
            repeter(Path(reglages["gabarit"]), reglages.get("parametres", {}))
        plt.close("all")
    # Sans son débogueur ni son historique, ipykernel n'ouvre pas de fil.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    from traitlets.config import Config

    from cafdiag.lot.noyau import NoyauDirect

    noyau = NoyauDirect.instance(
        log=logging.getLogger("cafdiag.noyau"), config=Config({"HistoryManager": {"enabled": False}})
    )
    del sys.modules["debugpy"]
    return noyau


def principal() -> None:
    """Importe, reçoit ses réglages, précharge, se compte, puis sert jusqu'à la fermeture de la prise."""
    controle = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        importer()
        recu = trames.recevoir(controle)
        if recu is None:
            return
        noyau = precharger(recu[0])
    except Exception as cause:  # la souche dit pourquoi elle refuse ; le lot se replie sur des noyaux neufs
        _repondre(controle, {"refus": f"{type(cause).__name__} : {cause}"})
        return
    gc.collect()
    gc.freeze()
    vivants = fils()
    if len(vivants) > 1:
        _repondre(controle, {"refus": f"{len(vivants)} fils vivants ({', '.join(vivants)})"})
        return
    _repondre(controle, {"pret": os.getpid()})
    _servir(controle, noyau)


def _repondre(controle: socket.socket, message: dict) -> None:
    # Un lot interrompu n'écoute plus : la souche le verra à la prochaine lecture, et s'arrêtera sans bruit.
    with contextlib.suppress(OSError):
        trames.envoyer(controle, message)


def _servir(controle: socket.socket, noyau: Any) -> None:
    reveil, sonnette = os.pipe()
    os.set_blocking(reveil, False)
    os.set_blocking(sonnette, False)
    signal.set_wakeup_fd(sonnette, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    libc = ctypes.CDLL(None, use_errno=True)
    enfants: dict[int, int] = {}
    ecoutes: list[Any] = [controle, reveil]
    while True:
        prets, _, _ = select.select(ecoutes, [], [])
        if reveil in prets:
            with contextlib.suppress(BlockingIOError):
                os.read(reveil, 4096)
            _moissonner(enfants)
        if controle in prets:
            demande = _recevoir_demande(controle)
            if demande is None:
                break
            ordre, descripteurs = demande
            if "tuer" in ordre:
                if ordre["tuer"] in enfants:
                    _abattre(ordre["tuer"])
                trames.envoyer(controle, {})
                continue
            prise, constat = descripteurs
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for inutile in (reveil, sonnette, constat, *enfants.values()):
                    os.close(inutile)
                controle.close()
                _naitre(noyau, prise, ordre, libc)
            os.close(prise)
            enfants[pid] = constat
            trames.envoyer(controle, {"pid": pid})
    for pid in enfants:
        _abattre(pid)


def _recevoir_demande(controle: socket.socket) -> tuple[dict, list[int]] | None:
    texte, descripteurs = b"", []
    while not texte.endswith(b"\n"):
        morceau, recus, _, _ = socket.recv_fds(controle, 65536, 2)
        if not morceau:
            return None
        texte += morceau
        descripteurs += recus
    return json.loads(texte), descripteurs


def _abattre(pid: int) -> None:
    """Le carnet et tout ce qu'il a lancé : le groupe porte le numéro du carnet."""
    for tuer in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            tuer(pid, signal.SIGKILL)


def _moissonner(enfants: dict[int, int]) -> None:
    """Relève les copies finies et dit au lot comment chacune a fini."""
    for pid in list(enfants):
        # WNOWAIT : tant que le carnet n'est pas relevé, son numéro ne peut pas désigner un autre groupe.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _, statut = os.waitpid(pid, 0)
        constat = enfants.pop(pid)
        with contextlib.suppress(OSError):
            os.write(constat, f"{os.waitstatus_to_exitcode(statut)}\n".encode())
        os.close(constat)


def _ouvrir_le_dossier_courant() -> None:
    """Un carnet importe les modules posés à côté de lui, comme dans un noyau ordinaire : avant ceux des paquets."""
    if "" not in sys.path:
        noms = [Path(chemin).name for chemin in sys.path]
        rang = next((i for i, nom in enumerate(noms) if nom in ("site-packages", "dist-packages")), len(noms))
        sys.path.insert(rang, "")


def _naitre(noyau: Any, prise: int, ordre: dict, libc: Any) -> NoReturn:
    """Dans la copie : couper ce qui la relie à la souche, repartir d'un hasard neuf, servir, finir."""
    code = 1
    try:
        erreurs = os.dup(2)
        os.setpgid(0, 0)
        souche = os.getppid()
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG : la souche morte, la copie meurt
        if os.getppid() != souche:
            os._exit(1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(ordre["environnement"])
        os.chdir(ordre["dossier"])
        _ouvrir_le_dossier_courant()
        random.seed()
        import numpy as np

        np.random.seed(int.from_bytes(os.urandom(4), "little"))
        noyau.servir(socket.socket(fileno=prise))
        code = 0
    except BaseException:
        # Une faute du noyau lui-même : elle doit se voir, même si le lot la compte déjà.
        os.write(erreurs, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(code)


if __name__ == "__main__":
    principal()
