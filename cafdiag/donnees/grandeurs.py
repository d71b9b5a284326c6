"""Les grandeurs additives : ce qu'on compte, où, quand, et avec quelle précision.

Une variable est une combinaison linéaire de colonnes communales (``poids``), parfois restreinte aux
communes qui vérifient une ``condition``. Elle rend, commune par commune, une valeur et un encadrement :

- donnée publiée telle quelle : valeur = bas = haut ;
- effectif Cnaf arrondi à 5 : valeur ± 2, jamais sous zéro ;
- condition inconnue (équipement non renseigné) : entre 0 et le poids de la commune ;
- donnée absente : rien n'est connu, ``valeur`` manquante, de 0 (ou d'un minorant) à l'infini.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import pandas as pd

from cafdiag.erreurs import CafdiagError, DemandeFausse, DonneesAbimees, en_clair
from cafdiag.magasin import dossier, verifier
from cafdiag.millesimes import millesime

CLASSES = ("publique_arrondie", "publique_exacte", "confidentielle_partenaire")


@lru_cache(maxsize=1)
def _lire() -> pd.DataFrame:
    chemin = verifier(dossier("data") / "grandeurs.csv")
    try:
        table = pd.read_csv(chemin, sep=";", dtype=str, keep_default_na=False, encoding="utf-8")
        table = table.set_index("grandeur", drop=False)
        if not table.index.is_unique or not set(table["classe"]) <= set(CLASSES):
            raise CafdiagError("une grandeur est en double, ou sa classe est inconnue")
    except (OSError, ValueError, KeyError) as cause:
        raise DonneesAbimees(
            chemin.name, f"liste des grandeurs illisible ({en_clair(cause)})", conseil="retéléchargez le projet"
        ) from cause
    return table


def grandeurs() -> pd.DataFrame:
    """Les grandeurs du modèle ``activite.xlsx``, une par ligne.

    Returns
    -------
    DataFrame
        Indexé par grandeur : ``libelle``, ``unite``, ``classe``, ``producteur`` (à qui la demander),
        ``precision`` (ce qu'on y compte), ``autres_noms`` et ``negatif`` (une valeur négative a un sens).

    Examples
    --------
    >>> grandeurs().loc["heures_facturees_eaje", ["libelle", "unite", "classe"]].tolist()
    ['Heures facturées en EAJE', 'heures', 'publique_exacte']
    """
    return _lire().copy()


# --- Les variables : une grandeur, à une maille, une année ---


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
    autre_source : str
        Variable qui compte la même chose par une autre source : leur écart se dit, elles ne se mélangent jamais.
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
    autre_source: str = ""

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


def derniere_annee(table: pd.DataFrame, *gabarits: str) -> int | None:
    """Dernière année où toutes ces colonnes existent ; None s'il n'y en a pas.

    Examples
    --------
    >>> table = pd.DataFrame(columns=["bpe2024_evs", "bpe2024_alsh", "bpe2025_alsh"])
    >>> derniere_annee(table, "bpe{*}_evs", "bpe{*}_alsh")
    2024
    """
    annees = [
        {
            int(m[1])
            for c in table.columns
            if (m := re.fullmatch(re.escape(g).replace(r"\{\*\}", r"(\d{4})"), c))
        }
        for g in gabarits
    ]
    return max(set.intersection(*annees), default=None)


def plus_recent(table: pd.DataFrame, gabarit: str) -> pd.Series:
    """Pour chaque commune, la valeur de la colonne la plus récente qui la renseigne.

    Un équipement présent l'an dernier et non renseigné cette année reste connu ; aucun total n'en est tiré.

    Examples
    --------
    >>> table = pd.DataFrame({"bpe2024_alsh": [1.0, 2.0], "bpe2025_alsh": [np.nan, 3.0]}, index=["a", "b"])
    >>> plus_recent(table, "bpe{*}_alsh").tolist()
    [1.0, 3.0]
    """
    motif = re.compile(re.escape(gabarit).replace(re.escape("{*}"), r"\d{4}"))
    colonnes = sorted((c for c in table.columns if motif.fullmatch(c)), reverse=True)
    if not colonnes:
        return pd.Series(np.nan, index=table.index)
    valeurs = table[colonnes[0]]
    for colonne in colonnes[1:]:
        valeurs = valeurs.where(valeurs.notna(), table[colonne])
    return valeurs


_LEGALES = "Insee, populations légales"
_RP = "Insee, recensement de la population"
_ETAT_CIVIL = "Insee, état civil, naissances domiciliées"
_CNAF = "Cnaf, toutes prestations (communal)"
_BPE = "Insee, base permanente des équipements"
_LISTE, _LISTE_DE = "liste de structures", millesime("structures.liste")
_ANCIENNE = millesime("population.ancienne")
_POPULATION = {"population_{a}": 1}
_TROIS_ANS = {"naissances_{a}": 1, "naissances_{a-1}": 1, "naissances_{a-2}": 1}
_BANDES = ("0_4", "5_9", "10_14", "15_19")
# Âges répartis uniformément dans chaque tranche de cinq ans : 3-4 ans = 2/5 des 0-4 ans,
# 10-11 ans = 2/5 des 10-14 ans. C'est une estimation, dite comme telle.
_3_11 = {"pop_{a}_0_4": 0.4, "pop_{a}_5_9": 1.0, "pop_{a}_10_14": 0.4}
# Les tranches des IRIS s'arrêtent à 10 et 17 ans : 11 ans = 1/7 des 11-17 ans.
_3_11_IRIS = {"pop_{a}_3_5": 1.0, "pop_{a}_6_10": 1.0, "pop_{a}_11_17": 1 / 7}
# Les tranches de cinq ans, de même, quand seuls les IRIS les donnent : 3 et 4 ans = 2/3 des 3-5 ans…
_BANDES_IRIS = {
    "0_4": {"pop_{a}_0_2": 1.0, "pop_{a}_3_5": 2 / 3},
    "5_9": {"pop_{a}_3_5": 1 / 3, "pop_{a}_6_10": 4 / 5},
    "10_14": {"pop_{a}_6_10": 1 / 5, "pop_{a}_11_17": 4 / 7},
    "15_19": {"pop_{a}_11_17": 3 / 7, "pop_{a}_18_24": 2 / 7},
}
# Faute de tranches fines, 3 à 11 ans font neuf des quinze années de 0 à 14 ans.
_3_11_ENTIERS = {"pop_{a}_0_14": 9 / 15}
# Ce que publie l'Insee des durées de route : son lecteur et les mesures citent le même nom.
SOURCE_ACCES = "Insee, localisation et accès de la population aux équipements"
_GRILLE = "Insee, grille communale de densité à 7 niveaux"
_FRR = ("FRR socle", "FRR+", "FRR bénéficiaire")
_RURAL = ("densite_7", (5, 6, 7))

_TOUTES = (
    variable(
        "communes", "communes", "communes", {"unite": 1}, "Insee, code officiel géographique",
        annee_fixe=millesime("geographie.communes"),
    ),
    variable("population", "population municipale", "habitants", _POPULATION, _LEGALES),
    variable(
        f"population_{_ANCIENNE}",
        f"population municipale {_ANCIENNE}",
        "habitants",
        {f"pmun_{_ANCIENNE}": 1},
        _LEGALES,
        annee_fixe=_ANCIENNE,
    ),
    variable(
        "naissances_3_ans", "naissances domiciliées, trois années", "naissances", _TROIS_ANS, _ETAT_CIVIL
    ),
    variable("naissances", "naissances domiciliées", "naissances", {"naissances_{a}": 1}, _ETAT_CIVIL),
    variable(
        "enfants_moins_3_ans",
        "enfants de moins de 3 ans (naissances de trois ans)",
        "enfants",
        _TROIS_ANS,
        _ETAT_CIVIL,
        statut="estime",
    ),
    variable(
        "enfants_moins_3_ans_recenses",
        "enfants de moins de 3 ans (âges du recensement)",
        "enfants",
        {"pop_{a}_0_2": 1},
        _RP,
        millesime="1er janvier {annee}",
        autre_source="enfants_moins_3_ans",
    ),
    *(
        variable(
            f"population_{b}_ans",
            f"habitants de {b.replace('_', ' à ')} ans",
            "habitants",
            {"pop_{a}_" + b: 1},
            _RP,
            secours=_BANDES_IRIS[b],
            statut_secours="estime",
        )
        for b in _BANDES
    ),
    variable(
        "population_0_19_ans",
        "habitants de moins de 20 ans",
        "habitants",
        {"pop_{a}_" + b: 1 for b in _BANDES},
        _RP,
        secours={"pop_{a}_0_19": 1},
        statut_secours="estime",
    ),
    variable(
        "population_0_14_ans",
        "habitants de moins de 15 ans",
        "habitants",
        {"pop_{a}_" + b: 1 for b in _BANDES[:3]},
        _RP,
        secours={"pop_{a}_0_14": 1},
        statut_secours="estime",
    ),
    variable(
        "enfants_3_11_ans",
        "enfants de 3 à 11 ans",
        "enfants",
        _3_11,
        _RP,
        statut="estime",
        secours=(_3_11_IRIS, _3_11_ENTIERS),
    ),
    variable(
        "enfants_3_11_ans_equipes",
        "enfants de 3 à 11 ans d'une commune avec ALSH",
        "enfants",
        _3_11,
        f"{_RP} ; {_BPE}",
        statut="estime",
        condition=("alsh_equipes", ">0"),
        secours=(_3_11_IRIS, _3_11_ENTIERS),
    ),
    variable("eaje", "établissements d'accueil du jeune enfant", "établissements", {"bpe{a}_eaje": 1}, _BPE),
    variable("micro_creches", "micro-crèches", "établissements", {"bpe{a}_micro_creche": 1}, _BPE),
    variable(
        "lieux_eaje",
        "établissements d'accueil du jeune enfant, micro-crèches comprises",
        "établissements",
        {"bpe{a}_eaje": 1, "bpe{a}_micro_creche": 1},
        _BPE,
    ),
    variable(
        "places_eaje",
        "places d'accueil collectif",
        "places",
        {"places_eaje": 1},
        f"registre local, {_BPE}, ou Cnaf au-dessus de 10 000 habitants",
        millesime="le plus récent de chaque commune",
        annee_fixe=millesime("bpe.embarquee"),
        au_moins="places_eaje_au_moins",
    ),
    variable("alsh", "implantations d'accueil de loisirs (ALSH)", "implantations", {"bpe{a}_alsh": 1}, _BPE),
    variable(
        "foyers_allocataires",
        "foyers allocataires",
        "foyers",
        {"foyers_allocataires_{a}": 1},
        _CNAF,
        millesime="décembre {annee}",
        statut="arrondi",
    ),
    variable(
        "personnes_couvertes",
        "personnes couvertes",
        "personnes",
        {"personnes_couvertes_{a}": 1},
        _CNAF,
        millesime="décembre {annee}",
        statut="arrondi",
    ),
    variable(
        "population_rurale",
        "habitants d'une commune rurale (densité 5 à 7)",
        "habitants",
        _POPULATION,
        _GRILLE,
        condition=_RURAL,
    ),
    variable(
        "communes_frr",
        "communes classées France ruralités revitalisation",
        "communes",
        {"unite": 1},
        "DGCL, classement FRR",
        condition=("frr_{a}", _FRR),
    ),
    variable(
        "communes_zrr",
        "communes classées en zone de revitalisation rurale",
        "communes",
        {"unite": 1},
        "ANCT, classement ZRR",
        condition=("zrr_{a}", ("C",)),
    ),
    variable(
        "centres_sociaux",
        "centres sociaux",
        "structures",
        {"centres_sociaux": 1},
        _LISTE,
        millesime="voir la liste",
        annee_fixe=_LISTE_DE,
    ),
    variable(
        "evs",
        "espaces de vie sociale",
        "structures",
        {"evs": 1},
        _LISTE,
        millesime="voir la liste",
        annee_fixe=_LISTE_DE,
    ),
    variable(
        "structures_avs",
        "centres sociaux et espaces de vie sociale",
        "structures",
        {"centres_sociaux": 1, "evs": 1},
        _LISTE,
        millesime="voir la liste",
        annee_fixe=_LISTE_DE,
    ),
    variable(
        "evs_ruraux",
        "espaces de vie sociale en commune rurale",
        "structures",
        {"evs": 1},
        f"{_LISTE} ; {_GRILLE}",
        millesime="voir la liste",
        condition=_RURAL,
        annee_fixe=_LISTE_DE,
    ),
    variable(
        "france_services",
        "espaces France services",
        "espaces",
        {"france_services_{a}": 1},
        "ANCT, France services",
    ),
)

# --- Les autres : âges et prestations par commune, places de la Cnaf, activité déclarée par le territoire ---

# Celles que rien de communal ne nourrit n'ont pas de « poids » : leurs valeurs sont publiées ou déclarées à une maille
# (commune, EPCI, département…) et lues par cafdiag.donnees.valeurs_publiees.

# Grandeurs faites d'autres grandeurs, déclarées aux mêmes mailles et à la même année : toutes, ou rien.
COMPOSEES: dict[str, tuple[str, tuple[str, ...]]] = {
    "heures_alsh": (
        "heures d'accueil de loisirs",
        ("heures_alsh_periscolaire", "heures_alsh_mercredi", "heures_alsh_extrascolaire"),
    ),
    **{
        f"places_alsh_{t}_3_11": (
            f"places d'accueil de loisirs de 3 à 11 ans, {t.replace('_', ' ')}",
            (f"places_alsh_{t}_moins_6", f"places_alsh_{t}_6_11"),
        )
        for t in ("soir", "mercredi", "petites_vacances", "juillet", "aout")
    },
    "places_alsh_mercredi_3_17": (
        "places d'accueil de loisirs de 3 à 17 ans, mercredi",
        ("places_alsh_mercredi_moins_6", "places_alsh_mercredi_6_11", "places_alsh_mercredi_12_17"),
    ),
    "enfants_couverts": (
        "enfants couverts",
        tuple(f"enfants_couverts_{t}" for t in ("0_2", "3_5", "6_11", "12_15", "16_17", "18_24")),
    ),
}
# Places de la table « places » de la Cnaf, mode par mode.
PLACES = {
    "places_accueil": ("places d'accueil du jeune enfant", "places_total"),
    "places_eaje_cnaf": ("places de crèche, PSU et hors PSU", "places_eaje"),
    "places_eaje_psu": ("places de crèche PSU", "places_eaje_psu"),
    "places_eaje_hors_psu": ("places de crèche hors PSU", "places_eaje_hors_psu"),
    "places_am": ("places chez les assistants maternels", "places_am"),
    "places_prescol": ("enfants préscolarisés à 2 ans", "places_prescol"),
    "places_gad": ("enfants gardés à domicile", "places_gad"),
}
# (nom, libellé, tranches de cinq ans réparties uniformément, tranches exactes de la population par IRIS)
_AGES = (
    ("enfants_0_2_ans", "enfants de 0 à 2 ans", {"0_4": 0.6}, {"0_2": 1}),
    ("enfants_3_5_ans", "enfants de 3 à 5 ans", {"0_4": 0.4, "5_9": 0.2}, {"3_5": 1}),
    ("enfants_moins_6_ans", "enfants de moins de 6 ans", {"0_4": 1, "5_9": 0.2}, {"0_2": 1, "3_5": 1}),
    ("enfants_6_11_ans", "enfants de 6 à 11 ans", {"5_9": 0.8, "10_14": 0.4}, {"6_10": 1, "11_17": 1 / 7}),
    (
        "enfants_3_17_ans",
        "enfants de 3 à 17 ans",
        {"0_4": 0.4, "5_9": 1, "10_14": 1, "15_19": 0.6},
        {"3_5": 1, "6_10": 1, "11_17": 1},
    ),
    (
        "enfants_0_17_ans",
        "enfants de 0 à 17 ans",
        {"0_4": 1, "5_9": 1, "10_14": 1, "15_19": 0.6},
        {"0_2": 1, "3_5": 1, "6_10": 1, "11_17": 1},
    ),
    ("jeunes_11_17_ans", "jeunes de 11 à 17 ans", {"10_14": 0.8, "15_19": 0.6}, {"11_17": 1}),
    ("jeunes_12_17_ans", "jeunes de 12 à 17 ans", {"10_14": 0.6, "15_19": 0.6}, {"11_17": 6 / 7}),
)
_FAMILLES = {
    "famille": "vivant avec un parent au moins",
    "emploi": "dont tous les parents présents ont un emploi",
    "mono": "de familles monoparentales",
}
_PRESTATIONS = {
    "rsa": "au RSA",
    "prime_activite": "à la prime d'activité",
    "aide_logement": "avec une aide au logement",
    "aah": "à l'AAH",
    "asf": "à l'ASF",
    "cmg": "au CMG",
}


def _poids(tranches: Mapping[str, float]) -> dict[str, float]:
    return {"pop_{a}_" + tranche: poids for tranche, poids in tranches.items()}


def _communales() -> list[Variable]:
    ages = [
        variable(nom, libelle, "habitants", _poids(exactes), _RP, statut="estime", secours=_poids(larges))
        for nom, libelle, larges, exactes in _AGES
    ]
    familles = [
        variable(
            f"enfants_moins_6_{nom}",
            f"enfants de moins de 6 ans {quoi}",
            "enfants",
            {"enfants_{a}_" + f"{age}_{nom}": 1 for age in ("0_1", "2_5")},
            f"{_RP} (exploitation complémentaire)",
            statut="estime",
        )
        for nom, quoi in _FAMILLES.items()
    ]
    prestations = [
        variable(
            f"foyers_{mot}",
            f"foyers {quoi}",
            "foyers",
            {f"foyers_{mot}_" + "{a}": 1},
            _CNAF,
            millesime="décembre {annee}",
            statut="arrondi",
        )
        for mot, quoi in _PRESTATIONS.items()
    ]
    densites = [
        variable(nom, libelle, "habitants", {"population_{a}": 1}, _GRILLE, condition=("densite_7", niveaux))
        for nom, libelle, niveaux in (
            ("population_dense", "habitants d'une commune dense (densité 1)", (1,)),
            ("population_intermediaire", "habitants d'une commune intermédiaire (densité 2 à 4)", (2, 3, 4)),
        )
    ]
    return [
        *ages,
        *familles,
        *prestations,
        *densites,
        variable(
            "jeunes_15_24",
            "jeunes de 15 à 24 ans",
            "jeunes",
            {"pop_{a}_15_24": 1},
            _RP,
            statut="estime",
        ),
        variable("laep", "lieux d'accueil enfants-parents", "lieux", {"bpe{a}_laep": 1}, _BPE),
        variable(
            "enfants_moins_3_ans_rpe",
            "enfants de moins de 3 ans d'une commune couverte par un RPE",
            "enfants",
            _TROIS_ANS,
            f"{_BPE} ; Insee, état civil",
            statut="estime",
            condition=("rpe_couvert", (True,)),
        ),
    ]


def _publiees() -> list[Variable]:
    """Sans colonne communale : une valeur par maille publiée ou déclarée."""
    places = [
        variable(nom, libelle, "places", {}, "Cnaf, nombre de places", millesime="décembre {annee}")
        for nom, (libelle, _) in PLACES.items()
    ]
    locales = [variable(g.grandeur, g.libelle, g.unite, {}, g.producteur) for g in grandeurs().itertuples()]
    composees = [
        variable(
            nom, libelle, grandeurs().at[parties[0], "unite"], {}, grandeurs().at[parties[0], "producteur"]
        )
        for nom, (libelle, parties) in COMPOSEES.items()
    ]
    return [
        *places,
        variable(
            "enfants_moins_3_ans_cnaf",
            "enfants de moins de 3 ans que supposent les places et les taux de la Cnaf",
            "enfants",
            {},
            "Cnaf, taux de couverture et nombre de places",
            millesime="décembre {annee}",
            statut="estime",
        ),
        variable(
            "taux_pauvrete", "taux de pauvreté", "%", {}, "Insee, Filosofi", millesime="revenus {annee}"
        ),
        variable(
            "niveau_vie_median",
            "niveau de vie médian",
            "euros par an",
            {},
            "Insee, Filosofi",
            millesime="revenus {annee}",
        ),
        *locales,
        *composees,
    ]


def _toutes() -> tuple[Variable, ...]:
    communales = {v.nom: v for v in _communales()}
    # Une grandeur publiée par commune peut aussi être déclarée (foyers à l'AAH) : sa définition communale suffit.
    return (*communales.values(), *(v for v in _publiees() if v.nom not in communales))


LOCALES = _toutes()

VARIABLES: MappingProxyType = MappingProxyType({v.nom: v for v in (*_TOUTES, *LOCALES)})


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
    connues = variable.annees(tuple(table.columns))
    if not connues:
        raise DemandeFausse(f"aucune colonne communale ne donne « {variable.libelle} »")
    if annee is None:
        annee = max(connues)
    if annee not in connues:
        raise DemandeFausse(
            f"pas de « {variable.libelle} » pour {annee}",
            attendu="une année parmi " + ", ".join(map(str, sorted(connues))),
        )
    valeur = np.zeros(len(table))
    for colonne, poids in connues[annee].items():
        valeur = valeur + table[colonne].to_numpy(dtype="float64", na_value=np.nan) * poids
    demi = DEMI_PAS_ARRONDI if variable.statut == "arrondi" else 0
    bas, haut = np.maximum(valeur - demi, 0.0), valeur + demi
    if variable.condition is not None:
        verifie = _verifie(table, variable.condition, annee)
        connu, oui = verifie.notna().to_numpy(), verifie.to_numpy(dtype=bool, na_value=False)
        valeur = np.where(connu, np.where(oui, valeur, 0.0), np.nan)
        bas = np.where(oui, bas, 0.0)
        haut = np.where(connu & ~oui, 0.0, haut)
    absent = np.isnan(valeur)
    if variable.au_moins in table:
        bas = np.where(absent, table[variable.au_moins].to_numpy(dtype="float64"), bas)
        absent = np.isnan(bas)
    # Un plafond connu (condition inconnue, population connue) reste un encadrement utile.
    return pd.DataFrame(
        {"valeur": valeur, "bas": np.where(absent, 0.0, bas), "haut": np.where(np.isnan(haut), np.inf, haut)},
        index=table.index,
    )


def _verifie(table: pd.DataFrame, condition: tuple, annee: int) -> pd.Series:
    """Vrai, faux, ou manquant quand la colonne n'est pas renseignée."""
    gabarit, attendu = condition
    valeurs = plus_recent(table, gabarit) if "{*}" in gabarit else table[nom_de_colonne(gabarit, annee)]
    if attendu == ">0":
        return valeurs.gt(0).astype("boolean").mask(valeurs.isna())
    # Quelques modalités pour des milliers de communes : chacune n'est jugée qu'une fois.
    rangs, modalites = pd.factorize(valeurs)
    reponses = np.array([_juger(m, attendu) for m in modalites] + [pd.NA], dtype=object)
    return pd.Series(pd.array(reponses[rangs], dtype="boolean"), index=valeurs.index)


def _juger(modalite, attendu: Collection) -> bool | None:
    """Vrai, faux, ou None pour un zonage coupé par une fusion (« C / NC », « FRR bénéficiaire partiellement »)."""
    if isinstance(modalite, str) and re.search(r"partiellement|/", modalite):
        return None
    return modalite in attendu


def classe_de(variable: str) -> str:
    """Classe de secret d'une variable.

    Returns
    -------
    str
        ``publique_arrondie``, ``publique_exacte`` ou ``confidentielle_partenaire``
        (:mod:`cafdiag.donnees.grandeurs`). Une grandeur composée a la classe la plus stricte de ses parties.

    Raises
    ------
    DemandeFausse
        Variable inconnue.

    Examples
    --------
    >>> classe_de("population"), classe_de("foyers_allocataires"), classe_de("enfants_aeeh")
    ('publique_exacte', 'publique_arrondie', 'confidentielle_partenaire')
    """
    if variable not in VARIABLES:
        raise DemandeFausse(f"variable inconnue : « {variable} »", attendu=", ".join(sorted(VARIABLES)))
    declarees = grandeurs()["classe"]
    parties = COMPOSEES.get(variable, ("", (variable,)))[1]
    classes = {declarees[p] for p in parties if p in declarees}
    if classes:
        return max(classes, key=("publique_exacte", "publique_arrondie", "confidentielle_partenaire").index)
    return "publique_arrondie" if VARIABLES[variable].statut == "arrondi" else "publique_exacte"
