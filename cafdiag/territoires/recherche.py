"""Chercher un territoire par son nom, et proposer les plus proches quand rien ne convient."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product, takewhile
from typing import NamedTuple

import numpy as np

from cafdiag.territoires.normalisation import (
    formes_epci,
    formes_sans_parenthese,
    lire_nature,
    normaliser,
    normaliser_tous,
    sans_articles,
)
from cafdiag.territoires.passage import AncienNom, anciens_noms, epci_ailleurs, passages
from cafdiag.territoires.referentiel import LIBELLES_MAILLES, construire, fiches, table, toutes_les_fiches

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


# --- Les adresses et les lieux-dits ---


_CEDEX = re.compile(r"[\s,-]*\bcedex\b.*$", re.IGNORECASE)
_VILLES = {"paris": ("751", 20), "lyon": ("6938", 9), "marseille": ("132", 16)}
_RANG = r"(?:0?(\d{1,2})|([ivx]+)) ?(?:er|ere|e|eme|nd|nde|d)?"
_MOT_ARRONDISSEMENT = r"(?:arr|arrt|ardt|arrdt|arrond|arrondissement)"
_ARRONDISSEMENT_ECRIT = re.compile(rf"^({'|'.join(_VILLES)}) {_RANG}(?: ?{_MOT_ARRONDISSEMENT})?$")
_ARRONDISSEMENT_DE = re.compile(rf"^{_RANG} ?{_MOT_ARRONDISSEMENT} (?:de |d )?({'|'.join(_VILLES)})$")
_ARTICLE_DERRIERE = re.compile(r"^(.*\S)\s*[(,]\s*(le|la|les|l['’]|los|las|aux?)\s*\)?$", re.IGNORECASE)
# Comme nous l'écrivons, « CC du Pays de Craon (EPCI 200048551) », ou comme on le recopie, « 53084 Craon ».
# Comme nous l'écrivons, « CC du Pays de Craon (EPCI 200048551) », ou comme on le recopie, « 53084 Craon ».
_NOM_ET_CODE = re.compile(
    r"^(?P<nom>.*?[^\s,–—-])(?:\s+[–—-]\s+(?P<m1>commune|epci|d[ée]partement|r[ée]gion|qpv))?[\s,–—-]*"
    r"(?:\((?:(?P<m2>[^\W\d_]+)[\s:]+)?|\b(?=(?:\d{9}|\d[\dAB]\d{3})$))(?P<code>\w{2,9})(?:\)(?:, [^\d()]+)?)?$",
    re.IGNORECASE,
)
_CODE_ET_NOM = re.compile(r"^(?P<code>\d{9}|\d[\dAB]\d{3})(?P<m1>)(?P<m2>)(?:\s*[,:–—]|\s+-)?\s+(?P<nom>[^\W\d].*)$")
_POSTAL_DEVANT = re.compile(r"^(?:F\s*-\s*)?(\d{5})[\s,-]+(\D.*)$", re.IGNORECASE)
_POSTAL_DERRIERE = re.compile(r"^(.*[^\W\d])[\s,(-]+(\d{5})\)?$")
_PARENTHESE = re.compile(r"^(.*\S)\s*\(([^()]+)\)$")
_VIRGULE = re.compile(r"^(.*\S)\s*,\s*([^,]+)$")
_DEPARTEMENT_DERRIERE = re.compile(r"^(.*[^\W\d])[\s,-]+(97[1-6]|\d{2}|2[AB])$", re.IGNORECASE)
_MORCEAUX = re.compile(r"\s*[,;/()]\s*|\s+[-–—]\s+|\b\d{5}\b")
_ABREGES = {
    "s": ("sur",), "ss": ("sous",), "sts": ("saints",), "stes": ("saintes",), "lez": ("les",), "nd": ("notre dame",),
    "gd": ("grand",), "gde": ("grande",), "gds": ("grands",), "pt": ("petit", "pont"), "pte": ("petite", "porte"),
    "mt": ("mont",), "mts": ("monts",), "chau": ("chateau",), "chat": ("chateau",), "cht": ("chateau",),
    "chap": ("chapelle",), "vx": ("vieux",), "vlle": ("ville",), "bg": ("bourg",), "fg": ("faubourg",),
}  # fmt: skip


@dataclass(frozen=True)
class TexteLu:
    """Ce qu'un texte désigne ; ``dit`` n'est pas vide quand il a fallu l'interpréter.

    ``proches`` : ce que désignent ses morceaux quand l'ensemble ne désigne rien.
    """

    trouves: Trouves = field(default_factory=Trouves)
    dit: str = ""
    proches: tuple[Repere, ...] = ()


def lire(texte: str, maille: str | None = None) -> TexteLu:
    """Ce que désigne un nom ou une ligne d'adresse.

    >>> lire("MARSEILLE 8EME").trouves.lieux, lire("Saint Denis (Réunion)").trouves.lieux
    ((('commune', '13208'),), (('commune', '97411'),))
    >>> lire("LAVAL CEDEX 9").trouves.lieux, lire("SEGRE EN ANJOU BLEU").dit
    ((('commune', '53130'),), '')
    """
    texte = _article_devant(texte)
    if directs := chercher(texte, maille):
        return TexteLu(directs)
    if maille not in (None, "commune", "epci"):
        return TexteLu()
    for nom, trouves in _interpreter(texte.strip(), maille):
        if trouves.lieux:
            return TexteLu(trouves, nom)
    return TexteLu(proches=tuple(dict.fromkeys(r for m in _morceaux(texte) for r in chercher(m, maille).lieux)))


def lire_commune(texte: str, code_postal: str = "") -> tuple[list[str], str]:
    """Les communes d'aujourd'hui que désignent ensemble un nom et son code postal, et ce qu'il a fallu interpréter.

    Un code postal que le référentiel connaît tranche ou contredit ; un autre (Cedex) donne le département. Un
    lieu-dit accolé au nom de sa commune est ignoré, et dit.

    >>> lire_commune("LAVAL CEDEX 9", "53089"), lire_commune("Château-Gontier", "53200")
    ((['53130'], 'LAVAL'), (['53062'], ''))
    """
    ici, texte = _communes_du_code_postal(code_postal), _article_devant(texte)
    if codes := _communes_ecrites(chercher(texte), ici):
        return codes, ""
    for nom, trouves in _interpreter(texte.strip(), "commune"):
        if codes := _communes_ecrites(trouves, ici):
            return codes, nom
    if ici is not None:
        dites = {morceau: _communes_ecrites(chercher(morceau), ici) for morceau in _morceaux(texte)}
        codes = sorted({code for siens in dites.values() for code in siens})
        if len(codes) == 1:
            return codes, next(morceau for morceau, siens in dites.items() if siens)
    return [], ""


def nom_et_code(texte: str) -> tuple[str, str, str] | None:
    """Le nom, la maille (vide si elle n'est pas dite) et le code écrits ensemble ; None si ce n'en est pas.

    >>> nom_et_code("CC du Pays de Craon (EPCI 200048551)"), nom_et_code("53000 Laval")
    (('CC du Pays de Craon', 'EPCI', '200048551'), ('Laval', '', '53000'))
    >>> nom_et_code("Saint-Denis"), nom_et_code("53012, 53084"), nom_et_code("53130-kellermann")
    (None, None, None)
    """
    lu = _NOM_ET_CODE.match(texte.strip()) or _CODE_ET_NOM.match(texte.strip())
    # Deux codes à la suite ne sont pas un nom et son code.
    if lu is None or re.fullmatch(r"(\d[\dAB]\d{3}|[\d\s,;-])+", lu["nom"]):
        return None
    nom, dit, redit, code = lu.group("nom", "m1", "m2", "code")
    return nom, dit or redit or "", code


def _article_devant(texte: str) -> str:
    """« Oudon (L') » et « Mans, Le » : l'article rendu à sa place.

    >>> _article_devant("Oudon (L')"), _article_devant("Craon (Mayenne)")
    ("L'Oudon", 'Craon (Mayenne)')
    """
    lu = _ARTICLE_DERRIERE.match(texte.strip())
    return f"{lu[2][0].upper()}{lu[2][1:]} {lu[1]}".replace("' ", "'").replace("’ ", "'") if lu else texte


@lru_cache(maxsize=4096)
def designes(nom: str, maille: str) -> frozenset[str]:
    """Les codes de cette maille que ce nom peut désigner, largement : articles oubliés, noms cédés, adresse lue.

    Vide : le nom ne désigne rien de connu, et ne contredit donc aucun code.

    >>> sorted(designes("Château-Gontier", "commune")), sorted(designes("Pays de Craon", "epci"))
    (['53062'], ['200048551'])
    """
    larges = [repere for niveau in par_niveau(nom, maille) for repere in niveau.tous]
    codes = {code for sorte, code in larges or lire(nom, maille).trouves.tous if sorte == maille}
    return frozenset(codes | _meres(codes) if maille == "commune" else codes)


def _interpreter(texte: str, maille: str | None) -> Iterator[tuple[str, Trouves]]:
    """Les autres façons de lire ce texte, de la plus sûre à la moins sûre, avec le nom lu."""
    nom = _CEDEX.sub("", texte)
    if nom != texte:
        # Une adresse d'aujourd'hui : un nom porté autrefois ailleurs n'y prétend pas.
        trouves = chercher(nom, "commune")
        yield nom, Trouves(trouves.reperes) if trouves.reperes else trouves
    if code := _arrondissement(normaliser(nom)):
        yield fiches()["commune"][code].nom, Trouves((("commune", code),))
    for motif, devant in (
        (_POSTAL_DEVANT, True), (_POSTAL_DERRIERE, False), (_PARENTHESE, False), (_VIRGULE, False),
        (_DEPARTEMENT_DERRIERE, False),
    ):  # fmt: skip
        if lu := motif.match(nom):
            base, indice = (lu[2], lu[1]) if devant else (lu[1], lu[2])
            base = _CEDEX.sub("", base)
            # Un code à cinq chiffres est celui d'une commune, ou de celle d'un quartier ; jamais d'un EPCI.
            sortes = (maille,) if maille or not re.fullmatch(r"\d{5}", indice.strip()) else ("commune", "qpv")
            for sorte in sortes:
                yield f"{base} ({indice})", _restreindre(base, _communes_de(indice), sorte)
    mots = normaliser(re.sub(r"(?i)\bs/s\b", "sous", re.sub(r"(?i)\bs/(?!s\b)", "sur ", nom))).replace("n d ", "nd ")
    choix = [_ABREGES.get(mot, (mot,)) for mot in mots.split()]
    if len(choix) <= 12:
        for autre in map(" ".join, product(*choix)):
            if autre != normaliser(nom):
                yield autre, chercher(autre, maille)


def _arrondissement(simple: str) -> str | None:
    """Code de l'arrondissement de Paris, Lyon ou Marseille que nomme ce texte.

    >>> _arrondissement("marseille 8eme"), _arrondissement("paris xve"), _arrondissement("lyon 12e")
    ('13208', '75115', None)
    """
    if lu := _ARRONDISSEMENT_ECRIT.match(simple):
        ville, chiffres, romains = lu.groups()
    elif lu := _ARRONDISSEMENT_DE.match(simple):
        chiffres, romains, ville = lu.groups()
    else:
        return None
    rang = int(chiffres) if chiffres else _romain(romains)
    debut, dernier = _VILLES[ville]
    return debut + str(rang).zfill(5 - len(debut)) if 1 <= rang <= dernier else None


def _romain(lettres: str) -> int:
    valeurs = [{"i": 1, "v": 5, "x": 10}[lettre] for lettre in lettres]
    return sum(-v if suivant > v else v for v, suivant in zip(valeurs, [*valeurs[1:], 0], strict=True))


def _restreindre(nom: str, communes: set[str] | None, maille: str | None) -> Trouves:
    """Ce que désigne ce nom, une fois l'indice appliqué ; rien si l'un des deux n'est pas compris."""
    trouves = chercher(nom, maille)
    if (code := _arrondissement(normaliser(nom))) and not trouves.lieux:
        trouves = Trouves((("commune", code),))
    if communes is None:
        return Trouves()
    return Trouves(
        tuple(r for r in trouves.reperes if communes.intersection(_meres(construire(*r).communes))),
        tuple(
            a
            for a in (*trouves.anciens, *trouves.cedes)
            if any(communes.intersection(construire(a.maille, code).communes) for code in a.codes)
        ),
    )


def _meres(codes: Iterable[str]) -> set[str]:
    return {fiches()["commune"][code].commune_mere or code for code in codes}


def _communes_de(indice: str) -> set[str] | None:
    """Communes que cerne un indice : code postal, code ou nom de département, de région, d'EPCI ou de commune."""
    indice = indice.strip()
    if re.fullmatch(r"\d{5}", indice):
        return _communes_du_code_postal(indice)
    if indice.upper() in fiches()["departement"]:
        return set(construire("departement", indice.upper()).communes)
    lieux = chercher(indice).lieux
    return {code for repere in lieux for code in _meres(construire(*repere).communes)} or None


def _communes_du_code_postal(code_postal: str) -> set[str] | None:
    """Communes d'un code postal ; d'un Cedex, qui n'en est pas un, toutes celles du département ; None sans indice."""
    chiffres = re.sub(r"\s", "", code_postal)
    if not chiffres:
        return None
    chiffres = chiffres.zfill(5)
    if connues := communes_du_code_postal(chiffres):
        return set(connues)
    departements = {chiffres[:3]} if chiffres.startswith(("97", "98")) else {chiffres[:2]}
    if departements == {"20"}:
        departements = {"2A", "2B"}
    connus = departements.intersection(fiches()["departement"])
    return {code for dep in connus for code in construire("departement", dep).communes}


def _communes_ecrites(trouves: Trouves, ici: set[str] | None) -> list[str]:
    lieux = trouves.lieux if ici is None else trouves.tous
    codes = [code for maille, code in lieux if maille == "commune"]
    if ici is not None:
        codes = [code for code in codes if ici.intersection(_meres([code]))]
    return sorted(codes)


def _morceaux(texte: str) -> list[str]:
    """Les parties d'une adresse : « Le Bourg - Craon », « Azé (Château-Gontier) »."""
    morceaux = [_CEDEX.sub("", m).strip() for m in _MORCEAUX.split(texte)]
    return [m for m in morceaux if len(sans_articles(normaliser(m))) > 1] if len(morceaux) > 1 else []


# --- La recherche à la frappe ---


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
    nature = "" if maille == "france" else f" — {LIBELLES_MAILLES[maille]}{_situer(maille, code)}"
    ancien = f"{piste.ancien}, aujourd'hui " if piste.ancien else ""
    return Suggestion(_a_ecrire(maille, code), f"{ancien}{fiches()[maille][code].nom}{nature}")
