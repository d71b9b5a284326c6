"""Ce qui se voit autour d'un territoire : le découpage à peindre, ses contours, son voisinage, son cadre.

La maille publiée commande la carte : un taux publié à l'EPCI se montre par EPCI, jamais peint commune par
commune ; ce qui se calcule à la commune se montre par commune.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.indicateurs import dictionnaire, mesurer
from cafdiag.indicateurs.petite_enfance import CALCULS_DES_TAUX
from cafdiag.magasin import lire_contours
from cafdiag.restitution.couches import Fond
from cafdiag.territoires import Territoire, lister, membres, territoire

if TYPE_CHECKING:
    import geopandas as gpd

# Au-delà, une carte par commune pèse trop lourd dans une page : on montre les EPCI.
COMMUNES_MAXIMUM = 900
_METROPOLE = (-5.3, 41.2, 9.7, 51.2)


@dataclass(frozen=True)
class Decoupage:
    """Ce qui se peint : une maille, ses codes, et comment le dire."""

    maille: str
    codes: tuple[str, ...]
    libelle: str


def se_peint_a_l_epci(indicateur: str) -> bool:
    """Vrai pour ce qui part d'un taux publié à l'EPCI : le peindre à la commune serait inventer.

    >>> se_peint_a_l_epci("PE_TENSION"), se_peint_a_l_epci("PE_NAISS")
    (True, False)
    """
    return dictionnaire().at[indicateur, "calcul"] in CALCULS_DES_TAUX


def decoupage(cible: Territoire, *, a_l_epci: bool) -> Decoupage:
    """Découpage à peindre pour un territoire, selon la maille où l'indicateur existe."""
    if cible.maille == "france":
        return Decoupage("departement", tuple(membres("departement")["code"].unique()), "les départements")
    if cible.maille == "region":
        appartenance = membres("departement")
        dedans = appartenance[appartenance["commune"].isin(cible.communes)]["code"].unique()
        return Decoupage("departement", tuple(dedans), "les départements de la région")
    if a_l_epci or len(cible.communes) > COMMUNES_MAXIMUM:
        return Decoupage("epci", epci_autour(cible), "les EPCI du département et ceux qui bordent le territoire")
    return Decoupage("commune", cible.communes, "les communes du territoire")


def epci_autour(cible: Territoire) -> tuple[str, ...]:
    """EPCI des départements du territoire, et EPCI voisins des siens.

    Ouessant, Sein, Bréhat et l'Île-d'Yeu n'en ont pas : leurs voisins, si.

    >>> "200066868" in epci_autour(territoire("Presqu'île de Crozon-Aulne maritime"))
    True
    """
    epci = membres("epci").dropna(subset=["code"])
    siens = set(epci[epci["commune"].isin(cible.communes)]["code"])
    departements = membres("departement")
    communes = departements[departements["code"].isin(cible.departements)]["commune"]
    autour = set(epci[epci["commune"].isin(communes)]["code"])
    if cible.maille == "departement":
        return tuple(sorted(autour))
    voisins = {v.code for code in siens for v in territoire(code).voisins}
    return tuple(sorted(siens | autour | voisins))


def contours_de(
    maille: str, codes: tuple[str, ...] | list[str], *, noms: pd.Series | None = None
) -> gpd.GeoDataFrame:
    """Contours d'une maille pour des codes, avec leur nom quand il est donné."""
    fichier = {"commune": "communes", "epci": "epci", "departement": "departements", "region": "regions"}[
        maille
    ]
    contours = lire_contours(fichier, filtres=[("code", "in", list(codes))])
    if noms is not None:
        contours = contours.assign(nom=contours["code"].map(noms))
    return contours.reset_index(drop=True)


def contour_du_territoire(cible: Territoire) -> gpd.GeoDataFrame | None:
    """Contour d'un territoire : précalculé, sinon union de ses communes."""
    if cible.maille in ("commune", "epci", "departement", "region"):
        return contours_de(cible.maille, [cible.code], noms=pd.Series({cible.code: cible.nom}))
    if cible.maille == "france" or len(cible.communes) > COMMUNES_MAXIMUM:
        return None
    import geopandas as gpd

    union = contours_de("commune", cible.communes).union_all()
    return gpd.GeoDataFrame({"code": [cible.code], "nom": [cible.nom]}, geometry=[union], crs=4326)


def fonds_de_contexte(cible: Territoire) -> list[Fond]:
    """Communes voisines et limite d'EPCI : le voisinage se voit, sans couleur."""
    from cafdiag.magasin import lire_table

    voisins = lire_table("voisins", filtres=[("maille", "==", "commune")])
    autour = set(voisins[voisins["code"].isin(cible.communes)]["voisin"]) - set(cible.communes)
    return [Fond(contours_de("commune", sorted(autour)), libelle="Communes voisines")] if autour else []


def communes_a_chercher(epci: Sequence[str]) -> list[tuple[str, str]]:
    """Les communes de ces EPCI, à chercher sur leur carte : nom et code de l'EPCI ; aucune s'il y en a trop.

    Examples
    --------
    >>> ("Renazé", "200048551") in communes_a_chercher(["200048551"])
    True
    """
    dedans = membres("epci").loc[lambda t: t["code"].isin(epci)]
    if len(dedans) > COMMUNES_MAXIMUM:
        return []
    noms = lister("commune").set_index("code")["nom"]
    dites = dedans.assign(nom=dedans["commune"].map(noms)).dropna(subset="nom")
    return sorted(zip(dites["nom"], dites["code"], strict=True))


def reference_des_classes(indicateur: str, *, annee: int | None) -> float:
    """À quoi se rapportent les classes de couleur : le taux de la France ; manquante, ce seront des quantiles.

    >>> reference_des_classes("PE_TXCOUV_GLOBAL", annee=None), reference_des_classes("PE_RATIO_REF", annee=None)
    (60.9, 1.0)
    """
    calcul = dictionnaire().at[indicateur, "calcul"]
    if calcul == "ratio_ref":
        return 1.0
    return float(mesurer("France", [indicateur], annee=annee)["valeur"].iloc[0]) if calcul == "publie" else float("nan")


def date_des(mesures: pd.DataFrame) -> str:
    """Millésime des valeurs connues ; leur année quand il en dit une autre."""
    connues = mesures[mesures["valeur"].notna()]
    lignes = (connues if len(connues) else mesures).to_dict("records")
    ligne = next((li for li in lignes if li["millesime"]), None)
    if ligne is None:
        return ""
    dit, annee = str(ligne["millesime"]), ligne["annee"]
    return dit if pd.isna(annee) or str(int(annee)) in dit or not len(connues) else str(int(annee))


def contexte(cible: Territoire, quoi: Decoupage) -> list[Fond]:
    """Ce qui entoure les territoires peints : communes voisines, ou limites de département."""
    if quoi.maille == "commune":
        return fonds_de_contexte(cible)
    if quoi.maille != "epci":
        return []
    appartenance = membres("epci")
    communes = appartenance.loc[appartenance["code"].isin(quoi.codes), "commune"]
    departements = membres("departement")
    codes = departements.loc[departements["commune"].isin(communes), "code"].unique()
    return [Fond(contours_de("departement", tuple(codes)), "Limites de département", "limite")]


def cadre_de(cible: Territoire) -> tuple | None:
    """Le cadre imposé à la carte d'un territoire, s'il y en a un."""
    # Outre-mer compris, la France tiendrait en trois timbres au bord d'un planisphère.
    return _METROPOLE if cible.maille == "france" else None


def a_surligner(cible: Territoire, contours: gpd.GeoDataFrame):
    """Ce qui cerne le territoire : son code s'il est dans les contours, sinon le sien."""
    if cible.maille == "france":
        return None
    if cible.code in set(contours["code"]):
        return cible.code
    return contour_du_territoire(cible)
