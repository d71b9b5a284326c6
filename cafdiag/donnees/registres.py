"""Importer un registre local de structures : xlsx, ods ou csv, modèle du projet ou fichier de la maison.

Le chemin d'un fichier : colonnes reconnues (:func:`proposer`), correspondance confirmée, données nominatives
refusées, valeurs lues, lignes rattachées à leur commune, doublons écartés. Tous les défauts sont dits d'un
coup ; par défaut un seul fait refuser le fichier, et ``ecarter=True`` importe les lignes saines en rejetant
les autres. Dans les deux cas, aucune ligne ne disparaît : lues = gardées + rejetées.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cafdiag.donnees import registres_colonnes as colonnes
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture, Rejet
from cafdiag.donnees.octets import empreinte
from cafdiag.donnees.registres_colonnes import ASSISTANTS, CHAMPS, TYPES, Correspondance
from cafdiag.donnees.registres_lieux import Rattachement, rattacher
from cafdiag.donnees.registres_tableau import (
    Classeur,
    en_table,
    ouvrir,
    proposer_pour,
    refuser_nominatives,
)
from cafdiag.donnees.registres_tables import (
    assembler_alsh,
    controler_alsh,
    table_assistants,
    table_structures,
)
from cafdiag.donnees.registres_valeurs import lire
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.territoires.normalisation import normaliser

EXEMPLE = "EXEMPLE"
_TOTAUX = frozenset({"total", "totaux", "total general", "ensemble", "sous total", "total commune"})
_LIEUX = ("code", "commune", "code_postal", "lon", "lat")
_CORRIGER = ("corrigez ces lignes puis relancez ; rien n'a été importé (ou importez les lignes saines en "
             "écartant les autres)")


def proposer(chemin: str | Path, *, type_structure: str = "") -> Correspondance:
    """Propose la correspondance des colonnes d'un fichier, à relire avant l'import.

    Parameters
    ----------
    chemin : path
    type_structure : str
        Type de toutes les lignes (``eaje``, ``alsh``…) si le fichier n'a pas de colonne « type ».

    Returns
    -------
    Correspondance
        Se corrige (``.avec(places="Capacité")``), se confirme (``.confirmer()``), s'écrit (``.ecrire``).

    Raises
    ------
    EntreeFautive
        Fichier illisible, sans tableau reconnaissable, ou nominatif.
    """
    _refuser_type(type_structure)
    classeur = ouvrir(chemin)
    proposition = proposer_pour(classeur, type_structure=type_structure)
    refuser_nominatives(classeur, proposition)
    return proposition


def importer(
    chemin: str | Path,
    *,
    type_structure: str = "",
    correspondance: Correspondance | None = None,
    confirmer: bool = False,
    ecarter: bool = False,
    exemples: bool = False,
    annee: int | None = None,
) -> Lecture:
    """Importe un registre local.

    Parameters
    ----------
    chemin : path
        Classeur xlsx ou ods, ou CSV.
    type_structure : str
        Type de toutes les lignes si le fichier n'a pas de colonne « type ».
    correspondance : Correspondance, optional
        Celle que l'utilisateur a relue. Sinon, le fichier ``<registre>.correspondance.toml`` (ou
        ``correspondance.toml``) du même dossier ; sinon, une proposition.
    confirmer : bool
        Accepte la proposition et l'écrit à côté du fichier, pour les fois suivantes.
    ecarter : bool
        Importe les lignes saines et rejette les fautives, au lieu de refuser le fichier.
    exemples : bool
        Garde les lignes d'exemple des modèles (pour essayer).
    annee : int, optional
        Année des données, si le fichier ne la dit pas ; parmi plusieurs années, celle à garder.

    Returns
    -------
    Lecture
        Jeu ``structures`` (une ligne par structure), ou ``communes`` pour les assistants maternels, qui
        sont sommés par commune et n'ont jamais de point.

    Raises
    ------
    EntreeFautive
        Tous les défauts d'un coup : feuille, ligne, colonne, valeur, attendu.
    """
    _refuser_type(type_structure)
    chemin = Path(chemin)
    choisie = correspondance or colonnes.relire(chemin)
    classeur = ouvrir(chemin, connus=list(choisie.colonnes.values()) if choisie else ())
    retenue = choisie or proposer_pour(classeur)
    if type_structure:
        retenue = replace(retenue, type_structure=type_structure)
    refuser_nominatives(classeur, retenue)
    if correspondance is None:
        _exiger_confirmation(chemin, retenue, confirmer)
    elif correspondance.ambigues:
        correspondance.confirmer()
    _exiger_colonnes(classeur, retenue)
    brut, defauts = en_table(classeur, retenue)
    lecture = _lire(classeur, retenue, brut, defauts, ecarter=ecarter, exemples=exemples, annee=annee)
    if confirmer and retenue.a_confirmer:
        neuf = retenue.confirmer().ecrire(colonnes.chemin_correspondance(chemin))
        lecture.compte_rendu.remarques.append(f"correspondance confirmée, écrite dans {neuf.name}")
    return lecture


def _refuser_type(type_structure: str) -> None:
    if type_structure and type_structure not in TYPES:
        raise DemandeFausse(f"type de structure inconnu : « {type_structure} »", attendu=", ".join(TYPES))


def _exiger_confirmation(chemin: Path, proposition: Correspondance, confirmer: bool) -> None:
    if proposition.ambigues or (proposition.a_confirmer and not confirmer):
        incertaines = {c: e for c, e in proposition.colonnes.items()
                       if proposition.certitudes.get(c, "exacte") != "exacte"}
        raise EntreeFautive(
            chemin.name,
            [f"« {e} » lue comme « {CHAMPS[c].libelle} » ({proposition.certitudes[c]})"
             for c, e in incertaines.items()]
            + [f"plusieurs colonnes pour « {CHAMPS[c].libelle} » : {', '.join(es)}"
               for c, es in proposition.ambigues.items()],
            attendu="une correspondance de colonnes confirmée",
            conseil="relisez-la, puis confirmez (confirmer=True, --confirmer) ou écrivez "
                    f"{colonnes.chemin_correspondance(chemin).name}",
        )


def _exiger_colonnes(classeur: Classeur, correspondance: Correspondance) -> None:
    connues = set(correspondance.colonnes)
    types_de_feuille = {colonnes.choisir(CHAMPS["type"], t.feuille) for t in classeur.tableaux}
    assistants = correspondance.type_structure == ASSISTANTS or types_de_feuille == {ASSISTANTS}
    defauts = []
    if "type" not in connues and not correspondance.type_structure and None in types_de_feuille:
        defauts.append("colonne absente : « type » (ou donnez le type de toutes les lignes)")
    if "nom" not in connues and not assistants and "agrees" not in connues:
        defauts.append("colonne absente : « nom »")
    if "code" not in connues and not {"commune", "code_postal"} <= connues and not {"lon", "lat"} <= connues:
        defauts.append("aucun lieu : ni « code », ni « commune » et « code postal », ni « lon » et « lat »")
    if defauts:
        raise EntreeFautive(
            classeur.chemin.name, [f"{d} ; colonnes trouvées : {', '.join(classeur.entetes)}" for d in defauts],
            attendu="les colonnes type, nom, code", conseil="écrivez une correspondance de colonnes, ou partez "
            "d'un modèle du dossier templates/registres")


class _Compte:
    """Ce qui arrive à chaque ligne : défauts (bloquants) ou motifs d'écart admis."""

    def __init__(self, brut: pd.DataFrame, correspondance: Correspondance) -> None:
        self.brut, self.entetes = brut, correspondance.colonnes
        self.defauts: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        self.ecarts: dict[int, str] = {}

    def ajouter(self, defauts: list[tuple]) -> None:
        for i, champ, valeur, attendu in defauts:
            self.defauts[i].append((champ, valeur, attendu))

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

    def rejets(self) -> list[Rejet]:
        rejets = []
        for i in self.brut.index:
            feuille = self.brut["_feuille"][i]
            prefixe = f"feuille « {feuille} » : " if feuille else ""
            if i in self.ecarts:
                rejets.append(Rejet(int(self.brut["_ligne"][i]), prefixe + self.ecarts[i]))
            elif self.defauts[i]:
                raison = " ; ".join(p.removeprefix(", ").removeprefix(" : ") for p in self.phrases(i))
                rejets.append(Rejet(int(self.brut["_ligne"][i]), prefixe + raison, self.defauts[i][0][1][:80]))
        return rejets


def _lire(classeur: Classeur, correspondance: Correspondance, brut: pd.DataFrame, defauts: list[tuple], *,
          ecarter: bool, exemples: bool, annee: int | None) -> Lecture:
    compte = _Compte(brut, correspondance)
    _ecarter_d_office(brut, compte, exemples=exemples)
    utiles = brut.drop(index=list(compte.ecarts))
    if utiles.empty:
        raise EntreeFautive(
            classeur.chemin.name,
            ["aucune structure" + (" : seulement les lignes d'exemple du modèle" if compte.ecarts else "")],
            attendu="une ligne par structure",
            conseil="remplacez les exemples par vos structures (ou essayez avec exemples=True)")
    compte.ajouter([d for d in defauts if d[0] in utiles.index])
    table = pd.DataFrame(index=utiles.index)
    for nom in (c for c in utiles.columns if c in CHAMPS and c not in _LIEUX):
        table[nom], mauvais = lire(CHAMPS[nom], utiles[nom])
        compte.ajouter(mauvais)
    if annee is not None:
        propre = table["annee"] if "annee" in table else pd.Series(pd.NA, index=table.index, dtype="Int64")
        table["annee"] = propre.where(propre.notna(), annee)
    elif "annee" not in table:
        table["annee"] = pd.array([pd.NA] * len(table), dtype="Int64")
    lieux = rattacher(utiles)
    compte.ajouter(lieux.defauts)
    table[["code", "lon", "lat", "precision_lieu", "rattachement"]] = lieux.table
    _controler(table, utiles, compte)
    assistants = table["type"].eq(ASSISTANTS)
    if not assistants.all():
        _ecarter_fermees(table, compte)
        _ecarter_autres_annees(table, compte, annee)
    if not ecarter and any(compte.defauts[i] for i in utiles.index):
        raise EntreeFautive(
            classeur.chemin.name,
            [f"{compte.ou(i)}{phrase}" for i in utiles.index for phrase in compte.phrases(i)],
            conseil=_CORRIGER)
    rejets = compte.rejets()
    fautives = [i for i in table.index if compte.defauts[i] or i in compte.ecarts]
    gardee = table.drop(index=fautives)
    if gardee.empty:
        raise EntreeFautive(classeur.chemin.name,
                            [f"ligne {r.ligne} : {r.raison}" for r in rejets], conseil=_CORRIGER)
    return _rendre(classeur, correspondance, brut, gardee, rejets, lieux, compte,
                   assistants=bool(assistants[gardee.index].all()))


def _ecarter_d_office(brut: pd.DataFrame, compte: _Compte, *, exemples: bool) -> None:
    """Totaux, exemples du modèle et lignes répétées à l'identique : écartés, comptés, jamais bloquants."""
    premieres: dict[str, str] = {}
    for i in brut.index:
        tout = brut["_tout"][i]
        cases = [c for c in tout.split("\x1f") if c]
        if normaliser(cases[0]) in _TOTAUX and not any(brut[c][i] for c in ("code", "lon") if c in brut):
            compte.ecarts[i] = "ligne de total"
        elif not exemples and any(c.startswith(EXEMPLE) for c in ([brut["nom"][i]] if "nom" in brut else cases)):
            compte.ecarts[i] = "exemple du modèle"
        elif tout in premieres:
            compte.ecarts[i] = f"répète à l'identique la {premieres[tout]}"
        else:
            premieres[tout] = compte.ou(i)


def _controler(table: pd.DataFrame, utiles: pd.DataFrame, compte: _Compte) -> None:
    for i in table.index[utiles["type"].eq("")]:
        compte.ajouter([(i, "type", "", ", ".join(TYPES))])
    assistants = table["type"].eq(ASSISTANTS)
    if "nom" in table or not assistants.all():
        noms = table["nom"] if "nom" in table else pd.Series(pd.NA, index=table.index)
        compte.ajouter([(i, "nom", "", "le nom de la structure")
                        for i in table.index[noms.isna() & ~assistants]
                        if not any(c == "nom" for c, *_ in compte.defauts[i])])
    if assistants.any() and not assistants.all():
        compte.ajouter([(i, "type", utiles["type"][i], "les assistants maternels dans un fichier à part")
                        for i in table.index[assistants]])
        return
    if assistants.all():
        _controler_assistants(table, utiles, compte)
        return
    if "date_agrement" in table and "date_fin_agrement" in table:
        for i in table.index[table["date_fin_agrement"] < table["date_agrement"]]:
            compte.ajouter([(i, "date_fin_agrement", utiles["date_fin_agrement"][i], "une fin après le début")])
    compte.ajouter(controler_alsh(table))
    _controler_doublons(table, utiles, compte)


def _controler_assistants(table: pd.DataFrame, utiles: pd.DataFrame, compte: _Compte) -> None:
    compte.ajouter([(i, "annee", "", "l'année des agréments") for i in table.index[table["annee"].isna()]
                    if not any(c == "annee" for c, *_ in compte.defauts[i])])
    if "agrees" in table and "en_exercice" in table:
        trop = (table["en_exercice"] > table["agrees"]).fillna(False)
        compte.ajouter([(i, "en_exercice", utiles["en_exercice"][i], "au plus le nombre d'agréés")
                        for i in table.index[trop]])
    if "agrees" in table:
        cles = pd.DataFrame({"c": utiles["code"] if "code" in utiles else table["code"],
                             "n": utiles.get("commune", ""), "a": table["annee"]})
        for i in table.index[cles.duplicated()]:
            compte.ajouter([(i, "code", str(cles["c"][i]), "une seule ligne par commune et par année")])


def _cle(table: pd.DataFrame) -> pd.Series:
    parties = [table["type"].fillna(""), table["nom"].fillna("").map(normaliser), table["code"].fillna(""),
               table["annee"].astype("string").fillna("")]
    if "temps" in table:
        parties.append(table["temps"].fillna(""))
    return pd.Series(list(zip(*parties, strict=True)), index=table.index)


def _controler_doublons(table: pd.DataFrame, utiles: pd.DataFrame, compte: _Compte) -> None:
    if "nom" not in table:
        return
    premieres: dict[tuple, int] = {}
    for i, cle in _cle(table).items():
        if not cle[1] or not cle[2]:
            continue
        if cle in premieres:
            compte.ajouter([(i, "nom", utiles["nom"][i], f"une structure qui ne soit pas déjà présente : même "
                             f"type, même nom, même commune que la {compte.ou(premieres[cle])}")])
        else:
            premieres[cle] = i


def _ecarter_fermees(table: pd.DataFrame, compte: _Compte) -> None:
    if "date_fermeture" not in table:
        return
    for i, date in table["date_fermeture"].dropna().items():
        annee = table["annee"][i]
        limite = dt.date.today() if pd.isna(annee) else dt.date(int(annee), 12, 31)
        if date.date() <= limite:
            compte.ecarts[i] = "structure fermée"


def _ecarter_autres_annees(table: pd.DataFrame, compte: _Compte, voulue: int | None) -> None:
    """Une structure suivie sur trois ans ne compte qu'une fois : la dernière année, ou celle qu'on demande."""
    annees = table["annee"].dropna()
    if annees.nunique() < 2:
        return
    retenue = voulue if voulue in set(annees) else int(annees.max())
    for i in annees.index[annees.ne(retenue)]:
        compte.ecarts.setdefault(i, f"autre année que {retenue}, seule gardée")


def _rendre(classeur: Classeur, correspondance: Correspondance, brut: pd.DataFrame, table: pd.DataFrame,
            rejets: list[Rejet], lieux: Rattachement, compte: _Compte, *, assistants: bool) -> Lecture:
    source = f"registre local {classeur.chemin.name}"
    remarques = [*classeur.remarques]
    if correspondance.ignorees:
        remarques.append("colonnes non reprises : " + ", ".join(correspondance.ignorees))
    autres = [c for c, v in correspondance.certitudes.items() if v != "exacte"]
    if autres:
        remarques.append("colonnes reconnues : " + ", ".join(
            f"« {correspondance.colonnes[c]} » = {CHAMPS[c].libelle}" for c in autres))
    remarques += lieux.remarques
    remarques += [f"{compte.ou(i)} : {texte}" for i, texte in lieux.notes if i in table.index]
    jeu = "communes" if assistants else "structures"
    if assistants:
        finale = table_assistants(table)
        remarques.append(f"assistants maternels sommés sur {len(finale)} commune(s), sans point ni adresse")
    else:
        finale = table_structures(assembler_alsh(table), source=source)
    annees = tuple(sorted({int(a) for a in table["annee"].dropna()}))
    gardees = len(brut) - len(rejets)
    return Lecture(
        jeu, finale,
        CompteRendu(classeur.chemin.name, jeu, len(brut), gardees, rejets, dict(lieux.codes_passes),
                    sorted(set(lieux.codes_inconnus)), remarques, empreinte(classeur.chemin)),
        annees, source, "-".join(str(a) for a in dict.fromkeys((annees[0], annees[-1]))) if annees else "")
