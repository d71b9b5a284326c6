"""Portrait : population, évolution, densité, quartiers prioritaires."""

from __future__ import annotations

import pandas as pd

from cafdiag.indicateurs.agregation import exacte
from cafdiag.indicateurs.contexte import Contexte, resultat
from cafdiag.indicateurs.qpv import quartiers_par_territoire
from cafdiag.millesimes import millesime

COURANTE, DEBUT = millesime("population.courante"), millesime("population.debut")


def population_evolution(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Évolution de la population municipale, en %, à géographie constante : ``population`` de ``millesimes.toml``."""
    fin, debut = (contexte.somme("population", annee=a) for a in (COURANTE, DEBUT))
    valeur = 100 * (fin["valeur"] / debut["valeur"].where(debut["valeur"] > 0) - 1)
    manque = contexte.manquantes("population", annee=DEBUT)
    manque = manque.where(manque.ne(""), contexte.manquantes("population", annee=COURANTE))
    statut = pd.Series("exact", index=contexte.codes).mask(valeur.isna(), "non_disponible")
    nul = debut["valeur"].eq(0)
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=fin["valeur"],
        denominateur=debut["valeur"],
        statut=statut.mask(nul, "sans_objet"),
        maille_source="commune",
        annee=COURANTE,
        motif=manque.where(valeur.isna(), "").mask(nul, f"aucun habitant en {DEBUT}"),
    )


def densite(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Habitants au km² ; superficie mesurée sur des contours généralisés, d'où le statut ``estime``."""
    population = contexte.somme("population", annee=COURANTE)
    superficie = contexte.sommer(exacte(contexte.communes["superficie_km2"].astype("float64")))["valeur"]
    valeur = population["valeur"] / superficie.where(superficie > 0)
    statut = pd.Series("estime", index=contexte.codes).mask(valeur.isna(), "non_disponible")
    motif = pd.Series("", index=contexte.codes).mask(valeur.isna(), "population ou superficie absente")
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=population["valeur"],
        denominateur=superficie,
        statut=statut,
        motif=motif,
        maille_source="commune",
        annee=COURANTE,
    )


def qpv_nombre(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Nombre de quartiers prioritaires : la liste est nationale, zéro est un vrai zéro."""
    nombre = quartiers_par_territoire(contexte).groupby("code")["identifiant"].nunique()
    valeur = nombre.reindex(contexte.codes).fillna(0).astype("float64")
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=valeur,
        maille_source="commune",
        annee=millesime("qpv.liste"),
        statut="exact",
    )
