"""Projeter les naissances de toutes les communes de France en une passe : lissage hiérarchique réconcilié.

La France suit une tendance amortie ; la part de chaque département dans la France et celle de chaque EPCI dans son
département aussi, plus lentement ; la part de chaque commune dans son EPCI est lissée, sans tendance. Les parts sont
ramenées à un : les communes font l'EPCI, les EPCI le département, les départements la France. Une petite série, que le
hasard emporte, emprunte ainsi sa tendance à plus grand qu'elle. La méthode et ses réglages ont été choisis par une
épreuve sur le passé (``data/construction/calibrage_horizon.py``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Moins d'années connues ne dit rien d'une tendance.
SERIE_MINIMALE = 7
# Une année est retenue quand presque toutes les communes y sont connues : les termes d'un total ont la même date.
# Presque : Mayotte avant 2014, une commune scindée, les arrondissements comptés avec leur ville.
PART_CONNUE = 0.98
_SANS_EPCI = "sans EPCI "


# Lissage (niveau, tendance) et amortissement, à chaque étage.
_FRANCE, _DEPARTEMENT, _EPCI, _COMMUNE = (0.8, 0.4, 0.95), (0.4, 0.1, 0.8), (0.35, 0.05, 0.8), 0.25


def series_de_naissances(communes: pd.DataFrame) -> pd.DataFrame:
    """Naissances par commune (lignes) et par année (colonnes), des seules années connues partout, sans trou.

    Parameters
    ----------
    communes : DataFrame
        Table communale (:func:`cafdiag.donnees.table_communes`), ``naissances_AAAA``.

    Returns
    -------
    DataFrame
        Colonnes : années entières, croissantes ; peut être vide.
    """
    annees = sorted(
        int(c.removeprefix("naissances_"))
        for c in communes
        if c.startswith("naissances_") and c.removeprefix("naissances_").isdigit()
    )
    table = pd.DataFrame({a: communes[f"naissances_{a}"].astype("float64") for a in annees}, index=communes.index)
    if not annees:
        return table
    connues = table.notna().mean()
    suivies = [a for a in annees if connues[a] >= PART_CONNUE]
    while suivies and suivies[-1] - suivies[0] != len(suivies) - 1:
        suivies = suivies[1:]
    return table[suivies]


def projeter_communes(
    series: pd.DataFrame, epci: pd.Series, departements: pd.Series, horizon: int
) -> pd.DataFrame:
    """Naissances projetées de toutes les communes, en une passe.

    Parameters
    ----------
    series : DataFrame
        :func:`series_de_naissances`. Une commune sans naissances connues compte pour rien et reste manquante.
    epci, departements : Series
        EPCI de chaque commune (vide : elle fait groupe à elle seule) et département de chaque EPCI.
    horizon : int
        Nombre d'années.

    Returns
    -------
    DataFrame
        Mêmes communes, années suivantes. La somme des communes d'un EPCI est la projection de l'EPCI, et de même
        jusqu'à la France.
    """
    # Une série qui commence tard (Mayotte, 2014) est prolongée vers l'arrière : le total de la France ne saute pas.
    y = series.bfill(axis=1).fillna(0.0).to_numpy()
    groupe = epci.where(epci.notna(), _SANS_EPCI + epci.index.to_series().astype(str))
    rang_epci, noms = pd.factorize(groupe)
    siens = departements.reindex(noms)
    siens = siens.where(siens.notna().to_numpy(), noms)
    rang_departement, nombre_departements = pd.factorize(siens)[0], siens.nunique()
    par_epci = _sommer(y, rang_epci, len(noms))
    par_departement = _sommer(par_epci, rang_departement, nombre_departements)
    france = par_departement.sum(axis=0, keepdims=True)
    total = tendance_amortie(france, horizon, *_FRANCE)
    tous = np.zeros(nombre_departements, dtype=int)
    parts_d = _a_un(_parts(par_departement, france, horizon, _DEPARTEMENT), tous)
    parts_e = _a_un(_parts(par_epci, par_departement[rang_departement], horizon, _EPCI), rang_departement)
    parts_c = _a_un(_parts_lissees(y, par_epci[rang_epci], _COMMUNE)[:, None], rang_epci)
    communales = total * (parts_d[rang_departement] * parts_e)[rang_epci] * parts_c
    derniere = int(series.columns[-1])
    table = pd.DataFrame(communales, index=series.index, columns=range(derniere + 1, derniere + horizon + 1))
    return table.mask(series.iloc[:, -1].isna())


def tendance_amortie(series: np.ndarray, horizon: int, niveau: float, tendance: float, amorti: float) -> np.ndarray:
    """Lissage exponentiel à tendance amortie (Gardner et McKenzie), sur les logarithmes ; une ligne par série.

    Examples
    --------
    Une série qui double chaque année, sans amortissement, double encore.

    >>> tendance_amortie(np.array([[1.0, 2, 4, 8, 16]]), 2, 0.5, 0.5, 1.0).round(6).tolist()
    [[32.0, 64.0]]
    """
    z = np.log(np.maximum(series, 1e-9))
    debut = min(4, z.shape[1] - 1)
    n, t = z[:, 0].copy(), (z[:, debut] - z[:, 0]) / debut
    for i in range(1, z.shape[1]):
        avant = n
        n = niveau * z[:, i] + (1 - niveau) * (n + amorti * t)
        t = tendance * (n - avant) + (1 - tendance) * amorti * t
    return np.exp(n[:, None] + t[:, None] * np.cumsum(amorti ** np.arange(1, horizon + 1)))


def _parts(parties: np.ndarray, tout: np.ndarray, horizon: int, reglages: tuple) -> np.ndarray:
    # Une île sans naissance une année : une demie, sinon son logarithme s'effondre, puis s'envole.
    rapport = np.divide(np.maximum(parties, 0.5), tout, out=np.ones_like(parties), where=tout > 0)
    # Aucune naissance, jamais : la part est nulle et le reste.
    nees = parties.any(axis=1, keepdims=True)
    return np.where(nees, tendance_amortie(np.minimum(rapport, 1.0), horizon, *reglages), 0.0)


def _parts_lissees(parties: np.ndarray, tout: np.ndarray, poids: float) -> np.ndarray:
    """Moyenne des parts, la dernière pesant ``poids``."""
    rapport = np.divide(parties, tout, out=np.zeros_like(parties), where=tout > 0)
    lissee = rapport[:, :4].mean(axis=1)
    for i in range(min(4, rapport.shape[1]), rapport.shape[1]):
        lissee = poids * rapport[:, i] + (1 - poids) * lissee
    return lissee


def _a_un(parts: np.ndarray, groupes: np.ndarray) -> np.ndarray:
    """Les parts, ramenées à un dans chaque groupe ; nulles si le groupe n'a aucune naissance."""
    somme = _sommer(parts, groupes, int(groupes.max()) + 1)[groupes]
    return np.divide(parts, somme, out=np.zeros_like(parts), where=somme > 0)


def _sommer(valeurs: np.ndarray, groupes: np.ndarray, nombre: int) -> np.ndarray:
    somme = np.zeros((nombre, valeurs.shape[1]))
    np.add.at(somme, groupes, valeurs)
    return somme
