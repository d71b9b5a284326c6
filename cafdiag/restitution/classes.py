"""Ranger des valeurs en classes de couleur, sans jamais ranger un manquant.

Quand les mailles s'emboîtent (EPCI, département, région), les classes se donnent en rapport à une
référence fixe : une couleur veut dire la même chose sur toutes les cartes. Sinon, des quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.formats import FINE, FOIS_LA_FRANCE, INSECABLE, decimales_de, nombre

RAPPORTS = (0.60, 0.85, 1.0, 1.15, 1.40)
SANS_CLASSE = -1


@dataclass(frozen=True)
class Classes:
    """Des classes `[bornes[i], bornes[i+1][`, la dernière fermée, avec couleur et étiquette.

    `bornes` va du minimum au maximum observés (ou au-delà) : aucune valeur ne tombe dehors.
    """

    bornes: tuple[float, ...]
    couleurs: tuple[str, ...]
    etiquettes: tuple[str, ...]
    reference: float | None = None

    def __len__(self) -> int:
        return len(self.couleurs)

    def indices(self, valeurs: Iterable) -> np.ndarray:
        """Rang de la classe de chaque valeur ; ``-1`` pour un manquant.

        Raises
        ------
        DemandeFausse
            Une valeur est hors des bornes : les classes ont été faites pour d'autres valeurs.
        """
        nombres = _nombres(valeurs)
        connues = ~np.isnan(nombres)
        hors = connues & ((nombres < self.bornes[0]) | (nombres > self.bornes[-1]))
        if hors.any():
            raise DemandeFausse(
                f"la valeur {nombre(float(nombres[hors][0]), decimales=2)} est hors des classes",
                attendu=f"de {self.bornes[0]} à {self.bornes[-1]}",
            )
        rangs = np.full(len(nombres), SANS_CLASSE, dtype=int)
        rangs[connues] = np.searchsorted(self.bornes[1:-1], nombres[connues], side="right")
        return rangs


def _nombres(valeurs: Iterable) -> np.ndarray:
    import pandas as pd

    serie = pd.Series(list(valeurs), dtype="object")
    return pd.to_numeric(serie, errors="raise").astype("float64").to_numpy()


def _observees(valeurs: Iterable) -> np.ndarray:
    nombres = _nombres(valeurs)
    return nombres[np.isfinite(nombres)]


def bandes(
    valeurs: Iterable,
    *,
    reference: float,
    nom_reference: str = "la France",
    rapports: Sequence[float] = RAPPORTS,
    unite: str | None = None,
    decimales: int | None = None,
) -> Classes:
    """Classes en rapport à une référence : « de 0,85 à 1 fois la France ».

    Parameters
    ----------
    valeurs : iterable of float
        Les valeurs à peindre ; les manquants sont ignorés et ne seront pas classés.
    reference : float
        Valeur de la référence, strictement positive.
    nom_reference : str
        Avec son article : « la France », « la Mayenne ».
    rapports : sequence of float
        Seuils croissants, en multiples de la référence.

    Raises
    ------
    DemandeFausse
        Référence absente ou négative, seuils non croissants.

    Examples
    --------
    >>> classes = bandes([40, 79.9, float("nan")], reference=60.9)
    >>> classes.etiquettes[2].replace("\\u202f", " ").replace("\\u00a0", " ")
    'de 0,85 à 1 fois la France (51,8 à 60,9)'
    >>> classes.indices([40, 79.9, float("nan")]).tolist()
    [1, 4, -1]
    """
    if not np.isfinite(reference) or reference <= 0:
        raise DemandeFausse(
            f"référence {reference}",
            attendu="un nombre strictement positif",
            conseil="employez des quantiles",
        )
    if list(rapports) != sorted(set(rapports)) or not len(rapports):
        raise DemandeFausse(f"rapports {tuple(rapports)}", attendu="des seuils strictement croissants")
    observees = _observees(valeurs)
    seuils = [reference * r for r in rapports]
    bas = min([*observees, seuils[0], 0.0])
    haut = max([*observees, seuils[-1]])
    places = decimales_de(unite) if decimales is None else decimales
    dit = [nombre(s, decimales=places) for s in seuils]
    fois = [nombre(r, decimales=_decimales_utiles(r)) for r in rapports]
    suite = f"fois {nom_reference}"
    valant = [f"moins de {dit[0]}", *(f"{a} à {b}" for a, b in pairwise(dit)), f"{dit[-1]} et plus"]
    # Un rapport à la référence dit déjà ses bornes.
    valant = [f" ({v})" if unite != FOIS_LA_FRANCE else "" for v in valant]
    etiquettes = [f"moins de {fois[0]} {suite}{valant[0]}"]
    etiquettes += [f"de {a} à {b} {suite}{v}" for (a, b), v in zip(pairwise(fois), valant[1:-1], strict=True)]
    etiquettes.append(f"{fois[-1]} {suite} ou plus{valant[-1]}")
    return Classes(
        (float(bas), *seuils, float(haut)),
        couleurs.palette(len(seuils) + 1, divergente=True),
        tuple(_insecable(e) for e in etiquettes),
        reference=float(reference),
    )


def quantiles(
    valeurs: Iterable, *, nombre_classes: int = 5, unite: str | None = None, decimales: int | None = None
) -> Classes:
    """Classes d'effectifs voisins ; les bornes confondues (ex æquo) sont réunies.

    Raises
    ------
    DemandeFausse
        Aucune valeur observée : il n'y a rien à classer.

    Examples
    --------
    >>> quantiles([1, 2, 3, 4, float("nan")], nombre_classes=2).bornes
    (1.0, 2.5, 4.0)
    """
    observees = _observees(valeurs)
    if not len(observees):
        raise DemandeFausse(
            "aucune valeur observée", conseil="ne dessinez que le fond et la légende « sans donnée »"
        )
    parts = np.linspace(0, 1, nombre_classes + 1)
    return par_seuils(
        valeurs,
        seuils=[float(b) for b in np.quantile(observees, parts)[1:-1]],
        unite=unite,
        decimales=decimales,
    )


def par_seuils(
    valeurs: Iterable,
    *,
    seuils: Sequence[float],
    unite: str | None = None,
    decimales: int | None = None,
    palette: Sequence[str] | None = None,
) -> Classes:
    """Classes de seuils donnés, étendues au minimum et au maximum observés.

    Examples
    --------
    >>> par_seuils([5, 40], seuils=[10, 20], unite="habitants").etiquettes[1]
    'de 10 à moins de 20'
    """
    observees = _observees(valeurs)
    internes = sorted(set(seuils))
    bas = min([*observees, *internes])
    haut = max([*observees, *internes])
    # Un seuil égal au minimum ferait une première classe vide.
    internes = [s for s in internes if bas < s <= haut]
    bornes = (float(bas), *map(float, internes), float(haut))
    places = decimales_de(unite) if decimales is None else decimales
    dit = [nombre(b, decimales=places) for b in bornes]
    dernier = len(bornes) - 2
    etiquettes = [
        f"de {dit[i]} à moins de {dit[i + 1]}"
        if i < dernier
        else (f"de {dit[i]} à {dit[i + 1]}" if dit[i] != dit[i + 1] else dit[i])
        for i in range(len(bornes) - 1)
    ]
    teintes = tuple(palette) if palette else couleurs.palette(len(etiquettes))
    if len(teintes) != len(etiquettes):
        raise DemandeFausse(
            f"{len(teintes)} couleurs pour {len(etiquettes)} classes", attendu="une couleur par classe"
        )
    return Classes(bornes, teintes, tuple(_insecable(e) for e in etiquettes))


def _decimales_utiles(rapport: float) -> int:
    return 0 if float(rapport).is_integer() else 2


def _insecable(texte: str) -> str:
    return texte.replace(f"{FINE} ", FINE).replace(" fois ", f"{INSECABLE}fois{INSECABLE}", 1)
