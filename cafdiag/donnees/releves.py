"""Lire un relevé de l'usager (réalisations, grille, réponses, portrait) : un classeur ou un CSV, une ligne par fait.

Les colonnes se reconnaissent à leur en-tête ; tous les défauts se disent d'un coup ; aucune ligne ne se perd.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cafdiag.donnees.nettoyage import nombre
from cafdiag.donnees.registres_rgpd import entete_nominatif, nominatives
from cafdiag.donnees.registres_tableau import NOTE, est_un_cumul, nature
from cafdiag.donnees.tableurs import SANS_VALEUR, Feuille, lire_feuilles
from cafdiag.erreurs import EntreeFautive, TerritoireAmbigu, TerritoireInconnu
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.normalisation import normaliser

_ENTETE_AVANT = 20
_ECRITURE = re.compile(r"(?P<nombre>[+-]?\d[\d\s.,'’]*(?:[eE][+-]?\d+)?)(?P<unite>[^\d\s.,'’].*)?", re.DOTALL)
_MILLIERS = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_ECHELLES = {r"milliers?\b|k ?€": 1e3, r"millions?\b|m ?€": 1e6, r"milliards?\b|md ?€": 1e9}
_UNITES = {
    "euros": r"(€|eur|euros?)( ?(ht|ttc))?|(k|m|md) ?€|(milliers?|millions?|milliards?)( d'euros| €)?",
    "heures": r"h|heures?",
    "places": r"places?",
}


@dataclass(frozen=True)
class Colonne:
    """Une colonne attendue : son en-tête, ses autres écritures, si elle est indispensable."""

    entete: str
    autres: tuple[str, ...] = ()
    obligatoire: bool = False

    def reconnait(self, entete: str) -> bool:
        """Vrai si cet en-tête est le sien, casse, accents et ponctuation mis à part.

        >>> Colonne("Année", ("an",)).reconnait("ANNEE"), Colonne("Année").reconnait("Mois")
        (True, False)
        """
        return forme(entete) in {forme(e) for e in (self.entete, *self.autres)}


@dataclass(frozen=True)
class Ligne:
    """Une ligne lue : où elle est, son numéro, et ses textes par nom de colonne (vide : rien d'écrit)."""

    ou: str
    numero: int
    textes: Mapping[str, str]


@dataclass(frozen=True)
class Releve:
    """Ce qui a été lu.

    Attributes
    ----------
    fichier : str
    lignes : tuple of Ligne
    presentes : frozenset of str
        Noms des colonnes trouvées.
    remarques : tuple of str
        Colonnes et feuilles laissées, totaux mis de côté : rien ne se perd en silence.
    cumuls : tuple of str
        Où sont ces totaux.
    """

    fichier: str
    lignes: tuple[Ligne, ...]
    presentes: frozenset[str]
    remarques: tuple[str, ...]
    cumuls: tuple[str, ...] = ()


def forme(entete: str) -> str:
    """Un en-tête réduit à ses mots.

    >>> forme("Montant (€)"), forme("Où, dans la convention ?")
    ('montant', 'ou dans la convention')
    """
    return normaliser(entete.replace("€", " ").replace("_", " "))


def proche(entete: str, connues: Collection[str]) -> str | None:
    """La forme connue dont cet en-tête n'est qu'à une faute de frappe.

    Examples
    --------
    >>> proche("Budjet", ["budget", "pilote"]), proche("Cible 2", ["cible"]), proche("Mois", ["annee"])
    ('budget', None, None)
    """
    mot = forme(entete)
    # Un chiffre qui diffère change le sens ; un mot court ressemble à trop d'autres.
    candidates = [c for c in connues if len(c) > 3 and re.findall(r"\d+", c) == re.findall(r"\d+", mot)]
    return next(iter(difflib.get_close_matches(mot, candidates, n=1, cutoff=0.8)), None)


def lire_releve(
    chemin: str | Path,
    colonnes: Mapping[str, Colonne],
    *,
    modele: str,
    libres: Collection[str] = (),
    totaux: bool = False,
) -> Releve:
    """Lit un relevé.

    Parameters
    ----------
    chemin : path
    colonnes : mapping
        Nom → colonne attendue.
    modele : str
        La commande qui écrit un modèle vierge : à conseiller si le fichier n'a pas la bonne forme.
    libres : collection of str
        Colonnes de texte libre, que l'appelant nettoie lui-même de ce qui désigne une personne.
    totaux : bool
        Une ligne de total est une ligne comme une autre.

    Raises
    ------
    EntreeFautive
        Fichier illisible, colonne indispensable absente, en-tête double, donnée nominative, aucune ligne.
    """
    chemin = Path(chemin)
    lues = lire_feuilles(chemin)
    feuilles = [f for f in lues if f.lignes and normaliser(f.nom) != "mode d emploi"]
    retenues: list[tuple[Feuille, int, dict[str, int]]] = []
    laissees: list[tuple[Feuille, int, dict[str, int]]] = []
    essais = []
    for feuille in feuilles:
        rang, trouvees = _entete(feuille, colonnes)
        essais.append((len(trouvees), feuille, rang, trouvees))
        complete = trouvees and all(n in trouvees for n, c in colonnes.items() if c.obligatoire)
        (retenues if complete else laissees).append((feuille, rang, trouvees))
    if not retenues:
        raise _sans_tableau(chemin, colonnes, essais, modele)
    # Une faute d'en-tête ne fait pas perdre une feuille à côté d'une autre, entière.
    defauts = [
        f"feuille « {feuille.nom} », {d}"
        for feuille, rang, trouvees in laissees
        if (proches := _presque(feuille.lignes[rang][1], trouvees, colonnes))
        and all(n in {*trouvees, *proches} for n, c in colonnes.items() if c.obligatoire)
        for d in _dire_presque(proches, colonnes)
    ]
    remarques = [r for f in lues for r in f.remarques]
    remarques += [f"feuille « {f.nom} » laissée de côté" for f, _, _ in laissees]
    lignes: list[Ligne] = []
    cumuls: list[str] = []
    for feuille, rang, trouvees in retenues:
        ou = f"feuille « {feuille.nom} », " if len(retenues) > 1 else ""
        _, entetes = feuille.lignes[rang]
        suite = feuille.lignes[rang + 1 :]
        doubles = [e for e, n in Counter(forme(e) for e in entetes if e).items() if n > 1]
        defauts += [f"{ou}deux colonnes « {e} »" for e in doubles]
        tues = {trouvees[n] for n in libres if n in trouvees}
        sans_libres = [(n, ["" if k in tues else v for k, v in enumerate(c)]) for n, c in suite]
        defauts += nominatives(entetes, sans_libres, feuille=feuille.nom if ou else "")
        ressemblances = _presque(entetes, trouvees, colonnes)
        defauts += [ou + d for d in _dire_presque(ressemblances, colonnes)]
        defauts += [ou + d for d in _contraires(entetes, suite, trouvees, colonnes)]
        ignorees = [e for k, e in enumerate(entetes) if e and k not in trouvees.values() and not entete_nominatif(e)]
        ignorees = [e for e in ignorees if e not in ressemblances.values()]
        if ignorees:
            remarques.append(f"{ou}colonnes non lues : {', '.join(ignorees)}")
        premiere = next(iter(trouvees.values()))
        for numero, cases in suite:
            textes = {n: cases[k].strip() if k < len(cases) else "" for n, k in trouvees.items()}
            if not any(textes.values()):
                defauts += [f"{ou}ligne {numero} : rien dans les colonnes attendues"]
                continue
            if nature(cases, {}, entetes) == NOTE:
                remarques.append(f"{ou}ligne {numero} : note mise de côté")
                continue
            if not totaux and premiere < len(cases) and est_un_cumul(cases[premiere]):
                cumuls.append(f"{ou}ligne {numero}")
                continue
            defauts += [
                f"{ou}ligne {numero}, {colonnes[n].entete} : formule sans valeur enregistrée"
                for n, v in textes.items()
                if v == SANS_VALEUR
            ]
            lignes.append(Ligne(f"{ou}ligne {numero}", numero, textes))
    if cumuls:
        remarques.append(f"{len(cumuls)} ligne(s) de total mise(s) de côté")
    if not lignes and not defauts:
        defauts.append("aucune ligne sous l'en-tête")
    if defauts:
        raise EntreeFautive(chemin.name, defauts, conseil=f"corrigez le fichier, ou repartez du modèle ({modele})")
    presentes = frozenset(n for _, _, t in retenues for n in t)
    return Releve(chemin.name, tuple(lignes), presentes, tuple(remarques), tuple(cumuls))


def _entete(feuille: Feuille, colonnes: Mapping[str, Colonne]) -> tuple[int, dict[str, int]]:
    """La ligne d'en-tête d'une feuille, et la place de chaque colonne reconnue."""
    meilleure: tuple[int, dict[str, int]] = (0, {})
    for rang, (_, cases) in enumerate(feuille.lignes[:_ENTETE_AVANT]):
        trouvees: dict[str, int] = {}
        for k, case in enumerate(cases):
            nom = next((n for n, c in colonnes.items() if case and c.reconnait(case)), None)
            if nom is not None:
                trouvees.setdefault(nom, k)
        if len(trouvees) > len(meilleure[1]):
            meilleure = (rang, trouvees)
    return meilleure


def commune_dite(ecrit: str, lieu: Territoire, noms: Mapping[str, str]) -> tuple[str, str, bool]:
    """La commune du territoire qu'un usager a écrite, par son code ou son nom.

    Parameters
    ----------
    ecrit : str
    lieu : Territoire
    noms : mapping
        Code → nom de ses communes.

    Returns
    -------
    code : str
        Vide si ce n'est pas l'une d'elles.
    faute : str
        Ce qui est à corriger, et ce que l'usager a sans doute voulu dire.
    ailleurs : bool
        Vrai si c'est une commune, mais d'un autre territoire.
    """
    code = ecrit.zfill(5) if ecrit.isdigit() else ecrit.upper()
    siens = [code] if code in noms else [c for c, nom in noms.items() if normaliser(nom) == normaliser(ecrit)]
    if len(siens) == 1:
        return siens[0], "", False
    if siens:
        choix = ", ".join(siens)
        return "", f"commune « {ecrit} » : {len(siens)} portent ce nom ; écrivez son code ({choix})", False
    plusieurs = [m for m in re.split(r"\s*[,;/+]\s*|\s+et\s+", ecrit) if m]
    if len(plusieurs) > 1:
        return "", f"commune « {ecrit} » : {len(plusieurs)} lieux ; une seule commune par ligne", False
    try:
        trouve = territoire(ecrit)
    except TerritoireInconnu as inconnu:
        proches = [p for p in inconnu.propositions if any(c in p for c in noms)] or inconnu.propositions[:2]
        suite = f" (essayez {' ; '.join(proches)})" if proches else ""
        return "", f"commune « {ecrit} » inconnue{suite}", False
    except TerritoireAmbigu:
        return "", f"commune « {ecrit} » hors du territoire", True
    if trouve.maille != "commune":
        return "", f"« {ecrit} » n'est pas une commune de {lieu.nom}", False
    # Le nom d'une commune fusionnée mène à la nouvelle.
    if trouve.code in noms:
        return trouve.code, "", False
    return "", f"« {ecrit} » n'est pas une commune de {lieu.nom}", True


def _presque(entetes: Sequence[str], trouvees: Mapping[str, int], colonnes: Mapping[str, Colonne]) -> dict[str, str]:
    formes = {forme(e): n for n, c in colonnes.items() for e in (c.entete, *c.autres)}
    return rapprocher(entetes, trouvees, formes)


def rapprocher(entetes: Sequence[str], trouvees: Mapping[str, int], formes: Mapping[str, str]) -> dict[str, str]:
    """Colonne introuvable → l'en-tête qui en est proche ; ``formes`` : chaque écriture, et sa colonne."""
    absentes = {ecrit: nom for ecrit, nom in formes.items() if nom not in trouvees}
    autres = [e for k, e in enumerate(entetes) if e and len(e) < 80 and k not in trouvees.values()]
    return {absentes[p]: e for e in autres if (p := proche(e, absentes))}


def _dire_presque(ressemblances: Mapping[str, str], colonnes: Mapping[str, Colonne]) -> list[str]:
    return [
        f"colonne « {e} » : est-ce « {colonnes[n].entete} » ?"
        # Changer l'en-tête sans convertir les montants les diviserait par mille.
        + (" Écrivez alors les montants en euros" if re.search(r"[km] ?€|millier|million", e, re.IGNORECASE) else "")
        for n, e in ressemblances.items()
    ]


def _contraires(
    entetes: Sequence[str], suite: Sequence[tuple[int, Sequence[str]]], trouvees: Mapping[str, int],
    colonnes: Mapping[str, Colonne],
) -> list[str]:  # fmt: skip
    """Une seconde colonne pour la même chose, qui ne dit pas comme la première : on ne choisit pas entre elles."""
    return [
        f"deux colonnes pour « {c.entete} », « {entetes[trouvees[n]]} » et « {e} », qui diffèrent"
        for n, c in colonnes.items()
        for k, e in enumerate(entetes)
        if n in trouvees and k != trouvees[n] and e and c.reconnait(e) and forme(e) != forme(entetes[trouvees[n]])
        and any(cases[k : k + 1] not in ([], [""], cases[trouvees[n] : trouvees[n] + 1]) for _, cases in suite)
    ]  # fmt: skip


def _sans_tableau(chemin: Path, colonnes: Mapping[str, Colonne], essais: list, modele: str) -> EntreeFautive:
    attendu = ", ".join(c.entete for c in colonnes.values() if c.obligatoire)
    if not essais:
        return EntreeFautive(chemin.name, ["fichier vide"], attendu=f"les colonnes {attendu}", conseil=modele)
    _, feuille, rang, trouvees = max(essais, key=lambda e: e[0])
    ressemblances = _presque(feuille.lignes[rang][1], trouvees, colonnes)
    vues = ", ".join(c for c in feuille.lignes[rang][1] if c)[:200]
    absentes = [
        f"colonne absente : « {c.entete} »"
        + (f" (« {ressemblances[n]} » lui ressemble : corrigez cet en-tête)" if n in ressemblances else "")
        for n, c in colonnes.items()
        if c.obligatoire and n not in trouvees
    ]
    facultatives = {n: e for n, e in ressemblances.items() if not colonnes[n].obligatoire}
    return EntreeFautive(
        chemin.name,
        absentes + _dire_presque(facultatives, colonnes),
        attendu=f"les colonnes {attendu} ; trouvé : {vues or 'rien'}",
        conseil=f"repartez du modèle ({modele})",
    )


# --- Une valeur écrite ---


@dataclass(frozen=True)
class Valeur:
    """Une valeur écrite : le nombre lu, tel qu'il est écrit, l'unité qui le suit, ce qui empêche de le lire."""

    nombre: float = math.nan
    ecrite: str = ""
    unite: str = ""
    illisible: bool = False
    milliers: str = ""


def lire_valeur(texte: str) -> Valeur:
    """Lit « 28 752 hab. », « 15,1 % », « 4 996 200 € », « s » (secret : ni zéro, ni faute).

    ``milliers`` : le signe, si les chiffres peuvent aussi se lire en milliers (« 28.752 ») ; lu ici en décimales.

    >>> lire_valeur("28 752 hab.").nombre, lire_valeur("15,1 %").unite, lire_valeur("s")
    (28752.0, '%', Valeur(nombre=nan, ecrite='', unite='', illisible=False, milliers=''))
    >>> lire_valeur("28.752").nombre, lire_valeur("28.752").milliers, lire_valeur("mille").illisible
    (28.752, '.', True)
    """
    texte = unicodedata.normalize("NFC", texte).replace("−", "-").strip()
    lu = _ECRITURE.fullmatch(texte)
    chiffres, unite = (lu["nombre"].strip(), (lu["unite"] or "").strip()) if lu else (texte, "")
    milliers = _MILLIERS.fullmatch(chiffres)
    signe = milliers[1] if milliers else ""
    if chiffres.count(signe) > 1 and signe:
        # « 1.234.567 » : des milliers, sans autre lecture.
        chiffres = chiffres.replace(signe, "")
    valeurs, statuts = nombre(pd.Series([chiffres], dtype="str"))
    if statuts[0] != "exact":
        return Valeur(illisible=statuts[0] == "illisible")
    ecrite = re.sub(r"[^\d.,+-]", "", chiffres)
    return Valeur(float(valeurs[0]), ecrite, unite, milliers=signe)


def echelle(unite: str) -> float:
    """Ce que vaut un, dans cette unité.

    >>> echelle("millions d'euros par an"), echelle("k€"), echelle("euros")
    (1000000.0, 1000.0, 1.0)
    """
    return next((vaut for mots, vaut in _ECHELLES.items() if re.match(mots, unite.strip().lower())), 1.0)


def lire_montant(nom: str, texte: str, unite: str) -> tuple[float, str]:
    """Les euros, heures ou places qu'un usager a écrits, et ce qui est à corriger ; manquant si rien n'est su.

    >>> lire_montant("budget", "45 k€", "euros"), lire_montant("euros", "nd", "euros")
    ((45000.0, ''), (nan, ''))
    >>> lire_montant("places", "1.250", "places")[1]
    'places « 1.250 » : des milliers ou des décimales ? écrivez 1 250 ou 1,25'
    """
    lu = lire_valeur(texte)
    fois = echelle(lu.unite)
    if lu.illisible or lu.nombre < 0 or (lu.unite and not re.fullmatch(_UNITES[unite], lu.unite, re.IGNORECASE)):
        return math.nan, f"{nom} « {texte} » (un nombre positif en {unite}, ou rien si l'on ne sait pas)"
    if lu.milliers and lu.nombre < 1000 and fois == 1:
        return math.nan, f"{nom} « {texte} » : des milliers ou des décimales ? écrivez 1 250 ou 1,25"
    if unite == "places" and lu.nombre % 1 > 0:
        return math.nan, f"{nom} « {texte} » (un nombre entier)"
    return lu.nombre * fois, ""
