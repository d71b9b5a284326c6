"""Les fichiers que les usagers apportent vraiment, par la commande : modèles remplis, listes municipales, totaux."""

from __future__ import annotations

import csv
import gzip
import json
import re

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.donnees import entrepot
from cafdiag.donnees.delimite import trouver_separateur
from cafdiag.donnees.registres_controles import lire_agrement
from cafdiag.donnees.registres_lieux import lire_couple
from cafdiag.lot.plan import cibles
from cafdiag.magasin import dossier
from tests.test_registres import ods, texte_ods

MODELES = ("alsh", "centres_sociaux", "eaje", "evs", "france_services", "laep", "ps_jeunes", "rpe")


@pytest.fixture(autouse=True)
def _entrepot(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


@pytest.fixture
def importer(tmp_path, capsys):
    """Écrit un fichier, l'importe par la commande ; rend le code de retour, la table rangée et ce qui est dit."""

    def _importer(contenu, *options, nom="liste.csv", encodage="utf-8"):
        chemin = tmp_path / nom
        if contenu is not None:
            chemin.write_bytes(contenu if isinstance(contenu, bytes) else contenu.encode(encodage))
        retour = principal(["donnees", "importer", str(chemin), *options, "--confirmer"])
        dit = capsys.readouterr()
        assert "signalez ce fichier" not in dit.err and "Traceback" not in dit.err
        return retour, entrepot.lire("structures"), dit.out + dit.err

    return _importer


# --- Les modèles du projet, remplis puis réenregistrés ---


def lignes_du_modele(nom):
    """L'en-tête, les exemples, une structure ouverte et une fermée, comme un usager remplit le modèle."""
    livre = openpyxl.load_workbook(dossier("templates") / "registres" / f"{nom}.xlsx")
    lignes = [list(rang) for rang in livre["Registre"].iter_rows(values_only=True) if any(rang)]
    entete = [str(c) for c in lignes[0] if c]
    exemples = [li[: len(entete)] for li in lignes[1:]]
    rangs = {e.rstrip(" *"): i for i, e in enumerate(entete)}

    def copie(**valeurs):
        neuve = list(exemples[0])
        for titre, valeur in valeurs.items():
            neuve[rangs[titre]] = valeur
        return neuve

    commun = {"Code commune (Insee)": "53188", "Commune": "Renazé", "Code postal": "53800", "Longitude": None,
              "Latitude": None}
    ouverte = copie(**{"Nom de la structure": "La Vraie"}, **commun)
    fermee = copie(**{"Nom de la structure": "La Fermée", "Date de fermeture": "31/12/2023"}, **commun)
    return [entete, *exemples, ouverte, fermee]


def enregistrer(chemin, lignes):
    def texte(valeur):
        if valeur is None:
            return ""
        return valeur.strftime("%d/%m/%Y") if hasattr(valeur, "strftime") else str(valeur).replace(".", ",")

    if chemin.suffix == ".xlsx":
        livre = openpyxl.Workbook()
        for ligne in lignes:
            livre.active.append(ligne)
        livre.save(chemin)
    elif chemin.suffix == ".ods":
        rangs = "".join(texte_ods(*(texte(c).replace("&", "&amp;") for c in ligne)) for ligne in lignes)
        ods(chemin.parent, f'<table:table table:name="Registre">{rangs}</table:table>', chemin.name)
    else:
        with chemin.open("w", encoding="cp1252", newline="") as flux:
            csv.writer(flux, delimiter=";").writerows([[texte(c) for c in ligne] for ligne in lignes])


@pytest.mark.parametrize("nom", [*MODELES, "assistants_maternels", "activite"])
def test_un_modele_vierge_ne_range_aucun_exemple(nom, capsys):
    chemin = dossier("templates") / "registres" / f"{nom}.xlsx"
    assert principal(["donnees", "importer", str(chemin), "--confirmer"]) == 1
    assert "exemple" in capsys.readouterr().err and not entrepot.entrees()


@pytest.mark.parametrize("suffixe", [".xlsx", ".ods", ".csv"])
@pytest.mark.parametrize("nom", MODELES)
def test_un_modele_rempli_puis_reenregistre(nom, suffixe, tmp_path, importer):
    enregistrer(tmp_path / f"{nom}{suffixe}", lignes_du_modele(nom))
    retour, table, dit = importer(None, nom=f"{nom}{suffixe}")
    assert retour == 0, dit
    assert table[["nom", "code"]].values.tolist() == [["La Vraie", "53188"]]
    assert "exemple du modèle" in dit and "structure fermée" in dit
    ligne = table.iloc[0]
    if nom == "alsh":
        assert ligne["heures_mercredi"] == 15400
        assert (ligne["places_mercredi_moins_6"], ligne["places_mercredi_6_11"]) == (24, 36)
    elif nom == "eaje":
        assert (ligne["places"], ligne["mode_financement"], ligne["heures_realisees"]) == (30, "psu", 49500.5)
    elif nom == "rpe":
        assert ligne["communes_couvertes"] == "53084 53188 53077"


@pytest.mark.parametrize("suffixe", [".xlsx", ".ods", ".csv"])
@pytest.mark.parametrize("nom", MODELES)
def test_un_modele_nominatif_est_refuse(nom, suffixe, tmp_path, importer):
    lignes = lignes_du_modele(nom)
    lignes = [[*lignes[0], "Nom de l'enfant"], *([*li, "Durand"] for li in lignes[1:])]
    enregistrer(tmp_path / f"{nom}{suffixe}", lignes)
    retour, table, dit = importer(None, nom=f"{nom}{suffixe}")
    assert retour == 1 and table.empty and "nominative" in dit and "Durand" not in dit


# --- L'agrément ---


@pytest.mark.parametrize(
    ("statut", "fin", "compte", "dit"),
    [
        ("Agréé", "31/12/2027", True, ""),
        ("", "31/12/2027", True, ""),
        ("Agréé", "31/12/2024", True, "échu depuis le 31/12/2024, compté pour 2024"),
        ("En renouvellement", "", True, "renouvellement"),
        ("En cours de validité", "", True, ""),
        ("Sans objet", "", True, ""),
        ("Agréé", "30/12/2024", False, "échu depuis le 30/12/2024"),
        ("Agréé jusqu'au 31/12/2019", "", False, "échu depuis le 31/12/2019"),
        ("Agréé", "2027", True, ""),
        ("Agréé", "2019", False, "échu depuis le 31/12/2019"),
        ("agrément 2015-2018", "", False, "échu depuis le 31/12/2018"),
        ("Non agréé", "", False, "non agréé"),
        ("Refusé", "", False, "non agréé"),
        ("Agrément suspendu", "", False, "non agréé"),
        ("Agrément retiré", "31/12/2027", False, "non agréé"),
        ("Renouvellement refusé", "", False, "non agréé"),
        ("Demande en cours", "", False, "en cours"),
        ("En cours d'instruction", "", False, "en cours"),
        ("Préfiguration", "", False, "préfiguration"),
    ],
)
def test_ce_qui_n_est_pas_agree_ne_compte_pas(statut, fin, compte, dit, tmp_path, capsys):
    chemin = tmp_path / "avs.csv"
    chemin.write_text(
        f"type;nom;code;statut_agrement;date_fin_agrement;annee\nevs;Le Lien;53084;{statut};{fin};2024\n",
        encoding="utf-8",
    )
    options = ["--registre", str(chemin), "--registre-complet", "53", "--format", "json"]
    assert principal(["mesurer", "53084", "-i", "AVS_EVS_PART_RURAL", *options]) == 0
    capture = capsys.readouterr()
    mesure = json.loads(capture.out)[0]
    # Un registre complet dont le seul EVS n'est pas agréé dit « aucun », il ne se tait pas.
    assert (mesure["statut"], mesure["motif"]) == (("exact", "") if compte else ("sans_objet", mesure["motif"]))
    assert dit in capture.err
    assert principal(["donnees", "importer", str(chemin), "--confirmer"]) == (0 if compte else 1)


def test_un_agrement_illisible_est_un_defaut_qui_dit_les_choix(importer):
    retour, _, dit = importer("type;nom;code;Agrément\nevs;A;53084;peut-être bien\n")
    assert retour == 1 and "Préfiguration" in dit
    assert lire_agrement("peut-être bien") is None


# --- Les lignes qui ne sont pas des structures ---


@pytest.mark.parametrize(
    "ligne",
    [
        "S/Total Craon;53084;25", "Sous-total Craon;53084;25", "SOUS TOTAL;;25", "Total Craon;53084;25",
        "Craon - Total;53084;25", "Total général;;25", "TOTAL : 1 structure;;25", "Ensemble;53084;25",
        "Craon;53084;25", "Dont PSU;53084;25", ";;25", "Source : PMI, Caf;;", "* hors MAM;;", "(1) au 31/12/2024;;",
        "Mise à jour : mars 2025;;", "Canton de Craon;;", "Micro-crèches;;", "----;----;----",
        "Nom;Code INSEE;Capacité",
    ],
)  # fmt: skip
def test_une_ligne_qui_n_est_pas_une_structure_est_rangee_de_cote(ligne, importer):
    texte = f"Nom;Code INSEE;Capacité\nLes Lutins;53084;25\n{ligne}\nBulle;53012;10\n"
    retour, table, dit = importer(texte, "--type", "eaje")
    assert retour == 0, dit
    assert table["nom"].tolist() == ["Les Lutins", "Bulle"] and table["places"].sum() == 35
    assert "3 lignes lues, 2 gardées, 1 rejetée" in dit


@pytest.mark.parametrize(
    "nom", ["Totalement Mômes", "Vivre Ensemble", "St Denis", "Cumulus", "Sources vives", "Les Notes bleues", "Craon"]
)
def test_un_nom_qui_ressemble_a_un_total_reste_une_structure(nom, importer):
    retour, table, dit = importer(f"type;nom;code;places\neaje;{nom};53084;24\neaje;Bulle;53012;10\n")
    assert retour == 0 and table["nom"].tolist() == [nom, "Bulle"], dit


def test_pied_sans_fin_de_ligne_et_titre_a_virgules(importer):
    texte = (
        "Liste des EAJE, mise à jour le 12/03/2025, source : PMI, Caf, MSA\n\n"
        "type;nom;code;places\neaje;Les Lutins;53084;20\neaje;Les Fées;53130;30\nSource : PMI, Caf, MSA"
    )
    retour, table, dit = importer(texte)
    assert retour == 0 and len(table) == 2
    assert "1 ligne(s) ignorée(s) au-dessus de l'en-tête : « Liste des EAJE" in dit


def test_cases_fusionnees(tmp_path, importer):
    livre = openpyxl.Workbook()
    feuille = livre.active
    for ligne in (["Petite enfance", None, None, None], ["Commune", "Code INSEE", "Nom", "Capacité"],
                  ["Craon", "53084", "Les Lutins", 25], [None, None, "Babydou", 10], ["Athée", "53012", "Bulle", 8]):
        feuille.append(ligne)
    for plage in ("A1:D1", "A3:A4", "B3:B4"):
        feuille.merge_cells(plage)
    livre.save(tmp_path / "f.xlsx")
    retour, table, dit = importer(None, "--type", "eaje", nom="f.xlsx")
    assert retour == 0, dit
    assert table[["nom", "code"]].values.tolist() == [["Les Lutins", "53084"], ["Babydou", "53084"], ["Bulle", "53012"]]
    # Un nombre partagé par deux lignes n'est celui d'aucune.
    feuille["D4"] = None
    feuille.merge_cells("D3:D4")
    livre.save(tmp_path / "f.xlsx")
    retour, _, dit = importer(None, "--type", "eaje", nom="f.xlsx")
    assert retour == 1 and "fusionnée" in dit


# --- Même enseigne ---

ENSEIGNE = "type;nom;code;adresse;places;longitude;latitude\n"


@pytest.mark.parametrize(
    ("lignes", "gardees"),
    [
        ("5 bis rue A;10;;|12 avenue B;10;;|40 rue C;10;;", 3),
        (";10;-0.770;48.070|;12;-0.760;48.075", 2),
        ("5 rue A;10;-0.770;48.070|7 rue A;10;-0.770;48.070", 2),
        ("5 av. de Paris;10;;|5, Avenue de PARIS;12;;", None),
        (";10;;|;12;;", None),
        ("5 rue A;10;;|;12;;", None),
    ],
)
def test_une_meme_enseigne_a_plusieurs_adresses(lignes, gardees, importer):
    texte = ENSEIGNE + "\n".join(f"micro_creche;Les Petits Pouces;53130;{li}" for li in lignes.split("|"))
    retour, table, dit = importer(texte + "\n")
    if gardees is None:
        assert retour == 1 and "déjà présente" in dit
    else:
        assert retour == 0 and len(table) == gardees, dit


def test_trois_centres_du_meme_nom_sont_trois_au_rapport(importer):
    import cafdiag as cd

    texte = "type;nom;code;adresse\n" + "".join(f"evs;La Ruche;53084;{n} rue A\n" for n in (1, 2, 3))
    assert importer(texte)[0] == 0
    from cafdiag.donnees.communes import structures_connues

    connues = structures_connues()
    assert (connues["nom"] == "La Ruche").sum() == 3
    mesure = cd.mesurer("53084", ["AVS_DENS"]).iloc[0]
    assert "3 structures confirmées" in mesure["motif"]


def test_une_structure_reprise_par_deux_listes_ne_compte_qu_une_fois(tmp_path, capsys):
    """La Caf et une fédération remettent chacune la leur : trois espaces de vie sociale en tout, et non cinq."""
    tete = "Type de structure;Nom de la structure;Code commune (Insee)\n"
    (tmp_path / "caf.csv").write_text(tete + "evs;EVS Les Tilleuls;53084\nevs;EVS La Source;53084\n", encoding="utf-8")
    (tmp_path / "federation.csv").write_text(
        tete + "evs;Les Tilleuls;53084\nEVS;E.V.S. La Source;53084\nevs;EVS Nouveau;53012\n", encoding="utf-8"
    )

    def compte():
        capsys.readouterr()
        assert principal(["mesurer", "200048551", "-i", "AVS_DENS", "--format", "json"]) == 0
        return re.search(r"(une|\d+) structures? confirmées?", capsys.readouterr().out)[1]

    assert principal(["donnees", "importer", str(tmp_path / "caf.csv")]) == 0
    assert "autre import" not in capsys.readouterr().err and compte() == "2"
    assert principal(["donnees", "importer", str(tmp_path / "federation.csv")]) == 0
    assert "2 structures aussi dans un autre import" in capsys.readouterr().err and compte() == "3"
    # Un autre nom, dans la même commune : peut-être la même ; le minorant s'en tient à la liste la plus fournie.
    (tmp_path / "ville.csv").write_text(tete + "evs;Maison du bourg;53084\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(tmp_path / "ville.csv")]) == 0
    assert compte() == "3"


def test_un_alsh_a_deux_adresses_garde_ses_temps_par_lieu(importer):
    texte = "type;nom;code;adresse;temps;places_moins_6;places_6_11\n" + "".join(
        f"alsh;Les Copains;53084;{a};{t};{n};{n}\n" for a, t, n in
        (("1 rue A", "mercredi", 10), ("1 rue A", "aout", 8), ("9 rue B", "mercredi", 20))
    )
    retour, table, dit = importer(texte)
    assert retour == 0, dit
    assert sorted(table["places_mercredi_moins_6"].dropna()) == [10, 20] and len(table) == 2


# --- Listes municipales ---


@pytest.mark.parametrize(
    ("ecrit", "type_"),
    [
        ("Crèche", "eaje"), ("Multi-accueil collectif", "eaje"), ("Halte-garderie", "eaje"), ("E.A.J.E.", "eaje"),
        ("Crèche d'entreprise", "eaje"), ("Jardin d'éveil", "eaje"), ("Micro-crèche PAJE", "micro_creche"),
        ("Lieu d'accueil enfants-parents (LAEP)", "laep"), ("Relais petite enfance (RPE)", "rpe"),
        ("R.A.M.", "rpe"), ("Relais d'assistantes maternelles", "rpe"), ("Accueil de loisirs (ALSH)", "alsh"),
        ("Espace de vie sociale (EVS)", "evs"), ("Centre socio-culturel", "centre_social"),
        ("Espace France Services", "france_services"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("forme", ["registre", "liste"])
def test_un_seul_vocabulaire_des_types(ecrit, type_, forme, importer):
    registre = f"type;nom;code\n{ecrit};Les Lilas;53084\n"
    liste = f"Nom;Catégorie;Adresse;Code postal;Ville\nLes Lilas;{ecrit};1 rue A;53400;Craon\n"
    retour, table, dit = importer({"registre": registre, "liste": liste}[forme])
    assert retour == 0 and table[["type", "code"]].values.tolist() == [[type_, "53084"]], dit


@pytest.mark.parametrize(
    ("entete", "valeur"),
    [
        ("Geo Point", "47.8412, -0.9491"), ("geo_point_2d", "47.8412,-0.9491"),
        ("Coordonnées GPS", "47,8412 ; -0,9491"),
        ("Coordonnées GPS", "47,8412, -0,9491"), ("geom", "POINT (-0.9491 47.8412)"),
        ("wkt", "SRID=4326;POINT(-0.9491 47.8412)"),
        ("geo_shape", '{"type": "Point", "coordinates": [-0.9491, 47.8412]}'), ("Position", "(47.8412, -0.9491)"),
        ("coordonneesXY", "[-0.9491,47.8412]"), ("Où", "47.8412, -0.9491"), ("Point", "47°50'28.3\"N 0°56'56.8\"O"),
        ("latlon", '{"lat": 47.8412, "lon": -0.9491}'),
    ],
)  # fmt: skip
def test_un_point_dans_une_seule_colonne(entete, valeur, importer):
    case = '"' + valeur.replace('"', '""') + '"'
    retour, table, dit = importer(f"Nom;Type;{entete}\nLes Lilas;Crèche;{case}\n")
    assert retour == 0, dit
    ligne = table.iloc[0]
    assert (ligne["code"], ligne["precision_lieu"]) == ("53084", "point")
    assert (ligne["lon"], ligne["lat"]) == pytest.approx((-0.9491, 47.8412), abs=1e-4)


def test_geojson_de_points_multipoints_et_batiments(importer):
    def objet(nom, genre, coordonnees):
        return {"type": "Feature", "properties": {"nom": nom, "type": "creche", "tel": "0612345678"},
                "geometry": {"type": genre, "coordinates": coordonnees}}

    carre = [[[-0.95, 47.84], [-0.948, 47.84], [-0.948, 47.842], [-0.95, 47.84]]]
    contenu = {"type": "FeatureCollection", "features": [
        objet("A", "Point", [-0.9491, 47.8412]), objet("B", "MultiPoint", [[-0.9491, 47.8420]]),
        objet("C", "Polygon", carre),
        {"type": "Feature", "properties": {"nom": "D", "type": "école"}, "geometry": None},
    ]}
    retour, table, dit = importer(json.dumps(contenu), nom="creches_municipales.geojson")
    assert retour == 0 and table["nom"].tolist() == ["A", "B", "C"], dit
    assert set(table["code"]) == {"53084"} and set(table["type"]) == {"eaje"} and "4 lignes lues" in dit
    assert "0612345678" not in table.to_csv()


def test_mam_et_lieux_hors_sujet_ranges_de_cote_meme_sous_un_type_demande(importer):
    texte = (
        "Nom;Type;Adresse;Code postal;Ville;Capacité\nLes Lutins;Crèche;1 rue A;53400;Craon;25\n"
        "Les Loulous;MAM;2 rue B;53400;Craon;12\nMaison d'assistantes maternelles;Crèche;3 rue;53400;Craon;8\n"
        "Médiathèque;Bibliothèque;4 rue;53400;Craon;\n"
    )
    _, table, dit = importer(texte)
    assert table["nom"].tolist() == ["Les Lutins"] and "2 rejetées — maison d'assistants maternels" in dit
    _, table, dit = importer(texte, "--type", "eaje")
    assert table["nom"].tolist() == ["Les Lutins", "Médiathèque"]


def test_une_capacite_sans_temps_ne_fait_pas_perdre_un_accueil_de_loisirs(importer):
    retour, table, dit = importer(
        "Nom;Type;Adresse;Code postal;Ville;Capacité\nALSH Copains;Accueil de loisirs;1 rue A;53400;Craon;60\n"
        "Les Lutins;Crèche;2 rue A;53400;Craon;25 places\n"
    )
    assert retour == 0 and table["type"].tolist() == ["alsh", "eaje"], dit
    assert table["places"].isna().tolist() == [True, False] and table["places"][1] == 25
    assert "rien ne dit le temps" in dit


def test_le_type_demande_l_emporte_et_se_dit(importer):
    texte = "Nom;Type;Code INSEE;Capacité\nLes Lutins;Associative;53084;25\nBulle;LAEP;53012;10\n"
    retour, table, dit = importer(texte, "--type", "eaje")
    assert retour == 0 and table["type"].tolist() == ["eaje", "eaje"]
    assert "LAEP (1)" in dit and "comme demandé" in dit


def test_schema_scdl_et_geocodage(importer):
    scdl = (
        "COLL_NOM,EQUIP_UID,EQUIP_THEME,EQUIP_NOM,ADR_NUMERO,ADR_NOMVOIE,ADR_CODEPOSTAL,ADR_COMMUNE,ADR_CLE_INTEROP,"
        "EQUIP_LAT,EQUIP_LONG\n"
        "Craon,1,Petite enfance,Crèche Charlotte,12,rue A,53400,Craon,53084_0100_00012,47.8412,-0.9491\n"
        "Craon,2,Sport,Gymnase,1,rue B,53400,Craon,53084_0101_00001,47.8412,-0.9491\n"
    )
    retour, table, dit = importer(scdl)
    assert retour == 0 and table[["type", "code", "adresse"]].values.tolist() == [["eaje", "53084", "12 rue A"]], dit
    geocode = (
        "nom;type;adresse;latitude;longitude;result_score;result_type;result_citycode;result_city;result_postcode\n"
        "A;crèche;1 rue A;47.8412;-0.9491;0.92;housenumber;53084;Craon;53400\n"
        "B;crèche;bourg;47.8412;-0.9491;0.75;municipality;53084;Craon;53400\n"
        "C;crèche;zz;48.07;-0.77;0.21;street;53130;Laval;53000\n"
    )
    retour, table, dit = importer(geocode, nom="geocode.csv")
    table = table[table["entree"] == "structures-geocode"]
    lues = table[["nom", "code", "precision_lieu"]].values.tolist()
    assert lues == [["A", "53084", "point"], ["B", "53084", "commune"]]
    assert "score trop faible" in dit and "3 lignes lues, 2 gardées" in dit


def test_la_correspondance_conseillee_est_relue(tmp_path, importer):
    liste = '[{"a": "Les Lutins", "b": "Crèche", "gps": "47.8412, -0.9491", "berceaux": 25}]'
    retour, _, dit = importer(liste, nom="liste.json")
    assert retour == 1
    (tmp_path / "liste.correspondance.toml").write_text(
        '[colonnes]\nnom = "a"\ntype = "b"\nlon = "gps"\nlat = "gps"\nplaces = "berceaux"\n', encoding="utf-8"
    )
    retour, table, dit = importer(liste, nom="liste.json")
    assert retour == 0, dit
    assert table[["nom", "type", "code", "places"]].values.tolist() == [["Les Lutins", "eaje", "53084", 25]]


# --- Le séparateur ---


def test_lot_titre_a_virgules_et_noms_a_virgules(tmp_path):
    liste = tmp_path / "liste.csv"
    titre = "Territoires, mis à jour le 12/03, Caf, MSA\n\n"
    liste.write_text(f"{titre}code;nom_usage\n200048551;Craon, sud\n", encoding="utf-8")
    (cible,) = cibles(fichier=liste)
    assert (cible.cle, cible.nom_usage) == ("200048551", "Craon, sud") and "1 ligne ignorée" in cible.remarque
    liste.write_text("nom\nCC Avallon, Vézelay, Morvan\nCC du Pays de Craon\n", encoding="utf-8")
    assert [c.cle for c in cibles(fichier=liste)] == ["CC Avallon, Vézelay, Morvan", "CC du Pays de Craon"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    separateur=st.sampled_from(";,\t|"),
    titre=st.text("abc ,;|", max_size=40),
    lignes=st.lists(st.tuples(*[st.text("abé,; |1", max_size=8)] * 2), min_size=1, max_size=6),
)
def test_le_separateur_se_trouve_sous_n_importe_quel_titre(separateur, titre, lignes):
    from io import StringIO

    flux = StringIO()
    ecrivain = csv.writer(flux, delimiter=separateur, quoting=csv.QUOTE_ALL, lineterminator="\n")
    ecrivain.writerow(["type", "nom", "code", "places"])
    ecrivain.writerows([["eaje", a, b, "10"] for a, b in lignes])
    assert trouver_separateur(f"{titre}\n\n{flux.getvalue()}") == separateur


@given(lon=st.floats(-5, 9), lat=st.floats(42, 51))
def test_un_point_ecrit_est_un_point_relu(lon, lat):
    objet = '{{"lon": {0:.5f}, "lat": {1:.5f}}}'
    for forme in ("{1:.5f}, {0:.5f}", "POINT ({0:.5f} {1:.5f})", objet, "{1:.5f};{0:.5f}"):
        lu = lire_couple(forme.format(lon, lat))
        assert lu and (float(lu[0]), float(lu[1])) == pytest.approx((lon, lat), abs=1e-5)


def test_un_rapport_sans_aucune_structure_agreee_se_compose(tmp_path):
    """Le registre est complet et ne compte rien : le rapport le dit, il ne s'arrête pas."""
    from cafdiag.restitution.bloc import Donnees
    from cafdiag.restitution.diagnostic import Diagnostic
    from cafdiag.restitution.structures import structures_montrees

    registre = tmp_path / "avs.csv"
    registre.write_text(
        "type;nom;code;statut_agrement\ncentre_social;A;53084;refusé\nevs;B;53084;suspendu\n", encoding="utf-8"
    )
    diagnostic = Diagnostic("53084", registre=str(registre), registre_complet="53")
    assert isinstance(diagnostic.donnees, Donnees)
    montrees = structures_montrees(diagnostic.donnees, ("centre_social", "evs"))
    assert montrees.empty and list(montrees["nom"]) == []


@pytest.mark.parametrize("noms", ["Crèche E, Crèche F", "Les Lutins 1, Les Lutins 2", "Bulle II, Bulle III"])
def test_deux_noms_que_distingue_un_rang_sont_deux_structures(noms, importer):
    lignes = "".join(f"eaje;{nom.strip()};rue Y;49007;-0.5518;47.4736;20\n" for nom in noms.split(","))
    retour, table, dit = importer("type;nom;adresse;code;lon;lat;places\n" + lignes)
    assert retour == 0 and table["nom"].tolist() == noms.split(", "), dit


@pytest.mark.parametrize(
    "nom, dit", [("liste.xlsx", "classeur ou archive incomplets"), ("t.parquet", "parquet incomplet")]
)
def test_un_fichier_coupe_le_dit_en_francais(nom, dit, importer):
    entete = b"PK\x03\x04" if nom.endswith("xlsx") else b"PAR1"
    retour, table, texte = importer(entete + b"\x00" * 40, nom=nom)
    assert retour == 1 and table.empty and dit in texte and "zip file" not in texte


ENTETE = "type;nom;code;commune;places\n"
SAINE = "eaje;A;53084;Craon;20\n"


@pytest.mark.parametrize("fin", [";;;", ";;", ";;;;", " ; ; ", ";;;\n"])
def test_une_derniere_ligne_de_separateurs_n_est_pas_une_coupure(fin, importer):
    retour, table, dit = importer(ENTETE + SAINE + fin)
    assert retour == 0 and table["nom"].tolist() == ["A"], dit


@pytest.mark.parametrize(
    "suite, dit",
    [("eaje;B;530", "la dernière ligne (3) est incomplète"), ('eaje;"B;53012;;10\n', "guillemet jamais refermé"),
     ('eaje;"B" annexe;53012;;10\n', "du texte après un guillemet fermant")],
)
@pytest.mark.parametrize("nom", ["liste.csv", "liste.csv.gz"])
def test_un_registre_coupe_ou_mal_ferme_le_dit(suite, dit, nom, importer):
    """Le refus du registre l'emporte sur « aucun jeu connu » ; compressé, rien ne s'y perd non plus."""
    octets = (ENTETE + SAINE + suite).encode()
    retour, table, texte = importer(gzip.compress(octets) if nom.endswith("gz") else octets, nom=nom)
    assert retour == 1 and table.empty and dit in texte and "aucun jeu connu" not in texte


def test_une_valeur_tue_se_dit_et_reste_vide(importer):
    retour, table, dit = importer(ENTETE + SAINE + "eaje;B;53012;;s\neaje;C;53130;;ns\neaje;D;53130;;<5\n")
    assert retour == 0 and table["places"].isna().sum() == 3
    assert "« places » sans nombre, laissé vide (jamais zéro), sur 3 lignes : « s », « ns », « <5 »" in dit


def test_une_ligne_masquee_du_tableur_se_dit(tmp_path, importer):
    classeur = openpyxl.Workbook()
    for ligne in (ENTETE + SAINE + "eaje;B;53012;;10").split("\n"):
        classeur.active.append(ligne.split(";"))
    classeur.active.row_dimensions[3].hidden = True
    classeur.save(tmp_path / "liste.xlsx")
    retour, table, dit = importer(None, nom="liste.xlsx")
    assert retour == 0 and len(table) == 2 and "1 ligne(s) masquée(s)" in dit and ": 3" in dit


@pytest.mark.parametrize("ecrit", ["EAJE", "Crèche", "multi-accueil"])
def test_le_type_se_dit_comme_une_colonne_l_ecrirait(ecrit, importer):
    retour, table, dit = importer("nom;code;places\nA;53084;20\n", "--type", ecrit)
    assert retour == 0 and table["type"].tolist() == ["eaje"], dit


def test_un_en_tete_sur_deux_lignes_garde_ses_places(importer):
    retour, table, dit = importer(";;Places;Accueil\nNom;Code;2025;handicap\nA;53084;20;1\n", "--type", "eaje")
    assert retour == 0 and table["places"].tolist() == [20] and "« Places 2025 » = Places" in dit, dit
    assert "colonnes non reprises : handicap" in dit
    retour, _, dit = importer(";;Places;Places\nNom;Code;2024;2025\nA;53084;20;22\n", "--type", "eaje", nom="b.csv")
    assert retour == 1 and "plusieurs colonnes pour « Places » : Places 2024, Places 2025" in dit


def test_la_commande_conseillee_suffit(tmp_path, capsys):
    """Sans type ni confirmation, tout est dit d'un coup, et la commande donnée marche telle quelle."""
    chemin = tmp_path / "liste.csv"
    chemin.write_text("Etablissement;Code INSEE;Capacité\nA;53084;20\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(chemin)]) == 1
    dit = capsys.readouterr().err
    assert "colonne absente : « type »" in dit and "« Capacité » lue comme « Places »" in dit
    options = re.search(r"« cafdiag donnees importer liste.csv (.*?) »", dit)[1].split()
    assert principal(["donnees", "importer", str(chemin), *options]) == 0
    assert entrepot.lire("structures")["places"].tolist() == [20]
