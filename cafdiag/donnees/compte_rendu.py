"""Ce que rend une lecture : la table, et le compte de chaque ligne gardée ou rejetée."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cafdiag.geographie import geographie

_MONTRES = 20


@dataclass(frozen=True)
class Rejet:
    """Une ligne écartée : son numéro dans le fichier (en-tête = 1), la raison, la valeur en cause.

    Dans un JSON ou un Parquet, qui n'ont pas de lignes, le numéro est le rang de l'enregistrement.
    """

    ligne: int
    raison: str
    valeur: str = ""

    def __str__(self) -> str:
        return f"ligne {self.ligne} : {self.raison}" + (f" (« {self.valeur} »)" if self.valeur else "")


@dataclass
class CompteRendu:
    """Le compte d'une lecture ; ``lues == gardees + len(rejets) + sum(de_cote.values())``, toujours.

    Attributes
    ----------
    fichier, jeu : str
        Nom du fichier ; table canonique produite.
    lues, gardees : int
        Enregistrements du fichier (ni habillage ni en-tête) ; ceux qui ont nourri la table.
    rejets : list of Rejet
        Les autres, un par un.
    de_cote : dict
        Raison → nombre de lignes saines dont le jeu n'a que faire (un autre équipement, une autre maille).
    codes_passes : dict
        Ancien code → code(s) du COG 2025.
    codes_inconnus : list of str
        Codes qu'aucun millésime connu ne porte.
    remarques : list of str
        Réparations et réserves, en clair.
    empreinte : str
        SHA-256 du fichier lu.
    """

    fichier: str
    jeu: str
    lues: int
    gardees: int
    rejets: list[Rejet] = field(default_factory=list)
    codes_passes: dict[str, str] = field(default_factory=dict)
    codes_inconnus: list[str] = field(default_factory=list)
    remarques: list[str] = field(default_factory=list)
    empreinte: str = ""
    de_cote: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.verifier()

    def verifier(self) -> None:
        """Refuse un compte qui perd ou invente une ligne.

        Raises
        ------
        AssertionError
            Défaut de programme : un lecteur a perdu des lignes en silence.
        """
        cotes = sum(self.de_cote.values())
        if self.lues != self.gardees + len(self.rejets) + cotes:
            raise AssertionError(
                f"{self.fichier} : {self.lues} lignes lues, mais {self.gardees} gardées, "
                f"{len(self.rejets)} rejetées et {cotes} de côté"
            )

    def raisons(self) -> dict[str, int]:
        """Nombre de lignes rejetées ou de côté, par raison, la plus fréquente d'abord."""
        comptes = Counter(rejet.raison for rejet in self.rejets)
        comptes.update(self.de_cote)
        return dict(comptes.most_common())

    def en_texte(self) -> str:
        """Le compte rendu en quelques lignes, pour un terminal.

        >>> print(CompteRendu("a.csv", "communes", 3, 2, [Rejet(4, "code vide")]).en_texte())
        a.csv → communes : 3 lignes lues, 2 gardées, 1 rejetée
          1 rejetée — code vide : ligne 4
        """
        rejetees, cotes = len(self.rejets), sum(self.de_cote.values())
        texte = [
            f"{self.fichier} → {self.jeu} : {self.lues} {accord('ligne lue', self.lues)}, "
            f"{self.gardees} {accord('gardée', self.gardees)}, "
            f"{rejetees} {accord('rejetée', rejetees)}" + (f", {cotes} de côté" if cotes else "")
        ]
        for raison, nombre in self.raisons().items():
            if raison in self.de_cote:
                texte.append(f"  {nombre} de côté — {raison}")
                continue
            lignes = [str(r.ligne) for r in self.rejets if r.raison == raison]
            suite = "…" if nombre > _MONTRES else ""
            texte.append(
                f"  {nombre} {accord('rejetée', nombre)} — {raison} : {accord('ligne', nombre)} "
                + ", ".join(lignes[:_MONTRES]) + suite
            )
        if self.codes_passes:
            texte.append(f"  {len(self.codes_passes)} code(s) passés au COG {geographie()} : "
                         + _liste(f"{a} → {b}" for a, b in sorted(self.codes_passes.items())))
        if self.codes_inconnus:
            texte.append(f"  {len(self.codes_inconnus)} code(s) inconnus : " + _liste(self.codes_inconnus))
        texte += [f"  {remarque}" for remarque in self.remarques]
        return "\n".join(texte)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.en_texte())}</pre>"


@dataclass(frozen=True)
class Lecture:
    """Une table canonique et son compte rendu.

    Attributes
    ----------
    jeu : str
        Nom de la table canonique (``communes``, ``taux_couverture``, ``places``, ``structures``…).
    table : DataFrame
    compte_rendu : CompteRendu
    annees : tuple of int
        Années présentes, croissantes.
    source, millesime : str
        Producteur et jeu ; période que portent les chiffres.
    types : tuple of str
        Pour un registre : types de structures qu'il décrit, même si aucune n'est gardée.
    utile : bool
        Faux si aucun calcul ne relirait cette table : elle est contrôlée, pas rangée.
    """

    jeu: str
    table: pd.DataFrame
    compte_rendu: CompteRendu
    annees: tuple[int, ...] = ()
    source: str = ""
    millesime: str = ""
    types: tuple[str, ...] = ()
    utile: bool = True

    def __post_init__(self) -> None:
        self.compte_rendu.verifier()


@dataclass
class Brut:
    """Un fichier lu, rien d'interprété : des textes, et la ligne d'origine de chacun.

    Attributes
    ----------
    table : DataFrame
        Textes, espaces de bord ôtés, vide = ``""`` ; index 0, 1, 2…
    lignes : ndarray of int
        Numéro de ligne de chaque enregistrement de ``table``.
    entete : list of str
        Toutes les colonnes du fichier, même celles qui n'ont pas été chargées.
    rejets : list of Rejet
        Lignes mal formées (trop ou trop peu de champs) : elles comptent parmi les lignes lues.
    remarques : list of str
        Ce qui a été réparé ou ôté.
    fichier, empreinte, couche : str
        Nom du fichier, SHA-256, et couche lue d'un GeoPackage.
    points : bool
        La géométrie du fichier n'a que des points : ils sont dans « lon » et « lat », et ne sont pas des contours.
    """

    table: pd.DataFrame
    lignes: np.ndarray
    entete: list[str]
    rejets: list[Rejet] = field(default_factory=list)
    remarques: list[str] = field(default_factory=list)
    fichier: str = ""
    empreinte: str = ""
    couche: str = ""
    points: bool = False

    @property
    def lues(self) -> int:
        """Nombre d'enregistrements du fichier."""
        return len(self.table) + len(self.rejets)


def accord(mots: str, nombre: int) -> str:
    """Les mots au pluriel s'il en faut un.

    >>> accord("ligne lue", 1), accord("ligne lue", 2)
    ('ligne lue', 'lignes lues')
    """
    return mots if abs(nombre) < 2 else " ".join(f"{mot}s" for mot in mots.split())


def _liste(elements: Iterable[str]) -> str:
    suite = list(elements)
    return ", ".join(suite[:_MONTRES]) + ("…" if len(suite) > _MONTRES else "")


class Compte:
    """Ce qui arrive à chaque ligne d'un registre : défauts (bloquants) ou motifs d'écart admis."""

    def __init__(self, brut: pd.DataFrame, entetes: Mapping[str, str]) -> None:
        self.brut, self.entetes = brut, entetes
        self.defauts: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        self.ecarts: dict[int, str] = {}
        self.valeurs: dict[int, str] = {}

    def mettre_de_cote(self, i: int, motif: str, valeur: str) -> None:
        """Range une ligne de côté, avec la valeur qui en décide."""
        self.ecarts[i], self.valeurs[i] = motif, valeur[:80]

    def refuser(self, i: int, champ: str, valeur: str, attendu: str) -> None:
        """Un défaut de cette ligne."""
        self.defauts[i].append((champ, valeur, attendu))

    def ajouter(self, defauts: list[tuple]) -> None:
        for defaut in defauts:
            self.refuser(*defaut)

    def accuse(self, i: int, champ: str) -> bool:
        """Vrai si la ligne a déjà un défaut dans cette colonne."""
        return any(c == champ for c, *_ in self.defauts[i])

    def ou(self, i: int) -> str:
        feuille = self.brut["_feuille"][i]
        return (f"feuille « {feuille} », " if feuille else "") + f"ligne {self.brut['_ligne'][i]}"

    def phrases(self, i: int) -> list[str]:
        textes = []
        for champ, valeur, attendu in self.defauts[i]:
            colonne = f", colonne {self.entetes.get(champ, champ)}" if champ else ""
            trouve = f"« {valeur[:80]} »" if valeur else "vide"
            textes.append(f"{colonne} : {trouve} (attendu : {attendu})")
        return textes

    def a_corriger(self) -> list[str]:
        """Chaque défaut d'une ligne qui n'est pas rangée de côté, où il est."""
        return [f"{self.ou(i)}{p}" for i in self.brut.index if i not in self.ecarts for p in self.phrases(i)]

    def rejets(self) -> list[Rejet]:
        rejets = []
        for i in self.brut.index:
            feuille = self.brut["_feuille"][i]
            prefixe = f"feuille « {feuille} » : " if feuille else ""
            if i in self.ecarts:
                rejets.append(
                    Rejet(int(self.brut["_ligne"][i]), prefixe + self.ecarts[i], self.valeurs.get(i, ""))
                )
            elif self.defauts[i]:
                raison = " ; ".join(p.removeprefix(", ").removeprefix(" : ") for p in self.phrases(i))
                rejets.append(
                    Rejet(int(self.brut["_ligne"][i]), prefixe + raison, self.defauts[i][0][1][:80])
                )
        return rejets
