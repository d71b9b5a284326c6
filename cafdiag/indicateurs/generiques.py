"""Les calculs que la plupart des indicateurs partagent : somme (A2), rapport de sommes (A1), valeur publiée (A4)."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES
from cafdiag.donnees.communes import COMPTES_DE_LA_BASE, muets_de_la_base
from cafdiag.donnees.grandeurs import derniere_annee
from cafdiag.donnees.tables_assemblees import grille_importee
from cafdiag.donnees.valeurs_publiees import vides
from cafdiag.indicateurs.agregation import DEMI_LARGEUR_MAXIMALE, borner_la_part, exacte, rapport
from cafdiag.indicateurs.contexte import (
    DEPARTEMENTS_SOURCE_NATIONALE,
    FINE,
    PART_MANQUANTE_MAXIMALE,
    Contexte,
    compter,
    resultat,
)
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.enfants import enfants_estimes
from cafdiag.indicateurs.hors_mayotte import MAILLE
from cafdiag.indicateurs.resolution import lire_a_la_maille
from cafdiag.territoires import membres
from cafdiag.territoires.passage import message_du_perimetre

# Ce qui manque à une référence, en part de son dénominateur, pour qu'elle reste énoncée, encadrée.
PART_INFIME = 0.02
_REFERENCES = ("departement", "region", "france", MAILLE)
# Un rapport simple (personnes par foyer) encadré plus largement que cela n'apprend rien.
DEMI_LARGEUR_RELATIVE = 0.25
# Ce que compte une source, devant son année.
_MOTS = {
    "Insee, base permanente des équipements": "équipements",
    "ANCT, France services": "équipements",
    "Insee, recensement de la population": "population",
    "Insee, populations légales": "population",
    "Insee, grille communale de densité à 7 niveaux": "population",
    "Insee, état civil, naissances domiciliées": "naissances",
}
_BASE, _REGISTRE = "Insee, base permanente des équipements", "registre local"
_DATE_DE_LA_BASE = r"^équipements \d{4}, "
# Ce qu'une commune a, qu'un registre complet dit à la place de la base, et son type de structure.
_COCHES = {"rpe_couvert": "rpe", "alsh_equipes": "alsh"}
_COMPTE_PAR_LA_BASE = "compté par la base des équipements, comme aux autres territoires"
_COMPTE_PAR_LE_REGISTRE = "compté par votre registre, complet : la base des équipements n'en dit rien ici"
_ASSEZ_POUR_UNE_PART = 100
_TROP_PETITS = "effectifs arrondis trop petits : l'intervalle possible est trop large"
_UNE_SEULE_FOIS = "Cnaf : à apporter (« cafdiag donnees telecharger s_ben_epci_f », arrondi une seule fois)"
# Le millésime d'une liste de structures, qui n'en a pas un seul.
SANS_DATE = "voir la liste"
_GRAVITE = {"exact": 0, "arrondi": 1, "estime": 2}


def listes_completes(contexte: Contexte, *types: str) -> pd.Series:
    """Vrai si un registre complet pour ces types de structures couvre tous les départements du territoire."""
    return contexte.retenir(("listes_completes", types), lambda: _listes_completes(contexte, types))


def _listes_completes(contexte: Contexte, types: tuple[str, ...]) -> pd.Series:
    return _tous_dans(contexte, frozenset.intersection(*(contexte.apports.complet(t) for t in types)))


def _tous_dans(contexte: Contexte, departements: frozenset[str]) -> pd.Series:
    """Vrai pour un territoire dont toutes les communes sont dans ces départements."""
    if not departements:
        return pd.Series(False, index=contexte.codes)
    siens = contexte.communes["departement"].reindex(contexte.appartenance["commune"])
    couvert = pd.Series(
        siens.isin(departements).to_numpy(),
        index=contexte.appartenance["code"].to_numpy(),
    )
    return couvert.groupby(level=0).all().reindex(contexte.codes, fill_value=False)


def citer_le_registre(
    contexte: Contexte,
    table: pd.DataFrame,
    ligne: pd.Series,
    *types: str,
    voisines: bool = False,
    ou: frozenset[str] | None = None,
) -> pd.DataFrame:
    """La mesure, et le registre complet de l'usager parmi ses sources, là où il a remplacé la base des équipements.

    ``voisines`` : les communes d'autour comptent aussi, et la base y répond encore. ``ou`` : les départements où il
    l'a remplacée ; tous les siens par défaut.
    """
    complets = frozenset().union(*(contexte.apports.complet(t) for t in types)) if ou is None else ou
    if not complets:
        return table
    couvertes = contexte.sommer(exacte(contexte.communes["departement"].isin(complets).astype("float64")))["valeur"]
    seul = (listes_completes(contexte, *types) if ou is None else _tous_dans(contexte, ou)) & (not voisines)
    sources = table["source"].mask(table["source"].eq(""), ligne["source"])
    avec = sources.str.replace(_BASE, f"{_REGISTRE} et {_BASE}", regex=False)
    sans = sources.str.replace(_BASE, _REGISTRE, regex=False)
    return table.assign(
        source=table["source"].mask(couvertes.gt(0), avec).mask(seul, sans),
        millesime=table["millesime"].mask(seul, table["millesime"].str.replace(_DATE_DE_LA_BASE, "", regex=True)),
    )


def _au_registre(contexte: Contexte, ligne: pd.Series, table: pd.DataFrame) -> pd.DataFrame:
    """La mesure d'un compte de la base des équipements, et ce qu'en dit un registre complet.

    Là où la base compte, elle compte partout de la même façon : le registre est cité à côté. Là où elle se tait, c'est
    lui qui compte.
    """
    type_ = COMPTES_DE_LA_BASE.get(ligne["numerateur"], "")
    completes = listes_completes(contexte, type_)
    if not completes.any():
        return table
    muets = muets_de_la_base(type_, contexte.apports)
    siennes = contexte.structures.loc[contexte.structures["type"].eq(type_), "code"].value_counts()
    comptes = contexte.sommer(exacte(siennes.reindex(contexte.communes.index, fill_value=0).astype("float64")))
    du_registre = _tous_dans(contexte, muets)
    ajouts = [
        "" if not c or (seul and np.isnan(v)) else _COMPTE_PAR_LE_REGISTRE if seul
        else f"{_COMPTE_PAR_LA_BASE} : votre registre, complet, en a {compter(int(n))}"
        for v, n, c, seul in zip(table["valeur"], comptes["valeur"].fillna(0), completes, du_registre, strict=True)
    ]  # fmt: skip
    motifs = [" ; ".join(filter(None, dits)) for dits in zip(table["motif"], ajouts, strict=True)]
    cite = citer_le_registre(contexte, table.assign(motif=motifs), ligne, type_, ou=muets)
    # Un compte nu n'a que la date de la base, qui n'est pas la sienne.
    return cite.assign(millesime=cite["millesime"].mask(du_registre & cite["millesime"].str.isdigit(), SANS_DATE))


def somme(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Somme des communes (A2). Un terme manquant rend le total non disponible, avec son minorant."""
    variable = ligne["numerateur"]
    # Les enfants de moins de 3 ans se lisent à côté des taux de la Cnaf : à la même date.
    imposee = None
    if variable == "enfants_moins_3_ans" and contexte.annee is None:
        imposee = contexte.annee_des_taux if contexte.annee_des_taux in contexte.annees(variable) else None
    somme_ = contexte.somme(variable, annee=imposee)
    valeur, plancher, plafond = (somme_[c].to_numpy() for c in ("valeur", "bas", "haut"))
    connu = ~np.isnan(valeur)
    statut = _statut_des_sommes(somme_, contexte.statuts(variable, somme_["annee"]))
    encadre = connu & (plafond > plancher)
    # « Au moins » n'apprend quelque chose que si presque toutes les communes sont connues.
    presque = (somme_["n_manquants"] <= PART_MANQUANTE_MAXIMALE * somme_["n"]).to_numpy()
    minore = ~connu & (plancher > 0) & presque
    motif = np.where(connu, "", contexte.manquantes_aux(variable, somme_["annee"]))
    if variable == "enfants_moins_3_ans":
        # L'estimation est fausse là où l'on accouche à l'étranger : elle ne se lit pas sans cet avis.
        motif = _ajouter_les_alertes(motif, contexte, somme_["annee"])
    if VARIABLES[variable].autre_source:
        motif = np.where(connu & (motif == ""), _par_l_autre_source(contexte, variable, somme_), motif)
    table = resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=valeur,
        bas=np.where(encadre | minore, plancher, np.nan),
        haut=np.where(encadre | (~connu & presque & np.isfinite(plafond)), plafond, np.nan),
        statut=np.where(connu, statut, "non_disponible"),
        motif=motif,
        maille_source=somme_["maille_source"],
        annee=somme_["annee"],
        millesime=somme_["annee"].map({a: dire_millesime(variable, a) for a in set(somme_["annee"])}),
        source=somme_["source"],
    )
    return _au_registre(contexte, ligne, table)


def _ajouter_les_alertes(motif: np.ndarray, contexte: Contexte, annees: pd.Series) -> np.ndarray:
    """Motif, suivi de l'alerte de chaque territoire l'année qu'on lui montre."""
    for annee in annees.unique():
        alertes = enfants_estimes(contexte, int(annee))["alerte"].to_numpy(dtype=object)
        ici = (annees.to_numpy() == annee) & (alertes != "") & (motif == "")
        motif = np.where(ici, alertes, motif)
    return motif


def _par_l_autre_source(contexte: Contexte, variable: str, somme_: pd.DataFrame) -> np.ndarray:
    """Ce que l'autre source d'une grandeur en dit à la même date, territoire par territoire ; vide si elle se tait."""
    autre, phrases = VARIABLES[variable].autre_source, np.full(len(somme_), "", dtype=object)
    # Le recensement dit le 1er janvier ; les autres sources, la fin de l'année.
    recul = int(_MOTS[VARIABLES[variable].source] == "population")
    for annee in {int(a) - recul for a in somme_["annee"].dropna()} & set(contexte.annees(autre)):
        ici = somme_["annee"].eq(annee + recul).to_numpy()
        paires = zip(somme_["valeur"][ici], contexte.somme(autre, annee=annee)["valeur"][ici], strict=True)
        quoi = f"{_MOTS[VARIABLES[autre].source]} de {dire_millesime(autre, annee)}"
        phrases[ici] = [f"à la même date, les {quoi} {ecart}" if (ecart := dire_l_ecart(*p)) else "" for p in paires]
    return phrases


def dire_l_ecart(valeur: float, autre: float) -> str:
    """Ce qu'une autre source donne, et son écart ; un pourcentage seulement à partir de cent.

    >>> [dire_l_ecart(*paire) for paire in ((1000, 1042), (20, 17.6), (12, 12.2), (12, np.nan))]
    ['en donnent 1\u202f042, soit 42 de plus (4\u202f%)', 'en donnent 18, soit 2 de moins', 'en donnent autant', '']
    """
    if not np.isfinite([valeur, autre]).all():
        return ""
    ecart = round(autre) - round(valeur)
    if not ecart:
        return "en donnent autant"
    part = f" ({100 * abs(ecart) / valeur:.0f}{FINE}%)" if valeur >= _ASSEZ_POUR_UNE_PART else ""
    sens = "plus" if ecart > 0 else "moins"
    return f"en donnent {compter(round(autre))}, soit {compter(abs(ecart))} de {sens}{part}"


def _statut_des_sommes(sommes: pd.DataFrame, statuts: np.ndarray) -> np.ndarray:
    """Statut d'une somme complète : encadrée, elle est arrondie ; d'intervalle nul, elle a été déclarée exacte."""
    encadre = sommes["haut"].to_numpy() > sommes["bas"].to_numpy()
    return np.where(statuts == "estime", "estime", np.where(encadre, "arrondi", "exact")).astype(object)


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
        *(_statut_des_sommes(s, contexte.statuts(v, s["annee"])) for v, s in ((num, sommes_num), (den, sommes_den)))
    )
    complet = ~np.isnan(valeur)

    # Communes renseignées seulement : même périmètre au numérateur et au dénominateur.
    partiel = np.full(len(valeur), np.nan)
    if partie and not complet.all() and not _connu_veut_dire_oui(ligne):
        partiel = borner_la_part(
            _sur_communes_connues(contexte, ligne, sommes_num["annee"], sommes_den["annee"]), facteur
        )
    if not complet.all() and not _connu_veut_dire_oui(ligne, sauf=(">0",)):
        borne = facteur if partie else np.inf
        encadrees = _references_encadrees(contexte, ligne, sommes_num, sommes_den, plafond=borne)
        # Bornée par son tout, une partie l'est déjà, et mieux.
        ici = encadrees["valeur"].notna().to_numpy() & ~complet & ~(np.isfinite(haut) & (bas > 0))
        partiel, bas, haut = (
            np.where(ici, encadrees[c], deja) for c, deja in (("valeur", partiel), ("bas", bas), ("haut", haut))
        )
    with np.errstate(invalid="ignore"):
        demi = (haut - bas) / 2
        seuil = DEMI_LARGEUR_MAXIMALE if facteur == 100 else DEMI_LARGEUR_RELATIVE * np.abs(partiel)
        sauve = ~complet & ~np.isnan(partiel) & (demi <= seuil)
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
        manquants = contexte.manquantes_aux(num, sommes_num["annee"])
        manquants = np.where(manquants != "", manquants, contexte.manquantes_aux(den, sommes_den["annee"]))
        motif = np.where(complet, "", manquants)
        motif[sauve] = manquants[sauve] + " ; calculé sur les autres, encadré"
    fausse = partie & (sommes_num["bas"] > sommes_den["haut"]).to_numpy() & ~connu & ~nul
    motif[fausse] = "la partie dépasse son tout : l'une des deux sources est à vérifier"
    motif[trop_large | zero_arrondi] = _TROP_PETITS
    if VARIABLES[num].source == VARIABLES["foyers_allocataires"].source:
        # La somme des communes est arrondie autant de fois qu'il y a de communes.
        sommees = (contexte.de_maille("epci") & sommes_num["maille_source"].ne("epci")).to_numpy()
        publies = {m for a in contexte.annees_publiees(num) for m in contexte.publications_de(num, a)["maille"]}
        if not any(m.startswith("epci") for m in publies):
            motif[(trop_large | zero_arrondi) & sommees] = f"{_TROP_PETITS} ; {_UNE_SEULE_FOIS}"
    motif[trop_large & (statut_complet == "estime")] = "effectifs estimés : l'intervalle possible est trop large"
    motif[nul] = "le dénominateur est nul"
    table = resultat(
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
        millesime=_millesime_du_rapport(contexte, ligne, sommes_num["annee"], sommes_den["annee"]),
        source=_sources(ligne, sommes_num, sommes_den),
    )
    condition = VARIABLES[num].condition
    type_ = _COCHES.get(condition[0]) if condition else None
    return citer_le_registre(contexte, table, ligne, type_) if type_ else _au_registre(contexte, ligne, table)


def _connu_veut_dire_oui(ligne: pd.Series, *, sauf: tuple = ()) -> bool:
    """Vrai si l'on ne connaît le numérateur que là où il y en a : ce qu'on déclare, ce qu'on coche, ce qu'on équipe.

    Le rapport des seules communes connues y vaudrait 100 % : on n'en sait que le minorant. ``sauf`` : les conditions
    qu'un encadrement déjà infime laisse passer (la base des équipements dit aussi des zéros).
    """
    condition = VARIABLES[ligne["numerateur"]].condition
    coche = condition is not None and condition[1] in (">0", (True,)) and condition[1] not in sauf
    return coche or ligne["source"].startswith("activité déclarée")


def dater_les_termes(contexte: Contexte, *termes: tuple[str, int], grille: str = "") -> str:
    """Millésime d'un rapport : l'année de chaque terme, et de la condition de l'un d'eux (équipements, grille).

    Parameters
    ----------
    termes : tuple of (str, int)
        Variable et année de chaque terme.
    grille : str
        Édition de la grille de densité, si l'un des termes s'en sert.

    Returns
    -------
    str
        « équipements 2025, population 2023 » ; une seule date si tous les termes ont la même.
    """
    dits: list[tuple[str, str]] = []
    for variable, annee in termes:
        definition = VARIABLES[variable]
        if definition.condition is not None:
            dits += _dater_la_condition(contexte, definition.condition[0], grille)
        dits.append((_MOTS.get(definition.source.partition(" ; ")[0], ""), dire_millesime(variable, int(annee))))
    dits = [d for d in dits if d[1] != SANS_DATE] or dits
    dates = dict.fromkeys(date for _, date in dits)
    if len(dates) == 1:
        return next(iter(dates))
    # « décembre 2024 » se suffit ; une année nue a besoin de son mot.
    return ", ".join(dict.fromkeys(f"{mot} {date}" if mot and date[:1].isdigit() else date for mot, date in dits))


def _dater_la_condition(contexte: Contexte, gabarit: str, grille: str) -> list[tuple[str, str]]:
    """La date de ce qui trie les communes, quand ce n'est pas celle de la grandeur triée."""
    if gabarit == "densite_7":
        return [("", grille)]
    gabarit = f"bpe{{*}}_{_COCHES[gabarit]}" if gabarit in _COCHES else gabarit
    edition = derniere_annee(contexte.communes, gabarit) if "{*}" in gabarit else None
    return [("équipements", str(edition))] if edition else []


def editions_de_la_grille(contexte: Contexte) -> list[str]:
    """« grille COG 2025 » : pour chaque territoire, l'édition de la grille de densité qui classe ses communes.

    Importée pour quelques communes, une autre édition ne se dit que là où elle a servi ; où les deux servent, les
    deux se disent.
    """

    def chercher() -> list[str]:
        embarquee = dictionnaire().at["CTX_PART_RURAL", "millesime"].partition(",")[0]
        importee, communes = grille_importee()
        if not communes:
            return [embarquee] * len(contexte.codes)
        la = pd.Series(contexte.communes.index.isin(communes).astype(float), index=contexte.communes.index)
        avec, sans = (contexte.sommer(exacte(part))["valeur"].gt(0) for part in (la, 1 - la))
        seule, melee = f"grille {importee}", f"grille {importee} et {embarquee.removeprefix('grille ')}"
        return [(melee if s else seule) if a else embarquee for a, s in zip(avec, sans, strict=True)]

    return contexte.retenir(("éditions de la grille",), chercher)


def _millesime_du_rapport(contexte: Contexte, ligne: pd.Series, num: pd.Series, den: pd.Series) -> pd.Series:
    triplets = list(zip(num, den, editions_de_la_grille(contexte), strict=True))
    noms = (ligne["numerateur"], ligne["denominateur"])
    dits = {
        (*annees, grille): dater_les_termes(contexte, *zip(noms, annees, strict=True), grille=grille)
        for *annees, grille in set(triplets)
    }
    return pd.Series([dits[triplet] for triplet in triplets], index=num.index)


def _borner_par_le_tout(contexte: Contexte, num: str, den: str, sommes: pd.DataFrame) -> pd.DataFrame:
    """Une partie inconnue ne dépasse pas son tout : une commune muette ne rend pas infini l'encadrement."""
    for annee in sommes.loc[sommes["valeur"].isna(), "annee"].astype(int).unique():
        annee_den = annee if annee in contexte.annees(den) else contexte.annee_de(den)

        def bornees_par_commune(annee: int = annee, annee_den: int = annee_den) -> pd.DataFrame:
            parties = contexte.par_commune(num, annee=annee)
            tout = contexte.par_commune(den, annee=annee_den)["haut"]
            return parties.assign(haut=parties["haut"].where(np.isfinite(parties["haut"]), tout))

        bornees = contexte.sommer(contexte.partager(("bornees", num, annee, den, annee_den), bornees_par_commune))
        muets = sommes["valeur"].isna() & sommes["annee"].eq(annee)
        sommes = sommes.assign(haut=sommes["haut"].mask(muets, bornees["haut"]))
    return sommes


def partie_du_tout(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Rapport de sommes dont le numérateur est une partie du dénominateur (borné à 100 %)."""
    return rapport_de_sommes(contexte, ligne, partie=True)


def _sur_communes_connues(
    contexte: Contexte, ligne: pd.Series, annees_num: pd.Series, annees_den: pd.Series
) -> np.ndarray:
    """Rapport des seules communes où numérateur et dénominateur sont connus, à l'année de chaque territoire."""
    rapports = np.full(len(annees_num), np.nan)
    couples = pd.MultiIndex.from_arrays([annees_num, annees_den])
    for couple in couples.unique():
        num, den = _termes_connus(contexte, ligne, *couple)
        ici = couples == couple
        rapports[ici] = (float(ligne["facteur"]) * num / den.where(den > 0)).to_numpy()[ici]
    return rapports


def _termes_connus(contexte: Contexte, ligne: pd.Series, annee_num: int, annee_den: int) -> list[pd.Series]:
    """Sommes des deux termes sur les seules communes où tous deux sont connus."""
    noms = ((ligne["numerateur"], int(annee_num)), (ligne["denominateur"], int(annee_den)))

    def retenues_par_commune() -> list[pd.DataFrame]:
        termes = [contexte.par_commune(v, annee=a)["valeur"] for v, a in noms]
        connues = termes[0].notna() & termes[1].notna()
        return [exacte(t.where(connues, 0.0)) for t in termes]

    return [contexte.sommer(r)["valeur"] for r in contexte.partager(("retenues", *noms), retenues_par_commune)]


def _references_encadrees(
    contexte: Contexte, ligne: pd.Series, num: pd.DataFrame, den: pd.DataFrame, *, plafond: float
) -> pd.DataFrame:
    """Une référence dont manque une part infime : rapport des communes connues, entre deux bornes.

    Le rapport des communes muettes est entre zéro et le plus haut des rapports départementaux connus. Leur poids est
    leur part du dénominateur ; inconnue, elle est prise pour le double de leur part de la population.
    """
    vide = pd.Series(np.nan, index=num.index)
    rendu = pd.DataFrame({"valeur": vide, "bas": vide, "haut": vide})
    muettes = num["valeur"].isna().to_numpy() | den["valeur"].isna().to_numpy()
    grandes = contexte.territoires["maille"].isin(_REFERENCES).to_numpy() & muettes
    couples = pd.MultiIndex.from_arrays([num["annee"], den["annee"]])
    for annees in couples[grandes].unique():
        connus_num, connus_den = _termes_connus(contexte, ligne, *annees)
        poids = (1 - connus_den / den["valeur"]).fillna(2 * _part_muette(contexte, ligne, *annees))
        ici = grandes & (couples == annees) & connus_den.gt(0).to_numpy() & poids.le(PART_INFIME).to_numpy()
        if not ici.any():
            continue
        facteur = float(ligne["facteur"])
        valeur = facteur * connus_num / connus_den.where(connus_den > 0)
        # L'arrondi des effectifs, symétrique, s'ajoute à ce qui manque.
        arrondi = facteur * (connus_num - np.minimum(num["bas"], connus_num)) / connus_den.where(connus_den > 0)
        # Un seul département entièrement connu peut être plus bas que ce que l'on constate ici.
        plus_haut = np.maximum(valeur, min(plafond, _plus_haut_departement(contexte, ligne, *annees)))
        rendu.loc[ici, "valeur"] = valeur[ici]
        rendu.loc[ici, "bas"] = ((1 - poids) * (valeur - arrondi))[ici]
        rendu.loc[ici, "haut"] = ((1 - poids) * (valeur + arrondi) + poids * plus_haut).clip(upper=plafond)[ici]
    return rendu


def _part_muette(contexte: Contexte, ligne: pd.Series, annee_num: int, annee_den: int) -> pd.Series:
    """Part de la population qui vit dans une commune où l'un des deux termes manque."""
    habitants = contexte.par_commune("population")["valeur"]
    muette = np.zeros(len(habitants), dtype=bool)
    for role, annee in (("numerateur", annee_num), ("denominateur", annee_den)):
        muette |= contexte.par_commune(ligne[role], annee=int(annee))["valeur"].isna().to_numpy()
    # Sans habitants connus, la part ne l'est pas non plus : la commune pèse tout.
    inconnues = contexte.sommer(exacte((muette & habitants.isna()).astype(float)))["valeur"]
    tous, eux = (contexte.sommer(exacte(h.fillna(0.0)))["valeur"] for h in (habitants, habitants.where(muette)))
    return (eux / tous.where(tous > 0)).mask(inconnues.gt(0), 1.0)


def _plus_haut_departement(contexte: Contexte, ligne: pd.Series, annee_num: int, annee_den: int) -> float:
    """Le plus haut rapport d'un département dont toutes les communes sont connues ; infini s'il n'y en a pas."""
    noms = ((ligne["numerateur"], int(annee_num)), (ligne["denominateur"], int(annee_den)))
    departements = membres("departement")

    def chercher() -> float:
        num, den = (
            # Une commune muette rend muet son département : sa somme n'en est pas une.
            pd.Series(
                contexte.par_commune(v, annee=a)["valeur"].reindex(departements["commune"]).to_numpy()
            ).groupby(departements["code"].to_numpy()).sum(min_count=1, skipna=False)
            for v, a in noms
        )
        rapports = num / den.where(den > 0)
        return float(rapports.max()) if rapports.notna().any() else np.inf

    return float(ligne["facteur"]) * contexte.partager(("plus haut département", *noms), chercher)


def ecart_positif(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Numérateur moins dénominateur, au moins zéro (A2) : les heures nouvelles d'un Plan mercredi."""
    num, den = ligne["numerateur"], ligne["denominateur"]
    apres = contexte.somme(num)
    avant = contexte.somme_alignee(den, apres["annee"])
    valeur = (apres["valeur"] - avant["valeur"]).clip(lower=0)
    motif = contexte.manquantes_aux(num, apres["annee"])
    motif = np.where(motif != "", motif, contexte.manquantes_aux(den, avant["annee"]))
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=apres["valeur"],
        denominateur=avant["valeur"],
        statut=np.where(valeur.isna(), "non_disponible", "exact"),
        motif=np.where(valeur.isna(), motif, ""),
        maille_source=apres["maille_source"],
        annee=apres["annee"],
        millesime=_millesime_du_rapport(contexte, ligne, apres["annee"], avant["annee"]),
        source=_sources(ligne, apres, avant),
    )


def publiee(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Valeur publiée à la maille demandée (A4) : une médiane ou une part ne s'agrège ni ne se découpe."""
    variable = ligne["numerateur"]
    annees = contexte.annees_publiees(variable)
    lues = [
        lire_a_la_maille(contexte.publications_de(variable, annee), contexte.officiels).assign(annee=annee)
        for annee in ([contexte.annee] if contexte.annee in annees else annees)
    ]
    table = reduce(lambda gardee, lue: gardee.where(gardee["statut"].notna(), lue), lues)
    secret = table["statut"].eq("secret")
    connu = table["valeur"].notna()
    mailles = {m for a in annees for m in contexte.publications_de(variable, a)["maille"].unique()}
    # Ce que le territoire peut déclarer se déclare à toute maille ; un fichier publié n'a que les siennes.
    ailleurs_seulement = ~contexte.officiels["maille"].isin(mailles) & ("activite.xlsx" not in ligne["a_apporter"])
    motif = np.select(
        [connu, secret, _hors_de_la_source(contexte, variable), ailleurs_seulement],
        ["", "protégé par le secret statistique à la source", "la source ne publie rien ici",
         "non publié à cette maille, et ne s'agrège pas"],
        f"non fourni à cette maille, et ne s'agrège pas ; {a_apporter(ligne)}",
    )
    # Toutes les années de cette variable, et d'elle seule : la table des publications a quatre-vingt mille lignes.
    if any(contexte.publications_de(variable, a)["maille"].str.startswith("epci_").any() for a in annees):
        annonces = contexte.officiels.where(contexte.officiels["maille"].eq("epci"))["code"].map(message_du_perimetre)
        ailleurs = annonces.fillna("").ne("") & ~connu & ~secret
        motif = np.where(ailleurs, "publié pour un autre périmètre, et ne s'agrège pas : " + annonces.fillna(""), motif)
    return resultat(
        contexte.codes,
        valeur=table["valeur"],
        statut=np.select([connu, secret], ["exact", "secret"], "non_disponible"),
        motif=motif,
        maille_source=contexte.officiels["maille"].str.replace(r"_\d+$", "", regex=True).where(connu, ""),
        annee=table["annee"].astype(float),
        millesime=table["annee"].map(lambda a: dire_millesime(variable, int(a))),
        source=table["source"].fillna(""),
    )


def _hors_de_la_source(contexte: Contexte, variable: str) -> np.ndarray:
    """Territoires qu'une publication nationale à la commune laisse de côté, secret compris : rien n'est à apporter."""

    def citees() -> pd.Index:
        dites = [contexte.publications_de(variable, a) for a in sorted(contexte.annees_publiees(variable))]
        return pd.Index(pd.concat(d.loc[d["maille"].eq("commune"), "code"] for d in dites or [vides()]).unique())

    connues = contexte.partager(("communes publiées", variable), citees)
    departements = contexte.communes["departement"]
    if departements.reindex(connues).nunique() < DEPARTEMENTS_SOURCE_NATIONALE:
        return np.zeros(len(contexte.codes), dtype=bool)
    couverts = set(departements.reindex(connues).dropna())
    dedans = departements.reindex(contexte.appartenance["commune"]).isin(couverts).to_numpy()
    par_code = pd.Series(dedans, index=contexte.appartenance["code"].to_numpy()).groupby(level=0).any()
    return ~par_code.reindex(contexte.codes, fill_value=True).to_numpy()


def a_apporter(ligne: pd.Series) -> str:
    """Motif d'un indicateur que rien ne nourrit : à qui le demander, et par quelle voie l'apporter.

    >>> a_apporter(pd.Series({"a_apporter": "Caf : enfants suivis ; modèle activite.xlsx"}))
    'Caf : à apporter (modèle activite.xlsx)'
    """
    qui, _, reste = ligne["a_apporter"].partition(" : ")
    return f"{qui} : à apporter ({reste.rpartition(' ; ')[2]})"
