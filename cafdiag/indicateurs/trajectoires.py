"""Les naissances projetées de tous les territoires d'un contexte, ce qui empêche de projeter, et l'indicateur.

Tout se calcule pour toutes les communes à la fois, une fois par entrepôt.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees.calibrage import calibrage_horizon, ecart_type, epreuve_horizon
from cafdiag.indicateurs.agregation import exacte
from cafdiag.indicateurs.contexte import Contexte, resultat
from cafdiag.indicateurs.enfants import enfants_estimes
from cafdiag.indicateurs.projection import SERIE_MINIMALE, projeter_communes, series_de_naissances
from cafdiag.magasin import lire_table

ANNEES_MAXIMALES = 10
HABITANTS_MINIMAUX = 2000
TROP_PETITE = "moins de 2\u202f000 habitants : le hasard d'une année l'emporte sur la tendance"
# L'indicateur : dans cinq ans, l'horizon le plus lointain éprouvé pour les enfants.
DANS = 5
# De l'intervalle à 90 % des estimations d'enfants à celui à 80 % des projections (loi normale).
DE_90_A_80 = 1.2816 / 1.6449


def series(contexte: Contexte) -> pd.DataFrame:
    """Naissances de toutes les communes, années connues partout ; calculées une fois."""
    return contexte.partager(("series de naissances",), lambda: _series(contexte.communes))


def _series(communes: pd.DataFrame) -> pd.DataFrame:
    """Sans les arrondissements, déjà comptés avec leur ville : un import peut les porter tous les deux."""
    lues = lire_table("communes", colonnes=["code"], filtres=[("type", "==", "COM")])
    return series_de_naissances(communes[communes.index.isin(lues["code"])]).reindex(communes.index)


def empechement(contexte: Contexte, depuis: int) -> pd.Series:
    """Par territoire, pourquoi on se tait (vide : rien n'empêche de projeter)."""
    toutes = series(contexte).loc[:, :depuis]
    motifs = pd.Series("", index=contexte.codes, dtype=object)
    inconnues = contexte.sommer_ensembles(exacte(toutes.iloc[:, -1]))
    manque = inconnues["n_manquants"].gt(0)
    motifs[manque] = [
        f"les naissances de {depuis} sont inconnues pour {n} de ses {total} communes" if total > 1
        else f"ses naissances de {depuis} ne sont pas connues"
        for n, total in zip(inconnues.loc[manque, "n_manquants"], inconnues.loc[manque, "n"], strict=True)
    ]  # fmt: skip
    debut = toutes.iloc[:, -SERIE_MINIMALE:].sum(axis=1, skipna=False)
    court = motifs.eq("") & contexte.sommer_ensembles(exacte(debut))["n_manquants"].gt(0)
    motifs[court] = f"ses naissances sont connues depuis moins de {SERIE_MINIMALE} ans en {depuis}"
    aucune = motifs.eq("") & contexte.sommer_ensembles(exacte(toutes.iloc[:, -3:].sum(axis=1)))["valeur"].le(0)
    motifs[aucune] = "aucune naissance domiciliée en trois ans"
    habitants = contexte.somme("population")["valeur"]
    petite = contexte.territoires["maille"].isin(["commune", "perimetre"]) & habitants.lt(HABITANTS_MINIMAUX)
    motifs[petite] = TROP_PETITE
    motifs[contexte.de_maille("qpv")] = "les naissances se publient à la commune, pas au quartier"
    return motifs


def projetees(contexte: Contexte, depuis: int) -> pd.DataFrame:
    """Naissances projetées de toutes les communes ; calculées une fois pour tous les territoires."""

    def calculer() -> pd.DataFrame:
        return projeter_communes(
            series(contexte).loc[:, :depuis],
            contexte.communes["epci"],
            lire_table("epci").set_index("code")["departement"],
            ANNEES_MAXIMALES,
        )

    return contexte.partager(("naissances projetees", depuis), calculer)


def largeurs(grandeur: str, maille: str, taille, horizon) -> tuple:
    """Bornes (en logarithme) de l'intervalle à 80 % réglé par l'épreuve.

    Parameters
    ----------
    grandeur, maille : str
        ``naissances`` à l'``epci`` ou à la ``commune`` ; ``enfants`` à la ``commune``, seule éprouvée.
    taille : float or array
        Naissances d'une année ; de trois ans pour les enfants.
    horizon : int or array of int
        Années devant soi.
    """
    p = calibrage_horizon().loc[(grandeur, maille)]
    p = p.reindex(horizon).reset_index(drop=True) if np.ndim(horizon) else p.loc[horizon]
    large = ecart_type(taille, p)
    return np.asarray(p["quantile_bas"] * large), np.asarray(p["quantile_haut"] * large)


# --- L'indicateur ---


def enfants_dans_cinq_ans(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Enfants de moins de 3 ans cinq ans après les dernières naissances connues, hypothèse « tendance », encadrés."""
    toutes = series(contexte)
    if toutes.shape[1] < SERIE_MINIMALE:
        motif = f"naissances connues partout sur moins de {SERIE_MINIMALE} ans"
        return resultat(contexte.codes, statut="non_disponible", motif=motif)
    depuis = int(toutes.columns[-1])
    motif, estimes = empechement(contexte, depuis), enfants_estimes(contexte, depuis)
    trois_ans = projetees(contexte, depuis)[[depuis + DANS - 2, depuis + DANS - 1, depuis + DANS]]
    cohorte = contexte.sommer_ensembles(exacte(trois_ans.sum(axis=1, min_count=3)))["valeur"]
    valeur = cohorte * (estimes["valeur"] / estimes["naissances"].where(estimes["naissances"].gt(0)))
    connu = motif.eq("") & valeur.notna()
    bas, haut = (
        np.hypot(borne, DE_90_A_80 * np.log(estimes[c].clip(lower=1) / estimes["valeur"].clip(lower=1)))
        for borne, c in zip(largeurs("enfants", "commune", cohorte, DANS), ("bas", "haut"), strict=True)
    )
    table = epreuve_horizon()
    e = table[table["grandeur"].eq("enfants") & table["horizon"].eq(DANS)].iloc[0]
    dite = (
        f"hypothèse « tendance » ; calé jusqu'en {e['origines']}, l'intervalle à 80 % a contenu {e['couverture']:g} % "
        f"de ce qui est arrivé dans {e['territoires']} communes"
    ).replace(".", ",")
    alertes = estimes["alerte"].map(lambda a: f" ; {a}" if a else "")
    return resultat(
        contexte.codes,
        valeur=valeur.round().where(connu),
        bas=np.floor(valeur * np.exp(-bas)).where(connu),
        haut=np.ceil(valeur * np.exp(haut)).where(connu),
        statut=np.where(connu, "estime", "non_disponible"),
        motif=motif.mask(motif.eq("") & ~connu, estimes["motif"]).mask(connu, dite + alertes),
        maille_source="commune",
        annee=depuis + DANS,
        millesime=f"naissances jusqu'en {depuis}",
    )
