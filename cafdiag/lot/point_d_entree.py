"""Ce que nomme encore une installation d'avant ; « papermill --engine souche » n'existe plus."""

MoteurSouche = None
