"""L'évolution d'un indicateur : sa série, ses ruptures, et ce qui fait varier un taux de couverture.

La Cnaf publie deux séries de taux : l'ancienne (2017-2022) et la courante (depuis 2022), qui ne disent pas la
même chose de la même année. Une année vient de l'une ou de l'autre, jamais des deux, et le passage de l'une à
l'autre n'est pas une évolution.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports, tables
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.agregation import enfants_reconstitues
from cafdiag.indicateurs.dictionnaire import choisir, dictionnaire
from cafdiag.indicateurs.mesures import mesurer_serie
from cafdiag.indicateurs.options import Options
from cafdiag.territoires import Territoire, territoire

COLONNES_SERIE = [
    "annee",
    "valeur",
    "unite",
    "bas",
    "haut",
    "statut",
    "serie",
    "rupture",
    "motif",
    "source",
    "millesime",
]
CNAF = ("publie", "part_individuel", "mode_dominant", "ecart_ref", "tension", "besoin_cible")
_COUTURE = "série révisée par la Cnaf : cette année et la précédente ne se comparent pas"
# Années où une source a changé de définition : la différence avec l'année d'avant n'est pas une évolution.
RUPTURES = {
    "PE_NB_EAJE": {2025: "les micro-crèches sont comptées à part depuis 2025"},
    "ACC_EAJE_2SFCA_LIEUX": {2025: "les micro-crèches sont comptées à part depuis 2025"},
}
EFFETS = ("variation", "effet_places", "effet_naissances")
MODES = ("global", "eaje", "am", "prescol", "gad")


def serie(
    cible: Territoire | str,
    indicateur: str,
    *,
    apports: Apports | None = None,
    options: Options | None = None,
) -> pd.DataFrame:
    """Série d'un indicateur, ruptures signalées.

    Les données fournies n'ont qu'une année de taux de couverture (2023) : la série s'allonge quand on importe
    les fichiers de la Cnaf (``txcouv_pe_*`` et ``txcouv_pe_*_hist``).

    Parameters
    ----------
    cible : Territoire or str
        Territoire, code ou nom.
    indicateur : str
        Code du dictionnaire.
    apports, options
        Voir :func:`cafdiag.mesurer`.

    Returns
    -------
    DataFrame
        Une ligne par année, de la plus ancienne à la plus récente : ``annee``, ``valeur``, ``unite``, ``bas``,
        ``haut``, ``statut``, ``serie`` (``hist`` ou ``courante`` pour un taux de la Cnaf), ``rupture`` (vrai si
        l'année ne se compare pas à la précédente), ``motif`` (pourquoi), ``source``, ``millesime``.

    Raises
    ------
    TerritoireInconnu, TerritoireAmbigu, DemandeFausse
        Territoire ou indicateur inconnu, ambigu, mal écrit.

    Examples
    --------
    >>> serie("200048551", "PE_TXCOUV_GLOBAL")[["annee", "valeur", "serie", "rupture"]].to_dict("records")
    [{'annee': 2023, 'valeur': 79.9, 'serie': 'courante', 'rupture': False}]
    """
    (code,) = choisir([indicateur])
    table = mesurer_serie(cible, code, apports=apports, options=options)
    annees = [int(a) for a in table["annee"]]
    connues = series_des_taux() if _de_la_cnaf(code) else {}
    table["serie"] = [connues.get(a, "") for a in annees]
    suivante = pd.Series(range(len(table)), index=table.index).gt(0)
    raisons = pd.Series([RUPTURES.get(code, {}).get(a, "") for a in annees], index=table.index, dtype=object)
    raisons = raisons.mask(table["serie"].ne(table["serie"].shift()), _COUTURE).where(suivante, "")
    table["rupture"] = raisons.ne("")
    lien = pd.Series(" ; ", index=table.index).where(raisons.ne("") & table["motif"].ne(""), "")
    return table.assign(motif=raisons + lien + table["motif"])[COLONNES_SERIE]


def _de_la_cnaf(code: str) -> bool:
    return dictionnaire().at[code, "calcul"] in CNAF


def series_des_taux() -> dict[int, str]:
    """Série dont vient chaque année de taux de couverture : ``hist`` ou ``courante``.

    >>> series_des_taux()
    {2023: 'courante'}
    """
    connues = tables.taux_couverture()[["annee", "serie"]].dropna().drop_duplicates("annee")
    return {int(annee): nom for annee, nom in sorted(zip(connues["annee"], connues["serie"], strict=True))}


def effets(
    places: tuple[float, float],
    enfants: tuple[float | tuple[float, float], float | tuple[float, float]],
) -> pd.DataFrame:
    """Ce qui, dans la variation d'un taux, vient des places et ce qui vient du nombre d'enfants.

    Méthode symétrique, dite de Shapley, à deux facteurs : chaque effet est la moyenne de ce qu'il donne s'il
    agit le premier, et s'il agit le second. ``effet places = 100 × (P1 - P0) × (1/E0 + 1/E1) / 2`` ;
    ``effet naissances = 100 × (1/E1 - 1/E0) × (P0 + P1) / 2``. Leur somme est la variation, exactement.

    Parameters
    ----------
    places : (float, float)
        Places au début, à la fin.
    enfants : (float or (bas, haut), float or (bas, haut))
        Enfants de moins de 3 ans au début, à la fin ; un encadrement si le nombre n'est pas publié
        (:func:`cafdiag.indicateurs.agregation.enfants_reconstitues`). Sa valeur est alors son milieu.

    Returns
    -------
    DataFrame
        ``valeur``, ``bas``, ``haut``, en places pour 100 enfants, indexés par ``variation``, ``effet_places``,
        ``effet_naissances``. Un nombre d'enfants nul, négatif ou manquant rend tout manquant.

    Examples
    --------
    Autant de places, moins d'enfants : le taux monte sans qu'une place ait été créée.

    >>> effets((50, 50), (100, 80))["valeur"].round(6).to_dict()
    {'variation': 12.5, 'effet_places': 0.0, 'effet_naissances': 12.5}
    """
    p0, p1 = places
    (bas0, haut0), (bas1, haut1) = (e if isinstance(e, tuple) else (e, e) for e in enfants)
    if not (bas0 > 0 and bas1 > 0 and haut0 >= bas0 and haut1 >= bas1) or np.isnan([p0, p1]).any():
        return pd.DataFrame(np.nan, index=EFFETS, columns=["valeur", "bas", "haut"])

    def trois(e0: float, e1: float) -> list[float]:
        des_places = 50 * (p1 - p0) * (1 / e0 + 1 / e1)
        des_enfants = 50 * (p0 + p1) * (1 / e1 - 1 / e0)
        return [des_places + des_enfants, des_places, des_enfants]

    # Chaque effet est monotone en chaque nombre d'enfants : ses bornes sont aux coins.
    coins = [trois(e0, e1) for e0 in (bas0, haut0) for e1 in (bas1, haut1)]
    milieu = trois((bas0 + haut0) / 2, (bas1 + haut1) / 2)
    return pd.DataFrame(
        {"valeur": milieu, "bas": np.min(coins, axis=0), "haut": np.max(coins, axis=0)}, index=EFFETS
    )


def decomposer(cible: Territoire | str, debut: int, fin: int, *, mode: str = "global") -> pd.DataFrame:
    """Décompose la variation d'un taux de couverture de la Cnaf entre deux années, places et naissances.

    Le nombre d'enfants n'est pas publié : il est encadré à partir des places et des taux de chaque mode d'accueil,
    d'où l'encadrement de chaque effet.

    Parameters
    ----------
    cible : Territoire or str
        Territoire dont la Cnaf publie les places et les taux (commune de plus de 10 000 habitants, EPCI,
        département, région).
    debut, fin : int
        Années, dans l'ordre.
    mode : {"global", "eaje", "am", "prescol", "gad"}
        Taux décomposé : global, ou un mode d'accueil.

    Returns
    -------
    DataFrame
        ``valeur``, ``bas``, ``haut``, ``statut``, ``motif`` ; une ligne pour ``variation``, ``effet_places`` et
        ``effet_naissances``, en places pour 100 enfants. ``non_disponible`` si les places ou les taux d'une des
        années manquent, ou si les deux années ne sont pas de la même série.

    Raises
    ------
    TerritoireInconnu, TerritoireAmbigu, DemandeFausse
        Territoire inconnu ou ambigu ; années à l'envers ; mode inconnu.

    Examples
    --------
    >>> decomposer("200048551", 2022, 2023).at["variation", "motif"]
    'pas de places publiées pour 2022, 2023 : importez nbpla_pe_* et txcouv_pe_* de la Cnaf'
    """
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    if mode not in MODES:
        raise DemandeFausse(f"mode d'accueil inconnu : « {mode} »", attendu=", ".join(MODES))
    if not debut < fin:
        raise DemandeFausse(f"de {debut} à {fin}", attendu="deux années, la plus ancienne d'abord")
    places, taux = (_lignes(table, cible) for table in (tables.places(), tables.taux_couverture()))
    for nom, connues in (("places", places), ("taux", taux)):
        absentes = [a for a in (debut, fin) if a not in connues.index]
        if absentes:
            return _muet(
                f"pas de {nom} {'publiées' if nom == 'places' else 'publiés'} pour "
                f"{', '.join(map(str, absentes))} : importez nbpla_pe_* et txcouv_pe_* de la Cnaf"
            )
    series = {t.at[a, "serie"] for t in (places, taux) for a in (debut, fin)}
    if len(series) > 1:
        return _muet(f"{debut} et {fin} ne sont pas de la même série de la Cnaf : ils ne se comparent pas")
    enfants = tuple(enfants_de(places.loc[a], taux.loc[a]) for a in (debut, fin))
    colonne = "places_total" if mode == "global" else f"places_{mode}"
    table = effets(tuple(float(places.at[a, colonne]) for a in (debut, fin)), enfants)
    if table["valeur"].isna().any():
        return _muet("les places et les taux publiés ne permettent pas d'encadrer le nombre d'enfants")
    return table.assign(
        statut="estime",
        motif=f"enfants de moins de 3 ans reconstitués : {_dire(enfants[0])} en {debut}, {_dire(enfants[1])} en {fin}",
    )


def _lignes(table: pd.DataFrame, cible: Territoire) -> pd.DataFrame:
    siennes = table[table["maille"].eq(cible.maille) & table["code"].eq(cible.code)] if len(table) else table
    return siennes.set_index(siennes["annee"].astype(int)) if len(siennes) else pd.DataFrame()


def enfants_de(places: pd.Series, taux: pd.Series) -> tuple[float, float]:
    """Encadre les enfants de moins de 3 ans d'une ligne de places et de la ligne de taux de la même année.

    Les modes d'accueil sont croisés ; s'ils se contredisent (ancienne série), le taux global fait foi seul.
    """
    modes = {"total": ("places_total", "txcouv")}
    modes |= {m: (f"places_{m}", f"txcouv_{m}") for m in (*MODES[1:], "eaje_psu", "eaje_hors_psu")}
    lus = {
        m: (float(places[p]), float(taux[t]))
        for m, (p, t) in modes.items()
        if pd.notna(places.get(p)) and pd.notna(taux.get(t))
    }
    croises = enfants_reconstitues({m: p for m, (p, _) in lus.items()}, {m: t for m, (_, t) in lus.items()})
    if not np.isnan(croises[0]) or "total" not in lus:
        return croises
    return enfants_reconstitues({"total": lus["total"][0]}, {"total": lus["total"][1]})


def _dire(enfants: tuple[float, float]) -> str:
    bas, haut = (round(e) for e in enfants)
    return str(bas) if bas == haut else f"de {bas} à {haut}"


def _muet(motif: str) -> pd.DataFrame:
    vide = pd.DataFrame(np.nan, index=EFFETS, columns=["valeur", "bas", "haut"])
    return vide.assign(statut="non_disponible", motif=motif)
