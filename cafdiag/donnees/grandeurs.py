"""Les grandeurs qu'un territoire peut apporter (``data/grandeurs.csv``), et la classe de secret de chacune.

Trois classes : ``publique_exacte`` (places, équipements, population), ``publique_arrondie`` (effectifs que la
source arrondit), ``confidentielle_partenaire`` (effectifs remis par une Caf : leurs petites cellules se masquent).
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from cafdiag.erreurs import DonneesAbimees
from cafdiag.magasin import dossier, verifier

CLASSES = ("publique_arrondie", "publique_exacte", "confidentielle_partenaire")


@lru_cache(maxsize=1)
def _lire() -> pd.DataFrame:
    chemin = verifier(dossier("data") / "grandeurs.csv")
    try:
        table = pd.read_csv(chemin, sep=";", dtype=str, keep_default_na=False, encoding="utf-8")
        table = table.set_index("grandeur", drop=False)
        if not table.index.is_unique or not set(table["classe"]) <= set(CLASSES):
            raise ValueError("une grandeur est en double, ou sa classe est inconnue")
    except (OSError, ValueError, KeyError) as cause:
        raise DonneesAbimees(
            chemin.name, f"liste des grandeurs illisible ({cause})", conseil="retéléchargez le projet"
        ) from cause
    return table


def grandeurs() -> pd.DataFrame:
    """Les grandeurs du modèle ``activite.xlsx``, une par ligne.

    Returns
    -------
    DataFrame
        Indexé par grandeur : ``libelle``, ``unite``, ``classe``, ``producteur`` (à qui la demander),
        ``precision`` (ce qu'on y compte), ``autres_noms`` et ``negatif`` (une valeur négative a un sens).

    Examples
    --------
    >>> grandeurs().loc["heures_facturees_eaje", ["libelle", "unite", "classe"]].tolist()
    ['Heures facturées en EAJE', 'heures', 'publique_exacte']
    """
    return _lire().copy()
