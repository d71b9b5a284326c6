"""Chercher un territoire par son nom, et proposer les plus proches quand rien ne convient."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

import numpy as np

from cafdiag.erreurs import TerritoireAmbigu, TerritoireInconnu
from cafdiag.territoires.cog import nom_perdu, passages
from cafdiag.territoires.normalisation import (
    formes_epci,
    formes_sans_parenthese,
    lire_nature,
    normaliser,
    normaliser_tous,
    sans_articles,
)
from cafdiag.territoires.objets import LIBELLES_MAILLES, Territoire
from cafdiag.territoires.referentiel import construire, fiches, table, toutes_les_fiches

_ARRONDISSEMENT = re.compile(r"^(\w+) (\d+)(er|e) arrondissement$")
_NOMBRE_PROPOSITIONS = 5
_NOMBRE_HOMONYMES = 12
Repere = tuple[str, str]
"""Une maille et un code."""


@lru_cache(maxsize=1)
def index_exact() -> dict[str, tuple[Repere, ...]]:
    """Forme normalisée → territoires qui la portent."""
    index: dict[str, list[Repere]] = {}
    for maille, contenu in toutes_les_fiches().items():
        noms = [fiche.nom for fiche in contenu.values()]
        for code, nom, simple in zip(contenu, noms, normaliser_tous(noms), strict=True):
            if maille == "epci":
                formes = formes_epci(nom)
            elif "(" in nom:
                formes = formes_sans_parenthese(nom)
            elif numero := _ARRONDISSEMENT.match(simple):
                ville, rang, suffixe = numero.groups()
                formes = {simple, f"{ville} {rang}{suffixe}", f"{ville} {rang}"}
            else:
                formes = {simple}
            for forme in formes:
                index.setdefault(forme, []).append((maille, code))
    return {forme: tuple(reperes) for forme, reperes in index.items()}


@lru_cache(maxsize=1)
def _index_sans_articles() -> dict[str, tuple[Repere, ...]]:
    index: dict[str, dict[Repere, None]] = {}
    for forme, reperes in index_exact().items():
        index.setdefault(sans_articles(forme), {}).update(dict.fromkeys(reperes))
    return {forme: tuple(reperes) for forme, reperes in index.items()}


def candidats(nom: str, maille: str | None = None) -> list[Repere]:
    """Territoires dont le nom est celui-là : le nom entier d'abord, les articles oubliés ensuite.

    Une nature dite en toutes lettres (« CC du … », « département de la … ») limite à sa maille.

    >>> candidats("CC pays de craon"), candidats("Le Mayenne", "departement")
    ([('epci', '200048551')], [('departement', '53')])
    """
    simple = normaliser(nom)
    if not simple:
        return []
    lectures = [(simple, maille)]
    nature = lire_nature(simple)
    if nature and maille in (None, nature[0]):
        lectures.append((nature[1], nature[0]))
    for index, reduire in ((index_exact, str), (_index_sans_articles, sans_articles)):
        for forme, voulue in lectures:
            trouves = [repere for repere in index().get(reduire(forme), ()) if voulue in (None, repere[0])]
            if trouves:
                return trouves
    return []


def par_nom(nom: str, maille: str | None = None) -> Territoire:
    """Le territoire qui porte ce nom ; erreur avec propositions s'il y en a plusieurs ou aucun."""
    trouves = candidats(nom, maille)
    if len(trouves) == 1:
        return construire(*trouves[0])
    if trouves:
        raise TerritoireAmbigu(nom, propositions=decrire_tous(trouves))
    raise TerritoireInconnu(
        nom,
        propositions=noms_proches(nom, maille),
        attendu="un nom ou un code de la géographie 2025"
        if maille is None
        else f"un nom ou un code de la maille {LIBELLES_MAILLES[maille]} en 2025",
    )


def decrire(maille: str, code: str) -> str:
    """Une proposition à lire, avec entre parenthèses ce qu'il faut écrire pour l'obtenir.

    >>> decrire("departement", "53"), decrire("region", "52")
    ('Mayenne — département (53)', 'Pays de la Loire — région (region:52)')
    """
    a_ecrire = f"region:{code}" if maille == "region" else code
    return f"{fiches()[maille][code].nom} — {LIBELLES_MAILLES[maille]} ({a_ecrire})"


def decrire_tous(reperes: Iterable[Repere]) -> list[str]:
    """Des homonymes, du plus peuplé au moins peuplé ; leur département dès que le nom ne suffit pas."""
    reperes = sorted(reperes, key=lambda repere: (-(fiches()[repere[0]][repere[1]].population or 0), repere))
    mailles = [maille for maille, _ in reperes]
    textes = []
    for maille, code in reperes[:_NOMBRE_HOMONYMES]:
        departement = fiches()["departement"].get(fiches()[maille][code].departement or "")
        suite = f", {departement.nom}" if departement and mailles.count(maille) > 1 else ""
        textes.append(decrire(maille, code) + suite)
    if len(reperes) > _NOMBRE_HOMONYMES:
        textes.append(f"et {len(reperes) - _NOMBRE_HOMONYMES} autres")
    return textes


@lru_cache(maxsize=1)
def _bigrammes() -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Paires de lettres de tous les noms, anciens compris : formes, paires, rang du nom, nombre par nom."""
    formes = list(dict.fromkeys([*index_exact(), *_anciens_noms()]))
    octets = np.frombuffer(("\n" + "\n".join(formes) + "\n").encode("ascii"), dtype=np.uint8)
    rangs = np.cumsum(octets[:-1] == 10) - 1
    paires = octets[:-1].astype(np.int32) * 256 + octets[1:]
    return formes, paires, rangs, np.bincount(rangs, minlength=len(formes))


@lru_cache(maxsize=1)
def _anciens_noms() -> dict[str, tuple[str, ...]]:
    """Nom normalisé d'une commune disparue ou renommée en se scindant → ses anciens codes."""
    connus = [passage for passage in passages().values() if nom_perdu(passage)]
    index: dict[str, list[str]] = {}
    for passage, forme in zip(connus, normaliser_tous(p.nom_ancien for p in connus), strict=True):
        index.setdefault(forme, []).append(passage.ancien)
    return {forme: tuple(codes) for forme, codes in index.items() if forme}


def formes_proches(simple: str) -> list[str]:
    """Noms normalisés qui ressemblent à celui-ci, les plus ressemblants d'abord."""
    formes, paires, rangs, tailles = _bigrammes()
    cherchees = np.frombuffer(f"\n{simple}\n".encode("ascii"), dtype=np.uint8)
    cherchees = np.unique(cherchees[:-1].astype(np.int32) * 256 + cherchees[1:])
    communs = np.bincount(rangs[np.isin(paires, cherchees)], minlength=len(formes))
    # Le tri grossier (paires de lettres communes) évite à difflib de lire 36 000 noms.
    retenus = np.argsort(-2.0 * communs / (tailles + len(cherchees)), kind="stable")[:300]
    juge = difflib.SequenceMatcher(b=simple, autojunk=False)
    notes = []
    for rang in retenus:
        juge.set_seq1(formes[rang])
        entier = f" {simple} " in f" {formes[rang]} "
        notes.append((max(juge.ratio(), 0.85 if entier else 0.0), formes[rang]))
    return [forme for note, forme in sorted(notes, key=lambda paire: (-paire[0], paire[1])) if note >= 0.6]


def noms_proches(nom: str, maille: str | None = None, *, nombre: int = _NOMBRE_PROPOSITIONS) -> list[str]:
    """Territoires au nom proche, anciens noms de communes compris, les plus ressemblants d'abord.

    >>> noms_proches("Pays de Crzon")[0]
    'CC du Pays de Craon — EPCI (200048551)'
    """
    simple = normaliser(nom)
    if not simple:
        return []
    textes: dict[str, None] = {}
    for forme in formes_proches(simple):
        if len(textes) >= nombre:
            break
        reperes = [repere for repere in index_exact().get(forme, ()) if maille in (None, repere[0])]
        textes.update(dict.fromkeys(decrire_tous(reperes)))
        if maille in (None, "commune"):
            textes.update(dict.fromkeys(map(_decrire_ancien, _anciens_noms().get(forme, ()))))
    return list(textes)[:nombre]


def _decrire_ancien(ancien: str) -> str:
    passage = passages()[ancien]
    actuelles = ", ".join(f"{fiches()['commune'][code].nom} ({code})" for code in passage.codes)
    precision = "" if ancien in fiches()["commune"] else f" (ancien code {ancien})"
    return f"{passage.nom_ancien}{precision}, aujourd'hui {actuelles}"


@lru_cache(maxsize=8)
def _codes_tries(maille: str) -> tuple[str, ...]:
    # Proposer Clipperton à qui se trompe d'un chiffre n'aide personne.
    return tuple(sorted(code for code, fiche in fiches()[maille].items() if fiche.type != "COLL"))


def codes_proches(code: str, maille: str, *, nombre: int = _NOMBRE_PROPOSITIONS) -> list[str]:
    """Codes existants les plus proches : une faute de frappe d'abord, puis les voisins dans l'ordre.

    >>> codes_proches("53275", "commune", nombre=2)
    ['Voutré — commune (53276)', 'Villiers-Charlemagne — commune (53273)']
    >>> codes_proches("20004855", "epci", nombre=1)  # il en manque un
    ['CC du Pays de Craon — EPCI (200048551)']
    """
    connus, tries = fiches()[maille], _codes_tries(maille)
    if len(code) not in {len(autre) for autre in tries}:
        un_de_plus = {code[:i] + signe + code[i:] for i in range(len(code) + 1) for signe in "0123456789AB"}
        un_de_moins = {code[:i] + code[i + 1 :] for i in range(len(code))}
        # Un code tronqué a perdu sa fin plutôt que son milieu.
        trouves = (un_de_plus | un_de_moins).intersection(tries)
        trouves = sorted(trouves, key=lambda autre: (-_debut_commun(code, autre), autre))
        return [decrire(maille, autre) for autre in trouves[:nombre]]
    variantes = [code[:i] + signe + code[i + 1 :] for i in range(len(code)) for signe in "0123456789AB"]
    variantes += [code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(len(code) - 1)]
    rang = bisect_left(tries, code)
    voisins = sorted(tries[max(0, rang - nombre) : rang + nombre], key=lambda autre: _ecart(code, autre))
    memes = [autre for autre in voisins if autre[:2] == code[:2]] or voisins
    frappe = sorted(
        {autre for autre in variantes if autre in connus and autre != code},
        key=lambda autre: _ecart(code, autre),
    )
    choix = list(dict.fromkeys([*frappe[: nombre - 2], *memes, *frappe]))[:nombre]
    return [decrire(maille, autre) for autre in choix]


def _debut_commun(code: str, autre: str) -> int:
    return sum(1 for _ in takewhile(lambda paire: paire[0] == paire[1], zip(code, autre, strict=False)))


def _ecart(code: str, autre: str) -> tuple[int, str]:
    """Écart entre deux codes lus comme des nombres en base 36 (« 2A004 » n'est pas un nombre)."""
    return abs(int(code, 36) - int(autre, 36)), autre


def communes_du_code_postal(code_postal: str) -> list[str]:
    """Codes des communes desservies par un code postal.

    >>> "53084" in communes_du_code_postal("53400")
    True
    """
    communes = table("communes")
    presents = communes["codes_postaux"].fillna("").str.contains(rf"\b{re.escape(code_postal)}\b")
    return sorted(communes.loc[presents & (communes["type"] == "COM"), "code"])
