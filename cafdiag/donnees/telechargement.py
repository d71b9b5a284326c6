"""Le cache des fichiers officiels : pris au réseau, contrôlés, gardés jusqu'à ce que mieux soit arrivé.

Chaque source a un dossier ; ``fiche.json`` y désigne la version en service. Elle n'est récrite (d'un coup)
qu'après le contrôle complet du nouveau fichier : coupure, panne ou page d'erreur laissent l'ancienne version.
"""

from __future__ import annotations

import contextlib
import csv
import fnmatch
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cafdiag.donnees.catalogue import Adresse, Source
from cafdiag.donnees.empreintes import empreinte
from cafdiag.donnees.transport import (
    ArriveeRefusee,
    NonModifie,
    Recuperateur,
    ReglagesDeTransport,
    Suivi,
    TelechargementImpossible,
    controler,
    extraire,
    lire_json,
)
from cafdiag.erreurs import DonneesAbimees, en_clair
from cafdiag.magasin import ecrire_atomique

_VERROU_ATTENTE = 900.0


def dossier_cache() -> Path:
    """Dossier des fichiers téléchargés : ``CAFDIAG_CACHE``, sinon à côté de ``CAFDIAG_DONNEES``,
    sinon le cache de l'utilisateur que prévoit le système."""
    if os.environ.get("CAFDIAG_CACHE"):
        return Path(os.environ["CAFDIAG_CACHE"])
    if os.environ.get("CAFDIAG_DONNEES"):
        return Path(os.environ["CAFDIAG_DONNEES"]) / "telechargements"
    import platformdirs

    return Path(platformdirs.user_cache_dir("cafdiag"))


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
        juste = empreinte(fiche.chemin) == fiche.empreinte_utile
        return "" if juste else "le contenu a changé depuis son arrivée"
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


# --- Prendre une source ---


@dataclass
class Arrivee:
    """Le résultat d'un téléchargement ; ``etat`` : nouveau, change, inchange ou echec."""

    source: str
    etat: str
    fiche: Fiche | None
    message: str
    remarques: list[str] = field(default_factory=list)
    erreur: Exception | None = None


@dataclass(frozen=True)
class _Prise:
    """Ce qu'on prend, où on le pose, et comment."""

    source: Source
    cache: Path
    dossier: Path
    reglages: ReglagesDeTransport
    suivi: Suivi | None


def prendre(
    source: Source,
    *,
    cache: Path | None = None,
    reglages: ReglagesDeTransport | None = None,
    suivi: Suivi | None = None,
    forcer: bool = False,
) -> Arrivee:
    """Prend la dernière version d'une source et la met en service.

    Parameters
    ----------
    source : Source
        Voir :func:`cafdiag.donnees.catalogue.source`.
    cache : Path, optional
        Dossier ; par défaut :func:`dossier_cache`.
    reglages : ReglagesDeTransport, optional
        Délais, essais et tailles.
    suivi : callable, optional
        ``suivi(octets_recus, octets_annonces)``.
    forcer : bool
        Reprend tout le fichier même si le serveur le dit inchangé.

    Returns
    -------
    Arrivee
        Jamais d'exception pour un réseau absent ou un serveur fautif : ``etat == "echec"``, et ``fiche``
        est alors la version d'avant, restée en service.
    """
    cache = cache or dossier_cache()
    prise = _Prise(source, cache, dossier_source(source.nom, cache), reglages or ReglagesDeTransport(), suivi)
    try:
        demande = maintenant()
        prise.dossier.mkdir(parents=True, exist_ok=True)
        with verrou(source.nom, cache):
            avant = intacte(source.nom, cache)
            if avant and avant.verifiee > demande and not forcer:
                return Arrivee(source.nom, "inchange", avant, "un autre cafdiag vient de la prendre")
            connue = avant if avant and not forcer and _a_jour_du_catalogue(source, avant) else None
            return _prendre(prise, connue, avant)
    except (TelechargementImpossible, ArriveeRefusee, OSError) as erreur:
        return _echec(prise, erreur)


def _a_jour_du_catalogue(source: Source, fiche: Fiche) -> bool:
    """Vrai si la version en service est encore celle que le catalogue demande (même membre d'archive)."""
    if not source.membre:
        return fiche.utile == fiche.fichier
    return fnmatch.fnmatch(Path(fiche.utile).name.lower(), source.membre.lower())


def _echec(prise: _Prise, erreur: Exception) -> Arrivee:
    source, avant = prise.source, intacte(prise.source.nom, prise.cache)
    if isinstance(erreur, OSError):
        erreur = TelechargementImpossible(
            f"impossible d'écrire dans {prise.dossier} ({en_clair(erreur)})",
            conseil="vérifiez vos droits et la place libre, ou choisissez un dossier par CAFDIAG_CACHE",
        )
    reste = f" La version du {avant.date[:10]} reste en service." if avant else " Aucune version en service."
    message = f"{source.nom} : {erreur}{reste}"
    with contextlib.suppress(Exception):
        ecrire_atomique(
            prise.dossier / "echec.json",
            json.dumps({"date": maintenant(), "message": str(erreur)}, ensure_ascii=False),
        )
    return Arrivee(source.nom, "echec", avant, message, erreur=erreur)


def _prendre(prise: _Prise, connue: Fiche | None, avant: Fiche | None) -> Arrivee:
    source, dossier = prise.source, prise.dossier
    if not source.adresses:
        raise TelechargementImpossible(
            f"aucune adresse n'est connue pour {source.nom}",
            conseil=(f"prenez le fichier sur {source.page}, puis " if source.page else "")
            + "« cafdiag donnees importer FICHIER »",
        )
    refus: list[str] = []
    for reste in dossier.glob(".arrivee-*"):  # d'un arrêt brutal : le verrou dit que personne n'y écrit
        shutil.rmtree(reste, ignore_errors=True)
    for rang, adresse in enumerate(source.adresses):
        with tempfile.TemporaryDirectory(dir=dossier, prefix=".arrivee-", ignore_cleanup_errors=True) as brouillon:
            try:
                recu, entetes, remarques = _une_adresse(prise, adresse, Path(brouillon), connue)
            except NonModifie:
                assert connue is not None
                return _inchangee(dossier, connue, "le serveur la dit inchangée")
            except (TelechargementImpossible, ArriveeRefusee) as erreur:
                refus.append(str(erreur))
                continue
            if rang:
                remarques.insert(0, f"prise à l'adresse de secours {adresse.url_export}")
            if not adresse.atteste:
                remarques.append("adresse vue dans du code public, jamais constatée : contrôlez le contenu")
            return _mettre_en_service(prise, adresse, recu, entetes, remarques, avant)
    if len(refus) == 1:
        raise TelechargementImpossible(refus[0])
    raise TelechargementImpossible(
        f"aucune des {len(refus)} adresses n'a rendu le fichier — " + " — ".join(refus)
    )


def _une_adresse(
    prise: _Prise, adresse: Adresse, brouillon: Path, connue: Fiche | None
) -> tuple[Path, dict[str, str], list[str]]:
    """Un fichier contrôlé, dans le brouillon."""
    source, total = prise.source, None
    remarques: list[str] = []
    if adresse.opendatasoft:
        total = total_annonce(adresse, prise.reglages, remarques)
    connus = {}
    if connue and connue.adresse == adresse.url_export:
        connus = {"etag": connue.etag, "last_modified": connue.last_modified}
    recuperateur = Recuperateur(prise.cache / "partiels", prise.reglages, suivi=prise.suivi, connus=connus)
    recu, essais = None, 2
    while recu is None:
        essais -= 1
        try:
            chemin = recuperateur.prendre(adresse.url_export, brouillon / source.fichier)
            remarques += controler(chemin, source.format, total=total, colonnes=source.colonnes)
            recu = chemin
        except ArriveeRefusee as refus:
            if refus.coupure and essais:  # coupé sans que le serveur le dise : un second essai suffit souvent
                continue
            if total is None:
                raise
            recu = par_pages(prise, adresse, brouillon, total, refus)
        except TelechargementImpossible as panne:
            if total is None or panne.statut == 404:
                raise
            recu = par_pages(prise, adresse, brouillon, total, panne)
    if recuperateur.repris:
        remarques.append(f"transfert repris après {recuperateur.repris} octets")
    return recu, recuperateur.entetes, remarques


# --- Mettre en service ---


def _inchangee(dossier: Path, fiche: Fiche, raison: str) -> Arrivee:
    fiche.verifiee = maintenant()
    ecrire_fiche(dossier, fiche)
    return Arrivee(
        fiche.source, "inchange", fiche, f"{fiche.source} : {raison} (version du {fiche.date[:10]})"
    )


def _mettre_en_service(
    prise: _Prise, adresse: Adresse, recu: Path, entetes: dict[str, str], remarques: list[str], avant: Fiche | None
) -> Arrivee:
    source, dossier = prise.source, prise.dossier
    nouvelle = empreinte(recu)
    entetes = {"etag": entetes.get("etag", ""), "last_modified": entetes.get("last_modified", "")}
    if avant and avant.empreinte == nouvelle and _a_jour_du_catalogue(source, avant):
        avant.etag, avant.last_modified, avant.adresse = *entetes.values(), adresse.url_export
        return _inchangee(dossier, avant, "même contenu qu'avant")
    utile = recu
    if source.membre:
        utile = recu.with_name(f"{source.nom}.membre")
        interne = extraire(recu, source.membre, utile)
        forme = interne.rpartition(".")[2].lower()
        forme = forme if forme in ("csv", "xlsx", "geojson", "json") else "csv"
        remarques += controler(utile, forme, colonnes=source.colonnes, garanti=True)
        utile = utile.rename(utile.with_name(interne.rpartition("/")[2]))
    version = Path(tempfile.mkdtemp(dir=dossier, prefix=f"{nouvelle[:12]}-"))
    noms = {}
    for chemin in dict.fromkeys((recu, utile)):
        noms[chemin] = version / (source.fichier if chemin == recu else chemin.name)
    fiche = Fiche(
        source=source.nom,
        adresse=adresse.url_export,
        fichier=noms[recu].relative_to(dossier).as_posix(),
        empreinte=nouvelle,
        octets=recu.stat().st_size,
        utile=noms[utile].relative_to(dossier).as_posix(),
        empreinte_utile=empreinte(utile),
        octets_utile=utile.stat().st_size,
        date=maintenant(),
        verifiee=maintenant(),
        **entetes,
        remarques=remarques,
        precedentes=_precedentes(avant),
        dossier=dossier,
    )
    for chemin, cible in noms.items():
        os.replace(chemin, cible)
    ecrire_fiche(dossier, fiche)
    # La version d'avant reste sur le disque jusqu'à la suivante : un autre processus la lit peut-être.
    gardees = {version.name, Path(avant.fichier).parts[0] if avant else ""}
    for autre in dossier.iterdir():
        if autre.is_dir() and autre.name not in gardees and not autre.name.startswith(".arrivee-"):
            shutil.rmtree(autre, ignore_errors=True)
    if avant is None:
        return Arrivee(source.nom, "nouveau", fiche, f"{source.nom} : arrivée", remarques)
    message = (
        f"{source.nom} : le contenu a changé depuis le {avant.date[:10]} "
        f"(empreinte {avant.empreinte[:12]}… → {nouvelle[:12]}…)"
    )
    return Arrivee(source.nom, "change", fiche, message, remarques)


def _precedentes(avant: Fiche | None) -> list[dict]:
    if avant is None:
        return []
    sienne = {"empreinte": avant.empreinte, "date": avant.date, "octets": avant.octets}
    return [sienne, *avant.precedentes][:20]


PAGE = 100


def total_annonce(adresse: Adresse, reglages: ReglagesDeTransport, remarques: list[str]) -> int | None:
    """Nombre d'enregistrements qu'annonce le portail : il juge l'export, qui n'a pas de taille annoncée."""
    try:
        reponse = lire_json(f"{adresse.url_pages}?limit=0", reglages)
        total = reponse.get("total_count") if isinstance(reponse, dict) else None
        if isinstance(total, int) and total >= 0:
            return total
        remarques.append("le portail ne dit pas combien d'enregistrements il a")
    except TelechargementImpossible as panne:
        if panne.statut in (401, 403, 404, 410):
            raise
        remarques.append("le portail n'a pas dit combien d'enregistrements il a")
    return None


def par_pages(prise: _Prise, adresse: Adresse, brouillon: Path, total: int, cause: Exception) -> Path:
    """Les pages de 100, jusqu'au total que le portail annonce à chaque page ; entières ou refusées."""
    lignes: list[dict] = []
    tri = ""
    while len(lignes) < total:
        demande: dict[str, Any] = {"limit": PAGE, "offset": len(lignes)}
        if tri:
            demande["order_by"] = tri
        try:
            page = lire_json(f"{adresse.url_pages}?{urlencode(demande)}", prise.reglages)
        except TelechargementImpossible as panne:
            raise TelechargementImpossible(
                f"l'export entier a échoué ({cause}), et les pages s'arrêtent à {len(lignes)} sur {total} ({panne})",
                statut=panne.statut,
            ) from panne
        resultats = page.get("results") if isinstance(page, dict) else None
        annonce = page.get("total_count") if isinstance(page, dict) else None
        if not isinstance(resultats, list) or not resultats or not isinstance(annonce, int):
            raise TelechargementImpossible(
                f"les pages s'arrêtent à {len(lignes)} enregistrements sur {total} (export entier : {cause})"
            )
        if not tri:
            # Sans tri, deux pages peuvent se chevaucher : la première ne sert qu'à nommer les colonnes.
            tri = ",".join(list(resultats[0])[:4])
            total = annonce
            if total > PAGE:
                continue
        if annonce != total:
            raise TelechargementImpossible(
                f"le jeu change pendant qu'on le lit ({total} puis {annonce} enregistrements)",
                conseil="réessayez dans quelques minutes",
            )
        lignes += resultats
        if prise.suivi:
            prise.suivi(len(lignes), total)
        if len(lignes) > math.ceil(total / PAGE) * PAGE:
            break
    if len(lignes) != total:
        raise TelechargementImpossible(f"{len(lignes)} enregistrements reçus, {total} annoncés")
    if len({json.dumps(ligne, sort_keys=True) for ligne in lignes}) != total:
        raise TelechargementImpossible("les pages se chevauchent : des enregistrements reviennent deux fois")
    colonnes = list(dict.fromkeys(nom for ligne in lignes for nom in ligne))
    chemin = brouillon / f"pages-{prise.source.fichier}"
    with chemin.open("w", encoding="utf-8-sig", newline="") as sortie:
        ecrivain = csv.writer(sortie, delimiter=";", lineterminator="\r\n")
        ecrivain.writerow(colonnes)
        ecrivain.writerows([_cellule(ligne.get(nom)) for nom in colonnes] for ligne in lignes)
    controler(chemin, "csv", total=total, colonnes=prise.source.colonnes)
    return chemin


def _cellule(valeur: Any) -> str:
    if valeur is None:
        return ""
    return valeur if isinstance(valeur, str) else json.dumps(valeur, ensure_ascii=False)
