"""Contrôler les lignes d'un registre : défauts qui bloquent, lignes écartées d'office, doublons."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pandas as pd

from cafdiag.donnees.compte_rendu import Rejet
from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, TYPES, choisir
from cafdiag.donnees.registres_colonnes import Correspondance
from cafdiag.donnees.registres_tables import controler_alsh
from cafdiag.territoires.normalisation import normaliser

EXEMPLE = "EXEMPLE"
_TOTAUX = frozenset({"total", "totaux", "total general", "ensemble", "sous total", "total commune"})


class Compte:
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
                rejets.append(
                    Rejet(int(self.brut["_ligne"][i]), prefixe + raison, self.defauts[i][0][1][:80])
                )
        return rejets


def ecarter_d_office(brut: pd.DataFrame, compte: Compte, *, exemples: bool) -> None:
    """Totaux, exemples du modèle et lignes répétées à l'identique : écartés, comptés, jamais bloquants."""
    premieres: dict[str, str] = {}
    # Dans une liste d'agréments sans nom, deux lignes pareilles sont deux personnes.
    liste = brut["type"].map(lambda t: choisir(CHAMPS["type"], t)).eq(ASSISTANTS) & ("agrees" not in brut)
    for i in brut.index:
        tout = brut["_tout"][i]
        cases = [c for c in tout.split("\x1f") if c]
        if normaliser(cases[0]) in _TOTAUX and not any(brut[c][i] for c in ("code", "lon") if c in brut):
            compte.ecarts[i] = "ligne de total"
        elif not exemples and any(
            c.startswith(EXEMPLE) for c in ([brut["nom"][i]] if "nom" in brut else cases)
        ):
            compte.ecarts[i] = "exemple du modèle"
        elif tout in premieres and not liste[i]:
            compte.ecarts[i] = f"répète à l'identique la {premieres[tout]}"
        else:
            premieres[tout] = compte.ou(i)


def controler(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte) -> None:
    for i in table.index[utiles["type"].eq("")]:
        compte.ajouter([(i, "type", "", ", ".join(TYPES))])
    assistants = table["type"].eq(ASSISTANTS)
    if "nom" in table or not assistants.all():
        noms = table["nom"] if "nom" in table else pd.Series(pd.NA, index=table.index)
        compte.ajouter(
            [
                (i, "nom", "", "le nom de la structure")
                for i in table.index[noms.isna() & ~assistants]
                if not any(c == "nom" for c, *_ in compte.defauts[i])
            ]
        )
    if assistants.any() and not assistants.all():
        compte.ajouter(
            [
                (i, "type", utiles["type"][i], "les assistants maternels dans un fichier à part")
                for i in table.index[assistants]
            ]
        )
        return
    if assistants.all():
        _controler_assistants(table, utiles, compte)
        return
    if "date_agrement" in table and "date_fin_agrement" in table:
        for i in table.index[table["date_fin_agrement"] < table["date_agrement"]]:
            compte.ajouter(
                [(i, "date_fin_agrement", utiles["date_fin_agrement"][i], "une fin après le début")]
            )
    compte.ajouter(controler_alsh(table))
    _controler_doublons(table, utiles, compte)


def _controler_assistants(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte) -> None:
    compte.ajouter(
        [
            (i, "annee", "", "l'année des agréments")
            for i in table.index[table["annee"].isna()]
            if not any(c == "annee" for c, *_ in compte.defauts[i])
        ]
    )
    if "agrees" in table and "en_exercice" in table:
        trop = (table["en_exercice"] > table["agrees"]).fillna(False)
        compte.ajouter(
            [
                (i, "en_exercice", utiles["en_exercice"][i], "au plus le nombre d'agréés")
                for i in table.index[trop]
            ]
        )
    if "agrees" in table:
        cles = pd.DataFrame(
            {
                "c": utiles["code"] if "code" in utiles else table["code"],
                "n": utiles.get("commune", ""),
                "a": table["annee"],
            }
        )
        for i in table.index[cles.duplicated()]:
            compte.ajouter([(i, "code", str(cles["c"][i]), "une seule ligne par commune et par année")])


def _cle(table: pd.DataFrame) -> pd.Series:
    parties = [
        table["type"].fillna(""),
        table["nom"].fillna("").map(normaliser),
        table["code"].fillna(""),
        table["annee"].astype("string").fillna(""),
    ]
    if "temps" in table:
        parties.append(table["temps"].fillna(""))
    return pd.Series(list(zip(*parties, strict=True)), index=table.index)


def _controler_doublons(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte) -> None:
    if "nom" not in table:
        return
    premieres: dict[tuple, int] = {}
    for i, cle in _cle(table).items():
        if not cle[1] or not cle[2]:
            continue
        if cle in premieres:
            compte.ajouter(
                [
                    (
                        i,
                        "nom",
                        utiles["nom"][i],
                        f"une structure qui ne soit pas déjà présente : même "
                        f"type, même nom, même commune que la {compte.ou(premieres[cle])}",
                    )
                ]
            )
        else:
            premieres[cle] = i


def ecarter_fermees(table: pd.DataFrame, compte: Compte) -> None:
    if "date_fermeture" not in table:
        return
    for i, date in table["date_fermeture"].dropna().items():
        annee = table["annee"][i]
        limite = dt.date.today() if pd.isna(annee) else dt.date(int(annee), 12, 31)
        if date.date() <= limite:
            compte.ecarts[i] = "structure fermée"


def ecarter_autres_annees(table: pd.DataFrame, compte: Compte, voulue: int | None) -> None:
    """Une structure suivie sur trois ans ne compte qu'une fois : la dernière année, ou celle qu'on demande."""
    annees = table["annee"].dropna()
    if annees.nunique() < 2:
        return
    retenue = voulue if voulue in set(annees) else int(annees.max())
    for i in annees.index[annees.ne(retenue)]:
        compte.ecarts.setdefault(i, f"autre année que {retenue}, seule gardée")
