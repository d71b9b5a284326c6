"""Les choix de calcul que l'utilisateur peut changer ; chacun est écrit à côté du chiffre qu'il touche."""

from __future__ import annotations

from dataclasses import dataclass

from cafdiag.erreurs import DemandeFausse

DEFINITIONS_QPV = ("proximite", "stricte")


@dataclass(frozen=True)
class Options:
    """Choix de calcul.

    Attributes
    ----------
    definition_qpv : {"proximite", "stricte"}
        Un QPV est couvert si un centre social est dedans (``stricte``), ou dedans ou à 500 m au plus
        (``proximite``).
    distance_alsh_km : float
        Distance, à vol d'oiseau, sous laquelle un accueil de loisirs est dit proche.

    Raises
    ------
    DemandeFausse
        Définition inconnue ; distance hors de 0 à 100 km.

    Examples
    --------
    >>> Options(distance_alsh_km="3").distance_alsh_km
    3.0
    """

    definition_qpv: str = "proximite"
    distance_alsh_km: float = 5.0

    def __post_init__(self) -> None:
        if self.definition_qpv not in DEFINITIONS_QPV:
            raise DemandeFausse(
                f"définition de la couverture des QPV : « {self.definition_qpv} »",
                attendu=" ou ".join(DEFINITIONS_QPV),
            )
        try:
            distance = float(str(self.distance_alsh_km).replace(",", "."))
        except ValueError:
            distance = float("nan")
        if not 0 < distance <= 100:
            raise DemandeFausse(
                f"distance à un accueil de loisirs : « {self.distance_alsh_km} »",
                attendu="un nombre de km, de 0 à 100",
            )
        object.__setattr__(self, "distance_alsh_km", distance)
