"""Des octets au texte : encodages, archives, et ce qu'un tableur a abîmé en chemin."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from cafdiag.donnees import empreintes
from cafdiag.erreurs import EntreeFautive, fichier_illisible

TAILLE_MAX = 2 * 1024**3
MEMBRES_MAX = 2000
# Ce qu'on regarde d'un texte pour trouver son en-tête.
DEBUT = 1 << 18
# Les noms de tableaux qu'on cherche dans une archive ou un dossier ; le format, lui, se lit aux octets.
SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".tab", ".xlsx", ".xlsm", ".ods", ".json", ".geojson", ".ndjson",
                      ".jsonl", ".parquet", ".geoparquet"})
# Un GeoPackage est une base SQLite ; un shapefile commence par le nombre 9994.
_GEOGRAPHIQUES = (b"SQLite format 3\0", b"\x00\x00\x27\x0a")
_ILLISIBLE = (struct.error, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError,
              ValueError, KeyError)
_FRANCAIS = frozenset("œŒŸ’‘“”„«»–—…€°²³·ºª§№\u00a0\u202f\u2009") | {chr(c) for c in range(0xC0, 0x100)}


@contextlib.contextmanager
def lisible(chemin: Path | str) -> Iterator[None]:
    """Change toute erreur de lecture d'octets en :class:`EntreeFautive`."""
    try:
        yield
    except EntreeFautive:
        raise
    except _ILLISIBLE as cause:
        raise fichier_illisible(
            chemin, cause,
            attendu="un fichier csv, xlsx, ods, json, parquet (ou l'un d'eux dans un .gz ou un .zip)",
            conseil="retéléchargez-le, ou enregistrez-le depuis le tableur au format « CSV UTF-8 »",
        ) from cause


@dataclass(frozen=True)
class Fichier:
    """Un fichier de données, peut-être compressé : ``format``, et un flux neuf à chaque ``ouvrir()``."""

    chemin: Path
    format: str
    compression: str = ""
    membre: str = ""
    # Les autres tables de l'archive, qui n'ont pas été lues.
    autres: tuple[str, ...] = ()

    def ouvrir(self) -> IO[bytes]:
        """Flux d'octets décompressés, depuis le début."""
        if self.compression == "gz":
            return cast(IO[bytes], gzip.open(self.chemin, "rb"))
        if self.compression == "zip":
            return zipfile.ZipFile(self.chemin).open(self.membre)
        return self.chemin.open("rb")

    def tout(self) -> bytes:
        """Tous les octets, taille bornée."""
        with lisible(self.chemin), self.ouvrir() as flux:
            octets = flux.read(TAILLE_MAX + 1)
        if len(octets) > TAILLE_MAX:
            raise EntreeFautive(self.chemin.name, [f"plus de {TAILLE_MAX // 1024**3} Gio une fois ouvert"])
        return octets


def empreinte(chemin: Path) -> str:
    """SHA-256 du fichier tel qu'il est sur le disque."""
    with lisible(chemin):
        return empreintes.empreinte(chemin)


def source(chemin: Path | str) -> Fichier:
    """Reconnaît la compression et le format, d'abord aux premiers octets, ensuite à l'extension.

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, page HTML, archive sans table ou démesurée.
    """
    chemin = Path(chemin)
    with lisible(chemin), chemin.open("rb") as flux:
        debut = flux.read(4096)
    if not debut.strip(b"\x00 \r\n\t"):
        raise EntreeFautive(chemin.name, ["fichier vide"])
    if debut.startswith(b"\x1f\x8b"):
        nom = chemin.name.removesuffix(".gz")
        with lisible(chemin), gzip.open(chemin, "rb") as ouvert:
            debut = ouvert.read(4096)
            ouvert.seek(0)
            return Fichier(chemin, _format_compresse(nom, debut, ouvert, chemin), "gz")
    if debut.startswith(b"PK\x03\x04"):
        return _dans_archive(chemin)
    return Fichier(chemin, _format(debut, chemin))


def _format(debut: bytes, chemin: Path) -> str:
    # L'UTF-16 du bloc-notes a un zéro sur deux : le décoder avant de juger du premier caractère.
    tete = decoder(debut)[0].lstrip().encode() if b"\0" in debut[:200] and not debut.startswith(
        (b"PAR1", b"\xd0\xcf")) else debut.removeprefix(codecs.BOM_UTF8).lstrip()
    if debut.startswith(b"PAR1"):
        return "parquet"
    if debut.startswith(_GEOGRAPHIQUES):
        return "geo"
    if tete[:1] in (b"{", b"["):
        return "json"
    if re.match(rb"<(!doctype html|html|head|\?xml|!--|script)", tete[:200], re.IGNORECASE):
        raise EntreeFautive(
            chemin.name, ["c'est une page web (ou du XML), pas un tableau"],
            attendu="un fichier de données", conseil="retéléchargez-le : le site a sans doute rendu une page d'erreur",
        )
    if debut.startswith(b"\xd0\xcf\x11\xe0"):
        raise EntreeFautive(
            chemin.name, ["ancien format Excel (.xls), ou classeur protégé par un mot de passe"],
            attendu="un .xlsx, un .ods ou un .csv",
            conseil="ouvrez-le dans le tableur et enregistrez-le en .xlsx, sans mot de passe",
        )
    if debut.startswith(b"%PDF"):
        raise EntreeFautive(chemin.name, ["c'est un PDF"], attendu="un tableau (csv, xlsx, ods, json, parquet)")
    return "csv"


def _dans_archive(chemin: Path) -> Fichier:
    with lisible(chemin), zipfile.ZipFile(chemin) as archive:
        membres = [m for m in archive.infolist() if not m.is_dir()]
        noms = {m.filename for m in membres}
        total = sum(m.file_size for m in membres)
        if len(membres) > MEMBRES_MAX or total > TAILLE_MAX:
            raise EntreeFautive(chemin.name, [
                f"archive démesurée : {len(membres)} fichiers, {total // 1024**2} Mio une fois ouverte"])
        if classeur := _classeur(noms):
            return Fichier(chemin, classeur)
        contours = [m for m in membres if m.filename.lower().endswith((".shp", ".gpkg"))]
        if contours:
            choisi = max(contours, key=lambda m: m.file_size)
            return Fichier(chemin, "geo", "zip", choisi.filename,
                          tuple(sorted(m.filename for m in contours if m is not choisi)))
        tables = [m for m in membres if PurePosixPath(m.filename.lower()).suffix in SUFFIXES
                  and not PurePosixPath(m.filename).name.startswith((".", "__"))]
        donnees = [m for m in tables if not re.search(r"(^|[/_-])meta", m.filename.lower())] or tables
        if not donnees:
            raise EntreeFautive(chemin.name, ["archive sans table de données"],
                                attendu="un csv, json ou parquet dans l'archive",
                                conseil="sortez de l'archive le fichier voulu")
        choisi = max(donnees, key=lambda m: m.file_size)
        with archive.open(choisi) as flux:
            debut = flux.read(4096)
        with archive.open(choisi) as flux:
            format_ = _format_compresse(choisi.filename, debut, flux, chemin)
        return Fichier(chemin, format_, "zip", choisi.filename,
                      tuple(sorted(m.filename for m in donnees if m is not choisi)))


def _classeur(noms: set[str]) -> str | None:
    """Le format d'un classeur, d'après les fichiers de son archive."""
    return "xlsx" if "xl/workbook.xml" in noms else "ods" if "content.xml" in noms else None


def _format_compresse(nom: str, debut: bytes, flux: IO[bytes] | gzip.GzipFile, chemin: Path) -> str:
    """Format d'un fichier tiré d'une archive : un classeur y est une archive dans l'archive (usage de l'Insee)."""
    if not debut.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        return _format(debut, chemin)
    interne = None
    if debut.startswith(b"PK"):
        octets = flux.read(TAILLE_MAX + 1)
        with zipfile.ZipFile(io.BytesIO(octets)) as dedans:
            if sum(m.file_size for m in dedans.infolist()) <= TAILLE_MAX:
                interne = _classeur(set(dedans.namelist()))
    if interne is None:
        raise EntreeFautive(chemin.name, [f"{nom} est lui-même compressé"],
                            conseil="sortez-le de l'archive puis recommencez")
    return interne


def decoder(octets: bytes) -> tuple[str, list[str]]:
    """Décode en essayant UTF-16 (marque), UTF-8, puis Windows-1252 ; répare l'UTF-8 relu en latin-1.

    >>> decoder("Château".encode("cp1252"))
    ('Château', ["encodage Windows-1252 (l'UTF-8 était attendu)"])
    >>> decoder("ChÃ¢teau".encode())
    ('Château', ['accents réparés (UTF-8 relu en latin-1)'])
    """
    remarques = []
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        texte = octets.decode("utf-16", errors="replace")
        remarques.append("encodage UTF-16")
    elif octets[:200].count(0) > len(octets[:200]) // 3:
        poids_faible = octets[1:2] == b"\x00"
        texte = octets.decode("utf-16-le" if poids_faible else "utf-16-be", errors="replace")
        remarques.append("encodage UTF-16")
    else:
        try:
            texte = octets.decode("utf-8")
        except UnicodeDecodeError:
            texte = octets.decode("utf-8", errors="replace")
            abimes, autres = texte.count("\ufffd"), sum(c > "\x7f" for c in texte)
            # De l'UTF-8 dont quelques octets sont abîmés : ils restent visiblement illisibles.
            if autres > 2 * abimes:
                remarques.append(f"{abimes} caractère(s) illisible(s)")
                return reparer(texte.removeprefix("\ufeff")), remarques
            # cp1252 laisse cinq octets sans caractère ; latin-1 les rend en caractères de commande.
            texte = octets.decode("cp1252", errors="surrogateescape").translate(
                {0xDC00 + b: chr(b) for b in range(0x80, 0x100)})
            remarques.append("encodage Windows-1252 (l'UTF-8 était attendu)")
    texte = texte.removeprefix("\ufeff").removeprefix("ï»¿")
    repare = reparer(texte)
    if repare != texte:
        remarques.append("accents réparés (UTF-8 relu en latin-1)")
    return repare, remarques


def _en_octet(caractere: str) -> int:
    try:
        return caractere.encode("cp1252")[0]
    except UnicodeEncodeError:
        return ord(caractere)


_SUITE = "".join({bytes([b]).decode("cp1252", errors="ignore") or chr(b) for b in range(0x80, 0xC0)}
                 | {chr(b) for b in range(0x80, 0xC0)})
_MAL_LU = re.compile(f"[\u00c2-\u00df][{re.escape(_SUITE)}]|[\u00e0-\u00ef][{re.escape(_SUITE)}]{{2}}")


def reparer(texte: str) -> str:
    """Rend leurs accents aux textes UTF-8 relus comme du latin-1, sans toucher au reste.

    >>> reparer("ChÃ¢teau-Gontier"), reparer("2â€¯644"), reparer("CAFÉ »")
    ('Château-Gontier', '2\\u202f644', 'CAFÉ »')
    """
    def juste(trouve: re.Match) -> str:
        try:
            lu = bytes(_en_octet(c) for c in trouve[0]).decode("utf-8")
        except (UnicodeDecodeError, ValueError):
            return trouve[0]
        return lu if lu in _FRANCAIS else trouve[0]

    return _MAL_LU.sub(juste, texte)
