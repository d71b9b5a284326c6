"""Les tables de faits : les CSV de ``data/faits``, typés sans rien y ajouter, et réunis au COG 2025."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd

from construction.passage import SCISSIONS

# Table embarquée → fichier de faits, colonnes entières, colonnes décimales ; le reste est du texte.
TABLES = {
    "taux_couverture": ("cnaf_taux_couverture_2023.csv", r"annee", r"txcouv.*"),
    "faits_communes": (
        "communes_01_08_49_53.csv",
        r"pmun_.*|pop_2021.*|densite_7|.*_secret|ecoles_.*|colleges_.*|france_services_.*|naissances_.*|"
        r"bpe2025_.*|foyers_.*|personnes_.*|niveau_vie_median_2021", r"pop_2023_.*|taux_pauvrete_2021"),
    "places_communes": ("cnaf_places_communes_2022.csv", r"places_.*|annee", r"(?!)"),
    "enfants_communes": ("cnaf_enfants_communes.csv", r"annee", r"bas|haut"),
    "structures": ("structures_01_08_49_53.csv", r"annee", r"lon|lat"),
    "structures_couverture": ("structures_couverture.csv", r"trouvees|total_connu", r"(?!)"),
    "passage_epci": ("passage_epci_2025_2026.csv", r"(?!)", r"(?!)"),
}
_FRANCE = ("communes_france.csv.gz",
           r"naissances_.*|densite_.*|p(mun|tot)_2022|france_services_.*|pop_2021.*|niveau_vie_.*|.*_secret",
           r"pop_2022_.*|taux_pauvrete_2021")
# Relevées commune par commune au COG 2024, ou d'avant : une commune nouvelle n'y a que son seul chef-lieu.
_RECOMPOSEES = ("communes_recomposees.csv", r"p(mun|tot)_2022|pop_2021.*", r"(?!)")
_FS_ARRONDISSEMENTS = ("france_services_arrondissements.csv", r"france_services_2025", r"(?!)")
_QPV_DETAIL = ("qpv_01_08_49_53.csv", r"population|menages|population_2018_perimetre_2015", r"(?!)")
# Médianes et taux : ceux d'une commune dont le périmètre a changé ne se déduisent pas de ses parties.
_NON_ADDITIVES = ["niveau_vie_median_2021", "taux_pauvrete_2021", "niveau_vie_secret", "taux_pauvrete_secret"]
_AGES_RECONSTITUES = ["pop_2022_0_14", "pop_2022_15_24"]


def _nom_normalise(nom: str) -> str:
    sans_accent = unicodedata.normalize("NFKD", nom.replace("œ", "oe").replace("Œ", "oe"))
    return re.sub(r"[^a-z0-9]+", "-", sans_accent.encode("ascii", "ignore").decode().lower()).strip("-")


def lire_faits(fichier: Path, entiers: str, decimaux: str) -> pd.DataFrame:
    """Lit un fichier de faits : vide = manquant, codes en texte, nombres exacts.

    Raises
    ------
    ValueError
        Une colonne annoncée entière porte un texte ou une décimale : rien n'est converti de force.
    """
    # « NC » ou « NA » sont des valeurs de ces fichiers, pas des manquants : seul le vide en est un.
    lue = pd.read_csv(fichier, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8")
    for colonne in lue.columns:
        if re.fullmatch(entiers, colonne):
            lue[colonne] = pd.to_numeric(lue[colonne]).astype("Int64")
        elif re.fullmatch(decimaux, colonne):
            lue[colonne] = pd.to_numeric(lue[colonne]).astype("float64")
    return lue


def tables_de_faits(faits: Path) -> dict[str, pd.DataFrame]:
    """Toutes les tables de faits, par nom de table."""
    tables = {nom: lire_faits(faits / fichier, entiers, decimaux)
              for nom, (fichier, entiers, decimaux) in TABLES.items()}
    tables["qpv"] = table_qpv(faits)
    revenus = lire_faits(faits / "epci_filosofi.csv", r"niveau_vie_.*|menages_.*", r"taux_.*")
    # La médiane 2019 est à la géographie de 2020 : seuls les revenus 2021 sont ceux des EPCI de 2025.
    revenus = revenus[["code", "niveau_vie_median_2021", "taux_pauvrete_2021"]]
    tables["epci_filosofi"] = revenus.dropna(subset="niveau_vie_median_2021").reset_index(drop=True)
    return tables


def table_france(faits: Path, passage: pd.DataFrame) -> pd.DataFrame:
    """Les 34 875 communes : naissances, densité, zonages, populations, revenus, au COG 2025.

    Les relevés par commune s'arrêtent souvent au COG de l'année de la source : la population d'une commune
    nouvelle y est celle de son chef-lieu. Les communes recomposées ont leurs sommes à part
    (``communes_recomposees.csv``) ; ce qui ne se somme pas y est vidé.
    """
    brute = lire_faits(faits / _FRANCE[0], *_FRANCE[1:]).set_index("code")
    table = brute.drop(columns="nom").rename(columns={
        "densite_7_cog2025": "densite_7", "ptot_2022": "population_totale_2022",
        "niveau_vie_median_2021_secret": "niveau_vie_secret", "taux_pauvrete_2021_secret": "taux_pauvrete_secret"})
    # La liste des France services est nationale et complète : sans ligne, aucune.
    table["france_services_2025"] = table["france_services_2025"].fillna(0)
    # La liste situe à l'arrondissement : Marseille n'y a aucune ligne à elle, Paris quelques-unes de plus.
    aux_arrondissements = lire_faits(faits / _FS_ARRONDISSEMENTS[0], *_FS_ARRONDISSEMENTS[1:])
    sommes = aux_arrondissements.groupby("commune")["france_services_2025"].sum()
    table.loc[sommes.index, "france_services_2025"] += sommes
    table["zrr_2021"] = table["zrr_2021"].str.extract(r"^(NC|C|P)\b", expand=False).astype("str")
    refaites = lire_faits(faits / _RECOMPOSEES[0], *_RECOMPOSEES[1:]).set_index("code")
    refaites = refaites.rename(columns={"ptot_2022": "population_totale_2022"})
    perimees = refaites.index[refaites["pmun_2022"].ne(table.loc[refaites.index, "pmun_2022"]).fillna(True)]
    table.loc[perimees, _AGES_RECONSTITUES] = float("nan")
    for colonne in refaites.columns.drop(["nom", "communes_sommees"]):
        table.loc[refaites.index, colonne] = refaites[colonne]
    # Une commune qui ne change que de code garde ses chiffres.
    changees = set(passage.loc[passage["annee"].eq(2025) & passage["type"].ne("changement_code"), "code"])
    table.loc[table.index.isin(changees), _NON_ADDITIVES] = pd.NA
    # Ce que l'ancien code d'une commune scindée garde de l'ensemble ne la classe ni ne la mesure, elle.
    for ancien, (_, annee) in SCISSIONS.items():
        table.loc[ancien, "zrr_2021"] = pd.NA
        if annee == 2025:
            table.loc[ancien, ["pmun_2022", "population_totale_2022"]] = pd.NA
    return table.reset_index()


def table_qpv(faits: Path) -> pd.DataFrame:
    """Les quartiers prioritaires de toute la France : un par ligne, avec ses communes ; et, dans quatre
    départements, ce qu'on en sait de plus (population publiée, remarque)."""
    liens = lire_faits(faits / "qpv_france.csv", r"(?!)", r"(?!)")
    table = liens.groupby("code_qp", as_index=False).agg(
        nom=("nom", "first"), communes=("commune", lambda c: " ".join(sorted(c))))
    table = table.rename(columns={"code_qp": "identifiant"})
    table["dep"] = table["identifiant"].str[2:5].str.replace(r"^0", "", regex=True)
    detail = lire_faits(faits / _QPV_DETAIL[0], *_QPV_DETAIL[1:])
    detail["cle"] = [_cle_qpv(*x) for x in zip(detail["communes"], detail["nom"], strict=True)]
    cles = pd.Series([_cle_qpv(*x) for x in zip(table["communes"], table["nom"], strict=True)],
                     index=table["identifiant"])
    if not set(detail["cle"]) <= set(cles):
        raise AssertionError(f"quartiers absents de la liste nationale : {sorted(set(detail['cle']) - set(cles))}")
    plus = ["population", "population_annee", "population_source", "menages", "code_qpv_2015_meme_nom",
            "population_2018_perimetre_2015", "remarque"]
    table["cle"] = cles.to_numpy()
    table = table.merge(detail[["cle", *plus]], on="cle", how="left").drop(columns="cle")
    # Les codes sont tous connus maintenant : la remarque qui en regrettait l'absence n'a plus cours.
    table["remarque"] = table["remarque"].str.replace(r"(;\s*)?code 2024 non trouvé", "", regex=True).replace("", pd.NA)
    return table.sort_values("identifiant", ignore_index=True)


def _cle_qpv(communes: str, nom: str) -> str:
    return " ".join(sorted(re.findall(r"\w{5}", communes))) + "-" + _nom_normalise(nom)
