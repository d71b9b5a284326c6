"""Lire n'importe quel fichier officiel : des textes, leur ligne d'origine, et rien de perdu en silence.

C'est le socle des lecteurs (:mod:`cafdiag.donnees.lecteurs`) : il ne sait rien du sens des colonnes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cafdiag.donnees import blocs, classeurs, couches, delimite, enregistrements, octets
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
                 limite: int | None = None, nombres: Choix = ()) -> Brut:
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
    nombres : callable or collection of str, optional
        Colonnes à lire directement en nombres (vide = manquant) dans un grand CSV : deux fois moins de
        mémoire. Si une seule case n'en est pas un, toutes restent des textes, pour dire laquelle.

    Returns
    -------
    Brut

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, tronqué, d'un format inconnu, ou sans en-tête.
    """
    src = octets.source(chemin)
    if limite is not None:
        return _lire(src, colonnes, feuille, limite, ())
    rapide = blocs.lire(src, colonnes=colonnes, nombres=nombres)
    if rapide is not None:
        return rapide
    # L'empreinte relit le fichier : sur un second cœur, elle ne coûte rien.
    with ThreadPoolExecutor(max_workers=1) as second:
        empreinte = second.submit(octets.empreinte, src.chemin)
        brut = _lire(src, colonnes, feuille, None, nombres)
        brut.empreinte = empreinte.result()
    if src.autres:
        suite = "…" if len(src.autres) > 3 else ""
        brut.remarques.append(f"archive : {src.membre} est lu ; {', '.join(src.autres[:3])}{suite} ne l'est pas")
    return brut


def _lire(src: octets.Fichier, colonnes: Choix, feuille: str | None, limite: int | None, nombres: Choix) -> Brut:
    if src.format == "csv":
        return delimite.lire(src, colonnes=colonnes, limite=limite, nombres=nombres)
    if src.format in ("xlsx", "ods"):
        return classeurs.lire(src, colonnes=colonnes, limite=limite, feuille=feuille)
    if src.format == "json":
        return enregistrements.lire_json(src, colonnes=colonnes, limite=limite)
    if src.format == couches.FORMAT:
        return couches.lire(src, couche=feuille, limite=limite)
    return enregistrements.lire_parquet(src, colonnes=colonnes, limite=limite)


def apercu(chemin: Path | str, *, feuille: str | None = None, limite: int = 50) -> Brut:
    """Les premières lignes, pour reconnaître un fichier sans le lire en entier."""
    return lire_tableau(chemin, feuille=feuille, limite=limite)


def feuilles(chemin: Path | str) -> list[str]:
    """Noms des feuilles d'un classeur, ou des couches d'un fichier géographique ; liste vide pour un autre format."""
    src = octets.source(chemin)
    if src.format == couches.FORMAT:
        return list(couches.couches(src))
    return classeurs.feuilles(src) if src.format in ("xlsx", "ods") else []
