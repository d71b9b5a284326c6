"""Un portrait à relire : des grandeurs nommées, leur valeur, leur unité, d'où elles viennent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cafdiag.erreurs import EntreeFautive, fichier_illisible
from cafdiag.territoires.normalisation import normaliser

CHAMPS = ("valeur", "unite", "libelle", "source", "partie_de", "detail", "poids")
# Autres façons d'écrire une grandeur ; le nom du projet d'abord.
SYNONYMES = {
    "population": "habitants|population municipale|nombre d habitants",
    "foyers_allocataires": "allocataires|nombre d allocataires|foyers|foyers caf",
    "personnes_couvertes": "population couverte|personnes couvertes par la caf",
    "enfants_moins_3_ans": "enfants de moins de 3 ans|enfants de de 3 ans",
    "enfants_moins_6_ans": "enfants de moins de 6 ans|enfants de de 6 ans",
    "enfants_couverts": "enfants a charge|enfants couverts",
    "part_allocataires": "habitants sur 100 allocataires|foyers allocataires pour 100 habitants",
    "part_population_couverte": "habitants sur 100 couverts|taux de couverture de la population",
    "taille_foyer": "personnes par foyer|personnes couvertes par foyer",
}


def lire_portrait(chemin: str | Path) -> pd.DataFrame:
    """Lit un portrait au format CSV (séparateur « ; » ou « , », UTF-8), colonnes de
    :func:`cafdiag.indicateurs.anomalies.verifier_portrait`.

    Raises
    ------
    EntreeFautive
        Fichier illisible, ou colonnes absentes.
    """
    chemin = Path(chemin)
    try:
        entete = chemin.read_text(encoding="utf-8-sig").partition("\n")[0]
        return pd.read_csv(
            chemin, sep=";" if ";" in entete else ",", dtype=str, encoding="utf-8-sig", keep_default_na=False
        )
    except (OSError, ValueError) as cause:
        raise fichier_illisible(
            chemin, cause, attendu="un CSV en UTF-8, colonnes grandeur et valeur"
        ) from cause


def en_table(portrait: Mapping | pd.DataFrame) -> pd.DataFrame:
    """Une ligne par grandeur, sous son nom du projet ; tous les défauts d'un coup."""
    if isinstance(portrait, Mapping):
        lignes = [
            {"grandeur": g, **(v if isinstance(v, Mapping) else {"valeur": v})} for g, v in portrait.items()
        ]
        portrait = pd.DataFrame(lignes, columns=["grandeur", *CHAMPS])
    absentes = [c for c in ("grandeur", "valeur") if c not in portrait.columns]
    if absentes:
        raise EntreeFautive(
            "portrait",
            [f"colonne absente : {c}" for c in absentes],
            attendu="les colonnes grandeur et valeur",
        )
    table = portrait.reindex(columns=["grandeur", *CHAMPS])
    textes = [c for c in table.columns if c not in ("valeur", "poids")]
    table[textes] = table[textes].astype(object).where(table[textes].notna(), "").astype(str)
    for colonne in ("grandeur", "partie_de"):
        table[colonne] = table[colonne].map(nom_du_projet)
    defauts = []
    for colonne in ("valeur", "poids"):
        ecrites = table[colonne].astype(object).where(table[colonne].notna(), "").astype(str).str.strip()
        lues = pd.to_numeric(
            ecrites.str.replace(r"[\s\u202f\xa0]", "", regex=True).str.replace(",", "."), errors="coerce"
        )
        # L'infini n'est pas une mesure : il passerait pour un tout que rien ne dépasse.
        defauts += [
            f"ligne {i + 1} : {colonne} « {ecrites.iloc[i]} »"
            for i in range(len(table))
            if ecrites.iloc[i] and not math.isfinite(lues.iloc[i])
        ]
        table[colonne], table[f"{colonne}_ecrite"] = lues.astype(float), ecrites
    doubles = sorted(set(table.loc[table["grandeur"].duplicated(), "grandeur"]))
    defauts += [f"grandeur « {g} » donnée deux fois" for g in doubles]
    if defauts:
        raise EntreeFautive("portrait", defauts, attendu="un nombre par grandeur, et chacune une seule fois")
    return table[table["valeur"].notna()].set_index("grandeur", drop=False)


def nom_du_projet(nom: str) -> str:
    """Nom d'une grandeur dans le projet ; inchangé s'il n'est pas connu.

    >>> nom_du_projet("Enfants de - de 6 ans"), nom_du_projet("Habitants"), nom_du_projet("creches")
    ('enfants_moins_6_ans', 'population', 'creches')
    """
    mots = normaliser(nom.replace("_", " "))
    for canonique, autres in SYNONYMES.items():
        if mots in {canonique.replace("_", " "), *autres.split("|")}:
            return canonique
    return nom.strip()
