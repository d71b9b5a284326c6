"""Animation de la vie sociale : centres sociaux et QPV, EVS ruraux, densité de structures.

Les listes de structures embarquées sont partielles. Un compte tiré d'une liste partielle est un minorant :
il n'est donné comme valeur que s'il ne peut plus augmenter. Avec un registre complet, tout devient exact.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees.communes import BPE_AVS
from cafdiag.donnees.grandeurs import derniere_annee
from cafdiag.indicateurs.agregation import exacte
from cafdiag.indicateurs.contexte import Contexte, resultat
from cafdiag.indicateurs.generiques import editions_de_la_grille, listes_completes, rapport_de_sommes
from cafdiag.indicateurs.qpv import liens_centres, quartiers_par_territoire, totaux_annonces
from cafdiag.millesimes import millesime
from cafdiag.territoires.referentiel import MILLESIME_POPULATION

_MANIERES = {"proximite": "dans le contour ou à 500 m au plus", "stricte": "dans le contour seulement"}
_REGISTRE = "fournissez un registre complet des structures"
_NON_SITUE = " : un centre social n'a pas de coordonnées, ou rien ne le confirme"


def qpv(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Couverture des QPV par les centres sociaux : part de QPV, d'habitants, centres par QPV."""
    indicateur = ligne["code"]
    liens, incertains = liens_centres(contexte, definition=contexte.options.definition_qpv)
    par_territoire = quartiers_par_territoire(contexte).copy()
    par_territoire["couvert"] = par_territoire["identifiant"].isin(set(liens["identifiant"]))
    par_territoire["incertain"] = par_territoire["identifiant"].isin(incertains)
    groupes = par_territoire.groupby("code")
    nombre = groupes["identifiant"].nunique().reindex(contexte.codes).fillna(0)
    facteur, plein = 100.0, pd.Series(False, index=contexte.codes)
    if indicateur == "AVS_CS_PAR_QPV":
        num = (
            par_territoire[["code", "identifiant"]]
            .merge(liens, on="identifiant")
            .groupby("code")["centre"]
            .nunique()
            .reindex(contexte.codes)
            .fillna(0)
        )
        num, den, facteur = num.where(nombre > 0), nombre, 1.0
    elif indicateur == "AVS_QPV_HAB_COUV":
        num, den = _habitants(par_territoire, contexte.codes)
        # Tous les quartiers couverts : tous leurs habitants le sont, sans qu'on ait à les compter.
        plein = groupes["couvert"].all().reindex(contexte.codes).eq(True)
    else:
        num, den = groupes["couvert"].sum().reindex(contexte.codes), nombre
    incertitude = groupes["incertain"].any().reindex(contexte.codes).eq(True)
    return _conclure(
        contexte,
        (facteur * num / den.where(den > 0)).mask(plein & den.isna(), 100.0),
        num=num,
        den=den,
        nombre=nombre,
        incertitude=incertitude,
        contours=groupes["contour"].all().reindex(contexte.codes).eq(True),
        plafond=100.0 if facteur == 100 else np.inf,
    )


def _habitants(par_territoire: pd.DataFrame, codes: pd.Index) -> tuple[pd.Series, pd.Series]:
    """Habitants couverts et total ; manquants si la population d'un seul quartier l'est."""
    den = par_territoire["population"]
    num = den.where(par_territoire["couvert"] | den.isna(), 0.0)
    num, den = (s.groupby(par_territoire["code"]).sum(skipna=False).reindex(codes) for s in (num, den))
    return num, den


def _conclure(
    contexte: Contexte,
    brut: pd.Series,
    *,
    num: pd.Series,
    den: pd.Series,
    nombre: pd.Series,
    incertitude: pd.Series,
    contours: pd.Series,
    plafond: float,
) -> pd.DataFrame:
    """Statut et motif : sans objet, exact, estimé, minorant, ou muet."""
    complete = listes_completes(contexte, "centre_social")
    aucun = nombre.eq(0)
    # Une liste partielle ne peut que sous-compter : la valeur ne vaut que si elle est déjà au plafond.
    sature = brut.ge(plafond)
    donne = ~aucun & brut.notna() & ((complete & ~incertitude) | sature)
    exact = donne & contours & (complete | sature)
    statut = pd.Series("non_disponible", index=contexte.codes)
    statut = statut.mask(donne, "estime").mask(exact, "exact").mask(aucun, "sans_objet")
    maniere = _MANIERES[contexte.options.definition_qpv]
    maille = contours.map({True: maniere, False: "à la maille de la commune, faute de contours"})
    partielle = " ; liste de centres sociaux partielle"
    motif = pd.Series("", index=contexte.codes)
    motif = motif.mask(donne, "calculé " + maille)
    motif = motif.mask(donne & ~complete, "calculé " + maille + partielle)
    minorant = ~aucun & ~donne & brut.notna()
    motif = motif.mask(minorant, "minorant " + maille + partielle + f" : {_REGISTRE}")
    motif = motif.mask(minorant & complete, "minorant " + maille + _NON_SITUE)
    motif = motif.mask(
        ~aucun & ~donne & brut.isna(),
        "la population n'est pas publiée pour tous les quartiers du territoire",
    )
    motif = motif.mask(aucun, "aucun quartier prioritaire sur ce territoire")
    vrais = num.notna() & den.notna()
    return resultat(
        contexte.codes,
        valeur=brut.where(donne),
        numerateur=num.where(vrais & donne),
        denominateur=den.where(vrais & donne),
        bas=brut.where(minorant),
        statut=statut,
        motif=motif,
        haut=pd.Series(plafond if np.isfinite(plafond) else np.nan, index=contexte.codes).where(minorant),
        maille_source=contours.map({True: "qpv", False: "commune"}),
        annee=millesime("qpv.liste"),
    )


def avs_densite(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Structures d'animation de la vie sociale pour 10 000 habitants.

    Exacte avec un registre complet ; estimée au département dont les totaux sont annoncés ; ailleurs, un
    minorant tiré des seules structures confirmées.
    """
    table = rapport_de_sommes(contexte, ligne)
    complete = listes_completes(contexte, "centre_social", "evs")
    population = contexte.somme("population", annee=MILLESIME_POPULATION)["valeur"]
    totaux = totaux_annonces()[["centre_social", "evs"]].sum(axis=1, skipna=False)
    annonces = contexte.territoires["officiel"].map(totaux).where(contexte.de_maille("departement"))
    estime = ~complete & annonces.notna()
    table.loc[estime, "valeur"] = 10_000 * annonces / population
    table.loc[estime, ["statut", "motif"]] = [
        "estime",
        "total annoncé par la Caf ou Senacs, sans liste complète",
    ]
    table.loc[estime, "numerateur"] = annonces
    dites = table["valeur"].notna() & ~estime
    table.loc[dites & ~complete, ["motif", "source", "millesime"]] = [
        "d'après la base permanente des équipements",
        "Insee, base permanente des équipements ; Insee, populations légales",
        f"équipements {derniere_annee(contexte.communes, BPE_AVS['evs'])}, population {MILLESIME_POPULATION}",
    ]
    muet = ~complete & ~estime & table["statut"].eq("non_disponible")
    nombre = contexte.sommer(contexte.partager(("avs confirmees",), lambda: _avs_confirmees(contexte)))[
        "connu"
    ]
    table.loc[muet, "haut"] = np.nan
    table.loc[muet, "bas"] = (10_000 * nombre / population).where(nombre > 0)
    confirmees = nombre.astype(int).map(
        lambda n: {0: "aucune structure confirmée", 1: "une structure confirmée"}.get(
            n, f"{n} structures confirmées"
        )
    )
    table.loc[muet, "motif"] = "liste de structures partielle, " + confirmees + f" ; {_REGISTRE}"
    return table


def _avs_confirmees(contexte: Contexte) -> pd.DataFrame:
    """Centres sociaux et EVS confirmés, par commune."""
    avs = contexte.structures[
        contexte.structures["type"].isin(["centre_social", "evs"])
        & contexte.structures["sur"].astype(bool)
        & contexte.structures["liste"]
    ]
    return exacte(avs.groupby("code").size().reindex(contexte.communes.index, fill_value=0).astype(float))


def evs_part_rural(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Part des EVS en commune rurale : exacte avec un registre complet, muette sinon."""
    table = rapport_de_sommes(contexte, ligne, partie=True)
    complete, aucun = listes_completes(contexte, "evs"), table["statut"].eq("sans_objet")
    dites = (table["valeur"].notna() | aucun) & ~complete
    table.loc[dites, "source"] = "Insee, base permanente des équipements ; Insee, grille communale de densité"
    edition = derniere_annee(contexte.communes, BPE_AVS["evs"])
    grilles = pd.Series(editions_de_la_grille(contexte), index=table.index)
    table.loc[dites, "millesime"] = f"équipements {edition}, " + grilles[dites]
    table.loc[~complete & table["statut"].eq("non_disponible"), "motif"] = (
        f"liste d'EVS partielle, une part n'en dit rien : {_REGISTRE}"
    )
    table.loc[aucun, "motif"] = "aucun espace de vie sociale"
    return table


def frr_sans_avs(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Communes FRR sans centre social ni EVS : connues si l'on sait, pour chacune, qu'elle n'en a pas ou qu'elle en a.

    Une liste partielle ne dit jamais qu'une commune n'a rien ; elle dit seulement que certaines ont quelque chose.
    """
    frr = contexte.par_commune("communes_frr")
    structures = contexte.par_commune("structures_avs")["valeur"]
    confirmees = contexte.partager(("avs confirmees",), lambda: _avs_confirmees(contexte))["valeur"]
    avec, sans = structures.gt(0) | confirmees.gt(0), structures.eq(0)
    bas, haut = frr["bas"].where(sans & ~avec, 0.0), frr["haut"].mask(avec, 0.0)
    somme = contexte.sommer(pd.DataFrame({"valeur": bas.where(bas.eq(haut)), "bas": bas, "haut": haut}))
    zonees, connu = contexte.somme("communes_frr"), somme["valeur"].notna()
    aucune = zonees["valeur"].eq(0)
    sue = listes_completes(contexte, "centre_social", "evs")
    return resultat(
        contexte.codes,
        valeur=somme["valeur"].mask(aucune),
        numerateur=somme["valeur"].mask(aucune),
        bas=somme["bas"].where(~connu & somme["bas"].gt(0)),
        haut=somme["haut"].where(~connu & somme["bas"].gt(0)),
        statut=connu.map({True: "exact", False: "non_disponible"}).mask(aucune, "sans_objet"),
        motif=pd.Series("", index=contexte.codes)
        .mask(~connu, f"listes de centres sociaux et d'EVS partielles : {_REGISTRE}")
        .mask(~connu & sue, contexte.manquantes("communes_frr"))
        .mask(connu & ~sue, "d'après la base permanente des équipements")
        .mask(aucune, "aucune commune classée FRR sur ce territoire"),
        annee=millesime("zonages.frr"),
    )
