"""Le manifeste de l'entrepôt : les tables qui valent, remplacées d'un coup ; un seul processus écrit à la fois."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from cafdiag.erreurs import DonneesAbimees, ProductionImpossible
from cafdiag.magasin import dossier_utilisateur as dossier
from cafdiag.magasin import ecrire_atomique

_VERROU_ATTENTE = 120.0


def _controle(entrees: dict) -> str:
    texte = json.dumps(entrees, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(texte.encode("utf-8")).hexdigest()


def _insister(faire: Any) -> Any:
    """Windows refuse un instant de remplacer un fichier qu'un autre lit (ou de le lire pendant qu'il l'est)."""
    for pause in (0.02, 0.05, 0.1, 0.2, 0.5):
        try:
            return faire()
        except (PermissionError, ProductionImpossible) as erreur:
            refuse = erreur if isinstance(erreur, PermissionError) else erreur.__cause__
            if os.name != "nt" or not isinstance(refuse, PermissionError):
                raise
            time.sleep(pause)
    return faire()


def lire_manifeste() -> dict[str, dict]:
    """Les entrées, par nom ; un manifeste abîmé est refusé."""
    chemin = dossier() / "manifeste.json"
    conseil = f"supprimez {chemin}, puis réimportez ou retéléchargez vos données"
    try:
        texte = _insister(lambda: chemin.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as cause:
        raise DonneesAbimees("manifeste.json", f"illisible ({cause})", conseil=conseil) from cause
    try:
        contenu = json.loads(texte)
        entrees = contenu["entrees"]
        juste = contenu["format"] == 1 and contenu["controle"] == _controle(entrees)
    except (ValueError, KeyError, TypeError) as cause:
        raise DonneesAbimees("manifeste.json", "le manifeste est abîmé", conseil=conseil) from cause
    if not juste:
        raise DonneesAbimees("manifeste.json", "le manifeste a été modifié ou abîmé", conseil=conseil)
    return entrees


_LU: dict[tuple, dict[str, dict]] = {}


def manifeste_lu() -> dict[str, dict]:
    """Comme :func:`lire_manifeste`, sans relire un fichier qui n'a pas changé : un rapport le demande cent fois.

    Chaque écriture pose un fichier neuf à la place de l'ancien : son numéro, sa taille et sa date changent ensemble.
    """
    chemin = dossier() / "manifeste.json"
    try:
        etat = _insister(chemin.stat)
    except FileNotFoundError:
        return {}
    except OSError:
        return lire_manifeste()
    signature = (chemin, etat.st_ino, etat.st_size, etat.st_mtime_ns)
    lu = _LU.get(signature)
    if lu is None:
        lu = lire_manifeste()
        _LU.clear()
        _LU[signature] = lu
    return dict(lu)


def ecrire_manifeste(entrees: dict[str, dict]) -> None:
    """Remplace le manifeste d'un coup."""
    contenu = {"format": 1, "controle": _controle(entrees), "entrees": entrees}
    texte = json.dumps(contenu, ensure_ascii=False, indent=1, sort_keys=True)
    _insister(lambda: ecrire_atomique(dossier() / "manifeste.json", texte))


@contextlib.contextmanager
def seul() -> Iterator[None]:
    """Un seul processus écrit à la fois ; le système lève le verrou d'un processus tué."""
    import filelock

    try:
        dossier().mkdir(parents=True, exist_ok=True)
        verrou = filelock.FileLock(dossier() / ".verrou")
        # Se représenter souvent : un autre qui écrit sans relâche ne laisse que de courts passages.
        with verrou.acquire(timeout=_VERROU_ATTENTE, poll_interval=0.01):
            yield
    except filelock.Timeout as cause:
        raise ProductionImpossible(
            "un autre cafdiag écrit dans l'entrepôt depuis trop longtemps",
            conseil="attendez qu'il finisse, ou fermez-le",
        ) from cause
    except OSError as cause:
        raise ProductionImpossible(
            f"impossible d'écrire dans {dossier()} ({cause.strerror or cause})",
            conseil="vérifiez vos droits, ou choisissez un dossier par la variable CAFDIAG_DONNEES",
        ) from cause


@contextlib.contextmanager
def sans_ecriture() -> Iterator[None]:
    """Lire sans qu'un autre processus remplace une table entre le manifeste et elle.

    Un dossier en lecture seule, ou un verrou trop longtemps tenu, n'empêche pas de lire.
    """
    with contextlib.ExitStack() as pile:
        if (dossier() / "manifeste.json").exists():
            with contextlib.suppress(ProductionImpossible):
                pile.enter_context(seul())
        yield


def balayer(entrees: dict[str, dict]) -> None:
    """Ôte les tables que le manifeste ne nomme plus, et les brouillons d'un arrêt brutal."""
    utiles = {entree["table"] for entree in entrees.values()}
    for chemin in [*(dossier() / "tables").glob("*"), *(dossier() / "tables").glob(".*")]:
        if f"tables/{chemin.name}" not in utiles:
            with contextlib.suppress(OSError):
                chemin.unlink()
    for chemin in dossier().glob(".manifeste.json-*"):
        with contextlib.suppress(OSError):
            chemin.unlink()
