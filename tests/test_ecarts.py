"""Local et officiel côte à côte : l'écart est calculé, dit, et un manquant n'est jamais zéro."""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees import commandes, entrepot
from cafdiag.donnees.ecarts import comparer_structures
from cafdiag.magasin import lire_table

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
    assert table.loc[("micro_creche", "53188"), "ecart"] == 0
    assert table.loc[("france_services", "53084"), ["officiel", "ecart"]].tolist() == [2, -1], "l'ANCT prime"
    sans = table.loc[("ps_jeunes", "53084")]
    assert pd.isna(sans["officiel"]) and pd.isna(sans["ecart"])
    assert "aucune source" in sans["reserve"]


def test_l_import_d_un_registre_dit_ce_que_compte_la_source_officielle(tmp_path, monkeypatch):
    """Laval a plusieurs crèches d'après l'Insee, le registre une : les deux sont dits, rien n'est corrigé."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    (tmp_path / "creches.csv").write_text("type;nom;code\neaje;Les Lutins;53130\nps jeunes;Le Spot;53084\n", "utf-8")
    dit = commandes.importer(tmp_path / "creches.csv").en_texte()
    publiees = int(lire_table("faits_communes").set_index("code").at["53130", "bpe2025_eaje"])
    attendu = f"EAJE : 1 dans ce registre, {publiees} dans les mêmes communes d'après la source officielle de 2025"
    assert publiees > 1 and f"{attendu} (Laval 1 et {publiees})" in dit
    assert "PS jeunes" not in dit, "aucune source officielle ne les compte"
    assert entrepot.lire("structures")["type"].tolist() == ["eaje", "ps_jeunes"]


def test_entrees_jamais_modifiees():
    avant = LOCALES.copy(), OFFICIELLES.copy()
    comparer_structures(LOCALES, OFFICIELLES.set_index("code"))
    pd.testing.assert_frame_equal(LOCALES, avant[0])
    pd.testing.assert_frame_equal(OFFICIELLES, avant[1])
