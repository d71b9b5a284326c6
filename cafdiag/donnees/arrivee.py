"""Ce qui vient d'arriver du réseau est-il bien le fichier demandé ? Premiers octets, archives, fin de fichier.

Un serveur qui refuse répond souvent « 200 » et une page de connexion : l'extension ne prouve rien.
"""

from __future__ import annotations

import contextlib
import csv
import fnmatch
import gzip
import io
import json
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from cafdiag.donnees import examen as examens
from cafdiag.donnees.delimite import trouver_separateur
from cafdiag.erreurs import CafdiagError

ZIP_OCTETS_MAX = 4 * 1024**3
ZIP_MEMBRES_MAX = 2000
ZIP_RAPPORT_MAX = 500
_TETE = 64 * 1024
_BLOC = 1 << 20
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
                while bloc := flux.read(_BLOC):
                    recus += len(bloc)
                    if recus > ZIP_OCTETS_MAX:
                        raise _refus(
                            "le fichier compressé dépasse la taille permise", _octets(ZIP_OCTETS_MAX)
                        )
        except (OSError, EOFError, zlib.error) as cause:
            raise _refus(
                f"le fichier compressé est coupé ou abîmé ({cause})", "un fichier gzip entier", coupure=True
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
            raise _refus(f"le JSON est mal formé ({cause})", "un fichier JSON") from cause
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
    csv.field_size_limit(min(_BLOC * 16, 2**31 - 1))
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
    if membre.file_size > _BLOC and membre.file_size > ZIP_RAPPORT_MAX * max(membre.compress_size, 1):
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


def extraire(chemin: Path, motif: str, cible: Path, *, octets_max: int = ZIP_OCTETS_MAX) -> str:
    """Extrait le fichier utile d'une archive vers ``cible`` ; rend son nom dans l'archive.

    La taille est comptée pendant l'extraction : celle qu'annonce l'archive peut mentir.

    Raises
    ------
    ArriveeRefusee
        Archive refusée, fichier absent ou abîmé.
    """
    with ouvrir_zip(chemin, octets_max=octets_max) as archive:
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
                while bloc := flux.read(_BLOC):
                    ecrits += len(bloc)
                    if ecrits > octets_max or ecrits > membre.file_size:
                        raise _refus(f"{membre.filename} est plus gros qu'annoncé", _octets(membre.file_size))
                    sortie.write(bloc)
                    if examinateur:
                        examinateur.voir(bloc)
            if examinateur:
                examens.retenir(cible, examinateur.rendre())
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
        ) as cause:
            raise _refus(
                f"{membre.filename} est abîmé dans l'archive ({cause})", "une archive entière"
            ) from cause
        return membre.filename
