"""Contrôler les lignes d'un registre : défauts qui bloquent, lignes écartées d'office, doublons."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection
from difflib import SequenceMatcher

import pandas as pd

from cafdiag.donnees.compte_rendu import Compte
from cafdiag.donnees.registres_agrement import reference
from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, TYPES, choisir
from cafdiag.donnees.registres_habillage import TOTAL, est_un_cumul
from cafdiag.donnees.registres_reperes import meme_voie
from cafdiag.donnees.registres_tables import controler_alsh, ecart_m, sites
from cafdiag.magasin import lire_table
from cafdiag.territoires.normalisation import normaliser

EXEMPLE = "EXEMPLE"
_PRES_M = 50.0


def ecarter_d_office(brut: pd.DataFrame, compte: Compte, *, exemples: bool) -> None:
    """Totaux, notes, exemples du modèle et lignes répétées à l'identique : écartés, comptés, jamais bloquants."""
    premieres: dict[str, str] = {}
    # Dans une liste d'agréments sans nom, deux lignes pareilles sont deux personnes.
    liste = brut["type"].map(lambda t: choisir(CHAMPS["type"], t)).eq(ASSISTANTS) & ("agrees" not in brut)
    for i in brut.index:
        tout = brut["_tout"][i]
        cases = [c for c in tout.split("\x1f") if c]
        if not exemples and any(
            c.startswith(EXEMPLE) for c in ([brut["nom"][i]] if "nom" in brut else cases)
        ):
            compte.ecarts[i] = "exemple du modèle"
        elif brut["_nature"][i]:
            compte.ecarts[i] = brut["_nature"][i]
        elif tout in premieres and not liste[i]:
            compte.ecarts[i] = f"répète à l'identique la {premieres[tout]}"
        else:
            premieres[tout] = compte.ou(i)


def ecarter_totaux_calcules(table: pd.DataFrame, compte: Compte) -> None:
    """Une ligne nommée comme sa commune (ou « Ensemble ») dont les places sont la somme des précédentes."""
    if not {"nom", "places"} <= set(table.columns):
        return
    communes = lire_table("communes", colonnes=["code", "nom"]).set_index("code")["nom"]
    depuis: list[int] = []
    for i in table.index:
        if i in compte.ecarts:
            depuis = [] if compte.ecarts[i] == TOTAL else depuis
            continue
        code, nom, places = table["code"][i], table["nom"][i], table["places"][i]
        nommee = not pd.isna(nom) and (
            est_un_cumul(nom) or (not pd.isna(code) and normaliser(nom) == normaliser(communes.get(code, "")))
        )
        if nommee and not pd.isna(places) and depuis:
            ici = [j for j in depuis if table["code"][j] == code]
            if places in {table["places"][groupe].sum() for groupe in (ici, depuis) if groupe}:
                compte.mettre_de_cote(i, TOTAL, nom)
                depuis = []
                continue
        depuis.append(i)


def oublier_accessoires(table: pd.DataFrame, compte: Compte, essentiels: Collection[str]) -> list[str]:
    """Dans une liste publique, une valeur accessoire illisible laisse sa case vide ; rend ce qu'il faut en dire."""
    comptes: Counter[str] = Counter()
    dits = []
    # Une liste publique donne la capacité d'un accueil de loisirs, jamais le temps où elle vaut : elle ne sert pas.
    sans_temps = table["type"].eq("alsh") & (table["temps"].isna() if "temps" in table else True)
    par_temps = [c for c in table if c.startswith("places") or c == "heures_realisees"]
    capacites = [c for c in par_temps if table.loc[sans_temps, c].notna().any()]
    if capacites:
        table.loc[sans_temps, capacites] = pd.NA
        dits.append("capacité d'accueils de loisirs non reprise : rien ne dit le temps (mercredi, août…) où elle vaut")
    for i in table.index:
        gardes = [d for d in compte.defauts[i] if d[0] in essentiels]
        comptes.update(d[0] for d in compte.defauts[i] if d[0] not in essentiels)
        compte.defauts[i] = gardes
    dits += [
        f"{n} valeur(s) illisible(s) de « {CHAMPS[c].libelle} », laissée(s) vide(s)" for c, n in comptes.items()
    ]
    return dits


def controler(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte, *, liste: bool = False) -> None:
    for i in table.index[table["type"].isna() & utiles["type"].eq("")]:
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
    table["_site"] = sites(table)
    compte.ajouter(controler_alsh(table))
    if liste:
        _ecarter_doublons(table, compte)
    else:
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
        table["_site"],
    ]
    if "temps" in table:
        parties.append(table["temps"].fillna(""))
    return pd.Series(list(zip(*parties, strict=True)), index=table.index)


def _controler_doublons(table: pd.DataFrame, utiles: pd.DataFrame, compte: Compte) -> None:
    if "nom" not in table:
        return
    premieres: dict[tuple, int] = {}
    for i, cle in _cle(table).items():
        if not cle[1] or not cle[2] or i in compte.ecarts:
            continue
        if cle in premieres:
            compte.ajouter(
                [
                    (
                        i,
                        "nom",
                        utiles["nom"][i],
                        f"une structure qui ne soit pas déjà présente : même "
                        f"type, même nom, même commune que la {compte.ou(premieres[cle])} (deux adresses ou deux "
                        "points différents les distingueraient)",
                    )
                ]
            )
        else:
            premieres[cle] = i


def _ecarter_doublons(table: pd.DataFrame, compte: Compte) -> None:
    """Une liste publique répète parfois un lieu : mêmes types, nom voisin, même endroit."""
    vues: dict[str, list[int]] = defaultdict(list)
    for i in table.index:
        if i in compte.ecarts or compte.defauts[i]:
            continue
        code = table["code"][i]
        jumelle = next((j for j in vues[code] if _deja_lue(table.loc[i], table.loc[j])), None)
        if jumelle is None:
            vues[code].append(i)
        else:
            pres = ecart_m(table.loc[i], table.loc[jumelle]) < _PRES_M
            ou = f"à moins de {_PRES_M:.0f} m" if pres else "sans adresse ni point qui les distingue"
            compte.mettre_de_cote(i, f"déjà lue : même type et même nom, {ou}", table["nom"][i])


def _deja_lue(une: pd.Series, autre: pd.Series) -> bool:
    if not set(une["type"].split()) <= set(autre["type"].split()):
        return False
    if "temps" in une.index and une["temps"] != autre["temps"] and not pd.isna(une["temps"]):
        return False
    a, b = normaliser(une["nom"]), normaliser(autre["nom"])
    if a == b:
        # À quelques mètres, une seule maison a deux adresses ; au même point exactement, c'est celui de la commune.
        return une["_site"] == autre["_site"] or 1 < ecart_m(une, autre) < _PRES_M
    # « Les Lutins 1 » et « Les Lutins 2 » se ressemblent et sont deux.
    if re.findall(r"\d+|\b(?:i{2,3}|iv|[a-z])$", a) != re.findall(r"\d+|\b(?:i{2,3}|iv|[a-z])$", b):
        return False
    proches = a in b or b in a or SequenceMatcher(None, a, b).ratio() > 0.85
    return proches and not math.isnan(une["lon"]) and ecart_m(une, autre) < _PRES_M and not _voies_autres(une, autre)


def _voies_autres(une: pd.Series, autre: pd.Series) -> bool:
    adresses = [meme_voie(x) for x in (une.get("adresse"), autre.get("adresse")) if isinstance(x, str) and x]
    return len(set(adresses)) > 1


def ecarter_fermees(table: pd.DataFrame, compte: Compte) -> None:
    if "date_fermeture" not in table:
        return
    for i, date in table["date_fermeture"].dropna().items():
        annee = table["annee"][i]
        if date.date() <= reference(annee):
            compte.ecarts[i] = "structure fermée"


def ecarter_autres_annees(table: pd.DataFrame, compte: Compte, voulue: int | None) -> None:
    """Une structure suivie sur trois ans ne compte qu'une fois : la dernière année, ou celle qu'on demande."""
    annees = table["annee"].dropna()
    if annees.nunique() < 2:
        return
    retenue = voulue if voulue in set(annees) else int(annees.max())
    for i in annees.index[annees.ne(retenue)]:
        compte.ecarts.setdefault(i, f"autre année que {retenue}, seule gardée")
