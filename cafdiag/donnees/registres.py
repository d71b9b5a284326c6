"""Importer un registre local de structures : xlsx, ods ou csv, modèle du projet ou fichier de la maison.

Le chemin d'un fichier : colonnes reconnues (:func:`proposer`), correspondance confirmée, données nominatives
refusées, valeurs lues, lignes rattachées à leur commune, doublons écartés. Tous les défauts sont dits d'un
coup ; par défaut un seul fait refuser le fichier, et ``ecarter=True`` importe les lignes saines en rejetant
les autres. Dans les deux cas, aucune ligne ne disparaît : lues = gardées + rejetées.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cafdiag.donnees import registres_activite
from cafdiag.donnees import registres_colonnes as colonnes
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture, Rejet
from cafdiag.donnees.octets import empreinte
from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, TYPES, choisir
from cafdiag.donnees.registres_colonnes import Correspondance
from cafdiag.donnees.registres_controles import (
    Compte,
    controler,
    ecarter_autres_annees,
    ecarter_d_office,
    ecarter_fermees,
)
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
    table_assistants,
    table_structures,
)
from cafdiag.donnees.registres_valeurs import lire
from cafdiag.erreurs import DemandeFausse, EntreeFautive

_LIEUX = ("code", "commune", "code_postal", "lon", "lat")
_CORRIGER = (
    "corrigez ces lignes puis relancez ; rien n'a été importé (pour ne garder que les lignes saines : "
    "« cafdiag donnees importer FICHIER --ecarter », ou ecarter=True)"
)


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
    ignorer_inconnues: bool = False,
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
    ignorer_inconnues : bool
        Laisse de côté, sans confirmation, les colonnes qui ne sont pas reconnues (elles restent citées).

    Returns
    -------
    Lecture
        Jeu ``structures`` (une ligne par structure), ``communes`` pour les assistants maternels, qui sont
        sommés par commune et n'ont jamais de point, ou ``activite`` pour le modèle ``activite.xlsx``.

    Raises
    ------
    EntreeFautive
        Tous les défauts d'un coup : feuille, ligne, colonne, valeur, attendu.
    """
    _refuser_type(type_structure)
    chemin = Path(chemin)
    if not type_structure and correspondance is None and registres_activite.reconnait(chemin):
        return registres_activite.importer_activite(chemin, annee=annee, ecarter=ecarter, exemples=exemples)
    choisie = correspondance or colonnes.relire(chemin)
    classeur = ouvrir(chemin, connus=list(choisie.colonnes.values()) if choisie else ())
    retenue = choisie or proposer_pour(classeur)
    if type_structure:
        retenue = replace(retenue, type_structure=type_structure)
    refuser_nominatives(classeur, retenue)
    if correspondance is None:
        _exiger_confirmation(chemin, retenue, confirmer, ignorer_inconnues=ignorer_inconnues)
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


def _exiger_confirmation(
    chemin: Path, proposition: Correspondance, confirmer: bool, *, ignorer_inconnues: bool
) -> None:
    if ignorer_inconnues:
        proposition = replace(proposition, ignorees=())
    if proposition.ambigues or (proposition.a_confirmer and not confirmer):
        incertaines = {
            c: e
            for c, e in proposition.colonnes.items()
            if proposition.certitudes.get(c, "exacte") != "exacte"
        }
        raise EntreeFautive(
            chemin.name,
            [
                f"« {e} » lue comme « {CHAMPS[c].libelle} » ({proposition.certitudes[c]})"
                for c, e in incertaines.items()
            ]
            + [
                f"plusieurs colonnes pour « {CHAMPS[c].libelle} » : {', '.join(es)}"
                for c, es in proposition.ambigues.items()
            ]
            + [f"« {e} » non reconnue : elle ne serait pas reprise" for e in proposition.inconnues],
            attendu="une correspondance de colonnes confirmée",
            conseil=_conseil(chemin, confirmable=not proposition.ambigues),
        )


def _conseil(chemin: Path, *, confirmable: bool) -> str:
    # Plusieurs commandes lisent un registre ; une seule le confirme, et ce qu'elle écrit vaut pour toutes.
    ecrire = f"écrivez {colonnes.chemin_correspondance(chemin).name}"
    if not confirmable:
        return ecrire
    return f"relisez-la, puis « cafdiag donnees importer {chemin.name} --confirmer » (confirmer=True), ou {ecrire}"


def _exiger_colonnes(classeur: Classeur, correspondance: Correspondance) -> None:
    connues = set(correspondance.colonnes)
    types_de_feuille = {choisir(CHAMPS["type"], t.feuille) for t in classeur.tableaux}
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
            classeur.chemin.name,
            [f"{d} ; colonnes trouvées : {', '.join(classeur.entetes)}" for d in defauts],
            attendu="les colonnes type, nom, code",
            conseil="écrivez une correspondance de colonnes, ou partez "
            "d'un modèle du dossier templates/registres",
        )


def _lire(
    classeur: Classeur,
    correspondance: Correspondance,
    brut: pd.DataFrame,
    defauts: list[tuple],
    *,
    ecarter: bool,
    exemples: bool,
    annee: int | None,
) -> Lecture:
    compte = Compte(brut, correspondance)
    ecarter_d_office(brut, compte, exemples=exemples)
    utiles = brut.drop(index=list(compte.ecarts))
    if utiles.empty:
        raise EntreeFautive(
            classeur.chemin.name,
            ["aucune structure" + (" : seulement les lignes d'exemple du modèle" if compte.ecarts else "")],
            attendu="une ligne par structure",
            conseil="remplacez les exemples par vos structures (ou essayez avec exemples=True)",
        )
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
    controler(table, utiles, compte)
    assistants = table["type"].eq(ASSISTANTS)
    if not assistants.all():
        ecarter_fermees(table, compte)
        ecarter_autres_annees(table, compte, annee)
    if not ecarter and any(compte.defauts[i] for i in utiles.index):
        raise EntreeFautive(
            classeur.chemin.name,
            [f"{compte.ou(i)}{phrase}" for i in utiles.index for phrase in compte.phrases(i)],
            conseil=_CORRIGER,
        )
    rejets = compte.rejets()
    fautives = [i for i in table.index if compte.defauts[i] or i in compte.ecarts]
    gardee = table.drop(index=fautives)
    if gardee.empty:
        raise EntreeFautive(
            classeur.chemin.name, [f"ligne {r.ligne} : {r.raison}" for r in rejets], conseil=_CORRIGER
        )
    return _rendre(
        classeur,
        correspondance,
        brut,
        gardee,
        rejets,
        lieux,
        compte,
        assistants=bool(assistants[gardee.index].all()),
    )


def _rendre(
    classeur: Classeur,
    correspondance: Correspondance,
    brut: pd.DataFrame,
    table: pd.DataFrame,
    rejets: list[Rejet],
    lieux: Rattachement,
    compte: Compte,
    *,
    assistants: bool,
) -> Lecture:
    source = f"registre local {classeur.chemin.name}"
    remarques = [*classeur.remarques]
    if correspondance.ignorees:
        remarques.append("colonnes non reprises : " + ", ".join(correspondance.ignorees))
    autres = [c for c, v in correspondance.certitudes.items() if v != "exacte"]
    if autres:
        remarques.append(
            "colonnes reconnues : "
            + ", ".join(f"« {correspondance.colonnes[c]} » = {CHAMPS[c].libelle}" for c in autres)
        )
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
        jeu,
        finale,
        CompteRendu(
            classeur.chemin.name,
            jeu,
            len(brut),
            gardees,
            rejets,
            dict(lieux.codes_passes),
            sorted(set(lieux.codes_inconnus)),
            remarques,
            empreinte(classeur.chemin),
        ),
        annees,
        source,
        "-".join(str(a) for a in dict.fromkeys((annees[0], annees[-1]))) if annees else "",
    )
