"""Trouver l'en-tête d'un tableau sous ses lignes d'habillage, et nommer ses colonnes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from cafdiag.erreurs import EntreeFautive

_CHIFFRE = re.compile(r"[+-]?[\d \u00a0\u202f.,]+%?|2[AB]\d{3}|\d{4}-\d{2}(-\d{2}.*)?", re.IGNORECASE)
_AN = re.compile(r"(19|20)\d\d")
_IDENTIFIANT = re.compile(r"[A-Z][A-Z0-9_]*|[a-z][a-z0-9]*(_[a-z0-9]+)+")
_PORTEE = 40


def _intitule(cellule: str) -> bool:
    return not _CHIFFRE.fullmatch(cellule) or bool(_AN.fullmatch(cellule))


def trouver_entete(rangs: Sequence[Sequence[str]], fichier: str) -> int:
    """Rang de l'en-tête : la première ligne pleine d'intitulés, ou celle des codes qui la suit.

    L'Insee fait souvent suivre une ligne de libellés d'une ligne de noms de variables : c'est elle qui
    est stable d'un millésime à l'autre.

    >>> trouver_entete([["Zonage", "", ""], ["Code", "Libellé", "Zone"], ["CODGEO", "LIBGEO", "ZRR"],
    ...                 ["01001", "Ambronay", "NC"]], "f.csv")
    2
    """
    pleins = [sum(map(bool, map(str.strip, rang))) for rang in rangs[:200]]
    seuil = max(2, 0.6 * max(pleins, default=0))
    for i, rang in enumerate(rangs[:_PORTEE]):
        if pleins[i] < seuil or not _est_entete(rang):
            continue
        suivant = i + 1
        if (suivant < len(rangs) and pleins[suivant] >= seuil and _est_entete(rangs[suivant])
                and _part_identifiants(rangs[suivant]) >= 0.7 > _part_identifiants(rang)):
            return suivant
        return i
    raise EntreeFautive(
        fichier, ["aucune ligne d'en-tête reconnaissable dans les premières lignes"],
        attendu="une ligne d'intitulés de colonnes au-dessus des données",
        conseil="ajoutez la ligne d'en-tête officielle",
    )


def est_une_note(texte: str) -> bool:
    """Vrai si un texte seul sur sa ligne, sous un tableau, en est une note et non une donnée.

    >>> est_une_note("Source : Insee"), est_une_note("53084")
    (True, False)
    """
    return bool(re.search(r"[a-z] [a-z]|:", texte.strip().lower()))


def _est_entete(rang: Sequence[str]) -> bool:
    cellules = [c.strip() for c in rang if c.strip()]
    if not cellules or not _intitule(cellules[0]):
        return False
    return sum(map(_intitule, cellules)) >= 0.9 * len(cellules)


def _part_identifiants(rang: Sequence[str]) -> float:
    cellules = [c.strip() for c in rang if c.strip()]
    return sum(bool(_IDENTIFIANT.fullmatch(c)) for c in cellules) / max(1, len(cellules))


DEUX_FOIS = "colonne présente deux fois : "
DOUBLE = re.compile(r" \(\d+\)$")


def nommer(entete: Sequence[str]) -> tuple[list[str], list[str]]:
    """Noms uniques des colonnes ; une colonne sans nom est « colonne_5 », un doublon « A (2) ».

    >>> nommer(["A", " A ", ""])
    (['A', 'A (2)', 'colonne_3'], ['colonne présente deux fois : A'])
    """
    vus: Counter[str] = Counter()
    noms, remarques = [], []
    for i, brut in enumerate(entete):
        nom = re.sub(r"\s+", " ", brut.replace("\ufeff", "")).strip() or f"colonne_{i + 1}"
        vus[nom] += 1
        if vus[nom] == 2:
            remarques.append(f"{DEUX_FOIS}{nom}")
        noms.append(nom if vus[nom] == 1 else f"{nom} ({vus[nom]})")
    return noms, remarques


Choix = Callable[[str], bool] | Collection[str] | None


def choisir(noms: Sequence[str], colonnes: Choix) -> list[int]:
    """Rangs des colonnes voulues (toutes par défaut)."""
    if colonnes is None:
        return list(range(len(noms)))
    garde = colonnes if callable(colonnes) else set(colonnes).__contains__
    return [i for i, nom in enumerate(noms) if garde(nom)]
