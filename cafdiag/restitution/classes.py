"""Ranger des valeurs en classes de couleur, sans jamais ranger un manquant.

Quand les mailles s'emboîtent (EPCI, département, région), les classes se donnent en rapport à une
référence fixe : une couleur veut dire la même chose sur toutes les cartes. Sinon, des quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.formats import FINE, FOIS_LA_FRANCE, INSECABLE, arrondir, decimales_de, nombre

RAPPORTS = (0.60, 0.85, 1.0, 1.15, 1.40)
CHOIX = ("auto", "france", "territoire")
# Au-delà, une carte rapportée à la France serait d'une seule couleur ou presque.
_TROP_UNIE = 2 / 3
SANS_CLASSE = -1


@dataclass(frozen=True)
class Classes:
    """Des classes `[bornes[i], bornes[i+1][`, la dernière fermée, avec couleur et étiquette.

    `bornes` va du minimum au maximum observés (ou au-delà) : aucune valeur ne tombe dehors. Une valeur se range
    telle qu'elle s'écrit, à `places` décimales : 51,76 s'écrit 51,8 et tombe dans « 51,8 à 60,9 ».
    """

    bornes: tuple[float, ...]
    couleurs: tuple[str, ...]
    etiquettes: tuple[str, ...]
    reference: float | None = None
    places: int = 1
    unite: str | None = None
    choix: str = "territoire"

    def __len__(self) -> int:
        return len(self.couleurs)

    def indices(self, valeurs: Iterable) -> np.ndarray:
        """Rang de la classe de chaque valeur ; ``-1`` pour un manquant.

        Raises
        ------
        DemandeFausse
            Une valeur est hors des bornes : les classes ont été faites pour d'autres valeurs.
        """
        nombres = _ecrites(_nombres(valeurs), self.places, self.unite)
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


def _observees(valeurs: Iterable, places: int, unite: str | None) -> np.ndarray:
    nombres = _nombres(valeurs)
    return _ecrites(nombres[np.isfinite(nombres)], places, unite)


def _ecrites(nombres: np.ndarray, places: int, unite: str | None) -> np.ndarray:
    """Les valeurs comme :func:`nombre` les écrit ; une part infime, « moins de 0,1 », vaut la moitié de 0,1."""
    pas = 10.0**-places
    rendus = np.array([float(arrondir(v, places)) if np.isfinite(v) else v for v in nombres.tolist()], dtype=float)
    if unite == "%":
        rendus = np.where((rendus == 100) & (np.round(nombres, 6) < 100), float(arrondir(100 - pas, places)), rendus)
        rendus = np.where((rendus == 0) & (np.round(nombres, 6) > 0), pas / 2, rendus)
    # Un « −0,0 » est un zéro.
    return rendus + 0.0


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
    places = decimales_de(unite) if decimales is None else decimales
    # Une petite référence : deux seuils qui s'écriraient pareil demandent une décimale de plus.
    while len(distincts := {float(arrondir(reference * r, places)) for r in rapports}) < len(rapports):
        places += 1
    seuils = sorted(distincts)
    observees = _observees(valeurs, places, unite)
    bas = min([*observees, seuils[0], 0.0])
    haut = max([*observees, seuils[-1]])
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
        places=places,
        unite=unite,
        choix="france",
    )


def classements(
    valeurs: Iterable,
    *,
    choix: str = "auto",
    reference: float | None = None,
    nom_reference: str = "la France",
    unite: str | None = None,
    decimales: int | None = None,
) -> tuple[Classes, ...]:
    """Les façons de ranger ces valeurs, celle à montrer d'abord : le seul endroit qui en décide.

    Parameters
    ----------
    valeurs : iterable of float
        Les valeurs à peindre ; les manquants sont ignorés.
    choix : {"auto", "france", "territoire"}
        ``france`` : en rapport à la référence. ``territoire`` : des classes propres aux valeurs montrées.
        ``auto`` : la France, sauf si plus des deux tiers des valeurs tomberaient dans une même classe et que
        des classes propres les séparent mieux.
    reference : float, optional
        Sans elle (absente, nulle ou négative), il n'y a que les classes propres.

    Returns
    -------
    tuple of Classes
        Vide si aucune valeur n'est connue.

    Raises
    ------
    DemandeFausse
        Autre choix, ou « france » sans référence.

    Examples
    --------
    >>> [c.choix for c in classements([70, 72, 74, 90], reference=60.9)]
    ['territoire', 'france']
    >>> [c.choix for c in classements([40, 55, 74, 90], reference=60.9)]
    ['france', 'territoire']
    """
    if choix not in CHOIX:
        raise DemandeFausse(f"classes « {choix} »", attendu=", ".join(CHOIX))
    connues = [v for v in _nombres(valeurs).tolist() if np.isfinite(v)]
    a_quoi = float(reference) if reference is not None and np.isfinite(reference) and reference > 0 else None
    if choix == "france" and a_quoi is None:
        raise DemandeFausse("pas de valeur de la France à qui rapporter les classes",
                            conseil="demandez les classes « territoire » ou « auto »")
    if not connues:
        return ()
    propres = quantiles(connues, unite=unite, decimales=decimales)
    if a_quoi is None:
        return (propres,)
    propres = replace(propres, reference=a_quoi)
    rapportees = bandes(connues, reference=a_quoi, nom_reference=nom_reference, unite=unite,
                        decimales=decimales)
    if choix == "auto":
        unie = _plus_grande_part(rapportees, connues)
        choix = "territoire" if unie > _TROP_UNIE and _plus_grande_part(propres, connues) < unie else "france"
    return (rapportees, propres) if choix == "france" else (propres, rapportees)


def _plus_grande_part(classes: Classes, valeurs: Sequence[float]) -> float:
    return int(np.bincount(classes.indices(valeurs)).max()) / len(valeurs)


def quantiles(
    valeurs: Iterable, *, nombre_classes: int = 5, unite: str | None = None, decimales: int | None = None
) -> Classes:
    """Classes d'effectifs voisins ; les bornes qui s'écrivent pareil sont réunies, un minimum répété est à part.

    Raises
    ------
    DemandeFausse
        Aucune valeur observée : il n'y a rien à classer.

    Examples
    --------
    >>> quantiles([1, 2, 3, 4, float("nan")], nombre_classes=2).bornes
    (1.0, 2.5, 4.0)

    Neuf communes à 0 %, une à 100 : deux couleurs.

    >>> quantiles([0] * 9 + [100], unite="%").etiquettes
    ('0,0', '100,0')
    """
    places = decimales_de(unite) if decimales is None else decimales
    observees = _observees(valeurs, places, unite)
    if not len(observees):
        raise DemandeFausse(
            "aucune valeur observée", conseil="ne dessinez que le fond et la légende « sans donnée »"
        )
    parts = np.quantile(observees, np.linspace(0, 1, nombre_classes + 1))[1:-1]
    seuils = {float(arrondir(s, places)) for s in parts.tolist()}
    bas = observees.min()
    if any(s <= bas for s in seuils) and (observees > bas).any():
        # Tout un cinquième est au minimum : sans classe à lui, il aurait la couleur de ce qui le suit.
        seuils.add(float(observees[observees > bas].min()))
    return par_seuils(valeurs, seuils=sorted(seuils), unite=unite, decimales=decimales)


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
    places = decimales_de(unite) if decimales is None else decimales
    observees = _observees(valeurs, places, unite)
    internes = sorted(set(seuils))
    bas = min([*observees, *internes])
    haut = max([*observees, *internes])
    # Un seuil égal au minimum ferait une première classe vide.
    internes = [s for s in internes if bas < s <= haut]
    bornes = (float(bas), *map(float, internes), float(haut))
    paires = list(pairwise(bornes))
    etiquettes = [_etiquette(*paire, observees, places) for paire in paires[:-1]]
    etiquettes.append(_derniere(*paires[-1], places))
    teintes = tuple(palette) if palette else couleurs.palette(len(etiquettes))
    if len(teintes) != len(etiquettes):
        raise DemandeFausse(
            f"{len(teintes)} couleurs pour {len(etiquettes)} classes", attendu="une couleur par classe"
        )
    return Classes(bornes, teintes, tuple(_insecable(e) for e in etiquettes), places=places, unite=unite)


def _etiquette(a: float, b: float, observees: np.ndarray, places: int) -> str:
    """« de a à moins de b » ; « a » seul quand rien d'autre ne peut s'y écrire, ou ne s'y trouve au minimum."""
    pas = 10.0**-places
    dedans = observees[(observees >= a) & (observees < b)]
    if 0 < a < pas or (b < 1.5 * pas and (dedans > a).any()):
        # Des parts infimes, entre zéro et ce qui s'écrit.
        return f"moins de {nombre(b, decimales=places)}" if b < 1.5 * pas else (
            f"plus de 0 et moins de {nombre(b, decimales=places)}"
        )
    if b - a < 1.5 * pas or a == observees.min() == dedans.max(initial=a):
        return nombre(a, decimales=places)
    return f"de {nombre(a, decimales=places)} à moins de {nombre(b, decimales=places)}"


def _derniere(a: float, b: float, places: int) -> str:
    dit = [nombre(x, decimales=places) for x in (a, b)]
    if 0 < a < 10.0**-places:
        return f"moins de {nombre(10.0**-places, decimales=places)}" if a == b else f"plus de 0, jusqu'à {dit[1]}"
    return dit[0] if a == b else f"de {dit[0]} à {dit[1]}"


def _decimales_utiles(rapport: float) -> int:
    return 0 if float(rapport).is_integer() else 2


def _insecable(texte: str) -> str:
    return texte.replace(f"{FINE} ", FINE).replace(" fois ", f"{INSECABLE}fois{INSECABLE}", 1)
