"""Les tables d'un calcul : l'embarqué complété par l'apporté, sans que les calculs s'en aperçoivent.

Ce qui est importé l'emporte sur ce qui est embarqué, case par case : c'est plus récent, ou c'est le même.
Une case importée « secret » reste vide. Rien n'est gardé en mémoire au-delà d'un changement de l'entrepôt.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, update_wrapper
from typing import Generic, TypeVar

import pandas as pd

from cafdiag.donnees import entrepot
from cafdiag.donnees.entrepot import etat_courant as etat
from cafdiag.donnees.grandeurs import COMPOSEES, VARIABLES, classe_de
from cafdiag.donnees.memoire import assemblee
from cafdiag.donnees.reunion import choisir_serie
from cafdiag.geographie import ANCIENNE
from cafdiag.magasin import lire_table
from cafdiag.territoires.passage import situer
from cafdiag.territoires.referentiel import MILLESIME_POPULATION

# Ces colonnes sont déjà dans le référentiel, sous un nom et un millésime tenus à jour.
_DEJA_LA = [
    *("nom", "dep", "epci", "nom_epci", "nature_epci"),
    *(f"pmun_{annee}" for annee in (MILLESIME_POPULATION - 1, MILLESIME_POPULATION)),
]
_DETAIL_COLLECTIF = ("txcouv_eaje_psu", "txcouv_eaje_hors_psu")
_JAMAIS = {
    "code", "nom", f"nom_{ANCIENNE}", "departement", "region", "epci", f"epci_{ANCIENNE}", "lon", "lat",
    "superficie_km2", "codes_postaux",
}  # fmt: skip


_T = TypeVar("_T")


class ParEtat(Generic[_T]):
    """Ce qu'on tire de l'entrepôt, gardé tant qu'il ne change pas : une fonction de son état, appelée sans rien."""

    def __init__(self, calculer: Callable[[tuple], _T]) -> None:
        self._garde = lru_cache(maxsize=2)(calculer)
        update_wrapper(self, calculer)

    def __call__(self) -> _T:
        return self._garde(etat())

    def cache_clear(self) -> None:
        """Oublie ce qui est gardé."""
        self._garde.cache_clear()


@ParEtat
def communes(etat_: tuple) -> pd.DataFrame:
    """Table communale : référentiel, faits embarqués, grandeurs importées. À ne pas modifier."""
    entrepot.exiger_intact("communes")
    return assemblee("communes", etat_, lambda: _assembler_les_communes(etat_))


def _assembler_les_communes(etat_: tuple) -> pd.DataFrame:
    referentiel = lire_table("communes")
    # Les arrondissements sont lus pour eux-mêmes ; aucune appartenance ne les compte avec leur ville.
    referentiel = referentiel[referentiel["type"].isin(["COM", "ARM"])].drop(columns=["type", "commune_mere"])
    france = lire_table("communes_france").set_index("code").drop(columns=_DEJA_LA, errors="ignore")
    faits = lire_table("faits_communes").set_index("code").drop(columns=_DEJA_LA, errors="ignore")
    # Une colonne nationale l'emporte : la même date partout. Les faits ne gardent que ce qu'ils ont de plus.
    faits = faits.drop(columns=faits.columns.intersection(france.columns))
    table = referentiel.set_index("code").join(france).join(faits)
    table["unite"] = 1.0
    apporte = entrepot.lire("communes") if etat_ else pd.DataFrame()
    if len(apporte):
        table = _ajouter(table, apporte.drop_duplicates("code", keep="last").set_index("code"))
    return table


def _ajouter(table: pd.DataFrame, apporte: pd.DataFrame) -> pd.DataFrame:
    """Ajoute les colonnes importées ; sur une colonne commune, l'import l'emporte là où il dit quelque chose."""
    ajouts = {}
    for colonne in apporte.columns:
        if colonne in _JAMAIS or colonne.endswith("__statut"):
            continue
        valeurs = apporte[colonne].reindex(table.index)
        if colonne in table.columns:
            ancien = table[colonne]
            if pd.api.types.is_numeric_dtype(ancien):
                ancien = ancien.astype("float64")
                valeurs = pd.to_numeric(valeurs, errors="coerce").astype("float64")
            tue = apporte.get(f"{colonne}__statut", pd.Series(dtype=object)).reindex(table.index).eq("secret")
            valeurs = valeurs.where(valeurs.notna(), ancien.mask(tue))
        ajouts[colonne] = valeurs
    autres = [c for c in table.columns if c not in ajouts]
    return pd.concat([table[autres], pd.DataFrame(ajouts, index=table.index)], axis=1)


@ParEtat
def grille_importee(etat_: tuple) -> tuple[str, frozenset[str]]:
    """Édition de la grille de densité importée (« COG 2024 »), et communes dont elle donne le niveau.

    Vide si rien n'est importé, ou si chaque niveau importé est celui de la grille embarquée.
    """
    grilles = [e for e in entrepot.entrees().values() if e["jeu"] == "communes" and "densite_7" in e["colonnes"]]
    if not grilles:
        return "", frozenset()
    embarques = lire_table("communes_france").set_index("code")["densite_7"].astype("float64")
    importes = entrepot.lire("communes", avec="densite_7").set_index("code")["densite_7"].dropna()
    if importes.astype("float64").eq(embarques.reindex(importes.index)).all():
        return "", frozenset()
    annees = sorted({int(a) for e in grilles for a in e["annees"]})
    return f"COG {' et '.join(map(str, annees))}" if annees else "importée, année non dite", frozenset(importes.index)


@ParEtat
def taux_couverture(etat_: tuple) -> pd.DataFrame:
    """Taux de couverture de la Cnaf, embarqués et importés. À ne pas modifier.

    La Cnaf publie à l'EPCI de 2025 : là où le périmètre a changé, la maille est ``epci_2025``.

    La série courante l'emporte sur l'ancienne (``hist``) ; une même année n'est jamais faite des deux.
    """
    entrepot.exiger_intact("taux_couverture")
    return assemblee("taux_couverture", etat_, lambda: _assembler_les_taux(etat_))


def _assembler_les_taux(etat_: tuple) -> pd.DataFrame:
    embarques = lire_table("taux_couverture").assign(serie="courante")
    apportes = entrepot.lire("taux_couverture") if etat_ else pd.DataFrame()
    if not len(apportes):
        return situer(embarques, defaut=ANCIENNE)
    # Le détail du collectif (PSU, hors PSU) n'est que dans les fichiers importés.
    colonnes = [*embarques.columns, *(c for c in apportes.columns if c in _DETAIL_COLLECTIF)]
    apportes = apportes.reindex(columns=colonnes)
    reunis = choisir_serie(pd.concat([embarques.reindex(columns=colonnes), apportes], ignore_index=True))
    return situer(reunis, defaut=ANCIENNE)


@ParEtat
def places(etat_: tuple) -> pd.DataFrame:
    """Places d'accueil publiées par la Cnaf et importées, à toutes les mailles ; vide s'il n'y en a pas.

    Comme pour les taux, une même année n'est jamais faite de deux séries.
    """
    entrepot.exiger_intact("places")
    return assemblee("places", etat_, lambda: _assembler_les_places(etat_))


def _assembler_les_places(etat_: tuple) -> pd.DataFrame:
    importees = entrepot.lire("places") if etat_ else pd.DataFrame()
    return situer(choisir_serie(importees), defaut=ANCIENNE) if len(importees) else importees


@ParEtat
def qpv_contours(etat_: tuple):
    """Quartiers importés qui ont un contour, ou None : la liste embarquée dit déjà tous les autres."""
    importes = entrepot.lire("qpv") if etat_ else pd.DataFrame()
    if "geometry" not in importes.columns or importes["geometry"].isna().all():
        return None
    return importes[importes["geometry"].notna()].reset_index(drop=True)


@ParEtat
def structures(etat_: tuple) -> pd.DataFrame:
    """Structures importées (registres locaux, listes officielles) ; vide s'il n'y en a pas."""
    return entrepot.lire("structures") if etat_ else pd.DataFrame()


@ParEtat
def epci(etat_: tuple) -> pd.DataFrame:
    """Grandeurs publiées à l'EPCI (revenus de Filosofi), embarquées et importées, indexées par code.

    À ne pas modifier.
    """
    embarques = lire_table("epci_filosofi").set_index("code")
    importes = entrepot.lire("epci") if etat_ else pd.DataFrame()
    if not len(importes):
        return embarques
    importes = importes.drop_duplicates("code", keep="last").set_index("code")
    table = _ajouter(embarques.reindex(embarques.index.union(importes.index)), importes)
    return table.join(importes[[c for c in importes if c.endswith("__statut")]])


# --- Ce qui, dans l'entrepôt, est confidentiel : les grandeurs déclarées par un partenaire, et où ---


Lieu = tuple[str, str]
PUBLIQUES = ("publique_arrondie", "publique_exacte")


def confidentielles() -> dict[str, frozenset[Lieu]]:
    """Variables confidentielles, et les lieux ``(maille, code)`` où un partenaire les a déclarées.

    Vide quand l'entrepôt n'a rien de confidentiel : le secret ne coûte alors rien. Une même variable peut être
    publique ailleurs (les foyers à l'AAH que publie la Cnaf) : seuls ces lieux, et leurs totaux, sont à protéger.
    """
    return dict(_confidentielles(etat()))


@lru_cache(maxsize=4)
def _confidentielles(etat: tuple) -> tuple[tuple[str, frozenset[Lieu]], ...]:
    declarees = entrepot.lire("activite") if etat else None
    if declarees is None or not len(declarees):
        return ()
    lieux = {
        grandeur: frozenset(zip(lignes["maille"], lignes["code"].astype(str), strict=True))
        for grandeur, lignes in declarees[declarees["valeur"].notna()].groupby("grandeur")
    }
    trouvees = {}
    for nom in VARIABLES:
        parties = COMPOSEES.get(nom, ("", (nom,)))[1]
        siens = frozenset().union(*(lieux.get(p, frozenset()) for p in parties))
        if siens and classe_de(nom) not in PUBLIQUES:
            trouvees[nom] = siens
    return tuple(trouvees.items())
