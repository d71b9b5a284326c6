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
        imposee = contexte.retenir(("annee_des_taux",), lambda: annee_des_taux(contexte.taux, None))
        imposee = imposee if imposee in contexte.annees(variable) else None
    somme_ = contexte.somme(variable, annee=imposee)
    valeur, plancher, plafond = (somme_[c].to_numpy() for c in ("valeur", "bas", "haut"))
    connu = ~np.isnan(valeur)
    encadre = connu & (definition.statut == "arrondi")
    # « Au moins » n'apprend quelque chose que si presque toutes les communes sont connues.
    presque = (somme_["n_manquants"] <= PART_MANQUANTE_MAXIMALE * somme_["n"]).to_numpy()
    minore = ~connu & (plancher > 0) & presque
    motif = np.where(connu, "", contexte.manquantes(variable, annee=imposee).to_numpy(dtype=object))
    for i in np.flatnonzero(minore):
        motif[i] += " ; au moins " + _entier(plancher[i])
    if variable == "population":
        motif = np.where(connu & contexte.de_maille("france").to_numpy(), HORS_MAYOTTE, motif)
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=valeur,
        bas=np.where(encadre | minore, plancher, np.nan),
        haut=np.where(encadre | (~connu & np.isfinite(plafond)), plafond, np.nan),
        statut=np.where(connu, definition.statut, "non_disponible"),
        motif=motif,
        maille_source="commune",
        annee=somme_["annee"],
        millesime=somme_["annee"].map({a: dire_millesime(variable, a) for a in set(somme_["annee"])}),
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
    valeur, bas, haut = (brut[c].to_numpy() for c in ("valeur", "bas", "haut"))
    statut_complet = max((VARIABLES[num].statut, VARIABLES[den].statut), key=_GRAVITE.get)
    arrondi = statut_complet == "arrondi"
    complet = ~np.isnan(valeur)

    # Communes renseignées seulement : même périmètre au numérateur et au dénominateur.
    partiel = np.full(len(valeur), np.nan)
    if partie and not complet.all():
        partiel = _sur_communes_connues(contexte, num, den, facteur).to_numpy()
    with np.errstate(invalid="ignore"):
        demi = (haut - bas) / 2
        sauve = ~complet & ~np.isnan(partiel) & (demi <= DEMI_LARGEUR_MAXIMALE)
        seuil = DEMI_LARGEUR_MAXIMALE if facteur == 100 else DEMI_LARGEUR_RELATIVE * np.abs(valeur)
        trop_large = complet & ((demi > seuil) | ~np.isfinite(haut)) & arrondi
    # Un effectif publié zéro, arrondi à 5, vient d'un nombre de 0 à 2 : ce n'est pas « sans objet ».
    den_nul = sommes_den["valeur"].eq(0).to_numpy()
    zero_arrondi = den_nul & sommes_den["haut"].gt(0).to_numpy()
    nul = den_nul & ~zero_arrondi

    valeur = np.where(sauve, partiel, np.where(trop_large, np.nan, valeur))
    connu = ~np.isnan(valeur)
    encadre = (connu & arrondi) | sauve | trop_large
    motif = np.full(len(valeur), "", dtype=object)
    if not complet.all():
        manquants = contexte.manquantes(num).to_numpy(dtype=object)
        manquants = np.where(manquants != "", manquants, contexte.manquantes(den).to_numpy(dtype=object))
        motif = np.where(complet, "", manquants)
        motif[sauve] = manquants[sauve] + " ; calculé sur les autres, encadré"
    motif[trop_large | zero_arrondi] = "effectifs arrondis trop petits : l'intervalle possible est trop large"
    motif[nul] = "le dénominateur est nul"
    return resultat(
        contexte.codes,
        valeur=np.where(nul, np.nan, valeur),
        numerateur=brut["numerateur"],
        denominateur=brut["denominateur"],
        bas=np.where(encadre, bas, np.nan),
        haut=np.where(encadre, haut, np.nan),
        statut=np.select([nul, sauve, connu], ["sans_objet", "estime", statut_complet], "non_disponible"),
        motif=motif,
        maille_source="commune",
        annee=sommes_num["annee"],
        millesime=_millesime_du_rapport(ligne, sommes_num["annee"], sommes_den["annee"]),
    )


def _millesime_du_rapport(ligne: pd.Series, num: pd.Series, den: pd.Series) -> pd.Series:
    """Celui du dictionnaire à l'année du dictionnaire ; sinon, celui de chaque terme."""

    def dire(annee_num: int, annee_den: int) -> str:
        if annee_num == int(ligne["annee"]):
            return ligne["millesime"]
        termes = (dire_millesime(ligne["numerateur"], annee_num), dire_millesime(ligne["denominateur"], annee_den))
        return ", ".join(dict.fromkeys(termes))

    couples = list(zip(num, den, strict=True))
    connus = {couple: dire(*couple) for couple in set(couples)}
    return pd.Series([connus[couple] for couple in couples], index=num.index)


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
