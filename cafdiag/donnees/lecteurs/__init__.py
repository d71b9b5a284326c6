"""Un lecteur par producteur : reconnaître un fichier à ses colonnes, en tirer une table canonique.

Un module de ce paquet qui déclare ``LECTEURS`` (une suite de :class:`Lecteur`) est inscrit d'office.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.tableurs import apercu, feuilles
from cafdiag.erreurs import CafdiagError, DemandeFausse, EntreeFautive, en_clair
from cafdiag.magasin import dossier

__all__ = ["Lecteur", "lecteurs", "lire", "reconnaitre"]
_SEUIL = 0.5


@dataclass(frozen=True)
class Lecteur:
    """Ce qui lit une famille de fichiers.

    Attributes
    ----------
    nom : str
        Identifiant court (« cnaf_taux »).
    libelle : str
        Ce que c'est, pour un message.
    noter : callable
        ``Brut (aperçu) -> float`` : 0, ce n'est pas ça ; 1, c'est sûr ; reconnu à partir de 0,5.
    lire : callable
        ``(chemin, feuille=None, annee=None) -> Lecture``.
    colonnes : tuple of str
        Colonnes officielles les plus parlantes, pour dire ce qui était attendu.
    utile : bool
        Faux si aucun calcul ne relit ce qu'il donne : le fichier est contrôlé, pas rangé.
    """

    nom: str
    libelle: str
    noter: Callable[[Brut], float]
    lire: Callable[..., Lecture]
    colonnes: tuple[str, ...] = ()
    utile: bool = True


@lru_cache(maxsize=1)
def lecteurs() -> dict[str, Lecteur]:
    """Tous les lecteurs inscrits, par nom."""
    inscrits: dict[str, Lecteur] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        for lecteur in getattr(importlib.import_module(f"{__name__}.{module}"), "LECTEURS", ()):
            if lecteur.nom in inscrits:
                raise AssertionError(f"deux lecteurs portent le nom {lecteur.nom}")
            inscrits[lecteur.nom] = lecteur
    return inscrits


def reconnaitre(chemin: Path | str) -> str:
    """Nom du lecteur qui convient à ce fichier.

    Raises
    ------
    EntreeFautive
        Fichier illisible ou inconnu : les colonnes trouvées et les jeux les plus proches sont dits.
    """
    return reconnaitre_feuille(chemin)[0]


def reconnaitre_feuille(chemin: Path | str) -> tuple[str, str | None]:
    """Comme :func:`reconnaitre`, avec la feuille du classeur où il lit."""
    chemin = Path(chemin)
    notes: dict[tuple[str, str | None], float] = {}
    defauts: list[str] = []
    entete: list[str] = []
    les_feuilles: list[str | None] = [*feuilles(chemin)]
    for feuille in les_feuilles or [None]:
        try:
            vu = apercu(chemin, feuille=feuille)
        except EntreeFautive as erreur:
            defauts += erreur.defauts
            continue
        entete = entete or vu.entete
        for nom, lecteur in lecteurs().items():
            notes[nom, feuille] = lecteur.noter(vu)
    if not notes:
        raise EntreeFautive(chemin.name, defauts or ["aucun tableau"], attendu="un tableau avec un en-tête")
    meilleur = max(notes, key=lambda cle: notes[cle])
    if notes[meilleur] >= _SEUIL:
        return meilleur
    vues = {c.casefold() for c in entete}
    parts = {
        lec: len(vues & {c.casefold() for c in lec.colonnes}) / max(1, len(lec.colonnes)) for lec in lecteurs().values()
    }
    idees = [lec for lec in sorted(parts, key=lambda lec: -parts[lec])[:3] if parts[lec] >= 1 / 3]
    raise EntreeFautive(
        chemin.name,
        ["aucun jeu connu n'a ces colonnes : " + ", ".join(entete[:15]) + ("…" if len(entete) > 15 else "")],
        attendu=" ; ".join(f"{lec.libelle} ({', '.join(lec.colonnes)})" for lec in idees)
        or "un fichier d'un producteur connu",
        conseil="vérifiez l'en-tête" + (
            f" ; si c'est bien lui : --lecteur {idees[0].nom}" if idees
            else " ; les fichiers lus : « cafdiag donnees lister » ; un registre à vous : les modèles de "
            f"{dossier('templates') / 'registres'}"
        ),
    )


def feuille_de(chemin: Path, lecteur: str) -> tuple[str | None, float]:
    """La feuille d'un classeur qui convient le mieux à un lecteur (None : il n'y en a qu'une), et sa note.

    La plus remplie n'est pas toujours la bonne : un dictionnaire des variables peut être plus long que les données.
    """
    notes: dict[str | None, float] = {}
    toutes: list[str | None] = [*feuilles(chemin)] or [None]
    for feuille in toutes:
        with contextlib.suppress(EntreeFautive):
            notes[feuille] = lecteurs()[lecteur].noter(apercu(chemin, feuille=feuille))
    meilleure = max(notes, key=lambda f: notes[f], default=None)
    return (meilleure if len(notes) > 1 and notes[meilleure] else None), notes.get(meilleure, 0.0)


@contextlib.contextmanager
def _sans_ramassage() -> Iterator[None]:
    """Suspend le ramasse-miettes : il reparcourrait le référentiel entier, et une lecture ne fait pas de cycle."""
    actif = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if actif:
            gc.enable()


def lire(
    chemin: Path | str, *, lecteur: str | None = None, feuille: str | None = None, annee: int | None = None
) -> Lecture:
    """Lit un fichier avec le lecteur qui le reconnaît.

    Parameters
    ----------
    chemin : path
    lecteur : str, optional
        Nom du lecteur, pour ne pas laisser deviner.
    feuille : str, optional
        Feuille du classeur où il lit (:func:`reconnaitre_feuille`) ; par défaut, celle qui lui convient le mieux.
    annee : int, optional
        Année des chiffres, quand rien dans le fichier ne la dit.

    Returns
    -------
    Lecture

    Raises
    ------
    EntreeFautive
        Le fichier est refusé, avec tous ses défauts.
    DemandeFausse
        Lecteur inconnu.
    """
    chemin = Path(chemin)
    if lecteur is None:
        nom, feuille = reconnaitre_feuille(chemin)
    elif lecteur in lecteurs():
        nom = lecteur
        if feuille is None and len(feuilles(chemin)) > 1:
            feuille = feuille_de(chemin, lecteur)[0]
    else:
        raise DemandeFausse(f"lecteur inconnu : « {lecteur} »", attendu=", ".join(lecteurs()))
    try:
        with _sans_ramassage():
            lue = lecteurs()[nom].lire(chemin, feuille=feuille, annee=annee)
            return lue if lecteurs()[nom].utile else replace(lue, utile=False)
    except CafdiagError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as cause:
        # Un lecteur ne doit jamais finir ici ; si cela arrive, l'utilisateur a une phrase et non une trace.
        raise EntreeFautive(chemin.name, [f"lecture impossible ({en_clair(cause)})"],
                            conseil="signalez ce fichier") from cause
