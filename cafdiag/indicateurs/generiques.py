"""Les calculs que la plupart des indicateurs partagent : somme (A2), rapport de sommes (A1), valeur publiée (A4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES
from cafdiag.indicateurs.agregation import DEMI_LARGEUR_MAXIMALE, rapport
from cafdiag.indicateurs.contexte import HORS_MAYOTTE, Contexte, annee_des_taux, resultat
from cafdiag.indicateurs.enfants import enfants_estimes
from cafdiag.indicateurs.resolution import lire_a_la_maille

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
        imposee = contexte.partager(("annee_des_taux", None), lambda: annee_des_taux(contexte.taux, None))
        imposee = imposee if imposee in contexte.annees(variable) else None
    somme_ = contexte.somme(variable, annee=imposee)
    valeur, plancher, plafond = (somme_[c].to_numpy() for c in ("valeur", "bas", "haut"))
    connu = ~np.isnan(valeur)
    statut = _statut_des_sommes(somme_, definition.statut)
    encadre = connu & (plafond > plancher)
    # « Au moins » n'apprend quelque chose que si presque toutes les communes sont connues.
    presque = (somme_["n_manquants"] <= PART_MANQUANTE_MAXIMALE * somme_["n"]).to_numpy()
    minore = ~connu & (plancher > 0) & presque
    motif = np.where(connu, "", contexte.manquantes(variable, annee=imposee).to_numpy(dtype=object))
    for i in np.flatnonzero(minore):
        motif[i] += " ; au moins " + _entier(plancher[i])
    if variable == "enfants_moins_3_ans":
        # L'estimation est fausse là où l'on accouche à l'étranger : elle ne se lit pas sans cet avis.
        motif = _ajouter_les_alertes(motif, contexte, somme_["annee"])
    if variable == "population":
        motif = np.where(connu & contexte.de_maille("france").to_numpy(), HORS_MAYOTTE, motif)
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=valeur,
        bas=np.where(encadre | minore, plancher, np.nan),
        haut=np.where(encadre | (~connu & np.isfinite(plafond)), plafond, np.nan),
        statut=np.where(connu, statut, "non_disponible"),
        motif=motif,
        maille_source=somme_["maille_source"],
        annee=somme_["annee"],
        millesime=somme_["annee"].map({a: dire_millesime(variable, a) for a in set(somme_["annee"])}),
        source=somme_["source"],
    )


def _ajouter_les_alertes(motif: np.ndarray, contexte: Contexte, annees: pd.Series) -> np.ndarray:
    """Motif, suivi de l'alerte de chaque territoire l'année qu'on lui montre."""
    for annee in annees.unique():
        alertes = enfants_estimes(contexte, int(annee))["alerte"].to_numpy(dtype=object)
        ici = (annees.to_numpy() == annee) & (alertes != "") & (motif == "")
        motif = np.where(ici, alertes, motif)
    return motif


def _statut_des_sommes(sommes: pd.DataFrame, statut: str) -> np.ndarray:
    """Statut d'une somme complète : encadrée, elle est arrondie ; d'intervalle nul, elle a été déclarée exacte."""
    if statut == "estime":
        return np.full(len(sommes), statut, dtype=object)
    encadre = sommes["haut"].to_numpy() > sommes["bas"].to_numpy()
    return np.where(encadre, "arrondi", "exact").astype(object)


def _pire(*statuts: np.ndarray) -> np.ndarray:
    """Le statut le plus réservé de deux termes, territoire par territoire."""
    gravites = np.max([[_GRAVITE[s] for s in colonne] for colonne in statuts], axis=0)
    return np.array(list(_GRAVITE), dtype=object)[gravites]


def _sources(ligne: pd.Series, num: pd.DataFrame, den: pd.DataFrame) -> np.ndarray | str:
    """Source d'un rapport dont un terme a été déclaré par le territoire ; vide : celle du dictionnaire."""
    if not (num["source"].ne("").any() or den["source"].ne("").any()):
        return ""
    termes = [
        t["source"].where(t["source"].ne(""), VARIABLES[ligne[role]].source)
        for role, t in (("numerateur", num), ("denominateur", den))
    ]
    dites = [" ; ".join(dict.fromkeys(" ; ".join(c).split(" ; "))) for c in zip(*termes, strict=True)]
    declare = (num["source"].ne("") | den["source"].ne("")).to_numpy()
    return np.where(declare, np.array(dites, dtype=object), "")


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
    statut_complet = _pire(
        _statut_des_sommes(sommes_num, VARIABLES[num].statut), _statut_des_sommes(sommes_den, VARIABLES[den].statut)
    )
    complet = ~np.isnan(valeur)

    # Communes renseignées seulement : même périmètre au numérateur et au dénominateur.
    partiel = np.full(len(valeur), np.nan)
    if partie and not complet.all():
        partiel = _sur_communes_connues(contexte, num, den, facteur).to_numpy()
    with np.errstate(invalid="ignore"):
        demi = (haut - bas) / 2
        sauve = ~complet & ~np.isnan(partiel) & (demi <= DEMI_LARGEUR_MAXIMALE)
        seuil = DEMI_LARGEUR_MAXIMALE if facteur == 100 else DEMI_LARGEUR_RELATIVE * np.abs(valeur)
        incertain = complet & (haut > bas)
        trop_large = incertain & ((demi > seuil) | ~np.isfinite(haut))
    # Un effectif publié zéro, arrondi à 5, vient d'un nombre de 0 à 2 : ce n'est pas « sans objet ».
    den_nul = sommes_den["valeur"].eq(0).to_numpy()
    zero_arrondi = den_nul & sommes_den["haut"].gt(0).to_numpy()
    nul = den_nul & ~zero_arrondi

    valeur = np.where(sauve, partiel, np.where(trop_large, np.nan, valeur))
    connu = ~np.isnan(valeur)
    encadre = incertain | sauve
    motif = np.full(len(valeur), "", dtype=object)
    if not complet.all():
        manquants = contexte.manquantes(num).to_numpy(dtype=object)
        manquants = np.where(manquants != "", manquants, contexte.manquantes(den).to_numpy(dtype=object))
        motif = np.where(complet, "", manquants)
        motif[sauve] = manquants[sauve] + " ; calculé sur les autres, encadré"
    motif[trop_large | zero_arrondi] = "effectifs arrondis trop petits : l'intervalle possible est trop large"
    motif[trop_large & (statut_complet == "estime")] = "effectifs estimés : l'intervalle possible est trop large"
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
        maille_source=sommes_num["maille_source"],
        annee=sommes_num["annee"],
        millesime=_millesime_du_rapport(ligne, sommes_num["annee"], sommes_den["annee"]),
        source=_sources(ligne, sommes_num, sommes_den),
    )


def _millesime_du_rapport(ligne: pd.Series, num: pd.Series, den: pd.Series) -> pd.Series:
    """Celui du dictionnaire à l'année du dictionnaire ; sinon, celui de chaque terme."""

    def dire(annee_num: int, annee_den: int) -> str:
        if ligne["millesime"] and annee_num == ligne["annee"]:
            return ligne["millesime"]
        termes = (dire_millesime(ligne["numerateur"], annee_num), dire_millesime(ligne["denominateur"], annee_den))
        return ", ".join(dict.fromkeys(termes))

    couples = list(zip(num, den, strict=True))
    connus = {couple: dire(*couple) for couple in set(couples)}
    return pd.Series([connus[couple] for couple in couples], index=num.index)


def _borner_par_le_tout(contexte: Contexte, num: str, den: str, sommes: pd.DataFrame) -> pd.DataFrame:
    """Une partie inconnue ne dépasse pas son tout : une commune muette ne rend pas infini l'encadrement."""
    annee = int(sommes.loc[sommes["valeur"].isna(), "annee"].iloc[0])
    annee_den = annee if annee in contexte.annees(den) else contexte.annee_de(den)

    def bornees_par_commune() -> pd.DataFrame:
        parties = contexte.par_commune(num, annee=annee)
        tout = contexte.par_commune(den, annee=annee_den)["haut"]
        return parties.assign(haut=parties["haut"].where(np.isfinite(parties["haut"]), tout))

    bornees = contexte.sommer(contexte.partager(("bornees", num, annee, den, annee_den), bornees_par_commune))
    muets = sommes["valeur"].isna() & sommes["annee"].eq(annee)
    return sommes.assign(haut=sommes["haut"].mask(muets, bornees["haut"]))


def partie_du_tout(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Rapport de sommes dont le numérateur est une partie du dénominateur (borné à 100 %)."""
    return rapport_de_sommes(contexte, ligne, partie=True)


def _sur_communes_connues(contexte: Contexte, num: str, den: str, facteur: float) -> pd.Series:
    """Rapport des seules communes où numérateur et dénominateur sont connus."""

    def retenues_par_commune() -> list[pd.DataFrame]:
        termes = [contexte.par_commune(v)["valeur"] for v in (num, den)]
        connues = termes[0].notna() & termes[1].notna()
        retenues = [t.where(connues, 0.0) for t in termes]
        return [pd.DataFrame({"valeur": r, "bas": r, "haut": r}) for r in retenues]

    cle = ("retenues", num, contexte.annee_de(num), den, contexte.annee_de(den))
    sommes = [contexte.sommer(r)["valeur"] for r in contexte.partager(cle, retenues_par_commune)]
    return facteur * sommes[0] / sommes[1].where(sommes[1] > 0)


def ecart_positif(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Numérateur moins dénominateur, au moins zéro (A2) : les heures nouvelles d'un Plan mercredi."""
    num, den = ligne["numerateur"], ligne["denominateur"]
    apres = contexte.somme(num)
    avant = contexte.somme_alignee(den, apres["annee"])
    valeur = (apres["valeur"] - avant["valeur"]).clip(lower=0)
    motif = contexte.manquantes(num)
    motif = motif.where(motif.ne(""), contexte.manquantes(den)).where(valeur.isna(), "")
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=apres["valeur"],
        denominateur=avant["valeur"],
        statut=np.where(valeur.isna(), "non_disponible", "exact"),
        motif=motif,
        maille_source=apres["maille_source"],
        annee=apres["annee"],
        millesime=_millesime_du_rapport(ligne, apres["annee"], avant["annee"]),
        source=_sources(ligne, apres, avant),
    )


def publiee(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Valeur publiée à la maille demandée (A4) : une médiane ou une part ne s'agrège ni ne se découpe."""
    variable = ligne["numerateur"]
    annees = contexte.annees_publiees(variable)
    table = None
    for annee in [contexte.annee] if contexte.annee in annees else annees:
        lue = lire_a_la_maille(contexte.publications_de(variable, annee), contexte.officiels).assign(annee=annee)
        table = lue if table is None else table.where(table["statut"].notna(), lue)
    secret = table["statut"].eq("secret")
    connu = table["valeur"].notna()
    motif = np.select(
        [connu, secret],
        ["", "protégé par le secret statistique à la source"],
        f"non fourni à cette maille, et ne s'agrège pas ; {a_apporter(ligne)}",
    )
    return resultat(
        contexte.codes,
        valeur=table["valeur"],
        statut=np.select([connu, secret], ["exact", "secret"], "non_disponible"),
        motif=motif,
        maille_source=contexte.officiels["maille"].where(connu, ""),
        annee=table["annee"].astype(float),
        millesime=table["annee"].map(lambda a: dire_millesime(variable, int(a))),
        source=table["source"].fillna(""),
    )


def a_apporter(ligne: pd.Series) -> str:
    """Motif d'un indicateur que rien ne nourrit : à qui le demander, et par quelle voie l'apporter.

    >>> a_apporter(pd.Series({"a_apporter": "Caf : enfants suivis ; modèle activite.xlsx"}))
    'Caf : à apporter (modèle activite.xlsx)'
    """
    qui, _, reste = ligne["a_apporter"].partition(" : ")
    return f"{qui} : à apporter ({reste.rpartition(' ; ')[2]})"
