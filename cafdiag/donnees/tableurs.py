"""Le petit tableau d'un usager, cellule par cellule : registre, relevé, questionnaire, tableau d'actions, portrait.

Les mêmes pièces lisent les fichiers des producteurs (:mod:`cafdiag.donnees.lecture`) : même reconnaissance du format,
mêmes encodages, mêmes séparateurs, mêmes cellules. S'y ajoutent des bornes, les formules, les cases fusionnées, et
des textes d'une seule ligne. Rien n'est exécuté.
"""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

from cafdiag.donnees import classeurs, delimite, octets
from cafdiag.donnees.classeurs import SANS_VALEUR, Feuille
from cafdiag.erreurs import EntreeFautive

__all__ = ["SANS_VALEUR", "Feuille", "lire_feuilles", "propre"]

TAILLE_MAX = 30_000_000
DEPLIE_MAX = 200_000_000
LIGNES_MAX = 100_000
COLONNES_MAX = 400
ATTENDU = "un classeur xlsx ou ods, un CSV (UTF-8 ou Windows) ou un GeoJSON, une ligne par structure"
_CONSEIL = "ouvrez-le dans le tableur et enregistrez-le de nouveau"


def propre(texte: str) -> str:
    """Texte d'une seule ligne, sans caractère de commande ni marque invisible qui retournerait l'affichage.

    >>> propre("  Crèche\\u00a0 du\\nParc\\u202e\\x07 ")
    'Crèche du Parc'
    """
    garde = "".join(
        c
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co")
        else (" " if c in "\t\r\n\x0b\x0c" else "")
        for c in texte
    )
    return unicodedata.normalize("NFC", " ".join(garde.split()))


def lire_feuilles(chemin: str | Path) -> list[Feuille]:
    """Lit toutes les feuilles visibles d'un fichier.

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, trop gros, protégé, abîmé, ou d'un autre format.
    """
    chemin = Path(chemin)
    with octets.lisible(chemin):
        if chemin.stat().st_size > TAILLE_MAX:
            raise _refus(chemin, f"fichier de plus de {TAILLE_MAX // 1_000_000} Mo")
        src = octets.source(chemin)
        if src.format in ("xlsx", "ods") and not src.compression:
            with zipfile.ZipFile(chemin) as archive:
                if sum(m.file_size for m in archive.infolist()) > DEPLIE_MAX:
                    raise _refus(chemin, "archive démesurée une fois dépliée")
    if src.format in ("xlsx", "ods"):
        lues = [f for f in classeurs.lire_feuilles(src, prudent=True) if f.visible]
    elif src.format == "csv" and not src.compression:
        lues = [Feuille("", delimite.lire_lignes(src))]
    else:
        lues = [_de_liste_publique(chemin)]
    for feuille in lues:
        lignes, feuille.lignes = feuille.lignes, []
        for numero, cellules in lignes:
            feuille.ajouter(numero, [propre(c) for c in cellules])
        feuille.etendre()
        if len(feuille.lignes) > LIGNES_MAX:
            raise _refus(chemin, f"plus de {LIGNES_MAX} lignes")
        if any(len(cellules) > COLONNES_MAX for _, cellules in feuille.lignes):
            raise _refus(chemin, f"plus de {COLONNES_MAX} colonnes")
    return lues


def _de_liste_publique(chemin: Path) -> Feuille:
    """JSON, GeoJSON, Parquet ou archive : un en-tête, puis ses lignes."""
    # Presque toujours inutile : l'import en serait plus lent.
    from cafdiag.donnees.lecture import lire_tableau

    brut = lire_tableau(chemin)
    debut = int(brut.lignes[0]) if len(brut.lignes) else 1
    lignes = [(debut - 1, list(brut.entete))]
    lignes += zip(brut.lignes.tolist(), map(list, brut.table.itertuples(index=False)), strict=True)
    return Feuille("", lignes, remarques=[*brut.remarques, *map(str, brut.rejets)])


def _refus(chemin: Path, trouve: str) -> EntreeFautive:
    return EntreeFautive(chemin.name, [trouve], attendu=ATTENDU, conseil=_CONSEIL)
