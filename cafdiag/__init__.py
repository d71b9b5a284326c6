"""cafdiag : la boîte à outils Jupyter du diagnostic de territoire des Caf.

>>> import cafdiag as cd
>>> cd.territoire("200048551").nom
'CC du Pays de Craon'
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from cafdiag.erreurs import CafdiagError

try:
    __version__ = version("cafdiag")
except PackageNotFoundError:  # dépôt lu sans installation
    __version__ = "0+depot"

if TYPE_CHECKING:
    from cafdiag.donnees import Apports, lire_apports
    from cafdiag.donnees.commandes import etat as etat_des_donnees
    from cafdiag.donnees.commandes import importer, telecharger
    from cafdiag.donnees.commandes import verifier as verifier_les_donnees
    from cafdiag.indicateurs import Options, comparer, mesurer, mesurer_maille, situer
    from cafdiag.indicateurs.anomalies import verifier_portrait
    from cafdiag.indicateurs.avis import avis
    from cafdiag.indicateurs.baremes import lire_baremes as baremes
    from cafdiag.indicateurs.bilan import bilan
    from cafdiag.indicateurs.comparables import comparables
    from cafdiag.indicateurs.departs import simuler_departs
    from cafdiag.indicateurs.dictionnaire import dictionnaire
    from cafdiag.indicateurs.evolution import decomposer, serie
    from cafdiag.indicateurs.financement import financer_alsh, financer_animation
    from cafdiag.indicateurs.horizon import horizon
    from cafdiag.indicateurs.horizon_objets import ApportHorizon
    from cafdiag.indicateurs.instantane import Evaluation, evaluer, figer
    from cafdiag.indicateurs.non_couvert import besoin
    from cafdiag.indicateurs.questionnaire import depouiller
    from cafdiag.indicateurs.simulation import simuler
    from cafdiag.indicateurs.simulation_objets import Hypotheses
    from cafdiag.indicateurs.sppe import sppe
    from cafdiag.indicateurs.sur_table import calculer
    from cafdiag.restitution.cartes import carte
    from cafdiag.restitution.departement import vue_departementale
    from cafdiag.restitution.diagnostic import Diagnostic
    from cafdiag.restitution.explorateur import explorer
    from cafdiag.restitution.montrer import montrer
    from cafdiag.restitution.produire import diagnostic
    from cafdiag.restitution.sppe import ecrire as trame_sppe
    from cafdiag.territoires import (
        Territoire,
        garder_perimetre,
        lister,
        oublier_montres,
        oublier_perimetre,
        perimetre,
        perimetres_gardes,
        perimetres_montres,
        territoire,
    )

# Chargement à la demande : `import cafdiag` doit rester instantané, folium et geopandas ne le sont pas.
_OU = {
    "Territoire": "territoires",
    "lister": "territoires",
    "garder_perimetre": "territoires",
    "oublier_montres": "territoires",
    "oublier_perimetre": "territoires",
    "perimetre": "territoires",
    "perimetres_gardes": "territoires",
    "perimetres_montres": "territoires",
    "territoire": "territoires",
    "Apports": "donnees",
    "lire_apports": "donnees",
    "calculer": "indicateurs.sur_table",
    "comparables": "indicateurs",
    "comparer": "indicateurs",
    "dictionnaire": "indicateurs",
    "mesurer": "indicateurs",
    "mesurer_maille": "indicateurs",
    "situer": "indicateurs",
    "Options": "indicateurs",
    "Hypotheses": "indicateurs.simulation_objets",
    "baremes": "indicateurs.baremes:lire_baremes",
    "financer_alsh": "indicateurs.financement",
    "financer_animation": "indicateurs.financement",
    "avis": "indicateurs.avis",
    "besoin": "indicateurs.non_couvert",
    "bilan": "indicateurs.bilan",
    "depouiller": "indicateurs.questionnaire",
    "simuler": "indicateurs.simulation",
    "simuler_departs": "indicateurs.departs",
    "sppe": "indicateurs.sppe",
    "horizon": "indicateurs.horizon",
    "ApportHorizon": "indicateurs.horizon_objets",
    "trame_sppe": "restitution.sppe:ecrire",
    "decomposer": "indicateurs.evolution",
    "serie": "indicateurs.evolution",
    "Evaluation": "indicateurs.instantane",
    "evaluer": "indicateurs.instantane",
    "figer": "indicateurs.instantane",
    "verifier_portrait": "indicateurs.anomalies",
    "carte": "restitution.cartes",
    "Diagnostic": "restitution.diagnostic",
    "diagnostic": "restitution.produire",
    "vue_departementale": "restitution.departement",
    "explorer": "restitution.explorateur",
    "montrer": "restitution.montrer",
    "telecharger": "donnees.commandes",
    "importer": "donnees.commandes",
    "etat_des_donnees": "donnees.commandes:etat",
    "verifier_les_donnees": "donnees.commandes:verifier",
}

__all__ = [
    "ApportHorizon",
    "Apports",
    "CafdiagError",
    "Diagnostic",
    "Evaluation",
    "Hypotheses",
    "Options",
    "Territoire",
    "__version__",
    "avis",
    "baremes",
    "besoin",
    "bilan",
    "calculer",
    "carte",
    "comparables",
    "comparer",
    "decomposer",
    "depouiller",
    "diagnostic",
    "dictionnaire",
    "etat_des_donnees",
    "evaluer",
    "explorer",
    "figer",
    "financer_alsh",
    "financer_animation",
    "garder_perimetre",
    "horizon",
    "importer",
    "lire_apports",
    "lister",
    "mesurer",
    "mesurer_maille",
    "montrer",
    "oublier_montres",
    "oublier_perimetre",
    "perimetre",
    "perimetres_gardes",
    "perimetres_montres",
    "serie",
    "simuler",
    "simuler_departs",
    "situer",
    "sppe",
    "telecharger",
    "territoire",
    "trame_sppe",
    "verifier_les_donnees",
    "verifier_portrait",
    "vue_departementale",
]


def __getattr__(nom: str):
    if nom not in _OU:
        raise AttributeError(f"module 'cafdiag' : pas de « {nom} » (disponibles : {', '.join(__all__)})")
    from importlib import import_module

    module, _, attribut = _OU[nom].partition(":")
    return getattr(import_module(f"cafdiag.{module}"), attribut or nom)


def __dir__() -> list[str]:
    return sorted(__all__)
