"""Cnaf : taux de couverture et places d'accueil du jeune enfant à toutes les mailles, allocataires.

Fichiers ``txcouv_pe_*`` et ``nbpla_pe_*`` (courants et ``_hist``), leurs exports à libellés, leurs copies
renommées, et les anciens ``TAUXCOUV2020/2021`` : une colonne est reconnue aux mots de son nom.

Allocataires (``s_ben_com_f``, ``s_ben_epci_f``, quotient familial, RSA majoré, IRIS) : tout est arrondi à 5, au mois
de décembre, régime général (la MSA n'y est pas). Un allocataire sans commune est rejeté, jamais réparti.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.au_cog import trier_par
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    REPETEE,
    Chantier,
    nom_libre,
    passer,
    refuser,
    simple,
    trouver,
    verifier_annees,
    verifier_communes,
    verifier_entiers,
    verifier_pas,
    verifier_somme,
)
from cafdiag.donnees.nettoyage import code_commune, code_departement, code_epci, code_region
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.donnees.valeurs_publiees import PRESTATIONS_EPCI
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires.passage import sirens_connus

ANNEE = r"annee(_de_reference)?|date_(de_)?ref(erence)?|dt_?ref(fre)?|dtref|millesime|date|an"
_CODES = {
    "commune": (*COMMUNE[:1], r"num_?comdo|numero_commune(_de_residence)?|num_?com(dom|si)?"),
    "epci": (r"num_?epci|numero_(de_l_)?epci|code_(siren_)?epci|siren(_epci)?|epci",),
    "departement": (r"num_?dep|numero_(de_|du_)?departement|code_dep(artement)?|dep(artement)?",),
    "region": (r"num_?regi?(on)?|numero_(de_|de_la_)?region|code_reg(ion)?|reg(ion)?",),
    "france": (r"nat(ional)?|niveau_national|france",),
}
_NOMS = {"commune": r"nom_?com(mune)?|lib(elle)?_?(com|geo)(mune)?|commune", "epci": r"nom_?epci|lib(elle)?_?epci",
         "departement": r"nom_?dep(artement)?|lib(elle)?_?dep(artement)?",
         "region": r"nom_?regi?(on)?|lib(elle)?_?reg(ion)?"}
_MAILLES = {"com": "commune", "comm": "commune", "commune": "commune", "epci": "epci", "dep": "departement",
            "departement": "departement", "reg": "region", "region": "region", "nat": "france",
            "fe": "france", "national": "france", "france": "france"}
_TAUX = frozenset({"txcouv", "tauxcouv", "couv", "couverture"})
_PLACES = frozenset({"pl", "place", "places", "nbpla", "offre"})
# Les seuls mots admis : « taux de couverture vaccinale » n'est pas un taux de couverture de l'accueil.
# Aucun taux de couverture publié n'est si bas : l'EPCI le moins pourvu a 2,7 places pour 100 enfants.
_PART_MAX = 1.5
_ADMIS = _TAUX | _PLACES | set(_MAILLES) | frozenset(re.findall(r"\w+",
    "tx taux de du d en la le les l des pour par 100 enfant enfants moins 3 ans accueil jeune jeunes collectif "
    "col psu hors eaje non creche creches prescol prescolarisation scolarisation a 2 ecole am assistant "
    "assistante assistants assistantes maternel maternelle maternels maternelles ind individuel individuels gad "
    "garde domicile salarie salariee salaries salariees global globale total totale ensemble tot offertes "
    "offerte theorique theoriques nb nombre tous toutes mode modes formel formels chez au aux et mat"))
_MODES = (("eaje_hors_psu", r"hors.*psu|psu.*hors|non_psu"), ("eaje_psu", r"psu"), ("prescol", r"scol|ecole"),
          ("gad", r"gad|domicile|salarie"), ("am", r"(^|_)am(_|$)|assistant"), ("ind", r"(^|_)ind(_|$)|individuel"),
          ("eaje", r"eaje|creche|collectif|(^|_)col(_|$)"))


class _Grandeur(NamedTuple):
    genre: str
    mode: str
    maille: str | None


def grandeur(nom: str) -> _Grandeur | None:
    """Ce que dit un nom de colonne : taux ou places, quel mode d'accueil, quelle maille.

    >>> tuple(grandeur("txcouv_hors_psu_col_com")), tuple(grandeur("Taux de couv global"))
    (('taux', 'eaje_hors_psu', 'commune'), ('taux', 'global', None))
    >>> grandeur("places_assistante_maternelle").mode, grandeur("taux de couverture vaccinale")
    ('am', None)
    """
    cle = simple(nom)
    mots = set(cle.split("_"))
    if not mots <= _ADMIS:
        return None
    genre = "taux" if mots & _TAUX else "places" if mots & _PLACES else None
    if genre is None:
        return None
    mode = next((m for m, motif in _MODES if re.search(motif, cle)), "global")
    maille = next((_MAILLES[m] for m in reversed(cle.split("_")) if m in _MAILLES), None)
    return _Grandeur(genre, mode, maille)


def _plan(entete: list[str]) -> tuple[str | None, dict[str, str], dict[str, dict[str, str]]]:
    """Maille la plus fine, colonnes de code par maille, et colonnes de valeur par genre (mode → nom)."""
    codes = {m: nom for m, motifs in _CODES.items() if (nom := trouver(entete, *motifs)) is not None}
    maille = next((m for m in _CODES if m in codes), None)
    # La colonne du code manque et celle du nom est là : la ligne est d'une maille plus fine que ses codes.
    nommee = next((m for m, motif in _NOMS.items() if trouver(entete, motif)), None)
    if maille is not None and nommee is not None and list(_CODES).index(nommee) < list(_CODES).index(maille):
        maille = None
    if maille is not None and _plus_fine(entete, maille, set(codes.values())):
        maille = None
    valeurs: dict[str, dict[str, str]] = {"taux": {}, "places": {}}
    for nom in entete:
        g = grandeur(nom)
        if g is not None and nom not in codes.values() and g.maille in (None, maille):
            valeurs[g.genre].setdefault(g.mode, nom)
    return maille, codes, valeurs


def _plus_fine(entete: list[str], maille: str, codes: set[str]) -> bool:
    """Une colonne que rien ne reconnaît nomme une maille plus fine, ou ne se lit plus.

    Le code et le nom de la commune abîmés tous deux, ses taux passeraient pour ceux de son EPCI.
    """
    noms = {trouver(entete, motif) for motif in (*_NOMS.values(), ANNEE)}
    fines = list(_CODES)[: list(_CODES).index(maille)]
    for nom in entete:
        if nom in codes or nom in noms or grandeur(nom) is not None:
            continue
        if fines and ("\ufffd" in nom or {_MAILLES.get(mot) for mot in simple(nom).split("_")} & set(fines)):
            return True
    return False


def _noter(genre: str):
    def noter(vu: Brut) -> float:
        maille, _, valeurs = _plan(vu.entete)
        nombre = len(valeurs[genre])
        if not nombre or (genre == "places" and (nombre < 2 or not {"eaje", "eaje_psu", "am"} & set(valeurs[genre]))):
            return 0.0
        return min(1.0, 0.45 + 0.1 * nombre) if maille else 0.3
    return noter


def _codes(c: Chantier, maille: str, colonne: str) -> pd.Series:
    if maille == "commune":
        return c.codes(colonne)
    serie = c.brut.table[colonne]
    if maille == "france":
        return pd.Series("FR", index=serie.index, dtype="str")
    lire = {"epci": code_epci, "departement": code_departement, "region": code_region}[maille]
    codes = lire(serie)
    c.rejeter_selon(codes.raisons, serie)
    c.remarques += codes.remarque()
    nom_table = {"departement": "departements", "region": "regions"}.get(maille)
    connus = set(lire_table(nom_table, colonnes=["code"])["code"]) if nom_table else sirens_connus()
    # Un EPCI disparu, ou Saint-Martin : publié, gardé, mais dit.
    c.inconnus = sorted(set(codes.valeurs[c.garde].dropna()) - connus)
    return codes.valeurs


def annees(c: Chantier, annee: int | None, *, decembre: bool = False) -> pd.Series:
    """Année de chaque ligne : la colonne, sinon celle qu'on donne, sinon celle du nom du fichier."""
    colonne = trouver(c.brut.entete, ANNEE)
    if colonne is not None:
        serie = c.brut.table[colonne]
        lues = c.annees(serie)
        if decembre:
            autres = [u for u in serie.unique() if (m := re.match(r"\d{4}[-/]?(\d\d)", str(u))) and m[1] != "12"]
            c.rejeter(serie.isin(autres), "autre mois que décembre", serie)
        verifier_annees(c, lues)
        return lues
    annee = annee or c.annee_annoncee()
    c.remarques.append(f"année {annee} : elle n'est dans aucune colonne")
    return pd.Series(annee, index=c.brut.table.index, dtype="Int64")


_COUTURE = millesime("cnaf.couture")


def _series(c: Chantier, annee: pd.Series) -> pd.Series:
    """Série courante (2022 et après) ou ``_hist`` (2017-2022) : 2022 est dans les deux, avec d'autres valeurs."""
    gardees = annee[c.garde]
    avant, apres = bool(gardees.lt(_COUTURE).any()), bool(gardees.gt(_COUTURE).any())
    if re.search(r"hist", c.brut.fichier.lower()) or (avant and not apres):
        return pd.Series("hist", index=annee.index, dtype="str")
    if avant and apres:
        c.remarques.append(
            f"séries courante et historique dans le même fichier : pas de tendance à cheval sur {_COUTURE}")
        return pd.Series("courante", index=annee.index, dtype="str").mask(annee.lt(_COUTURE).to_numpy(bool), "hist")
    return pd.Series("courante", index=annee.index, dtype="str")


def _lire(chemin: Path, genre: str, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Taux de couverture (table ``taux_couverture``) ou nombre de places (table ``places``)."""
    brut = lire_tableau(chemin, feuille=feuille)
    maille, codes_de, valeurs_de = _plan(brut.entete)
    jeu = "taux_couverture" if genre == "taux" else "places"
    c = Chantier(brut, jeu)
    if maille is None or not valeurs_de[genre]:
        raise refuser(brut, "colonnes de code ou de valeur introuvables parmi : " + ", ".join(brut.entete[:15]),
                      attendu="annee, numcom (ou numepci, numdep, numregi), txcouv_… ou pl_…")
    prefixe, total = ("txcouv", "txcouv") if genre == "taux" else ("places", "places_total")
    noms = {mode: total if mode == "global" else f"{prefixe}_{mode}" for mode in valeurs_de[genre]}
    codes = _codes(c, maille, codes_de[maille])
    an = annees(c, annee)
    valeurs = pd.DataFrame(index=brut.table.index)
    secrets = {}
    for mode, colonne in valeurs_de[genre].items():
        valeurs[noms[mode]], statut = c.nombres(colonne)
        if statut.eq("secret").any():
            secrets[noms[mode]] = statut
    tolerances = (0.25, 0.25, 6.0) if genre == "taux" else (1, 1, 10)
    verifier_somme(c, valeurs, [f"{prefixe}_eaje_psu", f"{prefixe}_eaje_hors_psu"], f"{prefixe}_eaje", tolerances[0])
    verifier_somme(c, valeurs, [f"{prefixe}_am", f"{prefixe}_gad"], f"{prefixe}_ind", tolerances[1])
    verifier_somme(c, valeurs, [f"{prefixe}_{m}" for m in ("eaje", "prescol", "am", "gad")], total, tolerances[2])
    if genre == "places":
        verifier_entiers(c, valeurs)
    elif total in valeurs and valeurs[total].max() <= _PART_MAX:
        raise refuser(brut, f"des taux de 0 à 1 (au plus {valeurs[total].max():g}) : une part, ou un format « % » ôté",
                      attendu="des places pour 100 enfants, comme 53,1",
                      conseil="reprenez le fichier de la Cnaf, ou multipliez ses taux par 100")
    if maille == "commune":
        verifier_communes(c, codes, trouver(brut.entete, _NOMS["commune"]), codes_de.get("departement"))
    c.sans_doublon([codes, an], valeurs)
    c.refuser_si_vide("des lignes avec un code et une année")
    serie = _series(c, an)
    attendues = _attendues(genre)
    absents = [n for n in attendues if n not in valeurs]
    if absents:
        c.remarques.append("modes absents du fichier : " + ", ".join(absents))
    table = pd.DataFrame({"maille": maille, "code": codes, "annee": an, **{n: valeurs.get(n, float("nan"))
                          for n in attendues}, "serie": serie}, index=brut.table.index)
    for nom, statut in secrets.items():
        table[f"{nom}__statut"] = statut
    table = table[c.garde]
    if maille == "commune":
        table = _au_cog(c, table, genre, list(attendues), brut.table[codes_de[maille]])
    if genre == "taux":
        c.remarques.append("un taux dépasse parfois 100 : des places servent aux communes voisines")
    muets = [n for n in table if n.endswith("__statut") and table[n].eq("exact").all()]
    table = table.drop(columns=muets)
    return _rendre(c, table.sort_values(["code", "annee"]).reset_index(drop=True), table["annee"],
                   f"Cnaf, {'taux de couverture' if genre == 'taux' else 'nombre de places'} par {maille}")


def _attendues(genre: str) -> tuple[str, ...]:
    modes = ("eaje", "eaje_psu", "eaje_hors_psu", "am", "prescol", "gad")
    if genre == "taux":
        return ("txcouv", *(f"txcouv_{m}" for m in modes))
    return (*(f"places_{m}" for m in modes), "places_total")


def _au_cog(c: Chantier, table: pd.DataFrame, genre: str, grandeurs: list[str],
            brute: pd.Series) -> pd.DataFrame:
    cles = table[["maille", "code", "annee", "serie"]]
    statuts = table[[n for n in table if n.endswith("__statut")]]
    additives, taux = (grandeurs, []) if genre == "places" else ([], grandeurs)
    apres = passer(c, pd.concat([cles, table[grandeurs]], axis=1), brute=brute, additives=additives,
                   non_additives=taux)
    if statuts.shape[1]:
        secrets = pd.concat([cles[["code", "annee"]], statuts], axis=1)
        apres = apres.merge(secrets, on=["code", "annee"], how="left", suffixes=("", "_lu"))
    if genre == "taux":
        perdues = set(map(tuple, apres.loc[apres[grandeurs].isna().all(axis=1), ["code", "annee"]].to_numpy()))
        bouge = c.passages
        cible = table["code"].map(lambda code: (bouge.get(code) or code).split()[0])
        fusionnee = pd.Series(list(zip(cible, table["annee"], strict=True)), index=table.index).isin(perdues)
        masque = fusionnee & table[grandeurs].notna().any(axis=1)
        entier = pd.Series(False, index=c.brut.table.index)
        entier[masque[masque].index] = True
        c.rejeter(entier, "commune fusionnée ou scindée depuis : un taux ne se somme pas",
                  table["code"].reindex(entier.index))
        garde = ~pd.Series(list(zip(apres["code"], apres["annee"], strict=True)), index=apres.index).isin(
            set(zip(cible[masque], table.loc[masque, "annee"], strict=True)))
        scindees = apres["code"].isin({x for v in bouge.values() if " " in v for x in v.split()})
        apres = apres[garde & ~(scindees & apres[grandeurs].isna().all(axis=1))]
        c.refuser_si_vide("des communes dont le périmètre n'a pas changé")
    return apres


# --- Allocataires, prestations, quotient familial ---


# Le code officiel de la prestation → le mot de nos tables.
PRESTATIONS = {
    "ndur": "allocataires", "rsa": "rsa", "ppa": "prime_activite", "ndural": "aide_logement", "af": "af",
    "ndurpaje": "paje", "cf": "complement_familial", "asf": "asf", "ab": "allocation_base", "cmg": "cmg",
    "apl": "apl", "als": "als", "alf": "alf", "ars": "ars", "aah": "aah", "aeeh": "aeeh", "ndurej": "enfance_jeunesse",
    "ndurins": "insertion", "pn": "prime_naissance", "prepare": "prepare", "rso": "rso",
}
_COLONNE = re.compile(r"(?:(indfoy|nb_?foyers?|nombre_(?:de_)?foyers?)|"
                      r"(indnbp|nb_?personnes?|nombre_(?:de_)?personnes?))_(?:allocataires_)?([a-z]+)")
_MONTANT = re.compile("indmtt_|montant")
_TYPE_RSA = (r"rsa_type|type_(de_)?rsa|type_du_rsa",)
_NON_MAJORE = re.compile(r"((rsa|socle|beneficiaires?|du|type)_)*(non|sans)_?maj\w*")
_MAJORE = re.compile(r"((rsa|socle|beneficiaires?|du|type|avec)_)*maj\w*")
_TRANCHE = (r"qf_?400|(tranche_(de_)?)?(quotient_familial|qf)(_400)?(_en_tranches?)?|tranche_qf",)
_QPV = (r"(code|num|numero)_?(qpv|qp)|qpv|qp", r"code_(du_)?quartier(_prioritaire)?")
_NOM_QPV = (r"nom_?(qpv|qp)|lib(elle)?_?(qpv|qp)|nom_(du_)?quartier(_prioritaire)?",)
_IRIS = (r"(code|num|numero)_?iris|iris|code_?geo_?iris|dcomiris",)
TRANCHES = ("Moins de 400 euros", "Entre 400 et 799 euros", "Entre 800 et 1199 euros", "Entre 1200 et 1599 euros",
            "Entre 1600 et 1999 euros", "Entre 2000 et 3999 euros", "4000 euros ou plus", "Inconnu")
_SOURCE = "Cnaf, foyers allocataires (arrondis à 5, décembre, hors MSA)"


def prestation(nom: str) -> str | None:
    """Nom canonique d'une colonne d'effectif (les montants n'en ont pas).

    >>> [prestation(n) for n in ("indfoy_ndur", "indnbp_ndur", "Nombre foyers PPA", "indmtt_rsa", "nomcom")]
    ['foyers_allocataires', 'personnes_couvertes', 'foyers_prime_activite', None, None]
    """
    trouve = _COLONNE.fullmatch(simple(nom))
    if not trouve:
        return None
    foyers, _, code = trouve.groups()
    if (mot := PRESTATIONS.get(code)) is None:
        return None
    return f"foyers_{mot}" if foyers else ("personnes_couvertes" if code == "ndur" else f"personnes_{mot}")


def _effectif(nom: str) -> bool:
    return prestation(nom) is not None


def _plan_allocataires(entete: list[str]) -> dict[str, str]:
    plan: dict[str, str] = {}
    for nom in entete:
        if (mot := prestation(nom)) is not None:
            plan.setdefault(mot, nom)
    return plan


def _lieu(entete: list[str]) -> tuple[str, str] | None:
    """La maille la plus fine et sa colonne : IRIS, quartier prioritaire, commune."""
    commune = trouver(entete, *_CODES["commune"])
    for maille, motifs in (("iris", _IRIS), ("qpv", _QPV), ("qpv", _NOM_QPV)):
        colonne = trouver(entete, *motifs)
        if colonne is not None:
            return maille, colonne
    return ("commune", commune) if commune is not None else None


def _noter_allocataires(sorte: str):
    def noter(vu: Brut) -> float:
        plan, lieu = _plan_allocataires(vu.entete), _lieu(vu.entete)
        tranche, rsa = trouver(vu.entete, *_TRANCHE), trouver(vu.entete, *_TYPE_RSA)
        if not plan or (sorte == "qf") != (tranche is not None) or (sorte == "rsa") != (rsa is not None):
            return 0.0
        if lieu is None or (sorte != "qf" and lieu[0] != "commune"):
            return 0.3
        return 0.9 if len(plan) > 1 else 0.7
    return noter


def _epci(entete: list[str]) -> str | None:
    """La colonne de l'EPCI, si rien ne dit une maille plus fine : les lignes d'une commune ne sont pas les siennes."""
    colonne = trouver(entete, *_CODES["epci"])
    plus_fine = _lieu(entete) or trouver(entete, _NOMS["commune"]) or trouver(entete, *_TRANCHE, *_TYPE_RSA)
    autres = [n for n in entete if not re.match("ind(foy|nbp|mtt)_", simple(n))]
    return None if colonne is None or plus_fine or _plus_fine(autres, "epci", {colonne}) else colonne


def _noter_epci(vu: Brut) -> float:
    return 0.9 if _plan_allocataires(vu.entete) and _epci(vu.entete) else 0.0


def _effectifs(c: Chantier, plan: dict[str, str]) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    valeurs, secrets = pd.DataFrame(index=c.brut.table.index), {}
    for mot, colonne in plan.items():
        valeurs[mot], statut = c.nombres(colonne)
        if statut.eq("secret").any():
            secrets[mot] = statut
    verifier_entiers(c, valeurs)
    verifier_pas(c, valeurs)
    if "foyers_allocataires" in valeurs and "personnes_couvertes" in valeurs:
        # À l'arrondi près, un foyer compte au moins une personne.
        c.rejeter(valeurs["personnes_couvertes"].lt(valeurs["foyers_allocataires"] - 5),
                  "moins de personnes couvertes que de foyers", valeurs["personnes_couvertes"])
    return valeurs, secrets


def _communes(c: Chantier, colonne: str) -> pd.Series:
    codes = c.codes(colonne)
    dep = trouver(c.brut.entete, *_CODES["departement"])
    verifier_communes(c, codes, trouver(c.brut.entete, _NOMS["commune"]), dep)
    return codes


def _large(c: Chantier, table: pd.DataFrame, mots: list[str], secrets: dict[str, pd.Series],
           brute: pd.Series) -> pd.DataFrame:
    """D'une ligne par commune et par année à une colonne par grandeur et par année."""
    apres = passer(c, table, brute=brute, additives=mots)
    codes_lus = pd.MultiIndex.from_frame(table[["code", "annee"]])
    for mot, statut in secrets.items():
        par_cle = pd.Series(statut.loc[table.index].to_numpy(), index=codes_lus)
        lus = par_cle.reindex(pd.MultiIndex.from_frame(apres[["code", "annee"]])).to_numpy()
        avant = apres.get(f"{mot}__statut", pd.Series("exact", index=apres.index, dtype="str"))
        apres[f"{mot}__statut"] = avant.where(pd.Series(lus, index=apres.index).ne("secret"), "secret")
    return _en_colonnes(apres, mots)


def _en_colonnes(longue: pd.DataFrame, mots: list[str]) -> pd.DataFrame:
    """Une colonne par grandeur et par année, et son statut là où une case n'est pas exacte."""
    colonnes = {}
    for an in sorted(int(a) for a in longue["annee"].unique()):
        siennes = longue[longue["annee"].eq(an)].set_index("code")
        for mot in mots:
            colonnes[f"{mot}_{an}"] = siennes[mot]
            statut = siennes.get(f"{mot}__statut")
            if statut is not None and statut.ne("exact").any():
                colonnes[f"{mot}_{an}__statut"] = statut
    return pd.DataFrame(colonnes).rename_axis("code").reset_index()


def _refuser_detail(brut: Brut, plan: dict[str, str]) -> None:
    """Refuse un fichier où une colonne sans titre lisible sépare peut-être les lignes d'une même commune."""
    for nom in brut.table:
        if nom in plan.values() or re.match("ind(foy|nbp|mtt)_", simple(nom)):
            continue
        if "\ufffd" in nom:
            raise refuser(brut, f"titre de colonne illisible : « {nom} »", attendu="l'en-tête officiel",
                          conseil="corrigez ce titre, ou retéléchargez le fichier")
        if brut.table[nom].str.contains(r"\bmaj|\d+ ?(?:euros|€)", case=False).mean() > 0.5:
            raise refuser(brut, f"« {nom} » détaille chaque commune ({brut.table[nom].iloc[0]})",
                          attendu="une ligne par commune et par année, ou un titre rsa_type, qf_400")


def _type_de_rsa(texte: str) -> str:
    """« majore », « non_majore », ou rien : un « non » abîmé ne doit pas inverser le sens.

    >>> [_type_de_rsa(t) for t in ("RSA majoré", "RSA non majoré", "sans majoration", "RSA\ufffdnon majoré")]
    ['majore', 'non_majore', 'non_majore', '']
    """
    if re.search(r"[^\w\s().,'’/-]", texte):
        return ""
    nu = simple(texte)
    return "non_majore" if _NON_MAJORE.fullmatch(nu) else "majore" if _MAJORE.fullmatch(nu) else ""


def lire_prestations(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """``s_ben_com_f`` : table ``communes``, une colonne par prestation et par année."""
    # Ni les montants, ni (déjà lus en nombres) les textes des effectifs.
    brut = lire_tableau(chemin, feuille=feuille, nombres=_effectif, colonnes=lambda n: not _MONTANT.match(simple(n)))
    c, plan, lieu = Chantier(brut, "communes"), _plan_allocataires(brut.entete), _lieu(brut.entete)
    if lieu is None or not plan:
        raise refuser(brut, "colonnes introuvables", attendu="dtreffre, numcomdo et indfoy_…")
    _refuser_detail(brut, plan)
    codes, an = _communes(c, lieu[1]), annees(c, annee, decembre=True)
    valeurs, secrets = _effectifs(c, plan)
    c.sans_doublon([codes, an], valeurs)
    c.refuser_si_vide("des communes avec une année")
    manque = [m for m in ("foyers_allocataires", "personnes_couvertes") if m not in plan]
    if manque:
        c.remarques.append("grandeurs absentes du fichier : " + ", ".join(manque))
    table = pd.DataFrame({"code": codes, "annee": an.astype("Int64"), **valeurs})[c.garde]
    large = _large(c, table, list(plan), secrets, brut.table[lieu[1]])
    return _rendre(c, large, table["annee"], _SOURCE)


def _ecarter_les_restes(c: Chantier, cle: pd.DataFrame, valeurs: pd.DataFrame) -> None:
    """Le portail répète des EPCI : un reste d'un foyer, qu'il aurait arrondi, ou deux lignes qu'on ne départage pas."""
    foyers = valeurs.iloc[:, 0]
    repetes = cle.duplicated(keep=False) & c.garde
    c.rejeter(repetes & foyers.between(1, 4), "reste de quelques foyers, à côté de la ligne de l'EPCI", foyers)
    fiches = cle.join(valeurs)[c.garde].drop_duplicates()
    contraires = fiches.loc[fiches.duplicated([*cle], keep=False), [*cle]]
    ici = pd.MultiIndex.from_frame(cle).isin(pd.MultiIndex.from_frame(contraires))
    c.rejeter(ici, "EPCI publié deux fois la même année, avec d'autres effectifs", cle["code"])


def lire_prestations_epci(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """``s_ben_epci_f`` : table ``epci``, une colonne par prestation et par année, arrondie une seule fois."""
    brut = lire_tableau(chemin, feuille=feuille, nombres=_effectif, colonnes=lambda n: not _MONTANT.match(simple(n)))
    c, plan, colonne = Chantier(brut, "epci"), _plan_allocataires(brut.entete), _epci(brut.entete)
    if colonne is None or not plan:
        raise refuser(brut, "colonnes introuvables", attendu="dtreffre, numepci et indfoy_…")
    _refuser_detail(brut, plan)
    codes, an = _codes(c, "epci", colonne), annees(c, annee, decembre=True)
    valeurs, secrets = _effectifs(c, plan)
    _ecarter_les_restes(c, pd.DataFrame({"code": codes, "annee": an}), valeurs)
    c.sans_doublon([codes, an], valeurs)
    c.refuser_si_vide("des EPCI avec une année")
    mots = valeurs.assign(**{f"{mot}__statut": statut for mot, statut in secrets.items()})
    longue = pd.DataFrame({"code": codes, "annee": an.astype("Int64"), **mots})[c.garde]
    c.remarques.append("maille EPCI : composition de l'année de la source, pas d'aujourd'hui")
    return _rendre(c, _en_colonnes(longue, list(plan)), longue["annee"], PRESTATIONS_EPCI)


def lire_rsa(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """``rsa_s_type_com_f`` : RSA majoré et non majoré, table ``communes``."""
    brut = lire_tableau(chemin, feuille=feuille)
    c, plan, lieu = Chantier(brut, "communes"), _plan_allocataires(brut.entete), _lieu(brut.entete)
    type_ = trouver(brut.entete, *_TYPE_RSA)
    if lieu is None or type_ is None or not plan:
        raise refuser(brut, "colonnes introuvables", attendu="dtreffre, numcomdo, rsa_type, indfoy_rsa")
    codes, an = _communes(c, lieu[1]), annees(c, annee, decembre=True)
    lus = brut.table[type_].map(simple)
    sorte = brut.table[type_].map(_type_de_rsa)
    c.rejeter(sorte.eq("") & lus.str.contains("ensemble|total|tous"), "total des types de RSA", brut.table[type_])
    c.rejeter(sorte.eq(""), "type de RSA inconnu", brut.table[type_])
    valeurs, secrets = _effectifs(c, plan)
    c.sans_doublon([codes, an, sorte], valeurs)
    c.refuser_si_vide("des communes avec une année et un type")
    # Une ligne par commune et par année, les types côte à côte : la suite est celle des prestations.
    cles = ["code", "annee"]
    longue = pd.DataFrame({"code": codes, "annee": an.astype("Int64"), "sorte": sorte, **valeurs})[c.garde]
    cotes = {f"{mot}_{s}": longue[longue["sorte"] == s].set_index(cles)[mot]
             for s in ("majore", "non_majore") for mot in plan}
    table = pd.DataFrame(cotes).reset_index()
    if secrets:
        c.remarques.append("des effectifs sont couverts par le secret statistique : laissés vides")
    return _rendre(c, _large(c, table, list(cotes), {}, brut.table[lieu[1]]), table["annee"], _SOURCE)


def lire_qf(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """``ndur_s_qf_400_{com,qpv,iris}_f`` : table ``qf`` (maille, code, annee, tranche, foyers, personnes)."""
    brut = lire_tableau(chemin, feuille=feuille, nombres=_effectif)
    c, plan, lieu = Chantier(brut, "qf"), _plan_allocataires(brut.entete), _lieu(brut.entete)
    colonne = trouver(brut.entete, *_TRANCHE)
    if lieu is None or colonne is None or not plan:
        raise refuser(brut, "colonnes introuvables", attendu="dtreffre, numcomdo, qf_400, indfoy_ndur, indnbp_ndur")
    maille, ou = lieu
    an = annees(c, annee, decembre=True)
    tranche = _tranches(c, brut.table[colonne])
    valeurs, _ = _effectifs(c, plan)
    valeurs = pd.DataFrame({"foyers": valeurs.get("foyers_allocataires"),
                            "personnes": valeurs.get("personnes_couvertes")}, index=brut.table.index, dtype="float64")
    if maille == "commune":
        codes = _communes(c, ou)
    elif maille == "iris":
        codes = brut.table[ou].str.upper().str.zfill(9)
        c.rejeter(~codes.str.fullmatch(r"(\d\d|2[AB])\d{7}"), "ce n'est pas un code IRIS", brut.table[ou])
    else:
        codes = _quartiers(c, ou)
    c.sans_doublon([codes, an, tranche], valeurs)
    c.refuser_si_vide("des lignes avec un lieu, une année et une tranche de quotient familial")
    table = pd.DataFrame({"code": codes, "annee": an.astype("Int64"), "tranche": tranche, **valeurs})[c.garde]
    if maille == "commune":
        table = passer(c, table, brute=brut.table[ou], additives=["foyers", "personnes"])
    table.insert(0, "maille", maille)
    return _rendre(c, trier_par(table, "code", "annee", "tranche"), table["annee"],
                   "Cnaf, foyers allocataires par tranche de quotient familial")


def _tranches(c: Chantier, serie: pd.Series) -> pd.Series:
    """Ramène chaque tranche à son libellé officiel (casse, accents, € ou euros)."""
    def cle(texte: str) -> str:
        nombres = re.findall(r"\d+", re.sub(r"\s", "", texte))
        texte = simple(texte)
        if nombres:
            return "-".join(nombres) + ("+" if re.search(r"plus|sup", texte) else "")
        return "inconnu" if re.search(r"inconnu|indetermine|non_(connu|renseigne)|nr$", texte) else texte

    officielles = {cle(t): t for t in TRANCHES}
    rangs, uniques = pd.factorize(serie)
    sens = pd.array([officielles.get(cle(t), "") for t in uniques], dtype="str")
    lues = pd.Series(sens.take(rangs), index=serie.index)
    c.rejeter(lues.eq(""), "tranche de quotient familial inconnue", serie)
    return lues


def _quartiers(c: Chantier, colonne: str) -> pd.Series:
    serie = c.brut.table[colonne]
    code = serie.str.upper().str.replace(" ", "")
    juste = code.str.fullmatch(r"Q[NP][0-9AB]{3,6}[A-Z]?")
    if juste.mean() > 0.5:
        c.rejeter(~juste, "ce n'est pas un code de quartier", serie)
        return code
    commune = trouver(c.brut.entete, *_CODES["commune"])
    if commune is None:
        raise refuser(c.brut, "les quartiers n'ont ni code ni commune", attendu="un code QN…, ou numcomdo et nomqpv")
    c.rejeter(serie.eq(""), "quartier sans nom", serie)
    c.remarques.append("quartiers sans code : identifiés par leur commune et leur nom")
    return c.communes(commune) + "-" + serie.map(nom_libre)


def _rendre(c: Chantier, table: pd.DataFrame, an: pd.Series, source: str) -> Lecture:
    lues = sorted(int(a) for a in an.dropna().unique())
    periode = f"décembre {lues[-1]}" if len(lues) == 1 else f"décembre {lues[0]} à décembre {lues[-1]}"
    return c.rendre(table, annees=lues, source=source, millesime=periode)


# --- Foyers allocataires par IRIS ---


GRANDEURS = {
    "a": "foyers_allocataires", "percou": "personnes_couvertes", "ai": "foyers_isoles",
    "am": "foyers_monoparentaux", "acssenf": "couples_sans_enfant", "acavenf": "couples_avec_enfants",
    "ac3enf": "couples_3_enfants_ou_plus", "enf": "enfants", "enf_2": "enfants_0_2", "enf_3_5": "enfants_3_5",
    "enf_6_10": "enfants_6_10", "enf_11_14": "enfants_11_14", "enf_15_17": "enfants_15_17",
    "enf_18_24": "enfants_18_24", "aal": "foyers_aide_logement", "aapl": "foyers_apl", "aaah": "foyers_aah",
    "appa": "foyers_prime_activite", "arsas": "foyers_rsa",
}
_CODE = (r"codgeo|iris|code_?iris|dcomiris",)
_MOTIF = "au moins un IRIS de la commune est couvert par le secret"


def _plan_iris(entete: list[str]) -> dict[str, str]:
    return {mot: nom for cle, mot in GRANDEURS.items() if (nom := trouver(entete, cle)) is not None}


def _noter_iris(vu: Brut) -> float:
    plan, code = _plan_iris(vu.entete), trouver(vu.entete, *_CODE)
    if code is None or not {"foyers_allocataires", "personnes_couvertes"} <= set(plan):
        return 0.0
    return 0.95 if vu.table[code].str.len().between(8, 9).mean() > 0.5 else 0.2


def lire_iris(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Table ``iris`` : la commune quand tous ses IRIS sont publiés, sinon ses IRIS un par un, avec le motif.

    Une commune non découpée en IRIS n'est pas dans ces fichiers. Un blanc (ou une NOTE non nulle) a le
    statut « secret » : il n'est jamais un zéro.
    """
    brut = lire_tableau(chemin, feuille=feuille)
    c, plan, colonne = Chantier(brut, "iris"), _plan_iris(brut.entete), trouver(brut.entete, *_CODE)
    if colonne is None or not plan:
        raise refuser(brut, "colonnes introuvables", attendu="CODGEO, A, PERCOU, ENF_2…")
    c.exiger_entier()
    iris = brut.table[colonne].str.upper()
    perdu = iris.str.fullmatch(r"\d{8}")
    if perdu.any():
        c.remarques.append(f"{int(perdu.sum())} code(s) IRIS réparés : zéro de tête perdu")
        iris = iris.mask(perdu, "0" + iris)
    c.rejeter(~iris.str.fullmatch(r"(\d\d|2[AB])\d{7}"), "ce n'est pas un code IRIS", brut.table[colonne])
    communes = code_commune(iris.str[:5]).valeurs
    c.connus(communes)
    an = annees(c, annee)
    valeurs = pd.DataFrame({mot: c.nombres(nom, vide="secret")[0] for mot, nom in plan.items()})
    verifier_entiers(c, valeurs)
    _verifier(c, valeurs)
    c.sans_doublon([iris, an], valeurs)
    c.sans_rejet("un IRIS perdu rendrait faux le total de sa commune", sauf=(REPETEE,))
    c.refuser_si_vide("des IRIS")
    mots = list(plan)
    absents = [m for m in GRANDEURS.values() if m not in plan]
    if absents:
        c.remarques.append("grandeurs absentes du fichier : " + ", ".join(absents))
    lus = pd.DataFrame({"commune": communes, "iris": iris, "annee": an.astype("Int64"), **valeurs})[c.garde]
    # Une somme n'est donnée que si aucun de ses IRIS n'est caché : sinon elle serait trop basse, en silence.
    sommes = lus.groupby(["commune", "annee"])[mots].agg(lambda s: s.sum(skipna=False)).reset_index()
    entieres = sommes["foyers_allocataires"].notna()
    a_la_commune = passer(c, sommes[entieres].rename(columns={"commune": "code"}), brute=communes, additives=mots,
                          villes=False)
    a_la_commune = a_la_commune.assign(maille="commune", motif="")
    restes = lus[~lus["commune"].isin(sommes.loc[entieres, "commune"])]
    a_l_iris = restes.rename(columns={"iris": "code"}).drop(columns="commune").assign(maille="iris", motif=_MOTIF)
    table = pd.concat([a_la_commune, a_l_iris], ignore_index=True)
    jumelles = {n for n in table if n.endswith("__statut")}
    for mot in mots:
        statut = table[f"{mot}__statut"].fillna("exact") if f"{mot}__statut" in jumelles else pd.Series(
            "exact", index=table.index, dtype="str")
        table[f"{mot}__statut"] = statut.mask(table[mot].isna() & statut.eq("exact"), "secret")
    colonnes = ["maille", "code", "annee", *mots, *(f"{m}__statut" for m in mots), "motif"]
    lues = sorted(int(a) for a in lus["annee"].unique())
    return c.rendre(table[colonnes], annees=lues, source="Cnaf et Insee, allocataires des Caf à l'IRIS",
                    millesime=f"décembre {lues[-1]}")


def _verifier(c: Chantier, v: pd.DataFrame) -> None:
    """Contradictions : un foyer compte au moins une personne, une sous-population n'excède pas l'ensemble."""
    c.rejeter(v["personnes_couvertes"].lt(v["foyers_allocataires"]), "moins de personnes que de foyers",
              v["personnes_couvertes"].astype("str"))
    for mot in v.columns:
        if mot.startswith(("foyers_", "couples_")) and mot != "foyers_allocataires":
            c.rejeter(v[mot].gt(v["foyers_allocataires"]), f"{mot} : plus que de foyers allocataires",
                      v[mot].astype("str"))
        elif mot.startswith("enfants_") and "enfants" in v:
            c.rejeter(v[mot].gt(v["enfants"]), f"{mot} : plus que d'enfants", v[mot].astype("str"))


LECTEURS = (
    Lecteur("cnaf_taux", "Cnaf, taux de couverture de l'accueil du jeune enfant", _noter("taux"),
            partial(_lire, genre="taux"), ("annee", "numcom", "txcouv_eaje_com", "txcouv_com")),
    Lecteur("cnaf_places", "Cnaf, nombre de places d'accueil du jeune enfant", _noter("places"),
            partial(_lire, genre="places"), ("annee", "numcom", "pl_eaje_com", "tot_offre_com")),
    Lecteur("cnaf_prestations", "Cnaf, allocataires par commune (s_ben_com_f)", _noter_allocataires("prestations"),
            lire_prestations, ("dtreffre", "numcomdo", "indfoy_ndur", "indnbp_ndur")),
    Lecteur("cnaf_prestations_epci", "Cnaf, allocataires par EPCI (s_ben_epci_f)", _noter_epci,
            lire_prestations_epci, ("dtreffre", "numepci", "indfoy_ndur", "indnbp_ndur")),
    Lecteur("cnaf_qf", "Cnaf, quotient familial par commune, quartier ou IRIS", _noter_allocataires("qf"), lire_qf,
            ("dtreffre", "numcomdo", "qf_400", "indfoy_ndur")),
    Lecteur("cnaf_rsa", "Cnaf, RSA majoré et non majoré par commune", _noter_allocataires("rsa"), lire_rsa,
            ("dtreffre", "numcomdo", "rsa_type", "indfoy_rsa"), utile=False),
    Lecteur("caf_iris", "Caf à l'IRIS (Insee)", _noter_iris, lire_iris, ("CODGEO", "NOTE", "A", "PERCOU", "ENF_2")),
)
