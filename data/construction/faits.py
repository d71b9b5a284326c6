"""Les tables de faits : les CSV de ``data/faits``, typés sans rien y ajouter."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd

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
    "qpv": ("qpv_01_08_49_53.csv", r"population|menages|population_2018_perimetre_2015", r"(?!)"),
}


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
    qpv = tables["qpv"]
    commune = qpv["communes"].str.extract(r"(\w{5})", expand=False)
    defaut = commune + "-" + qpv["nom"].map(_nom_normalise)
    qpv.insert(0, "identifiant", qpv["code_qpv"].where(qpv["code_qpv"].notna(), defaut).astype("str"))
    qpv.insert(4, "commune", commune.astype("str"))
    return tables
