"""Les méthodes qui estiment le nombre d'enfants de moins de 3 ans, et leurs réglages (``data/calibrage_enfants.csv``).

``enfants = naissances de trois ans × exp(niveau)`` ; l'intervalle est ``× exp(quantile × dispersion)``, d'autant plus
large que les naissances sont peu nombreuses. Les réglages sortent de ``data/construction/calibrage_enfants.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.erreurs import DonneesAbimees, en_clair
from cafdiag.magasin import dossier, verifier

PARAMETRES = (
    "constante",
    "poids",
    "seuil",
    "poids_au_dela",
    "ecart_fixe",
    "ecart_naissances",
    "quantile_bas",
    "quantile_haut",
)
COLONNES = [
    "methode",
    *PARAMETRES,
    "observations",
    "territoires",
    "annees",
    "couverture",
    "erreur_mediane",
    "source",
    "releve",
]


COLONNES_HORIZON = [
    "grandeur",
    "maille",
    "horizon",
    "echelle",
    "puissance",
    "quantile_bas",
    "quantile_haut",
]


@lru_cache(maxsize=3)
def _lire(nom: str) -> pd.DataFrame:
    chemin = verifier(dossier("data") / f"{nom}.csv")
    try:
        return pd.read_csv(chemin, sep=";", encoding="utf-8", dtype={"origines": str})
    except (OSError, ValueError, KeyError) as cause:
        raise DonneesAbimees(
            chemin.name, f"réglages illisibles ({en_clair(cause)})", conseil="retéléchargez le projet"
        ) from cause


@lru_cache(maxsize=2)
def _indexe(nom: str, *cles: str) -> pd.DataFrame:
    table = _lire(nom).set_index(list(cles))
    return table.sort_index() if len(cles) > 1 else table


def calibrage_enfants() -> pd.DataFrame:
    """Réglages et épreuve de chaque méthode, indexés par méthode.

    Returns
    -------
    DataFrame
        Paramètres, puis ``observations, territoires, annees`` du banc, ``couverture`` (%) de l'intervalle et
        ``erreur_mediane`` (%) sur des territoires tenus à l'écart du réglage, ``source``, ``releve`` (date).

    Examples
    --------
    >>> calibrage_enfants()["couverture"].ge(88).all()
    np.True_
    """
    return _indexe("calibrage_enfants", "methode")[COLONNES[1:]]


def calibrage_horizon() -> pd.DataFrame:
    """Intervalles à 80 % des projections, indexés par grandeur, maille et horizon.

    Examples
    --------
    >>> calibrage_horizon().loc[("naissances", "epci")].index.tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    return _indexe("calibrage_horizon", *COLONNES_HORIZON[:3]).copy(deep=False)


def epreuve_horizon() -> pd.DataFrame:
    """Ce que le passé a montré des projections, méthode par méthode.

    Returns
    -------
    DataFrame
        ``grandeur, maille, methode, taille, horizon, origines, territoires, erreur_mediane`` (%), ``couverture`` (%)
        de l'intervalle à 80 %, ``couverture_hors_origine`` (réglé sur les autres origines), ``source``, ``releve``.

    Examples
    --------
    >>> table = epreuve_horizon().query("maille == 'epci' and taille == 'toutes' and horizon == 3")
    >>> table = table.set_index("methode")["erreur_mediane"]
    >>> bool(table["lissage hiérarchique"] <= 0.9 * table["dernière valeur"])
    True
    """
    return _lire("epreuve_horizon").copy()


def niveau(presence, parametres: Mapping[str, float]):
    """Logarithme du rapport enfants / naissances, selon le logarithme du rapport recensement / naissances.

    Au-delà du seuil, les naissances domiciliées ne disent plus rien des enfants présents (on accouche à l'étranger) :
    le recensement pèse davantage.

    Examples
    --------
    >>> p = {"constante": 0.0, "poids": 0.5, "seuil": 0.4, "poids_au_dela": 1.0}
    >>> [round(float(niveau(x, p)), 2) for x in (0.0, 0.4, 0.6)]
    [0.0, 0.2, 0.4]
    """
    x = np.asarray(presence, dtype=float)
    seuil = parametres["seuil"]
    return (
        parametres["constante"]
        + parametres["poids"] * np.minimum(x, seuil)
        + parametres["poids_au_dela"] * np.maximum(x - seuil, 0)
    )


def dispersion(naissances, parametres: Mapping[str, float]):
    """Écart-type du logarithme de l'erreur, selon le nombre de naissances."""
    n = np.maximum(np.asarray(naissances, dtype=float), 1.0)
    return np.sqrt(parametres["ecart_fixe"] ** 2 + parametres["ecart_naissances"] ** 2 / n)


def ecart_type(naissances, parametres: Mapping[str, float]):
    """Écart-type du logarithme d'une projection : une puissance du nombre annuel de naissances.

    Examples
    --------
    >>> round(float(ecart_type(100, {"echelle": 0.5, "puissance": 0.5})), 3)
    0.05
    """
    n = np.maximum(np.asarray(naissances, dtype=float), 5.0)
    return parametres["echelle"] * n ** -parametres["puissance"]
