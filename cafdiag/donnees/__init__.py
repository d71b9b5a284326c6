"""AVEC QUOI : les grandeurs par commune, et ce que l'utilisateur apporte."""

import cafdiag.textes_des_tables  # noqa: F401  -- avant toute table
from cafdiag.donnees.apports import Apports, lire_apports
from cafdiag.donnees.communes import table_communes
from cafdiag.donnees.grandeurs import VARIABLES, Variable, classe_de, evaluer

__all__ = ["VARIABLES", "Apports", "Variable", "classe_de", "evaluer", "lire_apports", "table_communes"]
