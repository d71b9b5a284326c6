"""QUOI : une définition par indicateur, un module par thème, des fonctions pures."""

from cafdiag.indicateurs.dictionnaire import THEMES, choisir, dictionnaire
from cafdiag.indicateurs.mesures import annees_disponibles, comparer, mesurer, mesurer_maille, mesurer_serie
from cafdiag.indicateurs.options import Options

__all__ = [
    "THEMES",
    "Options",
    "annees_disponibles",
    "choisir",
    "comparer",
    "dictionnaire",
    "mesurer",
    "mesurer_maille",
    "mesurer_serie",
]
