"""Un attaquant : il lit un dossier de sortie, pose toutes les relations qu'il connaît, et cerne les cases tues.

Il n'emploie rien du code qui masque. Il connaît les totaux (EPCI = somme des communes), les tranches d'âge, les
parts emboîtées, et tout nombre écrit dans les CSV, les tableaux HTML et le JSON des cartes.
"""

from __future__ import annotations

import csv
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_array

from cafdiag.indicateurs import dictionnaire

CHIFFRES = {"exact", "estime", "arrondi"}
DEMI_ARRONDI = {"%": 0.05, "": 0.005}


def nombre(texte: str) -> float | None:
    """Premier nombre écrit à la française."""
    trouve = re.search(r"[-−]?\d[\d\u202f\u00a0 ]*(?:,\d+)?", texte)
    if not trouve:
        return None
    return float(re.sub(r"[\u202f\u00a0 ]", "", trouve[0]).replace(",", ".").replace("−", "-"))


@dataclass
class Attaquant:
    """Ce que l'attaquant sait : des inconnues positives, et des encadrements de leurs combinaisons."""

    composition: dict[str, list[str]]
    noms: dict[str, str]
    grandeurs: list[str]
    faits: list[tuple[dict, float, float]] = field(default_factory=list)
    lus: int = 0

    def savoir(self, combinaison: dict, bas: float, haut: float) -> None:
        """Retient ``bas ≤ Σ coefficient × case ≤ haut``, si cela parle des grandeurs visées."""
        if {v for v, _ in combinaison} <= set(self.grandeurs):
            self.faits.append((combinaison, bas, haut))

    # --- Lire ---

    def lire(self, dossier: Path) -> None:
        """Lit tous les fichiers du dossier."""
        for chemin in sorted(dossier.iterdir()):
            if chemin.suffix == ".csv":
                self._csv(chemin)
            elif chemin.suffix == ".html":
                self._html(chemin.read_text(encoding="utf-8"))

    def _csv(self, chemin: Path) -> None:
        definitions = dictionnaire()
        with chemin.open(encoding="utf-8", newline="") as flux:
            for ligne in csv.DictReader(flux):
                d = definitions.loc[ligne["indicateur"]] if ligne["indicateur"] in definitions.index else None
                if d is None or ligne["territoire"] not in self.composition:
                    continue
                self._montree(ligne, d)

    def _montree(self, ligne: dict, d) -> None:
        num, den = ((d[role], ligne["territoire"]) for role in ("numerateur", "denominateur"))
        nombres = {
            c: float(ligne[c]) for c in ("valeur", "numerateur", "denominateur", "bas", "haut") if ligne[c]
        }
        self.lus += len(nombres)
        if "numerateur" in nombres:
            self.savoir({num: 1}, nombres["numerateur"], nombres["numerateur"])
        if "denominateur" in nombres:
            self.savoir({den: 1}, nombres["denominateur"], nombres["denominateur"])
        if ligne["statut"] not in CHIFFRES and not nombres:
            return
        bas, haut = nombres.get("bas", -np.inf), nombres.get("haut", np.inf)
        if "valeur" in nombres:
            bas, haut = max(bas, nombres["valeur"] - 1e-9), min(haut, nombres["valeur"] + 1e-9)
        self._valeur(d, ligne["territoire"], bas, haut)
        dit = re.search(r"au moins ([\d\u202f ]+)", ligne["motif"])
        if dit and d["calcul"] == "somme":
            self.savoir({num: 1}, nombre(dit[1]), np.inf)

    def _valeur(self, d, lieu: str, bas: float, haut: float) -> None:
        num, den = (d["numerateur"], lieu), (d["denominateur"], lieu)
        if d["calcul"] == "somme":
            self.savoir({num: 1}, bas, haut)
        elif d["calcul"] in ("rapport", "partie"):
            for borne, sens in ((bas, 1), (haut, -1)):
                if np.isfinite(borne):
                    taux = borne / float(d["facteur"])
                    self.savoir({num: sens, den: -sens * taux}, -1e-6, np.inf)

    def _html(self, page: str) -> None:
        for d in dictionnaire().to_dict("records"):
            self._infobulles(page, d)
            self._tableaux(page, d)

    def _infobulles(self, page: str, d: dict) -> None:
        """« l » d'une entité de carte : nom, « Libellé (2024) : 51,7 % », statut."""
        for brute in re.findall(r'"l":(\["[^\]]*?"\])', page):
            textes = json.loads(brute)
            lieu = self.noms.get(textes[0])
            if lieu is None or len(textes) < 2 or not textes[1].startswith(f"{d['libelle_court']} ("):
                continue
            dite = textes[1].rpartition(" : ")[2]
            self._lue(d, lieu, dite if re.match(r"[-−]?\d", dite) else "")

    def _tableaux(self, page: str, d: dict) -> None:
        """Tableaux : un territoire en ligne (carte) ou en colonne (chapitre), l'indicateur sur l'autre axe."""
        for table in re.findall(r"<table.*?</table>", page, re.S):
            lignes = [
                [html.unescape(re.sub(r"<small.*?</small>|<[^>]+>", "", c)).strip() for c in cellules]
                for cellules in (
                    re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.S)
                    for r in re.findall(r"<tr.*?</tr>", table, re.S)
                )
            ]
            entetes = lignes[0] if lignes else []
            legende = html.unescape("".join(re.findall(r"<caption>(.*?)</caption>", table, re.S)))
            for cellules in lignes[1:]:
                if cellules and cellules[0] == d["libelle_court"]:
                    for entete, cellule in zip(entetes[1:], cellules[1:], strict=False):
                        if entete in self.noms:
                            self._lue(d, self.noms[entete], cellule)
                elif (
                    cellules
                    and cellules[0] in self.noms
                    and legende == f"{d['libelle_court']} ({d['unite']})"
                ):
                    self._lue(d, self.noms[cellules[0]], cellules[1])

    def _lue(self, d: dict, lieu: str, texte: str) -> None:
        valeur = nombre(texte) if re.match(r"[-−]?\d", texte) else None
        if valeur is None:
            return
        self.lus += 1
        decimales = len(texte.partition(",")[2].split()[0].rstrip("%\u202f\u00a0")) if "," in texte else 0
        demi = 0.5 * 10**-decimales
        self._valeur(d, lieu, valeur - demi, valeur + demi)

    # --- Déduire ---

    def preparer(self) -> None:
        """Pose le programme linéaire une fois, quand tout est su."""
        communes = sorted({c for siennes in self.composition.values() for c in siennes})
        self._rang = {(v, c): i for i, (v, c) in enumerate((v, c) for v in self.grandeurs for c in communes)}
        egalites, inegalites = [], []
        for combinaison, bas, haut in self.faits:
            somme = self._ligne(combinaison)
            if haut - bas < 1e-6:
                egalites.append((somme, (bas + haut) / 2))
                continue
            if np.isfinite(haut):
                inegalites.append((somme, haut))
            if np.isfinite(bas):
                inegalites.append(({i: -a for i, a in somme.items()}, -bas))
        self._contraintes = {}
        for role, lignes in (("eq", egalites), ("ub", inegalites)):
            creuse = lil_array((len(lignes), len(self._rang)))
            for r, (somme, _) in enumerate(lignes):
                for i, a in somme.items():
                    creuse[r, i] = a
            self._contraintes |= {f"A_{role}": creuse.tocsr(), f"b_{role}": np.array([b for _, b in lignes])}

    def _ligne(self, combinaison: dict) -> dict[int, float]:
        somme: dict[int, float] = {}
        for (v, lieu), coefficient in combinaison.items():
            for commune in self.composition[lieu]:
                i = self._rang[(v, commune)]
                somme[i] = somme.get(i, 0.0) + coefficient
        return somme

    def cerner(self, cible: dict) -> tuple[float, float]:
        """Plus petite et plus grande valeur possibles d'une combinaison de cases, d'après tout ce qui est su."""
        objectif = np.zeros(len(self._rang))
        for i, a in self._ligne(cible).items():
            objectif[i] = a
        trouves = []
        for sens in (1, -1):
            r = linprog(sens * objectif, **self._contraintes, bounds=(0, None))
            assert r.status in (0, 3), r.message
            trouves.append(np.inf if r.status == 3 else float(sens * r.fun))
        return trouves[0], trouves[1]
