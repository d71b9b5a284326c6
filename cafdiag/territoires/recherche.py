"""Chercher un territoire par son nom, et proposer les plus proches quand rien ne convient."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from cafdiag.territoires.cog import AncienNom, anciens_noms
from cafdiag.territoires.normalisation import (
    formes_epci,
    formes_sans_parenthese,
    lire_nature,
    normaliser,
    normaliser_tous,
    sans_articles,
)
from cafdiag.territoires.referentiel import LIBELLES_MAILLES, fiches, table, toutes_les_fiches

_LISTE = re.compile(r"[;\n]")
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
def index_anciens() -> dict[str, tuple[AncienNom, ...]]:
    """Forme normalisée → anciens noms de communes, du plus récent au plus vieux."""
    index: dict[str, list[AncienNom]] = {}
    connus = sorted(anciens_noms(), key=lambda a: -a.annee)
    for ancien, simple in zip(connus, normaliser_tous(a.nom for a in connus), strict=True):
        formes = formes_sans_parenthese(ancien.nom) if "(" in ancien.nom else {simple}
        if ancien.maille == "epci":
            formes = formes_epci(ancien.nom)
        for forme in formes:
            index.setdefault(forme, []).append(ancien)
    return {forme: tuple(anciens) for forme, anciens in index.items()}


def _sans_articles(index: dict[str, tuple]) -> dict[str, tuple]:
    reduit: dict[str, dict] = {}
    for forme, trouves in index.items():
        reduit.setdefault(sans_articles(forme), {}).update(dict.fromkeys(trouves))
    return {forme: tuple(trouves) for forme, trouves in reduit.items()}


@lru_cache(maxsize=1)
def _index_sans_articles() -> dict[str, tuple[Repere, ...]]:
    return _sans_articles(index_exact())


@lru_cache(maxsize=1)
def _anciens_sans_articles() -> dict[str, tuple[AncienNom, ...]]:
    return _sans_articles(index_anciens())


# Du plus strict au plus large : le nom entier (actuel ou ancien), puis le nom à ses articles près.
_NIVEAUX = (
    (index_exact, index_anciens, str),
    (_index_sans_articles, _anciens_sans_articles, sans_articles),
)


class Trouves(NamedTuple):
    """Ce que désigne un nom : des territoires d'aujourd'hui, et d'anciens noms de communes.

    ``cedes`` : le nom que des communes ont quitté pour un autre, et qu'une commune porte encore aujourd'hui.
    """

    reperes: tuple[Repere, ...] = ()
    anciens: tuple[AncienNom, ...] = ()
    cedes: tuple[AncienNom, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reperes or self.anciens)

    @property
    def lieux(self) -> tuple[Repere, ...]:
        """Les territoires d'aujourd'hui, par leur nom ou par un ancien nom."""
        return tuple(dict.fromkeys((*self.reperes, *_communes(self.anciens))))

    @property
    def tous(self) -> tuple[Repere, ...]:
        """Les mêmes, et ceux qui ont cédé ce nom."""
        return tuple(dict.fromkeys((*self.lieux, *_communes(self.cedes))))


def _communes(anciens: Iterable[AncienNom]) -> list[Repere]:
    return [(ancien.maille, code) for ancien in anciens for code in ancien.codes]


def chercher(nom: str, maille: str | None = None) -> Trouves:
    """Ce que désigne ce nom : le nom entier d'abord, **actuel ou ancien**, les articles oubliés ensuite.

    Une nature dite en toutes lettres (« CC du … », « département de la … ») limite à sa maille.

    >>> chercher("Segré").lieux, chercher("CC pays de craon").lieux
    ((('commune', '49331'),), (('epci', '200048551'),))
    """
    return next(par_niveau(nom, maille), Trouves())


def par_niveau(nom: str, maille: str | None) -> Iterator[Trouves]:
    """Ce que désigne un nom, du plus strict au plus large ; :func:`chercher` s'arrête au premier."""
    simple = normaliser(nom)
    lectures = [(simple, maille)]
    nature = lire_nature(simple)
    if nature and maille in (None, nature[0]):
        lectures.append((nature[1], nature[0]))
    for actuels, anciens, reduire in _NIVEAUX:
        for forme, voulue in lectures:
            if not forme:
                continue
            reperes = tuple(r for r in actuels().get(reduire(forme), ()) if voulue in (None, r[0]))
            autrefois = [a for a in anciens().get(reduire(forme), ()) if voulue in (None, a.maille)]
            # Le territoire qui porte encore le nom est celui-là, même s'il en a contenu d'autres.
            autrefois = [a for a in autrefois if not {(a.maille, code) for code in a.codes}.intersection(reperes)]
            portes = {fiches()["commune"][code].nom for sorte, code in reperes if sorte == "commune"}
            cedes = tuple(a for a in autrefois if a.renommee and a.nom in portes)
            trouves = Trouves(reperes, tuple(a for a in autrefois if a not in cedes), cedes)
            if trouves:
                yield trouves


def candidats(nom: str, maille: str | None = None) -> list[Repere]:
    """Territoires d'aujourd'hui que ce nom désigne, anciens noms compris.

    >>> candidats("CC pays de craon"), candidats("Le Mayenne", "departement")
    ([('epci', '200048551')], [('departement', '53')])
    """
    return list(chercher(nom, maille).lieux)


def decrire(maille: str, code: str) -> str:
    """Une proposition à lire, avec entre parenthèses ce qu'il faut écrire pour l'obtenir.

    >>> decrire("departement", "53"), decrire("region", "52")
    ('Mayenne — département (53)', 'Pays de la Loire — région (region:52)')
    """
    return f"{fiches()[maille][code].nom} — {LIBELLES_MAILLES[maille]} ({_a_ecrire(maille, code)})"


def _a_ecrire(maille: str, code: str) -> str:
    return f"region:{code}" if maille == "region" else code


def decrire_tous(reperes: Iterable[Repere]) -> list[str]:
    """Des homonymes, du plus peuplé au moins peuplé ; leur département dès que le nom ne suffit pas."""
    return decrire_trouves(Trouves(tuple(reperes)))[0]


def decrire_trouves(trouves: Trouves) -> tuple[list[str], list[str]]:
    """Tout ce qu'un nom désigne : les territoires d'aujourd'hui, puis les communes qui l'ont porté ou absorbé.

    Au-delà d'une douzaine, les derniers n'ont plus que leur code : aucun ne manque.

    Returns
    -------
    tuple of (list of str, list of str)
        Les propositions à lire, et la clé des premières (celles qui ont une ligne à elles), dans le même ordre.

    Examples
    --------
    >>> textes, cles = decrire_trouves(chercher("Beaune"))
    >>> textes
    ['Beaune — commune (21054)', "Saint-Michel-de-Maurienne — commune (73261), Savoie, où est l'ancienne « Beaune »"]
    >>> cles
    ['21054', '73261']
    """
    par_poids = sorted(trouves.reperes, key=lambda r: (-(fiches()[r[0]][r[1]].population or 0), r))
    mailles = [maille for maille, _ in par_poids]
    textes: dict[str, str] = {}
    for maille, code in par_poids:
        dit = decrire(maille, code) + (_situer(maille, code) if mailles.count(maille) > 1 else "")
        textes.setdefault(dit, _a_ecrire(maille, code))
    for ancien in (*trouves.anciens, *trouves.cedes):
        lien = {"renommee": "autrefois", "scission": "issue de"}.get(ancien.nature, "où est l'ancienne")
        for code in ancien.codes:
            if (ancien.maille, code) not in trouves.reperes:
                lieu = decrire(ancien.maille, code) + _situer(ancien.maille, code)
                textes.setdefault(f"{lieu}, {lien} « {ancien.nom} »", _a_ecrire(ancien.maille, code))
    premiers, autres = list(textes)[:_NOMBRE_HOMONYMES], list(textes.values())[_NOMBRE_HOMONYMES:]
    suite = [f"et {len(autres)} autres : {', '.join(dict.fromkeys(autres))}"] if autres else []
    return premiers + suite, list(textes.values())[:_NOMBRE_HOMONYMES]


def _situer(maille: str, code: str) -> str:
    departement = fiches()["departement"].get(fiches()[maille][code].departement or "")
    return f", {departement.nom}" if departement else ""


@lru_cache(maxsize=1)
def _bigrammes() -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Paires de lettres de tous les noms, anciens compris : formes, paires, rang du nom, nombre par nom."""
    formes = list(dict.fromkeys([*index_exact(), *index_anciens()]))
    octets = np.frombuffer(("\n" + "\n".join(formes) + "\n").encode("ascii"), dtype=np.uint8)
    rangs = np.cumsum(octets[:-1] == 10) - 1
    paires = octets[:-1].astype(np.int32) * 256 + octets[1:]
    return formes, paires, rangs, np.bincount(rangs, minlength=len(formes))


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


def _qui_commencent_par(simple: str, nombre: int = 3) -> list[str]:
    """Les noms dont celui-ci est un début (« St-Barth »), des territoires les plus peuplés aux moins peuplés."""
    formes = [forme for forme in index_exact() if forme.startswith(simple) and forme != simple]
    if len(simple) < 5 or len(formes) > 30:
        return []
    poids = {f: max(fiches()[m][c].population or 0 for m, c in index_exact()[f]) for f in formes}
    return sorted(formes, key=lambda forme: (-poids[forme], forme))[:nombre]


def noms_proches(nom: str, maille: str | None = None, *, nombre: int = _NOMBRE_PROPOSITIONS) -> list[str]:
    """Territoires au nom proche, anciens noms de communes compris, les plus ressemblants d'abord.

    >>> noms_proches("Pays de Crzon")[0]
    'CC du Pays de Craon — EPCI (200048551)'
    """
    simple = normaliser(nom)
    if not simple:
        return []
    textes: dict[str, None] = {}
    for forme in _qui_commencent_par(simple):
        reperes = [repere for repere in index_exact()[forme] if maille in (None, repere[0])]
        textes.update(dict.fromkeys(decrire_tous(reperes)[:2]))
    for forme in formes_proches(simple):
        if len(textes) >= nombre:
            break
        reperes = [repere for repere in index_exact().get(forme, ()) if maille in (None, repere[0])]
        textes.update(dict.fromkeys(decrire_tous(reperes)))
        autrefois = [a for a in index_anciens().get(forme, ()) if maille in (None, a.maille)]
        textes.update(dict.fromkeys(map(_decrire_ancien, autrefois)))
    return list(textes)[:nombre]


def _decrire_ancien(ancien: AncienNom) -> str:
    connus = fiches()[ancien.maille]
    actuelles = ", ".join(f"{connus[code].nom} ({code})" for code in ancien.codes)
    precision = "" if ancien.ancien in connus else f" (ancien code {ancien.ancien})"
    return f"{ancien.nom}{precision}, aujourd'hui {actuelles}"


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
        possibles = (un_de_plus | un_de_moins).intersection(tries)
        trouves = sorted(possibles, key=lambda autre: (-_debut_commun(code, autre), autre))
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


@lru_cache(maxsize=1)
def _par_code_postal() -> dict[str, list[str]]:
    communes = table("communes")
    postaux = communes.loc[communes["type"] == "COM", ["code", "codes_postaux"]].dropna()
    index: dict[str, list[str]] = {}
    for code, siens in postaux.itertuples(index=False, name=None):
        for postal in siens.split():
            index.setdefault(postal, []).append(code)
    return index


def communes_du_code_postal(code_postal: str) -> list[str]:
    """Codes des communes desservies par un code postal.

    >>> "53084" in communes_du_code_postal("53400")
    True
    """
    return sorted(_par_code_postal().get(code_postal, ()))


def decouper(texte: str) -> list[str]:
    """Les codes et noms d'une liste, séparés par des virgules, des points-virgules ou des retours à la ligne.

    Une vingtaine d'EPCI ont des virgules dans leur nom : elles y restent.

    Examples
    --------
    >>> decouper("53, CC Avallon, Vézelay, Morvan, Craon")
    ['53', 'CC Avallon, Vézelay, Morvan', 'Craon']
    """
    # Au-delà, aucun nom officiel : une longue liste de codes se découpe d'un trait.
    virgules = max(fiche.nom.count(",") for fiche in fiches()["epci"].values())
    noms = []
    for liste in _LISTE.split(texte):
        morceaux = liste.split(",")
        while morceaux:
            tailles = range(min(len(morceaux), virgules + 1), 0, -1)
            nombre = next(n for n in tailles if n == 1 or _est_un_nom(",".join(morceaux[:n])))
            noms.append(",".join(morceaux[:nombre]).strip())
            morceaux = morceaux[nombre:]
    return [nom for nom in noms if nom]


def _est_un_nom(texte: str) -> bool:
    # Autant de virgules que le nom officiel : « Bourg, Saint-Maurice » sont deux communes.
    return any(fiches()["epci"][code].nom.count(",") == texte.count(",") for _, code in candidats(texte, "epci"))
