"""Enfance : l'accès aux accueils de loisirs (ALSH) par la distance."""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.projections import projeter
from cafdiag.indicateurs.acces import des_proches
from cafdiag.indicateurs.accessibilite import proximite_par_commune
from cafdiag.indicateurs.agregation import rapport
from cafdiag.indicateurs.contexte import Contexte, premiere_connue, resultat
from cafdiag.indicateurs.generiques import citer_le_registre, dater_les_termes


def acces_par_commune(
    communes: pd.DataFrame, equipement: pd.Series, *, seuil_km: float, cibles: pd.Index | None = None
) -> pd.DataFrame:
    """À quelle distance est la commune équipée la plus proche, et le sait-on vraiment ?

    Une commune dont l'équipement n'est pas renseigné peut en cacher un plus proche : la distance est alors un
    majorant, et ``proche`` est manquant quand la réponse dépend d'elle.

    Parameters
    ----------
    communes : DataFrame
        ``lon``, ``lat``, indexés par code.
    equipement : Series
        Nombre d'équipements par commune ; manquant si la source ne dit rien.
    seuil_km : float
        Distance au-delà de laquelle l'équipement n'est plus proche.
    cibles : Index, optional
        Communes à situer ; toutes par défaut.

    Returns
    -------
    DataFrame
        Pour chaque cible : ``distance_km`` (à l'équipement connu le plus proche), ``majorant`` (une commune non
        renseignée est plus proche) et ``proche`` (vrai, faux, manquant).
    """
    points = projeter(communes["lon"], communes["lat"])
    proximite = proximite_par_commune(points, equipement, cibles=cibles) / 1000
    connu, possible = proximite["connu"], proximite["possible"]
    proche = pd.Series(pd.NA, index=connu.index, dtype="boolean")
    proche = proche.mask(connu.le(seuil_km), True)
    proche = proche.mask(connu.gt(seuil_km) & (possible.gt(seuil_km) | possible.isna()), False)
    return pd.DataFrame({"distance_km": connu, "majorant": possible.lt(connu), "proche": proche})


def acces_alsh(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Part des enfants de 3-11 ans à x km au plus d'une commune avec ALSH (A1, encadrée aux bords).

    Chaque territoire prend la plus récente année où le nombre d'enfants de toutes ses communes est connu.
    """
    table = premiere_connue(_acces_annuel(contexte, a) for a in contexte.annees_d_acces("enfants_3_11_ans"))
    return citer_le_registre(contexte, table, ligne, "alsh", voisines=True)


def _acces_annuel(contexte: Contexte, annee: int) -> pd.DataFrame:
    communes = contexte.communes
    enfants = contexte.par_commune("enfants_3_11_ans", annee=annee)
    seuil = contexte.options.distance_alsh_km
    # Sans enfants connus, la distance ne servirait à rien.
    acces = contexte.partager_longtemps(
        ("acces_alsh", annee, seuil),
        lambda: acces_par_commune(
            communes,
            communes["alsh_equipes"],
            seuil_km=seuil,
            cibles=enfants.index[enfants["valeur"].notna()],
        )[["proche"]].reindex(communes.index),
    )
    oui, inconnu = acces["proche"].to_numpy(dtype=bool, na_value=False), acces["proche"].isna().to_numpy()
    num = contexte.sommer_ensembles(des_proches(enfants, oui, inconnu))
    den = contexte.somme("enfants_3_11_ans", annee=annee)
    brut = rapport(num, den, facteur=100, partie=True)
    connu = brut["valeur"].notna()
    nul = den["valeur"].eq(0)
    manquants = contexte.manquantes("enfants_3_11_ans", annee=annee)
    # Au bord des départements renseignés, seules les communes sûres comptent : c'est un plancher, pas une valeur.
    motif = pd.Series("", index=contexte.codes).mask(
        ~connu, "minorant : des ALSH de communes voisines non renseignées peuvent être plus proches"
    )
    motif = motif.mask(~connu & manquants.ne(""), manquants).mask(nul, "aucun enfant de 3 à 11 ans")
    borne = ~connu & den["valeur"].notna()
    statut = pd.Series("estime", index=contexte.codes).mask(~connu, "non_disponible")
    return resultat(
        contexte.codes,
        valeur=brut["valeur"].mask(nul),
        numerateur=num["valeur"],
        denominateur=den["valeur"],
        bas=brut["bas"].where(borne),
        haut=brut["haut"].where(borne),
        statut=statut.mask(nul, "sans_objet"),
        motif=motif,
        maille_source="commune",
        annee=annee,
        millesime=dater_les_termes(contexte, ("enfants_3_11_ans_equipes", annee)),
    )
