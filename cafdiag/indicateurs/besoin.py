"""Combien de places pour atteindre un taux : le besoin, encadré, et sa répartition entre modes d'accueil.

Le nombre d'enfants de moins de 3 ans qui sert de dénominateur aux taux de la Cnaf n'est pas publié : il se
reconstitue ou s'estime (:mod:`cafdiag.indicateurs.enfants`), et c'est toujours une fourchette.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cafdiag.donnees.grandeurs import PLACES
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.agregation import enfants_reconstitues
from cafdiag.indicateurs.contexte import Contexte, resultat
from cafdiag.indicateurs.enfants import dire, enfants_estimes
from cafdiag.indicateurs.petite_enfance import (
    DEMI_TAUX,
    LA_REFERENCE,
    PLACES_DES_TAUX,
    bornes_du_taux,
    taux_du_contexte,
    taux_publie,
)

# Les places publiées sont arrondies à l'unité.
DEMI_PLACE = 0.5
_PAR_MODE = {taux: PLACES[grandeur][1] for taux, grandeur in PLACES_DES_TAUX.items()}
MODES_CREES = {
    "eaje_psu": "EAJE à prestation de service unique (PSU)",
    "eaje_hors_psu": "EAJE hors PSU (micro-crèches à Paje)",
    "am": "assistants maternels",
    "prescol": "préscolarisation à 2 ans",
    "gad": "garde à domicile",
}


def besoin_en_places(cible: float, enfants, places):
    """Places manquantes pour atteindre un taux : ``max(0, ⌈c/100 × E - P⌉)``.

    Parameters
    ----------
    cible : float
        Taux visé, places pour 100 enfants de moins de 3 ans.
    enfants, places : float, array or Series
        Enfants de moins de 3 ans et places existantes, alignés. Un manquant reste manquant.

    Examples
    --------
    CC de la Veyle (707 enfants, 634 places) : il en faudrait 3 de plus pour 90 %.

    >>> float(besoin_en_places(90, 707, 634))
    3.0
    """
    # 60,9 - 60,8 vaut un peu plus que 0,1 en binaire : sans l'arrondi, une place de trop.
    return np.maximum(0.0, np.ceil(np.round(np.asarray(cible * enfants / 100 - places, dtype=float), 6)))


def encadrer_besoin(
    cible: float,
    taux: pd.Series,
    enfants: pd.DataFrame,
    *,
    bornes_taux: tuple[pd.Series, pd.Series] | None = None,
    demi_place: float = DEMI_PLACE,
) -> pd.DataFrame:
    """Besoin et fourchette, territoire par territoire.

    Parameters
    ----------
    cible : float
        Taux visé.
    taux : Series
        Taux publiés, à 0,1 près.
    enfants : DataFrame
        ``valeur, bas, haut`` (enfants de moins de 3 ans) et ``places`` (publiées, ou manquantes) ; même index.
    bornes_taux : (Series, Series), optional
        Encadrement des taux ; à 0,05 près par défaut.
    demi_place : float
        Demi-pas d'arrondi des places ; zéro pour un compte exact.

    Returns
    -------
    DataFrame
        ``valeur, bas, haut`` ; même index. Un taux qui atteint la cible n'a besoin de rien, même si le nombre
        d'enfants est inconnu.

    Examples
    --------
    >>> taux = pd.Series([69.3, 79.9], index=["a", "b"])
    >>> enfants = pd.DataFrame({"valeur": [9704.0, float("nan")], "bas": [9540.0, float("nan")],
    ...                         "haut": [9704.0, float("nan")], "places": float("nan")}, index=["a", "b"])
    >>> encadrer_besoin(69.8, taux, enfants)
       valeur   bas  haut
    a    49.0  43.0  54.0
    b     0.0   0.0   0.0
    """
    taux_bas, taux_haut = bornes_taux or (taux - DEMI_TAUX, taux + DEMI_TAUX)
    bornes = {
        "valeur": (enfants["valeur"], taux, enfants["places"]),
        "bas": (enfants["bas"], taux_haut, enfants["places"] + demi_place),
        "haut": (enfants["haut"], taux_bas, enfants["places"] - demi_place),
    }
    table = pd.DataFrame(
        {
            nom: besoin_en_places(cible, e, places.where(places.notna(), t * e / 100))
            for nom, (e, t, places) in bornes.items()
        },
        index=taux.index,
    )
    table.loc[taux >= cible, ["valeur", "bas"]] = 0.0
    # round : 60,95 - 0,05 n'est pas 60,9 en binaire.
    table.loc[taux_bas.round(6) >= round(cible, 6), "haut"] = 0.0
    return table


def enfants_encadres(contexte: Contexte, *, annee: int, colonne: str = "txcouv") -> pd.DataFrame:
    """Enfants de moins de 3 ans, encadrés, et places publiées du taux demandé.

    La meilleure estimation que le territoire permet (:mod:`cafdiag.indicateurs.enfants`), son intervalle à 90 %, et
    les deux estimations usuelles à côté.

    Returns
    -------
    DataFrame
        ``valeur, bas, haut, places, statut, motif, methode, naissances, recensement, alerte`` ; index des
        territoires.
    """
    table = enfants_estimes(contexte, annee).assign(places=np.nan)
    for cle, (bas, haut, total, places) in _reconstitutions(contexte, annee, colonne).items():
        table.loc[cle, ["valeur", "bas", "haut", "places"]] = [min(max(total, bas), haut), bas, haut, places]
        table.loc[cle, ["statut", "methode"]] = ["arrondi", "reconstitue"]
        table.loc[cle, "motif"] = dire(table.loc[cle])
    return table


def _reconstitutions(contexte: Contexte, annee: int, colonne: str) -> dict:
    """Par territoire dont les places sont importées : bornes, quotient du total, places du taux demandé."""
    ensemble = contexte.retenir(("taux et places", annee), lambda: _taux_et_places(contexte, annee))
    paires = {t: p for t, p in _PAR_MODE.items() if t in ensemble and p in ensemble}
    rendues = {}
    for cle, territoire in contexte.territoires.iterrows():
        if (territoire["maille"], territoire["officiel"]) not in ensemble.index:
            continue
        ligne = ensemble.loc[[(territoire["maille"], territoire["officiel"])]].iloc[0]
        connus = {t: p for t, p in paires.items() if pd.notna(ligne[t]) and pd.notna(ligne[p])}
        bas, haut = enfants_reconstitues(
            {t: float(ligne[p]) for t, p in connus.items()}, {t: float(ligne[t]) for t in connus}
        )
        if math.isnan(bas) or colonne not in connus or "txcouv" not in connus:
            continue
        total = 100 * float(ligne["places_total"]) / float(ligne["txcouv"])
        rendues[cle] = (bas, haut, total, float(ligne[connus[colonne]]))
    return rendues


def _taux_et_places(contexte: Contexte, annee: int) -> pd.DataFrame:
    """Les taux et les places d'une même année, côte à côte, par maille et code ; vide sans places."""
    places = contexte.places
    if not len(places) or "places_total" not in places:
        return pd.DataFrame()
    cles = ["maille", "code", "annee"] + (["serie"] if "serie" in places and "serie" in contexte.taux else [])
    ensemble = contexte.taux.merge(places, on=cles, how="inner", suffixes=("", "_p"))
    return ensemble[ensemble["annee"].eq(annee)].set_index(["maille", "code"])


def besoin_cible(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Places manquantes pour atteindre le taux global de la France, encadrées."""
    annee = contexte.annee_des_taux
    cible = taux_du_contexte(contexte, "france", "txcouv", annee=annee).get("FR", np.nan)
    source = taux_publie(contexte)
    enfants = enfants_encadres(contexte, annee=annee)
    bornes_taux = bornes_du_taux(source)
    besoin = encadrer_besoin(cible, source["valeur"], enfants, bornes_taux=bornes_taux)
    connu = besoin["valeur"].notna()
    sans_enfants = source["valeur"].notna() & ~connu
    statut = pd.Series("non_disponible", index=contexte.codes).mask(connu, enfants["statut"])
    atteint = bornes_taux[0].round(6) >= cible
    statut = statut.mask(connu & (atteint | statut.eq("non_disponible")), source["statut"])
    motif = source["motif"].where(source["valeur"].isna(), "")
    motif = motif.mask(sans_enfants, "nombre d'enfants de moins de 3 ans inconnu : " + enfants["motif"])
    motif = motif.mask(connu & ~atteint, enfants["motif"])
    motif = motif.mask(atteint, "le taux de la France est atteint")
    presque = connu & ~atteint & enfants["valeur"].isna()
    motif = motif.mask(presque, "le taux est celui de la France, à l'arrondi près")
    soi = contexte.de_maille("france")
    table = resultat(
        contexte.codes,
        **{n: besoin[n].mask(soi) for n in ("valeur", "bas", "haut")},
        denominateur=enfants["valeur"].where(connu & ~atteint & ~soi),
        statut=statut.mask(soi, "sans_objet"),
        motif=motif.mask(soi, LA_REFERENCE),
        maille_source=source["maille_source"],
        annee=annee,
        millesime=f"décembre {annee}",
    )
    table.loc[~connu, ["bas", "haut"]] = np.nan
    return table


def repartir(total: float, parts: Mapping[str, float]) -> dict[str, int]:
    """Répartit un nombre entier de places entre modes, à proportion des parts (méthode de Sainte-Laguë).

    La somme des modes est toujours le total, et aucun mode ne perd de place quand le total augmente : une
    fourchette répartie reste une fourchette.

    Examples
    --------
    >>> repartir(49, {"eaje_psu": 60, "am": 40})
    {'eaje_psu': 29, 'am': 20}
    """
    n = int(total)
    quotients = [
        (-part / (2 * rang + 1), ordre, mode)
        for ordre, (mode, part) in enumerate(parts.items())
        for rang in range(math.ceil(n * part / sum(parts.values())) + 1 if part else 0)
    ]
    gagnants = [mode for *_, mode in sorted(quotients)[:n]]
    return {mode: gagnants.count(mode) for mode in parts}


def lire_modes(modes: Mapping[str, float | str] | str | None, *, collectif: bool = False) -> dict[str, float]:
    """Parts des modes d'accueil à créer, en %, contrôlées ; tout en EAJE à PSU par défaut.

    Raises
    ------
    DemandeFausse
        Mode inconnu, part négative, total qui n'est pas 100 : tous les défauts d'un coup.

    Examples
    --------
    >>> lire_modes({"eaje_psu": 70, "am": "30"})
    {'eaje_psu': 70.0, 'am': 30.0}
    """
    if modes is None:
        return {"eaje_psu": 100.0}
    if isinstance(modes, str):
        modes = {modes: 100.0}
    permis = [m for m in MODES_CREES if not collectif or m.startswith("eaje")]
    defauts, lus = [], {}
    for mode, part in modes.items():
        if mode not in permis:
            defauts.append(
                f"mode « {mode} » inconnu" + (" pour un taux d'accueil collectif" if collectif else "")
            )
        try:
            lus[mode] = float(str(part).replace(",", "."))
        except ValueError:
            lus[mode] = math.nan
        if not 0 <= lus[mode] <= 100:
            defauts.append(f"part de « {mode} » : {part!r}")
    if not defauts and abs(sum(lus.values()) - 100) > 0.01:
        defauts.append(f"les parts font {sum(lus.values()):g} %")
    if defauts:
        raise DemandeFausse(
            " ; ".join(defauts), attendu=f"des parts en %, de somme 100, parmi {', '.join(permis)}"
        )
    return {m: p for m, p in lus.items() if p}
