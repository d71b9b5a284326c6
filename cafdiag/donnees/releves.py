"""Lire un relevé de l'usager (réalisations, grille, réponses, portrait) : un classeur ou un CSV, une ligne par fait.

Les colonnes se reconnaissent à leur en-tête ; tous les défauts se disent d'un coup ; aucune ligne ne se perd.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cafdiag.donnees.registres_rgpd import entete_nominatif, nominatives
from cafdiag.donnees.registres_tableau import NOTE, est_un_cumul, nature
from cafdiag.donnees.tableurs import SANS_VALEUR, Feuille, lire_feuilles
from cafdiag.erreurs import EntreeFautive, TerritoireAmbigu, TerritoireInconnu
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.normalisation import normaliser

_ENTETE_AVANT = 20


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
    """Colonne introuvable → l'en-tête qui en est proche."""
    formes = {forme(e): n for n, c in colonnes.items() if n not in trouvees for e in (c.entete, *c.autres)}
    autres = [e for k, e in enumerate(entetes) if e and k not in trouvees.values()]
    return {formes[p]: e for e in autres if (p := proche(e, formes))}


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
