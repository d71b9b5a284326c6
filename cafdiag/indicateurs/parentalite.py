"""Parentalité : les relais petite enfance et les communes qu'ils couvrent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.indicateurs.contexte import Contexte
from cafdiag.indicateurs.generiques import a_apporter, rapport_de_sommes


def couverture_rpe(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Part des enfants d'une commune couverte par un relais : un minorant tant que la liste n'est pas complète.

    Une commune sans relais connu peut être couverte par celui d'à côté : la base des équipements ne le dit pas.
    """
    table = rapport_de_sommes(contexte, ligne, partie=True)
    enfants = contexte.somme_alignee(ligne["denominateur"], table["annee"])["valeur"]
    couverts = contexte.somme(ligne["numerateur"])["bas"]
    minorant = 100 * couverts / enfants.where(enfants > 0)
    muet = table["statut"].eq("non_disponible") & minorant.notna()
    table["bas"] = table["bas"].mask(muet, minorant)
    table["haut"] = table["haut"].mask(muet, 100.0)
    table["motif"] = table["motif"].mask(
        muet, "minorant : un relais couvre aussi des communes où il n'est pas ; " + a_apporter(ligne)
    )
    return table.astype({"bas": np.float64, "haut": np.float64})
