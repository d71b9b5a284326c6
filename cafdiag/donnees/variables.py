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
from collections.abc import Collection
from types import MappingProxyType

import numpy as np
import pandas as pd

from cafdiag.donnees.grandeurs import grandeurs
from cafdiag.donnees.variable import DEMI_PAS_ARRONDI, nom_de_colonne
from cafdiag.donnees.variable import Variable as Variable
from cafdiag.donnees.variable import variable as _variable
from cafdiag.donnees.variables_locales import COMPOSEES, LOCALES
from cafdiag.erreurs import DemandeFausse
from cafdiag.millesimes import millesime


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
    _variable(
        "communes", "communes", "communes", {"unite": 1}, "Insee, code officiel géographique",
        annee_fixe=millesime("geographie.communes"),
    ),
    _variable("population", "population municipale", "habitants", _POPULATION, _LEGALES),
    _variable(
        f"population_{_ANCIENNE}",
        f"population municipale {_ANCIENNE}",
        "habitants",
        {f"pmun_{_ANCIENNE}": 1},
        _LEGALES,
        annee_fixe=_ANCIENNE,
    ),
    _variable(
        "naissances_3_ans", "naissances domiciliées, trois années", "naissances", _TROIS_ANS, _ETAT_CIVIL
    ),
    _variable("naissances", "naissances domiciliées", "naissances", {"naissances_{a}": 1}, _ETAT_CIVIL),
    _variable(
        "enfants_moins_3_ans",
        "enfants de moins de 3 ans (naissances de trois ans)",
        "enfants",
        _TROIS_ANS,
        _ETAT_CIVIL,
        statut="estime",
    ),
    *(
        _variable(
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
    _variable(
        "population_0_19_ans",
        "habitants de moins de 20 ans",
        "habitants",
        {"pop_{a}_" + b: 1 for b in _BANDES},
        _RP,
        secours={"pop_{a}_0_19": 1},
        statut_secours="estime",
    ),
    _variable(
        "population_0_14_ans",
        "habitants de moins de 15 ans",
        "habitants",
        {"pop_{a}_" + b: 1 for b in _BANDES[:3]},
        _RP,
        secours={"pop_{a}_0_14": 1},
        statut_secours="estime",
    ),
    _variable(
        "enfants_3_11_ans",
        "enfants de 3 à 11 ans",
        "enfants",
        _3_11,
        _RP,
        statut="estime",
        secours=(_3_11_IRIS, _3_11_ENTIERS),
    ),
    _variable(
        "enfants_3_11_ans_equipes",
        "enfants de 3 à 11 ans d'une commune avec ALSH",
        "enfants",
        _3_11,
        f"{_RP} ; {_BPE}",
        statut="estime",
        condition=("bpe{*}_alsh", ">0"),
        secours=(_3_11_IRIS, _3_11_ENTIERS),
    ),
    _variable("eaje", "établissements d'accueil du jeune enfant", "établissements", {"bpe{a}_eaje": 1}, _BPE),
    _variable("micro_creches", "micro-crèches", "établissements", {"bpe{a}_micro_creche": 1}, _BPE),
    _variable(
        "lieux_eaje",
        "établissements d'accueil du jeune enfant, micro-crèches comprises",
        "établissements",
        {"bpe{a}_eaje": 1, "bpe{a}_micro_creche": 1},
        _BPE,
    ),
    _variable(
        "places_eaje",
        "places d'accueil collectif",
        "places",
        {"places_eaje": 1},
        f"registre local, {_BPE}, ou Cnaf au-dessus de 10 000 habitants",
        millesime="le plus récent de chaque commune",
        annee_fixe=millesime("bpe.embarquee"),
        au_moins="places_eaje_au_moins",
    ),
    _variable("alsh", "implantations d'accueil de loisirs (ALSH)", "implantations", {"bpe{a}_alsh": 1}, _BPE),
    _variable(
        "foyers_allocataires",
        "foyers allocataires",
        "foyers",
        {"foyers_allocataires_{a}": 1},
        _CNAF,
        millesime="décembre {annee}",
        statut="arrondi",
    ),
    _variable(
        "personnes_couvertes",
        "personnes couvertes",
        "personnes",
        {"personnes_couvertes_{a}": 1},
        _CNAF,
        millesime="décembre {annee}",
        statut="arrondi",
    ),
    _variable(
        "population_rurale",
        "habitants d'une commune rurale (densité 5 à 7)",
        "habitants",
        _POPULATION,
        _GRILLE,
        condition=_RURAL,
    ),
    _variable(
        "communes_frr",
        "communes classées France ruralités revitalisation",
        "communes",
        {"unite": 1},
        "DGCL, classement FRR",
        condition=("frr_{a}", _FRR),
    ),
    _variable(
        "communes_zrr",
        "communes classées en zone de revitalisation rurale",
        "communes",
        {"unite": 1},
        "ANCT, classement ZRR",
        condition=("zrr_{a}", ("C",)),
    ),
    _variable(
        "centres_sociaux",
        "centres sociaux",
        "structures",
        {"centres_sociaux": 1},
        _LISTE,
        millesime="voir la liste",
        annee_fixe=_LISTE_DE,
    ),
    _variable(
        "evs",
        "espaces de vie sociale",
        "structures",
        {"evs": 1},
        _LISTE,
        millesime="voir la liste",
        annee_fixe=_LISTE_DE,
    ),
    _variable(
        "structures_avs",
        "centres sociaux et espaces de vie sociale",
        "structures",
        {"centres_sociaux": 1, "evs": 1},
        _LISTE,
        millesime="voir la liste",
        annee_fixe=_LISTE_DE,
    ),
    _variable(
        "evs_ruraux",
        "espaces de vie sociale en commune rurale",
        "structures",
        {"evs": 1},
        f"{_LISTE} ; {_GRILLE}",
        millesime="voir la liste",
        condition=_RURAL,
        annee_fixe=_LISTE_DE,
    ),
    _variable(
        "france_services",
        "espaces France services",
        "espaces",
        {"france_services_{a}": 1},
        "ANCT, France services",
    ),
)
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
