"""Les territoires : commune, EPCI, département, région, France, QPV et périmètre libre.

>>> from cafdiag.territoires import territoire
>>> territoire("Pays de Craon").libelle
'CC du Pays de Craon (EPCI 200048551)'
"""

from cafdiag.territoires.cog import a_jour
from cafdiag.territoires.listes import lister, membres
from cafdiag.territoires.objets import MAILLES, Territoire
from cafdiag.territoires.perimetres import perimetre
from cafdiag.territoires.resolution import territoire

__all__ = ["MAILLES", "Territoire", "a_jour", "lister", "membres", "perimetre", "territoire"]
