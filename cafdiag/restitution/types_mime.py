"""Les sorties du carnet que l'assemblage du rapport reconnaît."""

NOTRES = "application/vnd.cafdiag."
# Seuls les morceaux ainsi marqués entrent dans le rapport : un tableau d'essai ajouté au carnet n'y va pas.
MIME_BLOC = "application/vnd.cafdiag.bloc+json"
MIME_GARDE = "application/vnd.cafdiag.garde+json"
MIME_NOTE = "application/vnd.cafdiag.note+json"
MIME_MESURES = "application/vnd.cafdiag.mesures+json"
# Ce que le carnet prépare pour un autre fichier que le rapport.
HORS_DU_RAPPORT = frozenset((MIME_MESURES, MIME_NOTE))
