"""Allocataires des Caf à l'IRIS (fichiers Insee, 2016-2020) : un blanc y cache moins de 100 allocataires."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import REPETEE, Chantier, refuser, trouver
from cafdiag.donnees.lecteurs.cnaf import annees
from cafdiag.donnees.lecteurs.coherence import passer, verifier_entiers
from cafdiag.donnees.lecture import code_commune, lire_tableau

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


def _plan(entete: list[str]) -> dict[str, str]:
    return {mot: nom for cle, mot in GRANDEURS.items() if (nom := trouver(entete, cle)) is not None}


def _noter(vu: Brut) -> float:
    plan, code = _plan(vu.entete), trouver(vu.entete, *_CODE)
    if code is None or not {"foyers_allocataires", "personnes_couvertes"} <= set(plan):
        return 0.0
    return 0.95 if vu.table[code].str.len().between(8, 9).mean() > 0.5 else 0.2


def lire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Table ``iris`` : la commune quand tous ses IRIS sont publiés, sinon ses IRIS un par un, avec le motif.

    Une commune non découpée en IRIS n'est pas dans ces fichiers. Un blanc (ou une NOTE non nulle) a le
    statut « secret » : il n'est jamais un zéro.
    """
    brut = lire_tableau(chemin, feuille=feuille)
    c, plan, colonne = Chantier(brut, "iris"), _plan(brut.entete), trouver(brut.entete, *_CODE)
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


LECTEURS = (Lecteur("caf_iris", "Caf à l'IRIS (Insee)", _noter, lire, ("CODGEO", "NOTE", "A", "PERCOU", "ENF_2")),)
