"""Les autres grandeurs : âges et prestations par commune, places de la Cnaf, activité déclarée par le territoire.

Celles que rien de communal ne nourrit n'ont pas de ``poids`` : leurs valeurs sont publiées ou déclarées à une
maille (commune, EPCI, département…) et lues par :mod:`cafdiag.donnees.publications`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cafdiag.donnees.grandeurs import grandeurs
from cafdiag.donnees.variable import Variable, variable

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
_RP = "Insee, recensement de la population"
_CNAF = "Cnaf, toutes prestations (communal)"
_BPE = "Insee, base permanente des équipements"
_GRILLE = "Insee, grille communale de densité à 7 niveaux"
_TROIS_ANS = {"naissances_{a}": 1, "naissances_{a-1}": 1, "naissances_{a-2}": 1}
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
