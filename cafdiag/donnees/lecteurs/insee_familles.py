"""Insee, recensement : enfants de moins de 6 ans selon la famille et l'emploi des parents, à la commune."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import exiger, trouver
from cafdiag.donnees.lecteurs.forme_longue import TOTAL, lire_forme_longue
from cafdiag.donnees.lecture import apercu
from cafdiag.donnees.nettoyage import annee as lire_annee

SOURCE = "Insee, recensement de la population (exploitation complémentaire)"
AGES = {"Y_LT2": "0_1", "Y2T5": "2_5"}
# Type de famille et emploi : un père seul, une mère seule, un couple ; chaque enfant est dans une case et une seule.
EN_EMPLOI = ("A111", "A121", "A221")
SANS_EMPLOI = ("A112", "A122", "A222", "A223", "A224")
MONOPARENTALES = ("A111", "A112", "A121", "A122")
_FAMILLES = (*EN_EMPLOI, *SANS_EMPLOI)


def reconnait(brut: Brut) -> bool:
    """Forme longue de Melodi, avec le type de famille et l'âge des enfants."""
    return all(trouver(brut.entete, nom) for nom in ("geo", "tfn", "age", "obs_value"))


def lire_activite_des_parents(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Enfants de moins de 2 ans, et de 2 à 5 ans, selon le type de famille et l'emploi des parents.

    Une case absente n'est zéro que si les autres font le total publié de la commune ; sinon l'âge reste vide.
    """
    vu = apercu(chemin, feuille=feuille)
    roles = exiger(vu, geo=("geo",), famille=("tfn",), age=("age",), annee=("time_period",), valeur=("obs_value",))
    utiles = {roles["age"]: set(AGES), roles["famille"]: {TOTAL, *_FAMILLES}}
    chantier = lire_forme_longue(chemin, vu, "communes", utiles=utiles, feuille=feuille, annee=annee)
    chantier.exiger_entier()
    table = chantier.brut.table
    codes = chantier.codes_geo(roles["geo"])
    chantier.connus(codes)
    ans, raisons = lire_annee(table[roles["annee"]])
    chantier.rejeter_selon(raisons, table[roles["annee"]])
    valeurs, _ = chantier.nombres(roles["valeur"])
    ages, familles = table[roles["age"]], table[roles["famille"]]
    chantier.sans_doublon([codes, ans.astype("str"), ages, familles], valeurs.to_frame("v"))
    chantier.refuser_si_vide("des lignes GEO_OBJECT = COM, AGE = Y_LT2 ou Y2T5, TFN = A111 à A224")
    fiche = pd.DataFrame({"code": codes, "an": ans, "age": ages.map(AGES), "famille": familles, "v": valeurs})
    par_case = fiche[chantier.garde].pivot(index=["code", "an", "age"], columns="famille", values="v")
    large = _compter(par_case.reindex(columns=[TOTAL, *_FAMILLES]))
    annees = sorted(int(a) for a in large.index.unique("an"))
    colonnes = {f"enfants_{an}_{age}_{nom}": siennes.droplevel(["an", "age"])[nom]
                for (an, age), siennes in large.groupby(level=["an", "age"]) for nom in large}
    rendue = pd.DataFrame(colonnes).rename_axis("code").reset_index()
    muettes = int(rendue.drop(columns="code").isna().any(axis=1).sum())
    if muettes:
        chantier.remarques.append(f"{muettes} communes à qui il manque une case de famille : laissées vides")
    rendue = chantier.au_cog(rendue, additives=[c for c in rendue if c != "code"])
    return chantier.rendre(rendue, annees=annees, source=SOURCE, millesime=f"RP {annees[-1]}")


def _compter(cases: pd.DataFrame) -> pd.DataFrame:
    """Enfants en famille, de parents tous en emploi, de familles monoparentales ; vides si une case peut manquer."""
    detail = cases[list(_FAMILLES)]
    # Des effectifs de sondage, non entiers : le total est juste à l'arrondi près.
    complet = detail.notna().all(axis=1) | (detail.sum(axis=1) - cases[TOTAL]).abs().le(0.5)
    sommes = {"famille": _FAMILLES, "emploi": EN_EMPLOI, "mono": MONOPARENTALES}
    return pd.DataFrame({nom: detail[list(siennes)].sum(axis=1).where(complet) for nom, siennes in sommes.items()})


LECTEURS = (
    Lecteur("insee_activite_des_parents", "enfants de moins de 6 ans selon l'emploi des parents",
            lambda b: 0.95 * reconnait(b), lire_activite_des_parents, ("GEO", "GEO_OBJECT", "AGE", "TFN", "OBS_VALUE")),
)
