"""Drees, enquête Aide sociale (PMI) : un tableau par grandeur, une ligne par département, une colonne par an."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import Chantier, refuser, simple, trouver, verifier_entiers
from cafdiag.donnees.lecteurs.cnaf import _CODES
from cafdiag.donnees.nettoyage import code_departement
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.magasin import lire_table

# Numéros des tableaux de l'édition 2023 ; le fichier lui-même ne dit pas ce qu'il compte.
TABLEAUX = {
    23: "creches_collectives", 24: "creches_familiales", 27: "creches_parentales",
    28: "places_creches_collectives", 32: "places_creches_parentales", 33: "agrements_assistants_maternels",
}

COLLECTIVITES = frozenset({"20", "6AE", "69D", "69M"})


def _ans(entete: list[str]) -> list[str]:
    return [nom for nom in entete if re.fullmatch(r"(19|20)\d\d", nom.strip())]


def _noter(vu: Brut) -> float:
    dep = trouver(vu.entete, *_CODES["departement"])
    if dep is None or len(_ans(vu.entete)) < 3 or len(_ans(vu.entete)) < len(vu.entete) - 5:
        return 0.0
    return 0.8 if code_departement(vu.table[dep]).valeurs.notna().mean() > 0.7 else 0.2


def lire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Table ``drees_departements`` : maille, code, annee, grandeur, valeur.

    La Corse (20), l'Alsace (6AE), la métropole de Lyon et le Nouveau Rhône ont la maille « collectivite » :
    jamais comptés en plus de leurs départements.
    """
    brut = lire_tableau(chemin, feuille=feuille)
    c = Chantier(brut, "drees_departements")
    colonne, ans = trouver(brut.entete, *_CODES["departement"]), _ans(brut.entete)
    if colonne is None or not ans:
        raise refuser(brut, "colonnes introuvables", attendu="Code département et une colonne par année")
    grandeur = _grandeur(c)
    # La métropole de Lyon, le Nouveau Rhône, l'Alsace et la Corse n'ont pas de code de département.
    brute = brut.table[colonne]
    lus = code_departement(brute.where(~brute.str.upper().isin(COLLECTIVITES), "01"))
    lus = replace(lus, valeurs=lus.valeurs.where(~brute.str.upper().isin(COLLECTIVITES), brute.str.upper()))
    c.rejeter_selon(lus.raisons, brut.table[colonne])
    c.remarques += lus.remarque()
    connus = set(lire_table("departements", colonnes=["code"])["code"]) | COLLECTIVITES
    faux = lus.valeurs.notna() & ~lus.valeurs.isin(connus)
    c.inconnus = sorted(set(lus.valeurs[faux]))
    c.rejeter(faux, "département inconnu", lus.valeurs)
    _verifier_noms(c, lus.valeurs)
    valeurs = pd.DataFrame({an: c.nombres(an)[0] for an in ans})
    verifier_entiers(c, valeurs)
    c.sans_doublon([lus.valeurs], valeurs)
    c.refuser_si_vide("des départements")
    large = valeurs.assign(code=lus.valeurs)[c.garde]
    table = large.melt(id_vars="code", var_name="annee", value_name="valeur").dropna(subset="valeur")
    table["annee"] = table["annee"].astype("int64").astype("Int64")
    table["maille"] = table["code"].map(lambda code: "collectivite" if code in COLLECTIVITES else "departement")
    table["grandeur"] = grandeur
    table = table[["maille", "code", "annee", "grandeur", "valeur"]].sort_values(["code", "annee"])
    lues = sorted(int(a) for a in ans)
    return c.rendre(table.reset_index(drop=True), annees=lues, millesime=f"{lues[0]}-{lues[-1]}",
                    source="Drees, enquête Aide sociale, protection maternelle et infantile")


def _verifier_noms(c: Chantier, codes: pd.Series) -> None:
    nom = trouver(c.brut.entete, r"departement|nom_?dep(artement)?|lib(elle)?_?dep(artement)?")
    if nom is None:
        return
    departements = lire_table("departements", colonnes=["code", "nom"])
    par_nom = {simple(n): code for code, n in departements.itertuples(index=False, name=None)}
    dit = c.brut.table[nom].map(lambda n: par_nom.get(simple(n)))
    c.rejeter(dit.notna() & codes.notna() & dit.ne(codes), "le nom est celui d'un autre département", codes)


def _grandeur(c: Chantier) -> str:
    nom = c.brut.fichier.lower()
    trouve = re.search(r"tab(?:leau)?[ _-]*(\d+)", nom)
    numero = int(trouve[1]) if trouve else None
    if numero in TABLEAUX:
        c.remarques.append(f"tableau {numero} : {TABLEAUX[numero].replace('_', ' ')}, d'après le nom du fichier "
                           "(édition 2023 de la Drees)")
        return TABLEAUX[numero]
    grandeur = f"tableau_{numero}" if numero else simple(Path(nom).stem)
    c.remarques.append(f"rien ne dit ce que compte ce tableau : rangé sous « {grandeur} »")
    return grandeur


LECTEURS = (Lecteur("drees_departements", "Drees, tableau par département", _noter, lire,
                    ("Code région", "Code département", "Département", "2015", "2016"), utile=False),)
