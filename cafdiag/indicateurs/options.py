"""Les choix de calcul que l'utilisateur peut changer ; chacun est écrit à côté du chiffre qu'il touche."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cafdiag.erreurs import DemandeFausse

DEFINITIONS_QPV = ("proximite", "stricte")
POIDS_ACCES = ("binaire", "paliers")
_BORNES = {
    "distance_alsh_km": ("distance à un accueil de loisirs", 100, "km"),
    "acces_minutes": ("durée d'accès", 120, "minutes"),
    "acces_fs_minutes": ("durée d'accès à une France services", 120, "minutes"),
    "vitesse_kmh": ("vitesse sur la route", 130, "km/h"),
}


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
    acces_minutes, acces_fs_minutes : float
        Durée estimée au plus pour qu'un équipement (une France services) soit dit accessible.
    vitesse_kmh : float
        Vitesse moyenne sur la route : ``durée = distance à vol d'oiseau × 1,3 / vitesse``.
    poids_acces : {"binaire", "paliers"}
        Dans le calcul en deux temps, une place à portée compte entière (``binaire``), ou de moins en moins avec
        la durée (``paliers`` : 1, 2/3 puis 1/3 à deux tiers, à un et à quatre tiers du seuil).
    seuil_caf : int
        Effectif sous lequel une donnée confidentielle d'un partenaire ne se montre pas.
    perimetres_publies : str
        Périmètres libres dont les chiffres sont déjà publiés, « 53012+53084, 53001+53002+53003 » : un nouveau
        chiffre ne doit pas se retrouver par différence avec eux.

    Raises
    ------
    DemandeFausse
        Définition ou poids inconnus ; distance, durée, vitesse ou seuil hors bornes.

    Examples
    --------
    >>> Options(distance_alsh_km="3").distance_alsh_km
    3.0
    """

    definition_qpv: str = "proximite"
    distance_alsh_km: float = 5.0
    acces_minutes: float = 15.0
    acces_fs_minutes: float = 20.0
    vitesse_kmh: float = 50.0
    poids_acces: str = "binaire"
    seuil_caf: int = 5
    perimetres_publies: str = ""

    def __post_init__(self) -> None:
        if self.definition_qpv not in DEFINITIONS_QPV:
            raise DemandeFausse(
                f"définition de la couverture des QPV : « {self.definition_qpv} »",
                attendu=" ou ".join(DEFINITIONS_QPV),
            )
        if self.poids_acces not in POIDS_ACCES:
            raise DemandeFausse(
                f"poids de l'accessibilité : « {self.poids_acces} »", attendu=" ou ".join(POIDS_ACCES)
            )
        for nom, (intitule, maximum, unite) in _BORNES.items():
            object.__setattr__(self, nom, _nombre(getattr(self, nom), intitule, maximum, unite))
        seuil = str(self.seuil_caf).strip()
        if not (seuil.isascii() and seuil.isdigit() and 2 <= int(seuil) <= 100):
            raise DemandeFausse(
                f"seuil du secret statistique : « {self.seuil_caf} »", attendu="un entier, de 2 à 100"
            )
        object.__setattr__(self, "seuil_caf", int(seuil))

    def dire(self, texte: str) -> str:
        """Un libellé du dictionnaire, aux seuils choisis.

        Examples
        --------
        >>> Options(distance_alsh_km=3, acces_minutes=20).dire("à moins de 5 km, à 15 minutes au plus")
        'à moins de 3 km, à 20 minutes au plus'
        """
        choisis = {
            "5 km": f"{self.distance_alsh_km:g} km",
            "15 minutes": f"{self.acces_minutes:g} minutes",
            "20 minutes": f"{self.acces_fs_minutes:g} minutes",
        }
        motif = r"\b(" + "|".join(choisis) + r")\b"
        return re.sub(motif, lambda m: choisis[m[1]].replace(".", ","), texte)


def _nombre(valeur: float | str, intitule: str, maximum: float, unite: str) -> float:
    try:
        nombre = float(str(valeur).replace(",", "."))
    except ValueError:
        nombre = float("nan")
    if not 0 < nombre <= maximum:
        raise DemandeFausse(
            f"{intitule} : « {valeur} »", attendu=f"un nombre de {unite}, plus de 0 et {maximum} au plus"
        )
    return nombre
