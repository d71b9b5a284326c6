"""Les grandeurs additives : ce qu'on compte, où, quand, et avec quelle précision.

Une variable est une combinaison linéaire de colonnes communales (``poids``), parfois restreinte aux
communes qui vérifient une ``condition``. Elle rend, commune par commune, une valeur et un encadrement :

- donnée publiée telle quelle : valeur = bas = haut ;
- effectif Cnaf arrondi à 5 : valeur ± 2, jamais sous zéro ;
- condition inconnue (équipement non renseigné) : entre 0 et le poids de la commune ;
- donnée absente : rien n'est connu, ``valeur`` manquante, de 0 à l'infini.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from cafdiag.erreurs import DemandeFausse

# Un effectif publié v, arrondi au multiple de 5 le plus proche, vient d'un entier de [v - 2 ; v + 2].
DEMI_PAS_ARRONDI = 2


@dataclass(frozen=True)
class Variable:
    """Une grandeur additive, à la commune et à une date.

    Attributes
    ----------
    nom, libelle, unite : str
        Identifiant, intitulé français, unité d'un terme.
    annees : mapping of int to mapping of str to float
        Pour chaque année de référence, le poids de chaque colonne communale.
    source, millesime : str
        Producteur et jeu ; ``{annee}`` est remplacé par l'année calculée.
    statut : {"exact", "estime", "arrondi"}
        Statut d'une somme complète.
    condition : tuple, optional
        ``(colonne, ensemble de valeurs)`` ou ``(colonne, ">0")``.
    locale : bool
        Vrai si la donnée n'existe que là où elle a été embarquée ou apportée.
    """

    nom: str
    libelle: str
    unite: str
    annees: MappingProxyType = field(repr=False)
    source: str = ""
    millesime: str = "{annee}"
    statut: str = "exact"
    condition: tuple | None = None
    locale: bool = True

    @property
    def annee_par_defaut(self) -> int:
        """Dernière année connue."""
        return max(self.annees)


def _variable(nom, libelle, unite, annees, source, **reste) -> Variable:
    fige = MappingProxyType({a: MappingProxyType(dict(p)) for a, p in annees.items()})
    return Variable(nom, libelle, unite, fige, source, **reste)


_RP = "Insee, recensement de la population"
_ETAT_CIVIL = "Insee, état civil, naissances domiciliées"
_CNAF = "Cnaf, toutes prestations (communal)"
_BPE = "Insee, base permanente des équipements"
_MUNICIPALE = {a: {f"population_{a}": 1} for a in (2020, 2021, 2022, 2023)}
_POP_ZONAGE = {2023: {"population_2023": 1}}
_BANDES = ("0_4", "5_9", "10_14", "15_19")
# Âges répartis uniformément dans chaque tranche de cinq ans : 3-4 ans = 2/5 des 0-4 ans,
# 10-11 ans = 2/5 des 10-14 ans. C'est une estimation, dite comme telle.
_3_11 = {2023: {"pop_2023_0_4": 0.4, "pop_2023_5_9": 1.0, "pop_2023_10_14": 0.4}}
_GRILLE = "Insee, grille communale de densité à 7 niveaux (COG 2024)"
_FRR = ("FRR socle", "FRR+", "FRR bénéficiaire")


def _naissances_glissantes() -> dict[int, dict[str, float]]:
    return {a: {f"naissances_{a - i}": 1 for i in range(3)} for a in range(2021, 2026)}


VARIABLES: MappingProxyType = MappingProxyType(
    {
        v.nom: v
        for v in (
            _variable(
                "communes",
                "communes",
                "communes",
                {2025: {"unite": 1}},
                "Insee, code officiel géographique",
                locale=False,
            ),
            _variable(
                "population",
                "population municipale",
                "habitants",
                _MUNICIPALE,
                "Insee, populations légales",
                locale=False,
            ),
            _variable(
                "population_2018",
                "population municipale 2018",
                "habitants",
                {2018: {"pmun_2018": 1}},
                "Insee, populations légales",
            ),
            _variable(
                "naissances_3_ans",
                "naissances domiciliées, trois années",
                "naissances",
                _naissances_glissantes(),
                _ETAT_CIVIL,
            ),
            _variable(
                "naissances",
                "naissances domiciliées",
                "naissances",
                {a: {f"naissances_{a}": 1} for a in range(2019, 2026)},
                _ETAT_CIVIL,
            ),
            _variable(
                "enfants_moins_3_ans",
                "enfants de moins de 3 ans (naissances de trois ans)",
                "enfants",
                _naissances_glissantes(),
                _ETAT_CIVIL,
                statut="estime",
            ),
            *(
                _variable(
                    f"population_{b}_ans",
                    f"habitants de {b.replace('_', ' à ')} ans",
                    "habitants",
                    {2023: {f"pop_2023_{b}": 1}},
                    _RP,
                )
                for b in _BANDES
            ),
            _variable(
                "population_0_19_ans",
                "habitants de moins de 20 ans",
                "habitants",
                {2023: {f"pop_2023_{b}": 1 for b in _BANDES}},
                _RP,
            ),
            _variable("enfants_3_11_ans", "enfants de 3 à 11 ans", "enfants", _3_11, _RP, statut="estime"),
            _variable(
                "enfants_3_11_ans_equipes",
                "enfants de 3 à 11 ans d'une commune avec ALSH",
                "enfants",
                _3_11,
                f"{_RP} ; {_BPE}",
                statut="estime",
                condition=("bpe2025_alsh", ">0"),
            ),
            _variable(
                "eaje",
                "établissements d'accueil du jeune enfant",
                "établissements",
                {2025: {"bpe2025_eaje": 1}},
                _BPE,
            ),
            _variable(
                "micro_creches", "micro-crèches", "établissements", {2025: {"bpe2025_micro_creche": 1}}, _BPE
            ),
            _variable(
                "alsh",
                "implantations d'accueil de loisirs (ALSH)",
                "implantations",
                {2025: {"bpe2025_alsh": 1}},
                _BPE,
            ),
            _variable(
                "foyers_allocataires",
                "foyers allocataires",
                "foyers",
                {2024: {"foyers_allocataires_2024": 1}},
                _CNAF,
                millesime="décembre {annee}",
                statut="arrondi",
            ),
            _variable(
                "personnes_couvertes",
                "personnes couvertes",
                "personnes",
                {2024: {"personnes_couvertes_2024": 1}},
                _CNAF,
                millesime="décembre {annee}",
                statut="arrondi",
            ),
            _variable(
                "population_rurale",
                "habitants d'une commune rurale (densité 5 à 7)",
                "habitants",
                _POP_ZONAGE,
                _GRILLE,
                condition=("densite_7", (5, 6, 7)),
            ),
            *(
                _variable(
                    f"population_densite_{n}",
                    f"habitants du niveau de densité {n}",
                    "habitants",
                    _POP_ZONAGE,
                    _GRILLE,
                    condition=("densite_7", (n,)),
                )
                for n in range(1, 8)
            ),
            _variable(
                "communes_frr",
                "communes classées France ruralités revitalisation",
                "communes",
                {2025: {"unite": 1}},
                "DGCL, classement FRR au 10 juillet 2025",
                condition=("frr_2025", _FRR),
            ),
            _variable(
                "communes_zrr",
                "communes classées en zone de revitalisation rurale",
                "communes",
                {2021: {"unite": 1}},
                "ANCT, classement ZRR (COG 2021)",
                condition=("zrr_2021", ("C",)),
            ),
            _variable(
                "centres_sociaux",
                "centres sociaux",
                "structures",
                {2024: {"centres_sociaux": 1}},
                "liste de structures",
                millesime="voir la liste",
            ),
            _variable(
                "evs",
                "espaces de vie sociale",
                "structures",
                {2024: {"evs": 1}},
                "liste de structures",
                millesime="voir la liste",
            ),
            _variable(
                "structures_avs",
                "centres sociaux et espaces de vie sociale",
                "structures",
                {2024: {"centres_sociaux": 1, "evs": 1}},
                "liste de structures",
                millesime="voir la liste",
            ),
            _variable(
                "evs_ruraux",
                "espaces de vie sociale en commune rurale",
                "structures",
                {2024: {"evs": 1}},
                f"liste de structures ; {_GRILLE}",
                millesime="voir la liste",
                condition=("densite_7", (5, 6, 7)),
            ),
            _variable(
                "france_services",
                "espaces France services",
                "espaces",
                {2025: {"france_services_2025": 1}},
                "ANCT, France services",
            ),
        )
    }
)


def evaluer(table: pd.DataFrame, nom: str, *, annee: int | None = None) -> pd.DataFrame:
    """Évalue une variable commune par commune.

    Parameters
    ----------
    table : DataFrame
        Table communale (:func:`cafdiag.donnees.table_communes`), indexée par code de commune.
    nom : str
        Nom de la variable (clé de ``VARIABLES``).
    annee : int, optional
        Année de référence ; la dernière connue par défaut.

    Returns
    -------
    DataFrame
        Colonnes ``valeur``, ``bas``, ``haut`` ; même index que ``table``. Un manquant reste manquant.

    Raises
    ------
    DemandeFausse
        Variable inconnue, ou année que la source ne couvre pas.

    Examples
    --------
    >>> table = pd.DataFrame({"foyers_allocataires_2024": [110.0, 0.0, np.nan]}, index=["01001", "a", "b"])
    >>> evaluer(table, "foyers_allocataires")
           valeur    bas   haut
    01001   110.0  108.0  112.0
    a         0.0    0.0    2.0
    b         NaN    0.0    inf
    """
    variable = VARIABLES.get(nom)
    if variable is None:
        raise DemandeFausse(f"variable inconnue : « {nom} »", attendu=", ".join(sorted(VARIABLES)))
    annee = variable.annee_par_defaut if annee is None else annee
    if annee not in variable.annees:
        raise DemandeFausse(
            f"pas de « {variable.libelle} » pour {annee}",
            attendu="une année parmi " + ", ".join(map(str, sorted(variable.annees))),
        )
    poids = variable.annees[annee]
    colonnes = table[list(poids)].astype("float64")
    valeur = (colonnes * pd.Series(poids)).sum(axis=1, skipna=False)
    demi = DEMI_PAS_ARRONDI if variable.statut == "arrondi" else 0
    bas, haut = (valeur - demi).clip(lower=0), valeur + demi
    if variable.condition is not None:
        verifie = _verifie(table, variable.condition)
        connu = verifie.notna()
        oui = verifie.eq(True).fillna(False)
        plafond = haut
        valeur = valeur.where(oui, 0.0).where(connu)
        bas = bas.where(oui, 0.0)
        haut = plafond.where(oui, 0.0).where(connu, plafond)
    absent = valeur.isna()
    # Un plafond connu (condition inconnue, population connue) reste un encadrement utile.
    return pd.DataFrame(
        {"valeur": valeur, "bas": bas.mask(absent, 0.0), "haut": haut.where(haut.notna(), np.inf)},
        index=table.index,
    )


def _verifie(table: pd.DataFrame, condition: tuple) -> pd.Series:
    """Vrai, faux, ou manquant quand la colonne n'est pas renseignée."""
    colonne, attendu = condition
    valeurs = table[colonne]
    reponse = valeurs.gt(0) if attendu == ">0" else valeurs.isin(attendu)
    reponse = reponse.astype("boolean").mask(valeurs.isna())
    # Zonages coupés par une fusion (« C / NC », « FRR bénéficiaire partiellement ») : ni oui ni non.
    if valeurs.dtype == object or str(valeurs.dtype).startswith("str"):
        partiel = valeurs.astype("string").str.contains(r"partiellement|/", regex=True, na=False)
        reponse = reponse.mask(partiel.astype(bool))
    return reponse
