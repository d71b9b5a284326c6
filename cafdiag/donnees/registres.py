"""Importer un registre local de structures : xlsx, ods ou csv, modèle du projet ou fichier de la maison.

Le chemin d'un fichier : colonnes reconnues (:func:`proposer`), correspondance confirmée, données nominatives
refusées, valeurs lues, lignes rattachées à leur commune, doublons écartés. Tous les défauts sont dits d'un
coup ; par défaut un seul fait refuser le fichier, et ``ecarter=True`` importe les lignes saines en rejetant
les autres. Dans les deux cas, aucune ligne ne disparaît : lues = gardées + rejetées.
"""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cafdiag.donnees import registres_activite
from cafdiag.donnees.compte_rendu import Compte, CompteRendu, Lecture, Rejet
from cafdiag.donnees.lecteurs.chantier import annee_du_nom
from cafdiag.donnees.nettoyage import annee as annee_lue
from cafdiag.donnees.nettoyage import sans_nombre
from cafdiag.donnees.octets import empreinte
from cafdiag.donnees.registres_champs import (
    ACCUEIL_INDIVIDUEL,
    AGREMENTS,
    ASSISTANTS,
    CHAMPS,
    TYPES,
    accueil_individuel,
    choisir,
    lire,
    types_de,
    types_dits,
)
from cafdiag.donnees.registres_controles import (
    assembler_alsh,
    controler,
    ecarter_autres_annees,
    ecarter_d_office,
    ecarter_fermees,
    ecarter_non_agrees,
    ecarter_totaux_calcules,
    lire_agrement,
    oublier_accessoires,
    table_assistants,
    table_structures,
)
from cafdiag.donnees.registres_lieux import LieuxTrouves, rattacher
from cafdiag.donnees.registres_reperes import avec_numero, degrader_les_points, poser_points
from cafdiag.donnees.registres_tableau import (
    Classeur,
    Correspondance,
    chemin_correspondance,
    en_table,
    ouvrir,
    proposer_pour,
    refuser_nominatives,
    relire,
)
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.territoires.recherche import nom_et_code

# Lus à part : les lieux par leur rattachement, le type par le vocabulaire commun, le reste pour compléter.
_A_PART = (
    "type", "code", "commune", "code_postal", "lon", "lat", "point", "numero", "date_maj", "statut_agrement",
    "precision_geocodage", "score_geocodage",
)  # fmt: skip
# Dans une liste publique, une valeur illisible ailleurs que là laisse sa case vide et garde la structure.
_ESSENTIELS = ("", "type", "nom", "code", "commune", "code_postal", "lon", "lat", "point", "statut_agrement")
_SANS_TYPE = "colonne absente : « type » (ou donnez le type de toutes les lignes : « --type eaje »)"
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
    type_structure = _type_voulu(type_structure)
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
    liste: bool = False,
    vide_permis: bool = False,
) -> Lecture:
    """Importe un registre local.

    Parameters
    ----------
    chemin : path
        Classeur xlsx ou ods, CSV, ou GeoJSON.
    type_structure : str
        Type de toutes les lignes ; il l'emporte sur la colonne « type ».
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
    liste : bool
        Liste publique et non registre tenu par l'utilisateur : ce qui n'est pas une structure suivie, ou ne se
        situe pas, est rangé de côté ligne par ligne ; les colonnes reconnues n'ont pas à être confirmées.
    vide_permis : bool
        Rend une table vide, au lieu de refuser, quand toutes les lignes sont rangées de côté (aucune agréée).

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
    type_structure = _type_voulu(type_structure)
    chemin = Path(chemin)
    if not type_structure and correspondance is None and registres_activite.reconnait(chemin):
        return registres_activite.importer_activite(chemin, annee=annee, ecarter=ecarter, exemples=exemples)
    choisie = correspondance or relire(chemin)
    classeur = ouvrir(chemin, connus=list(choisie.colonnes.values()) if choisie else ())
    if choisie and choisie.colonnes.get("lon") == choisie.colonnes.get("lat") is not None:
        choisie = replace(choisie.sans("lon", "lat").completer({"point": choisie.colonnes["lon"]}), confirmee=True)
    retenue = choisie or proposer_pour(classeur, type_structure=type_structure, liste=liste)
    if type_structure:
        retenue = replace(retenue, type_structure=type_structure)
    refuser_nominatives(classeur, retenue, publique=liste)
    absentes = _colonnes_absentes(classeur, retenue, liste=liste)
    if correspondance is None and not liste:
        _exiger_confirmation(chemin, retenue, confirmer, absentes, ignorer_inconnues=ignorer_inconnues)
    elif correspondance is not None and correspondance.ambigues:
        correspondance.confirmer()
    if absentes:
        raise EntreeFautive(
            chemin.name,
            [f"{a} ; colonnes trouvées : {', '.join(classeur.entetes)}" for a in absentes],
            attendu="les colonnes type, nom, code",
            conseil=f"écrivez {chemin_correspondance(chemin).name} (il sera relu), ou partez "
            "d'un modèle du dossier templates/registres",
        )
    brut, defauts = en_table(classeur, retenue)
    travail = _Travail(classeur, retenue, brut, liste=liste, annee=annee)
    lecture = travail.lire(defauts, ecarter=ecarter or liste, exemples=exemples, vide_permis=vide_permis)
    if confirmer and retenue.a_confirmer and not liste:
        neuf = retenue.confirmer().ecrire(chemin_correspondance(chemin))
        lecture.compte_rendu.remarques.append(f"correspondance confirmée, écrite dans {neuf.name}")
    return lecture


def _type_voulu(ecrit: str) -> str:
    """Le type demandé pour toutes les lignes, écrit comme une colonne « type » l'écrirait (« EAJE », « crèche »)."""
    dits = types_dits(ecrit) if ecrit else ("",)
    if len(dits) != 1:
        raise DemandeFausse(f"type de structure inconnu : « {ecrit} »", attendu=", ".join(TYPES))
    return dits[0]


def _exiger_confirmation(
    chemin: Path, proposition: Correspondance, confirmer: bool, absentes: list[str], *, ignorer_inconnues: bool
) -> None:
    if ignorer_inconnues:
        proposition = replace(proposition, ignorees=())
    if proposition.ambigues or (proposition.a_confirmer and not confirmer):
        certitudes = {c: proposition.certitudes.get(c, "exacte") for c in proposition.colonnes}
        defauts = [f"« {proposition.colonnes[c]} » lue comme « {CHAMPS[c].libelle} » ({certitude})"
                   for c, certitude in certitudes.items() if certitude != "exacte"]
        defauts += [f"plusieurs colonnes pour « {CHAMPS[c].libelle} » : {', '.join(es)}"
                    for c, es in proposition.ambigues.items()]
        defauts += [f"« {e} » non reconnue : elle ne serait pas reprise" for e in proposition.inconnues]
        raise EntreeFautive(
            chemin.name,
            [*defauts, *absentes],
            attendu="une correspondance de colonnes confirmée",
            conseil=_conseil(chemin, proposition, sans_type=_SANS_TYPE in absentes),
        )


def _conseil(chemin: Path, proposition: Correspondance, *, sans_type: bool) -> str:
    # Plusieurs commandes lisent un registre ; une seule le confirme, et ce qu'elle écrit vaut pour toutes.
    ecrire = f"écrivez {chemin_correspondance(chemin).name}"
    if proposition.ambigues:
        return ecrire
    dit = proposition.type_structure or ("eaje" if sans_type else "")
    commande = f"cafdiag donnees importer {chemin.name}" + (f" --type {dit}" if dit else "") + " --confirmer"
    return f"relisez-la, puis « {commande} » (confirmer=True), ou {ecrire}"


def _colonnes_absentes(classeur: Classeur, correspondance: Correspondance, *, liste: bool) -> list[str]:
    connues = {*correspondance.colonnes, *correspondance.ambigues}
    types_de_feuille = {choisir(CHAMPS["type"], t.feuille) for t in classeur.tableaux}
    assistants = correspondance.type_structure == ASSISTANTS or types_de_feuille == {ASSISTANTS}
    absentes = []
    if "type" not in connues and not correspondance.type_structure and None in types_de_feuille and not liste:
        absentes.append(_SANS_TYPE)
    if "nom" not in connues and not assistants and "agrees" not in connues:
        absentes.append("colonne absente : « nom »")
    points = "point" in connues or {"lon", "lat"} <= connues
    # « Laval (53000) » dit les deux dans une case.
    codees = any(map(nom_et_code, classeur.colonne(correspondance.colonnes.get("commune", ""))))
    if "code" not in connues and not {"commune", "code_postal"} <= connues and not points and not codees:
        absentes.append("aucun lieu : ni « code », ni « commune » et « code postal », ni « lon » et « lat », ni point")
    return absentes


class _Travail:
    """Un fichier dont les colonnes sont connues : ses lignes sont lues, situées, gardées ou rangées de côté."""

    def __init__(
        self, classeur: Classeur, correspondance: Correspondance, brut: pd.DataFrame, *, liste: bool, annee: int | None
    ) -> None:
        self.classeur, self.correspondance, self.brut = classeur, correspondance, brut
        self.liste, self.annee = liste, annee
        self.compte = Compte(brut, correspondance.colonnes)
        self.remarques: list[str] = []

    def lire(self, defauts: list[tuple], *, ecarter: bool, exemples: bool, vide_permis: bool) -> Lecture:
        compte, brut = self.compte, self.brut
        ecarter_d_office(brut, compte, exemples=exemples)
        self._ecarter_l_individuel()
        utiles = brut.drop(index=list(compte.ecarts))
        if utiles.empty:
            self._refuser_vide("seulement les lignes d'exemple du modèle")
        compte.ajouter([d for d in defauts if d[0] in utiles.index])
        table = self._valeurs(utiles)
        lieux = rattacher(poser_points(utiles, compte, self.remarques, tolerant=self.liste))
        compte.ajouter([d for d in lieux.defauts if d[0] not in compte.ecarts])
        table[["code", "lon", "lat", "precision_lieu", "rattachement"]] = lieux.table
        self.remarques += degrader_les_points(table, utiles)
        ecarter_totaux_calcules(table, compte)
        if self.liste:
            self.remarques += oublier_accessoires(table, compte, _ESSENTIELS)
        controler(table, utiles, compte, liste=self.liste)
        assistants = table["type"].eq(ASSISTANTS)
        if not assistants.all():
            ecarter_fermees(table, compte)
            self.remarques += ecarter_non_agrees(table, utiles.get("statut_agrement"), compte)
            # La date de mise à jour d'un lieu n'est pas l'année d'un dénombrement.
            if not self.liste or "annee" in utiles:
                ecarter_autres_annees(table, compte, self.annee)
        self.types = tuple(sorted({t for dits in table["type"].dropna() for t in dits.split()}))
        if not ecarter and (defauts_dits := compte.a_corriger()):
            raise EntreeFautive(self.classeur.chemin.name, defauts_dits, conseil=_CORRIGER)
        rejets = compte.rejets()
        fautives = [i for i in table.index if compte.defauts[i] or i in compte.ecarts]
        gardee = table.drop(index=fautives)
        if gardee.empty and not (vide_permis and all(i in compte.ecarts for i in fautives)):
            self._refuser_vide()
        return self._rendre(gardee, rejets, lieux, assistants=len(gardee) > 0 and bool(assistants[gardee.index].all()))

    def _refuser_vide(self, precision: str = "") -> None:
        ecarts = self.compte.ecarts.values()
        exemples = bool(precision and ecarts) and all("exemple du modèle" in e for e in ecarts)
        if exemples or (not self.compte.ecarts and self.brut.empty):
            raise EntreeFautive(
                self.classeur.chemin.name,
                ["aucune structure" + (f" : {precision}" if exemples and self.compte.ecarts else "")],
                attendu="une ligne par structure",
                conseil="remplacez les exemples par vos structures (ou essayez avec exemples=True)" if exemples else "",
            )
        rejets = self.compte.rejets()
        raisons = Counter(r.raison for r in rejets)
        montrees = rejets if len(raisons) > 5 or len(rejets) <= 20 else []
        raise EntreeFautive(
            self.classeur.chemin.name,
            ["aucune ligne utilisable"]
            + [f"ligne {r.ligne} : {r.raison}" + (f" (« {r.valeur} »)" if r.valeur else "") for r in montrees[:20]]
            + ([] if montrees else [f"{n} ligne(s) : {raison}" for raison, n in raisons.most_common(5)]),
            attendu="au moins une structure suivie (" + ", ".join(TYPES) + "), agréée et située",
            conseil=("" if not any(self.compte.defauts.values()) else _CORRIGER) if not self.liste else
            "si le type n'est pas dans le fichier, donnez-le : « --type eaje » ; sinon écrivez "
            + chemin_correspondance(self.classeur.chemin).name,
        )

    def _ecarter_l_individuel(self) -> None:
        """Une maison d'assistants maternels n'est jamais une crèche, même si tout le fichier est dit « eaje »."""
        noms = self.brut.get("nom", pd.Series("", index=self.brut.index))
        for i in self.brut.index:
            if i not in self.compte.ecarts and accueil_individuel(noms[i], self.brut["_type_ecrit"][i]):
                self.compte.mettre_de_cote(i, ACCUEIL_INDIVIDUEL, noms[i])

    def _valeurs(self, utiles: pd.DataFrame) -> pd.DataFrame:
        table = pd.DataFrame(index=utiles.index)
        table["type"] = self._types(utiles)
        for nom in (c for c in utiles.columns if c in CHAMPS and c not in _A_PART):
            textes = utiles[nom].map(html.unescape) if self.liste and nom in ("nom", "adresse") else utiles[nom]
            if CHAMPS[nom].genre == "entier":
                textes = textes.str.replace(r"^(\d+) (?:places?|berceaux?|enfants?|lits?)$", r"\1", regex=True)
            table[nom], mauvais = lire(CHAMPS[nom], textes)
            self.compte.ajouter(mauvais)
            if CHAMPS[nom].genre in ("entier", "nombre"):
                self._dire_sans_chiffre(nom, textes[table[nom].isna()].drop(index=[i for i, *_ in mauvais]))
        if "numero" in utiles and "adresse" in table:
            table["adresse"] = avec_numero(utiles["numero"], table["adresse"])
        if "statut_agrement" in utiles:
            table["statut_agrement"] = self._agrements(utiles)
        propre = table["annee"] if "annee" in table else pd.Series(pd.NA, index=table.index, dtype="Int64")
        if self.liste and "date_maj" in utiles:
            propre = propre.where(propre.notna(), annee_lue(utiles["date_maj"])[0])
        du_fichier = self.annee or (annee_du_nom(self.classeur.chemin.name) if self.liste else None)
        table["annee"] = propre.where(propre.notna(), du_fichier) if du_fichier is not None else propre
        return table

    def _dire_sans_chiffre(self, champ: str, textes: pd.Series) -> None:
        """« s », « nd », « <5 » : la case reste vide, et un total qui l'aurait comptée est incomplet."""
        self.remarques += sans_nombre(self.correspondance.colonnes[champ], textes)

    def _types(self, utiles: pd.DataFrame) -> pd.Series:
        """Type de chaque ligne (deux parfois, séparés par une espace), par le vocabulaire commun."""
        force, compte = self.correspondance.type_structure, self.compte
        if force:
            autres = Counter(
                t for texte in utiles["_type_ecrit"] if texte for t in types_dits(texte) if t != force
            )
            if autres and "type" in self.correspondance.colonnes:
                nommes = ", ".join(f"{TYPES[t][0]} ({n})" for t, n in autres.most_common())
                self.remarques.append(f"la colonne « {self.correspondance.colonnes['type']} » dit aussi {nommes} : "
                                      f"toutes les lignes sont lues « {TYPES[force][0]} », comme demandé")
            return pd.Series(force, index=utiles.index, dtype="str")
        noms = utiles.get("nom", pd.Series("", index=utiles.index)).map(html.unescape)
        du_nom = types_de(Path(self.classeur.chemin.name.split(".")[0]).name) if self.liste else ()
        defaut = du_nom if len(du_nom) == 1 and "type" not in self.correspondance.colonnes else ()
        trouves: dict[int, str | None] = {}
        for i in utiles.index:
            texte = utiles["type"][i]
            dits = (types_de(noms[i], texte) or defaut) if self.liste else types_dits(texte)
            trouves[i] = " ".join(dits) or None
            if dits:
                continue
            if self.liste and "\ufffd" in noms[i] + texte:
                compte.mettre_de_cote(i, "texte illisible", noms[i])
            elif self.liste and not noms[i]:
                compte.mettre_de_cote(i, "structure sans nom", "")
            elif self.liste:
                compte.mettre_de_cote(i, "pas une structure suivie", texte or noms[i])
            elif texte:
                compte.refuser(i, "type", texte, ", ".join(TYPES))
        if not self.liste and not any(trouves.values()):
            for i in compte.defauts:
                compte.defauts[i] = [
                    (c, v, f"{a} ; ou, pour tout le fichier, « --type eaje »") if c == "type" else (c, v, a)
                    for c, v, a in compte.defauts[i]
                ]
        return pd.Series(trouves, dtype="str").reindex(utiles.index)

    def _agrements(self, utiles: pd.DataFrame) -> pd.Series:
        """Statuts lus ; une colonne de nombres est une capacité agréée, pas un statut."""
        textes = utiles["statut_agrement"]
        vide = pd.Series(pd.NA, index=utiles.index, dtype="str")
        pleins = textes[textes.ne("")]
        if len(pleins) and pleins.str.fullmatch(r"[\d ]+([.,]\d+)?").all():
            entete = self.correspondance.colonnes["statut_agrement"]
            self.remarques.append(
                f"« {entete} » ne contient que des nombres : ce n'est pas un statut d'agrément, la colonne n'est pas "
                "reprise (si ce sont des places, dites-le dans la correspondance)"
            )
            return vide
        lus = {t: lire_agrement(t) for t in textes.unique()}
        attendu = ", ".join(libelle for libelle, _ in AGREMENTS.values())
        self.compte.ajouter([(i, "statut_agrement", t, attendu) for i, t in textes.items() if lus[t] is None])
        return pd.Series([lus[t] or pd.NA for t in textes], index=utiles.index, dtype="str")

    def _rendre(self, table: pd.DataFrame, rejets: list[Rejet], lieux: LieuxTrouves, *, assistants: bool) -> Lecture:
        classeur, correspondance = self.classeur, self.correspondance
        source = f"{'liste publique' if self.liste else 'registre local'} {classeur.chemin.name}"
        remarques = [*classeur.remarques]
        if correspondance.ignorees:
            remarques.append("colonnes non reprises : " + ", ".join(correspondance.ignorees))
        autres = [c for c, v in correspondance.certitudes.items() if v != "exacte"]
        if autres:
            remarques.append(
                "colonnes reconnues : "
                + ", ".join(f"« {correspondance.colonnes[c]} » = {CHAMPS[c].libelle}" for c in autres)
            )
        remarques += [*self.remarques, *lieux.remarques]
        remarques += [f"{self.compte.ou(i)} : {texte}" for i, texte in lieux.notes if i in table.index]
        if self.liste:
            remarques.append("liste partielle : elle ne dit pas ce qui manque, un compte est un minimum")
        jeu = "communes" if assistants else "structures"
        if assistants:
            finale = table_assistants(table)
            remarques.append(f"assistants maternels sommés sur {len(finale)} commune(s), sans point ni adresse")
        else:
            finale = table_structures(assembler_alsh(table), source=source)
        annees = tuple(sorted({int(a) for a in table["annee"].dropna()}))
        return Lecture(
            jeu,
            finale,
            CompteRendu(
                classeur.chemin.name,
                jeu,
                len(self.brut),
                len(self.brut) - len(rejets),
                rejets,
                dict(lieux.codes_passes),
                sorted(set(lieux.codes_inconnus)),
                list(dict.fromkeys(remarques)),
                empreinte(classeur.chemin),
            ),
            annees,
            source,
            "-".join(str(a) for a in dict.fromkeys((annees[0], annees[-1]))) if annees else "",
            self.types,
        )
