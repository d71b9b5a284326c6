"""Les tables embarquées : totaux publiés, codes en texte, contours sans trou, octets intacts."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from cafdiag import magasin
from cafdiag.erreurs import DonneesAbimees, ProductionImpossible

RACINE = magasin.racine()
DONNEES = RACINE / "data"
CRAON = "200048551"

pytestmark = pytest.mark.skipif(not (DONNEES / "construire.py").is_file(), reason="hors du dépôt")


@pytest.fixture(scope="module")
def communes():
    return magasin.lire_table("communes").set_index("code", drop=False)


@pytest.fixture(scope="module")
def faits():
    return magasin.lire_table("faits_communes").set_index("code", drop=False)


@pytest.fixture(scope="module")
def fond():
    return magasin.lire_contours("communes")


@pytest.fixture
def construction(monkeypatch):
    """Les modules de la construction, importables le temps d'un essai."""
    monkeypatch.syspath_prepend(str(DONNEES))
    yield
    for nom in [nom for nom in sys.modules if nom.split(".")[0] in ("construction", "construire")]:
        del sys.modules[nom]


# --- Le référentiel ---


def test_nombre_de_communes(communes):
    # Insee, COG au 1er janvier 2025 : 34 875 communes dans les 101 départements.
    assert communes["type"].value_counts().to_dict() == {"COM": 34875, "COLL": 94, "ARM": 45}
    assert communes.index.is_unique
    com = communes[communes["type"] == "COM"]
    assert com[["nom", "departement", "region", "lon", "lat", "superficie_km2"]].notna().all().all()
    assert com.loc[com["epci"].isna(), "nom"].tolist() == [
        "Île-de-Bréhat",
        "Île-de-Sein",
        "Ouessant",
        "L'Île-d'Yeu",
    ]
    assert com["departement"].isin(["01", "08", "49", "53"]).sum() == 1254


@pytest.mark.parametrize(
    ("code", "nom", "departement", "region"),
    [
        ("01001", "L'Abergement-Clémenciat", "01", "84"),
        ("2A004", "Ajaccio", "2A", "94"),
        ("97411", "Saint-Denis", "974", "04"),
        ("75056", "Paris", "75", "11"),
    ],
)
def test_codes_en_texte(communes, code, nom, departement, region):
    ligne = communes.loc[code]
    assert (ligne["nom"], ligne["departement"], ligne["region"]) == (nom, departement, region)


def test_types_des_colonnes(communes, faits):
    textes = ["code", "nom", "type", "departement", "region", "epci", "commune_mere", "codes_postaux"]
    assert {str(communes[c].dtype) for c in textes} == {"str"}
    assert not (communes[textes] == "").any().any(), "un vide est NA, jamais une chaîne vide"
    assert {str(communes[f"population_{a}"].dtype) for a in range(2020, 2024)} == {"Int64"}
    assert {str(faits[c].dtype) for c in ("code", "dep", "epci", "zrr_2021", "frr_2025")} == {"str"}
    # « NC » (non classée) est une valeur : un lecteur trop zélé en ferait un manquant. 01187 : fusion.
    assert set(faits["zrr_2021"]) == {"C", "NC", "C / NC"}


def test_arrondissements(communes):
    meres = communes.loc[communes["type"] == "ARM", "commune_mere"].value_counts().to_dict()
    assert meres == {"75056": 20, "13055": 16, "69123": 9}
    paris = communes[communes["commune_mere"] == "75056"]
    for annee in range(2020, 2024):
        assert paris[f"population_{annee}"].sum() == communes.at["75056", f"population_{annee}"]
    assert paris["superficie_km2"].sum() == pytest.approx(communes.at["75056", "superficie_km2"], rel=0.01)


def test_pays_de_craon(communes, faits):
    membres = communes[communes["epci"] == CRAON]
    epci = magasin.lire_table("epci").set_index("code").loc[CRAON]
    assert (epci["nom"], epci["nature"], epci["departements"], epci["nombre_communes"]) == (
        "CC du Pays de Craon",
        "CC",
        "53",
        37,
    )
    assert len(membres) == 37
    assert faits.loc[membres.index, "pmun_2018"].sum() == 28752
    # Populations légales : 28 639 (2021), 28 594 (2022), 28 591 (2023).
    assert epci[["population_2021", "population_2022", "population_2023"]].tolist() == [28639, 28594, 28591]


def test_populations_egales_aux_faits(communes, faits):
    ou = communes.loc[faits.index]
    for annee in (2022, 2023):
        assert (faits[f"pmun_{annee}"] == ou[f"population_{annee}"]).all()
    assert (faits["epci"] == ou["epci"]).all()
    assert (faits["nom"] == ou["nom"]).all()


def test_populations_des_communes_nouvelles_et_scindees(communes):
    # Insee, populations historiques au COG 2025 : une fusion est la somme de toutes ses parties.
    assert communes.at["93066", "population_2022"] == 148907
    assert communes.at["49160", "population_2021"] == 3070
    assert communes.at["49126", "population_2022"] == 16975
    assert communes.at["60054", "population_2021"] == 335
    # 2020 et 2021 : la part de chaque commune rétablie n'est pas dans les sources embarquées.
    retablies = communes.loc[["15031", "15035", "15047", "15141", "15171"]]
    assert retablies[["population_2020", "population_2021"]].isna().all().all()
    assert retablies["population_2022"].tolist() == [217, 311, 91, 834, 124]


def test_totaux_des_mailles(communes):
    com = communes[communes["type"] == "COM"]
    epci, departements, regions = (magasin.lire_table(n) for n in ("epci", "departements", "regions"))
    assert (len(epci), len(departements), len(regions)) == (1253, 101, 18)
    assert epci["nombre_communes"].sum() == com["epci"].notna().sum()
    for table, maille in ((epci, "epci"), (departements, "departement"), (regions, "region")):
        sommes = com.groupby(maille)["population_2023"].agg(lambda s: s.sum(skipna=False))
        assert (
            table.set_index("code")["population_2023"]
            .astype("Int64")
            .equals(sommes.astype("Int64").rename_axis("code"))
        )
    # Mayotte n'a pas de population de ces années : vide, jamais zéro ni 2017.
    assert departements.loc[departements["population_2023"].isna(), "code"].tolist() == ["976"]
    # Une commune scindée ne troue pas son département : l'ensemble y est connu.
    cantal = departements.set_index("code").loc["15"]
    assert cantal["population_2020"] > cantal["population_2023"] > 0


@pytest.mark.reels
@pytest.mark.parametrize("annee", [2020, 2021, 2022])
def test_populations_egales_a_l_insee(communes, annee):
    dossier = os.environ.get("CAFDIAG_FICHIERS_REELS")
    fichiers = list(Path(dossier).rglob("*DS_POPULATIONS_HISTORIQUES*.json.gz")) if dossier else []
    if not fichiers:
        pytest.skip("fichier des populations historiques absent de CAFDIAG_FICHIERS_REELS")
    publies = json.loads(gzip.decompress(fichiers[0].read_bytes()))
    ou = communes[communes.index.isin(publies.keys()) & communes[f"population_{annee}"].notna()]
    attendus = ou.index.map(lambda code: publies[code]["history"].get(str(annee)))
    ecarts = ou.index[(ou[f"population_{annee}"] != np.array(attendus)).to_numpy()].tolist()
    assert len(ou) > 34800
    # Transfert d'une cinquantaine d'habitants, postérieur à la publication de 2020.
    assert ecarts == (["78322", "78646"] if annee == 2020 else [])


# --- Le passage et les voisins ---


def test_passage(communes):
    passage = magasin.lire_table("passage_cog")
    sens = passage[passage["type"] != "scission"].set_index("code_ancien")
    assert sens.index.is_unique
    assert not sens.index.isin(communes.index).any()
    assert passage["code"].isin(communes.index).all()
    attendus = {
        "49069": "49126",
        "08300": "08439",
        "02311": "02589",
        "08294": "08053",
        "49321": "49160",
        "95282": "95169",
        "18131": "18173",
        "72287": "72155",
        "01126": "01033",
    }
    assert sens.loc[list(attendus), "code"].to_dict() == attendus
    assert sens.at["49069", "type"] == "changement_code"
    # Codes postaux et départements d'avant 1976 : ni Alfortville pour 75001, ni Corse pour 20000.
    assert not {"75001", "20000", "20004"} & set(sens.index)


def test_tous_les_codes_perdus_en_2025_ont_un_avenir():
    perdus = pd.read_csv(DONNEES / "faits" / "passage_cog2024_cog2025.csv", dtype="str")
    passage = magasin.lire_table("passage_cog").set_index("code_ancien")
    assert len(perdus) == 68
    assert set(perdus["code"]) <= set(passage.index)
    connus = perdus.dropna(subset="code_2025")
    assert (passage.loc[connus["code"], "code"].to_numpy() == connus["code_2025"].to_numpy()).all()
    assert set(passage.loc[perdus["code"], "annee"]) == {2025}


def test_scissions():
    passage = magasin.lire_table("passage_cog")
    scissions = passage[passage["type"] == "scission"]
    assert scissions.groupby("code_ancien")["code"].agg(list).to_dict() == {
        "15141": ["15031", "15035", "15047", "15141", "15171"],
        "60054": ["60054", "60694"],
        "85084": ["85084", "85165", "85212"],
    }
    assert scissions.groupby("code_ancien")["part"].sum().round(5).eq(1).all()
    assert passage.loc[passage["type"] != "scission", "part"].isna().all()


def test_voisins(communes):
    voisins = magasin.lire_table("voisins")
    liens = set(voisins.itertuples(index=False, name=None))
    assert len(liens) == len(voisins)
    assert {(m, b, a) for m, a, b in liens} == liens
    assert not (voisins["code"] == voisins["voisin"]).any()
    com = voisins[voisins["maille"] == "commune"]
    assert com["code"].isin(communes.index[communes["type"] == "COM"]).all()

    def autour(maille, code):
        return set(voisins.loc[(voisins["maille"] == maille) & (voisins["code"] == code), "voisin"])

    assert autour("departement", "53") == {"35", "49", "50", "61", "72"}
    assert autour("region", "94") == set()
    assert autour("region", "53") == {"28", "52"}
    # Laval, Château-Gontier, Segré (Anjou bleu), Vitré et la Roche-aux-Fées.
    assert autour("epci", CRAON) == {"200083392", "200039022", "243500634", "244900809", "245300447"}


# --- Les contours ---


def test_chaque_commune_a_son_contour(communes, fond):
    com = communes[communes["type"] == "COM"]
    assert set(fond["code"]) == set(com.index)
    assert fond["code"].is_unique
    assert fond.crs.to_epsg() == 4326
    liens = fond.set_index("code")[["departement", "epci"]]
    assert liens["departement"].equals(com.loc[liens.index, "departement"])
    cle = fond[["departement", "epci", "code"]].fillna("~")
    assert cle.sort_values(["departement", "epci", "code"]).index.equals(cle.index)


@pytest.mark.parametrize("nom", ["communes", "epci", "departements", "regions"])
def test_couverture_valide(nom):
    formes = magasin.lire_contours(nom).geometry.values
    assert shapely.is_valid(formes).all()
    assert shapely.coverage_is_valid(formes)
    xy = shapely.get_coordinates(formes)
    assert np.array_equal(xy, np.round(xy, 5))


def test_aucun_trou(fond):
    """Chaque département d'un seul tenant intérieur : la somme des surfaces, et pas de vide au milieu."""
    plans = fond.to_crs(3035)
    for _, groupe in plans.groupby("departement"):
        union = shapely.union_all(groupe.geometry.values)
        assert union.area == pytest.approx(groupe.area.sum(), rel=1e-9)
    france = shapely.coverage_union_all(plans.geometry.values)
    vides = [shapely.Polygon(a) for p in shapely.get_parts(france) for a in p.interiors]
    grands = [v for v in vides if v.area > 100_000]
    assert len(grands) == 1
    llivia = gpd.GeoSeries([shapely.Point(1.981, 42.465)], crs=4326).to_crs(3035)[0]
    assert grands[0].contains(llivia)


@pytest.mark.parametrize(
    ("code", "km2"),
    [
        # Superficies du répertoire géographique (cadastre) : le contour généralisé s'en approche.
        ("49126", 157.7),
        ("75056", 105.4),
        ("53130", 34.3),
    ],
)
def test_superficies(communes, code, km2):
    assert communes.at[code, "superficie_km2"] == pytest.approx(km2, rel=0.02)


def test_le_point_est_dans_son_contour(communes, fond):
    points = shapely.points(communes.loc[fond["code"], ["lon", "lat"]].to_numpy())
    assert shapely.intersects(fond.geometry.values, points).mean() > 0.9999


def test_mailles_emboitees(fond):
    """La fusion ne perd rien : un département a la surface de ses communes."""
    departements = magasin.lire_contours("departements").set_index("code").to_crs(3035).area
    sommes = fond.to_crs(3035).area.groupby(fond["departement"]).sum()
    assert np.allclose(departements.sort_index(), sommes.sort_index(), rtol=1e-6)
    assert set(magasin.lire_contours("epci")["code"]) == set(magasin.lire_table("epci")["code"])


# --- Les faits ---


def test_sommes_de_controle(faits):
    dep = faits.groupby("dep")
    assert dep["naissances_2023"].sum().to_dict() == {"01": 6328, "08": 2175, "49": 7945, "53": 2873}
    assert dep["personnes_couvertes_2024"].sum().to_dict() == {
        "01": 285965,
        "08": 120765,
        "49": 405870,
        "53": 134025,
    }
    assert faits.loc["08332", "foyers_allocataires_2024"] is pd.NA


def test_taux_de_couverture():
    taux = magasin.lire_table("taux_couverture")
    assert taux["maille"].value_counts().to_dict() == {
        "epci": 1251,
        "commune": 1015,
        "departement": 102,
        "region": 18,
        "france": 1,
    }
    assert taux.loc[taux["maille"] == "france", "txcouv"].tolist() == [60.9]
    assert taux.loc[(taux["maille"] == "epci") & (taux["code"] == "XX"), "txcouv"].tolist() == [195.8]
    # La Cnaf publie encore à l'EPCI de 2025 : les deux fusions de 2026 n'y sont pas.
    sans = set(magasin.lire_table("epci")["code"]) - set(taux.loc[taux["maille"] == "epci", "code"])
    departements = magasin.lire_table("epci").set_index("code").loc[list(sans), "departement"]
    assert set(departements[departements.ne("976")].index) == {"992367730", "994579670"}


def test_rien_n_est_change_des_faits(construction):
    """Relues comme du texte, les tables redonnent les CSV d'origine, vides compris."""
    from construction.faits import TABLES

    for nom, (fichier, _, _) in TABLES.items():
        brut = pd.read_csv(DONNEES / "faits" / fichier, dtype="str", keep_default_na=False)
        table = magasin.lire_table(nom)
        assert len(table) == len(brut)
        for colonne in brut.columns:
            vides = brut[colonne] == ""
            assert (table[colonne].isna().to_numpy() == vides.to_numpy()).all(), (nom, colonne)
            if not pd.api.types.is_numeric_dtype(table[colonne]):
                assert (table.loc[~vides, colonne] == brut.loc[~vides, colonne]).all()
            else:
                pleins = table.loc[~vides, colonne].astype(float)
                assert (pleins == brut.loc[~vides, colonne].astype(float)).all()


def test_qpv(communes):
    qpv = magasin.lire_table("qpv").set_index("identifiant")
    assert len(qpv) == 1493 and qpv.index.is_unique
    assert qpv["dep"].value_counts()[["49", "08", "01", "53"]].tolist() == [15, 8, 7, 3]
    assert qpv.index.str.fullmatch(r"QN(0\d\d|02[AB]|97[1-46])\d\d[MINC]").all()
    assert qpv.index[qpv.index.str.endswith("C")].str.startswith("QN976").all()
    assert qpv["communes"].str.contains(" ").sum() == 148
    assert qpv["communes"].str.split().explode().isin(communes.index[communes["type"].eq("COM")]).all()
    # Ce que les quatre départements ont de plus : la population publiée de treize quartiers.
    assert qpv["population"].notna().sum() == 13


def test_sommes_de_controle_nationales(communes):
    france = magasin.lire_table("communes_france").set_index("code")
    assert set(france.index) == set(communes.index[communes["type"].eq("COM")])
    naissances = {a: int(france[f"naissances_{a}"].sum()) for a in (2022, 2023, 2024)}
    assert naissances == {2022: 724777, 2023: 676643, 2024: 659731}
    assert france["frr_2025"].value_counts().to_dict() == {
        "Non classée": 14941,
        "FRR socle": 13313,
        "FRR+": 4456,
        "FRR bénéficiaire": 2134,
        "Classée FRR partiellement": 20,
        "FRR bénéficiaire partiellement": 11,
    }
    # Vide : pas publié ; jamais zéro. Les communes rétablies de 15141 n'ont pas de naissances à elles.
    assert france.index[france["naissances_2024"].isna()].tolist() == ["15031", "15035", "15047", "15171"]
    assert france["france_services_2025"].sum() == 3023 and france["france_services_2025"].notna().all()
    # Les arrondissements comptent dans leur ville.
    assert france.loc[["13055", "69123", "75056"], "france_services_2025"].tolist() == [14, 8, 22]


def test_les_populations_d_une_commune_nouvelle_sont_celles_de_toutes_ses_parties(communes):
    """Le relevé par commune n'en donne que le chef-lieu : Saint-Denis sans Pierrefitte."""
    france = magasin.lire_table("communes_france").set_index("code")
    connues = france["pmun_2022"].notna()
    assert (france.loc[connues, "pmun_2022"] == communes.loc[france.index[connues], "population_2022"]).all()
    assert france.at["93066", "population_totale_2022"] == 149781
    assert (france["population_totale_2022"] >= france["pmun_2022"])[connues].all()
    # Une part ou une médiane ne se somme pas : vidée plutôt que celle du chef-lieu.
    assert france.loc["93066", ["pop_2022_0_14", "niveau_vie_median_2021"]].isna().all()
    assert france.loc["01187", "zrr_2021"] == "C / NC"


# --- Les fichiers ---


def test_empreintes_justes():
    empreintes = json.loads((DONNEES / "empreintes.json").read_text(encoding="utf-8"))
    presents = {
        c.relative_to(RACINE).as_posix()
        for motif in (
            "data/*.parquet",
            "data/indicateurs.csv",
            "data/grandeurs.csv",
            "data/calibrage_*.csv",
            "data/epreuve_horizon.csv",
            "data/demande.csv",
            "data/baremes.toml",
            "data/catalogue.toml",
            "data/millesimes.toml",
            "maps/*.parquet",
            "maps/leaflet/[!.]*",
        )
        for c in RACINE.glob(motif)
    }
    assert set(empreintes) == presents
    for nom, attendu in empreintes.items():
        octets = (RACINE / nom).read_bytes()
        assert len(octets) == attendu["octets"] < 8_000_000
        assert hashlib.sha256(octets).hexdigest() == attendu["sha256"], nom
    assert sum(e["octets"] for e in empreintes.values()) < 12_000_000


def test_toutes_les_variables_sont_decrites():
    dictionnaire = pd.read_csv(DONNEES / "variables.csv", sep=";", dtype="str", keep_default_na=False)
    decrites = set(zip(dictionnaire["table"], dictionnaire["colonne"], strict=True))
    assert decrites == {
        (c.stem, colonne) for c in DONNEES.glob("*.parquet") for colonne in magasin.lire_table(c.stem).columns
    }
    assert (dictionnaire[["libelle", "producteur", "jeu", "millesime"]] != "").all().all()
    assert set(dictionnaire["statut"]) == {"exact", "arrondi", "estime"}


def test_provenance_dit_tout():
    texte = (DONNEES / "PROVENANCE.md").read_text(encoding="utf-8")
    for chemin in DONNEES.glob("*.parquet"):
        assert f"`{chemin.stem}`" in texte
    assert "Licence Ouverte 2.0" in texte
    assert not re.search(r"https?://", texte)


def test_aucune_copie_des_fichiers_reels():
    dossier = os.environ.get("CAFDIAG_FICHIERS_REELS")
    if not dossier:
        pytest.skip("CAFDIAG_FICHIERS_REELS n'est pas défini")
    reels = {
        hashlib.sha256(c.read_bytes()).hexdigest()
        for c in Path(dossier).rglob("*")
        if c.is_file() and c.name != "PROVENANCE.md"
    }
    fichiers = [
        c
        for d in ("data", "maps", "templates", "notebooks", "tests")
        for c in (RACINE / d).rglob("*")
        if c.is_file() and ".cache" not in c.parts
    ]
    copies = [c.name for c in fichiers if hashlib.sha256(c.read_bytes()).hexdigest() in reels]
    assert reels
    assert copies == []


# --- La construction ---


def test_source_alteree_refusee(construction, tmp_path):
    from construction import sources

    for cle, (*_, fichier, _empreinte) in sources.ARCHIVES.items():
        (tmp_path / fichier).write_bytes(b"pas la bonne archive")
        with pytest.raises(DonneesAbimees, match="empreinte"):
            sources.obtenir(cle, tmp_path)


def test_source_alteree_rien_n_est_ecrit(construction, tmp_path):
    from construction import sources
    from construire import construire

    shutil.copytree(DONNEES / "faits", tmp_path / "data" / "faits")
    cache = tmp_path / "cache"
    cache.mkdir()
    for *_, fichier, _empreinte in sources.ARCHIVES.values():
        (cache / fichier).write_bytes(b"")
    with pytest.raises(DonneesAbimees):
        construire(tmp_path, cache, dire=lambda texte: None)
    assert not list((tmp_path / "data").glob("*.*"))


def test_outil_absent_dit_quoi_faire(construction, tmp_path, monkeypatch):
    from construction import sources

    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProductionImpossible, match="npm"):
        sources.obtenir("leaflet-1.9.4", tmp_path)


@pytest.mark.parametrize(
    ("table", "colonne", "valeur"),
    [
        ("faits_communes", "naissances_2023", 1),
        ("faits_communes", "pmun_2023", 1),
        ("faits_communes", "epci", CRAON),
        ("communes_france", "naissances_2022", 1),
        ("communes_france", "pmun_2022", 1),
        ("communes_france", "pop_2021", 1),
        ("communes_france", "frr_2025", "FRR+"),
        ("epci", "population_2023", 1),
    ],
)
def test_un_total_faux_arrete_tout(construction, table, colonne, valeur):
    from construction.controles import controler

    tables = {c.stem: magasin.lire_table(c.stem) for c in DONNEES.glob("*.parquet")}
    rang = tables[table].index[tables[table]["code"].isin(["01001", CRAON])][0]
    tables[table].loc[rang, colonne] = valeur
    with pytest.raises(DonneesAbimees, match="Attendu"):
        controler(tables)


def test_les_totaux_embarques_sont_justes(construction):
    from construction.controles import controler

    controler({c.stem: magasin.lire_table(c.stem) for c in DONNEES.glob("*.parquet")})


@pytest.mark.parametrize("filtres", [
    None, [("code", "in", ["01242", "97612", "rien"])], [("departement", "==", "53"), ("code", ">", "53100")],
    [("code", "in", [])],
], ids=str)
def test_la_lecture_sans_fil_rend_ce_que_rend_pyarrow(filtres):
    """Un fond de plusieurs groupes de lignes : ceux qu'un filtre écarte ne se décodent pas."""
    fichier = RACINE / "maps" / "communes.parquet"
    lue = magasin.lire_parquet(fichier, columns=["epci", "geometry"], filters=filtres)
    if filtres and filtres[0][2] == []:
        assert len(lue) == 0 and lue.column_names == ["epci", "geometry"]
    else:
        assert lue.equals(pq.read_table(fichier, columns=["epci", "geometry"], filters=filtres))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="les fils se comptent sous Linux")
def test_lire_les_tables_n_ouvre_aucun_fil():
    """Un seul, et la commande « diagnostic » ne se copierait plus : tout se chargerait deux fois."""
    programme = (
        "import os; from cafdiag.restitution.copie import SEUL, fils; os.environ.update(SEUL)\n"
        "from cafdiag.restitution.produire import preparer; from cafdiag.magasin import lire_contours\n"
        "preparer('200048551'); lire_contours('communes', filtres=[('departement', 'in', ['53'])]); print(len(fils()))"
    )
    rendu = subprocess.run([sys.executable, "-P", "-c", programme], capture_output=True, text=True, check=True)
    assert rendu.stdout == "1\n"
