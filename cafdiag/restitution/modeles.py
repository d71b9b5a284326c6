"""Les classeurs à remplir que l'outil remet : un mode d'emploi, une feuille ; les mêmes octets partout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook

from cafdiag.magasin import ecrire_atomique
from cafdiag.restitution.archives import place_libre
from cafdiag.restitution.piece import controler_sortie
from cafdiag.restitution.rendu_xlsx import clore, feuille_en_tableau


def classeur_modele(
    feuille: str,
    colonnes: Sequence[tuple[str, float]],
    lignes: Sequence[Sequence],
    *,
    titre: str,
    emploi: Sequence[str],
) -> bytes:
    """Un modèle : la feuille à remplir, puis son mode d'emploi ; il saura s'il a été retouché.

    Parameters
    ----------
    feuille : str
        Nom de la feuille à remplir.
    colonnes : sequence of (str, float)
        En-têtes et largeurs.
    lignes : sequence
        Lignes déjà écrites.
    titre : str
        Titre du classeur.
    emploi : sequence of str
        Phrases du mode d'emploi.
    """
    classeur = Workbook(write_only=True)
    feuille_en_tableau(classeur, feuille, colonnes, lignes, a_remplir=True)
    feuille_en_tableau(classeur, "Mode d'emploi", [(titre, 110)], [(phrase,) for phrase in emploi])
    return clore(classeur, titre)


def ecrire_modele(contenu: bytes, sortie: str | Path) -> Path:
    """Écrit un modèle ; celui qu'on a commencé à remplir n'est jamais écrasé.

    Warns
    -----
    DocxRetouche
        Un classeur rempli est déjà là : le modèle neuf prend un autre nom.
    """
    return ecrire_atomique(place_libre(controler_sortie(sortie, formes=(".xlsx",))), contenu)
