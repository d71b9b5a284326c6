"""Local et officiel côte à côte : l'écart est calculé, dit, et un manquant n'est jamais zéro."""

from __future__ import annotations

import pandas as pd
import pytest

from cafdiag.donnees.ecarts import comparer_structures, phrase
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.unitaire

LOCALES = pd.DataFrame(
    {
        "type": ["eaje", "eaje", "micro_creche", "ps_jeunes", "france_services"],
        "code": ["53084", "53084", "53188", "53084", "53084"],
        "places": pd.array([20, 30, 12, None, None], dtype="Int64"),
    }
)
OFFICIELLES = pd.DataFrame(
    {
        "code": ["53084", "53188", "53012"],
        "bpe2024_eaje": [9, 9, 9],
        "bpe2025_eaje": pd.array([1, None, 3], dtype="Int64"),
        "bpe2025_micro_creche": [0, 1, 0],
        "france_services_2025": [2, 0, 0],
        "bpe2025_france_services": [7, 7, 7],
    }
)


def test_structures_ecart_par_commune_et_type():
    table = comparer_structures(LOCALES, OFFICIELLES).set_index(["type", "code"])
    assert table.loc[("eaje", "53084"), ["local", "officiel", "ecart", "annee_officielle"]].tolist() == [
        2,
        1,
        1,
        2025,
    ]
    assert table.loc[("micro_creche", "53188"), "phrase"] == "autant que la source officielle"
    assert table.loc[("france_services", "53084"), ["officiel", "ecart"]].tolist() == [2, -1], "l'ANCT prime"
    assert "1 structure de moins" in table.loc[("france_services", "53084"), "phrase"]
    sans = table.loc[("ps_jeunes", "53084")]
    assert pd.isna(sans["officiel"]) and pd.isna(sans["ecart"]) and "ne publie rien" in sans["phrase"]
    assert "aucune source" in sans["reserve"]


def test_structures_sur_un_territoire_donne_le_local_vaut_zero_et_le_secret_reste_vide():
    table = comparer_structures(
        LOCALES[LOCALES["type"] == "eaje"], OFFICIELLES, codes=["53012", "53188", "53084"]
    )
    assert table["local"].tolist() == [0, 0, 2]
    assert table["ecart"].tolist()[0] == -3 and pd.isna(table["ecart"][1])


def test_structures_contre_les_faits_embarques():
    faits = lire_table("faits_communes")
    codes = faits.loc[faits["epci"] == "200048551", "code"]
    table = comparer_structures(LOCALES, faits, codes=codes)
    assert len(table) == LOCALES["type"].nunique() * 37
    eaje = table[table["type"] == "eaje"]
    assert eaje["local"].sum() == 2
    assert eaje["officiel"].sum() == faits.set_index("code").loc[codes, "bpe2025_eaje"].sum()


def test_entrees_jamais_modifiees():
    avant = LOCALES.copy(), OFFICIELLES.copy()
    comparer_structures(LOCALES, OFFICIELLES.set_index("code"))
    pd.testing.assert_frame_equal(LOCALES, avant[0])
    pd.testing.assert_frame_equal(OFFICIELLES, avant[1])


@pytest.mark.parametrize(
    ("local", "officiel", "attendu"),
    [
        (0, 1, "1 place de moins que la source officielle"),
        (float("nan"), 3, "le registre local est incomplet ici"),
    ],
)
def test_phrase(local, officiel, attendu):
    assert phrase(local, officiel, unite="place") == attendu
