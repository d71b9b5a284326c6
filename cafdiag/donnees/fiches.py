"""Le cache des fichiers officiels : une fiche par source dit quelle version est en service, et d'où elle vient."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from cafdiag.donnees.empreintes import empreinte
from cafdiag.donnees.transport import TelechargementImpossible
from cafdiag.erreurs import DonneesAbimees
from cafdiag.magasin import ecrire_atomique

_VERROU_ATTENTE = 900.0


def dossier_cache() -> Path:
    """Dossier des fichiers téléchargés : ``CAFDIAG_CACHE``, sinon à côté de ``CAFDIAG_DONNEES``,
    sinon le cache de l'utilisateur (celui que choisit pooch, sous Linux comme sous Windows)."""
    if os.environ.get("CAFDIAG_CACHE"):
        return Path(os.environ["CAFDIAG_CACHE"])
    if os.environ.get("CAFDIAG_DONNEES"):
        return Path(os.environ["CAFDIAG_DONNEES"]) / "telechargements"
    import pooch

    return Path(pooch.os_cache("cafdiag"))


@dataclass
class Fiche:
    """La version en service d'une source, telle qu'elle est arrivée.

    Attributes
    ----------
    source, adresse : str
        Nom au catalogue ; adresse qui a répondu.
    fichier, empreinte, octets : str, str, int
        Fichier reçu (chemin relatif au dossier de la source), SHA-256, taille.
    utile, empreinte_utile, octets_utile : str, str, int
        Fichier à lire : le même, ou le membre extrait de l'archive.
    date, verifiee : str
        Quand cette version est arrivée ; quand on a constaté pour la dernière fois qu'elle est la dernière.
    precedentes : list of dict
        Empreintes des versions d'avant.
    """

    source: str
    adresse: str
    fichier: str
    empreinte: str
    octets: int
    utile: str
    empreinte_utile: str
    octets_utile: int
    date: str
    verifiee: str
    etag: str = ""
    last_modified: str = ""
    remarques: list[str] = field(default_factory=list)
    precedentes: list[dict] = field(default_factory=list)
    dossier: Path = field(default=Path(), compare=False)

    @property
    def chemin(self) -> Path:
        """Chemin du fichier à lire."""
        return self.dossier / self.utile


def maintenant() -> str:
    """L'heure, en temps universel, à la milliseconde."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def dossier_source(nom: str, cache: Path | None) -> Path:
    return (cache or dossier_cache()) / "sources" / nom


def lire_fiche(nom: str, *, cache: Path | None = None) -> Fiche | None:
    """La fiche de la version en service ; None si la source n'a jamais été prise.

    Raises
    ------
    DonneesAbimees
        Fiche illisible.
    """
    dossier = dossier_source(nom, cache)
    try:
        contenu = json.loads((dossier / "fiche.json").read_text(encoding="utf-8"))
        connus = {f.name for f in fields(Fiche)} - {"dossier"}
        return Fiche(**{c: v for c, v in contenu.items() if c in connus}, dossier=dossier)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as cause:
        raise DonneesAbimees(
            f"{nom}/fiche.json",
            "la fiche est illisible",
            conseil=f"relancez « cafdiag donnees telecharger {nom} »",
        ) from cause


def en_service(nom: str, *, cache: Path | None = None) -> Path | None:
    """Chemin du fichier à lire, après contrôle de son empreinte ; None si la source n'a jamais été prise.

    Raises
    ------
    DonneesAbimees
        Fichier absent, coupé ou modifié depuis son arrivée.
    """
    fiche = lire_fiche(nom, cache=cache)
    if fiche is None:
        return None
    trouve = defaut(fiche)
    if trouve:
        raise DonneesAbimees(
            fiche.chemin.name, trouve, conseil=f"relancez « cafdiag donnees telecharger {nom} »"
        )
    return fiche.chemin


def defaut(fiche: Fiche) -> str:
    try:
        taille = fiche.chemin.stat().st_size
        if taille != fiche.octets_utile:
            return f"{taille} octets au lieu de {fiche.octets_utile}"
        return (
            ""
            if empreinte(fiche.chemin) == fiche.empreinte_utile
            else "le contenu a changé depuis son arrivée"
        )
    except OSError:
        return "le fichier est absent"


def dernier_echec(nom: str, *, cache: Path | None = None) -> dict[str, str]:
    """Date et message du dernier échec, s'il est plus récent que la version en service."""
    with contextlib.suppress(OSError, ValueError):
        contenu = json.loads((dossier_source(nom, cache) / "echec.json").read_text(encoding="utf-8"))
        return contenu if isinstance(contenu, dict) else {}
    return {}


@contextlib.contextmanager
def verrou(nom: str, cache: Path) -> Iterator[None]:
    import filelock

    (cache / "verrous").mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(cache / "verrous" / f"{nom}.verrou", timeout=_VERROU_ATTENTE):
            yield
    except filelock.Timeout as cause:
        raise TelechargementImpossible(
            f"{nom} : un autre cafdiag la télécharge depuis plus de {_VERROU_ATTENTE / 60:.0f} minutes",
            conseil="attendez qu'il finisse, ou fermez-le",
        ) from cause


def ecrire_fiche(dossier: Path, fiche: Fiche) -> None:
    contenu = {c: v for c, v in asdict(fiche).items() if c != "dossier"}
    ecrire_atomique(dossier / "fiche.json", json.dumps(contenu, ensure_ascii=False, indent=1))
    (dossier / "echec.json").unlink(missing_ok=True)


def intacte(nom: str, cache: Path) -> Fiche | None:
    try:
        fiche = lire_fiche(nom, cache=cache)
    except DonneesAbimees:
        return None
    return fiche if fiche and not defaut(fiche) else None
