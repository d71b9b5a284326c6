"""Du classeur au tableau : trouver les feuilles qui sont un registre, leur en-tête, leurs lignes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, choisir, forme, types_dits
from cafdiag.donnees.registres_colonnes import Correspondance, proposer, reconnaitre
from cafdiag.donnees.registres_fichier import Feuille, lire_feuilles
from cafdiag.donnees.registres_habillage import nature
from cafdiag.donnees.registres_points import lire_couple, localiser
from cafdiag.donnees.registres_rgpd import EXPLICATION, nominatives
from cafdiag.erreurs import EntreeFautive
from cafdiag.territoires.normalisation import normaliser

_ENTETE_AVANT = 20
# Une colonne est ce que dit la moitié au moins de ses valeurs.
_PART_LUE = 0.5
_NUMEROS = ("n", "no", "num", "numero")
# Une feuille n'est un registre que si elle dit de quoi, ou d'où, elle parle.
_PIVOTS = frozenset({"nom", "code", "commune", "code_postal", "agrees"})


@dataclass
class TableauLu:
    """Une feuille reconnue : son nom, la ligne de son en-tête, ses enregistrements."""

    feuille: str
    numero_entete: int
    entetes: list[str]
    lignes: list[tuple[int, list[str]]]
    formules: int = 0
    habillage: tuple[str, ...] = ()
    fusions: frozenset[tuple[int, int]] = frozenset()

    @property
    def ou(self) -> str:
        """Début d'un message : « feuille « X », », vide pour un CSV."""
        return f"feuille « {self.feuille} », " if self.feuille else ""

    def colonne(self, entete: str) -> list[str]:
        """Les valeurs non vides d'une colonne ; vide si elle n'y est pas."""
        rang = _rang(self, entete)
        return [] if rang is None else [c[rang] for _, c in self.lignes if rang < len(c) and c[rang]]


@dataclass
class Classeur:
    """Les tableaux d'un fichier, et les feuilles laissées de côté."""

    chemin: Path
    tableaux: list[TableauLu]
    remarques: list[str] = field(default_factory=list)

    @property
    def entetes(self) -> list[str]:
        """Tous les en-têtes, sans répétition."""
        return list(dict.fromkeys(e for t in self.tableaux for e in t.entetes if e))

    def colonne(self, entete: str) -> list[str]:
        """Les valeurs non vides d'une colonne, tous tableaux réunis."""
        return [v for t in self.tableaux for v in t.colonne(entete)]


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
    feuilles = lire_feuilles(chemin)
    for feuille in feuilles:
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
    remarques = [r for t in tableaux for r in _dire_habillage(t)] + (
        [f"feuille(s) sans tableau de structures, laissée(s) de côté : {', '.join(laissees)}"]
        if laissees
        else []
    )
    remarques += [r for f in feuilles for r in f.remarques]
    formules = sum(t.formules for t in tableaux)
    if formules:
        remarques.append(
            f"{formules} formule(s) : dernière valeur calculée par le tableur, rien n'est exécuté"
        )
    return Classeur(chemin, tableaux, remarques)


def _trouver(feuille: Feuille, deja: set[str]) -> TableauLu | None:
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
    return TableauLu(
        feuille.nom,
        numero,
        list(entetes),
        lignes,
        sum(ligne in donnees for ligne, _ in feuille.formules),
        tuple(" ".join(c for c in cellules if c) for _, cellules in feuille.lignes[:meilleur]),
        frozenset(feuille.fusions),
    )


def _dire_habillage(tableau: TableauLu) -> list[str]:
    """Ce qui est au-dessus de l'en-tête ; « sep=; », qu'un tableur écrit pour lui-même, n'est pas un titre."""
    titres = [t for t in tableau.habillage if not t.lower().startswith("sep=")]
    if not titres:
        return []
    extrait = titres[0][:60] + ("…" if len(titres[0]) > 60 or len(titres) > 1 else "")
    return [f"{tableau.ou}{len(titres)} ligne(s) ignorée(s) au-dessus de l'en-tête : « {extrait} »"]


def refuser_nominatives(classeur: Classeur, correspondance: Correspondance, *, publique: bool = False) -> None:
    """Refuse le fichier si une case, reprise ou non, désigne une personne.

    Une liste publique (``publique=True``) donne les contacts de ses structures : ils ne sont pas lus.

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
            publique=publique,
        )
    if defauts:
        raise EntreeFautive(
            classeur.chemin.name, defauts, attendu="aucune donnée nominative", conseil=EXPLICATION
        )


def _lignes_d_assistants(tableau: TableauLu, correspondance: Correspondance) -> frozenset[int]:
    colonne = _rang(tableau, correspondance.colonnes.get("type", ""))
    if colonne is not None:
        return frozenset(
            n
            for n, c in tableau.lignes
            if colonne < len(c) and choisir(CHAMPS["type"], c[colonne]) == ASSISTANTS
        )
    toutes = ASSISTANTS in (correspondance.type_structure, choisir(CHAMPS["type"], tableau.feuille))
    return frozenset(n for n, _ in tableau.lignes) if toutes else frozenset()


def _rang(tableau: TableauLu, entete: str) -> int | None:
    if not entete:
        return None
    if entete in tableau.entetes:
        return tableau.entetes.index(entete)
    formes = [normaliser(e) for e in tableau.entetes]
    return formes.index(normaliser(entete)) if normaliser(entete) in formes else None


def proposer_pour(classeur: Classeur, *, type_structure: str = "", liste: bool = False) -> Correspondance:
    """La correspondance proposée pour tous les tableaux d'un fichier : les en-têtes, puis ce que disent les valeurs.

    Une colonne « Type » qui ne dit que « associative » n'est pas le type des structures ; un point peut être
    sous un en-tête inconnu. Dans une liste publique, de deux colonnes qui se valent, la première est prise.
    """
    proposition = proposer(classeur.entetes, type_structure=type_structure)
    retenues: dict[str, str] = {}
    for champ, entetes in proposition.ambigues.items():
        valeurs = [classeur.colonne(e) for e in entetes]
        if champ == "type":
            retenues[champ] = max(entetes, key=lambda e: _part_typee(classeur, e)) if liste else ""
        elif liste or all(v == valeurs[0] for v in valeurs):
            retenues[champ] = entetes[0]
    proposition = proposition.completer(retenues)
    if not type_structure:
        proposition = _chercher_le_type(classeur, proposition)
    proposition = _chercher_le_point(classeur, proposition)
    return _chercher_le_numero(classeur, proposition)


def _part_typee(classeur: Classeur, entete: str) -> float:
    valeurs = classeur.colonne(entete)
    return sum(bool(types_dits(v)) for v in valeurs) / len(valeurs) if valeurs else 0.0


def _chercher_le_type(classeur: Classeur, proposition: Correspondance) -> Correspondance:
    actuelle = proposition.colonnes.get("type")
    if "type" in proposition.ambigues or (actuelle and _part_typee(classeur, actuelle) > 0):
        return proposition
    champs = {e: (reconnaitre(e, proches=False) or ("",))[0] for e in classeur.entetes}
    autres = [e for e, champ in champs.items() if champ in ("type_accueil", "type") and e != actuelle]
    trouvee = max(autres, key=lambda e: _part_typee(classeur, e), default=None)
    if trouvee is None or _part_typee(classeur, trouvee) < _PART_LUE:
        return proposition
    return proposition.completer({"type": trouvee})


def _chercher_le_point(classeur: Classeur, proposition: Correspondance) -> Correspondance:
    colonnes = proposition.colonnes
    if colonnes.get("lon") and colonnes.get("lon") == colonnes.get("lat"):
        return proposition.sans("lon", "lat").completer({"point": colonnes["lon"]})
    if {"lon", "lat"} <= {*colonnes, *proposition.ambigues}:
        return proposition.sans("point")
    dite = colonnes.get("point")
    candidats = [dite] if dite else list(proposition.ambigues.get("point", ()))
    candidats += [e for e in proposition.ignorees if e not in candidats]
    for entete in candidats:
        valeurs = classeur.colonne(entete)
        if valeurs and sum(_est_un_point(v) for v in valeurs) >= _PART_LUE * len(valeurs):
            return proposition.completer({"point": entete})
    return proposition.sans("point")


def _est_un_point(valeur: str) -> bool:
    couple = lire_couple(valeur)
    return couple is not None and not localiser(float(couple[0]), float(couple[1])).defaut


def _chercher_le_numero(classeur: Classeur, proposition: Correspondance) -> Correspondance:
    """« N° » juste avant l'adresse est celui de la rue ; en tête de tableau, celui de la ligne."""
    adresse = proposition.colonnes.get("adresse", "")
    for tableau in classeur.tableaux if adresse and "numero" not in proposition.colonnes else ():
        rang = _rang(tableau, adresse)
        if rang and forme(tableau.entetes[rang - 1]) in _NUMEROS and rang > 1:
            return proposition.completer({"numero": tableau.entetes[rang - 1]})
    return proposition


def en_table(classeur: Classeur, correspondance: Correspondance) -> tuple[pd.DataFrame, list[tuple]]:
    """Une ligne par enregistrement, une colonne de textes par champ reconnu.

    Returns
    -------
    table : DataFrame
        Champs, plus ``_feuille``, ``_ligne``, ``_tout`` (toute la ligne, pour reconnaître une répétition),
        ``_nature`` (pourquoi ce n'est pas une structure, vide sinon) et ``_type_ecrit``.
    defauts : list of tuple
        (index, champ, valeur, attendu) : lignes plus longues ou plus courtes que l'en-tête.

    Raises
    ------
    EntreeFautive
        Une colonne de la correspondance manque, ou un en-tête repris est écrit deux fois.
    """
    generaux, defauts = [], []
    enregistrements: list[dict[str, Any]] = []
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
            ecrit = ligne.get("type", "")
            # Le type demandé pour tout le fichier l'emporte sur la colonne, qui dit souvent autre chose.
            ligne["type"] = correspondance.type_structure or ecrit or ("" if "type" in rangs else de_la_feuille)
            enregistrements.append(
                {
                    **ligne,
                    "_feuille": tableau.feuille,
                    "_ligne": numero,
                    "_tout": "\x1f".join(completes),
                    "_nature": nature(completes, ligne | {"type": ecrit}, tableau.entetes),
                    "_type_ecrit": ecrit,
                }
            )
            defauts += [
                (i, c, completes[r], "un nombre sur chaque ligne (la case est fusionnée avec celle du dessus)")
                for c, r in rangs.items()
                if (numero, r) in tableau.fusions and CHAMPS[c].genre in ("entier", "nombre")
            ]
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
        "_nature",
        "_type_ecrit",
    ]
    table = pd.DataFrame(enregistrements, columns=colonnes)
    textes = [c for c in colonnes if c != "_ligne"]
    table[textes] = table[textes].fillna("").astype("str")
    return table, defauts
