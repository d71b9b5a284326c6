"""Les règles du secret : classes de source, seuils, cases à masquer pour elles-mêmes. Fonctions pures."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cafdiag.erreurs import DemandeFausse

# Sous ce nombre d'unités, une case n'est pas diffusée : usage des Caf, Filosofi (Insee), statistique d'entreprises.
SEUILS: Mapping[str, int] = {"confidentielle_partenaire": 5, "fiscale": 11, "entreprises": 3}
PUBLIQUES = ("publique_arrondie", "publique_exacte")
# Un contributeur au-delà de cette part se reconnaît dans le total.
PART_DOMINANTE = 0.85
MOTIF = "secret statistique : case trop petite, ou masquée pour qu'une case trop petite ne se déduise pas"


def seuil_de(classe: str, *, seuil_caf: int = 5) -> int | None:
    """Seuil d'une classe de source ; None si rien n'y est à masquer.

    Parameters
    ----------
    classe : str
        ``publique_arrondie``, ``publique_exacte``, ``confidentielle_partenaire``, ``fiscale``, ``entreprises``.
    seuil_caf : int
        Seuil des données remises par une Caf ; la convention de partage peut en fixer un autre.

    Raises
    ------
    DemandeFausse
        Classe inconnue, ou ``nominative`` : une donnée nominative n'entre pas.

    Examples
    --------
    >>> [seuil_de(c) for c in ("publique_arrondie", "confidentielle_partenaire", "fiscale", "entreprises")]
    [None, 5, 11, 3]
    """
    if classe in PUBLIQUES:
        return None
    if classe == "nominative":
        raise DemandeFausse(
            "une donnée nominative",
            attendu="des effectifs par territoire",
            conseil="ôtez les noms, numéros et adresses du fichier, puis réimportez-le",
        )
    if classe not in SEUILS:
        raise DemandeFausse(
            f"classe de source inconnue : « {classe} »", attendu=", ".join((*PUBLIQUES, *SEUILS))
        )
    return seuil_caf if classe == "confidentielle_partenaire" else SEUILS[classe]


def primaire(effectifs: pd.Series, *, seuil: float, tout: pd.Series | None = None) -> pd.Series:
    """Cases à masquer pour elles-mêmes.

    Parameters
    ----------
    effectifs : Series
        Effectifs ; un manquant n'est jamais à masquer.
    seuil : float
        ``0 < n < seuil`` est masqué ; le vrai zéro se montre.
    tout : Series, optional
        Ce dont l'effectif est une partie. ``0 < tout − n < seuil`` est masqué, et ``n = tout > 0`` aussi : dire que
        tous le sont révèle chacun.

    Returns
    -------
    Series of bool
        Même index.

    Examples
    --------
    >>> primaire(pd.Series([0, 3, 5, None]), seuil=5).tolist()
    [False, True, False, False]
    >>> primaire(pd.Series([0, 20, 18, 10]), seuil=5, tout=pd.Series([20, 20, 20, 20])).tolist()
    [False, True, True, False]
    """
    petit = effectifs.gt(0) & effectifs.lt(seuil)
    if tout is None:
        return petit
    reste = tout - effectifs
    return petit | (effectifs.gt(0) & reste.ge(0) & reste.lt(seuil))


def dominee(plus_gros: pd.Series, total: pd.Series) -> pd.Series:
    """Vrai si un contributeur connu dépasse 85 % du total ; faux si l'un des deux manque.

    Examples
    --------
    >>> dominee(pd.Series([86, 85, None]), pd.Series([100, 100, 100])).tolist()
    [True, False, False]
    """
    return total.gt(0) & plus_gros.gt(PART_DOMINANTE * total)
