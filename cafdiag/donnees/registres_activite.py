"""Importer l'activité d'un territoire : une ligne par territoire, grandeur et année (modèle ``activite.xlsx``).

Même voie que les autres registres : classeur xlsx ou ods, ou CSV ; données nominatives refusées ; tous les défauts
dits d'un coup. Ce qui est donné à l'EPCI ou au département vaut à cette maille et ne se découpe pas.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from pathlib import Path

import pandas as pd

from cafdiag.donnees import nettoyage
from cafdiag.donnees.compte_rendu import Compte, CompteRendu, Lecture
from cafdiag.donnees.grandeurs import grandeurs
from cafdiag.donnees.octets import empreinte
from cafdiag.donnees.registres_champs import Champ, forme, lire, neutraliser
from cafdiag.donnees.registres_rgpd import EXPLICATION, nominatives
from cafdiag.donnees.registres_tableau import TableauLu, feuilles_laissees, nature
from cafdiag.donnees.releves import rapprocher
from cafdiag.donnees.tableurs import Feuille, lire_feuilles
from cafdiag.erreurs import EntreeFautive
from cafdiag.geographie import geographie
from cafdiag.magasin import lire_table
from cafdiag.territoires.passage import a_jour, epci_ailleurs, message_epci, passages
from cafdiag.territoires.recherche import decrire, designes

EXEMPLE = "EXEMPLE"
_ENTETE_AVANT = 20
_MAILLES = {
    "commune": ("Commune", "commune|communes|com"),
    "epci": ("EPCI", "epci|intercommunalite|communaute de communes|agglomeration"),
    "departement": ("Département", "departement|dep"),
}
CHAMPS_ACTIVITE: dict[str, Champ] = {
    c.nom: c
    for c in (
        Champ("maille", "Maille", "choix", "niveau|echelle|maille geographique", choix=_MAILLES),
        Champ(
            "code",
            "Code du territoire",
            "texte",
            "code|code insee|code territoire|code insee ou siren|siren|code epci|code commune|code departement",
            aide="commune (5 caractères), EPCI (SIREN, 9 chiffres) ou département (2 ou 3 caractères), en texte",
        ),
        Champ("nom", "Nom du territoire", "texte", "territoire|nom territoire|libelle territoire"),
        Champ("grandeur", "Grandeur", "choix", "indicateur|donnee|mesure|libelle de la grandeur"),
        Champ("annee", "Année", "annee", "annee de reference|millesime|exercice"),
        Champ("valeur", "Valeur", "nombre", "nombre|quantite|effectif|montant"),
        Champ("source", "Source", "texte", "origine|producteur|remis par", aide="qui a remis ce chiffre"),
    )
}
OBLIGATOIRES = ("code", "grandeur", "annee", "valeur", "source")
# Une partie ne dépasse pas son tout, à la même maille et la même année.
PARTIES = (
    ("am_55_ans_plus", "am_actifs"),
    ("eaje_bonus_mixite", "eaje_psu"),
    ("eaje_bonus_handicap", "eaje_psu"),
    ("enfants_aeeh_alsh", "enfants_accueillis_alsh"),
    ("jeunes_15_24_neet", "jeunes_15_24"),
    ("structures_avs_sous_3_mois", "structures_avs_bilan"),
    ("personnes_60_plus_seules", "personnes_60_plus"),
    ("sans_diplome_15_plus", "non_scolarises_15_plus"),
    ("foyers_dep100", "foyers_dep50"),
    ("foyers_dep50", "foyers_reference"),
    ("foyers_bas_revenus", "foyers_reference"),
    ("foyers_qf_inf_400", "foyers_qf_inf_800"),
    ("foyers_qf_inf_800", "foyers_qf_connu"),
)
# Comprises l'une dans l'autre par définition, mais comptées à part : un fichier n'est pas refusé pour elles. Montrées
# toutes les deux, elles rendent leur différence (les couples avec enfant).
EMBOITEES = (
    *PARTIES,
    ("foyers_monoparentaux", "foyers_avec_enfants"),
    ("foyers_enfant_moins_3", "foyers_avec_enfants"),
    ("enfants_bas_revenus", "enfants_couverts"),
)
_CLE = ["maille", "code", "grandeur", "annee"]
_CORRIGER = "corrigez ces lignes puis relancez ; rien n'a été importé (ou « --ecarter », ecarter=True)"


def reconnait(chemin: str | Path) -> bool:
    """Vrai si le fichier a les colonnes grandeur, valeur et code : c'est de l'activité, pas des structures."""
    try:
        return bool(_tableaux(lire_feuilles(chemin)))
    except EntreeFautive:
        return False


def _reconnaitre(entete: str) -> str | None:
    mot = forme(entete)
    return next(
        (c.nom for c in CHAMPS_ACTIVITE.values() if mot in c.formes or mot in c.synonymes.split("|")), None
    )


def _presque(entetes: list[str], rangs: dict[str, int]) -> dict[str, str]:
    formes = {f: c.nom for c in CHAMPS_ACTIVITE.values() for f in (*c.formes, *c.synonymes.split("|"))}
    return rapprocher(entetes, rangs, formes)


def _tableaux(feuilles: list[Feuille]) -> list[tuple[TableauLu, dict[str, int]]]:
    """Les feuilles d'activité : leur tableau, et le rang de chaque colonne reconnue."""
    trouves = []
    for feuille in feuilles:
        for rang, (numero, cellules) in enumerate(feuille.lignes[:_ENTETE_AVANT]):
            rangs: dict[str, int] = {}
            for colonne, cellule in enumerate(cellules):
                champ = _reconnaitre(cellule) if cellule and len(cellule) < 80 else None
                if champ:
                    rangs.setdefault(champ, colonne)
            # Une faute d'en-tête n'en fait pas un registre de structures : elle se dira.
            essentiels = {"grandeur", "valeur", "code"}
            if essentiels <= {*rangs, *_presque(cellules, rangs)} and len(essentiels & set(rangs)) > 1:
                tableau = TableauLu(feuille.nom, numero, list(cellules), feuille.lignes[rang + 1 :])
                trouves.append((tableau, rangs))
                break
    return trouves


@lru_cache(maxsize=1)
def _formes_des_grandeurs() -> dict[str, str]:
    formes = {}
    for g in grandeurs().itertuples():
        for nom in (g.grandeur, g.libelle, *filter(None, g.autres_noms.split("|"))):
            formes[forme(nom)] = g.grandeur
    return formes


def importer_activite(
    chemin: str | Path, *, annee: int | None = None, ecarter: bool = False, exemples: bool = False
) -> Lecture:
    """Importe un fichier d'activité.

    Parameters
    ----------
    chemin : path
        Classeur xlsx ou ods, ou CSV : colonnes code, grandeur, année, valeur, source ; maille et nom facultatifs.
    annee : int, optional
        Année des lignes qui n'en donnent pas.
    ecarter : bool
        Importe les lignes saines et rejette les fautives, au lieu de refuser le fichier.
    exemples : bool
        Garde les lignes d'exemple du modèle (pour essayer).

    Returns
    -------
    Lecture
        Jeu ``activite`` : ``maille, code, grandeur, annee, valeur, source``. Une valeur vide ou secrète n'est
        pas reprise : elle n'est jamais zéro.

    Raises
    ------
    EntreeFautive
        Tous les défauts d'un coup : feuille, ligne, colonne, valeur, attendu.
    """
    chemin = Path(chemin)
    feuilles = lire_feuilles(chemin)
    tableaux = _tableaux(feuilles)
    if not tableaux:
        raise EntreeFautive(
            chemin.name,
            ["aucun tableau d'activité"],
            attendu="les colonnes code, grandeur, année, valeur, source",
            conseil="partez du modèle templates/registres/activite.xlsx",
        )
    _refuser(chemin, tableaux)
    brut = _en_table(tableaux)
    lecture = _Lecture(brut, annee, exemples)
    lecture.lire()
    if not ecarter and (phrases := lecture.compte.a_corriger()):
        raise EntreeFautive(chemin.name, phrases, conseil=_CORRIGER)
    table = lecture.table()
    if table.empty:
        raise EntreeFautive(
            chemin.name,
            lecture.compte.a_corriger() or ["aucune valeur : seulement des lignes vides ou d'exemple"],
            attendu="une ligne par territoire, grandeur et année",
            conseil="remplacez les exemples par vos chiffres (ou essayez avec exemples=True)",
        )
    rejets = lecture.compte.rejets()
    remarques = [r for f in feuilles for r in f.remarques]
    if laissees := feuilles_laissees([f for f in feuilles if f.nom not in {t.feuille for t, _ in tableaux}]):
        remarques.append(f"feuille(s) sans tableau d'activité, laissée(s) de côté : {laissees}")
    if autres := _autres(tableaux):
        remarques.append(f"colonnes non reprises : {', '.join(autres)}")
    mailles = table["maille"].value_counts()
    remarques.append("valeurs par maille : " + ", ".join(f"{m} {n}" for m, n in mailles.items()))
    annees = tuple(sorted({int(a) for a in table["annee"]}))
    return Lecture(
        "activite",
        table,
        CompteRendu(
            chemin.name,
            "activite",
            len(brut),
            len(brut) - len(rejets),
            rejets,
            lecture.passes,
            sorted(lecture.inconnus),
            remarques,
            empreinte(chemin),
        ),
        annees,
        f"activité déclarée, {chemin.name}",
        "-".join(str(a) for a in dict.fromkeys((annees[0], annees[-1]))),
    )


def _refuser(chemin: Path, tableaux: list[tuple[TableauLu, dict[str, int]]]) -> None:
    """Données nominatives, colonnes manquantes."""
    defauts = [defaut for t, _ in tableaux for defaut in nominatives(t.entetes, t.lignes, feuille=t.feuille)]
    if defauts:
        raise EntreeFautive(chemin.name, defauts, attendu="aucune donnée nominative", conseil=EXPLICATION)
    absentes = [
        f"{t.ou}deux colonnes « {CHAMPS_ACTIVITE[c].libelle} » qui diffèrent : « {t.entetes[rangs[c]]} » et « {e} »"
        for t, rangs in tableaux
        for k, e in enumerate(t.entetes)
        if e and (c := _reconnaitre(e)) and rangs[c] != k and any(
            r[k : k + 1] not in ([], [""], r[rangs[c] : rangs[c] + 1]) for _, r in t.lignes
        )
    ] + [
        f"{t.ou}colonne absente : « {CHAMPS_ACTIVITE[c].libelle} » ; "
        + (f"« {proches[c]} » lui ressemble : corrigez cet en-tête" if c in (proches := _presque(t.entetes, rangs))
           else "colonnes trouvées : " + ", ".join(e for e in t.entetes if e))
        for t, rangs in tableaux
        for c in CHAMPS_ACTIVITE
        if c not in rangs and (c in _presque(t.entetes, rangs) or (c in OBLIGATOIRES and c != "annee"))
    ]  # fmt: skip
    if absentes:
        raise EntreeFautive(
            chemin.name,
            absentes,
            attendu="les colonnes " + ", ".join(CHAMPS_ACTIVITE[c].libelle for c in OBLIGATOIRES),
            conseil="partez du modèle templates/registres/activite.xlsx",
        )


def _autres(tableaux: list[tuple[TableauLu, dict[str, int]]]) -> list[str]:
    return [e for t, rangs in tableaux for i, e in enumerate(t.entetes) if e and i not in rangs.values()]


def _en_table(tableaux: list[tuple[TableauLu, dict[str, int]]]) -> pd.DataFrame:
    lignes = []
    for tableau, rangs in tableaux:
        for numero, cellules in tableau.lignes:
            lues = {c: cellules[r] for c, r in rangs.items() if r < len(cellules)}
            lignes.append(
                dict.fromkeys(CHAMPS_ACTIVITE, "")
                | lues
                | {"_feuille": tableau.feuille, "_ligne": numero, "_tout": "\x1f".join(cellules)}
                # Avec un code, « Total du Pays de Craon » est la valeur de l'intercommunalité.
                | {"_nature": "" if lues.get("code") else nature(cellules, lues, tableau.entetes)}
            )
    table = pd.DataFrame(lignes, columns=[*CHAMPS_ACTIVITE, "_feuille", "_ligne", "_tout", "_nature"])
    return table.astype({c: "str" for c in table if c != "_ligne"})


class _Lecture:
    """Les lignes d'un fichier d'activité, lues colonne par colonne : défauts bloquants et lignes écartées."""

    def __init__(self, brut: pd.DataFrame, annee: int | None, exemples: bool) -> None:
        self.brut, self.annee, self.exemples = brut, annee, exemples
        self.compte = Compte(brut, {c.nom: c.libelle for c in CHAMPS_ACTIVITE.values()})
        self.passes: dict[str, str] = {}
        self.inconnus: set[str] = set()
        self.lue = pd.DataFrame(index=brut.index)

    def lire(self) -> None:
        """Lit tout : aucun défaut n'en cache un autre."""
        vues: dict[str, str] = {}
        for i, ligne in self.brut.iterrows():
            exemple = any(ligne[c].startswith(EXEMPLE) for c in ("nom", "source"))
            if exemple and not self.exemples:
                self.compte.ecarts[i] = "exemple du modèle"
            elif ligne["_nature"]:
                self.compte.ecarts[i] = ligne["_nature"]
            elif ligne["_tout"] in vues:
                self.compte.ecarts[i] = f"répète à l'identique la {vues[ligne['_tout']]}"
            vues.setdefault(ligne["_tout"], self.compte.ou(i))
        utiles = self.brut.drop(index=list(self.compte.ecarts))
        self._grandeurs(utiles)
        self._annees(utiles)
        self._valeurs(utiles)
        self._lieux(utiles)
        self.lue["source"] = utiles["source"].map(neutraliser)
        for i in utiles.index[utiles["source"].eq("")]:
            self.compte.refuser(i, "source", "", "qui a remis ce chiffre")
        self._doublons()
        self._parties()

    def _grandeurs(self, utiles: pd.DataFrame) -> None:
        connues = _formes_des_grandeurs()
        self.lue["grandeur"] = utiles["grandeur"].map(lambda texte: connues.get(forme(texte)))
        for i in utiles.index[self.lue.loc[utiles.index, "grandeur"].isna()]:
            texte = utiles["grandeur"][i]
            proches = difflib.get_close_matches(forme(texte), connues, n=3, cutoff=0.5)
            noms = dict.fromkeys(grandeurs().at[connues[p], "libelle"] for p in proches)
            attendu = "une grandeur de la liste du modèle" + (f" ({' ; '.join(noms)} ?)" if noms else "")
            self.compte.refuser(i, "grandeur", texte, attendu)

    def _annees(self, utiles: pd.DataFrame) -> None:
        lues, mauvais = lire(CHAMPS_ACTIVITE["annee"], utiles["annee"])
        if self.annee is not None:
            lues = lues.where(utiles["annee"].ne(""), self.annee)
        self.lue["annee"] = lues
        self.compte.ajouter(mauvais)
        for i in utiles.index[utiles["annee"].eq("") & lues.isna()]:
            self.compte.refuser(i, "annee", "", "une année, comme 2024")

    def _valeurs(self, utiles: pd.DataFrame) -> None:
        signe = utiles["valeur"].str.match(r"[-−]\s*\d")
        lues, mauvais = lire(
            CHAMPS_ACTIVITE["valeur"], utiles["valeur"].str.replace(r"^[-−]\s*(?=\d)", "", regex=True)
        )
        self.lue["valeur"] = lues.where(~signe, -lues)
        self.compte.ajouter(mauvais)
        negatives = grandeurs()["negatif"].eq("oui")
        for i in utiles.index[signe]:
            grandeur = self.lue["grandeur"][i]
            if isinstance(grandeur, str) and not negatives[grandeur]:
                self.compte.refuser(i, "valeur", utiles["valeur"][i], "un nombre positif")
        fautives = {i for i, *_ in mauvais}
        for i in utiles.index[lues.isna()]:
            if i not in fautives:
                self.compte.ecarts[i] = "valeur vide ou secrète : non reprise, jamais zéro"

    def _lieux(self, utiles: pd.DataFrame) -> None:
        mailles, codes = {}, {}
        for i, ligne in utiles.iterrows():
            dite = next((m for m, (_, s) in _MAILLES.items() if forme(ligne["maille"]) in s.split("|")), None)
            if ligne["maille"] and dite is None:
                self.compte.refuser(i, "maille", ligne["maille"], "commune, EPCI ou département")
            mailles[i] = dite or _maille_du_code(ligne["code"])
            codes[i] = code = self._code(i, ligne["code"], mailles[i])
            autres = designes(ligne["nom"], mailles[i]) if code and ligne["nom"] else frozenset()
            if code and autres and code not in autres:
                bons = " ou ".join(decrire(mailles[i], autre) for autre in sorted(autres)[:3])
                attendu = f"le nom de {decrire(mailles[i], code)}, ou le code de {bons}"
                self.compte.refuser(i, "nom", ligne["nom"], attendu)
        self.lue["maille"] = pd.Series(mailles, dtype=object)
        self.lue["code"] = pd.Series(codes, dtype=object)

    def _code(self, i: int, texte: str, maille: str) -> str | None:
        nettoyer = {
            "commune": nettoyage.code_commune,
            "epci": nettoyage.code_epci,
            "departement": nettoyage.code_departement,
        }[maille]
        propre = nettoyer(pd.Series([texte], dtype="str"))
        code = propre.valeurs.iloc[0]
        if pd.isna(code):
            self.compte.refuser(i, "code", texte, f"le code : {_MAILLES[maille][0]} ({propre.raisons.iloc[0]})")
            return None
        if maille != "commune":
            if code in _connus(maille):
                return code
            self.inconnus.add(code)
            ailleurs = epci_ailleurs().get(code) if maille == "epci" else None
            indice = f" : {message_epci(ailleurs)}" if ailleurs and len(ailleurs.codes) == 1 else ""
            corse = " : la Corse est 2A ou 2B" if code == "20" else ""
            attendu = f"un {_MAILLES[maille][0]} de {geographie()}{indice}{corse}"
            self.compte.refuser(i, "code", texte, attendu)
            return None
        destin = a_jour(pd.Series([code], dtype="str")).iloc[0]
        if destin["statut"] == "actuel":
            return code
        if destin["statut"] == "passe" and passages()[code].type == "changement_code":
            self.passes[code] = destin["code_actuel"]
            return destin["code_actuel"]
        # Une commune fusionnée n'est qu'une partie de celle d'aujourd'hui : sa valeur n'est pas la sienne.
        self.inconnus |= {code} if destin["statut"] == "inconnu" else set()
        indice = destin["message"] if isinstance(destin["message"], str) else ""
        self.compte.refuser(
            i, "code", texte, "la valeur de la commune d'aujourd'hui" + (f" : {indice}" if indice else "")
        )
        return None

    def _saines(self) -> pd.DataFrame:
        ecarts, defauts = self.compte.ecarts, self.compte.defauts
        utiles = self.lue.drop(index=[i for i in self.lue.index if i in ecarts or defauts.get(i)])
        return utiles.dropna(subset=[*_CLE, "valeur"])

    def _doublons(self) -> None:
        saines = self._saines()
        premieres: dict[tuple, int] = {}
        for i, cle in zip(saines.index, saines[_CLE].itertuples(index=False, name=None), strict=True):
            if cle in premieres:
                ou = self.compte.ou(premieres[cle])
                self.compte.refuser(i, "grandeur", self.brut["grandeur"][i], f"une seule valeur : déjà donnée {ou}")
            premieres.setdefault(cle, i)

    def _parties(self) -> None:
        saines = self._saines()
        ou = {
            cle: i
            for i, cle in zip(saines.index, saines[_CLE].itertuples(index=False, name=None), strict=True)
        }
        for (maille, code, grandeur, annee), i in list(ou.items()):
            for partie, tout in PARTIES:
                j = ou.get((maille, code, tout, annee)) if grandeur == partie else None
                if j is not None and saines["valeur"][i] > saines["valeur"][j]:
                    dite = f"au plus celle de « {grandeurs().at[tout, 'libelle']} » ({self.compte.ou(j)})"
                    self.compte.refuser(i, "valeur", self.brut["valeur"][i], dite)

    def table(self) -> pd.DataFrame:
        """Table canonique des lignes saines."""
        saines = self._saines()[["maille", "code", "grandeur", "annee", "valeur", "source"]]
        types = {"maille": "str", "code": "str", "grandeur": "str", "source": "str"}
        return saines.astype(types | {"annee": "int64", "valeur": "float64"}).reset_index(drop=True)


def _maille_du_code(texte: str) -> str:
    """La maille que dit la forme d'un code : neuf chiffres, un EPCI ; deux ou trois caractères, un département.

    >>> [_maille_du_code(c) for c in ("200048551", "53", "2A", "974", "53012", "1004")]
    ['epci', 'departement', 'departement', 'departement', 'commune', 'commune']
    """
    nu = re.sub(r"\s", "", texte)
    return "epci" if len(nu) >= 7 else "departement" if 0 < len(nu) <= 3 else "commune"


@lru_cache(maxsize=2)
def _connus(maille: str) -> frozenset[str]:
    nom = {"epci": "epci", "departement": "departements"}[maille]
    return frozenset(lire_table(nom, colonnes=["code"])["code"])
