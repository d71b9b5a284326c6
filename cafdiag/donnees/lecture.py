"""Lire n'importe quel fichier officiel : des textes, leur ligne d'origine, et rien de perdu en silence.

C'est le socle des lecteurs (:mod:`cafdiag.donnees.lecteurs`) : il ne sait rien du sens des colonnes.
"""

from __future__ import annotations

from pathlib import Path

from cafdiag.donnees import classeurs, delimite, enregistrements, octets
from cafdiag.donnees.compte_rendu import Brut, CompteRendu, Lecture, Rejet
from cafdiag.donnees.entetes import Choix
from cafdiag.donnees.nettoyage import (
    Codes,
    annee,
    code_commune,
    code_departement,
    code_epci,
    code_region,
    nombre,
    siren_valide,
)
from cafdiag.donnees.octets import lire_texte

__all__ = [
    "Brut", "Codes", "CompteRendu", "Lecture", "Rejet", "annee", "apercu", "code_commune",
    "code_departement", "code_epci", "code_region", "feuilles", "lire_tableau", "lire_texte", "nombre",
    "siren_valide",
]


def lire_tableau(chemin: Path | str, *, colonnes: Choix = None, feuille: str | None = None,
                 limite: int | None = None) -> Brut:
    """Lit un fichier en textes : csv (``;`` ``,`` tabulation), xlsx, ods, json, parquet, .gz ou .zip.

    Les lignes d'habillage, l'en-tête répété et les lignes vides sont ôtés (et dits) ; une ligne qui n'a
    pas le bon nombre de champs devient un rejet.

    Parameters
    ----------
    chemin : path
    colonnes : callable or collection of str, optional
        Colonnes à charger (nom, ou fonction ``nom -> bool``) ; un gros fichier dont on ne veut que
        quelques colonnes est lu au fil de l'eau.
    feuille : str, optional
        Feuille du classeur ; la plus remplie par défaut.
    limite : int, optional
        Nombre de lignes (aperçu) ; l'empreinte n'est alors pas calculée.

    Returns
    -------
    Brut

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, tronqué, d'un format inconnu, ou sans en-tête.
    """
    src = octets.source(chemin)
    if src.format == "csv":
        brut = delimite.lire(src, colonnes=colonnes, limite=limite)
    elif src.format in ("xlsx", "ods"):
        brut = classeurs.lire(src, colonnes=colonnes, limite=limite, feuille=feuille)
    elif src.format == "json":
        brut = enregistrements.lire_json(src, colonnes=colonnes, limite=limite)
    else:
        brut = enregistrements.lire_parquet(src, colonnes=colonnes, limite=limite)
    if limite is None:
        brut.empreinte = octets.empreinte(src.chemin)
    return brut


def apercu(chemin: Path | str, *, feuille: str | None = None, limite: int = 50) -> Brut:
    """Les premières lignes, pour reconnaître un fichier sans le lire en entier."""
    return lire_tableau(chemin, feuille=feuille, limite=limite)


def feuilles(chemin: Path | str) -> list[str]:
    """Noms des feuilles d'un classeur ; liste vide pour un autre format."""
    src = octets.source(chemin)
    return classeurs.feuilles(src) if src.format in ("xlsx", "ods") else []
