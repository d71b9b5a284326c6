"""Lire des Mesures pour les dessiner : vides, noms, couleurs, sources, symboles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.fiches import source_dite
from cafdiag.restitution.formats import nom_court, statut

if TYPE_CHECKING:
    import pandas as pd


def lire_lignes(mesures: pd.DataFrame) -> list[dict[str, Any]]:
    """Les mesures en dictionnaires, un manquant valant toujours ``None`` et portant son statut."""
    if mesures.empty:
        raise DemandeFausse(
            "aucune mesure à dessiner", conseil="dites-le en une ligne plutôt qu'en graphique"
        )
    lignes = mesures.to_dict("records")
    for ligne in lignes:
        if est_vide(ligne.get("statut")):
            ligne["statut"] = "non_disponible" if est_vide(ligne.get("valeur")) else "exact"
        if not statut(ligne["statut"]).chiffre:
            ligne["valeur"] = None
        elif est_vide(ligne.get("valeur")):
            ligne["statut"] = "non_disponible"
    return lignes


def une_par_territoire(lignes: list[dict]) -> None:
    """Refuse deux mesures pour un même territoire."""
    codes = [ligne["territoire"] for ligne in lignes]
    if len(set(codes)) != len(codes):
        raise DemandeFausse(
            "plusieurs mesures pour un même territoire",
            attendu="un indicateur, une année",
            conseil="filtrez les mesures",
        )


def connue(ligne: dict) -> bool:
    """Vrai si la mesure a une valeur."""
    return not est_vide(ligne.get("valeur"))


def couleur_de(ligne: dict, territoire: str) -> str:
    """La couleur du territoire, ou celle de sa référence."""
    if ligne["territoire"] == territoire:
        return couleurs.TERRITOIRE
    return couleurs.REFERENCES.get(str(ligne.get("maille")), couleurs.REGION)


def nom_de(ligne: dict, noms: Mapping[str, str] | None) -> str:
    """Le nom à écrire ; une intercommunalité perd sa nature (« CC du »)."""
    if noms and ligne["territoire"] in noms:
        return str(noms[ligne["territoire"]])
    return str(ligne["territoire"]) if est_vide(ligne.get("nom")) else nom_court(str(ligne["nom"]))


def source_commune(lignes: list[dict], source: str) -> str:
    """La source donnée, ou celles des mesures, chacune une fois."""
    if source:
        return source
    dites = list(
        dict.fromkeys(
            source_dite(li).removeprefix("Source : ") for li in lignes if not est_vide(li.get("source"))
        )
    )
    return " ; ".join(dites)


def symbole(ligne: dict) -> str:
    """Le symbole du statut entre parenthèses ; rien pour une valeur exacte."""
    signe = statut(ligne["statut"]).symbole
    return f" ({signe})" if signe else ""


def note_statuts(lignes: list[dict]) -> str:
    """Ce que veulent dire les symboles employés."""
    cles = dict.fromkeys(li["statut"] for li in lignes)
    dits = [f"{statut(c).symbole} : {statut(c).libelle}" for c in cles if statut(c).symbole]
    return f"{' ; '.join(dits)}." if dits else ""
