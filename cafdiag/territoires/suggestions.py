"""La recherche à la frappe : les territoires que nomment, ou nommaient, quelques lettres, un code, un code postal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from cafdiag.territoires.adresses import lire
from cafdiag.territoires.cog import passages
from cafdiag.territoires.normalisation import normaliser, sans_articles
from cafdiag.territoires.passage_epci import epci_ailleurs
from cafdiag.territoires.recherche import (
    Repere,
    communes_du_code_postal,
    formes_proches,
    index_anciens,
    index_exact,
)
from cafdiag.territoires.referentiel import LIBELLES_MAILLES, fiches

MINIMUM_DE_LETTRES = 2
# À ressemblance égale : on diagnostique d'abord une intercommunalité.
_ORDRE = {"epci": 0, "commune": 1, "departement": 2, "region": 3, "qpv": 4, "france": 5}


class Suggestion(NamedTuple):
    """Un territoire proposé : de quoi l'ouvrir (``cle``) et de quoi le lire (``texte``)."""

    cle: str
    texte: str


class _Piste(NamedTuple):
    """Un territoire, et l'ancien nom qui y mène (vide si c'est le sien)."""

    repere: Repere
    ancien: str = ""


@lru_cache(maxsize=1)
def _pistes() -> dict[str, tuple[_Piste, ...]]:
    pistes = {forme: tuple(map(_Piste, reperes)) for forme, reperes in index_exact().items()}
    for forme, anciens in index_anciens().items():
        autrefois = (_Piste((a.maille, code), a.nom) for a in anciens for code in a.codes)
        pistes[forme] = (*pistes.get(forme, ()), *autrefois)
    return pistes


@lru_cache(maxsize=1)
def _noms() -> tuple[tuple[str, ...], tuple[tuple[_Piste, ...], ...]]:
    """Formes normalisées, chacune précédée d'une espace (un mot commence là), et leurs territoires."""
    return tuple(f" {forme}" for forme in _pistes()), tuple(_pistes().values())


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
    >>> suggerer("Segré", nombre=1, mailles=("commune",))[0].texte
    "Segré, aujourd'hui Segré-en-Anjou Bleu — commune, Maine-et-Loire"
    >>> suggerer("Pays de Crzon", nombre=1)[0].cle
    '200048551'
    """
    simple = normaliser(texte)
    if len(simple) < MINIMUM_DE_LETTRES:
        return []
    for chercher in (_par_code, lambda _: _par_nom(simple), _par_adresse, lambda _: _a_peu_pres(simple)):
        voulues: dict[Repere, _Piste] = {}
        for piste in chercher(texte):
            if not mailles or piste.repere[0] in mailles:
                voulues.setdefault(piste.repere, piste)
        if voulues:
            return [_suggestion(piste) for piste in list(voulues.values())[:nombre]]
    return []


def _par_adresse(texte: str) -> list[_Piste]:
    trouves = lire(texte).trouves
    anciens = [_Piste((a.maille, code), a.nom) for a in trouves.anciens for code in a.codes]
    return [*map(_Piste, trouves.reperes), *anciens]


def _a_peu_pres(simple: str) -> list[_Piste]:
    return [piste for forme in formes_proches(simple) for piste in _pistes().get(forme, ())]


def _par_code(texte: str) -> list[_Piste]:
    code = re.sub(r"\s+", "", texte).upper()
    if not re.match(r"^(?:\d|2[AB]|Q[NP]\d)", code):
        return []
    trouves: list[Repere] = []
    if re.fullmatch(r"\d{5}", code):
        trouves += [("commune", c) for c in communes_du_code_postal(code)]
    for maille in ("departement", "commune", "epci", "qpv"):
        trouves += [(maille, c) for c in fiches()[maille] if c.startswith(code)]
    # Le code entier d'abord : « 53084 » est Craon avant d'être un code postal.
    pistes = [_Piste(repere) for repere in sorted(trouves, key=lambda repere: repere[1] != code)]
    if code not in fiches()["commune"] and (passage := passages().get(code)):
        nom = passage.nom_ancien or code
        pistes = [*(_Piste(("commune", c), nom) for c in passage.codes), *pistes]
    if code not in fiches()["epci"] and (ancien := epci_ailleurs().get(code)):
        pistes = [*(_Piste(("epci", c), ancien.nom) for c in ancien.codes), *pistes]
    return pistes


def _par_nom(simple: str) -> list[_Piste]:
    """Territoires dont le nom, actuel ou ancien, contient tous ces débuts de mots, du plus au moins ressemblant."""
    mots = [f" {mot}" for mot in sans_articles(simple).split()] or [f" {simple}"]
    formes, pistes = _noms()
    plus_long = max(mots, key=len)
    notes: dict[_Piste, tuple] = {}
    for forme, siennes in zip(formes, pistes, strict=True):
        if plus_long not in forme or not all(mot in forme for mot in mots):
            continue
        nu = forme[1:]
        if nu == simple:
            rang = 0
        elif f" {simple} " in f"{forme} ":
            rang = 1
        else:
            rang = 2 if nu.startswith(simple) else 3
        for piste in siennes:
            maille, code = piste.repere
            note = (rang, bool(piste.ancien), _ORDRE[maille], -(fiches()[maille][code].population or 0), code)
            notes[piste] = min(notes.get(piste, note), note)
    return sorted(notes, key=notes.__getitem__)


def _suggestion(piste: _Piste) -> Suggestion:
    maille, code = piste.repere
    fiche = fiches()[maille][code]
    departement = fiches()["departement"].get(fiche.departement or "")
    ou = f", {departement.nom}" if departement else ""
    nature = "" if maille == "france" else f" — {LIBELLES_MAILLES[maille]}{ou}"
    nom = f"{piste.ancien}, aujourd'hui {fiche.nom}" if piste.ancien else fiche.nom
    return Suggestion(f"region:{code}" if maille == "region" else code, f"{nom}{nature}")
