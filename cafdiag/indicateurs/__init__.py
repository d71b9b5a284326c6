"""QUOI : une définition par indicateur, un module par thème, des fonctions pures."""

from cafdiag.indicateurs.comparables import comparables
from cafdiag.indicateurs.comparaison import Confrontation, comparer, confronter, situer
from cafdiag.indicateurs.dictionnaire import THEMES, choisir, dictionnaire, effectifs
from cafdiag.indicateurs.mesures import annees_disponibles, mesurer, mesurer_maille, mesurer_serie
from cafdiag.indicateurs.options import Options

__all__ = [
    "THEMES",
    "Confrontation",
    "Options",
    "annees_disponibles",
    "choisir",
    "comparables",
    "comparer",
    "confronter",
    "dictionnaire",
    "effectifs",
    "mesurer",
    "mesurer_maille",
    "mesurer_serie",
    "situer",
]
