"""Les deux calculs que la plupart des indicateurs partagent : la somme (A2) et le rapport de sommes (A1)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES
from cafdiag.indicateurs.agregation import DEMI_LARGEUR_MAXIMALE, rapport
from cafdiag.indicateurs.contexte import HORS_MAYOTTE, Contexte, annee_des_taux, resultat

PART_MANQUANTE_MAXIMALE = 0.1
# Un rapport simple (personnes par foyer) encadré plus largement que cela n'apprend rien.
DEMI_LARGEUR_RELATIVE = 0.25
_GRAVITE = {"exact": 0, "arrondi": 1, "estime": 2}


def somme(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Somme des communes (A2). Un terme manquant rend le total non disponible, avec son minorant."""
    variable = ligne["numerateur"]
    definition = VARIABLES[variable]
    # Les enfants de moins de 3 ans se lisent à côté des taux de la Cnaf : à la même date.
    imposee = None
    if variable == "enfants_moins_3_ans" and contexte.annee is None:
        imposee = annee_des_taux(contexte.taux, None)
        imposee = imposee if imposee in contexte.annees(variable) else None
    somme_ = contexte.somme(variable, annee=imposee)
    connu = somme_["valeur"].notna()
    manquants = contexte.manquantes(variable, annee=imposee)
    statut = np.where(connu, definition.statut, "non_disponible")
    arrondi = definition.statut == "arrondi"
    # « Au moins » n'apprend quelque chose que si presque toutes les communes sont connues.
    presque = somme_["n_manquants"] <= PART_MANQUANTE_MAXIMALE * somme_["n"]
    minorant = somme_["bas"].where((somme_["bas"] > 0) & presque)
    bas = somme_["bas"].where(connu & arrondi, minorant.where(~connu))
    haut = somme_["haut"].where(connu & arrondi)
    haut = haut.mask(~connu & np.isfinite(somme_["haut"]), somme_["haut"])
    motif = manquants.where(~connu, "")
    motif = motif.where(minorant.isna() | connu, motif + " ; au moins " + minorant.map(_entier))
    if variable == "population":
        motif = motif.mask(connu & contexte.de_maille("france"), HORS_MAYOTTE)
    return resultat(
        contexte.codes,
        valeur=somme_["valeur"],
        numerateur=somme_["valeur"],
        bas=bas,
        haut=haut,
        statut=statut,
        motif=motif,
        maille_source="commune",
        annee=somme_["annee"],
        millesime=somme_["annee"].map(lambda a: dire_millesime(variable, a)),
    )


def _entier(x: float) -> str:
    return "" if pd.isna(x) else f"{x:,.0f}".replace(",", "\u202f")


def dire_millesime(variable: str, annee: int) -> str:
    """Millésime d'une variable : trois années de naissances se disent « 2021 à 2023 ».

    Examples
    --------
    >>> dire_millesime("enfants_moins_3_ans", 2023), dire_millesime("foyers_allocataires", 2024)
    ('2021 à 2023', 'décembre 2024')
    """
    if variable in ("naissances_3_ans", "enfants_moins_3_ans"):
        return f"{annee - 2} à {annee}"
    return VARIABLES[variable].millesime.format(annee=annee)


def rapport_de_sommes(contexte: Contexte, ligne: pd.Series, *, partie: bool = False) -> pd.DataFrame:
    """Rapport de sommes (A1), encadré par l'arrondi et par les communes sans donnée.

    Un terme manquant ne rend le rapport muet que si l'encadrement dépasse ± 3 points : en deçà, le
    rapport des communes renseignées est donné, statut ``estime``, avec son intervalle.
    """
    num, den = ligne["numerateur"], ligne["denominateur"]
    sommes_num = contexte.somme(num)
    sommes_den = contexte.somme_alignee(den, sommes_num["annee"])
    if partie and sommes_num["valeur"].isna().any():
        sommes_num = _borner_par_le_tout(contexte, num, den, sommes_num)
    facteur = float(ligne["facteur"])
    brut = rapport(sommes_num, sommes_den, facteur=facteur, partie=partie)
    statut_complet = max((VARIABLES[num].statut, VARIABLES[den].statut), key=_GRAVITE.get)
    complet = brut["valeur"].notna()

    # Communes renseignées seulement : même périmètre au numérateur et au dénominateur.
    partiel = pd.Series(np.nan, index=contexte.codes)
    if not complet.all() and partie:
        partiel = _sur_communes_connues(contexte, num, den, facteur)
    demi = (brut["haut"] - brut["bas"]) / 2
    sauve = ~complet & partiel.notna() & (demi <= DEMI_LARGEUR_MAXIMALE)
    seuil = DEMI_LARGEUR_MAXIMALE if facteur == 100 else DEMI_LARGEUR_RELATIVE * brut["valeur"].abs()
    large = demi > seuil
    trop_large = complet & ~sauve & (large | ~np.isfinite(brut["haut"])) & (statut_complet == "arrondi")
    # Un effectif publié zéro, arrondi à 5, vient d'un nombre de 0 à 2 : ce n'est pas « sans objet ».
    zero_arrondi = sommes_den["valeur"].eq(0) & sommes_den["haut"].gt(0)
    nul = sommes_den["valeur"].eq(0) & ~zero_arrondi

    valeur = brut["valeur"].where(~trop_large).where(~sauve, partiel)
    connu = valeur.notna()
    encadre = (connu & (statut_complet == "arrondi")) | sauve
    statut = pd.Series("non_disponible", index=contexte.codes).mask(connu, statut_complet)
    statut = statut.mask(sauve, "estime").mask(nul, "sans_objet")
    manquants = contexte.manquantes(num)
    manquants = manquants.where(manquants.ne(""), contexte.manquantes(den))
    motif = manquants.where(~complet, "")
    motif = motif.mask(sauve, manquants + " ; calculé sur les autres, encadré")
    motif = motif.mask(
        trop_large | zero_arrondi, "effectifs arrondis trop petits : l'intervalle possible est trop large"
    )
    motif = motif.mask(nul, "le dénominateur est nul")
    return resultat(
        contexte.codes,
        valeur=valeur.mask(nul),
        numerateur=brut["numerateur"],
        denominateur=brut["denominateur"],
        bas=brut["bas"].where(encadre | trop_large),
        haut=brut["haut"].where(encadre | trop_large),
        statut=statut,
        motif=motif,
        maille_source="commune",
        annee=sommes_num["annee"],
        millesime=_millesime_du_rapport(ligne, sommes_num["annee"], sommes_den["annee"]),
    )


def _millesime_du_rapport(ligne: pd.Series, num: pd.Series, den: pd.Series) -> pd.Series:
    """Celui du dictionnaire à l'année du dictionnaire ; sinon, celui de chaque terme."""
    couples = pd.DataFrame({"num": num, "den": den})

    def dire(couple: pd.Series) -> str:
        if couple["num"] == int(ligne["annee"]):
            return ligne["millesime"]
        termes = dict.fromkeys(
            (
                dire_millesime(ligne["numerateur"], couple["num"]),
                dire_millesime(ligne["denominateur"], couple["den"]),
            )
        )
        return ", ".join(termes)

    connus = {tuple(c): dire(c) for _, c in couples.drop_duplicates().iterrows()}
    return pd.Series([connus[tuple(c)] for c in couples.to_numpy()], index=num.index)


def _borner_par_le_tout(contexte: Contexte, num: str, den: str, sommes: pd.DataFrame) -> pd.DataFrame:
    """Une partie inconnue ne dépasse pas son tout : une commune muette ne rend pas infini l'encadrement."""
    annee = int(sommes.loc[sommes["valeur"].isna(), "annee"].iloc[0])
    parties = contexte.par_commune(num, annee=annee)
    annee_den = annee if annee in contexte.annees(den) else None
    tout = contexte.par_commune(den, annee=annee_den)["haut"]
    bornees = contexte.sommer(parties.assign(haut=parties["haut"].where(np.isfinite(parties["haut"]), tout)))
    muets = sommes["valeur"].isna() & sommes["annee"].eq(annee)
    return sommes.assign(haut=sommes["haut"].mask(muets, bornees["haut"]))


def partie_du_tout(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Rapport de sommes dont le numérateur est une partie du dénominateur (borné à 100 %)."""
    return rapport_de_sommes(contexte, ligne, partie=True)


def _sur_communes_connues(contexte: Contexte, num: str, den: str, facteur: float) -> pd.Series:
    """Rapport des seules communes où numérateur et dénominateur sont connus."""
    numerateurs, denominateurs = contexte.par_commune(num)["valeur"], contexte.par_commune(den)["valeur"]
    connues = numerateurs.notna() & denominateurs.notna()
    sommes = []
    for valeurs in (numerateurs, denominateurs):
        retenues = valeurs.where(connues, 0.0)
        sommes.append(
            contexte.sommer(pd.DataFrame({"valeur": retenues, "bas": retenues, "haut": retenues}))["valeur"]
        )
    return facteur * sommes[0] / sommes[1].where(sommes[1] > 0)
