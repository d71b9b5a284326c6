"""Vérifier ce que l'entrepôt contient : empreintes, millésimes, codes qui ont bougé, recoupements simples."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

import pandas as pd

from cafdiag.donnees import catalogue, entrepot
from cafdiag.donnees.compte_rendu import accord
from cafdiag.donnees.entrepot import sans_ecriture
from cafdiag.donnees.mises_a_jour import phrase, plus_ancienne
from cafdiag.donnees.reunion import STATUT
from cafdiag.donnees.telechargement import Fiche, dernier_echec, en_service, lire_fiche
from cafdiag.donnees.transport import INJOIGNABLE
from cafdiag.erreurs import DonneesAbimees
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour

GRAVITES = ("erreur", "attention", "info")
_TOLERANCE_TAUX = 0.25  # des taux publiés à 0,1 près, et leur somme
_TOLERANCE_PLACES = 3  # des places entières, leurs composantes arrondies une à une


@dataclass
class _Constats:
    lignes: list[tuple[str, str, str]] = field(default_factory=list)

    def dire(self, gravite: str, objet: str, constat: str) -> None:
        self.lignes.append((gravite, objet, constat))


def verifier() -> pd.DataFrame:
    """Ce qui a bougé ou ne va pas, du plus grave au moins grave.

    Returns
    -------
    DataFrame
        ``gravite`` (« erreur » : inutilisable ; « attention » : à regarder ; « info »), ``objet``,
        ``constat``. Vide : rien à dire.
    """
    constats = _Constats()
    fiches = _cache(constats)
    with sans_ecriture():
        try:
            entrees = entrepot.entrees()
        except DonneesAbimees as erreur:
            constats.dire("erreur", "entrepôt", str(erreur))
            return _tableau(constats)
        defauts = {nom: entrepot.defaut(entree) for nom, entree in entrees.items()}
        saines = {nom: entree for nom, entree in entrees.items() if not defauts[nom]}
        tables = {nom: entrepot.lire_entree(nom, entree) for nom, entree in saines.items()}
    for nom, entree in entrees.items():
        if defauts[nom]:
            faire = f"téléchargez {entree['origine']}" if entree["origine"] else f"importez {entree['fichier']}"
            constats.dire("erreur", nom, f"table abîmée : {defauts[nom]} ; {faire} de nouveau")
        _millesimes(nom, entree, entrees, fiches, constats)
        _codes(nom, entree, constats)
        _mises_a_jour(nom, entrees, constats)
    for nom, table in tables.items():
        _cog(nom, saines[nom]["jeu"], table, constats)
        _internes(nom, saines[nom]["jeu"], table, constats)
    _entre_eux({n: t for n, t in tables.items() if saines[n]["jeu"] == "communes"}, constats)
    _avec_l_embarque(tables, saines, constats)
    return _tableau(constats)


def _tableau(constats: _Constats) -> pd.DataFrame:
    table = pd.DataFrame(constats.lignes, columns=["gravite", "objet", "constat"]).astype("str")
    ordre = table["gravite"].map({g: rang for rang, g in enumerate(GRAVITES)})
    return table.loc[ordre.sort_values(kind="stable").index].reset_index(drop=True)


# --- Fichiers ---


def _cache(constats: _Constats) -> dict[str, Fiche]:
    fiches = {}
    injoignables: list[str] = []
    for source in catalogue.lire_catalogue().values():
        try:
            fiche = lire_fiche(source.nom)
            en_service(source.nom)
        except DonneesAbimees as erreur:
            constats.dire("erreur", source.nom, str(erreur))
            continue
        echec = dernier_echec(source.nom)
        if INJOIGNABLE in str(echec.get("message")) and not fiche:
            injoignables.append(source.nom)
        elif echec:
            reste = f" ; la version du {fiche.date[:10]} reste en service" if fiche else ""
            constats.dire(
                "attention", source.nom, f"dernier téléchargement manqué : {echec.get('message')}{reste}"
            )
        if fiche is None:
            continue
        fiches[source.nom] = fiche
        if fiche.precedentes:
            avant = fiche.precedentes[0]
            constats.dire(
                "info",
                source.nom,
                f"le contenu a changé le {fiche.date[:10]} "
                f"(empreinte {str(avant.get('empreinte'))[:12]}… → {fiche.empreinte[:12]}…)",
            )
    if injoignables:
        constats.dire("attention", f"{len(injoignables)} {accord('source', len(injoignables))}",
                      f"dernier téléchargement manqué : {INJOIGNABLE} : {', '.join(injoignables)}")
    return fiches


def _annee_max(texte: str) -> int | None:
    annees = [int(a) for a in re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", texte)]
    return max(annees, default=None)


def _millesimes(nom: str, entree: dict, entrees: dict, fiches: dict[str, Fiche], constats: _Constats) -> None:
    origine = entree["origine"]
    fiche = fiches.get(origine)
    rangees = {e["empreinte"] for e in entrees.values() if e["origine"] == origine}
    if fiche and fiche.empreinte_utile not in rangees:
        constats.dire(
            "attention",
            nom,
            f"une version plus récente a été téléchargée le {fiche.date[:10]} sans être rangée ; "
            f"relancez « cafdiag donnees telecharger {origine} »",
        )
    connues = catalogue.lire_catalogue()
    annonce = _annee_max(connues[origine].millesime) if origine in connues else None
    derniere = max(entree["annees"], default=None) or _annee_max(entree["millesime"])
    if annonce and derniere and derniere < annonce:
        constats.dire("attention", nom, f"s'arrête à {derniere} ; le catalogue annonce {annonce}")


def _mises_a_jour(nom: str, entrees: dict, constats: _Constats) -> None:
    for mise_a_jour in entrees[nom].get("mises_a_jour", ()):
        constats.dire("attention" if mise_a_jour["residu"] else "info", nom, phrase(mise_a_jour))
        autre = mise_a_jour["remplacee"]
        if mise_a_jour["plus_ancien"] and autre in entrees:
            constats.dire("info", nom, plus_ancienne(mise_a_jour["apres"], mise_a_jour["avant"], autre))


# --- Codes ---


def _quelques(elements: list[str]) -> str:
    return ", ".join(elements[:5]) + ("…" if len(elements) > 5 else "")


def _codes(nom: str, entree: dict, constats: _Constats) -> None:
    compte = entree["compte"]
    passes, inconnus = compte["codes_passes"], compte["codes_inconnus"]
    if passes:
        exemples = _quelques([f"{a} → {b}" for a, b in sorted(passes.items())])
        constats.dire(
            "info", nom, f"{len(passes)} codes ont changé depuis le millésime du fichier : {exemples}"
        )
    if inconnus:
        constats.dire("attention", nom, f"{len(inconnus)} codes inconnus, non repris : {_quelques(inconnus)}")
    if compte["rejetees"]:
        constats.dire("info", nom, f"{compte['rejetees']} lignes rejetées sur {compte['lues']}")


def _cog(nom: str, jeu: str, table: pd.DataFrame, constats: _Constats) -> None:
    if "code" not in table:
        return
    codes = table["code"]
    if jeu != "communes":
        if "maille" not in table:
            return
        codes = codes[table["maille"] == "commune"]
    codes = codes.dropna().drop_duplicates()
    # Les pseudo-zones (XX, COM) sont gardées pour boucler les totaux : ce ne sont pas des codes périmés.
    codes = codes[codes.str.fullmatch(r"\d[\dAB]\d{3}")]
    perimes = (
        a_jour(codes).query("statut in ['passe', 'inconnu']")["code_origine"].tolist() if len(codes) else []
    )
    if perimes:
        constats.dire(
            "erreur", nom, f"{len(perimes)} codes ne sont pas au COG de référence : {_quelques(perimes)}"
        )
    if jeu == "communes":
        toutes = lire_table("communes", colonnes=["code", "type"]).query("type == 'COM'")["code"]
        manque = len(set(toutes) - set(codes))
        if manque:
            constats.dire("info", nom, f"couvre {len(toutes) - manque} communes sur {len(toutes)}")


# --- Recoupements ---


def _depasse(table: pd.DataFrame, partie: str, tout: str) -> pd.Series:
    ecart = pd.to_numeric(table[partie]) - pd.to_numeric(table[tout])
    return table.loc[(ecart > 0).fillna(False).astype(bool), "code"]


def _internes(nom: str, jeu: str, table: pd.DataFrame, constats: _Constats) -> None:
    if jeu == "communes":
        for tout in [c for c in table if re.fullmatch(r"foyers_allocataires_\d{4}", c)]:
            annee = tout[-4:]
            for partie in [c for c in table if re.fullmatch(rf"foyers_(?!allocataires)\w+_{annee}", c)]:
                codes = _depasse(table, partie, tout).astype(str).tolist()
                if codes:
                    constats.dire(
                        "attention",
                        nom,
                        f"{partie} dépasse {tout} dans {len(codes)} communes : {_quelques(codes)}",
                    )
        return
    sommes = {
        "taux_couverture": ("txcouv_eaje", ("txcouv_eaje_psu", "txcouv_eaje_hors_psu"), _TOLERANCE_TAUX),
        "places": ("places_eaje", ("places_eaje_psu", "places_eaje_hors_psu"), _TOLERANCE_PLACES),
    }
    if jeu in sommes:
        tout, parties, tolerance = sommes[jeu]
        if {tout, *parties} <= set(table.columns):
            # min_count : une composante manquante ne vaut pas zéro.
            somme = table[list(parties)].apply(pd.to_numeric).sum(axis=1, min_count=len(parties))
            ecart = (somme - pd.to_numeric(table[tout])).abs()
            nombre = int((ecart > tolerance).sum())
            if nombre:
                constats.dire(
                    "info",
                    nom,
                    f"{tout} s'écarte de la somme de ses parts dans {nombre} lignes "
                    f"(jusqu'à {ecart.max():.1f}) : le total publié fait foi".replace(".", ","),
                )


def _entre_eux(tables: dict[str, pd.DataFrame], constats: _Constats) -> None:
    """Deux fichiers qui disent la même grandeur : disent-ils la même chose ?"""
    for (un, table), (deux, autre) in itertools.combinations(tables.items(), 2):
        communes = [
            c for c in table.columns.intersection(autre.columns) if c != "code" and not c.endswith(STATUT)
        ]
        if not communes:
            continue
        reunie = table[["code", *communes]].merge(
            autre[["code", *communes]], on="code", suffixes=("", "__autre")
        )
        for colonne in communes:
            a, b = reunie[colonne], reunie[f"{colonne}__autre"]
            differe = (a.notna() & b.notna() & (a.astype(object) != b.astype(object))).astype(bool)
            if differe.any():
                codes = reunie.loc[differe, "code"].astype(str).tolist()
                constats.dire(
                    "attention",
                    f"{un} et {deux}",
                    f"{colonne} diffère dans {len(codes)} communes sur {len(reunie)} ({_quelques(codes)}) ; "
                    f"{deux}, plus récente, l'emporte",
                )


def _avec_l_embarque(tables: dict[str, pd.DataFrame], entrees: dict, constats: _Constats) -> None:
    """Les mêmes chiffres sont aussi dans cafdiag : un écart est une révision du producteur, ou une erreur."""
    cle = ["maille", "code", "annee"]
    for nom, table in tables.items():
        if entrees[nom]["jeu"] == "taux_couverture" and {*cle, "txcouv"} <= set(table.columns):
            courante = table.query("serie == 'courante'") if "serie" in table else table
            embarquee = lire_table("taux_couverture", colonnes=[*cle, "txcouv"])
            reunie = courante[[*cle, "txcouv"]].merge(embarquee, on=cle, suffixes=("", "_ici"))
            ecart = (pd.to_numeric(reunie["txcouv"]) - reunie["txcouv_ici"]).abs()
            if int((ecart > 0.05).sum()):
                zones = reunie.loc[ecart > 0.05, "code"].astype(str).tolist()
                constats.dire(
                    "attention",
                    nom,
                    f"{len(zones)} taux sur {len(reunie)} diffèrent de la table embarquée : "
                    f"{_quelques(zones)}",
                )
        if entrees[nom]["jeu"] != "communes":
            continue
        reference = lire_table("communes")
        for colonne in [c for c in table if re.fullmatch(r"population_\d{4}", c) and c in reference]:
            reunie = table[["code", colonne]].merge(
                reference[["code", colonne]], on="code", suffixes=("", "_ici")
            )
            differe = (reunie[colonne] != reunie[f"{colonne}_ici"]).fillna(False).astype(bool)
            codes = reunie.loc[differe, "code"].astype(str).tolist()
            if codes:
                constats.dire(
                    "attention",
                    nom,
                    f"{colonne} diffère de la table embarquée dans {len(codes)} communes : {_quelques(codes)}",
                )
