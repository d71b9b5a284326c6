"""Ce qu'on sait d'une grandeur dont on n'a pas la valeur : au moins tant, au plus tant, entre les deux.

Une borne n'est pas une valeur : elle ne se classe pas, ne se moyenne pas, ne se compare pas. Elle se dit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

_FINE = "\u202f"


def bornes_utiles(mesure: Mapping) -> tuple[float | None, float | None]:
    """Bornes qui apprennent quelque chose d'une mesure sans valeur ; une part n'est jamais sous 0 ni au-dessus de 100.

    Examples
    --------
    >>> muette = {"statut": "non_disponible", "valeur": None, "unite": "%"}
    >>> bornes_utiles(muette | {"bas": 96.2, "haut": 100.0}), bornes_utiles(muette | {"bas": 0.0, "haut": 100.0})
    ((96.2, None), (None, None))
    >>> bornes_utiles({"statut": "exact", "valeur": 3.0, "bas": 2.0, "haut": 4.0})
    (None, None)
    """
    if mesure["statut"] != "non_disponible" or not pd.isna(mesure.get("valeur")):
        return None, None
    bas, haut = (None if pd.isna(mesure.get(b)) else float(mesure[b]) for b in ("bas", "haut"))
    if haut is not None and (math.isinf(haut) or (mesure.get("unite") == "%" and haut >= 100)):
        haut = None
    return (None if bas is None or bas <= 0 else bas), haut


def dire_bornes(mesure: Mapping, decimales: int, *, unite: str = "") -> str:
    """« au moins 96,2 », « au plus 6,1 », « entre 5,1 et 6,1 » ; vide si la mesure a sa valeur, ou si rien n'est su.

    Un plancher s'arrondit vers le bas, un plafond vers le haut : arrondi au plus proche, « au moins » mentirait.

    Examples
    --------
    >>> muette = {"statut": "non_disponible", "valeur": None, "unite": "%", "bas": 96.27, "haut": 100.0}
    >>> dire_bornes(muette, 1), dire_bornes(muette | {"haut": 98.11}, 1, unite="%").replace(_FINE, " ")
    ('au moins 96,2', 'entre 96,2 et 98,2 %')
    """
    pas = 10**decimales
    bas, haut = (
        None if b is None else arrondir(round(b * pas, 6))
        for b, arrondir in zip(bornes_utiles(mesure), (math.floor, math.ceil), strict=True)
    )
    # « au moins 0,0 », « au plus 100,0 % » ne disent rien.
    bas = bas or None
    haut = None if haut is not None and mesure.get("unite") == "%" and haut >= 100 * pas else haut
    ecrits = [f"{b / pas:,.{decimales}f}".replace(",", _FINE).replace(".", ",") for b in (bas, haut) if b is not None]
    if not ecrits:
        return ""
    sens = "au moins" if haut is None else "au plus"
    dite = f"entre {' et '.join(ecrits)}" if len(ecrits) == 2 else f"{sens} {ecrits[0]}"
    if unite == "%":
        return f"{dite}{_FINE}%"
    # L'unité est au pluriel, qui commence à deux.
    return f"{dite} {unite}" if unite and float(ecrits[-1].replace(_FINE, "").replace(",", ".")) >= 2 else dite


def ecrire_les_bornes(table: pd.DataFrame, decimales: Mapping[str, int]) -> pd.DataFrame:
    """Mesures dont le motif commence par ce que l'on sait (« au moins 96,2 % ; … ») : un tableur ne lit pas ailleurs.

    Parameters
    ----------
    table : DataFrame
        Mesures, une par ligne.
    decimales : mapping
        Nombre de décimales de chaque indicateur.
    """
    vues = table["statut"].eq("non_disponible") & (table["bas"].gt(0) | table["haut"].notna())
    if not vues.any():
        return table
    table = table.copy()
    colonnes = ["indicateur", "statut", "valeur", "bas", "haut", "unite", "motif"]
    motifs = []
    for ligne in table.loc[vues, colonnes].to_dict("records"):
        dite = dire_bornes(ligne, decimales.get(ligne["indicateur"], 1), unite=ligne["unite"])
        motifs.append(" ; ".join(m for m in (dite, ligne["motif"]) if m))
    table.loc[vues, "motif"] = motifs
    return table
