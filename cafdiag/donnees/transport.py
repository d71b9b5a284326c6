"""Le transport : prendre un fichier sur le réseau sans jamais garder un morceau pour un tout.

:class:`Recuperateur` est un « downloader » de la bibliothèque pooch, qui en garde le fichier provisoire et la
mise en place ; il y ajoute ce qu'elle n'a pas : reprise d'un transfert coupé, tailles confrontées, lenteur
bornée, messages en français.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cafdiag.erreurs import CafdiagError
from cafdiag.magasin import ecrire_atomique

_BLOC = 64 * 1024
_PASSAGERS = {408, 425, 429, 500, 502, 503, 504}
_REPONSES = {
    400: "la demande est refusée par le portail",
    401: "l'accès demande un compte",
    403: "l'accès est interdit",
    404: "rien à cette adresse : le jeu a sans doute changé d'identifiant",
    407: "le serveur mandataire demande un compte",
    410: "le jeu a été retiré",
    429: "trop de demandes",
    500: "le serveur est en panne",
    502: "le serveur est en panne",
    503: "le serveur est indisponible",
    504: "le serveur ne répond pas à temps",
}
Suivi = Callable[[int, "int | None"], None]


class TelechargementImpossible(CafdiagError):
    """Le fichier n'a pas pu être pris ; la version d'avant, s'il y en a une, reste en service."""

    def __init__(self, trouve: str, *, attendu: str = "", conseil: str = "", statut: int = 0) -> None:
        self.statut = statut
        super().__init__(trouve, attendu=attendu, conseil=conseil)


class NonModifie(Exception):
    """Le serveur dit que le fichier n'a pas changé (304)."""


class _Passager(Exception):
    """Incident qu'un nouvel essai peut résoudre ; ``attente`` : secondes demandées par le serveur."""

    def __init__(self, message: str, *, attente: float | None = None, statut: int = 0) -> None:
        self.attente, self.statut = attente, statut
        super().__init__(message)


@dataclass(frozen=True)
class ReglagesDeTransport:
    """Bornes d'un téléchargement ; durées en secondes, tailles en octets.

    Attributes
    ----------
    connexion, lecture : float
        Délai pour joindre le serveur ; silence le plus long admis.
    essais : int
        Nombre d'essais par adresse ; l'attente double de l'un à l'autre, jusqu'à ``attente_max``.
    debit_min, fenetre : float
        Sous ``debit_min`` octets par seconde pendant ``fenetre`` secondes, l'essai est abandonné.
    duree_max, octets_max : float, int
        Bornes d'un fichier.
    """

    connexion: float = 15.0
    lecture: float = 60.0
    essais: int = 4
    attente: float = 1.0
    attente_max: float = 20.0
    debit_min: float = 500.0
    fenetre: float = 60.0
    duree_max: float = 3600.0
    octets_max: int = 4 * 1024**3


def _tourner(essai: Callable[[], Any], url: str, reglages: ReglagesDeTransport) -> Any:
    """Répète un essai, en attendant de plus en plus, tant que l'incident est passager."""
    debut, incidents, attente = time.monotonic(), [], reglages.attente
    statut = 0
    for rang in range(1, reglages.essais + 1):
        try:
            return essai()
        except _Passager as incident:
            incidents.append(str(incident))
            statut = incident.statut
            pause = min(max(incident.attente or 0, attente), reglages.attente_max)
            attente *= 2
            if rang == reglages.essais or time.monotonic() - debut + pause > reglages.duree_max:
                break
            time.sleep(pause)
    fois = f"{len(incidents)} essai{'s' if len(incidents) > 1 else ''}"
    raise TelechargementImpossible(
        f"{url} : {incidents[-1]} ({fois})",
        conseil="réessayez plus tard, ou prenez le fichier à la main et « cafdiag donnees importer FICHIER »",
        statut=statut,
    )


def _panne(cause: Exception) -> Exception:
    """Une panne de transport, en français ; passagère sauf ce qu'un nouvel essai ne changera pas."""
    import requests

    erreurs = requests.exceptions
    definitives = (
        (
            erreurs.SSLError,
            "le certificat du serveur est refusé",
            "réseau d'entreprise : donnez son certificat par la variable REQUESTS_CA_BUNDLE",
        ),
        (
            erreurs.ProxyError,
            "le serveur mandataire (proxy) ne laisse pas passer",
            "vérifiez la variable HTTPS_PROXY",
        ),
        (erreurs.TooManyRedirects, "l'adresse renvoie sans fin vers une autre", ""),
        ((erreurs.InvalidURL, erreurs.MissingSchema, erreurs.InvalidSchema), "l'adresse est mal formée", ""),
    )
    for genre, texte, conseil in definitives:
        if isinstance(cause, genre):
            return TelechargementImpossible(texte, conseil=conseil)
    if isinstance(cause, erreurs.ConnectTimeout):
        return _Passager("le serveur ne répond pas dans le délai")
    if isinstance(cause, (erreurs.Timeout, TimeoutError)) or "timed out" in str(cause).lower():
        return _Passager("le serveur s'est tu trop longtemps")
    if isinstance(cause, erreurs.ConnectionError) and not getattr(cause, "response", None):
        return _Passager("la connexion est impossible ou coupée (réseau absent, ou accès refusé)")
    return _Passager("la connexion a été coupée")


def _attente_demandee(reponse: Any) -> float | None:
    valeur = reponse.headers.get("Retry-After", "")
    if valeur.isdigit():
        return float(valeur)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(valeur).timestamp() - time.time())
    return None


def _demander(url: str, entetes: dict[str, str], reglages: ReglagesDeTransport) -> Any:
    """Une réponse ouverte (2xx, 304 ou 416), redirections suivies ; le reste est une erreur."""
    import requests

    session = requests.Session()
    session.max_redirects = 5
    # « identity » : la taille annoncée est alors celle du fichier, et la reprise tombe au bon octet.
    entetes = {"User-Agent": "cafdiag", "Accept-Encoding": "identity", **entetes}
    try:
        reponse = session.get(
            url, headers=entetes, stream=True, timeout=(reglages.connexion, reglages.lecture)
        )
    except (requests.exceptions.RequestException, OSError) as cause:
        session.close()
        raise _panne(cause) from cause
    if url.startswith("https:") and any(not r.url.startswith("https:") for r in [*reponse.history, reponse]):
        reponse.close()
        raise TelechargementImpossible(
            f"{url} renvoie vers une adresse non protégée ({reponse.url})", attendu="une adresse https"
        )
    statut = reponse.status_code
    if statut in (200, 206, 304, 416):
        return reponse
    texte = f"{_REPONSES.get(statut, 'réponse inattendue')} (HTTP {statut})"
    attente = _attente_demandee(reponse)
    reponse.close()
    if statut in _PASSAGERS:
        raise _Passager(texte, attente=attente, statut=statut)
    raise TelechargementImpossible(f"{url} : {texte}", statut=statut)


def _entier(texte: str | None) -> int | None:
    return int(texte) if texte and texte.isdigit() else None


def _blocs(reponse: Any, reglages: ReglagesDeTransport, fin: float):
    """Les octets au fil de l'eau : ``read1`` rend ce qui est là, sans attendre un bloc plein."""
    import requests
    from urllib3.exceptions import HTTPError

    depuis, recus = time.monotonic(), 0
    while True:
        try:
            bloc = reponse.raw.read1(_BLOC, decode_content=True)
        except (HTTPError, requests.exceptions.RequestException, OSError) as cause:
            raise _panne(cause) from cause
        if not bloc:
            return
        yield bloc
        recus += len(bloc)
        maintenant = time.monotonic()
        if maintenant > fin:
            raise TelechargementImpossible(f"plus de {reglages.duree_max:.0f} s pour un seul fichier")
        if maintenant - depuis >= reglages.fenetre:
            if recus < reglages.debit_min * (maintenant - depuis):
                raise _Passager(
                    f"le serveur est trop lent ({recus / (maintenant - depuis):.0f} octets par seconde)"
                )
            depuis, recus = maintenant, 0


class Recuperateur:
    """Prend une adresse ; s'emploie comme ``downloader`` de pooch.

    Parameters
    ----------
    partiels : Path
        Dossier des transferts inachevés : ils reprennent où ils en étaient si le serveur sait le faire
        et si le fichier n'a pas changé entre-temps.
    reglages : ReglagesDeTransport
    suivi : callable, optional
        ``suivi(octets_recus, octets_annonces)``, au fil du transfert.
    connus : dict, optional
        ``etag`` et ``last_modified`` de la version en service, pour ne rien transférer si rien n'a changé.

    Attributes
    ----------
    entetes : dict
        ``etag`` et ``last_modified`` de ce qui vient d'arriver.
    repris : int
        Octets qui n'ont pas été redemandés.
    """

    def __init__(
        self,
        partiels: Path,
        reglages: ReglagesDeTransport,
        *,
        suivi: Suivi | None = None,
        connus: dict[str, str] | None = None,
    ) -> None:
        self.partiels, self.reglages, self.suivi = partiels, reglages, suivi
        self.connus = connus or {}
        self.entetes: dict[str, str] = {}
        self.repris = 0

    def __call__(self, url: str, output_file: str, pooch: Any = None, check_only: bool = False) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise TelechargementImpossible(f"{url} : adresse refusée", attendu="une adresse https")
        self.partiels.mkdir(parents=True, exist_ok=True)
        cle = hashlib.sha256(url.encode("utf-8")).hexdigest()[:24]
        partiel, note = self.partiels / f"{cle}.part", self.partiels / f"{cle}.json"
        fin = time.monotonic() + self.reglages.duree_max
        # D'un lancement à l'autre, on ne reprend que si le serveur peut garantir que c'est le même fichier.
        if not self._lire_note(note).get("garant"):
            self._oublier(partiel, note)
        _tourner(lambda: self._essai(url, partiel, note, fin), url, self.reglages)
        os.replace(partiel, output_file)
        self._oublier(partiel, note)

    @staticmethod
    def _oublier(*chemins: Path) -> None:
        for chemin in chemins:
            chemin.unlink(missing_ok=True)

    @staticmethod
    def _lire_note(note: Path) -> dict:
        try:
            contenu = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return contenu if isinstance(contenu, dict) else {}

    def _essai(self, url: str, partiel: Path, note: Path, fin: float) -> None:
        avant = self._lire_note(note)
        deja = partiel.stat().st_size if partiel.exists() and avant else 0
        entetes = {}
        if deja:
            entetes["Range"] = f"bytes={deja}-"
            if avant.get("garant"):
                entetes["If-Range"] = avant["garant"]
        else:
            if self.connus.get("etag"):
                entetes["If-None-Match"] = self.connus["etag"]
            if self.connus.get("last_modified"):
                entetes["If-Modified-Since"] = self.connus["last_modified"]
        with _demander(url, entetes, self.reglages) as reponse:
            if reponse.status_code == 304 and not deja:
                raise NonModifie
            total = self._total(reponse)
            if reponse.status_code != 200 and not self._reprise_juste(reponse, deja, total, avant):
                self._oublier(partiel, note)
                raise _Passager("la reprise est impossible, le transfert repart de zéro")
            if total is not None and total > self.reglages.octets_max:
                raise TelechargementImpossible(
                    f"{url} annonce {total} octets", attendu=f"{self.reglages.octets_max} au plus"
                )
            if reponse.status_code != 206:
                deja = 0
            etag = reponse.headers.get("ETag", "")
            modifie = reponse.headers.get("Last-Modified", "")
            self.entetes = {"etag": etag, "last_modified": modifie}
            garant = etag if etag and not etag.startswith("W/") else modifie
            ecrire_atomique(note, json.dumps({"url": url, "garant": garant, "total": total}))
            self.repris = deja
            recus = self._recevoir(reponse, partiel, deja, total, fin)
        if total is not None and recus != total:
            raise _Passager(f"transfert coupé : {recus} octets reçus sur {total} annoncés")

    @staticmethod
    def _total(reponse: Any) -> int | None:
        """Taille annoncée du fichier entier ; None si le serveur ne la dit pas."""
        if reponse.status_code == 206:
            return _entier(reponse.headers.get("Content-Range", "").rpartition("/")[2])
        # Compressée pour le transport, la taille annoncée n'est pas celle du fichier.
        code = reponse.headers.get("Content-Encoding", "identity").lower()
        return _entier(reponse.headers.get("Content-Length")) if code in ("", "identity") else None

    @staticmethod
    def _reprise_juste(reponse: Any, deja: int, total: int | None, avant: dict) -> bool:
        plage = re.match(r"bytes (\d+)-", reponse.headers.get("Content-Range", "").strip())
        return (
            reponse.status_code == 206
            and plage is not None
            and int(plage.group(1)) == deja
            and total is not None
            and avant.get("total") in (None, total)
        )

    def _recevoir(self, reponse: Any, partiel: Path, deja: int, total: int | None, fin: float) -> int:
        recus = deja
        with partiel.open("ab" if deja else "wb") as sortie:
            try:
                for bloc in _blocs(reponse, self.reglages, fin):
                    recus += len(bloc)
                    if recus > self.reglages.octets_max:
                        sortie.truncate(0)  # rien à reprendre d'un flux sans fin
                        raise TelechargementImpossible(
                            "le fichier n'en finit pas", attendu=f"{self.reglages.octets_max} octets au plus"
                        )
                    sortie.write(bloc)
                    if self.suivi:
                        self.suivi(recus, total)
            except _Passager as incident:
                annonce = f" sur {total} annoncés" if total else ""
                raise _Passager(f"{incident} ({recus} octets reçus{annonce})") from incident
            sortie.flush()
            with contextlib.suppress(OSError):
                os.fsync(sortie.fileno())
        return recus


def lire_json(url: str, reglages: ReglagesDeTransport, *, octets_max: int = 32 * 1024**2) -> Any:
    """Une petite réponse JSON (total d'un jeu, page d'enregistrements).

    Raises
    ------
    TelechargementImpossible
        Réponse absente, trop grosse, ou qui n'est pas du JSON.
    """

    def essai() -> Any:
        fin = time.monotonic() + reglages.duree_max
        with _demander(url, {}, reglages) as reponse:
            contenu = b""
            for bloc in _blocs(reponse, reglages, fin):
                contenu += bloc
                if len(contenu) > octets_max:
                    raise TelechargementImpossible(f"{url} : réponse de plus de {octets_max} octets")
            annonce = _entier(reponse.headers.get("Content-Length"))
        if annonce is not None and len(contenu) < annonce and "Content-Encoding" not in reponse.headers:
            raise _Passager(f"réponse coupée : {len(contenu)} octets sur {annonce}")
        try:
            return json.loads(contenu)
        except ValueError as cause:
            raise TelechargementImpossible(
                f"{url} : la réponse n'est pas du JSON", attendu="l'interface d'un portail Opendatasoft"
            ) from cause

    return _tourner(essai, url, reglages)
