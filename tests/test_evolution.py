"""Séries et ruptures, décomposition d'un taux, sur des fichiers au format de la Cnaf et sur les vrais."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.evolution import effets, enfants_de
from cafdiag.magasin import lire_table
from cafdiag.restitution.evolution import fait_une_serie
from cafdiag.restitution.jointes import de_json
from cafdiag.restitution.types_mime import MIME_MESURES

CRAON, LAVAL = "200048551", "53130"
TAUX = (
    "annee;numepci;txcouv_psu_col_epci;txcouv_hors_psu_col_epci;txcouv_eaje_epci;txcouv_prescol_epci;"
    "txcouv_am_ind_epci;txcouv_gad_ind_epci;txcouv_ind_epci;txcouv_epci"
)
PLACES = (
    "annee;numepci;pl_psu_col_epci;pl_hors_psu_col_epci;pl_eaje_epci;pl_prescol_epci;"
    "pl_am_ind_epci;pl_gad_ind_epci;pl_ind_epci;tot_offre_epci"
)


@pytest.fixture
def entrepot(tmp_path, monkeypatch):
    """Un entrepôt à soi, et de quoi y importer un fichier au format de la Cnaf."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))

    def ranger(nom, entete, lignes):
        fichier = tmp_path / nom
        fichier.write_text("\n".join([entete, *lignes]) + "\n", encoding="utf-8")
        assert cd.importer([str(fichier)]).reussi

    return ranger


def ligne(annee, enfants, psu, am):
    """Une ligne de taux et une ligne de places pour tant d'enfants, arrondies comme la Cnaf."""
    t = [round(100 * p / enfants, 1) for p in (psu, 0, psu, 0, am, 0, am, psu + am)]
    p = [psu, 0, psu, 0, am, 0, am, psu + am]
    return [f"{annee};{CRAON};" + ";".join(map(str, v)) for v in (t, p)]


def importer_les_deux(entrepot, annees, suffixe=""):
    lignes = [ligne(*a) for a in annees]
    entrepot(f"txcouv_pe_epci{suffixe}.csv", TAUX, [t for t, _ in lignes])
    entrepot(f"nbpla_pe_epci{suffixe}.csv", PLACES, [p for _, p in lignes])


# --- La série ---


def test_la_couture_des_deux_series_est_une_rupture(entrepot):
    importer_les_deux(entrepot, [(a, 800, 60, 500 + a - 2017) for a in range(2017, 2023)], "_hist")
    table = cd.serie(CRAON, "PE_TXCOUV_GLOBAL").set_index("annee")
    assert table.index.tolist() == [2017, 2018, 2019, 2020, 2021, 2022, 2023]
    assert table["serie"].tolist() == ["hist"] * 6 + ["courante"]
    assert table["rupture"].tolist() == [False] * 6 + [True]
    assert table.loc[2017, "valeur"] == 70.0 and table.loc[2023, "valeur"] == 79.9
    assert "ne se comparent pas" in table.loc[2023, "motif"]


def test_la_serie_courante_prime_en_2022_et_l_ancienne_n_y_est_plus(entrepot):
    importer_les_deux(entrepot, [(2021, 800, 60, 500), (2022, 800, 60, 480)], "_hist")
    importer_les_deux(entrepot, [(2022, 800, 60, 540), (2023, 800, 60, 560)])
    table = cd.serie(CRAON, "PE_TXCOUV_GLOBAL").set_index("annee")
    assert table["valeur"].tolist() == [70.0, 75.0, 77.5]
    assert table["serie"].tolist() == ["hist", "courante", "courante"]
    assert table["rupture"].tolist() == [False, True, False]


def test_une_serie_sans_couture_n_a_pas_de_rupture():
    table = cd.serie("53", "PE_NAISS")
    assert len(table) == 18 and not table["rupture"].any() and table["serie"].eq("").all()


@pytest.mark.parametrize("code", ["PS_DEP50", "PE_PARENTS_EMPLOI"])
def test_un_indicateur_sans_aucune_annee_dit_ce_qu_il_faut_apporter(code, capsys):
    assert principal(["serie", CRAON, code, "--format", "json"]) == 0
    (ligne,) = json.loads(capsys.readouterr().out)
    assert ligne["annee"] is None and ligne["statut"] == "non_disponible" and "à apporter" in ligne["motif"]
    assert not ligne["rupture"]


@pytest.mark.parametrize("mots", [["serie", "49069", "CTX_POP"], ["decomposer", "49069", "2022", "2023"]])
def test_le_territoire_lu_d_un_ancien_code_se_dit(mots, capsys):
    assert principal(mots) == 0
    assert "49126" in capsys.readouterr().err


def test_une_annee_muette_reste_dans_la_serie(entrepot):
    entrepot("txcouv_pe_epci_hist.csv", TAUX, ["2021;200070555;8;0;8;0;60;0;60;68"])
    table = cd.serie(CRAON, "PE_TXCOUV_GLOBAL").set_index("annee")
    assert table.loc[2021, "statut"] == "non_disponible" and np.isnan(table.loc[2021, "valeur"])


# --- La décomposition ---


@given(
    st.tuples(st.integers(0, 5000), st.integers(0, 5000)),
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
)
def test_la_somme_des_effets_est_la_variation(places, enfants):
    valeurs = effets(places, enfants)["valeur"]
    variation = 100 * places[1] / enfants[1] - 100 * places[0] / enfants[0]
    assert valeurs["effet_places"] + valeurs["effet_naissances"] == pytest.approx(
        variation, abs=1e-9, rel=1e-9
    )
    assert valeurs["variation"] == pytest.approx(variation, abs=1e-9, rel=1e-9)


@given(
    st.tuples(st.integers(0, 2000), st.integers(0, 2000)),
    st.tuples(st.integers(10, 2000), st.integers(0, 50), st.integers(0, 50)),
    st.tuples(st.integers(10, 2000), st.integers(0, 50), st.integers(0, 50)),
)
def test_l_encadrement_contient_l_effet_de_tout_nombre_d_enfants_possible(places, debut, fin):
    (e0, moins0, plus0), (e1, moins1, plus1) = debut, fin
    bornes = ((max(e0 - moins0, 1), e0 + plus0), (max(e1 - moins1, 1), e1 + plus1))
    encadre, vrai = effets(places, bornes), effets(places, (e0, e1))["valeur"]
    assert (encadre["bas"] <= vrai + 1e-9).all() and (encadre["haut"] >= vrai - 1e-9).all()


def test_effets_symetriques_en_forme_close():
    # 50 places pour 100 enfants, puis 60 pour 80 : +25 points, dont 11,25 de places et 13,75 de naissances.
    assert effets((50, 60), (100, 80))["valeur"].tolist() == pytest.approx([25, 11.25, 13.75])
    assert effets((60, 50), (80, 100))["valeur"].tolist() == pytest.approx([-25, -11.25, -13.75])


def test_des_places_arrondies_encadrent_aussi_les_effets():
    # 5 places publiées valent de 4,5 à 5,5 ; 800 enfants les deux années : 100 × ±1 / 800.
    table = effets(((4.5, 5.5), (4.5, 5.5)), (800, 800))
    assert table.loc["variation"].tolist() == table.loc["effet_places"].tolist() == pytest.approx([0, -0.125, 0.125])
    assert table.loc["effet_naissances"].tolist() == [0, 0, 0]
    # De 1 000 à 800 enfants : places 50 × ±1 × (1/1000 + 1/800), naissances 50 × (9 à 11) × (1/800 − 1/1000).
    table = effets(((4.5, 5.5), (4.5, 5.5)), (1000, 800))
    assert table.loc["effet_places"].tolist() == pytest.approx([0, -0.1125, 0.1125])
    assert table.loc["effet_naissances"].tolist() == pytest.approx([0.125, 0.1125, 0.1375])
    assert table.loc["variation"].tolist() == pytest.approx([0.125, 0.0125, 0.2375])


@given(
    st.tuples(st.floats(0, 2000), st.floats(0, 2000)),
    st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
)
def test_l_encadrement_contient_l_effet_de_toutes_places_possibles(places, enfants, arrondis):
    bornes = tuple((p + a - 0.5, p + a + 0.5) for p, a in zip(places, arrondis, strict=True))
    encadre, vrai = effets(bornes, enfants), effets(places, enfants)["valeur"]
    assert (encadre["bas"] <= vrai + 1e-9).all() and (encadre["haut"] >= vrai - 1e-9).all()


@pytest.mark.parametrize("enfants", [(0, 100), (100, float("nan")), (-5, 10), ((20, 10), 10)])
def test_sans_enfants_pas_d_effet(enfants):
    assert effets((10, 20), enfants).isna().all(axis=None)


def test_decomposition_d_un_epci_importe(entrepot):
    importer_les_deux(entrepot, [(2017, 1000, 80, 600), (2022, 800, 100, 560)], "_hist")
    table = cd.decomposer(CRAON, 2017, 2022)
    assert (table["statut"] == "estime").all()
    # 68,0 pour 1 000 enfants, 82,5 pour 800 : les places ont baissé, le taux monte par les naissances.
    attendus = {"variation": 14.5, "effet_places": -2.25, "effet_naissances": 16.75}
    for nom, attendu in attendus.items():
        assert table.at[nom, "bas"] <= attendu <= table.at[nom, "haut"]
        assert table.at[nom, "valeur"] == pytest.approx(attendu, abs=0.2)
    assert table.at["effet_places", "valeur"] + table.at["effet_naissances", "valeur"] == pytest.approx(
        table.at["variation", "valeur"]
    )


def test_une_variation_ne_depasse_pas_celle_des_taux_publies(entrepot):
    # Garde à domicile : 5 places, 0,6 et 0,6 pour 820 puis 790 enfants.
    entrepot(
        "txcouv_pe_epci.csv",
        TAUX,
        [f"2022;{CRAON};7.3;0;7.3;0;61;0.6;61.6;68.9", f"2023;{CRAON};7.6;0;7.6;0;63.3;0.6;63.9;71.5"],
    )
    entrepot("nbpla_pe_epci.csv", PLACES, [f"{a};{CRAON};60;0;60;0;500;5;505;565" for a in (2022, 2023)])
    table = cd.decomposer(CRAON, 2022, 2023, mode="gad")
    # 50 × ±1 × (1/820 + 1/790) = ±0,124 pour les places ; la variation, elle, est de 0 à deux fois 0,05 près.
    assert table.at["effet_places", "valeur"] == 0
    assert table.loc["effet_places", ["bas", "haut"]].tolist() == pytest.approx([-0.124, 0.124], abs=0.001)
    assert table.loc["variation", ["bas", "haut"]].tolist() == pytest.approx([-0.1, 0.1])
    assert table.at["variation", "bas"] < table.at["variation", "valeur"] < table.at["variation", "haut"]


def test_un_territoire_absent_des_fichiers_importes_le_dit(entrepot):
    importer_les_deux(entrepot, [(2022, 800, 60, 540), (2023, 800, 60, 560)])
    motif = cd.decomposer("200070555", 2022, 2023)["motif"].iloc[0]
    assert motif == "pas de places publiées pour 2022, 2023 : CC de la Veyle n'est pas dans les données importées"
    # Rien n'est importé à la maille du département : c'est cela qu'il faut faire.
    assert "importez nbpla_pe_*" in cd.decomposer("53", 2022, 2023)["motif"].iloc[0]


def test_pas_de_decomposition_a_cheval_sur_deux_series(entrepot):
    importer_les_deux(entrepot, [(2020, 800, 60, 500)], "_hist")
    importer_les_deux(entrepot, [(2022, 800, 60, 540), (2023, 800, 60, 560)])
    table = cd.decomposer(CRAON, 2020, 2023)
    assert (table["statut"] == "non_disponible").all() and table["valeur"].isna().all()
    assert "série" in table["motif"].iloc[0]


def test_demandes_de_decomposition_fausses():
    with pytest.raises(DemandeFausse, match="ancienne"):
        cd.decomposer(CRAON, 2023, 2022)
    with pytest.raises(DemandeFausse, match="mode"):
        cd.decomposer(CRAON, 2022, 2023, mode="nourrice")


def test_denominateur_de_la_cnaf(cas_or):
    noms = {"psu_col": "eaje_psu", "hors_psu_col": "eaje_hors_psu", "prescol": "prescol", "am_ind": "am"}
    noms["gad_ind"] = "gad"
    assert len(cas_or["taux_couverture"]) > 5
    for cas in cas_or["taux_couverture"]:
        places = pd.Series({f"places_{noms[m]}": p for m, p in cas["places"].items()})
        taux = pd.Series({f"txcouv_{noms[m]}": t for m, t in cas["taux"].items()})
        places["places_total"], taux["txcouv"] = cas["tot_offre"], cas["taux_global"]
        bas, haut = enfants_de(places, taux)
        entiers = [int(np.ceil(bas)), int(np.floor(haut))]
        attendus = cas["denominateur_bornes"]
        # Les bornes d'or croisent aussi les sous-totaux : les nôtres les contiennent, à 2 % près.
        assert entiers[0] <= attendus[0] <= attendus[1] <= entiers[1] <= 1.02 * entiers[0], cas["id"]


# --- Un registre importé dit des places ---


def test_registre_importe_aussi_complet_que_la_base_des_equipements(tmp_path, monkeypatch):
    from cafdiag.donnees import evaluer, table_communes

    lieux = evaluer(table_communes(), "lieux_eaje")["valeur"]
    seules = lieux[lieux.eq(1) & table_communes()["places_eaje"].isna()].index[:2]
    plusieurs = lieux[lieux.ge(2) & table_communes()["places_eaje"].isna()].index[0]
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    fichier = tmp_path / "creches.csv"
    lignes = [f"eaje;Crèche {c};{c};{p}" for c, p in ((seules[0], 18), (seules[1], ""), (plusieurs, 30))]
    fichier.write_text("type;nom;code;places\n" + "\n".join(lignes) + "\n", encoding="utf-8")
    assert cd.importer([str(fichier)], lecteur="registre", confirmer=True).reussi
    places = table_communes()["places_eaje"]
    assert places[seules[0]] == 18
    # Une capacité absente, un registre qui en compte moins que la base : la commune reste inconnue.
    assert places[[seules[1], plusieurs]].isna().all()


# --- Les vrais fichiers ---


def test_laval_de_2017_a_2022_sur_les_vrais_fichiers(fichiers_reels, tmp_path, monkeypatch):
    dossier = fichiers_reels / "cnaf"
    fichiers = [dossier / "tx_couverture.csv", dossier / "nbpla_pe_caf.csv"]
    if not all(f.exists() for f in fichiers):
        pytest.skip("tx_couverture.csv ou nbpla_pe_caf.csv absent de CAFDIAG_FICHIERS_REELS")
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    assert cd.importer([str(f) for f in fichiers]).reussi
    serie = cd.serie(LAVAL, "PE_TXCOUV_EAJE").set_index("annee")
    assert serie.index.tolist() == [*range(2017, 2024)]
    assert serie["serie"].tolist() == ["hist"] * 6 + ["courante"]
    assert serie.index[serie["rupture"]].tolist() == [2023]
    table = cd.decomposer(LAVAL, 2017, 2022, mode="eaje")
    assert (table["statut"] == "estime").all()
    ecart = serie.loc[2022, "valeur"] - serie.loc[2017, "valeur"]
    assert table.at["variation", "bas"] - 0.1 <= ecart <= table.at["variation", "haut"] + 0.1
    # Les places de 2022 sont aussi celles des données fournies.
    publiees = lire_table("places_communes").set_index("code").at[LAVAL, "places_EAJE_ensemble"]
    assert publiees == 406


# --- Dans le rapport ---


def test_le_rapport_ne_montre_pas_d_evolution_avec_une_seule_annee():
    assert "Taux de couverture, 20" not in cd.Diagnostic(CRAON).chapitre("petite-enfance").html


def test_le_rapport_montre_serie_tendance_et_ce_qui_l_explique(entrepot):
    importer_les_deux(entrepot, [(2020, 800, 60, 500), (2021, 800, 60, 480)], "_hist")
    importer_les_deux(entrepot, [(2022, 900, 60, 540), (2023, 800, 60, 560)])
    page = cd.Diagnostic(CRAON).chapitre("petite-enfance").html
    assert "Taux de couverture, 2020-2023" in page
    # La tendance part de la dernière rupture : 600 / 900, puis 620 / 800.
    assert "De 2022 à 2023 : 66,7 puis 77,5, soit +10,8." in page.replace("\xa0", " ")
    # Shapley : 50 × (620 − 600) × (1/900 + 1/800) = +2,4, de 2,2 à 2,5 pour 19 à 21 places de plus ;
    # 50 × 1 220 × (1/800 − 1/900) = +8,5, aux arrondis près.
    assert "+2,4 (2,2 à 2,5) par le nombre de places" in page and "+8,4 (8,2 à 8,7) par le nombre d'enfants" in page
    assert "ne se comparent pas" in page
    # Un rapport de 2021 ne dit rien de ce qui a suivi.
    ancien = cd.Diagnostic(CRAON, annee=2021).chapitre("petite-enfance").html
    assert "Taux de couverture, 2020-2021" in ancien and "2022" not in ancien.split("Taux de couverture, 2020")[1]
    # Le trait ne va pas de 2021 à 2022 : deux segments pour quatre points.
    dessin = page[page.index("Taux de couverture, 2020-2023") :].split("</figure>")[0]
    assert dessin.count("stroke-width: 2.2") == 2


def test_la_tension_et_le_besoin_suivent_la_rupture_du_taux(entrepot):
    importer_les_deux(entrepot, [(2020, 800, 60, 500), (2021, 800, 60, 480)], "_hist")
    importer_les_deux(entrepot, [(2022, 900, 60, 540), (2023, 800, 60, 560)])
    for code in ("PE_TENSION", "PE_BESOIN_CIBLE"):
        table = cd.serie(CRAON, code).set_index("annee")
        assert table["rupture"].to_dict() == {2020: False, 2021: False, 2022: True, 2023: False}


def traces(page, titre):
    """Année et valeur de chaque point d'un graphique, tels que son texte les dit à qui ne le voit pas."""
    texte = re.search(r"<desc[^>]*>([^<]*)", page[page.index(titre) :]).group(1)
    points = re.findall(r"(\d{4})\s: ([\d,]+)", texte)
    return {int(a): float(v.replace(",", ".")) for a, v in points}


def test_une_seule_annee_connue_ne_se_trace_pas():
    t = pd.DataFrame({"annee": [2023, 2024, 2025], "valeur": [np.nan, np.nan, 3000.0]})
    assert not fait_une_serie(t) and fait_une_serie(t.fillna(1.0)) and not fait_une_serie(pd.DataFrame())


def jointes(diagnostic, code):
    """Année et valeur de ce que le fichier de mesures dit du territoire."""
    table = de_json(diagnostic.mesures_jointes().donnees[MIME_MESURES]).infer_objects()
    siennes = table[table["indicateur"].eq(code) & table["role"].isin(["territoire", "serie"])]
    assert siennes["territoire"].eq(CRAON).all() and siennes["source"].notna().all()
    assert not siennes["annee"].duplicated().any()
    return dict(zip(siennes["annee"], siennes["valeur"].round(1), strict=True))


def test_chaque_annee_tracee_est_dans_le_fichier_de_mesures(entrepot):
    importer_les_deux(entrepot, [(2020, 800, 60, 500), (2021, 800, 60, 480)], "_hist")
    importer_les_deux(entrepot, [(2022, 900, 60, 540), (2023, 800, 60, 560)])
    d = cd.Diagnostic(CRAON)
    page = d.chapitre("petite-enfance").html
    naissances, taux = traces(page, "Naissances domiciliées, 2008"), traces(page, "Taux de couverture, 2020")
    assert list(naissances) == list(range(2008, 2026)) and taux == {2020: 70, 2021: 67.5, 2022: 66.7, 2023: 77.5}
    assert jointes(d, "PE_NAISS") == naissances
    assert jointes(d, "PE_TXCOUV_GLOBAL") == taux
    assert "série depuis 2008" in d.methode_et_sources().html


def test_un_rapport_d_une_annee_ne_trace_pas_les_suivantes():
    d = cd.Diagnostic(CRAON, annee=2022)
    page = d.chapitre("petite-enfance").html
    assert list(traces(page, "Naissances domiciliées, 2008-2022")) == list(range(2008, 2023))
    assert max(jointes(d, "PE_NAISS")) == 2022
    # Une seule année ne fait pas une évolution.
    assert "Naissances domiciliées, " not in cd.Diagnostic(CRAON, annee=2008).chapitre("petite-enfance").html
