"""Ce qu'est une grandeur additive : ses colonnes, leur poids, sa date, sa précision."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

# Un effectif publié v, arrondi au multiple de 5 le plus proche, vient d'un entier de [v - 2 ; v + 2].
DEMI_PAS_ARRONDI = 2


@dataclass(frozen=True)
class Variable:
    """Une grandeur additive, à la commune et à une date.

    Attributes
    ----------
    nom, libelle, unite : str
        Identifiant, intitulé français, unité d'un terme.
    poids : mapping of str to float
        Gabarits de colonnes communales et leur poids : ``{"naissances_{a}": 1, "naissances_{a-1}": 1}``.
    source, millesime : str
        Producteur et jeu ; ``{annee}`` est remplacé par l'année calculée.
    statut : {"exact", "estime", "arrondi"}
        Statut d'une somme complète.
    condition : tuple, optional
        ``(gabarit de colonne, ensemble de valeurs)`` ou ``(gabarit, ">0")`` ; ``{*}`` : la plus récente.
    secours : tuple of mapping
        Autres gabarits, du meilleur au moindre, pour les années où les premiers manquent.
    statut_secours : str
        Statut d'une somme faite avec un secours ; vide : celui de la variable.
    annee_fixe : int, optional
        Année des grandeurs dont la colonne n'en porte pas.
    au_moins : str
        Colonne qui donne un minorant là où la valeur manque ; vide : rien ne minore.
    """

    nom: str
    libelle: str
    unite: str
    poids: Mapping[str, float] = field(repr=False)
    source: str = ""
    millesime: str = "{annee}"
    statut: str = "exact"
    condition: tuple | None = None
    secours: tuple[Mapping[str, float], ...] = field(default=(), repr=False)
    statut_secours: str = ""
    annee_fixe: int | None = None
    au_moins: str = ""

    def annees(self, colonnes: Collection[str]) -> dict[int, dict[str, float]]:
        """Années calculables avec ces colonnes, et les colonnes pesées de chacune.

        Examples
        --------
        >>> trois_ans = {"naissances_{a}": 1, "naissances_{a-1}": 1, "naissances_{a-2}": 1}
        >>> naissances = variable("naissances_3_ans", "naissances, trois années", "naissances", trois_ans, "Insee")
        >>> naissances.annees(["naissances_2021", "naissances_2022", "naissances_2023"])
        {2023: {'naissances_2023': 1, 'naissances_2022': 1, 'naissances_2021': 1}}
        """
        return dict(_annees(self, tuple(colonnes)))

    def statut_en(self, annee: int, colonnes: Collection[str]) -> str:
        """Statut d'une somme complète cette année-là : celui du secours s'il a fallu y recourir.

        Examples
        --------
        >>> jeunes = variable("jeunes", "moins de 20 ans", "habitants", {"pop_{a}_0_19_rp": 1}, "Insee",
        ...                   secours={"pop_{a}_0_19_iris": 1}, statut_secours="estime")
        >>> [jeunes.statut_en(a, ["pop_2023_0_19_rp", "pop_2021_0_19_iris"]) for a in (2023, 2021)]
        ['exact', 'estime']
        """
        if not self.statut_secours:
            return self.statut
        employees = self.annees(colonnes).get(annee, {})
        principale = {nom_de_colonne(g, annee) for g in self.poids}
        return self.statut if set(employees) == principale else self.statut_secours


@lru_cache(maxsize=512)
def _annees(variable: Variable, colonnes: tuple[str, ...]) -> tuple[tuple[int, dict[str, float]], ...]:
    if variable.annee_fixe is not None:
        return ((variable.annee_fixe, dict(variable.poids)),)
    connues = set(colonnes)
    trouvees: dict[int, dict[str, float]] = {}
    for recette in (variable.poids, *variable.secours):
        gabarits = [*recette, *([variable.condition[0]] if variable.condition else [])]
        premier = next((g for g in gabarits if "{a}" in g), None)
        if premier is None:
            continue
        motif = re.compile(re.escape(premier).replace(re.escape("{a}"), r"(\d{4})"))
        for annee in sorted({int(m[1]) for c in connues if (m := motif.fullmatch(c))}):
            pesees = {nom_de_colonne(g, annee): p for g, p in recette.items()}
            condition = nom_de_colonne(variable.condition[0], annee) if variable.condition else ""
            if connues.issuperset(pesees) and (not condition or "{*}" in condition or condition in connues):
                trouvees.setdefault(annee, pesees)
    return tuple(sorted(trouvees.items()))


def nom_de_colonne(gabarit: str, annee: int) -> str:
    """Nom de colonne d'un gabarit : ``{a}`` est l'année, ``{a-1}`` la précédente."""
    return re.sub(r"\{a(?:-(\d))?\}", lambda m: str(annee - int(m[1] or 0)), gabarit)


def variable(
    nom: str,
    libelle: str,
    unite: str,
    poids: Mapping[str, float],
    source: str,
    *,
    secours: Mapping[str, float] | tuple[Mapping[str, float], ...] = (),
    **reste,
) -> Variable:
    """Une :class:`Variable` dont les poids ne changent plus (``reste`` : ses autres attributs)."""
    recettes = secours if isinstance(secours, tuple) else (secours,)
    return Variable(nom, libelle, unite, _Fige(poids), source, secours=tuple(map(_Fige, recettes)), **reste)


class _Fige(dict):
    """Des poids qu'on ne change plus, et qu'une mémoire peut retenir."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))
