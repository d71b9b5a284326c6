"""Ce qui a été mesuré une fois se reprend tel quel, et une donnée nouvelle le fait oublier."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.indicateurs import mesures_gardees
from cafdiag.indicateurs.mesures import mesurer_cles
from cafdiag.indicateurs.mesures_gardees import mesurer_une_fois
from cafdiag.indicateurs.tables_calcul import Tables, un_territoire

# Un EPCI, une commune, Mayotte, une région, et deux périmètres libres de même nom.
LIEUX = ("200048551", "53084", "976", "region:52", "libre un", "libre deux")
CODES = ["PE_NAISS", "PE_TXCOUV_GLOBAL", "CTX_PART_0_19", "AVS_EVS_PART_RURAL"]


def lieu(nom):
    if nom.startswith("libre"):
        return cd.perimetre("Le pôle", ["53084", "53012"] if nom == "libre un" else ["53084", "49007"])
    return cd.territoire(nom)


def lignes(noms):
    couples = [un_territoire(lieu(nom), f"{rang}") for rang, nom in enumerate(noms)]
    return pd.concat([t for t, _ in couples]), pd.concat([a for _, a in couples], ignore_index=True)


@settings(max_examples=15)
@given(suite=st.lists(st.lists(st.sampled_from(LIEUX), min_size=1, max_size=4), min_size=1, max_size=4),
       annee=st.sampled_from([None, 2022]), place=st.sampled_from([1, 200]))
def test_ni_l_ordre_ni_les_voisins_ni_la_memoire_ne_changent_une_mesure(suite, annee, place):
    with pytest.MonkeyPatch.context() as pose:
        pose.setattr(mesures_gardees, "_BLOCS_GARDES", place)
        tables = Tables.lire(None)
        for noms in suite:
            rendue = mesurer_une_fois(*lignes(noms), CODES, tables, annee=annee, options=None)
            seuls = [
                mesurer_cles(*un_territoire(lieu(nom), nom), CODES, tables, annee=annee, options=None) for nom in noms
            ]
            pd.testing.assert_frame_equal(rendue, pd.concat(seuls, ignore_index=True))


def test_toucher_a_une_mesure_rendue_ne_change_pas_la_suivante():
    tables = Tables.lire(None)
    prise = mesurer_une_fois(*lignes(LIEUX[:1]), CODES[:3], tables, annee=None, options=None)
    vraie = prise["valeur"].tolist()
    prise["valeur"] = -1.0
    reprise = mesurer_une_fois(*lignes(LIEUX[:1]), CODES[:3], tables, annee=None, options=None)
    assert reprise["valeur"].tolist() == vraie and -1.0 not in vraie
