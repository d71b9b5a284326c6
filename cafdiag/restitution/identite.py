"""L'identité de qui remet la note : sa Caf, son contact, son logo, la date ; un petit fichier, facultatif."""

from __future__ import annotations

import base64
import datetime as dt
import io
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cafdiag.erreurs import EntreeFautive, en_clair, fichier_illisible, peut_etre
from cafdiag.restitution.formats import date, enumeration

NOM = "identite.toml"
CLES = ("caf", "contact", "date", "logo")
LONGUEUR_MAXIMALE = 120
OCTETS_MAXIMUM = 2_000_000
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True)
class Identite:
    """Ce qui s'écrit en tête et au pied de la note ; tout peut manquer.

    Attributes
    ----------
    caf, contact, date : str
    logo : bytes
    type_logo : str
        Type MIME du logo.
    """

    caf: str = ""
    contact: str = ""
    date: str = ""
    logo: bytes = b""
    type_logo: str = ""

    @property
    def adresse_du_logo(self) -> str:
        """Le logo tel qu'une page l'incorpore ; vide sans logo."""
        return f"data:{self.type_logo};base64,{base64.b64encode(self.logo).decode()}" if self.logo else ""


def chercher(*dossiers: Path) -> Path | None:
    """Le premier ``identite.toml`` de ces dossiers."""
    return next((d / NOM for d in dossiers if (d / NOM).is_file()), None)


def lire_identite(chemin: str | Path) -> Identite:
    """Lit un fichier d'identité.

    Parameters
    ----------
    chemin : path
        Fichier TOML : ``caf = "Caf de la Mayenne"``, ``contact = "…"``, ``date = 2026-11-29``, ``logo = "logo.png"`` ;
        le logo (PNG ou JPEG) est cherché à côté du fichier.

    Raises
    ------
    EntreeFautive
        Fichier absent ou mal écrit, clef inconnue, texte trop long, date impossible, logo illisible : tout d'un coup.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as dossier:
    ...     fichier = Path(dossier) / "identite.toml"
    ...     _ = fichier.write_text('caf = "Caf de la Mayenne"\\ndate = 2026-11-29', encoding="utf-8")
    ...     lire_identite(fichier)
    Identite(caf='Caf de la Mayenne', contact='', date='29 novembre 2026', logo=b'', type_logo='')
    """
    chemin = Path(chemin)
    try:
        lu = tomllib.loads(chemin.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise fichier_illisible(
            chemin,
            cause,
            attendu='des lignes comme : caf = "Caf de la Mayenne"',
            conseil="mettez chaque texte entre guillemets, et enregistrez en UTF-8",
        ) from cause
    defauts = [f"clef inconnue « {cle} »{peut_etre(cle, CLES)}" for cle in lu if cle not in CLES]
    textes = {cle: _texte(cle, lu.get(cle, ""), defauts) for cle in ("caf", "contact")}
    ecrite = _date(lu.get("date", ""), defauts)
    logo, type_logo = _logo(chemin.parent, lu.get("logo", ""), defauts)
    if defauts:
        raise EntreeFautive(
            chemin.name,
            defauts,
            attendu=f"{enumeration(list(CLES))}, toutes facultatives",
            conseil="corrigez le fichier d'identité ; sans lui, la note reste sobre",
        )
    return Identite(**textes, date=ecrite, logo=logo, type_logo=type_logo)


def _texte(cle: str, valeur: object, defauts: list[str]) -> str:
    if not isinstance(valeur, str):
        defauts.append(f"« {cle} » n'est pas un texte entre guillemets ({valeur})")
        return ""
    if len(valeur) > LONGUEUR_MAXIMALE:
        defauts.append(f"« {cle} » a {len(valeur)} caractères, {LONGUEUR_MAXIMALE} au plus")
    return " ".join(valeur.split())


def _date(valeur: object, defauts: list[str]) -> str:
    """La date en toutes lettres : écrite sans guillemets, AAAA-MM-JJ, ou entre guillemets de même."""
    try:
        if isinstance(valeur, dt.date):
            return date(valeur)
        if not valeur:
            return ""
        return date(dt.date.fromisoformat(str(valeur)))
    except ValueError:
        defauts.append(f"« date » : {valeur}, au lieu d'un jour comme 2026-11-29")
        return ""


def _logo(dossier: Path, valeur: object, defauts: list[str]) -> tuple[bytes, str]:
    if not valeur:
        return b"", ""
    if not str(valeur).isprintable():
        # « C:\temp » : TOML y lit une tabulation.
        defauts.append("logo introuvable : dans son chemin, écrivez / au lieu de \\")
        return b"", ""
    fichier = dossier / str(valeur)
    try:
        octets = fichier.read_bytes()
    except OSError as cause:
        defauts.append(f"logo illisible, {valeur} ({en_clair(cause)})")
        return b"", ""
    if len(octets) > OCTETS_MAXIMUM:
        defauts.append(f"logo de {len(octets) / 1e6:.1f} Mo, 2 Mo au plus".replace(".", ","))
        return b"", ""
    genre = _genre(octets)
    if not genre:
        defauts.append(f"logo illisible, {valeur} : ni PNG ni JPEG, ou abîmé")
    return (octets, genre) if genre else (b"", "")


def _genre(octets: bytes) -> str:
    """Le type d'une image, lue jusqu'au bout ; vide si elle est abîmée, ou d'un autre type."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(octets), formats=tuple(_TYPES)) as image:
            image.load()
            return _TYPES[str(image.format)]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
