"""Les comparables : mêmes voisins qu'un calcul indépendant, jamais soi-même, jamais un manquant classé."""

import importlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import confronter
from cafdiag.indicateurs.comparables import empechement, plus_proches
from cafdiag.indicateurs.positions import encadrement, positions, se_distinguent
from cafdiag.magasin import dossier, lire_table

# « cafdiag.indicateurs.comparables » est la fonction ; le module, lui, se demande par son nom.
module = importlib.import_module("cafdiag.indicateurs.comparables")
CRAON = "200048551"


def relues() -> pd.DataFrame:
    """Les variables embarquées, refaites à partir des tables, sans passer par les indicateurs."""
    epci = lire_table("epci").set_index("code")
    communes = lire_table("communes").set_index("code").join(
        lire_table("communes_france").set_index("code")[["densite_7", *(f"naissances_{a}" for a in (2022, 2023, 2024))]]
    )
    communes = communes[communes["type"].eq("COM") & communes["epci"].notna()]
    habitants = communes["population_2023"].astype(float)
    ruraux = habitants.where(communes["densite_7"].ge(5), 0.0).groupby(communes["epci"]).sum()
    enfants = communes.filter(like="naissances_").sum(axis=1).astype(float).groupby(communes["epci"]).sum()
    aire = communes["superficie_km2"].groupby(communes["epci"]).sum()
    qpv = lire_table("qpv")
    liens = qpv.assign(commune=qpv["communes"].str.split()).explode("commune")
    quartiers = liens.groupby(liens["commune"].map(communes["epci"]))["identifiant"].nunique()
    # Les revenus sont ceux des EPCI de 2025 : là où le périmètre a changé, ils sont d'un autre.
    passage = pd.read_csv(dossier("data") / "faits" / "passage_epci_2025_2026.csv", dtype="str")
    revenus = lire_table("epci_filosofi").set_index("code")["niveau_vie_median_2021"].astype(float)
    revenus = revenus.drop([*passage["epci_2025"], *passage["epci_2026"]], errors="ignore")
    population = epci["population_2023"].astype(float)
    table = pd.DataFrame(
        {
            "population": np.log(population),
            "evolution": 100 * (population / epci["population_2020"].astype(float) - 1),
            "densite": np.log(population / aire.reindex(epci.index)),
            "part_rurale": 100 * ruraux.reindex(epci.index) / population,
            "part_0_2_ans": 100 * enfants.reindex(epci.index) / population,
            "niveau_de_vie": revenus,
            "quartiers": np.log1p(quartiers.reindex(epci.index, fill_value=0).astype(float)),
        }
    )
    return table.dropna()


@pytest.mark.parametrize("code", [CRAON, "200046977", "200054781", "244900015", "200071363"])
def test_memes_voisins_que_scipy(code):
    table = relues()
    reduite = (table - table.mean()) / table.std(ddof=0)
    attendues = pd.Series(
        distance.cdist(reduite.loc[[code]], reduite)[0] / np.sqrt(reduite.shape[1]), index=table.index
    ).drop(code)
    attendues = attendues.nsmallest(10)
    trouves = cd.comparables(code)
    assert trouves["code"].tolist() == attendues.index.tolist()
    np.testing.assert_allclose(trouves["distance"], attendues, rtol=1e-6)
    assert code not in set(trouves["code"]) and trouves["rang"].tolist() == list(range(1, 11))


@pytest.mark.parametrize("maille", ["epci", "departement"])
def test_tous_a_la_fois_ont_les_memes_voisins_que_chacun(maille):
    tous = plus_proches(maille)
    codes = cd.lister(maille)["code"]
    sans = [code for code in codes if empechement(cd.territoire(f"{maille}:{code}"))]
    assert sans and sorted([*tous, *sans]) == sorted(codes)
    for code in [*tous][:: max(1, len(tous) // 40)]:
        assert tous[code] == cd.comparables(f"{maille}:{code}")["code"].tolist(), code


def test_a_cheval_sur_deux_departements():
    table = lire_table("epci")
    cheval = table[table["departements"].str.contains(" ") & table["population_2023"].notna()].iloc[0]
    trouves = cd.comparables(cheval["code"], k=3)
    assert len(trouves) == 3 and cheval["code"] not in set(trouves["code"])
    # Le département montré est le principal du comparable, un seul code.
    attendus = table.set_index("code")["departement"].reindex(trouves["code"]).tolist()
    assert trouves["departement"].tolist() == attendus


@pytest.mark.parametrize("code", ["75056", "69123", "53", "75", "49126"])
def test_communes_et_departements_ont_des_semblables(code):
    trouves = cd.comparables(code, k=5)
    maille = cd.territoire(code).maille
    assert trouves["code"].isin(cd.lister(maille)["code"]).all() and code not in set(trouves["code"])
    assert trouves["distance"].is_monotonic_increasing and trouves["distance"].iloc[0] > 0
    # Une commune est rurale ou ne l'est pas : cette part ne distingue pas les communes.
    assert ("part_rurale" in trouves) == (maille == "departement") and "petites_communes" not in trouves


@pytest.mark.parametrize(
    ("code", "mot"),
    [
        ("976", "pas publiée"),
        ("200060457", "pas publiée"),
        ("France", "sa maille"),
        ("region:52", "trop peu nombreuses"),
        ("53012+53084", "périmètre libre"),
        ("QN04902M", "quartiers"),
        ("75101", "arrondissement"),
    ],
)
def test_sans_comparables_la_raison_est_dite(code, mot):
    with pytest.raises(DemandeFausse, match=mot):
        cd.comparables(code)
    trouve = confronter(code, ["PE_TXCOUV_GLOBAL"])
    assert mot in trouve.motif and trouve.voisinage is None
    assert "comparables" not in set(trouve.mesures["role"]) and "comparables" not in trouve.groupes


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "10", 100_000])
def test_nombre_de_comparables_refuse(k):
    with pytest.raises(DemandeFausse, match="comparables"):
        cd.comparables(CRAON, k=k)


def test_variables_au_choix_et_refusees():
    trouves = cd.comparables(CRAON, k=3, variables=["population", "part_individuel"])
    assert {"population", "part_individuel"} <= set(trouves.columns) and "densite" not in trouves
    with pytest.raises(DemandeFausse, match="inconnu_ici") as faute:
        cd.comparables(CRAON, variables=["inconnu_ici", "population"])
    assert "densite" in str(faute.value)
    with pytest.raises(DemandeFausse, match="niveau_de_vie"):
        cd.comparables("53", variables=["niveau_de_vie"])
    with pytest.raises(DemandeFausse, match="aucune"):
        cd.comparables(CRAON, variables=[])


def test_l_offre_n_entre_pas_dans_la_distance_et_le_circulaire_se_tait():
    choisis = module.voisinage(CRAON)
    assert not any(v.nom == "part_individuel" for v in choisis.variables)
    assert not any(i.startswith(("PE_", "EJ_", "AVS_")) for i in choisis.circulaires)
    trouve = confronter(CRAON, ["CTX_POP", "CTX_DENSITE", "PE_TXCOUV_EAJE"])
    reunis = trouve.mesures[trouve.mesures["role"].eq("comparables")].set_index("indicateur")
    assert reunis.loc[["CTX_POP", "CTX_DENSITE"], "statut"].eq("sans_objet").all()
    assert reunis.loc[["CTX_POP", "CTX_DENSITE"], "valeur"].isna().all()
    assert trouve.positions("comparables").index.tolist() == ["PE_TXCOUV_EAJE"]
    assert "CTX_POP" in trouve.positions("proches").index


def test_un_territoire_sans_population_est_exclu_des_candidats():
    choisis = module.voisinage(CRAON)
    epci = lire_table("epci")
    connus = len(relues())
    assert (choisis.candidats, choisis.exclus) == (connus - 1, len(epci) - connus) and choisis.exclus > 0


def test_un_import_national_ajoute_sa_variable(monkeypatch):
    epci = lire_table("epci")["code"]
    medianes = pd.DataFrame({"niveau_vie_median_2021": np.linspace(18_000, 30_000, len(epci))}, index=epci)
    for connues, attendu in ((len(epci), True), (len(epci) // 2, False)):
        module._valeurs.cache_clear()
        publiees = medianes.iloc[-connues:] if CRAON in medianes.index[-connues:] else medianes.iloc[:connues]
        monkeypatch.setattr(module.tables_assemblees, "epci", lambda p=publiees: p)
        choisis = module.voisinage(CRAON)
        assert ("niveau_de_vie" in choisis.table) is attendu
        assert ("CTX_NIV_VIE" in choisis.circulaires) is attendu
        assert any("niveau de vie" in libelle for libelle in choisis.ecartees) is not attendu
    module._valeurs.cache_clear()


def test_l_emploi_des_parents_et_les_familles_monoparentales_quand_la_source_est_la(monkeypatch, capsys):
    absents = module.voisinage(CRAON).ecartees
    assert sum("telecharger activite_parents" in m for m in absents.values()) == 2
    communes, rang = module.tables_assemblees.communes(), np.arange(len(module.tables_assemblees.communes()))
    valeurs = {"famille": 0.0 * rang + 10, "emploi": rang % 11.0, "mono": rang % 3.0}
    recensees = {f"enfants_2023_{age}_{quoi}": v for age in ("0_1", "2_5") for quoi, v in valeurs.items()}
    monkeypatch.setattr(module.tables_assemblees, "communes", lambda: communes.assign(**recensees))
    module._valeurs.cache_clear()
    choisis = module.voisinage(CRAON)
    siennes = communes.index.get_indexer(cd.territoire(CRAON).communes)
    toutes = module._valeurs("epci", module.tables_assemblees.etat(), ())
    assert toutes.at[CRAON, "parents_en_emploi"] == pytest.approx(100 * (siennes % 11).sum() / (10 * len(siennes)))
    assert toutes.at[CRAON, "familles_monoparentales"] == pytest.approx(100 * (siennes % 3).sum() / (10 * len(siennes)))
    assert {"PE_PARENTS_EMPLOI", "PE_MONOPAR"} <= choisis.circulaires and not any(
        "activite_parents" in m for m in choisis.ecartees.values()
    )
    # À la commune, un sondage au quart ne dit rien de sûr : ce ne sont pas des critères.
    noms = [v.nom for v in module.voisinage("53084").variables]
    module._valeurs.cache_clear()
    assert "parents_en_emploi" not in noms


def test_la_part_rurale_remplace_les_petites_communes(monkeypatch):
    communes = module.tables_assemblees.communes()
    monkeypatch.setattr(
        module.tables_assemblees, "communes", lambda: communes.assign(densite_7=np.arange(len(communes)) % 7 + 1.0)
    )
    module._valeurs.cache_clear()
    noms = [v.nom for v in module.voisinage(CRAON).variables]
    module._valeurs.cache_clear()
    assert "part_rurale" in noms and "petites_communes" not in noms


valeurs = st.lists(
    st.tuples(*(st.floats(-1e3, 1e3, allow_subnormal=False) for _ in range(3))), min_size=3, max_size=12, unique=True
)


@settings(max_examples=60)
@given(valeurs, st.randoms(use_true_random=False))
def test_distances_sans_ordre_ni_unite(lignes, hasard):
    table = pd.DataFrame(lignes, columns=list("xyz"), index=[f"t{i:02}" for i in range(len(lignes))])
    table = table.round(3)
    reference = module.distances_a(table, "t00")
    melangee = table.sample(frac=1, random_state=hasard.randint(0, 10**6))[list("zxy")]
    pd.testing.assert_series_equal(module.distances_a(melangee, "t00").sort_index(), reference.sort_index(), rtol=1e-6)
    # Changer d'unité ne change pas les voisins.
    autre_unite = module.distances_a(table * 1000.0, "t00").sort_index()
    np.testing.assert_allclose(autre_unite, reference.sort_index(), rtol=1e-6, atol=1e-9)
    assert "t00" not in reference.index and reference.is_monotonic_increasing


def groupe(*lignes):
    defauts = {"indicateur": "PE_TXCOUV_EAJE", "annee": 2023, "bas": np.nan, "haut": np.nan, "statut": "exact"}
    return pd.DataFrame([{**defauts, "territoire": f"t{i}", **li} for i, li in enumerate(lignes)])


def test_rang_ex_aequo_manquants_et_annees():
    ici = groupe({"valeur": 10.0})
    pairs = groupe(*({"valeur": v} for v in (10.1, 10.2, 9.9, 9.0, np.nan)), {"valeur": 99.0, "annee": 2022})
    place = positions(ici, pairs).iloc[0]
    # 10,1 et 9,9 sont à un arrondi près : ex æquo. Le manquant et l'autre année ne comptent pas.
    assert (place["rang_haut"], place["rang_bas"], place["classes"], place["nombre"]) == (2, 4, 5, 4)
    np.testing.assert_allclose(
        place[["q1", "mediane", "q3"]].astype(float), np.percentile([9.0, 9.9, 10.1, 10.2], [25, 50, 75])
    )
    large = positions(groupe({"valeur": 10.0, "bas": 8.0, "haut": 12.0}), pairs).iloc[0]
    assert (large["rang_haut"], large["rang_bas"]) == (1, 5)
    assert positions(groupe({"valeur": np.nan}), pairs)["rang_haut"].isna().all()
    assert positions(ici, pairs.iloc[:3])["mediane"].isna().all()


def test_un_intervalle_ouvert_ou_asymetrique_compte_borne_par_borne():
    ouvert, estime, dehors, dedans = groupe(
        {"valeur": 5.0, "bas": 1.0, "haut": np.inf},
        {"valeur": 100.0, "statut": "estime"},
        {"valeur": 50.0, "bas": 45.0, "haut": 50.2},
        {"valeur": 53.0, "bas": 49.0, "haut": 53.1},
    ).to_dict("records")
    assert encadrement(ouvert) == (1.0, np.inf)
    assert encadrement(estime) == (98.0, 102.0)
    # La moitié des deux largeurs (4,65) autorisait un écart de 3 points à se dire : rien ne les sépare.
    assert not se_distinguent(dehors, dedans, 1)
    assert not se_distinguent(ouvert, estime, 1)
    assert se_distinguent(dehors, estime, 1)


@given(
    st.lists(st.floats(0, 200).map(lambda x: round(x, 1)), min_size=3, max_size=3),
    st.lists(st.floats(0, 200).map(lambda x: round(x, 1)), min_size=3, max_size=3),
)
def test_deux_mesures_qui_se_recouvrent_ne_se_distinguent_jamais(a, b):
    une, autre = (
        dict(zip(("bas", "valeur", "haut"), sorted(t), strict=True), statut="estime") for t in (a, b)
    )
    recouvrent = une["bas"] <= autre["haut"] and autre["bas"] <= une["haut"]
    assert not (recouvrent and se_distinguent(une, autre, 1))
    assert se_distinguent(une, autre, 1) == se_distinguent(autre, une, 1)


def test_situer_relit_la_table_publiee():
    taux = lire_table("taux_couverture")
    publies = taux[taux["maille"].eq("epci")].set_index("code")["txcouv_eaje"]
    codes = cd.comparables(CRAON)["code"]
    place = cd.situer(CRAON, ["PE_TXCOUV_EAJE"]).iloc[0]
    assert place["mediane"] == pytest.approx(publies[codes].median())
    assert place["q1"] == pytest.approx(publies[codes].quantile(0.25))
    assert place["rang_haut"] == 1 + (publies[codes] > publies[CRAON] + 0.1001).sum()
    assert place["classes"] == 11
    proches = cd.situer(CRAON, ["PE_TXCOUV_EAJE"], parmi="proches").iloc[0]
    table = lire_table("epci")
    mayenne = table.loc[table["departement"].eq("53") & table["code"].ne(CRAON), "code"]
    assert proches["mediane"] == pytest.approx(publies[mayenne].median())
    with pytest.raises(DemandeFausse, match="groupe"):
        cd.situer(CRAON, parmi="voisins")
    with pytest.raises(DemandeFausse, match="pas de proches"):
        cd.situer("France", ["PE_TXCOUV_EAJE"], parmi="proches")


def test_agregat_du_groupe_en_rapport_de_sommes(monkeypatch):
    """Des comparables tous dans le cercle fourni : le groupe réuni est la somme de ses communes."""
    from cafdiag.indicateurs import comparaison

    table = lire_table("epci")
    siens = table.loc[table["departement"].eq("53") & table["code"].ne(CRAON), "code"].tolist()
    vrai = module.voisinage(CRAON, k=len(siens))
    fixe = module.Comparables(vrai.table.assign(code=siens), vrai.variables, {}, vrai.candidats, vrai.exclus)
    monkeypatch.setattr(comparaison, "voisinage", lambda *a, **k: fixe)
    reunis = cd.comparer(CRAON, ["PE_TXCOUV_EAJE", "PE_NAISS", "PS_COUV_POP"])
    reunis = reunis[reunis["role"].eq("comparables")].set_index("indicateur")
    faits, communes = lire_table("faits_communes").set_index("code"), lire_table("communes").set_index("code")
    dedans = communes.index[communes["epci"].isin(siens)]
    assert reunis.at["PE_NAISS", "valeur"] == faits.loc[dedans, "naissances_2024"].sum()  # la France s'arrête là
    couverts, habitants = faits.loc[dedans, "personnes_couvertes_2024"], communes.loc[dedans, "population_2023"]
    assert reunis.at["PS_COUV_POP", "valeur"] == pytest.approx(100 * couverts.sum() / habitants.astype(float).sum())
    taux = lire_table("taux_couverture").query("maille == 'epci'").set_index("code")["txcouv_eaje"]
    naissances = faits.loc[dedans, ["naissances_2021", "naissances_2022", "naissances_2023"]].sum(axis=1)
    enfants = naissances.groupby(communes.loc[dedans, "epci"]).sum()
    attendu = (taux[siens] * enfants[siens]).sum() / enfants[siens].sum()
    assert reunis.at["PE_TXCOUV_EAJE", "valeur"] == pytest.approx(attendu)
    assert reunis.at["PE_TXCOUV_EAJE", "statut"] == "estime"
    assert attendu != pytest.approx(taux[siens].mean(), abs=0.05)


def test_les_comparables_reunis_sont_un_rapport_de_sommes_pas_une_moyenne():
    codes = cd.comparables(CRAON)["code"].tolist()
    reunis = cd.comparer(CRAON, ["PE_TXCOUV_GLOBAL"]).set_index("role").loc["comparables"]
    taux = lire_table("taux_couverture").query("maille == 'epci'").set_index("code")["txcouv"]
    france, communes = lire_table("communes_france").set_index("code"), lire_table("communes").set_index("code")
    enfants = france[[f"naissances_{a}" for a in (2021, 2022, 2023)]].sum(axis=1).groupby(communes["epci"]).sum()
    enfants = enfants.astype(float)
    assert reunis["valeur"] == pytest.approx((taux[codes] * enfants[codes]).sum() / enfants[codes].sum())
    assert reunis["statut"] == "estime"


def test_commande_comparables(capsys):
    assert principal(["comparables", CRAON, "--k", "2", "--format", "json"]) == 0
    sortie, messages = capsys.readouterr()
    lignes = json.loads(sortie)
    assert [li["rang"] for li in lignes] == [1, 2] and "densité" in messages and "niveau de vie" in messages
    assert principal(["comparables", "France"]) == 2


def test_simuler_vers_la_mediane_des_comparables():
    simulation = cd.simuler("244900015", cible="comparables", taux="eaje")
    attendue = cd.situer("244900015", ["PE_TXCOUV_EAJE"]).iloc[0]["mediane"]
    assert simulation.besoin.at[0, "taux_cible"] == pytest.approx(attendue)
    assert "médiane de 10 territoires comparables" in simulation.cible
    with pytest.raises(DemandeFausse, match="périmètre libre"):
        cd.simuler("53012+53084", cible="comparables")
