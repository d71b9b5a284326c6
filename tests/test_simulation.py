"""La simulation : besoin encadré, modes dont la somme est le besoin, inconnues visibles, textes et section."""

import dataclasses
import html
import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.besoin import (
    besoin_en_places,
    encadrer_besoin,
    enfants_encadres,
    lire_modes,
    repartir,
)
from cafdiag.indicateurs.cout import chiffrer
from cafdiag.indicateurs.departs import places_a_compenser
from cafdiag.indicateurs.simulation import Simulateur
from cafdiag.indicateurs.tables_calcul import contexte_de
from cafdiag.restitution.diagnostic import Diagnostic
from cafdiag.restitution.simulation import conclusion, simulation_en_texte

ANGERS, CRAON, VICHY, VEYLE = "244900015", "200048551", "200071363", "200070555"


# --- Le besoin : forme close et propriétés ---


def test_forme_close_sur_les_cas_publies(cas_or):
    """⌈c/100·E − P⌉ refait en entiers, sur les territoires dont places et enfants sont connus."""
    for cas in cas_or["taux_couverture"]:
        bas, haut = cas["denominateur_bornes"]
        for cible in (50, 61, 120):
            attendu = [max(0, -(-(cible * e - 100 * cas["tot_offre"]) // 100)) for e in (bas, haut)]
            obtenu = [besoin_en_places(cible, e, cas["tot_offre"]) for e in (bas, haut)]
            assert obtenu == attendu, cas["id"]


def test_vichy_avec_ses_places_publiees(cas_or):
    cas = next(c for c in cas_or["taux_couverture"] if c["code"] == VICHY)
    donnees = cd.Hypotheses(enfants=tuple(cas["denominateur_bornes"]), places=cas["tot_offre"])
    besoin = cd.simuler(VICHY, cible=70, hypotheses=donnees).besoin.iloc[0]
    # 70 % de 1 964 et de 1 966, moins 1 265 places, à une demi-place près.
    assert (besoin["bas"], besoin["haut"]) == (110, 112)
    assert besoin["bas"] <= besoin["places"] <= besoin["haut"]


def test_le_denominateur_se_reconstitue_avec_les_places_importees(cas_or):
    cas = next(c for c in cas_or["taux_couverture"] if c["code"] == VEYLE)
    modes = {"eaje_psu": "psu_col", "eaje_hors_psu": "hors_psu_col", "prescol": "prescol", "am": "am_ind",
             "gad": "gad_ind"}  # fmt: skip
    places = {f"places_{m}": cas["places"][c] for m, c in modes.items()}
    ligne = {"maille": "epci", "code": VEYLE, "annee": 2023, "places_total": cas["tot_offre"]} | places
    contexte = dataclasses.replace(
        contexte_de(cd.territoire(VEYLE)), places=pd.DataFrame([ligne]), _memoire={}
    )
    enfants = enfants_encadres(contexte, annee=2023).iloc[0]
    assert enfants["bas"] <= cas["denominateur_bornes"][0] <= cas["denominateur_bornes"][1] <= enfants["haut"]
    assert enfants["haut"] - enfants["bas"] < 2 and enfants["statut"] == "arrondi"
    assert enfants["places"] == 634
    # Sans les places : deux estimations, dont l'écart contient la vraie valeur ici.
    estime = enfants_encadres(contexte_de(cd.territoire(VEYLE)), annee=2023).iloc[0]
    assert estime["statut"] == "estime" and estime["bas"] <= 707 <= estime["haut"]


def une(taux, valeur, bas, haut, cible):
    enfants = pd.DataFrame({"valeur": [valeur], "bas": [bas], "haut": [haut], "places": [math.nan]})
    return encadrer_besoin(cible, pd.Series([taux]), enfants).iloc[0]


TAUX = st.integers(1, 1500).map(lambda n: n / 10)
ENFANTS = st.integers(1, 200_000)


@given(TAUX, TAUX, TAUX, ENFANTS, st.floats(0, 0.3), st.floats(0, 0.3))
def test_le_besoin_croit_avec_la_cible_et_reste_dans_sa_fourchette(taux, c1, c2, enfants, moins, plus):
    bas, haut = enfants * (1 - moins), enfants * (1 + plus)
    petit, grand = (une(taux, enfants, bas, haut, c) for c in sorted((c1, c2)))
    assert (petit <= grand).all()
    for besoin in (petit, grand):
        assert 0 <= besoin["bas"] <= besoin["valeur"] <= besoin["haut"]


@given(TAUX, ENFANTS, st.floats(0, 50))
def test_le_besoin_est_nul_si_la_cible_est_atteinte(taux, enfants, dessous):
    assert une(taux, enfants, enfants, enfants, taux - dessous)["valeur"] == 0
    sans = une(taux, math.nan, math.nan, math.nan, taux - 0.05 - dessous)
    assert sans["haut"] == 0 and sans["valeur"] == 0


@given(st.floats(1, 150), st.integers(1, 10_000), st.integers(0, 10_000), st.integers(2, 9))
def test_homothetie(cible, enfants, places, k):
    """k fois plus d'enfants et de places : k fois le besoin, à l'arrondi d'une place par unité près."""
    une_fois, k_fois = (besoin_en_places(cible, n * enfants, n * places) for n in (1, k))
    assert k * (une_fois - 1) < k_fois + 1e-6 and k_fois <= k * une_fois


@given(st.integers(0, 5000), st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(any), st.integers(0, 50))
def test_la_somme_des_modes_est_le_total_et_aucun_ne_recule(total, poids, plus):
    parts = {f"m{i}": 100 * p / sum(poids) for i, p in enumerate(poids)}
    avant, apres = repartir(total, parts), repartir(total + plus, parts)
    assert sum(avant.values()) == total and sum(apres.values()) == total + plus
    for mode, part in parts.items():
        assert avant[mode] <= apres[mode]
        assert abs(avant[mode] - total * part / 100) < 1.5 + len(parts) / 4


def test_manquant_reste_manquant():
    besoin = une(50.0, math.nan, math.nan, math.nan, 60)
    assert besoin.isna().all()


# --- La simulation d'un territoire ---


def test_angers_sous_son_departement():
    s = cd.simuler(ANGERS)
    b = s.besoin.iloc[0]
    # 69,8 − 69,3 = 0,5 point des enfants estimés : 9 704 naissances (2021-2023) et 9 540 recensés ensemble.
    assert (b["taux"], b["taux_cible"], b["enfants_naissances"]) == (69.3, 69.8, 9704)
    assert b["methode_enfants"] == "recensement" and round(b["enfants_recensement"]) == 9540
    assert b["places"] == math.ceil(0.005 * b["enfants"]) == 46
    assert b["bas"] == math.ceil(0.45 * b["enfants_bas"] / 100)
    assert b["haut"] == math.ceil(0.55 * b["enfants_haut"] / 100)
    assert b["statut"] == "estime" and not s.atteinte
    assert s.modes["places"].sum() == 46


def test_au_dessus_de_la_cible_rien_a_creer():
    for code in (CRAON, VICHY):
        s = cd.simuler(code, cible="france")
        assert s.atteinte and s.besoin.at[0, "places"] == 0 and s.besoin.at[0, "statut"] == "exact"
        assert s.inconnues == () and (s.reste_a_charge["reste_haut"] == 0).all()
        assert "déjà atteinte" in simulation_en_texte(s)


@pytest.fixture
def sans_enfants(monkeypatch):
    """Ni naissances, ni recensement, ni places : le nombre d'enfants est inconnu."""
    from cafdiag.indicateurs import enfants
    from cafdiag.indicateurs.tables_calcul import Tables

    vrai, partage = enfants._dire, Tables.lire(None).partage

    def muet(table, contexte, annee):
        table = vrai(table, contexte, annee)
        table = table.assign(statut="non_disponible", motif="pas de naissances", methode="", alerte="")
        return table.assign(**dict.fromkeys(("valeur", "bas", "haut", "naissances", "recensement"), math.nan))

    monkeypatch.setattr(enfants, "_dire", muet)
    # Le dernier contexte d'un territoire garde ses enfants : ni les vrais ici, ni ceux-ci après.
    partage.pop(("contexte",), None)
    yield
    partage.pop(("contexte",), None)


def test_sans_nombre_d_enfants_le_besoin_se_tait_et_le_dit(sans_enfants):
    s = cd.simuler(VICHY, cible="70")
    assert s.sans_places and s.modes["places"].isna().all()
    assert s.reste_a_charge[["caf_bas", "caf_haut", "reste_bas", "reste_haut"]].isna().all(axis=None)
    assert "5,6 places pour 100 enfants" in conclusion(s) and "inconnu" in conclusion(s)
    assert "7\u202f400 à 26\u202f000" in simulation_en_texte(s)


def test_les_modes_se_partagent_le_besoin_et_les_places_hors_psu_ne_sont_pas_chiffrees():
    s = cd.simuler(ANGERS, cible="region", modes={"eaje_psu": 70, "am": 30})
    for colonne in ("places", "bas", "haut"):
        assert s.modes[colonne].sum() == s.besoin.at[0, colonne]
    reste = s.reste_a_charge.set_index("section")
    assert math.isnan(reste.at["investissement", "caf_haut"]) and math.isnan(reste.at["investissement", "reste_haut"])
    piaje = s.financement.set_index("bareme").loc["piaje"]
    psu = s.modes.set_index("mode").loc["eaje_psu"]
    assert (piaje["bas"], piaje["haut"]) == (psu["bas"] * 7400, psu["haut"] * 26000)


def test_reste_a_charge_avec_des_couts():
    modes = pd.DataFrame({"mode": ["eaje_psu"], "places": [10.0], "bas": [10.0], "haut": [10.0]})
    _, reste, _ = chiffrer(
        modes, cd.baremes(), annee=2025, cout_investissement=30_000, cout_fonctionnement=16_000
    )
    reste = reste.set_index("section")
    # Le Piaje ne dépasse pas 80 % de 30 000 € : 24 000, et non 26 000.
    assert reste.loc["investissement"].drop("motif").tolist() == [74_000, 240_000, 60_000, 226_000]
    # 34 % et 64 % de 16 000 €, moins le bonus territoire le plus haut et le plus bas.
    attendu = [10 * (0.34 * 16_000 - 3600), 10 * (0.64 * 16_000 - 2600)]
    assert reste.loc["fonctionnement", ["reste_bas", "reste_haut"]].tolist() == pytest.approx(attendu)
    assert reste.loc["fonctionnement", ["caf_bas", "caf_haut"]].tolist() == pytest.approx([83_600, 93_600])


def test_chaque_poste_vient_de_son_bareme_et_de_son_annee():
    modes = pd.DataFrame({"mode": ["eaje_psu", "eaje_hors_psu"], "places": [10.0, 6.0], "bas": [10.0, 6.0],
                          "haut": [10.0, 6.0]})  # fmt: skip
    demande = {"cout_investissement": 30_000, "cout_fonctionnement": 16_000}
    financement, reste, inconnues = chiffrer(modes, cd.baremes(), annee=2023, **demande)
    postes = dict(zip(financement["bareme"], financement["poste"], strict=True))
    assert postes == {
        "piaje": "Plan d'investissement pour l'accueil du jeune enfant (Piaje)",
        "aide_place_hors_psu":
            "Aide de la Caf à une place nouvelle hors PSU (micro-crèche à Paje, assistant maternel…)",
        "bonus_territoire_places_nouvelles": "Bonus territoire, places nouvelles",
        "psu_part_moyenne": "PSU (part moyenne du coût d'une place)",
    }
    # Ce qui est connu n'est pas parmi les inconnues.
    muets = [postes["aide_place_hors_psu"], postes["bonus_territoire_places_nouvelles"]]
    assert [i.split(" : ")[0] for i in inconnues[:2]] == muets
    # En 2023 le Piaje va jusqu'à 17 000 € la place, en 2025 jusqu'à 26 000 € : le reste n'est pas le même.
    de_2025 = chiffrer(modes, cd.baremes(), annee=2025, **demande)[1]
    restes = [t.set_index("section").at["investissement", "reste_bas"] for t in (reste, de_2025)]
    assert restes == [130_000, 60_000]


def test_un_bareme_sans_valeur_cette_annee_la_rend_le_total_muet():
    s = cd.simuler(ANGERS, annee_bareme=2023)
    bonus = s.financement.set_index("bareme").loc["bonus_territoire_places_nouvelles"]
    assert bonus["statut"] == "inconnu" and "aucune valeur lue pour 2023" in bonus["motif"]
    assert math.isnan(s.reste_a_charge.set_index("section").at["fonctionnement", "caf_bas"])
    assert any("aucune valeur lue pour 2023" in i for i in s.inconnues)
    table = s.table().set_index(["section", "poste"])
    assert table.at[("fonctionnement", "total de la Caf"), "statut"] == "inconnu"


def test_un_conflit_de_baremes_reste_visible():
    assert any("1\u202f200" in i and "2\u202f100" in i for i in cd.simuler(ANGERS).inconnues)


@pytest.mark.parametrize(
    ("demande", "attendu"),
    [
        ({"cible": "canton"}, "cible inconnue"),
        ({"cible": 0}, "plus de 0, 200 au plus"),
        ({"cible": "300"}, "plus de 0, 200 au plus"),
        ({"modes": {"eaje_psu": 50}}, "50 %"),
        ({"modes": {"creche": 100}}, "creche"),
        ({"modes": {"am": 100}, "taux": "eaje"}, "collectif"),
        ({"modes": {"am": -3, "gad": "x"}}, "part de « am » : -3 ; part de « gad » : 'x'"),
        ({"taux": "am"}, "taux inconnu"),
        ({"annee_bareme": "25"}, "année de barème"),
    ],
)
def test_demandes_fausses(demande, attendu):
    with pytest.raises(DemandeFausse, match=attendu):
        cd.simuler(ANGERS, **demande)


def test_cible_comparables_est_la_mediane_du_groupe():
    from cafdiag.indicateurs.comparables import comparables

    groupe = comparables(CRAON)["code"]
    taux = cd.mesurer_maille("epci", ["PE_TXCOUV_EAJE"], codes=list(groupe))["valeur"].dropna()
    b = cd.simuler(CRAON, cible="comparables", taux="eaje").besoin.iloc[0]
    assert b["taux_cible"] == pytest.approx(taux.median())
    # 821 naissances de 2021 à 2023, et le recensement : le besoin se refait à la main.
    assert b["enfants_naissances"] == 821
    assert b["places"] == max(0, math.ceil(round((b["taux_cible"] - 9.6) * b["enfants"] / 100, 6)))
    with pytest.raises(DemandeFausse, match="trop peu de comparables"):
        cd.simuler("53084", cible="comparables")


def test_un_departement_n_a_pas_de_departement():
    with pytest.raises(DemandeFausse, match="region, france, comparables, ou un nombre"):
        cd.simuler("53", cible="departement")
    # Chaque cible proposée marche ; la France n'en a aucune.
    assert cd.simuler("974", cible="comparables").besoin.at[0, "taux_cible"] > 0
    with pytest.raises(DemandeFausse, match="Attendu : france, comparables, ou un nombre"):
        cd.simuler("974", cible="departement")
    with pytest.raises(DemandeFausse, match="Attendu : un nombre de places pour 100 enfants"):
        cd.simuler("France", cible="france")


def test_des_places_et_des_enfants_comptes_donnent_un_besoin_exact():
    # 70 % de 10 000 enfants, moins 6 000 places : 1 000, sans la demi-place des nombres publiés.
    b = cd.simuler(CRAON, cible=70, hypotheses=cd.Hypotheses(places=6000, enfants=10_000)).besoin.iloc[0]
    assert (b["places"], b["bas"], b["haut"], b["statut"]) == (1000, 1000, 1000, "exact")


@pytest.mark.parametrize(
    "faux", [{"enfants": -1}, {"enfants": (5, 3)}, {"places": "x"}, {"cout_investissement": math.inf}]
)
def test_hypotheses_fausses(faux):
    with pytest.raises(DemandeFausse, match="hypothèse fausse"):
        cd.Hypotheses(**faux)


def test_un_perimetre_se_simule_avec_ses_propres_chiffres():
    pole = cd.perimetre("Pôle", ["53084", "53012", "53068"])
    muet = cd.simuler(pole, cible=60)
    assert muet.sans_places and "ne se calcule pas" in conclusion(muet)
    # 60 % de 130 enfants = 78 places, 50 existent.
    s = cd.simuler(pole, cible=60, hypotheses=cd.Hypotheses(enfants=130, places=50))
    assert s.besoin.at[0, "places"] == 28 and not s.atteinte


def test_simulateur_lit_une_fois_et_rend_la_meme_chose():
    simulateur = Simulateur(cd.territoire(ANGERS))
    pd.testing.assert_frame_equal(simulateur.vers("region").table(), cd.simuler(ANGERS, cible="region").table())


def test_parts_par_defaut():
    assert lire_modes(None) == lire_modes("eaje_psu") == {"eaje_psu": 100.0}


# --- L'indicateur du dictionnaire ---


def test_indicateur_besoin():
    table = cd.mesurer_maille("epci", ["PE_BESOIN_CIBLE"]).set_index("territoire")
    taux = cd.mesurer_maille("epci", ["PE_TXCOUV_GLOBAL"]).set_index("territoire")["valeur"]
    assert (table.loc[taux[taux >= 61.0].index, "valeur"] == 0).all()
    connus = table[table["valeur"] > 0]
    assert len(connus) > 5 and (connus["statut"] == "estime").all()
    attendu = ((60.9 - taux[connus.index]) * connus["denominateur"] / 100).round(6).map(math.ceil)
    pd.testing.assert_series_equal(connus["valeur"], attendu.astype(float), check_names=False)
    muets = table[table["valeur"].isna()]
    assert muets["statut"].eq("non_disponible").all() and muets["motif"].ne("").all()
    france = cd.mesurer("France", ["PE_BESOIN_CIBLE"]).iloc[0]
    assert france["statut"] == "sans_objet" and pd.isna(france["valeur"])


# --- Les départs d'assistants maternels ---


def test_departs_forme_close(cas_or):
    vendee = next(c for c in cas_or["taux_couverture"] if c["code"] == "85")
    enfants = vendee["denominateur_bornes"][0]
    attendu = math.ceil(vendee["taux"]["am_ind"] * 0.4 * 0.5 * enfants / 100)
    assert places_a_compenser(vendee["taux"]["am_ind"], enfants, 40, remplaces=50) == attendu


def test_departs_projette_le_taux():
    d = cd.simuler_departs(CRAON, part_55=40, origine="PMI 53")
    r = d.resultat.iloc[0]
    assert r["taux_projete"] == pytest.approx(79.9 - 0.4 * r["taux_am"])
    assert r["bas"] <= r["places"] <= r["haut"] and "PMI 53" in " ".join(d.hypotheses)
    assert cd.simuler_departs(CRAON, part_55=0, origine="x").resultat["places"].item() == 0
    assert cd.simuler_departs(CRAON, part_55=40, origine="x", remplaces=100).resultat["places"].item() == 0


def test_departs_d_un_perimetre_ont_l_encadrement_de_son_taux_estime():
    pole = "200048551+200042182"
    am = cd.mesurer(pole, ["PE_TXCOUV_AM"]).iloc[0]
    assert am["statut"] == "estime" and am["bas"] < am["valeur"] - 1
    d = cd.simuler_departs(pole, part_55=100, origine="x").resultat.iloc[0]
    b = cd.simuler(pole, cible=90).besoin.iloc[0]
    attendu = [(am["bas"] - 0.05) * b["enfants_bas"] / 100, (am["haut"] + 0.05) * b["enfants_haut"] / 100]
    assert [d["bas"], d["haut"]] == [math.ceil(x) for x in attendu]


def test_departs_sans_nombre_d_enfants(sans_enfants):
    vichy = cd.simuler_departs(VICHY, part_55=40, origine="x").resultat.iloc[0]
    assert not math.isnan(vichy["taux_projete"]) and math.isnan(vichy["places"])


@pytest.mark.parametrize(("part", "origine"), [(101, "x"), (-1, "x"), (None, "x"), (40, " "), (40, None)])
def test_departs_sans_part_ni_origine_refuses(part, origine):
    with pytest.raises(DemandeFausse):
        cd.simuler_departs(CRAON, part_55=part, origine=origine)


# --- La ligne de commande ---


def test_cli_texte(capsys):
    assert principal(["simuler", ANGERS, "--departs-am", "40", "--origine", "PMI 49"]) == 0
    dit = capsys.readouterr().out
    for attendu in ("Il faudrait 46 places de plus (de 36 à 59).", "93\u202f600 à 212\u202f400", "PMI 49", "CTRE"):
        assert attendu in dit
    # Ni cote de documentation, ni département pris pour la référence d'un périmètre qui le contient.
    assert "[" not in dit
    assert principal(["simuler", "departement:75+departement:93"]) == 2
    assert "Attendu : region, france, ou un nombre." in capsys.readouterr().err


def test_cli_csv_et_json(capsys):
    assert principal(["simuler", ANGERS, "--cible", "75", "--mode", "eaje_psu=100", "--format", "json"]) == 0
    lignes = pd.DataFrame(__import__("json").loads(capsys.readouterr().out))
    assert lignes.loc[lignes["poste"].eq("places à créer"), "valeur"].item() == math.ceil(
        0.057 * lignes.loc[lignes["poste"].eq("enfants de moins de 3 ans"), "valeur"].item()
    )
    assert principal(["baremes", "--annee", "2021", "--format", "csv"]) == 0
    assert "bonus_territoire_places_nouvelles" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["simuler", ANGERS, "--mode", "eaje_psu"],
        ["simuler", ANGERS, "--enfants", "beaucoup"],
        ["simuler", ANGERS, "--departs-am", "40"],
        ["simuler", ANGERS, "--cible", "canton"],
    ],
)
def test_cli_demandes_fausses(arguments, capsys):
    assert principal(arguments) == 2
    assert "cafdiag :" in capsys.readouterr().err


def test_cli_baremes_de_l_utilisateur(tmp_path, capsys):
    copie = tmp_path / "b.toml"
    assert principal(["baremes", "--copie", str(copie)]) == 0
    copie.write_text(copie.read_text(encoding="utf-8").replace("haut = 3600", "haut = 4000"), encoding="utf-8")
    capsys.readouterr()
    assert principal(["simuler", ANGERS, "--baremes", str(copie)]) == 0
    assert "93\u202f600 à 236\u202f000" in capsys.readouterr().out
    copie.write_text("format = 3", encoding="utf-8")
    assert principal(["simuler", ANGERS, "--baremes", str(copie)]) == 1
    assert "2 défauts" not in capsys.readouterr().out


# --- La section du rapport ---


def dit(bloc):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", bloc.html)))


def test_section_du_rapport():
    angers, craon = (Diagnostic(c) for c in (ANGERS, CRAON))
    texte = dit(angers.simulation())
    assert "il faudrait 46 places de plus (de 36 à 59)" in texte and "93 600 à 212 400 €" in texte
    assert "au moins 66 600 €" in texte and "les sources se contredisent" in texte
    assert "au-dessus du département (78,0) et de la France (60,9) : aucune place" in dit(craon.simulation())
    assert '<section id="simulation"' in angers.simulation().html
    assert "n'y a pas de cible" in dit(Diagnostic("France").simulation())


def test_section_du_rapport_sans_nombre_d_enfants(sans_enfants):
    vichy = Diagnostic(VICHY).simulation()
    assert "il manque 9,9 places pour 100 enfants" in dit(vichy) and "<table" not in vichy.html.partition("<details")[0]


def test_les_chiffres_de_la_section_sont_joints():
    table = Diagnostic(ANGERS).toutes_les_mesures()
    siennes = table[table["role"].eq("simulation")]
    assert 46 in siennes["valeur"].tolist()
    bonus = siennes[siennes["indicateur"].eq("SIMULATION_BONUS_TERRITOIRE_PLACES_NOUVELLES")].iloc[0]
    assert (bonus["bas"], bonus["haut"], bonus["statut"]) == (93_600, 212_400, "non_disponible")
    assert siennes["source"].ne("").all()


def test_une_annee_sans_taux_ne_simule_rien():
    assert "Rien à simuler : pas de donnée pour 2021" in dit(Diagnostic(CRAON, annee=2021).simulation())


def test_vos_places_sans_vos_enfants_changent_le_taux():
    # ⌈60,9 / 100 × E⌉ − 100, E les enfants estimés au Pays de Craon.
    s = cd.simuler(CRAON, cible="france", hypotheses=cd.Hypotheses(places=100))
    besoin = s.besoin.iloc[0]
    assert besoin["places"] == math.ceil(0.609 * besoin["enfants"]) - 100
    assert besoin["taux"] == pytest.approx(100 * 100 / besoin["enfants"]) and besoin["enfants_naissances"] == 821
    assert any("12,1 (publié : 79,9)" in h for h in s.hypotheses)


def test_vos_places_pour_une_fourchette_d_enfants_ne_suffisent_que_si_elles_suffisent_a_tous():
    # 500 places pour 600 à 800 enfants : 71,4 au milieu, mais 70 % de 800 en demandent 560.
    s = cd.simuler(CRAON, cible=70, hypotheses=cd.Hypotheses(places=500, enfants=(600, 800)))
    b = s.besoin.iloc[0]
    assert (b["places"], b["bas"], b["haut"], b["statut"]) == (0, 0, 60, "estime") and not s.atteinte
    estimes = cd.simuler(CRAON, cible=70, hypotheses=cd.Hypotheses(places=600))
    b = estimes.besoin.iloc[0]
    assert b["haut"] == math.ceil(0.7 * b["enfants_haut"]) - 600 > 0 and not estimes.atteinte
    assert cd.simuler(CRAON, cible=70, hypotheses=cd.Hypotheses(places=560, enfants=(600, 800))).atteinte


def test_vos_places_sans_aucun_enfant_connu(sans_enfants):
    with pytest.raises(DemandeFausse, match="--enfants"):
        cd.simuler("200054781", cible="france", hypotheses=cd.Hypotheses(places=100))


def test_le_dernier_contexte_sert_au_meme_territoire_et_aux_memes_choix():
    angers, craon = cd.territoire("244900015"), cd.territoire("200048551")
    contexte = contexte_de(angers)
    assert contexte_de(angers, options=cd.Options()) is contexte
    autres = [contexte_de(craon), contexte_de(angers, options=cd.Options(seuil_caf=7))]
    assert all(autre is not contexte for autre in autres)
    assert autres[0].territoires["officiel"].tolist() == ["200048551"]
