"""Lire un lieu comme on l'écrit sur une enveloppe : Cedex, arrondissement, code postal, département, abréviations.

Le nom officiel, actuel ou ancien, passe d'abord ; ce qui suit n'est essayé que si rien ne le porte. Toute lecture
se dit, et deux indices qui se contredisent ne donnent rien.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

from cafdiag.territoires.normalisation import normaliser, sans_articles
from cafdiag.territoires.recherche import Repere, Trouves, chercher, communes_du_code_postal, par_niveau
from cafdiag.territoires.referentiel import construire, fiches

_CEDEX = re.compile(r"[\s,-]*\bcedex\b.*$", re.IGNORECASE)
_VILLES = {"paris": ("751", 20), "lyon": ("6938", 9), "marseille": ("132", 16)}
_RANG = r"(?:0?(\d{1,2})|([ivx]+)) ?(?:er|ere|e|eme|nd|nde|d)?"
_MOT_ARRONDISSEMENT = r"(?:arr|arrt|ardt|arrdt|arrond|arrondissement)"
_ARRONDISSEMENT = re.compile(rf"^({'|'.join(_VILLES)}) {_RANG}(?: ?{_MOT_ARRONDISSEMENT})?$")
_ARRONDISSEMENT_DE = re.compile(rf"^{_RANG} ?{_MOT_ARRONDISSEMENT} (?:de |d )?({'|'.join(_VILLES)})$")
_ARTICLE_DERRIERE = re.compile(r"^(.*\S)\s*[(,]\s*(le|la|les|l['’]|los|las|aux?)\s*\)?$", re.IGNORECASE)
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
    if codes := _communes(chercher(texte), ici):
        return codes, ""
    for nom, trouves in _interpreter(texte.strip(), "commune"):
        if codes := _communes(trouves, ici):
            return codes, nom
    if ici is not None:
        dites = {morceau: _communes(chercher(morceau), ici) for morceau in _morceaux(texte)}
        codes = sorted({code for siens in dites.values() for code in siens})
        if len(codes) == 1:
            return codes, next(morceau for morceau, siens in dites.items() if siens)
    return [], ""


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
            yield f"{base} ({indice})", _restreindre(base, _communes_de(indice), maille)
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
    if lu := _ARRONDISSEMENT.match(simple):
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


def _communes(trouves: Trouves, ici: set[str] | None) -> list[str]:
    lieux = trouves.lieux if ici is None else trouves.tous
    codes = [code for maille, code in lieux if maille == "commune"]
    if ici is not None:
        codes = [code for code in codes if ici.intersection(_meres([code]))]
    return sorted(codes)


def _morceaux(texte: str) -> list[str]:
    """Les parties d'une adresse : « Le Bourg - Craon », « Azé (Château-Gontier) »."""
    morceaux = [_CEDEX.sub("", m).strip() for m in _MORCEAUX.split(texte)]
    return [m for m in morceaux if len(sans_articles(normaliser(m))) > 1] if len(morceaux) > 1 else []
