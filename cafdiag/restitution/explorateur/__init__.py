"""L'explorateur : choisir, comparer, composer et produire sans écrire de code (``cd.explorer()``).

L'état (:mod:`.etat`) est un objet pur ; les vues (:mod:`.vues`, :mod:`.decor`) le montrent ; l'interface
(:mod:`.interface`) le change. Rien n'est calculé dans les widgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cafdiag.restitution.explorateur.interface import Explorateur
    from cafdiag.territoires import Territoire


def explorer(cible: Territoire | str | None = None, *, nom: str = "") -> Explorateur:
    """L'explorateur de territoires, à afficher dans un carnet.

    Parameters
    ----------
    cible : Territoire or str, optional
        Territoire ouvert d'abord ; par défaut, celui où l'on s'était arrêté dans ce carnet, sinon le
        Pays de Craon.
    nom : str, optional
        Nom sous lequel l'état est gardé ; par défaut, celui du carnet.

    Returns
    -------
    Explorateur
        S'affiche de lui-même en fin de cellule. ``.etat`` dit ce qui est montré, ``.code()`` le redonne en
        Python.

    Raises
    ------
    TerritoireInconnu, TerritoireAmbigu
        `cible` ne désigne pas un territoire.
    """
    from cafdiag.restitution.explorateur.interface import Explorateur

    return Explorateur(cible, nom=nom)
