"""Le transport : prendre un fichier sur le réseau sans jamais garder un morceau pour un tout.

:class:`Recuperateur` reprend un transfert coupé, confronte les tailles, borne la lenteur, et dit ce qui ne va pas en
français.

Un serveur qui refuse répond souvent « 200 » et une page de connexion : l'extension ne prouve rien, :func:`controler`
regarde les premiers octets, les archives, la fin du fichier.
"""

from __future__ import annotations

import contextlib
import csv
import email.utils
import fnmatch
import gzip
import hashlib
import io
import json
import os
import re
import stat
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from cafdiag.donnees import examen as examens
from cafdiag.donnees.delimite import trouver_separateur
from cafdiag.erreurs import CafdiagError, en_clair
from cafdiag.magasin import ecrire_atomique

_BLOC = 64 * 1024
_REPONSE_MAX = 32 * 1024**2
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
INJOIGNABLE = "la connexion est impossible ou coupée (réseau absent, ou accès refusé)"
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
        return _Passager(INJOIGNABLE)
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
    """Prend une adresse.

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

    def prendre(self, url: str, cible: Path) -> Path:
        """Le fichier de cette adresse, entier, sous ce nom."""
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
        os.replace(partiel, cible)
        self._oublier(partiel, note)
        return cible

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


def lire_json(url: str, reglages: ReglagesDeTransport) -> Any:
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
                if len(contenu) > _REPONSE_MAX:
                    raise TelechargementImpossible(f"{url} : réponse de plus de {_REPONSE_MAX} octets")
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


# --- Ce qui arrive est-il bien le fichier demandé ? ---


ZIP_OCTETS_MAX = 4 * 1024**3
ZIP_MEMBRES_MAX = 2000
ZIP_RAPPORT_MAX = 500
_TETE = 64 * 1024
_BLOC_LU = 1 << 20
_SIGNATURES = {
    "zip": b"PK",
    "xlsx": b"PK",
    "ods": b"PK",
    "parquet": b"PAR1",
    "csv.gz": b"\x1f\x8b",
    "gpkg": b"SQLite format 3\x00",
}
_HTML = re.compile(
    rb"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|title)\b",
    re.I | re.S,
)
_TITRE = re.compile(rb"<title[^>]*>(.*?)</title>", re.I | re.S)


class ArriveeRefusee(CafdiagError):
    """Le fichier reçu n'est pas celui attendu ; ``coupure`` dit qu'un nouvel essai peut suffire."""

    def __init__(self, trouve: str, *, attendu: str = "", conseil: str = "", coupure: bool = False) -> None:
        self.coupure = coupure
        super().__init__(trouve, attendu=attendu, conseil=conseil)


def _refus(trouve: str, attendu: str = "", conseil: str = "", *, coupure: bool = False) -> ArriveeRefusee:
    return ArriveeRefusee(trouve, attendu=attendu, conseil=conseil, coupure=coupure)


def _propre(octets: bytes, longueur: int = 80) -> str:
    """Un extrait montrable : une ligne, sans caractère de commande (un terminal les exécuterait)."""
    texte = octets.decode("utf-8", errors="replace")
    texte = "".join(" " if unicodedata.category(c).startswith("C") else c for c in texte)
    texte = " ".join(texte.split())
    return texte[:longueur] + ("…" if len(texte) > longueur else "")


def _sans_bom(tete: bytes) -> bytes:
    return tete.removeprefix(b"\xef\xbb\xbf")


def controler(
    chemin: Path,
    forme: str,
    *,
    total: int | None = None,
    colonnes: tuple[str, ...] = (),
    garanti: bool = False,
) -> list[str]:
    """Vérifie qu'un fichier reçu a la forme annoncée, du premier au dernier octet.

    Parameters
    ----------
    chemin : Path
        Le fichier reçu.
    forme : str
        Format attendu (voir :data:`cafdiag.donnees.catalogue.FORMATS`).
    total : int, optional
        Nombre d'enregistrements annoncé par le portail.
    colonnes : tuple of str
        Colonnes attendues d'un CSV.
    garanti : bool
        Le fichier est déjà garanti entier (membre d'une archive, dont la somme de contrôle est juste) :
        une dernière ligne sans fin est alors permise.

    Returns
    -------
    list of str
        Remarques à montrer (colonnes absentes…) : le fichier est accepté.

    Raises
    ------
    ArriveeRefusee
        Fichier vide, page HTML, message d'erreur, mauvais format, fichier coupé, archive dangereuse.
    """
    with chemin.open("rb") as flux:
        tete = flux.read(_TETE)
    if not tete.strip():
        raise _refus("le fichier reçu est vide", f"un fichier {forme}", coupure=True)
    if _HTML.match(_sans_bom(tete)):
        titre = _TITRE.search(tete)
        raise _refus(
            "le serveur a rendu une page web" + (f" (« {_propre(titre.group(1))} »)" if titre else ""),
            f"un fichier {forme}",
            "l'adresse a changé, ou le réseau demande une connexion : ouvrez-la dans un navigateur, "
            "puis « cafdiag donnees importer FICHIER »",
        )
    signature = _SIGNATURES.get(forme)
    if signature:
        if not tete.startswith(signature):
            raise _refus(f"les premiers octets sont « {_propre(tete[:200])} »", f"un fichier {forme}")
        return _controler_binaire(chemin, forme)
    if b"\x00" in tete and not tete.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refus("le fichier reçu n'est pas du texte", f"un fichier {forme}")
    if forme in ("json", "geojson"):
        return _controler_json(chemin, tete)
    if _sans_bom(tete).lstrip().startswith((b"{", b"[{")):
        raise _refus(f"le serveur a répondu « {_propre(tete, 160)} »", "un tableau CSV")
    return _controler_csv(chemin, total, colonnes, garanti)


def _controler_binaire(chemin: Path, forme: str) -> list[str]:
    if forme in ("zip", "xlsx", "ods"):
        with ouvrir_zip(chemin) as archive:
            noms = set(archive.namelist())
            if forme == "xlsx" and "[Content_Types].xml" not in noms:
                raise _refus("l'archive n'est pas un classeur", "un fichier xlsx")
            if forme == "ods" and "content.xml" not in noms:
                raise _refus("l'archive n'est pas un classeur", "un fichier ods")
    elif forme == "parquet":
        with chemin.open("rb") as flux:
            flux.seek(-4, io.SEEK_END)
            if chemin.stat().st_size < 12 or flux.read(4) != b"PAR1":
                raise _refus("le fichier parquet est coupé", "la marque PAR1 à la fin", coupure=True)
    elif forme == "csv.gz":
        recus = 0
        try:
            with gzip.open(chemin, "rb") as flux:
                while bloc := flux.read(_BLOC_LU):
                    recus += len(bloc)
                    if recus > ZIP_OCTETS_MAX:
                        raise _refus(
                            "le fichier compressé dépasse la taille permise", _octets(ZIP_OCTETS_MAX)
                        )
        except (OSError, EOFError, zlib.error) as cause:
            raise _refus(
                f"le fichier compressé est coupé ou abîmé ({en_clair(cause)})", "un fichier gzip entier", coupure=True
            ) from cause
    return []


def _controler_json(chemin: Path, tete: bytes) -> list[str]:
    if _sans_bom(tete).lstrip()[:1] not in (b"{", b"["):
        raise _refus(f"les premiers octets sont « {_propre(tete[:200])} »", "un fichier JSON")
    with chemin.open("rb") as flux:
        flux.seek(max(0, chemin.stat().st_size - 256))
        if flux.read().rstrip()[-1:] not in (b"}", b"]"):
            raise _refus("le fichier JSON est coupé", "une accolade ou un crochet à la fin", coupure=True)
    if chemin.stat().st_size <= _TETE:
        try:
            contenu = json.loads(_sans_bom(tete))
        except ValueError as cause:
            raise _refus(f"le JSON est mal formé ({en_clair(cause)})", "un fichier JSON") from cause
        if isinstance(contenu, dict) and {"error_code", "error"} & set(contenu):
            raise _refus(f"le serveur a répondu « {_propre(tete, 160)} »", "des données")
    return []


def _lignes(chemin: Path) -> Iterator[str]:
    """Le texte ligne à ligne ; latin-1 en repli : seuls les séparateurs et le compte importent ici."""
    with chemin.open("rb") as flux:
        tete = flux.read(_TETE)
    encodage = "utf-16" if tete.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin-1"
    with chemin.open(encoding=encodage, errors="replace", newline="") as flux:
        for ligne in flux:
            yield ligne.replace("\x00", "")


def enregistrements(chemin: Path) -> tuple[list[str], int, bool]:
    """En-tête d'un CSV, nombre d'enregistrements, et si le dernier est sans fin de ligne.

    Un saut de ligne entre guillemets ne compte pas : le compte est celui du portail.
    """
    separateur = trouver_separateur("".join(islice(_lignes(chemin), 200)))
    lignes = _lignes(chemin)
    premiere = next(lignes, "")
    premiere = premiere.removeprefix("ï»¿").removeprefix("\ufeff")
    csv.field_size_limit(min(_BLOC_LU * 16, 2**31 - 1))
    entete = next(csv.reader([premiere], delimiter=separateur), [])
    examen = examens.examiner_tout(chemin)
    if examen.enregistrements is not None and examen.voisins <= set(f"{separateur}\r".encode()):
        return entete, examen.enregistrements, examen.sans_fin
    nombre, derniere = 0, ""

    def suivre() -> Iterator[str]:
        nonlocal derniere
        for ligne in lignes:
            derniere = ligne
            yield ligne

    try:
        for champs in csv.reader(suivre(), delimiter=separateur):
            if champs:
                nombre += 1
    except csv.Error:
        return entete, nombre, True
    return entete, nombre, nombre > 0 and not derniere.endswith(("\n", "\r"))


def _controler_csv(chemin: Path, total: int | None, colonnes: tuple[str, ...], garanti: bool) -> list[str]:
    entete, nombre, coupe = enregistrements(chemin)
    if len(entete) < 2 and len(colonnes) > 1:
        raise _refus(
            f"la première ligne est « {_propre(';'.join(entete).encode())} »", "un tableau à colonnes"
        )
    if nombre == 0 and total != 0:
        raise _refus(
            f"une seule ligne, « {_propre(';'.join(entete).encode())} »", "des données", coupure=True
        )
    # Une taille annoncée trop courte coupe un nombre en deux sans que rien d'autre ne le montre : « 571.2 ».
    if coupe and not garanti:
        raise _refus(
            f"le fichier est coupé : la ligne {nombre + 1} n'a pas de fin",
            "un fichier entier",
            coupure=True,
        )
    if total is not None and nombre < total:
        raise _refus(f"{nombre} enregistrements reçus", f"{total}, annoncés par le portail", coupure=True)
    remarques = []
    with contextlib.suppress(UnicodeError):  # lu en latin-1 : les accents d'un fichier UTF-8 se rendent ainsi
        entete = [c.encode("latin-1").decode("utf-8") for c in entete]
    presentes = {c.strip().strip('"').lower() for c in entete}
    absentes = [c for c in colonnes if c.lower() not in presentes]
    if colonnes and len(absentes) == len(colonnes):
        trouvees = ", ".join(entete[:6])
        remarques.append(f"aucune des colonnes attendues (renommées ?) ; trouvé : {trouvees}…")
    elif absentes:
        remarques.append(f"colonnes attendues absentes : {', '.join(absentes)}")
    return remarques


# --- Les archives zip ---


def _octets(nombre: int) -> str:
    """Une taille lisible.

    >>> _octets(1536), _octets(4 * 1024**3)
    ('1,5 Ko', '4,0 Go')
    """
    taille = float(nombre)
    for unite in ("octets", "Ko", "Mo", "Go"):
        if taille < 1024 or unite == "Go":
            break
        taille /= 1024
    return f"{nombre} octets" if unite == "octets" else f"{taille:.1f} {unite}".replace(".", ",")


def _danger(membre: zipfile.ZipInfo) -> str:
    nom = membre.filename
    if "\\" in nom or ":" in nom or nom.startswith("/") or ".." in PurePosixPath(nom).parts or "\x00" in nom:
        return f"le chemin {_propre(nom.encode('utf-8', 'replace'))!r} sort du dossier"
    if stat.S_ISLNK(membre.external_attr >> 16):
        return f"{_propre(nom.encode())!r} est un lien"
    if membre.flag_bits & 0x1:
        return f"{_propre(nom.encode())!r} est chiffré"
    if membre.file_size > _BLOC_LU and membre.file_size > ZIP_RAPPORT_MAX * max(membre.compress_size, 1):
        return f"{_propre(nom.encode())!r} enfle de plus de {ZIP_RAPPORT_MAX} fois (bombe de décompression)"
    return ""


def ouvrir_zip(
    chemin: Path, *, octets_max: int = ZIP_OCTETS_MAX, membres_max: int = ZIP_MEMBRES_MAX
) -> zipfile.ZipFile:
    """Ouvre une archive après avoir borné son nombre de fichiers, sa taille et ses chemins.

    Raises
    ------
    ArriveeRefusee
        Avec tous les dangers trouvés.
    """
    try:
        archive = zipfile.ZipFile(chemin)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as cause:
        raise _refus("l'archive zip est coupée ou abîmée", "une archive zip entière", coupure=True) from cause
    membres = archive.infolist()
    dangers = []
    if not membres:
        dangers.append("l'archive est vide")
    if len(membres) > membres_max:
        dangers.append(f"{len(membres)} fichiers ({membres_max} au plus)")
    taille = sum(m.file_size for m in membres)
    if taille > octets_max:
        dangers.append(f"{_octets(taille)} une fois décompressée ({_octets(octets_max)} au plus)")
    dangers += [d for d in map(_danger, membres[:membres_max]) if d][:10]
    if dangers:
        archive.close()
        raise _refus("archive refusée : " + " ; ".join(dangers), "une archive de données ordinaire")
    return archive


def membres_de(archive: zipfile.ZipFile, motif: str) -> list[zipfile.ZipInfo]:
    """Les fichiers d'une archive dont le nom (sans dossier) répond au motif ; le plus gros d'abord."""
    trouves = [
        m
        for m in archive.infolist()
        if not m.is_dir() and fnmatch.fnmatch(PurePosixPath(m.filename).name.lower(), motif.lower())
    ]
    return sorted(trouves, key=lambda m: (-m.file_size, m.filename))


def extraire(chemin: Path, motif: str, cible: Path) -> str:
    """Extrait le fichier utile d'une archive vers ``cible`` ; rend son nom dans l'archive.

    La taille est comptée pendant l'extraction : celle qu'annonce l'archive peut mentir.

    Raises
    ------
    ArriveeRefusee
        Archive refusée, fichier absent ou abîmé.
    """
    with ouvrir_zip(chemin) as archive:
        trouves = membres_de(archive, motif)
        if not trouves:
            noms = ", ".join(_propre(n.encode("utf-8", "replace"), 60) for n in archive.namelist()[:8])
            raise _refus(
                f"l'archive ne contient pas « {motif} » (elle contient : {noms})", f"un fichier {motif}"
            )
        membre, ecrits = trouves[0], 0
        examinateur = examens.Examinateur() if membre.filename.lower().endswith((".csv", ".txt")) else None
        try:
            with archive.open(membre) as flux, cible.open("wb") as sortie:
                while bloc := flux.read(_BLOC_LU):
                    ecrits += len(bloc)
                    if ecrits > membre.file_size:
                        raise _refus(f"{membre.filename} est plus gros qu'annoncé", _octets(membre.file_size))
                    sortie.write(bloc)
                    if examinateur:
                        examinateur.voir(bloc)
            if examinateur:
                examens.retenir(cible, examinateur.rendre())
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as cause:
            raise _refus(
                f"{membre.filename} est abîmé dans l'archive ({en_clair(cause)})", "une archive entière"
            ) from cause
        return membre.filename
