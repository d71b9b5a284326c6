"""Dépouiller un questionnaire : des parts redressées, leur intervalle, et rien sous le seuil de diffusion.

Un effectif sous le seuil est tu ; un second l'est avec lui, pour qu'aucune différence ne le rende. Un croisement n'est
montré que si toutes ses cases sont nulles ou au-dessus du seuil.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.questionnaire import AGES, QUESTIONS, SEPARATEUR, Question, Reponses, lire_reponses
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.redressement import effectif_utile, intervalle, redresser
from cafdiag.indicateurs.tables_calcul import Tables, contexte_des
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.normalisation import normaliser

SANS = "Sans réponse"
AUTRES = "autres communes"
# Des tranches du recensement à celles de l'enquête : de 15 à 17 ans, trois cinquièmes des 15 à 19 ans.
_TRANCHES = {
    AGES[0]: ("population_0_4_ans", 1.0),
    AGES[1]: ("population_5_9_ans", 1.0),
    AGES[2]: ("population_10_14_ans", 1.0),
    AGES[3]: ("population_15_19_ans", 0.6),
}
# Ce qui range un mot libre sous un thème ; il peut en avoir plusieurs.
_MOTS = {
    "petite-enfance": r"creche|nounou|assistante? maternel|bebe|petite enfance|halte|multi accueil|micro creche|mam\b",
    "enfance-jeunesse": r"loisir|periscolaire|mercredi|vacance|centre aere|cantine|ado|jeune|ecole|garderie|sport",
    "animation-vie-sociale": r"centre social|fete|association|benevol|rencontre|lien|espace de vie",
    "parentalite": r"parent|couple|fatigue|burn|isole|separation|solo|seule? avec|conseil",
    "acces-aux-droits": r"demarche|papier|internet|caf\b|france services|droit|guichet|numerique|dossier|informe",
    "logement": r"logement|loyer|appartement|maison|hlm",
    "handicap-insertion": r"handicap|autis|dys|mdph|aesh|emploi|chomage|formation|travail|horaire",
}


@dataclass(frozen=True)
class Depouillement:
    """Ce qu'un questionnaire permet de dire.

    Attributes
    ----------
    territoire : Territoire
    nombre : int
        Réponses gardées.
    seuil : int
        Effectif sous lequel rien n'est diffusé.
    tableaux : dict of DataFrame
        Par question : ``reponse, effectif, part, bas, haut`` (effectif et part manquants : tus) ; ``commune`` et
        ``age`` donnent la composition des répondants.
    croisements : dict of DataFrame
        Par question que le seuil permet de croiser avec l'âge : effectifs.
    utile : float
        Effectif utile, une fois redressé.
    redresse : tuple of str
        Les caractères sur lesquels les réponses sont redressées.
    mots : dict of tuple of str
        Par thème (« » : aucun), les mots libres.
    remarques : tuple of str
    """

    territoire: Territoire
    nombre: int
    seuil: int
    tableaux: dict[str, pd.DataFrame]
    croisements: dict[str, pd.DataFrame]
    utile: float
    redresse: tuple[str, ...]
    mots: dict[str, tuple[str, ...]]
    remarques: tuple[str, ...]


def taire(effectifs: Sequence[int], seuil: int) -> list[bool]:
    """Ce qu'il faut taire d'un tableau dont le total est connu.

    Un effectif de 1 à ``seuil - 1`` est tu ; s'il est seul, ou si ceux qu'on tait ne font pas ``seuil`` ensemble, le
    plus petit des autres l'est aussi. Un vrai zéro se montre.

    Examples
    --------
    >>> taire([12, 3, 20, 0], 5), taire([12, 20], 5), taire([2, 1, 9, 30], 5)
    ([True, True, False, False], [False, False], [True, True, True, False])
    """
    tus = [0 < n < seuil for n in effectifs]
    while any(tus) and (sum(tus) < 2 or sum(n for n, t in zip(effectifs, tus, strict=True) if t) < seuil):
        restent = [(n, i) for i, (n, t) in enumerate(zip(effectifs, tus, strict=True)) if not t and n > 0]
        if not restent:
            break
        tus[min(restent)[1]] = True
    return tus


def depouiller(
    cible: Territoire | str, reponses: Sequence[str | Path], *, seuil: int | str = 5
) -> Depouillement:
    """Dépouille les réponses d'un territoire.

    Parameters
    ----------
    cible : Territoire or str
    reponses : sequence of path
        Fichiers de réponses (:func:`cafdiag.donnees.questionnaire.lire_reponses`).
    seuil : int
        Seuil de diffusion ; sous le double de réponses, rien ne se dépouille.

    Raises
    ------
    EntreeFautive
        Fichier fautif.
    DemandeFausse
        Trop peu de réponses, ou seuil hors de 2 à 100.
    """
    lieu = cible if isinstance(cible, Territoire) else territoire(cible)
    seuil = Options(seuil_caf=seuil).seuil_caf  # type: ignore[arg-type]
    lues = lire_reponses(reponses, lieu)
    nombre = len(lues.table)
    if nombre < 2 * seuil:
        raise DemandeFausse(
            f"{nombre} réponse{'s' if nombre > 1 else ''} de {lieu.nom}",
            attendu=f"{2 * seuil} réponses au moins : en deçà, un tableau désignerait des familles",
            conseil="diffusez encore le questionnaire, ou réunissez les fichiers reçus",
        )
    poids, redresse, remarques = _redresser(lues, lieu, seuil)
    tableaux = {q.cle: _tableau(q, lues.table[q.cle], poids, seuil) for q in QUESTIONS}
    noms = lire_table("communes", colonnes=["code", "nom"]).set_index("code")["nom"]
    communes = lues.table["commune"].map(noms).fillna(SANS)
    un = np.ones(nombre)
    tableaux["commune"] = _tableau(Question("commune", "", tuple(sorted(set(communes) - {SANS}))), communes, un, seuil)
    tableaux["age"] = _tableau(Question("age", "", AGES), lues.table["age"], un, seuil)
    croisements = {}
    for question in QUESTIONS:
        croise = _croiser(question, lues.table, seuil)
        if croise is not None:
            croisements[question.cle] = croise
    return Depouillement(
        lieu, nombre, seuil, tableaux, croisements, effectif_utile(poids), redresse, ranger(lues.mots),
        (*lues.remarques, *remarques),
    )  # fmt: skip


def _redresser(lues: Reponses, lieu: Territoire, seuil: int) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Des poids, les caractères redressés, et pourquoi un caractère ne l'est pas."""
    population = _population(lieu)
    categories, marges, dits, remarques = [], [], [], []
    par_age = population.sum(min_count=len(population))
    if par_age.notna().all():
        categories.append(lues.table["age"])
        marges.append(par_age.to_dict())
        dits.append("l'âge de l'enfant")
    else:
        remarques.append("sans redressement par âge : des populations par âge manquent pour ce territoire")
    par_commune = population.sum(axis=1, min_count=len(_TRANCHES))
    if len(population) < 2:
        remarques.append("une seule commune : rien à redresser par commune")
    elif par_commune.isna().any():
        remarques.append("sans redressement par commune : des populations manquent pour ce territoire")
    else:
        comptes = lues.table["commune"].value_counts()
        nombreuses = {c for c, n in comptes.items() if c and n >= seuil}
        groupe = par_commune.groupby([c if c in nombreuses else AUTRES for c in par_commune.index]).sum()
        categories.append(lues.table["commune"].map(lambda c: c if not c or c in nombreuses else AUTRES))
        marges.append(groupe.to_dict())
        dits.append("la commune")
    poids = redresser(categories, marges) if categories else np.ones(len(lues.table))
    return poids, tuple(dits), remarques


def _population(lieu: Territoire) -> pd.DataFrame:
    """Enfants par commune et par tranche d'âge, d'après le recensement ; manquant si on ne le sait pas."""
    codes = list(lieu.communes)
    lieux = pd.DataFrame({"maille": "commune", "officiel": codes, "nom": codes}, index=codes)
    contexte = contexte_des(lieux, pd.DataFrame({"commune": codes, "code": codes}), Tables.lire(None))
    return pd.DataFrame(
        {age: contexte.somme(variable)["valeur"].astype(float) * part for age, (variable, part) in _TRANCHES.items()}
    )


def _tableau(question: Question, reponses: pd.Series, poids: np.ndarray, seuil: int) -> pd.DataFrame:
    """Effectif, part redressée et intervalle de chaque réponse ; ce qui est tu n'a ni effectif ni part."""
    ecrites = [str(r) for r in reponses]
    dites = [set(r.split(SEPARATEUR)) if question.plusieurs else {r} for r in ecrites]
    repondu = np.array([r not in ("", SANS) for r in ecrites])
    modalites = [*question.reponses, SANS]
    membres = {m: np.array([m in d for d in dites]) for m in question.reponses} | {SANS: ~repondu}
    effectifs = [int(membres[m].sum()) for m in modalites]
    if question.plusieurs:
        # Chaque réponse est un tableau à elle seule : la donner, ou non.
        tus = [0 < n < seuil or 0 < len(ecrites) - n < seuil for n in effectifs]
    else:
        tus = taire(effectifs, seuil)
    base, utile = poids[repondu].sum(), effectif_utile(poids[repondu])
    lignes = []
    for modalite, n, tu in zip(modalites, effectifs, tus, strict=True):
        montre = not tu and modalite != SANS and base > 0
        part = float(poids[membres[modalite] & repondu].sum() / base) if montre else np.nan
        bas, haut = intervalle(part, utile) if montre else (np.nan, np.nan)
        lignes.append((modalite, np.nan if tu else n, 100 * part, 100 * bas, 100 * haut))
    return pd.DataFrame(lignes, columns=["reponse", "effectif", "part", "bas", "haut"])


def _croiser(question: Question, table: pd.DataFrame, seuil: int) -> pd.DataFrame | None:
    """Effectifs par âge ; rien si une seule case passe sous le seuil, les sans réponse compris."""
    if question.plusieurs:
        return None
    lignes, colonnes = table[question.cle].replace("", SANS), table["age"].replace("", SANS)
    croise = pd.crosstab(lignes, colonnes)
    if ((croise > 0) & (croise < seuil)).any(axis=None):
        return None
    return croise.reindex(
        index=[m for m in (*question.reponses, SANS) if m in croise.index],
        columns=[a for a in (*AGES, SANS) if a in croise.columns],
    )


def ranger(mots: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Les mots libres par thème, d'après ce qu'ils nomment ; ceux qui n'en nomment aucun sont sous « ».

    Examples
    --------
    >>> ranger(["Plus de places en crèche", "Merci"])
    {'petite-enfance': ('Plus de places en crèche',), '': ('Merci',)}
    """
    ranges: dict[str, list[str]] = {}
    for mot in mots:
        simple = normaliser(mot)
        themes = [t for t, motif in _MOTS.items() if re.search(rf"\b(?:{motif})", simple)]
        for theme in themes or [""]:
            ranges.setdefault(theme, []).append(mot)
    return {t: tuple(sorted(ranges[t], key=normaliser)) for t in (*_MOTS, "") if t in ranges}
