"""Cnaf, allocataires : prestations par commune (``s_ben_com_f``) et par EPCI, quotient familial, RSA majoré.

Tout est arrondi à 5, au mois de décembre, régime général (la MSA n'y est pas). Les allocataires sans
commune (code vide ou masqué) sont rejetés un par un, jamais répartis.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import Chantier, refuser, simple, trouver
from cafdiag.donnees.lecteurs.cnaf import _CODES, _NOMS, _codes, _plus_fine, annees
from cafdiag.donnees.lecteurs.coherence import (
    nom_libre,
    passer,
    verifier_communes,
    verifier_entiers,
    verifier_pas,
)
from cafdiag.donnees.lecteurs.recollement import trier_par
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.publications import PRESTATIONS_EPCI

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
    mot = PRESTATIONS.get(code)
    if mot is None:
        return None
    return f"foyers_{mot}" if foyers else ("personnes_couvertes" if code == "ndur" else f"personnes_{mot}")


def _effectif(nom: str) -> bool:
    return prestation(nom) is not None


def _plan(entete: list[str]) -> dict[str, str]:
    plan: dict[str, str] = {}
    for nom in entete:
        mot = prestation(nom)
        if mot is not None:
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


def _noter(sorte: str):
    def noter(vu: Brut) -> float:
        plan, lieu = _plan(vu.entete), _lieu(vu.entete)
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
    return 0.9 if _plan(vu.entete) and _epci(vu.entete) else 0.0


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
    codes = c.communes(colonne)
    c.connus(codes)
    dep = trouver(c.brut.entete, *_CODES["departement"])
    verifier_communes(c, codes, trouver(c.brut.entete, _NOMS["commune"]), dep)
    return codes


def _large(c: Chantier, table: pd.DataFrame, mots: list[str], secrets: dict[str, pd.Series],
           brute: pd.Series) -> pd.DataFrame:
    """D'une ligne par commune et par année à une colonne par grandeur et par année."""
    apres = passer(c, table, brute=brute, additives=mots)
    statuts = {n.removesuffix("__statut") for n in apres if n.endswith("__statut")}
    codes_lus = pd.MultiIndex.from_frame(table[["code", "annee"]])
    for mot, statut in secrets.items():
        par_cle = pd.Series(statut.loc[table.index].to_numpy(), index=codes_lus)
        lus = par_cle.reindex(pd.MultiIndex.from_frame(apres[["code", "annee"]])).to_numpy()
        avant = apres.get(f"{mot}__statut", pd.Series("exact", index=apres.index, dtype="str"))
        apres[f"{mot}__statut"] = avant.where(pd.Series(lus, index=apres.index).ne("secret"), "secret")
        statuts.add(mot)
    colonnes = {}
    for an in sorted(int(a) for a in apres["annee"].unique()):
        tranche = apres[apres["annee"] == an].set_index("code")
        for mot in mots:
            colonnes[f"{mot}_{an}"] = tranche[mot]
            if mot in statuts and tranche[f"{mot}__statut"].ne("exact").any():
                colonnes[f"{mot}_{an}__statut"] = tranche[f"{mot}__statut"]
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
    c, plan, lieu = Chantier(brut, "communes"), _plan(brut.entete), _lieu(brut.entete)
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


def lire_prestations_epci(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """``s_ben_epci_f`` : table ``epci``, une colonne par prestation et par année, arrondie une seule fois."""
    brut = lire_tableau(chemin, feuille=feuille, nombres=_effectif, colonnes=lambda n: not _MONTANT.match(simple(n)))
    c, plan, colonne = Chantier(brut, "epci"), _plan(brut.entete), _epci(brut.entete)
    if colonne is None or not plan:
        raise refuser(brut, "colonnes introuvables", attendu="dtreffre, numepci et indfoy_…")
    _refuser_detail(brut, plan)
    codes, an = _codes(c, "epci", colonne), annees(c, annee, decembre=True)
    valeurs, secrets = _effectifs(c, plan)
    c.sans_doublon([codes, an], valeurs)
    c.refuser_si_vide("des EPCI avec une année")
    mots = valeurs.assign(**{f"{mot}__statut": statut for mot, statut in secrets.items()})
    longue = pd.DataFrame({"code": codes, "annee": an.astype("Int64"), **mots})[c.garde]
    annees_lues = sorted(int(a) for a in longue["annee"].unique())
    colonnes = {}
    for a in annees_lues:
        siennes = longue[longue["annee"].eq(a)].set_index("code")
        for mot in plan:
            colonnes[f"{mot}_{a}"] = siennes[mot]
            if mot in secrets:
                colonnes[f"{mot}_{a}__statut"] = siennes[f"{mot}__statut"]
    large = pd.DataFrame(colonnes).rename_axis("code").reset_index()
    c.remarques.append("maille EPCI : composition de l'année de la source, pas d'aujourd'hui")
    return _rendre(c, large, longue["annee"], PRESTATIONS_EPCI)


def lire_rsa(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """``rsa_s_type_com_f`` : RSA majoré et non majoré, table ``communes``."""
    brut = lire_tableau(chemin, feuille=feuille)
    c, plan, lieu = Chantier(brut, "communes"), _plan(brut.entete), _lieu(brut.entete)
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
    c, plan, lieu = Chantier(brut, "qf"), _plan(brut.entete), _lieu(brut.entete)
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
    if code.str.fullmatch(r"Q[NP][0-9AB]{3,6}[MI]?").mean() > 0.5:
        c.rejeter(~code.str.fullmatch(r"Q[NP][0-9AB]{3,6}[MI]?"), "ce n'est pas un code de quartier", serie)
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


LECTEURS = (
    Lecteur("cnaf_prestations", "Cnaf, allocataires par commune (s_ben_com_f)", _noter("prestations"),
            lire_prestations, ("dtreffre", "numcomdo", "indfoy_ndur", "indnbp_ndur")),
    Lecteur("cnaf_prestations_epci", "Cnaf, allocataires par EPCI (s_ben_epci_f)", _noter_epci,
            lire_prestations_epci, ("dtreffre", "numepci", "indfoy_ndur", "indnbp_ndur")),
    Lecteur("cnaf_qf", "Cnaf, quotient familial par commune, quartier ou IRIS", _noter("qf"), lire_qf,
            ("dtreffre", "numcomdo", "qf_400", "indfoy_ndur")),
    Lecteur("cnaf_rsa", "Cnaf, RSA majoré et non majoré par commune", _noter("rsa"), lire_rsa,
            ("dtreffre", "numcomdo", "rsa_type", "indfoy_rsa")),
)
