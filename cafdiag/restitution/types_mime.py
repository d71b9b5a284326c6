"""Les sorties du carnet que l'assemblage du rapport reconnaît."""

import json
from typing import Any

# Seuls les morceaux ainsi marqués entrent dans le rapport : un tableau d'essai ajouté au carnet n'y va pas.
MIME_BLOC = "application/vnd.cafdiag.bloc+json"
MIME_GARDE = "application/vnd.cafdiag.garde+json"
MIME_NOTE = "application/vnd.cafdiag.note+json"
MIME_MESURES = "application/vnd.cafdiag.mesures+json"
# Ce que le carnet prépare pour un autre fichier que le rapport.
HORS_DU_RAPPORT = frozenset((MIME_MESURES, MIME_NOTE))


def porter(objet: Any) -> str:
    """Ce qu'une sortie porte, en un texte : une table passe de processus en processus d'un bloc, non case par case.

    >>> porter({"titre": "Évron"})
    '{"titre": "Évron"}'
    """
    return json.dumps(objet, ensure_ascii=False, default=lambda nombre: nombre.item())


def deplier(porte: Any) -> Any:
    """L'inverse ; un carnet d'avant portait l'objet lui-même."""
    return json.loads(porte) if isinstance(porte, str) else porte
