"""Du classeur au tableau : trouver les feuilles qui sont un registre, leur en-tête, leurs lignes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, choisir
from cafdiag.donnees.registres_colonnes import Correspondance, proposer, reconnaitre
from cafdiag.donnees.registres_fichier import Feuille, lire_feuilles
from cafdiag.donnees.registres_rgpd import EXPLICATION, nominatives
from cafdiag.erreurs import EntreeFautive
from cafdiag.territoires.normalisation import normaliser

_ENTETE_AVANT = 20
# Une feuille n'est un registre que si elle dit de quoi, ou d'où, elle parle.
_PIVOTS = frozenset({"nom", "code", "commune", "code_postal", "agrees"})


@dataclass
class Tableau:
    """Une feuille reconnue : son nom, la ligne de son en-tête, ses enregistrements."""

    feuille: str
    numero_entete: int
    entetes: list[str]
    lignes: list[tuple[int, list[str]]]
    formules: int = 0

    @property
    def ou(self) -> str:
        """Début d'un message : « feuille « X », », vide pour un CSV."""
        return f"feuille « {self.feuille} », " if self.feuille else ""


@dataclass
class Classeur:
    """Les tableaux d'un fichier, et les feuilles laissées de côté."""

    chemin: Path
    tableaux: list[Tableau]
    remarques: list[str] = field(default_factory=list)

    @property
    def entetes(self) -> list[str]:
        """Tous les en-têtes, sans répétition."""
        return list(dict.fromkeys(e for t in self.tableaux for e in t.entetes if e))


def ouvrir(chemin: str | Path, *, connus: Sequence[str] = ()) -> Classeur:
    """Ouvre un fichier et y trouve les tableaux.

    Parameters
    ----------
    chemin : path
    connus : sequence of str
        En-têtes d'une correspondance déjà confirmée : ils comptent comme reconnus.

    Raises
    ------
    EntreeFautive
        Aucune feuille n'a les colonnes d'un registre.
    """
    chemin = Path(chemin)
    tableaux, laissees, vues = [], [], []
    deja = {normaliser(e) for e in connus}
    for feuille in lire_feuilles(chemin):
        tableau = _trouver(feuille, deja)
        if tableau is None:
            if feuille.lignes and normaliser(feuille.nom) != "mode d emploi":
                laissees.append(f"« {feuille.nom} » ({len(feuille.lignes)} lignes)")
            if feuille.lignes:
                vues.append(feuille)
        else:
            tableaux.append(tableau)
    if not tableaux:
        entetes = [c for f in vues for c in f.lignes[0][1] if c][:12]
        raise EntreeFautive(
            chemin.name,
            [f"aucun tableau de structures ; colonnes trouvées : {', '.join(entetes) or 'aucune'}"],
            attendu="au moins les colonnes type, nom, et code (ou commune et code postal, ou lon et lat)",
            conseil="partez d'un modèle du dossier templates/registres, ou écrivez une correspondance de colonnes",
        )
    remarques = (
        [f"feuille(s) sans tableau de structures, laissée(s) de côté : {', '.join(laissees)}"]
        if laissees
        else []
    )
    formules = sum(t.formules for t in tableaux)
    if formules:
        remarques.append(
            f"{formules} formule(s) : dernière valeur calculée par le tableur, rien n'est exécuté"
        )
    return Classeur(chemin, tableaux, remarques)


def _trouver(feuille: Feuille, deja: set[str]) -> Tableau | None:
    meilleur, score = None, 1
    for rang, (_, cellules) in enumerate(feuille.lignes[:_ENTETE_AVANT]):
        champs = {
            ("deja", c) if normaliser(c) in deja else reconnaitre(c) for c in cellules if c and len(c) < 80
        }
        reconnus = [r[0] if r[0] != "deja" else "nom" for r in champs if r and r[1] != "proche"]
        if len(reconnus) > score and _PIVOTS & set(reconnus):
            meilleur, score = rang, len(reconnus)
    if meilleur is None:
        return None
    numero, entetes = feuille.lignes[meilleur]
    lignes = feuille.lignes[meilleur + 1 :]
    donnees = {n for n, _ in lignes}
    return Tableau(
        feuille.nom, numero, list(entetes), lignes, sum(ligne in donnees for ligne, _ in feuille.formules)
    )


def refuser_nominatives(classeur: Classeur, correspondance: Correspondance) -> None:
    """Refuse le fichier si une case, reprise ou non, désigne une personne.

    Raises
    ------
    EntreeFautive
        Toutes les colonnes et lignes en cause ; les valeurs sont tues.
    """
    defauts = []
    for tableau in classeur.tableaux:
        defauts += nominatives(
            tableau.entetes,
            tableau.lignes,
            feuille=tableau.feuille,
            assistants=_lignes_d_assistants(tableau, correspondance),
        )
    if defauts:
        raise EntreeFautive(
            classeur.chemin.name, defauts, attendu="aucune donnée nominative", conseil=EXPLICATION
        )


def _lignes_d_assistants(tableau: Tableau, correspondance: Correspondance) -> frozenset[int]:
    colonne = _rang(tableau, correspondance.colonnes.get("type", ""))
    if colonne is not None:
        return frozenset(
            n
            for n, c in tableau.lignes
            if colonne < len(c) and choisir(CHAMPS["type"], c[colonne]) == ASSISTANTS
        )
    toutes = ASSISTANTS in (correspondance.type_structure, choisir(CHAMPS["type"], tableau.feuille))
    return frozenset(n for n, _ in tableau.lignes) if toutes else frozenset()


def _rang(tableau: Tableau, entete: str) -> int | None:
    if not entete:
        return None
    if entete in tableau.entetes:
        return tableau.entetes.index(entete)
    formes = [normaliser(e) for e in tableau.entetes]
    return formes.index(normaliser(entete)) if normaliser(entete) in formes else None


def proposer_pour(classeur: Classeur, *, type_structure: str = "") -> Correspondance:
    """La correspondance proposée pour tous les tableaux d'un fichier."""
    return proposer(classeur.entetes, type_structure=type_structure)


def en_table(classeur: Classeur, correspondance: Correspondance) -> tuple[pd.DataFrame, list[tuple]]:
    """Une ligne par enregistrement, une colonne de textes par champ reconnu.

    Returns
    -------
    table : DataFrame
        Champs, plus ``_feuille``, ``_ligne``, ``_tout`` (toute la ligne, pour reconnaître une répétition).
    defauts : list of tuple
        (index, champ, valeur, attendu) : lignes plus longues ou plus courtes que l'en-tête.

    Raises
    ------
    EntreeFautive
        Une colonne de la correspondance manque, ou un en-tête repris est écrit deux fois.
    """
    generaux, defauts, enregistrements = [], [], []
    for tableau in classeur.tableaux:
        doubles = {e for e, n in Counter(e for e in tableau.entetes if e).items() if n > 1}
        rangs = {}
        for champ, entete in correspondance.colonnes.items():
            rang = _rang(tableau, entete)
            if rang is not None:
                rangs[champ] = rang
                if tableau.entetes[rang] in doubles:
                    generaux.append(f"{tableau.ou}ligne {tableau.numero_entete} : deux colonnes « {entete} »")
        if correspondance.confirmee and not rangs:
            generaux.append(f"{tableau.ou}aucune colonne de la correspondance")
        de_la_feuille = choisir(CHAMPS["type"], tableau.feuille) or ""
        largeur = len(tableau.entetes)
        for numero, cellules in tableau.lignes:
            i = len(enregistrements)
            completes = cellules + [""] * (largeur - len(cellules))
            ligne = {c: completes[r] for c, r in rangs.items()}
            ligne.setdefault("type", correspondance.type_structure or de_la_feuille)
            enregistrements.append(
                {**ligne, "_feuille": tableau.feuille, "_ligne": numero, "_tout": "\x1f".join(completes)}
            )
            if len(cellules) > largeur:
                defauts.append(
                    (
                        i,
                        "",
                        cellules[largeur],
                        "pas de valeur au-delà de la dernière colonne (un séparateur dans un texte ?)",
                    )
                )
    absents = [
        e for c, e in correspondance.colonnes.items() if all(_rang(t, e) is None for t in classeur.tableaux)
    ]
    generaux += [f"colonne absente : « {e} » (annoncée par la correspondance)" for e in absents]
    if generaux:
        raise EntreeFautive(
            classeur.chemin.name,
            generaux,
            conseil="corrigez l'en-tête du fichier ou la correspondance de colonnes",
        )
    colonnes = [
        "type",
        *(c for c in CHAMPS if c != "type" and c in correspondance.colonnes),
        "_feuille",
        "_ligne",
        "_tout",
    ]
    table = pd.DataFrame(enregistrements, columns=colonnes)
    textes = [c for c in colonnes if c != "_ligne"]
    table[textes] = table[textes].fillna("").astype("str")
    return table, defauts
