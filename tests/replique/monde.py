"""Les communes de la réplique, et ce que tous ses fichiers en disent : un seul monde, plusieurs producteurs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.magasin import lire_table

# Vingt intercommunalités de toutes sortes.
EPCI = {
    "200054781": "Grand Paris : onze départements, des arrondissements", "200046977": "Lyon : arrondissements",
    "200054807": "Aix-Marseille : arrondissements, trois départements", "243300316": "Bordeaux : métropole",
    "242900314": "Brest : métropole", "200048551": "Pays de Craon : rural",
    "242010056": "Pays Ajaccien : Corse", "200067049": "Spelunca-Liamone : Corse, très petites communes",
    "200018653": "CAP Excellence : Guadeloupe", "249720061": "Centre de la Martinique",
    "249730037": "Ouest Guyanais", "249740119": "CINOR : La Réunion",
    "200060457": "Dembeni-Mamoudzou : Mayotte", "200050532": "Petite-Terre : Mayotte, deux communes",
    "200006682": "Beaune : deux départements", "200030435": "Aire-sur-l'Adour : deux régions",
    "992367730": "Thionville Fensch : née d'une fusion en 2026", "994579670": "Lévézou : née d'une fusion en 2026",
    "200000438": "Pontchâteau : communauté de communes", "240100883": "Plaine de l'Ain : communauté de communes",
}
DEPARTEMENT, REGION = "2A", "94"
MILLESIMES_CNAF = (2020, 2021, 2022, 2023, 2024)


@dataclass(frozen=True)
class Monde:
    """Ce que la réplique sert.

    Attributes
    ----------
    nationale : bool
        Toute la France, à la taille des vrais fichiers ; sinon les vingt EPCI et la Corse.
    communes : DataFrame
        Une ligne par commune servie : ``code, nom, departement, region, epci, pop, lon, lat``.
    arrondissements : DataFrame
        Ceux de Paris, Lyon et Marseille, mêmes colonnes et ``commune_mere``.
    annees : tuple of int
        Décembres des fichiers d'allocataires.
    reels : Path, optional
        Dossier des fichiers des producteurs.
    """

    nationale: bool
    communes: pd.DataFrame
    arrondissements: pd.DataFrame
    annees: tuple[int, ...]
    reels: Path | None = None

    @property
    def lieux(self) -> pd.DataFrame:
        """Les communes, Paris, Lyon et Marseille remplacées par leurs arrondissements."""
        meres = set(self.arrondissements["commune_mere"])
        seules = self.communes[~self.communes["code"].isin(meres)]
        return pd.concat([seules, self.arrondissements], ignore_index=True).sort_values("code", ignore_index=True)


def hasard(nom: str) -> np.random.Generator:
    """Un tirage par fichier : en changer un ne change pas les autres."""
    return np.random.default_rng([*nom.encode()])


def monde(*, nationale: bool, reels: Path | None = None) -> Monde:
    """Le monde d'une échelle."""
    table = lire_table("communes")
    faits = lire_table("communes_france", colonnes=["code", "pop_2021", "naissances_2023"]).set_index("code")
    table["pop"] = table["population_2022"].astype("float64")
    # Mayotte n'a pas de population de l'année : à défaut, cent habitants pour trois naissances.
    naissances = table["code"].map(faits["naissances_2023"].astype("float64"))
    table["pop"] = table["pop"].fillna((naissances * 33).round()).fillna(200.0)
    communes = table[table["type"].eq("COM")]
    arrondissements = table[table["type"].eq("ARM")]
    if not nationale:
        garde = communes["epci"].isin(EPCI) | communes["region"].eq(REGION)
        communes = communes[garde]
        arrondissements = arrondissements[arrondissements["commune_mere"].isin(communes["code"])]
    utiles = ["code", "nom", "departement", "region", "epci", "commune_mere", "pop", "population_2023", "lon", "lat"]
    return Monde(nationale, communes[utiles].reset_index(drop=True), arrondissements[utiles].reset_index(drop=True),
                 MILLESIMES_CNAF if nationale else MILLESIMES_CNAF[-2:], reels if nationale else None)


def majuscules(noms: pd.Series) -> pd.Series:
    """Un libellé de la Cnaf : capitales, sans accent ni tiret."""
    nus = noms.str.normalize("NFKD").str.encode("ascii", "ignore").str.decode("ascii")
    return nus.str.upper().str.replace(r"[-']", " ", regex=True).astype("str")


def arrondir(valeurs: np.ndarray, pas: int = 5) -> np.ndarray:
    """Au multiple le plus proche."""
    return (np.floor(valeurs / pas + 0.5) * pas).astype("int64")
