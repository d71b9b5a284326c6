"""La recherche à la frappe : les territoires que commencent à nommer quelques lettres, un code, un code postal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from cafdiag.territoires.normalisation import normaliser, sans_articles
from cafdiag.territoires.objets import LIBELLES_MAILLES
from cafdiag.territoires.recherche import Repere, communes_du_code_postal, formes_proches, index_exact
from cafdiag.territoires.referentiel import fiches

MINIMUM_DE_LETTRES = 2
# À ressemblance égale : on diagnostique d'abord une intercommunalité.
_ORDRE = {"epci": 0, "commune": 1, "departement": 2, "region": 3, "qpv": 4, "france": 5}


class Suggestion(NamedTuple):
    """Un territoire proposé : de quoi l'ouvrir (``cle``) et de quoi le lire (``texte``)."""

    cle: str
    texte: str


@lru_cache(maxsize=1)
def _noms() -> tuple[tuple[str, ...], tuple[tuple[Repere, ...], ...]]:
    """Formes normalisées, chacune précédée d'une espace (un mot commence là), et leurs territoires."""
    formes = index_exact()
    return tuple(f" {forme}" for forme in formes), tuple(formes.values())


def preparer() -> None:
    """Construit l'index (deux dixièmes de seconde), pour que la première lettre n'attende pas."""
    _noms()
    formes_proches("a")


def suggerer(texte: str, *, nombre: int = 8, mailles: tuple[str, ...] = ()) -> list[Suggestion]:
    """Territoires que ces premières lettres peuvent désigner, les plus probables d'abord.

    Parameters
    ----------
    texte : str
        Début de nom ou de mots du nom, début de code, code postal entier. Accents, casse, tirets et
        articles ne comptent pas ; une faute de frappe est rattrapée quand rien d'autre ne convient.
    nombre : int
        Nombre de propositions.
    mailles : tuple of str
        Restreint à ces mailles ; toutes par défaut.

    Returns
    -------
    list of Suggestion
        Vide sous deux signes. Nom entier d'abord, puis mot entier, puis début du nom, puis débuts de mots ; à
        égalité, l'EPCI avant la commune, puis le plus peuplé.

    Examples
    --------
    >>> [s.texte for s in suggerer("pays de cra", nombre=1)]
    ['CC du Pays de Craon — EPCI, Mayenne']
    >>> suggerer("53084", nombre=1)[0].texte
    'Craon — commune, Mayenne'
    >>> suggerer("Pays de Crzon", nombre=1)[0].cle
    '200048551'
    """
    simple = normaliser(texte)
    if len(simple) < MINIMUM_DE_LETTRES:
        return []
    reperes = _par_code(texte) or _par_nom(simple)
    if not any(not mailles or maille in mailles for maille, _ in reperes):
        reperes = [repere for forme in formes_proches(simple) for repere in index_exact().get(forme, ())]
    voulus = [repere for repere in dict.fromkeys(reperes) if not mailles or repere[0] in mailles]
    return [_suggestion(*repere) for repere in voulus[:nombre]]


def _par_code(texte: str) -> list[Repere]:
    code = re.sub(r"\s+", "", texte).upper()
    if not re.match(r"^(?:\d|2[AB]|Q[NP]\d)", code):
        return []
    trouves: list[Repere] = []
    if re.fullmatch(r"\d{5}", code):
        trouves += [("commune", c) for c in communes_du_code_postal(code)]
    for maille in ("departement", "commune", "epci", "qpv"):
        trouves += [(maille, c) for c in fiches()[maille] if c.startswith(code)]
    # Le code entier d'abord : « 53084 » est Craon avant d'être un code postal.
    return sorted(trouves, key=lambda repere: repere[1] != code)


def _par_nom(simple: str) -> list[Repere]:
    """Territoires dont le nom contient tous ces débuts de mots, du plus au moins ressemblant."""
    mots = [f" {mot}" for mot in sans_articles(simple).split()] or [f" {simple}"]
    formes, reperes = _noms()
    plus_long = max(mots, key=len)
    notes: dict[Repere, tuple] = {}
    for forme, siens in zip(formes, reperes, strict=True):
        if plus_long not in forme or not all(mot in forme for mot in mots):
            continue
        nu = forme[1:]
        if nu == simple:
            rang = 0
        elif f" {simple} " in f"{forme} ":
            rang = 1
        else:
            rang = 2 if nu.startswith(simple) else 3
        for maille, code in siens:
            note = (rang, _ORDRE[maille], -(fiches()[maille][code].population or 0), code)
            notes[maille, code] = min(notes.get((maille, code), note), note)
    return sorted(notes, key=notes.__getitem__)


def _suggestion(maille: str, code: str) -> Suggestion:
    fiche = fiches()[maille][code]
    departement = fiches()["departement"].get(fiche.departement or "")
    ou = f", {departement.nom}" if departement else ""
    nature = "" if maille == "france" else f" — {LIBELLES_MAILLES[maille]}{ou}"
    return Suggestion(f"region:{code}" if maille == "region" else code, f"{fiche.nom}{nature}")
