"""Comment le montrer : cartes, graphiques, tableaux, textes, rapport."""
