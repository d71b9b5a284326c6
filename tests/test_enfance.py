"""Accès aux accueils de loisirs : distances en forme close, bords inconnus."""

import numpy as np
import pandas as pd
import pyproj

from cafdiag.indicateurs.enfance import acces_par_commune

VERS_WGS84 = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)


def communes_alignees(kilometres):
    """Communes fictives alignées d'ouest en est, à ces distances (km) d'un point de la Mayenne."""
    lon, lat = VERS_WGS84.transform([420_000 + 1000 * k for k in kilometres], [6_750_000] * len(kilometres))
    return pd.DataFrame({"lon": lon, "lat": lat, "departement": "53"}, index=[f"c{k}" for k in kilometres])


def test_distances_sur_une_ligne():
    communes = communes_alignees([0, 3, 7, 20])
    acces = acces_par_commune(communes, pd.Series([1.0, 0.0, 0.0, 0.0], index=communes.index), seuil_km=5)
    assert acces["distance_km"].round(3).tolist() == [0, 3, 7, 20]
    assert acces["proche"].tolist() == [True, True, False, False]
    assert not acces["majorant"].any()


def test_commune_non_renseignee_suspend_la_reponse_de_ses_voisines():
    communes = communes_alignees([0, 3, 7, 10, 30])
    equipement = pd.Series([1.0, 0.0, 0.0, np.nan, 0.0], index=communes.index)
    acces = acces_par_commune(communes, equipement, seuil_km=5)
    assert acces["proche"].isna().tolist() == [False, False, True, True, False]
    assert acces["majorant"].tolist() == [False, False, True, True, True]


def test_outre_mer_se_mesure_chez_elle_et_sans_coordonnees_reste_manquant():
    # Saint-Denis et Sainte-Marie (Réunion), une commune de la Mayenne équipée, une commune sans point.
    communes = pd.DataFrame(
        {"lon": [55.448, 55.549, -0.77, np.nan], "lat": [-20.879, -20.897, 48.07, np.nan]}, index=list("abcd")
    )
    acces = acces_par_commune(communes, pd.Series([1.0, 0.0, 1.0, 1.0], index=communes.index), seuil_km=5)
    # 10,7 km : distance orthodromique entre les deux points (formule de haversine).
    assert acces["distance_km"].iloc[:3].round(1).tolist() == [0.0, 10.7, 0.0]
    assert np.isnan(acces.loc["d", "distance_km"])
