"""Le nombre d'enfants de moins de 3 ans : la méthode qui sert, son intervalle, sa couverture constatée, l'alerte."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees.calibrage import calibrage_enfants, dispersion, niveau
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.enfants import FRONTALIERS, enfants_estimes, estimer
from cafdiag.indicateurs.tables_calcul import contexte_de
from cafdiag.magasin import dossier, lire_table

SAINT_GENIS, GIVET, PAYS_DE_GEX, ANGERS, VEYLE = "01354", "240800821", "240100750", "244900015", "200070555"


def besoin(code, cible="60.9", capsys=None, plus=()):
    assert principal(["simuler", code, "--cible", cible, "--format", "json", *plus]) == 0
    return pd.DataFrame(json.loads(capsys.readouterr().out)).set_index("poste")


def test_saint_genis_retrouve_ses_places(capsys):
    """712 enfants reconstitués de la Cnaf en 2022 pour 389 naissances : 30,4 points font 216 places, non 120."""
    table = besoin(SAINT_GENIS, capsys=capsys)
    places, enfants = table.loc["places à créer"], table.loc["enfants de moins de 3 ans"]
    assert places["bas"] <= 216 <= places["haut"] and abs(places["valeur"] - 216) <= 0.05 * 216
    assert enfants["bas"] <= 712 <= enfants["haut"]
    assert "392 par les naissances, 614 par le recensement de 2023" in enfants["motif"]
    assert "taux publiés de 2022, puis portés par les naissances" in enfants["motif"]
    assert "attention, les naissances domiciliées trompent ici" in enfants["motif"]


@pytest.mark.parametrize(("code", "recensement"), [(GIVET, 743), (PAYS_DE_GEX, 4375)])
def test_la_frontiere_s_annonce_et_les_naissances_ne_font_plus_foi(code, recensement, capsys):
    table = besoin(code, "100", capsys=capsys)
    enfants = table.loc["enfants de moins de 3 ans"]
    nes = cd.mesurer(code, ["PE_ENF_M3"], annee=2023).iloc[0]
    assert nes["valeur"] < enfants["bas"] <= recensement <= enfants["haut"]
    for motif in (enfants["motif"], nes["motif"]):
        assert "naissances domiciliées trompent ici" in motif and "département frontalier" in motif


def test_ailleurs_pas_d_alerte():
    for code in (ANGERS, VEYLE, "200048551"):
        assert "attention" not in cd.mesurer(code, ["PE_ENF_M3"], annee=2023).iloc[0]["motif"]


def test_les_communes_verifiables_de_2022_sont_dans_l_intervalle_neuf_fois_sur_dix():
    """Les communes dont la Cnaf laisse reconstituer le compte de 2022 : la vérité ne sert pas à se juger elle-même.

    Elles sont estimées sans leur compte (combinaison), puis avec celui de l'an passé (porté).
    """
    table = lire_table("enfants_communes")
    vrais = table[table["annee"].eq(2022)].set_index("code")
    places = lire_table("places_communes")["code"]
    vrais = vrais[vrais.index.isin(places)]
    assert len(vrais) >= 29
    lieux = cd.perimetre("Vérifiables", list(vrais.index))
    contexte = contexte_de(lieux)
    communes = contexte.communes.index.intersection(vrais.index)

    def lire(variable, annee):
        return contexte.par_commune(variable, annee=annee).loc[communes, "valeur"]

    def presence(variable, an):
        recenses = lire(variable, an)
        return recenses / lire("enfants_moins_3_ans", an - 1), recenses

    combines = estimer(lire("enfants_moins_3_ans", 2022), presence, contexte.annees, 2022)
    dedans = combines["bas"].le(vrais["haut"]) & combines["haut"].ge(vrais["bas"])
    assert set(combines["methode"]) == {"recensement"} and dedans.mean() >= 0.9
    # Les deux estimations d'avant ne l'encadraient qu'une fois sur trois.
    naissances, recensement = combines["naissances"], combines["recensement"]
    entre = vrais["haut"].ge(np.minimum(naissances, recensement)) & vrais["bas"].le(np.maximum(naissances, recensement))
    assert entre.mean() < 0.6


def test_l_annee_meme_est_reconstituee_et_la_suivante_portee():
    table = lire_table("enfants_communes").set_index(["code", "annee"])
    contexte = contexte_de(cd.territoire("53130"))
    laval = enfants_estimes(contexte, 2022).iloc[0]
    assert (laval["methode"], laval["statut"]) == ("reconstitue", "arrondi")
    assert (laval["bas"], laval["haut"]) == tuple(table.loc[("53130", 2022), ["bas", "haut"]])
    porte = enfants_estimes(contexte, 2023).iloc[0]
    assert (porte["methode"], porte["statut"]) == ("prolonge", "estime")
    naissances = [contexte.somme("enfants_moins_3_ans", annee=a)["valeur"].iloc[0] for a in (2022, 2023)]
    p = calibrage_enfants().loc["prolonge_1"]
    attendu = laval["valeur"] * naissances[1] / naissances[0] * np.exp(p["constante"])
    assert porte["valeur"] == round(attendu) and porte["bas"] < laval["bas"] and laval["haut"] < porte["haut"]


@pytest.mark.parametrize("methode", ["recensement", "recensement_0_14", "naissances", "prolonge_1", "prolonge_3"])
@given(st.integers(1, 50_000), st.floats(-0.6, 0.9))
def test_l_intervalle_contient_sa_valeur_et_se_resserre_avec_le_nombre(methode, naissances, presence):
    p = calibrage_enfants().loc[methode]
    assert p["quantile_bas"] < 0 < p["quantile_haut"]
    large, plus_large = dispersion(naissances, p), dispersion(naissances / 2, p)
    assert 0 < large <= plus_large
    # Plus d'enfants recensés, jamais moins d'enfants estimés.
    assert niveau(presence, p) <= niveau(presence + 0.1, p)


def test_le_dictionnaire_ecrit_la_couverture_constatee():
    calibrage = calibrage_enfants()
    limites = dictionnaire().at["PE_BESOIN_CIBLE", "limites"]
    bornes = [f"{x:.1f}".replace(".", ",") for x in (calibrage["couverture"].min(), calibrage["couverture"].max())]
    assert f"{bornes[0]} à {bornes[1]} %" in limites
    assert f"{calibrage.at['naissances', 'territoires']} communes" in limites
    assert calibrage["couverture"].between(88, 93).all()
    for methode in ("prolonge_1", "recensement", "naissances"):
        assert f"{calibrage.at[methode, 'erreur_mediane']:.0f} %" in limites


def test_sans_recensement_les_naissances_seules_le_disent():
    codes = pd.Index(["a", "b"])
    seules = estimer(
        pd.Series([400.0, np.nan], index=codes), None, lambda v: [2023] if v == "enfants_moins_3_ans" else [], 2023
    )
    assert seules["methode"].tolist() == ["naissances", ""] and seules["valeur"].isna().tolist() == [False, True]
    assert seules.at["a", "bas"] < 400 * 0.9 and seules.at["a", "haut"] > 400 * 1.1


def test_les_departements_frontaliers_existent():
    assert set(FRONTALIERS) <= set(lire_table("departements")["code"])


@pytest.mark.reels
def test_l_embarque_egale_l_import_des_deux_fichiers(fichiers_reels):
    sys.path.insert(0, str(dossier("data") / "construction"))
    import calibrage_enfants as script

    refaits = script.reconstituer_les_communes(fichiers_reels / "cnaf")
    embarques = lire_table("enfants_communes")
    assert len(refaits) == len(embarques) == 6225
    cle = ["code", "annee"]
    ensemble = embarques.merge(refaits, on=cle, suffixes=("", "_refait"))
    assert len(ensemble) == 6225 and ensemble["bas"].eq(ensemble["bas_refait"]).all()
    assert ensemble["haut"].eq(ensemble["haut_refait"]).all()


@pytest.mark.reels
def test_les_reglages_se_refont(fichiers_reels, monkeypatch):
    """Le script, rejoué sur les faits embarqués, redonne les réglages embarqués."""
    faits = Path(dossier("data")) / "faits"
    if not (faits / "communes_france.csv.gz").is_file():
        pytest.skip("naissances de toute la France absentes des faits")
    monkeypatch.syspath_prepend(str(dossier("data") / "construction"))
    import calibrage_enfants as script

    enfants = pd.read_csv(faits / script.ENFANTS, dtype={"code": str})
    refait = script.calibrer(script.banc(enfants, faits)).set_index("methode")
    pd.testing.assert_frame_equal(refait, calibrage_enfants(), check_dtype=False, rtol=1e-3)


def test_le_recensement_et_les_naissances_cote_a_cote(tmp_path, monkeypatch, capsys):
    """Deux sources, deux lignes, deux dates ; l'écart se dit à la même date, et jamais l'une pour l'autre."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    craon = cd.territoire("200048551").communes
    muette = cd.mesurer("200048551", ["PE_ENF_M3_RP"]).iloc[0]
    assert muette["statut"] == "non_disponible" and "donnees telecharger age_iris" in muette["motif"]
    lignes = [f"{c}0000;{c};Z;5;500;30;40;60" for c in craon]
    (tmp_path / "iris.csv").write_text("IRIS;COM;TYP_IRIS;LAB_IRIS;P22_POP;P22_POP0002;P22_POP0305;P22_POP0610\n"
                                       + "\n".join(lignes) + "\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(tmp_path / "iris.csv")]) == 0
    recenses, nes = (cd.mesurer("200048551", [c]).iloc[0] for c in ("PE_ENF_M3_RP", "PE_ENF_M3"))
    assert (recenses["valeur"], recenses["annee"], recenses["statut"]) == (30 * len(craon), 2022, "exact")
    assert recenses["millesime"] == "1er janvier 2022" and nes["millesime"] == "2021 à 2023"
    france = lire_table("communes_france").set_index("code")
    trois_ans = france.loc[list(craon), [f"naissances_{a}" for a in (2019, 2020, 2021)]].sum().sum()
    ecart = trois_ans - 30 * len(craon)
    dit = "plus" if ecart > 0 else "moins"
    assert recenses["motif"] == (
        f"à la même date, les naissances de 2019 à 2021 en donnent {int(trois_ans)}, "
        f"soit {abs(int(ecart))} de {dit} ({100 * abs(ecart) / (30 * len(craon)):.0f}\u202f%)")
    # La valeur des naissances, elle, n'a pas bougé.
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "vide"))
    assert cd.mesurer("200048551", ["PE_ENF_M3"]).iloc[0]["valeur"] == nes["valeur"]
