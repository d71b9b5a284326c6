"""Ce que dure un trajet entre deux communes : étalonné sur la route quand l'Insee le permet, sinon à vol d'oiseau.

La source « Localisation et accès de la population aux équipements » (:mod:`cafdiag.donnees.lecteurs.insee_acces`)
donne, commune par commune, la durée de route des habitants jusqu'aux équipements, et leur distance à vol d'oiseau.
"""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.grandeurs import derniere_annee
from cafdiag.indicateurs.accessibilite import Voisinage, metres, minutes
from cafdiag.indicateurs.contexte import Contexte

_SOMMES = ("route_{*}_popminutes", "route_{*}_popkm")


def allures(contexte: Contexte) -> pd.Series | None:
    """Minutes de route pour un mètre à vol d'oiseau, au départ de chaque commune ; None si rien ne les étalonne."""

    def etalonner() -> pd.Series | None:
        an = derniere_annee(contexte.communes, *_SOMMES)
        if an is None:
            return None
        duree, km = (contexte.communes[c.replace("{*}", str(an))].astype("float64") for c in _SOMMES)
        convention = minutes(1.0, vitesse_kmh=contexte.options.vitesse_kmh)
        return (duree / km.where(km.gt(0)) / 1000).fillna(convention)

    return contexte.partager(("allures", contexte.options.vitesse_kmh), etalonner)


def rayon_m(contexte: Contexte, duree: float) -> float:
    """Au-delà de cette distance à vol d'oiseau, aucune commune n'est à tant de minutes d'une autre."""
    connues = allures(contexte)
    convention = metres(duree, vitesse_kmh=contexte.options.vitesse_kmh)
    return convention if connues is None else duree / float(connues.min())


def en_minutes(contexte: Contexte, voisinage: Voisinage) -> Voisinage:
    """Le même voisinage, en minutes, à l'allure de chaque commune de départ."""
    connues = allures(contexte)
    if connues is None:
        return voisinage.en_minutes(vitesse_kmh=contexte.options.vitesse_kmh)
    cout = voisinage.cout * connues.loc[voisinage.origines].to_numpy()[voisinage.i]
    return Voisinage(voisinage.origines, voisinage.lieux, voisinage.i, voisinage.j, cout)


def dire_convention(contexte: Contexte) -> str:
    """La durée que rien n'étalonne, en une phrase."""
    vitesse = f"{contexte.options.vitesse_kmh:g}".replace(".", ",")
    return f"durée estimée : distance à vol d'oiseau × 1,3, à {vitesse} km/h, entre points centraux de communes"


def dire_duree(contexte: Contexte) -> str:
    """Comment la durée d'un trajet entre communes est connue, en une phrase."""
    an = derniere_annee(contexte.communes, *_SOMMES)
    if an is None:
        return dire_convention(contexte)
    vitesse = f"{contexte.options.vitesse_kmh:g}".replace(".", ",")
    return (
        f"durée estimée : distance à vol d'oiseau, à l'allure de la route au départ de chaque commune (Insee, {an}), "
        f"× 1,3 à {vitesse} km/h où elle manque"
    )


def proche(contexte: Contexte, groupe: str) -> tuple[int, pd.DataFrame] | None:
    """Durées de route jusqu'à l'équipement le plus proche, par commune : l'édition, et ``duree`` (minutes).

    Les colonnes ``a<seuil>`` sont les parts d'habitants à tant de minutes au plus. None sans la source.
    """
    gabarits = [f"acces_{{*}}_{groupe}_{terme}" for terme in ("pop", "popminutes")]
    an = derniere_annee(contexte.communes, *gabarits)
    if an is None:
        return None
    prefixe = f"acces_{an}_{groupe}_"
    sommes = contexte.communes[[c for c in contexte.communes if c.startswith(prefixe)]].astype("float64")
    sommes.columns = [c.removeprefix(prefixe) for c in sommes]
    pop = sommes.pop("pop")
    rendue = sommes.div(pop.where(pop.gt(0)), axis=0).rename(columns={"popminutes": "duree"})
    return (an, rendue) if rendue["duree"].notna().any() else None
