"""Ce que l'utilisateur apporte : QPV en contours, registre complet ; défauts dits d'un coup."""

import re

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
from shapely.geometry import box

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table

VERS_WGS84 = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)


@pytest.fixture(scope="module")
def coin():
    """Un point de Trélazé, en Lambert-93 : la liste de l'ANCT y a deux quartiers, QN04908M et QN04914N."""
    from cafdiag.magasin import lire_contours

    contour = lire_contours("communes", filtres=[("code", "==", "49353")]).to_crs(2154)
    point = contour.geometry.iloc[0].representative_point()
    return point.x, point.y


def ecrire_qpv(chemin, carres, codes, *, communes=None, **colonnes):
    """Des QPV en Lambert-93 au format de l'ANCT."""
    table = gpd.GeoDataFrame(
        {"code_qp": codes, "lib_qp": codes, "insee_com": communes or ["49353"] * len(codes), **colonnes},
        geometry=carres,
        crs=2154,
    )
    table.to_crs(4326).to_file(chemin, driver="GeoJSON")
    return chemin


@pytest.fixture
def contours_qpv(tmp_path, coin):
    """Les deux QPV de Trélazé, en carrés de 200 m loin l'un de l'autre."""
    x, y = coin
    carres = [box(x, y, x + 200, y + 200), box(x + 1500, y, x + 1700, y + 200)]
    return ecrire_qpv(tmp_path / "qpv.geojson", carres, ["QN04908M", "QN04914N"], population=[1000, 3000])


def registre(tmp_path, lignes, nom="registre.csv"):
    chemin = tmp_path / nom
    pd.DataFrame(lignes).to_csv(chemin, sep=";", index=False, encoding="utf-8-sig")
    return chemin


def centre(nom, x, y):
    lon, lat = VERS_WGS84.transform(x, y)
    return {
        "type": "centre_social",
        "nom": nom,
        "code": "49353",
        "lon": f"{lon:.7f}".replace(".", ","),
        "lat": f"{lat:.7f}",
    }


def mesures(qpv, fichier, complet=("49",)):
    apports = cd.lire_apports(qpv=qpv, registre=fichier, registre_complet=complet)
    return cd.mesurer("49353", apports=apports).set_index("indicateur")


@pytest.mark.parametrize(("decalage", "couvert"), [(-100, True), (-495, True), (-505, False)])
def test_500_metres_en_lambert_93(tmp_path, contours_qpv, coin, decalage, couvert):
    x, y = coin
    fichier = registre(tmp_path, [centre("A", x + decalage, y + 100)])
    table = mesures(contours_qpv, fichier)
    assert table.loc["AVS_QPV_COUV", "valeur"] == (50.0 if couvert else 0.0)
    assert table.loc["AVS_QPV_COUV", "statut"] == "exact"
    assert table.loc["AVS_QPV_HAB_COUV", "valeur"] == (25.0 if couvert else 0.0)
    assert table.loc["AVS_CS_PAR_QPV", "valeur"] == (0.5 if couvert else 0.0)


def test_definition_stricte_ne_retient_que_le_point_dedans(tmp_path, contours_qpv, coin):
    from cafdiag.donnees.communes import structures_connues, table_communes
    from cafdiag.indicateurs.contexte import Contexte
    from cafdiag.indicateurs.qpv import liens_centres
    from cafdiag.magasin import lire_table

    x, y = coin
    fichier = registre(tmp_path, [centre("dedans", x + 50, y + 50), centre("pres", x + 1400, y + 100)])
    apports = cd.lire_apports(qpv=contours_qpv, registre=fichier, registre_complet=["49"])
    trelaze = pd.DataFrame({"maille": "commune", "officiel": "49353", "nom": "Trélazé"}, index=["49353"])
    contexte = Contexte(
        trelaze,
        pd.DataFrame({"commune": ["49353"], "code": ["49353"]}),
        table_communes(apports),
        lire_table("taux_couverture"),
        lire_table("qpv"),
        structures_connues(apports),
        apports,
    )
    ici = {"QN04908M", "QN04914N"}
    assert ici & set(liens_centres(contexte, definition="stricte")[0]["identifiant"]) == {"QN04908M"}
    assert ici & set(liens_centres(contexte, definition="proximite")[0]["identifiant"]) == ici


def test_un_centre_pour_deux_quartiers_compte_une_fois(tmp_path, coin):
    x, y = coin
    carres = [box(x, y, x + 200, y + 200), box(x + 300, y, x + 500, y + 200)]
    chemin = ecrire_qpv(tmp_path / "deux.geojson", carres, ["QN04908M", "QN04914N"])
    ligne = mesures(chemin, registre(tmp_path, [centre("A", x + 250, y + 100)])).loc["AVS_CS_PAR_QPV"]
    assert (ligne["valeur"], ligne["numerateur"]) == (0.5, 1)


def test_liste_partielle_avec_contours_reste_un_minorant(tmp_path, contours_qpv, coin):
    x, y = coin
    table = mesures(contours_qpv, registre(tmp_path, [centre("A", x, y)]), complet=())
    ligne = table.loc["AVS_QPV_COUV"]
    assert ligne["statut"] == "non_disponible" and ligne["bas"] >= 50 and "minorant" in ligne["motif"]


def test_un_registre_complet_dont_un_centre_n_est_pas_situe_n_est_pas_dit_partiel(tmp_path, contours_qpv):
    sans_point = {"type": "centre_social", "nom": "A", "code": "49353"}
    ligne = mesures(contours_qpv, registre(tmp_path, [sans_point])).loc["AVS_QPV_COUV"]
    assert (
        ligne["statut"] == "non_disponible"
        and "coordonnées" in ligne["motif"]
        and "partielle" not in ligne["motif"]
    )


def test_tous_les_quartiers_couverts_sans_leur_population_n_en_inventent_pas(tmp_path):
    listes = lire_table("qpv")
    # Le seul quartier de sa commune, de population inconnue.
    seuls = listes[listes["population"].isna() & ~listes["communes"].duplicated(keep=False)]
    commune = next(
        c
        for c in seuls["communes"]
        if " " not in c and not listes["communes"].str.contains(f" {c}|{c} ").any()
    )
    centre_ici = {"type": "centre_social", "nom": "A", "code": commune}
    apports = cd.lire_apports(registre=registre(tmp_path, [centre_ici]), registre_complet=[commune[:2]])
    ligne = cd.mesurer(commune, ["AVS_QPV_HAB_COUV"], apports=apports).iloc[0]
    assert (ligne["valeur"], ligne["statut"]) == (100, "estime")
    assert pd.isna(ligne["numerateur"]) and pd.isna(ligne["denominateur"])


def test_registre_complet_rend_exacts_densite_et_part_rurale(tmp_path):
    lignes = [
        {"type": "evs", "nom": "Bourg", "code": "49301"},  # Sèvremoine : densité 5, rurale
        {"type": "evs", "nom": "Ville", "code": "49353"},  # densité 1
        {"type": "evs", "nom": "Champ", "code": "49069"},  # ancien code d'Orée d'Anjou (49126)
        {"type": "centre_social", "nom": "CS", "code": "49353"},
    ]
    apports = cd.lire_apports(registre=registre(tmp_path, lignes), registre_complet=["49"])
    table = cd.mesurer("49", apports=apports).set_index("indicateur")
    assert table.loc["AVS_EVS_PART_RURAL", ["numerateur", "denominateur"]].tolist() == [2, 3]
    assert table.loc["AVS_EVS_PART_RURAL", "valeur"] == pytest.approx(200 / 3)
    assert table.loc["AVS_EVS_PART_RURAL", "statut"] == "exact"
    population = table.loc["CTX_POP", "valeur"]
    assert table.loc["AVS_DENS", "valeur"] == pytest.approx(10_000 * 4 / population)
    assert table.loc["AVS_DENS", "statut"] == "exact"
    oree = cd.mesurer("49126", ["AVS_EVS_PART_RURAL"], apports=apports).iloc[0]
    assert oree["denominateur"] == 1
    sans = cd.mesurer("Saumur", ["AVS_EVS_PART_RURAL"], apports=apports).iloc[0]
    assert sans["statut"] == "sans_objet"


def test_tous_les_defauts_d_un_coup(tmp_path):
    lignes = [
        {"type": "garage", "nom": "A", "code": "49353", "lon": "x", "lat": "47,4"},
        {"type": "evs", "nom": "", "code": "99999", "lon": "466996", "lat": "6719860"},
    ]
    with pytest.raises(EntreeFautive) as capture:
        cd.lire_apports(registre=registre(tmp_path, lignes))
    texte = " ".join(capture.value.defauts)
    for attendu in (
        "ligne 2, colonne type",
        "ligne 2, colonne lon",
        "ligne 3, colonne nom",
        "99999",
        "Lambert",
    ):
        assert attendu in texte
    assert capture.value.code_retour == 1


@pytest.mark.parametrize(
    "contenu",
    [
        b"",
        b"\x00\x01\x02",
        b"type;nom\nevs;A\n",
        b"<html>erreur</html>",
    ],
)
def test_fichier_abime_refuse(tmp_path, contenu):
    chemin = tmp_path / "abime.csv"
    chemin.write_bytes(contenu)
    with pytest.raises(EntreeFautive, match=r"abime\.csv"):
        cd.lire_apports(registre=chemin)


def test_une_colonne_a_confirmer_dit_la_commande_qui_confirme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    chemin = tmp_path / "reg.csv"
    chemin.write_text("type,nom,code_insee\neaje,Les Lutins,49007\n", encoding="utf-8")
    with pytest.raises(EntreeFautive) as refus:
        cd.lire_apports(registre=chemin)
    commande = re.search(r"« cafdiag (.+ --confirmer) »", str(refus.value))[1]
    assert principal(commande.split()) == 0 and "reg.csv" in commande
    assert cd.lire_apports(registre=chemin).structures["code"].tolist() == ["49007"]


def test_qpv_sans_les_colonnes_de_l_anct_refuse(tmp_path):
    chemin = tmp_path / "autre.geojson"
    gpd.GeoDataFrame({"x": [1]}, geometry=[box(0, 47, 0.1, 47.1)], crs=4326).to_file(chemin, driver="GeoJSON")
    with pytest.raises(EntreeFautive, match="code_qp"):
        cd.lire_apports(qpv=chemin)
    with pytest.raises(EntreeFautive, match="introuvable"):
        cd.lire_apports(qpv=tmp_path / "absent.geojson")


def test_departement_complet_inconnu_refuse(tmp_path):
    fichier = registre(tmp_path, [{"type": "evs", "nom": "A", "code": "49353"}])
    with pytest.raises(EntreeFautive, match="ZZ"):
        cd.lire_apports(registre=fichier, registre_complet=["ZZ"])
    with pytest.raises(EntreeFautive, match="aucun registre"):
        cd.lire_apports(registre_complet=["49"])


def test_aucune_coordonnee_personnelle_n_est_gardee(tmp_path):
    fichier = registre(
        tmp_path,
        [{"type": "evs", "nom": "A", "code": "49353", "telephone": "0102030405", "courriel": "a@b.fr"}],
    )
    colonnes = set(cd.lire_apports(registre=fichier).structures.columns)
    assert colonnes == {"type", "nom", "code", "lon", "lat", "places", "source"}


def test_definition_de_la_couverture_au_choix(tmp_path, contours_qpv, coin):
    x, y = coin
    apports = cd.lire_apports(
        qpv=contours_qpv, registre=registre(tmp_path, [centre("A", x - 100, y)]), registre_complet=["49"]
    )
    valeurs = {
        definition: cd.mesurer(
            "49353", ["AVS_QPV_COUV"], apports=apports, options=cd.Options(definition_qpv=definition)
        ).iloc[0]
        for definition in ("proximite", "stricte")
    }
    assert (valeurs["proximite"]["valeur"], valeurs["stricte"]["valeur"]) == (50.0, 0.0)
    assert "500 m" in valeurs["proximite"]["motif"] and "seulement" in valeurs["stricte"]["motif"]


def test_un_fichier_de_qpv_filtre_n_eteint_rien(tmp_path, coin):
    """Un seul des deux quartiers de Trélazé : la liste de l'ANCT dit toujours ce qu'il y a ici, et ailleurs."""
    x, y = coin
    chemin = ecrire_qpv(tmp_path / "un.geojson", [box(x, y, x + 200, y + 200)], ["QN04908M"])
    apports = cd.lire_apports(qpv=chemin)
    for code, attendu in (("49353", 2), ("49007", 8), ("53130", 3), ("44109", 12), ("49018", 0)):
        ligne = cd.mesurer(code, ["CTX_QPV_NB"], apports=apports).iloc[0]
        assert (ligne["valeur"], ligne["statut"]) == (attendu, "exact"), code


def test_les_communes_d_un_quartier_ne_se_devinent_pas_du_contour(tmp_path, coin, capsys):
    """Le contour déborde chez la voisine, ou la manque : c'est la liste de l'ANCT, ou la colonne, qui le situe."""
    x, y = coin
    carre = box(x - 9_000, y - 9_000, x + 9_000, y + 9_000)
    cas = [
        ("QN04908M", None, (2, 8)),  # connu de la liste : à Trélazé
        ("QN04908M", [""], (2, 8)),
        ("QN04999N", ["49353, 49007"], (3, 9)),  # nouveau : les communes que dit le fichier
        ("QN04999N", ["49007"], (2, 9)),
    ]
    for code, communes, attendus in cas:
        chemin = ecrire_qpv(tmp_path / "q.geojson", [carre], [code], communes=communes)
        apports = cd.lire_apports(qpv=chemin)
        nombres = [cd.mesurer(c, ["CTX_QPV_NB"], apports=apports).iloc[0]["valeur"] for c in ("49353", "49007")]
        assert tuple(nombres) == attendus, communes
    # Un fichier qui contredit la liste est lu, et la contradiction est dite.
    chemin = ecrire_qpv(tmp_path / "q.geojson", [carre], ["QN04908M"], communes=["49007"])
    assert principal(["mesurer", "49353", "-i", "CTX_QPV_NB", "--qpv", str(chemin)]) == 0
    sortie = capsys.readouterr()
    assert "2 quartiers" in sortie.out and "la liste l'emporte" in sortie.err
    chemin = ecrire_qpv(tmp_path / "q.geojson", [carre], ["QN04999N"], communes=[""])
    with pytest.raises(EntreeFautive, match="insee_com"):
        cd.lire_apports(qpv=chemin)


def test_distance_en_metres_vrais_outre_mer(tmp_path):
    """À La Réunion, Lambert-93 gonflerait les distances : la projection légale de l'île est prise."""
    vers = pyproj.Transformer.from_crs(2975, 4326, always_xy=True)
    x, y = 338_000, 7_690_000
    quartier = gpd.GeoDataFrame(
        {"code_qp": ["QN97430I"], "lib_qp": ["Q"], "insee_com": ["97411"]},
        geometry=[box(x, y, x + 200, y + 200)],
        crs=2975,
    )
    chemin = tmp_path / "reunion.geojson"
    quartier.to_crs(4326).to_file(chemin, driver="GeoJSON")
    for decalage, couvert in ((-495, 100.0), (-505, 0.0)):
        lon, lat = vers.transform(x + decalage, y + 100)
        lieu = {"type": "centre_social", "nom": f"C{decalage}", "code": "97411", "lon": lon, "lat": lat}
        fichier = registre(tmp_path, [lieu], nom=f"r{abs(decalage)}.csv")
        apports = cd.lire_apports(qpv=chemin, registre=fichier, registre_complet=["974"])
        ligne = cd.mesurer("QN97430I", ["AVS_QPV_COUV"], apports=apports).iloc[0]
        assert (ligne["valeur"], ligne["denominateur"]) == (couvert, 1)


def test_registre_complet_ne_vaut_que_pour_ses_types(tmp_path):
    fichier = registre(tmp_path, [{"type": "evs", "nom": "A", "code": "49301"}])
    apports = cd.lire_apports(registre=fichier, registre_complet=["49"])
    table = cd.mesurer("49", apports=apports).set_index("indicateur")
    assert table.loc["AVS_EVS_PART_RURAL", "statut"] == "exact"
    assert table.loc["AVS_DENS", "statut"] != "exact"
    vide = tmp_path / "vide.csv"
    vide.write_text("type;nom;code\n", encoding="utf-8")
    with pytest.raises(EntreeFautive):
        cd.lire_apports(registre=vide, registre_complet=["49"])


@pytest.mark.parametrize(
    ("code", "contour", "attendu"),
    [
        ("", box(-0.55, 47.47, -0.54, 47.48), "code"),
        ("QP049001", box(-0.55, 47.47, -0.54, 47.48), "QP049001"),
        ("QN04908M", box(47.47, -0.55, 47.48, -0.54), "hors de France"),
        ("QN04908M", box(-0.55, 47.47, -0.54, 47.48).exterior, "surface"),
    ],
)
def test_contours_de_qpv_fautifs(tmp_path, code, contour, attendu):
    chemin = tmp_path / "faux.geojson"
    gpd.GeoDataFrame({"code_qp": [code], "lib_qp": ["a"]}, geometry=[contour], crs=4326).to_file(
        chemin, driver="GeoJSON"
    )
    with pytest.raises(EntreeFautive, match=attendu):
        cd.lire_apports(qpv=chemin)


def test_qpv_en_tableur_sans_contour(tmp_path):
    chemin = tmp_path / "qpv.csv"
    chemin.write_text("code_qp,lib_qp\nQN04908M,Nord\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="contour"):
        cd.lire_apports(qpv=chemin)
