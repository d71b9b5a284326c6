"""L'évolution d'un indicateur : sa série, ses ruptures, et ce qui fait varier un taux de couverture.

La Cnaf publie deux séries de taux : l'ancienne (2017-2022) et la courante (depuis 2022), qui ne disent pas la
même chose de la même année. Une année vient de l'une ou de l'autre, jamais des deux, et le passage de l'une à
l'autre n'est pas une évolution.
"""

from __future__ import annotations

import datetime as dt
from itertools import product

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports, tables_assemblees
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.agregation import enfants_reconstitues
from cafdiag.indicateurs.besoin import DEMI_PLACE
from cafdiag.indicateurs.dictionnaire import choisir, dictionnaire
from cafdiag.indicateurs.mesures import mesurer_serie
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.petite_enfance import CALCULS_DES_TAUX, DEMI_TAUX
from cafdiag.millesimes import millesime
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
_COUTURE = "série révisée par la Cnaf : cette année et la précédente ne se comparent pas"
_MICRO = millesime("bpe.micro_creches")
_MICRO_CRECHES = {_MICRO: f"les micro-crèches sont comptées à part depuis {_MICRO}"}
# Années où une source a changé de définition : la différence avec l'année d'avant n'est pas une évolution.
RUPTURES = {
    "PE_NB_EAJE": _MICRO_CRECHES,
    "ACC_EAJE_2SFCA_LIEUX": _MICRO_CRECHES,
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
    return avec_ruptures(mesurer_serie(cible, code, apports=apports, options=options))[COLONNES_SERIE]


def avec_ruptures(mesures: pd.DataFrame) -> pd.DataFrame:
    """Les mesures d'un indicateur, année par année, plus ``serie``, ``rupture``, et sa raison dans ``motif``."""
    table, code = mesures.copy(), mesures["indicateur"].iloc[0]
    annees = [0 if pd.isna(a) else int(a) for a in table["annee"]]
    connues = series_des_taux() if dictionnaire().at[code, "calcul"] in CALCULS_DES_TAUX else {}
    table["serie"] = [connues.get(a, "") for a in annees]
    suivante = pd.Series(range(len(table)), index=table.index).gt(0)
    raisons = pd.Series([RUPTURES.get(code, {}).get(a, "") for a in annees], index=table.index, dtype=object)
    raisons = raisons.mask(table["serie"].ne(table["serie"].shift()), _COUTURE).where(suivante, "")
    table["rupture"] = raisons.ne("")
    lien = pd.Series(" ; ", index=table.index).where(raisons.ne("") & table["motif"].ne(""), "")
    return table.assign(motif=raisons + lien + table["motif"])


def series_des_taux() -> dict[int, str]:
    """Série dont vient chaque année de taux de couverture : ``hist`` ou ``courante``.

    >>> series_des_taux()
    {2023: 'courante'}
    """
    connues = tables_assemblees.taux_couverture()[["annee", "serie"]].dropna().drop_duplicates("annee")
    return {int(annee): nom for annee, nom in sorted(zip(connues["annee"], connues["serie"], strict=True))}


def effets(
    places: tuple[float | tuple[float, float], float | tuple[float, float]],
    enfants: tuple[float | tuple[float, float], float | tuple[float, float]],
) -> pd.DataFrame:
    """Ce qui, dans la variation d'un taux, vient des places et ce qui vient du nombre d'enfants.

    Méthode symétrique, dite de Shapley, à deux facteurs : chaque effet est la moyenne de ce qu'il donne s'il
    agit le premier, et s'il agit le second. ``effet places = 100 × (P1 - P0) × (1/E0 + 1/E1) / 2`` ;
    ``effet naissances = 100 × (1/E1 - 1/E0) × (P0 + P1) / 2``. Leur somme est la variation, exactement.

    Parameters
    ----------
    places : (float or (bas, haut), float or (bas, haut))
        Places au début, à la fin ; un encadrement si elles sont arrondies. Sa valeur est alors son milieu.
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
    bornes = [x if isinstance(x, tuple) else (x, x) for x in (*places, *enfants)]
    if not all(bas <= haut for bas, haut in bornes) or not all(bas > 0 for bas, _ in bornes[2:]):
        return pd.DataFrame(np.nan, index=EFFETS, columns=["valeur", "bas", "haut"])

    def trois(p0: float, p1: float, e0: float, e1: float) -> list[float]:
        des_places = 50 * (p1 - p0) * (1 / e0 + 1 / e1)
        des_enfants = 50 * (p0 + p1) * (1 / e1 - 1 / e0)
        return [des_places + des_enfants, des_places, des_enfants]

    # Chaque effet est monotone en chaque nombre de places et d'enfants : ses bornes sont aux coins.
    coins = [trois(*coin) for coin in product(*bornes)]
    milieu = trois(*((bas + haut) / 2 for bas, haut in bornes))
    return pd.DataFrame(
        {"valeur": milieu, "bas": np.min(coins, axis=0), "haut": np.max(coins, axis=0)}, index=EFFETS
    )


def decomposer(cible: Territoire | str, debut: int, fin: int, *, mode: str = "global") -> pd.DataFrame:
    """Décompose la variation d'un taux de couverture de la Cnaf entre deux années, places et naissances.

    Le nombre d'enfants n'est pas publié : il est encadré à partir des places et des taux de chaque mode d'accueil ;
    les places sont arrondies à l'unité. D'où l'encadrement de chaque effet. Celui de la variation ne dépasse pas la
    différence des taux publiés, à 0,05 près chacun.

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
    if fin > dt.date.today().year:
        raise DemandeFausse(f"de {debut} à {fin} : {fin} est à venir", attendu="deux années dont on a les chiffres")
    lues = {"places": tables_assemblees.places(), "taux": tables_assemblees.taux_couverture()}
    places, taux = (_lignes(table, cible) for table in lues.values())
    for (nom, toutes), siennes in zip(lues.items(), (places, taux), strict=True):
        absentes = [a for a in (debut, fin) if a not in siennes.index]
        if absentes:
            publies = "places publiées" if nom == "places" else "taux publiés"
            connues = set(toutes.loc[toutes["maille"].eq(cible.maille), "annee"]) if len(toutes) else set()
            quoi_faire = (
                f"{cible.nom} n'est pas dans les données importées"
                if connues.issuperset(absentes)
                else "importez nbpla_pe_* et txcouv_pe_* de la Cnaf"
            )
            return _muet(f"pas de {publies} pour {', '.join(map(str, absentes))} : {quoi_faire}")
    series = {t.at[a, "serie"] for t in (places, taux) for a in (debut, fin)}
    if len(series) > 1:
        return _muet(f"{debut} et {fin} ne sont pas de la même série de la Cnaf : ils ne se comparent pas")
    enfants = (enfants_de(places.loc[debut], taux.loc[debut]), enfants_de(places.loc[fin], taux.loc[fin]))
    colonne, du_taux = (f"{debut_nom}_{mode}" for debut_nom in ("places", "txcouv"))
    if mode == "global":
        colonne, du_taux = "places_total", "txcouv"
    publiees = (float(places.at[debut, colonne]), float(places.at[fin, colonne]))
    avant, apres = ((max(p - DEMI_PLACE, 0.0), p + DEMI_PLACE) for p in publiees)
    table = effets((avant, apres), enfants)
    # Un zéro publié vaut de 0 à 0,5 : sa valeur reste zéro, pas le milieu.
    table["valeur"] = effets(publiees, enfants)["valeur"]
    if table["valeur"].isna().any():
        return _muet("les places et les taux publiés ne permettent pas d'encadrer le nombre d'enfants")
    ecart = float(taux.at[fin, du_taux]) - float(taux.at[debut, du_taux])
    if not np.isnan(ecart):
        valeur, bas, haut = table.loc["variation", ["valeur", "bas", "haut"]]
        table.at["variation", "bas"] = min(max(bas, ecart - 2 * DEMI_TAUX), valeur)
        table.at["variation", "haut"] = max(min(haut, ecart + 2 * DEMI_TAUX), valeur)
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
