"""Accès aux accueils de loisirs : distances en forme close, bords inconnus."""

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.indicateurs.enfance import acces_par_commune, distance_au_plus_proche, en_lambert93

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


def test_outre_mer_et_sans_coordonnees_restent_manquants():
    communes = communes_alignees([0, 1])
    communes.loc["c1", "departement"] = "974"
    assert en_lambert93(communes)["x"].isna().tolist() == [False, True]
    acces = acces_par_commune(communes, pd.Series([1.0, 1.0], index=communes.index), seuil_km=5)
    assert np.isnan(acces.loc["c1", "distance_km"])


def test_sans_aucune_offre_tout_est_manquant():
    points = pd.DataFrame({"x": [0.0], "y": [0.0]})
    assert distance_au_plus_proche(points, points.iloc[:0]).isna().all()


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30),
    st.integers(1, 10),
)
def test_egale_la_recherche_exhaustive(lieux, nombre):
    points = pd.DataFrame(lieux, columns=["x", "y"], dtype=float)
    offre = points.iloc[:nombre]
    ecarts = points.to_numpy()[:, None, :] - offre.to_numpy()[None, :, :]
    attendu = np.hypot(ecarts[..., 0], ecarts[..., 1]).min(axis=1) / 1000
    assert distance_au_plus_proche(points, offre).to_numpy() == pytest.approx(attendu)
