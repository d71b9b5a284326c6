"""Les territoires : commune, EPCI, département, région, France, QPV et périmètre libre.

>>> from cafdiag.territoires import territoire
>>> territoire("Pays de Craon").libelle
'CC du Pays de Craon (EPCI 200048551)'
"""

import cafdiag.textes_des_tables  # noqa: F401  -- avant toute table
from cafdiag.territoires.gardes import garder_perimetre, oublier_perimetre, perimetres_gardes
from cafdiag.territoires.montres import oublier_montres, perimetres_montres
from cafdiag.territoires.passage import a_jour
from cafdiag.territoires.referentiel import MAILLES, Territoire, exiger_la_ville
from cafdiag.territoires.resolution import lister, membres, perimetre, territoire

__all__ = [
    "MAILLES",
    "Territoire",
    "a_jour",
    "exiger_la_ville",
    "garder_perimetre",
    "lister",
    "membres",
    "oublier_montres",
    "oublier_perimetre",
    "perimetre",
    "perimetres_gardes",
    "perimetres_montres",
    "territoire",
]
