"""Attaquer un dossier de sortie : poser toutes ses relations, et chercher à retrouver ce qu'il tait.

Rien ici ne vient du code qui masque, ni de l'entrepôt : seulement ce que le dossier montre, et ce que chacun sait
(un EPCI est la somme de ses communes, une partie ne dépasse pas son tout, un effectif est positif).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from cafdiag.donnees.grandeurs import COMPOSEES, VARIABLES, classe_de
from cafdiag.donnees.registres_activite import EMBOITEES
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.secret_regles import seuil_de
from cafdiag.magasin import ecrire_atomique
from cafdiag.restitution.relecture import Fait, Relecture, relire
from cafdiag.territoires import membres

_MAILLES = ("commune", "epci", "departement", "region", "france")
_RESTE = "reste"
_COMPTES = ("somme", "rapport", "partie")
_JUSTE = 1e-6
# Le jeu d'un solveur : on ne conclut pas plus finement.
_JEU = 1e-4

# Une grandeur d'une année, dans un territoire.
Case = tuple[str, int | None, tuple[str, str]]


@dataclass(frozen=True)
class Percee:
    """Une case tue que le dossier laisse retrouver."""

    case: str
    bas: float
    haut: float
    fichiers: tuple[str, ...]

    def __str__(self) -> str:
        dite = f"vaut {self.bas:.0f}" if self.haut <= self.bas else f"de {self.bas:.4g} à {self.haut:.4g}"
        return f"{self.case} : {dite} ({', '.join(self.fichiers)})"


@dataclass
class Constat:
    """Ce qu'a donné l'attaque d'un dossier."""

    relecture: Relecture
    cases: int = 0
    montres: int = 0
    relations: int = 0
    percees: list[Percee] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    inconnus: list[str] = field(default_factory=list)
    millesimes: list[int] = field(default_factory=list)

    @property
    def sain(self) -> bool:
        """Vrai si rien n'est retrouvé, et si tout ce qui devait se lire a été lu."""
        return not (self.percees or self.contradictions or self.relecture.illisibles)


def attaquer(*dossiers: str | Path, seuil_caf: int = Options.seuil_caf) -> Constat:
    """Relit des dossiers, rassemble ce qu'ils montrent, et tente d'y retrouver chaque case tue par l'un d'eux.

    Parameters
    ----------
    dossiers : str or path
        Le dossier à vérifier, et ceux déjà montrés aux mêmes lecteurs : deux masques sains peuvent se trahir.
    seuil_caf : int
        Le seuil de secret des effectifs de la Caf avec lequel ils ont été produits.

    Raises
    ------
    DemandeFausse
        Dossiers introuvables, tous dits.
    EntreeFautive
        Rien ne se lit.
    """
    racines = [Path(d) for d in dossiers]
    if absents := [str(r) for r in racines if not r.is_dir()]:
        raise DemandeFausse(f"dossier introuvable : {', '.join(absents)}", attendu="un dossier de sortie de cafdiag")
    relecture = relire(*racines)
    if not relecture.faits and not relecture.illisibles:
        raise EntreeFautive(
            ", ".join(r.name for r in racines),
            ["aucune mesure à vérifier"],
            attendu="les fichiers d'un diagnostic ou de mesures (csv, html, ipynb, docx, pdf, pptx, xlsx, gpkg…)",
            conseil="donnez le dossier passé à --sortie",
        )
    return _Attaque(relecture, seuil_caf).mener()


class _Attaque:
    def __init__(self, relecture: Relecture, seuil_caf: int) -> None:
        self.constat = Constat(relecture)
        self.seuil_caf = seuil_caf
        self.definitions = dictionnaire()
        self.zones: dict[tuple[str, str], list[int]] = {}
        self.noms: dict[tuple[str, str], str] = {}
        self.rang: dict[tuple[str, int | None, int], int] = {}
        self.lignes: list[tuple[dict[int, float], float, float]] = []
        # Deux fichiers disent la même chose : une fois suffit.
        self._sues: set[tuple] = set()

    def mener(self) -> Constat:
        d, constat = self.definitions, self.constat
        confidentielles = {v for v in VARIABLES if self._seuil(v)}
        utiles = d[d["numerateur"].isin(confidentielles) | d["denominateur"].isin(confidentielles)].index
        faits = [f for f in constat.relecture.faits if f.indicateur in utiles]
        self._placer(faits)
        faits = [f for f in faits if self._lieu(f) in self.zones]
        cibles: dict[tuple[Case, ...], set[str]] = {}
        tues = {(f.indicateur, f.annee, self._lieu(f)): f.fichier for f in faits if f.secret}
        montrees: dict[Case, set[str]] = {}
        for f in faits:
            self._apprendre(f)
            directes = self._directes(f) if f.nombres and not f.secret else {}
            for case in directes:
                montrees.setdefault(case, set()).add(f.fichier)
            self._dire_les_montrees(f, directes, tues, confidentielles)
        for f in faits:
            # Un tout que le dossier montre par ailleurs n'est pas tu : il l'est avec sa partie.
            for cible in set(self._cibles(f, confidentielles)) - {(c,) for c in montrees} if f.secret else ():
                cibles.setdefault(cible, set()).add(f.fichier)
        self._emboiter()
        constat.cases, constat.relations = len(cibles), len(self.lignes)
        self._chercher_les_restes({c: f for c, f in montrees.items() if c[0] in confidentielles}, cibles)
        constat.montres = sum(len(f.nombres) for f in faits)
        constat.millesimes = sorted({f.annee for f in faits if f.annee is not None})
        if cibles:
            self._conclure(cibles)
        return constat

    def _seuil(self, variable: str) -> int:
        """Le seuil d'une grandeur confidentielle ; zéro pour une autre, que rien ne perce."""
        return seuil_de(classe_de(variable), seuil_caf=self.seuil_caf) or 0

    def _directes(self, f: Fait) -> dict[Case, float]:
        """Les grandeurs dont ce fait donne la valeur même."""
        d = self.definitions.loc[f.indicateur]
        if d["calcul"] not in _COMPTES:
            return {}
        trouvees = {
            (d[role], f.annee, self._lieu(f)): f.nombres[role]
            for role in ("numerateur", "denominateur")
            if role in f.nombres and d[role] in VARIABLES
        }
        if d["calcul"] == "somme" and "valeur" in f.nombres and d["numerateur"] in VARIABLES:
            trouvees[(d["numerateur"], f.annee, self._lieu(f))] = f.nombres["valeur"]
        return trouvees

    def _dire_les_montrees(self, f: Fait, directes: dict[Case, float], tues: dict, confidentielles: set[str]) -> None:
        """Une petite case montrée, ou une case tue ailleurs dans le dossier : percé sans calcul."""
        ici = self._lieu(f)
        ailleurs = tues.get((f.indicateur, f.annee, ici)) if "valeur" in f.nombres and not f.secret else None
        if ailleurs:
            dite = f"{self.noms.get(ici) or ici[1]} ({ici[1]}), {f.indicateur}, {f.annee}"
            valeur = f.nombres["valeur"]
            self._percer(f"{dite}, montrée dans {f.fichier}", valeur, valeur, {ailleurs})
        for (variable, annee, _), n in directes.items():
            if f.exact and variable in confidentielles and 0 < n < self._seuil(variable) - _JEU:
                dite = f"{self.noms.get(ici) or ici[1]} ({ici[1]}), {_libelle(variable)}, {annee}"
                self._percer(f"{dite}, montrée sous le seuil", n, n, {f.fichier})

    def _percer(self, dite: str, bas: float, haut: float, fichiers: set[str]) -> None:
        percee = Percee(dite, bas, haut, tuple(sorted(fichiers)))
        if percee not in self.constat.percees:
            self.constat.percees.append(percee)

    # --- Où ---

    @staticmethod
    def _lieu(f: Fait) -> tuple[str, str]:
        # Une couche ne dit pas la maille : cinq caractères, une commune ; neuf, un EPCI.
        return (f.maille or {5: "commune", 9: "epci"}.get(len(f.code), ""), f.code)

    def _placer(self, faits: Iterable[Fait]) -> None:
        """Les territoires du dossier, découpés en morceaux que rien n'y distingue."""
        voulus = {self._lieu(f): f.nom for f in faits}
        communes = pd.Index(membres("commune")["commune"], dtype=object)
        signatures: list[list[int]] = [[] for _ in communes]
        lieux: list[tuple[str, str]] = []
        for maille in _MAILLES:
            siens = {code for m, code in voulus if m == maille}
            lien = membres(maille).dropna() if siens else None
            for code, groupe in lien[lien["code"].isin(siens)].groupby("code") if lien is not None else ():
                for rang in communes.get_indexer(pd.Index(groupe["commune"], dtype=object)):
                    signatures[rang].append(len(lieux))
                lieux.append((maille, str(code)))
        numeros = {s: k for k, s in enumerate(dict.fromkeys(tuple(s) for s in signatures if s))}
        for signature, zone in numeros.items():
            for lieu in signature:
                self.zones.setdefault(lieux[lieu], []).append(zone)
        self.noms = voulus
        self.constat.inconnus = sorted(f"{nom or code} ({code})" for (m, code), nom in voulus.items()
                                       if (m, code) not in self.zones)

    # --- Ce qu'il sait ---

    def _somme(self, case: Case, coefficient: float = 1.0) -> dict[int, float]:
        variable, annee, lieu = case
        return {
            self.rang.setdefault((variable, annee, z), len(self.rang)): coefficient for z in self.zones[lieu]
        }

    def _savoir(self, termes: Iterable[tuple[Case, float]], bas: float, haut: float) -> None:
        termes = tuple(termes)
        cle = (termes, round(bas, 9), round(haut, 9))
        if cle in self._sues:
            return
        self._sues.add(cle)
        somme: dict[int, float] = {}
        for case, coefficient in termes:
            for i, a in self._somme(case, coefficient).items():
                somme[i] = somme.get(i, 0.0) + a
        self.lignes.append((somme, bas, haut))

    def _apprendre(self, f: Fait) -> None:
        d = self.definitions.loc[f.indicateur]
        num, den = ((d[role], f.annee, self._lieu(f)) for role in ("numerateur", "denominateur"))
        compte = d["calcul"] in _COMPTES
        for role, case in (("numerateur", num), ("denominateur", den)):
            if compte and role in f.nombres and case[0] in VARIABLES:
                self._savoir([(case, 1.0)], f.nombres[role] - _JUSTE, f.nombres[role] + _JUSTE)
        bas, haut = f.nombres.get("bas", -np.inf), f.nombres.get("haut", np.inf)
        if "valeur" in f.nombres:
            jeu = max(f.demi, _JUSTE)
            bas, haut = max(bas, f.nombres["valeur"] - jeu), min(haut, f.nombres["valeur"] + jeu)
        if not np.isfinite(bas) and not np.isfinite(haut):
            return
        if d["calcul"] == "somme" and num[0] in VARIABLES:
            self._savoir([(num, 1.0)], bas, haut)
        elif d["calcul"] in ("rapport", "partie") and num[0] in VARIABLES and den[0] in VARIABLES:
            facteur = float(d["facteur"])
            if np.isfinite(bas):
                self._savoir([(num, 1.0), (den, -bas / facteur)], -_JUSTE, np.inf)
            if np.isfinite(haut):
                self._savoir([(num, 1.0), (den, -haut / facteur)], -np.inf, _JUSTE)

    def _emboiter(self) -> None:
        """Une partie ne dépasse pas son tout, une grandeur composée est la somme de ses parties : partout."""
        vues = {(annee, zone) for _, annee, zone in self.rang}
        connues = {v for v, _, _ in self.rang}
        for annee, zone in sorted(vues, key=str):
            for partie, tout in EMBOITEES:
                if partie in connues and tout in connues:
                    self._entre(((tout, 1.0), (partie, -1.0)), annee, zone, 0.0, np.inf)
            for total, (_, parties) in COMPOSEES.items():
                if total in connues and connues & set(parties):
                    self._entre(((total, 1.0), *((p, -1.0) for p in parties)), annee, zone, 0.0, 0.0)

    def _entre(self, termes: tuple, annee: int | None, zone: int, bas: float, haut: float) -> None:
        somme = {self.rang.setdefault((v, annee, zone), len(self.rang)): w for v, w in termes}
        self.lignes.append((somme, bas, haut))

    # --- Ce qu'il cherche ---

    def _cibles(self, f: Fait, confidentielles: set[str]) -> list[tuple[Case, ...]]:
        """Cases que tait ce fait : une grandeur, ou ce qui reste d'un tout sans sa partie."""
        d = self.definitions.loc[f.indicateur]
        if d["calcul"] not in _COMPTES:
            return []
        num, den = ((d[role], f.annee, self._lieu(f)) for role in ("numerateur", "denominateur"))
        cibles: list[tuple[Case, ...]] = [(c,) for c in (num, den) if c[0] in confidentielles]
        if (num[0], den[0]) in EMBOITEES and num[0] in confidentielles:
            cibles.append((den, num))
        return cibles

    def _chercher_les_restes(self, montrees: dict[Case, set[str]], cibles: dict[tuple[Case, ...], set[str]]) -> None:
        """Ce qui reste d'un total montré sans ce que le dossier en montre : non déclaré, rien ne le dit tu."""
        lieux: dict[tuple[str, int | None], list[tuple[str, str]]] = {}
        for variable, annee, lieu in montrees:
            lieux.setdefault((variable, annee), []).append(lieu)
        for (variable, annee), siens in lieux.items():
            for total in siens:
                dedans = set(self.zones[total])
                parties = [z for lieu in siens if (z := set(self.zones[lieu])) < dedans]
                reste = dedans.difference(*parties)
                if parties and reste:
                    cle = (f"{_RESTE} de {variable} {annee}", total[1])
                    self.zones[cle] = sorted(reste)
                    self.noms[cle] = f"{self.noms.get(total) or total[1]}, hors de ce que le dossier en montre"
                    cibles.setdefault(((variable, annee, cle),), set()).update(montrees[variable, annee, total])

    def _conclure(self, cibles: dict) -> None:
        for cible in cibles:
            for case in cible:
                self._somme(case)
        n, constat = len(self.rang), self.constat
        triplets = [(k, i, a) for k, (somme, _, _) in enumerate(self.lignes) for i, a in somme.items()]
        k, i, a = zip(*triplets, strict=True) if triplets else ((), (), ())
        matrice = coo_array((a, (k, i)), shape=(len(self.lignes), n)).tocsr()
        bas, haut = (np.array([r[c] for r in self.lignes]) for c in (1, 2))
        dessus, dessous = np.isfinite(haut), np.isfinite(bas)
        contraintes = {}
        if len(self.lignes):
            contraintes = {
                "A_ub": vstack([matrice[dessus], -matrice[dessous]]).tocsr(),
                "b_ub": np.concatenate([haut[dessus], -bas[dessous]]),
            }
        # Un fonds de roulement peut être négatif ; un effectif, non.
        positives = [(None if VARIABLES[v].unite == "euros" else 0, None) for v, _, _ in self.rang]
        for cible, fichiers in sorted(cibles.items(), key=str):
            objectif = np.zeros(n)
            for case, signe in zip(cible, (1.0, -1.0), strict=False):
                for rang in self._somme(case):
                    objectif[rang] += signe
            bornes = []
            for sens in (1.0, -1.0):
                r = linprog(sens * objectif, bounds=positives, method="highs", **contraintes)
                if r.status == 2:
                    constat.contradictions = ["des nombres du dossier se contredisent, rien ne se conclut"]
                    return
                bornes.append(sens * r.fun if r.status == 0 else sens * -np.inf)
            variable, annee, lieu = cible[-1]
            nom = " moins ".join(_libelle(c[0]) for c in cible)
            seuil = self._seuil(variable)
            # Un effectif est entier : « de 2,5 à 3,5 » dit 3.
            mini, maxi = _entier(bornes[0] - _JEU, math.ceil), _entier(bornes[1] + _JEU, math.floor)
            # Un grand reste n'apprend rien : ce n'est pas une case tue.
            if _cernee(mini, maxi, seuil) and (0 < maxi < seuil or not lieu[0].startswith(_RESTE)):
                dit = f"{self.noms.get(lieu) or lieu[1]} ({lieu[1]}), {nom}, {annee}"
                self._percer(dit, mini, maxi, fichiers)


def _libelle(variable: str) -> str:
    return VARIABLES[variable].libelle


def _cernee(bas: float, haut: float, seuil: float) -> bool:
    """Vrai si un lecteur connaît la case à l'unité, ou sait d'une petite case mieux que « de 1 à seuil − 1 ».

    >>> _cernee(17, 17, 5), _cernee(2, 4, 5), _cernee(0, 4, 5), _cernee(0, 3, 5), _cernee(2, 30, 5)
    (True, True, False, True, False)
    """
    return haut <= bas or haut < seuil - 1 or (haut < seuil and bas > 1)


def _entier(x: float, arrondir: Callable[[float], int]) -> float:
    return float(arrondir(x)) if math.isfinite(x) else x


def certificat(constat: Constat, *, seuil_caf: int, date: str = "") -> str:
    """Le certificat d'un constat, en JSON ; sans horloge : la date est celle qu'on lui donne, sinon les données."""
    annees = constat.millesimes
    contenu = {
        "format": "cafdiag-certificat-dossier-1",
        "date": date or None,
        "donnees": f"{annees[0]}-{annees[-1]}" if annees else None,
        "seuil_caf": seuil_caf,
        "fichiers_lus": constat.relecture.lus,
        "fichiers_non_lus": constat.relecture.non_lus,
        "fichiers_illisibles": constat.relecture.illisibles,
        "territoires_inconnus": constat.inconnus,
        "nombres_lus": constat.montres,
        "relations": constat.relations,
        "cases_tues": constat.cases,
        "attaque": "deux programmes linéaires par case tue, sur tout ce que montre le dossier",
        "retrouvees": [str(p) for p in constat.percees],
        "contradictions": constat.contradictions,
        "resultat": "sain" if constat.sain else "percé" if constat.percees else "à revoir",
    }
    return json.dumps(contenu, ensure_ascii=False, indent=1) + "\n"


def ecrire_certificat(constat: Constat, chemin: str | Path, *, seuil_caf: int, date: str = "") -> Path:
    """Écrit le certificat."""
    return ecrire_atomique(Path(chemin), certificat(constat, seuil_caf=seuil_caf, date=date))
