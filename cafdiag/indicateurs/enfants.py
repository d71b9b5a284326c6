"""Combien d'enfants de moins de 3 ans : la meilleure estimation qu'un territoire permet, et son intervalle.

Le dénominateur des taux de la Cnaf n'est pas publié. Dans l'ordre : reconstitué de ses places et de ses taux la même
année ; reconstitué une année proche et porté par les naissances ; combiné des naissances et du recensement ; les
naissances seules. Les naissances ne suffisent pas là où l'on accouche à l'étranger, ni là où les familles arrivent
ou partent : chaque méthode a été réglée et éprouvée sur les communes dont le compte se reconstitue
(:mod:`cafdiag.donnees.calibrage`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from cafdiag.donnees.calibrage import calibrage_enfants, dispersion, niveau
from cafdiag.indicateurs.agregation import exacte
from cafdiag.indicateurs.contexte import Contexte, compter

NAISSANCES, RECONSTITUES = "enfants_moins_3_ans", "enfants_moins_3_ans_cnaf"
# Méthode → variable du recensement, part de cette population qui a moins de 3 ans, comment la nommer.
RECENSEMENTS = {
    "recensement": ("enfants_0_2_ans", 1.0, "par le recensement de {an}"),
    "recensement_0_14": (
        "population_0_14_ans",
        3 / 15,
        "par les moins de 15 ans du recensement de {an} (un cinquième)",
    ),
}
# Un recensement plus ancien ne dit plus qui est là ; un dénombrement se porte au plus trois ans.
RECUL_RECENSEMENT = 5
RECUL_RECONSTITUE = 3
# Part des naissances d'un territoire dont les communes doivent avoir leur population par âge.
PART_COUVERTE = 0.8
# Enfants présents pour une naissance domiciliée au-delà desquels on alerte (logarithme) : 28 % de plus.
ECART_ALERTE = 0.25
# Départements qui touchent un pays étranger par la terre.
FRONTALIERS = frozenset(
    ("01", "02", "04", "05", "06", "08", "09", "25", "31", "39", "54", "55", "57", "59", "64", "65", "66", "67", "68",
     "73", "74", "90", "973")
)  # fmt: skip
METHODES = {
    "reconstitue": "reconstitués par les places et les taux publiés",
    "prolonge": "reconstitués par les places et les taux publiés de {an}, puis portés par les naissances",
    "recensement": "combinaison calibrée des naissances et du recensement",
    "recensement_0_14": "combinaison calibrée des naissances et du recensement",
    "naissances": "naissances seules, encadrées par l'écart constaté ailleurs",
}
_COLONNES = ["valeur", "bas", "haut", "methode", "naissances", "recensement", "dits", "ecart"]


def estimer(naissances: pd.Series, presence: Callable, annees: Callable, annee: int) -> pd.DataFrame:
    """Les naissances et le recensement combinés, avec un intervalle calibré à 90 %.

    Parameters
    ----------
    naissances : Series
        Naissances de trois ans par territoire.
    presence : callable
        ``presence(variable, an)`` : recensés au 1er janvier pour une naissance des trois années d'avant, et recensés.
    annees : callable
        ``annees(variable)`` : années que les données couvrent.
    annee : int
        Décembre de cette année.

    Returns
    -------
    DataFrame
        ``valeur, bas, haut, methode, naissances, recensement, dits, ecart`` ; ``dits`` nomme le recensement,
        ``ecart`` est le logarithme du rapport enfants recensés / naissances de la même date.
    """
    table = pd.DataFrame(np.nan, index=naissances.index, columns=_COLONNES)
    table = table.astype({"methode": object, "dits": object}).assign(methode="", dits="", naissances=naissances)
    connues = naissances.gt(0)
    _poser(table, connues, "naissances", pd.Series(0.0, index=naissances.index))
    for methode, (variable, part, dits) in RECENSEMENTS.items():
        for an in sorted(annees(variable), key=lambda a: (abs(a - 1 - annee), -a)):
            # Le recensement du 1er janvier se compare aux naissances des trois années qui le précèdent.
            if abs(an - 1 - annee) > RECUL_RECENSEMENT or an - 1 not in annees(NAISSANCES):
                continue
            ici = connues & table["methode"].eq("naissances")
            if not ici.any() and table["recensement"].notna().all():
                return table
            rapport, recenses = presence(variable, an)
            table["recensement"] = table["recensement"].fillna(part * recenses)
            ici &= rapport.gt(0)
            if not ici.any():
                continue
            ecart = np.log(part * rapport.where(ici))
            _poser(table, ici, methode, ecart)
            table.loc[ici, "recensement"], table.loc[ici, "ecart"] = part * recenses[ici], ecart[ici]
            table.loc[ici, "dits"] = dits.format(an=an)
    return table


def _poser(table: pd.DataFrame, ici: pd.Series, methode: str, presence: pd.Series) -> None:
    p = calibrage_enfants().loc[methode]
    naissances = table["naissances"]
    centre, large = niveau(presence, p), dispersion(naissances, p)
    for colonne, quantile, arrondi in (
        ("valeur", 0.0, np.round),
        ("bas", p["quantile_bas"], np.floor),
        ("haut", p["quantile_haut"], np.ceil),
    ):
        table.loc[ici, colonne] = arrondi(naissances * np.exp(centre + quantile * large))[ici]
    table.loc[ici, "methode"] = methode


def enfants_estimes(contexte: Contexte, annee: int) -> pd.DataFrame:
    """:func:`estimer` sur un contexte, et mieux là où la Cnaf laisse reconstituer le compte, cette année ou avant.

    Returns
    -------
    DataFrame
        ``valeur, bas, haut, methode, naissances, recensement, dits, statut, motif, alerte`` ; index des territoires.
    """
    return contexte.retenir(("enfants estimes", annee), lambda: _dire(fourchettes(contexte, annee), contexte, annee))


def fourchettes(contexte: Contexte, annee: int) -> pd.DataFrame:
    """Les nombres de :func:`enfants_estimes`, sans ses phrases : ``valeur, bas, haut, methode, …``."""
    if annee in contexte.annees(NAISSANCES):
        naissances = contexte.somme(NAISSANCES, annee=annee)["valeur"]
    else:
        naissances = pd.Series(np.nan, index=contexte.codes)
    table = estimer(naissances, lambda v, an: _presence(contexte, v, an), contexte.annees, annee)
    table["an"] = annee
    publies = reconstitues(contexte, annee)
    ici = publies["valeur"].notna()
    for an in range(annee - RECUL_RECONSTITUE, annee):
        if not ici.all():
            _porter(table, contexte, an, annee)
    table.loc[ici, ["valeur", "bas", "haut"]] = publies.loc[ici, ["valeur", "bas", "haut"]]
    table.loc[ici, "methode"] = "reconstitue"
    # Un compte reconstitué dit mieux que le recensement combien d'enfants sont là pour une naissance.
    mieux = table["methode"].isin(["reconstitue", "prolonge"]) & table["naissances"].gt(0)
    table.loc[mieux, "ecart"] = np.log(table.loc[mieux, "valeur"] / table.loc[mieux, "naissances"])
    return table


def _dire(table: pd.DataFrame, contexte: Contexte, annee: int) -> pd.DataFrame:
    table["statut"] = np.select(
        [table["methode"].eq("reconstitue"), table["valeur"].notna()], ["arrondi", "estime"], default="non_disponible"
    ).astype(object)
    table["alerte"] = _alertes(table, contexte)
    table["motif"] = _motifs(table, contexte, annee)
    return table


def _presence(contexte: Contexte, variable: str, an: int) -> tuple[pd.Series, pd.Series]:
    """Recensés pour une naissance, sur les communes où l'on connaît les deux ; recensés, portés au territoire entier.

    Une commune née d'une fusion récente n'a pas ses âges : elle ne fait pas taire tout un EPCI.
    """
    recenses, nes = (
        contexte.par_commune(v, annee=a)["valeur"] for v, a in ((variable, an), (NAISSANCES, an - 1))
    )
    deux = recenses.notna() & nes.notna()
    sommes = [contexte.sommer(exacte(v.where(deux)))["connu"] for v in (recenses, nes)]
    toutes = contexte.somme(NAISSANCES, annee=an - 1)["valeur"]
    assez = sommes[1].ge(PART_COUVERTE * toutes) & sommes[1].gt(0)
    rapport = (sommes[0] / sommes[1].where(assez)).where(assez)
    # Aucune naissance dans l'une et l'autre : le nombre de recensés se dit quand même, s'il est connu.
    entiers = contexte.somme(variable, annee=an)["valeur"]
    return rapport, entiers.fillna(rapport * toutes)


def reconstitues(contexte: Contexte, annee: int) -> pd.DataFrame:
    """Enfants reconstitués à la maille même de chaque territoire."""
    return contexte.retenir(("enfants reconstitues", annee), lambda: _reconstitues(contexte, annee))


def _reconstitues(contexte: Contexte, annee: int) -> pd.DataFrame:
    if annee not in contexte.annees_publiees(RECONSTITUES):
        return pd.DataFrame(np.nan, index=contexte.codes, columns=["valeur", "bas", "haut"])
    def ranger() -> pd.DataFrame:
        publies = contexte.publications_de(RECONSTITUES, annee)
        return publies[["valeur", "bas", "haut"]].set_axis(publies["maille"] + " " + publies["code"])

    officiels = contexte.officiels
    # Le département de Paris est la commune de Paris.
    cles = (officiels["maille"] + " " + officiels["code"]).replace("departement 75", "commune 75056")
    return contexte.partager(("reconstitues", annee), ranger).reindex(cles).set_axis(contexte.codes)


def _porter(table: pd.DataFrame, contexte: Contexte, an: int, annee: int) -> None:
    if not {an, annee} <= set(contexte.annees(NAISSANCES)):
        return
    publies = reconstitues(contexte, an)
    nes, avant = table["naissances"], contexte.somme(NAISSANCES, annee=an)["valeur"]
    ici = publies["valeur"].notna() & nes.gt(0) & avant.gt(0)
    if not ici.any():
        return
    p = calibrage_enfants().loc[f"prolonge_{annee - an}"]
    porte, large = nes / avant * np.exp(p["constante"]), dispersion(nes, p)
    table.loc[ici, "valeur"] = np.round(publies["valeur"] * porte)[ici]
    table.loc[ici, "bas"] = np.floor(publies["bas"] * porte * np.exp(p["quantile_bas"] * large))[ici]
    table.loc[ici, "haut"] = np.ceil(publies["haut"] * porte * np.exp(p["quantile_haut"] * large))[ici]
    table.loc[ici, ["methode", "an"]] = ["prolonge", an]


def _alertes(table: pd.DataFrame, contexte: Contexte) -> list[str]:
    """Là où les naissances domiciliées sont loin des enfants présents, ou pourraient l'être sans qu'on le voie."""
    frontiere = _touche_la_frontiere(contexte)
    reglages = calibrage_enfants()
    # Dans une petite commune, un tel écart n'est souvent que hasard : il doit passer deux écarts-types.
    seuils = np.maximum(ECART_ALERTE, 2 * dispersion(table["naissances"], reglages.loc["recensement"]))
    # Les moins de 15 ans sont de générations plus nombreuses que les naissances d'aujourd'hui : un seuil plus haut.
    ages = table["methode"].eq("recensement_0_14")
    seuils = np.where(ages, np.maximum(seuils, reglages.at["recensement_0_14", "seuil"]), seuils)
    return [
        _alerte(ecart, ecart >= seuil, aveugle, limitrophe)
        for ecart, seuil, aveugle, limitrophe in zip(
            table["ecart"],
            seuils,
            table["methode"].eq("naissances") & table["recensement"].isna(),
            frontiere,
            strict=True,
        )
    ]


def _alerte(ecart: float, net: bool, aveugle: bool, limitrophe: bool) -> str:
    if net:
        pourquoi = (
            "département frontalier : des naissances à l'étranger, ou des familles installées ensuite"
            if limitrophe
            else "des familles installées après la naissance, sans doute"
        )
        plus = f"{100 * np.expm1(ecart):.0f}\u202f%"
        return (
            f"attention, les naissances domiciliées trompent ici : {plus} d'enfants de plus que de naissances "
            f"({pourquoi})"
        )
    if aveugle and limitrophe:
        return (
            "attention, département frontalier sans recensement par âge : les naissances à l'étranger ne se voient pas"
        )
    return ""


def _touche_la_frontiere(contexte: Contexte) -> pd.Series:
    """Vrai pour une commune, un EPCI ou un périmètre qui compte une commune d'un département frontalier."""
    departements = contexte.communes["departement"].isin(FRONTALIERS)
    siennes = contexte.appartenance["commune"].map(departements).fillna(value=False).astype(bool)
    touche = siennes.groupby(contexte.appartenance["code"].to_numpy()).any()
    petites = ~contexte.territoires["maille"].isin(["departement", "region", "france"])
    return touche.reindex(contexte.codes, fill_value=False) & petites


def _motifs(table: pd.DataFrame, contexte: Contexte, annee: int) -> pd.Series:
    if annee in contexte.annees(NAISSANCES):
        motifs = contexte.manquantes(NAISSANCES, annee=annee).copy()
    else:
        motifs = pd.Series(
            f"pas de naissances de {annee - 2} à {annee} dans les données", index=table.index, dtype=object
        )
    connus = table["valeur"].notna()
    motifs[table["naissances"].eq(0)] = f"aucune naissance domiciliée de {annee - 2} à {annee}"
    motifs[connus] = [dire(ligne) for ligne in table[connus].to_dict("records")]
    return motifs


def dire(ligne: Mapping) -> str:
    """Une estimation en une phrase : l'intervalle, la méthode, les deux estimations côte à côte, l'alerte."""
    dite = METHODES[ligne["methode"]].format(an=ligne.get("an"))
    phrase = f"enfants de moins de 3 ans : {compter(round(ligne['bas']))} à {compter(round(ligne['haut']))}, {dite}"
    cote_a_cote = [
        f"{compter(round(ligne[c]))} {d}"
        for c, d in (("naissances", "par les naissances"), ("recensement", ligne["dits"]))
        if pd.notna(ligne[c])
    ]
    if cote_a_cote and ligne["methode"] != "naissances":
        phrase += f" ({', '.join(cote_a_cote)})"
    return phrase + (f" ; {ligne['alerte']}" if ligne["alerte"] else "")
