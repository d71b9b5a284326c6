"""À quel département comparer un territoire à cheval sur plusieurs, et comment le nommer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cafdiag.magasin import lire_table
from cafdiag.restitution.formats import avec_unite, enumeration
from cafdiag.territoires import Territoire
from cafdiag.territoires.referentiel import POPULATION

# En deçà, le département dit d'abord autre chose que le territoire.
PART_MINIMALE = 80.0

_LES = [
    "Alpes-de-Haute-Provence",
    "Hautes-Alpes",
    "Alpes-Maritimes",
    "Ardennes",
    "Bouches-du-Rhône",
    "Côtes-d'Armor",
    "Deux-Sèvres",
    "Hauts-de-Seine",
    "Landes",
    "Pyrénées-Atlantiques",
    "Hautes-Pyrénées",
    "Pyrénées-Orientales",
    "Vosges",
    "Yvelines",
]
_LA = [
    "Charente",
    "Charente-Maritime",
    "Corrèze",
    "Corse-du-Sud",
    "Côte-d'Or",
    "Creuse",
    "Dordogne",
    "Drôme",
    "Gironde",
    "Loire",
    "Loire-Atlantique",
    "Lozère",
    "Manche",
    "Marne",
    "Mayenne",
    "Meurthe-et-Moselle",
    "Meuse",
    "Moselle",
    "Nièvre",
    "Saône-et-Loire",
    "Sarthe",
    "Savoie",
    "Seine-Maritime",
    "Seine-et-Marne",
    "Seine-Saint-Denis",
    "Somme",
    "Vendée",
    "Vienne",
    "Guadeloupe",
    "Martinique",
    "Guyane",
]
_SANS_ARTICLE = ("Paris", "Mayotte", "La Réunion")


def avec_article(nom: str) -> str:
    """Le nom d'un département précédé de son article.

    Examples
    --------
    >>> [avec_article(n) for n in ("Mayenne", "Ain", "Maine-et-Loire", "Haute-Loire", "Landes", "Paris")]
    ['la Mayenne', "l'Ain", 'le Maine-et-Loire', 'la Haute-Loire', 'les Landes', 'Paris']
    """
    if nom in _SANS_ARTICLE:
        return nom
    if nom in _LES:
        return f"les {nom}"
    if nom in _LA or nom.startswith("Haute-"):
        return f"la {nom}"
    # « l'Hérault », mais « le Haut-Rhin ».
    elide = nom[0] in "AEIOUY" or nom == "Hérault"
    return f"l'{nom}" if elide else f"le {nom}"


@dataclass(frozen=True)
class Rattachement:
    """Le département de comparaison d'un territoire.

    Attributes
    ----------
    nom : str
        « le département », ou son nom avec l'article quand le territoire est à cheval.
    compare : bool
        Faux si trop peu d'habitants du territoire y vivent : la comparaison n'aurait pas de sens.
    phrase : str
        Ce qu'il faut en dire ; vide pour un territoire d'un seul département.
    """

    nom: str = "le département"
    compare: bool = True
    phrase: str = ""


def rattachement(territoire: Territoire) -> Rattachement:
    """Département de comparaison : nommé, et tu si le territoire déborde trop.

    Examples
    --------
    >>> from cafdiag.territoires import territoire
    >>> rattachement(territoire("200048551"))
    Rattachement(nom='le département', compare=True, phrase='')
    """
    codes = territoire.departements
    if territoire.maille in ("region", "france", "departement") or len(codes) < 2:
        return Rattachement()
    noms = _noms_departements()
    lieux = [avec_article(noms[c]) for c in codes if c in noms]
    communes = _communes().reindex(list(territoire.communes))
    population = communes[POPULATION].astype("float64")
    part = 100 * population[communes["departement"].eq(codes[0])].sum() / population.sum()
    cheval = f"Ce territoire est à cheval sur {enumeration(lieux, maximum=8)}"
    # Une population inconnue ne prouve pas que le département suffit.
    if not part >= PART_MINIMALE:
        return Rattachement(
            lieux[0], False, f"{cheval} : aucun département ne le contient assez pour s'y comparer."
        )
    autres = f"{avec_unite(part, '%')} de ses habitants sont dans {lieux[0]}"
    return Rattachement(lieux[0], True, f"{cheval} ; {autres}, département auquel il est comparé.")


@lru_cache(maxsize=1)
def _noms_departements() -> dict[str, str]:
    table = lire_table("departements", colonnes=["code", "nom"])
    return dict(zip(table["code"], table["nom"], strict=True))


@lru_cache(maxsize=1)
def _communes():
    return lire_table("communes", colonnes=["code", "departement", POPULATION]).set_index("code")
