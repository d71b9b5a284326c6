"""Des fichiers Office aux octets reproductibles, et un fichier qui sait si on l'a retouché.

Un docx et un xlsx sont des archives datées ; les dates sont ôtées, pour que les mêmes données fassent les
mêmes octets. L'empreinte du docx produit est écrite dans ses propres propriétés : elle le suit où qu'il aille.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
from pathlib import Path

_PROPRIETES = "docProps/core.xml"
_DATES = re.compile(
    rb"<(dcterms:(?:created|modified)|cp:(?:lastModifiedBy|revision|lastPrinted))\b(?:[^>]*/>|.*?</\1>)",
    re.DOTALL,
)
_MARQUE = re.compile(rb"<dc:identifier[^>]*>cafdiag-([0-9a-f]{64})</dc:identifier>")
# La plus ancienne date qu'une archive zip sache écrire.
_SANS_DATE = (1980, 1, 1, 0, 0, 0)


def _parties(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        return {nom: archive.read(nom) for nom in archive.namelist()}


def _archiver(parties: dict[str, bytes]) -> bytes:
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w", zipfile.ZIP_DEFLATED) as archive:
        for nom, contenu in parties.items():
            entree = zipfile.ZipInfo(nom, _SANS_DATE)
            entree.compress_type = zipfile.ZIP_DEFLATED
            # Le même système d'origine partout : sinon l'archive diffère de Windows à Linux.
            entree.create_system = 3
            archive.writestr(entree, contenu)
    return tampon.getvalue()


def _empreinte(parties: dict[str, bytes]) -> bytes:
    resume = hashlib.sha256()
    for nom in sorted(parties):
        if nom != _PROPRIETES:
            resume.update(nom.encode("utf-8") + b"\0" + hashlib.sha256(parties[nom]).digest())
    return resume.hexdigest().encode("ascii")


def sans_dates(octets: bytes, *, sceller: bool = False) -> bytes:
    """La même archive Office sans horodatage.

    Parameters
    ----------
    octets : bytes
        Un docx, un xlsx ou un pptx.
    sceller : bool
        Écrit dans les propriétés l'empreinte du contenu, que lit :func:`est_retouche`.
    """
    # Le tableur d'un graphique de pptx est une archive dans l'archive, datée elle aussi.
    parties = {nom: sans_dates(x) if nom.endswith(".xlsx") else x for nom, x in _parties(octets).items()}
    proprietes = _DATES.sub(b"", parties[_PROPRIETES])
    if sceller:
        # openpyxl ne déclare « dc » que là où il s'en sert : la marque porte sa propre déclaration.
        ouvre = b'<dc:identifier xmlns:dc="http://purl.org/dc/elements/1.1/">cafdiag-'
        marque = ouvre + _empreinte(parties) + b"</dc:identifier>"
        proprietes = proprietes.replace(b"</cp:coreProperties>", marque + b"</cp:coreProperties>")
    parties[_PROPRIETES] = proprietes
    return _archiver(parties)


def est_retouche(fichier: Path) -> bool:
    """Vrai si ce docx, ou ce bordereau, n'est plus, ou n'a jamais été, tel que cafdiag l'a produit.

    Un fichier illisible est tenu pour retouché : dans le doute, on n'écrase pas.
    """
    try:
        parties = _parties(fichier.read_bytes())
    except (OSError, zipfile.BadZipFile):
        return True
    marque = _MARQUE.search(parties.get(_PROPRIETES, b""))
    return marque is None or marque.group(1) != _empreinte(parties)


class DocxRetouche(UserWarning):
    """Un document retouché n'est jamais écrasé : la nouvelle production va à côté."""


def place_libre(voulu: Path) -> Path:
    """Où écrire sans écraser le document que l'usager a retouché ; dit s'il change de nom.

    Warns
    -----
    DocxRetouche
        Le document déjà là a été retouché : le nouveau prend un autre nom.
    """
    libre = nom_libre(voulu)
    if libre != voulu:
        warnings.warn(
            f"{voulu.name} a été retouché depuis sa production : il est gardé tel quel. Le nouveau est {libre.name}",
            DocxRetouche,
            stacklevel=3,
        )
    return libre


def nom_libre(fichier: Path) -> Path:
    """Le nom où écrire sans écraser un docx retouché : lui-même, sinon « nom (2).docx », et ainsi de suite.

    Examples
    --------
    >>> nom_libre(Path("absent-de-ce-dossier.docx")).name
    'absent-de-ce-dossier.docx'
    """
    rang, essai = 1, fichier
    while essai.exists() and est_retouche(essai):
        rang += 1
        essai = fichier.with_name(f"{fichier.stem} ({rang}){fichier.suffix}")
    return essai
