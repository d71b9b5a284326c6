"""Les entrées fautives, par la commande : la vraie cause, en français, tout d'un coup, et rien de perdu en silence."""

from __future__ import annotations

import gzip
import json
import re
import zipfile

import openpyxl
import pytest

from cafdiag.cli import principal
from cafdiag.donnees import entrepot
from cafdiag.magasin import lire_contours

CRAON = "200048551"
ANGLAIS = re.compile(r"\b(the|not|file|error|invalid|unexpected|expected|line|column|failed|magic)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _entrepot(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


@pytest.fixture
def importer(tmp_path, capsys):
    """Écrit un fichier s'il est donné, l'importe ; rend le code de retour et ce qui est dit."""

    def _importer(nom, contenu=None, *options):
        if contenu is not None:
            (tmp_path / nom).write_bytes(contenu if isinstance(contenu, bytes) else contenu.encode())
        retour = principal(["donnees", "importer", str(tmp_path / nom), *options])
        dit = capsys.readouterr()
        return retour, dit.out + dit.err

    return _importer


# --- Ce que refuse une bibliothèque ---


def _zip_coupe():
    return b"PK\x03\x04" + b"\x00" * 200


@pytest.mark.parametrize(
    ("nom", "octets"),
    [
        ("a.gpkg", b"SQLite format 3\x00" + b"\x01" * 400),
        ("a.shp", b"\x00\x00\x27\x0a" + b"\x01" * 400),
        ("a.parquet", b"PAR1" + b"\x01" * 400 + b"PAR1"),
        ("a.xlsx", _zip_coupe()),
        ("a.ods", _zip_coupe()),
        ("a.csv.gz", gzip.compress(b"CODGEO;NAISD22\n53130;4\n" * 500, mtime=0)[:-20]),
        ("a.json", b'{"a": [1, 2'),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type": "Feature"'),
    ],
)
def test_un_fichier_abime_se_dit_en_francais(importer, nom, octets):
    retour, dit = importer(nom, octets)
    assert retour == 1 and nom in dit and not ANGLAIS.search(dit), dit


def test_un_classeur_au_contenu_abime_se_dit_en_francais(importer, tmp_path):
    livre = openpyxl.Workbook()
    livre.active.append(["CODGEO", "NAISD22"])
    livre.save(tmp_path / "sain.xlsx")
    with zipfile.ZipFile(tmp_path / "sain.xlsx") as sain, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as abime:
        for nom in sain.namelist():
            abime.writestr(nom, b"<abime" if "sheet1" in nom else sain.read(nom))
    retour, dit = importer("b.xlsx")
    assert retour == 1 and not ANGLAIS.search(dit), dit


# --- Des cases sans nombre ---


def test_une_case_sans_nombre_d_un_fichier_officiel_se_dit(importer):
    lignes = ["CODGEO;NAISD22", "53130;nd", "53084;s", "53062;-", "53001;n.d.", "53002;", "53003;NC", "53005;4"]
    retour, dit = importer("naissances_2022.csv", "\n".join(lignes))
    assert retour == 0 and "« NAISD22 » sans nombre, laissé vide (jamais zéro), sur 5 lignes" in dit
    assert all(f"« {t} »" in dit for t in ("nd", "s", "-", "n.d.", "NC"))


# --- Des points ---


def _points(systeme):
    communes = lire_contours("communes").set_index("code").loc[["53130", "53084"]]
    points = communes.representative_point()
    points = points.to_crs(systeme) if systeme else points
    faits = [{"type": "eaje", "nom": f"Crèche {code}", "places": 20, "code_insee": code} for code in points.index]
    return faits, points


@pytest.mark.parametrize(("systeme", "dit_le"), [(None, False), (2154, False), (2154, True), (3948, True)])
@pytest.mark.parametrize("cle", ["code_insee", "insee_com", "secteur"])
def test_un_geojson_de_points_n_est_pas_pris_pour_des_contours(importer, systeme, dit_le, cle):
    faits, points = _points(systeme)
    suite = [
        {"type": "Feature", "properties": {cle if c == "code_insee" else c: v for c, v in f.items()},
         "geometry": {"type": "Point", "coordinates": [p.x, p.y]}}
        for f, p in zip(faits, points, strict=True)
    ]  # fmt: skip
    contenu = {"type": "FeatureCollection", "features": suite}
    if dit_le:
        contenu["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{systeme}"}}
    retour, dit = importer("creches.geojson", json.dumps(contenu), "--confirmer")
    assert retour == 0, dit
    table = entrepot.lire("structures").set_index("code")
    assert sorted(table.index) == ["53084", "53130"] and table["lon"].between(-1.5, -0.5).all()


@pytest.mark.parametrize("systeme", [4326, 2154])
@pytest.mark.parametrize("nom", ["creches.gpkg", "creches.shp", "creches.geoparquet"])
def test_les_points_d_un_fichier_geographique_sont_lus(importer, tmp_path, systeme, nom):
    import geopandas as gpd

    faits, points = _points(systeme)
    table = gpd.GeoDataFrame(faits, geometry=points.to_numpy(), crs=systeme).drop(columns="code_insee")
    (table.to_parquet if nom.endswith("parquet") else table.to_file)(tmp_path / nom)
    retour, dit = importer(nom, None, "--confirmer")
    assert retour == 0, dit
    assert sorted(entrepot.lire("structures")["code"]) == ["53084", "53130"]


def test_un_shapefile_sans_ses_attributs_et_un_geojson_sans_formes(importer, tmp_path):
    import geopandas as gpd

    faits, points = _points(4326)
    gpd.GeoDataFrame(faits, geometry=points.to_numpy(), crs=4326).to_file(tmp_path / "s.shp")
    (tmp_path / "s.dbf").unlink()
    retour, dit = importer("s.shp", None, "--confirmer")
    assert retour == 1 and "joignez aussi le .dbf" in dit
    suite = [{"type": "Feature", "properties": f, "geometry": None} for f in faits]
    contenu = json.dumps({"type": "FeatureCollection", "features": suite})
    assert importer("creches.geojson", contenu, "--confirmer")[0] == 0


# --- Une colonne presque juste, une colonne double, une année à venir ---

ENTETE = "Maille;Code du territoire;Nom du territoire;Grandeur;Année;Valeur;Source"
FAIT = f"EPCI;{CRAON};;heures_facturees_eaje;2023;12000;Caf"


@pytest.mark.parametrize(
    ("bon", "faux"),
    [("Grandeur", "Grandeurr"), ("Valeur", "Vleur"), ("Année", "Anée"), ("Maille", "Mailel"),
     ("Code du territoire", "Code du teritoire")],
)  # fmt: skip
def test_une_colonne_presque_juste_d_une_activite_est_une_erreur_qui_propose(importer, bon, faux):
    retour, dit = importer("activite.csv", f"{ENTETE.replace(bon, faux)}\n{FAIT}\n")
    assert retour == 1 and f"« {bon} » ; « {faux} » lui ressemble" in dit, dit


def test_deux_colonnes_de_valeurs_qui_different_sont_refusees(importer):
    retour, dit = importer("activite.csv", f"{ENTETE};Montant\n{FAIT};13000\n")
    assert retour == 1 and "deux colonnes « Valeur » qui diffèrent" in dit
    assert importer("activite.csv", f"{ENTETE};Montant\n{FAIT};12000\n")[0] == 0


def test_une_activite_d_une_annee_a_venir_est_refusee(importer):
    retour, dit = importer("activite.csv", f"{ENTETE}\n{FAIT.replace('2023', '2093')}\n")
    assert retour == 1 and "« 2093 » (attendu : une année déjà commencée)" in dit


def test_une_decomposition_jusqu_a_une_annee_a_venir_est_refusee(capsys):
    assert principal(["decomposer", "53130", "2017", "2093"]) == 2
    assert "2093 est à venir" in capsys.readouterr().err


def test_une_annee_a_venir_n_est_pas_proposee_pour_un_diagnostic(capsys, tmp_path):
    import cafdiag as cd

    projetee = int(cd.dictionnaire().at["PE_ENF_M3_5ANS", "annee"])
    for annee in (1990, projetee):
        assert principal(["diagnostic", CRAON, "--annee", str(annee), "--sortie", str(tmp_path / "s")]) == 2
        dit = capsys.readouterr().err
        assert "une année parmi" in dit and str(projetee) not in dit.partition("Attendu")[2]
    assert principal(["mesurer", CRAON, "-i", "PE_ENF_M3_5ANS", "--annee", str(projetee)]) == 0


# --- Les tableaux de l'usager : actions, réalisations, réponses ---

PILOTEES = "Action;Pilote;Début;Places de crèche créées;Indicateur;Cible"


@pytest.mark.parametrize(
    ("ligne", "attendu"),
    [
        ("Une crèche;CCAS;2027;20;PE_PART_INDIV;+10 %", "cible « +10 % » : un écart ; écrivez le niveau à atteindre"),
        ("Une crèche;CCAS;2027;20;PE_TXCOUV_EAJE, PE_TXCOUV_AM;12", "un seul par ligne"),
        ("Une crèche;CCAS;1927;20;PE_TXCOUV_EAJE;12", "« 1927 » : une année de 2000 à 2099"),
        ("Une crèche;CCAS;2027;10,5;PE_TXCOUV_EAJE;12", "places « 10,5 » (un nombre entier)"),
    ],
)
def test_une_action_qui_ferait_un_faux_chiffre_est_refusee(tmp_path, capsys, ligne, attendu):
    (tmp_path / "a.csv").write_text(f"{PILOTEES}\n{ligne}\n", "utf-8")
    assert principal(["diagnostic", CRAON, "--formats", "fiches", "--actions", str(tmp_path / "a.csv"),
                      "--sortie", str(tmp_path / "s")]) == 1  # fmt: skip
    assert attendu in capsys.readouterr().err and not list((tmp_path / "s").rglob("*.docx"))


FAITES = "Action;Thème;Commune;Année;Euros;Heures;Places"


def _bilan(tmp_path, capsys, *lignes, entete=FAITES):
    (tmp_path / "r.csv").write_text("\n".join([entete, *lignes]) + "\n", "utf-8")
    code = principal(["bilan", CRAON, "--realisations", str(tmp_path / "r.csv"), "--format", "csv"])
    dit = capsys.readouterr()
    return code, dit.out + dit.err


def test_des_realisations_sans_nombre_a_venir_ou_mal_placees_se_disent(tmp_path, capsys):
    code, dit = _bilan(tmp_path, capsys, "Forum;Pilotage;Craon;31/12/2023;nd;3;")
    assert code == 0 and "« Euros » sans nombre, laissé vide (jamais zéro), sur 1 ligne : « nd »" in dit
    code, dit = _bilan(tmp_path, capsys, "A;Pilotage;Craon;2093;1;;", "B;Pilotage;53084, 53188;;1;;2,5")
    assert code == 1 and all(
        d in dit for d in ("année « 2093 »", "2 lieux", "année vide", "places « 2,5 » (un nombre entier)")
    )


def test_des_colonnes_doubles_ou_a_une_faute_pres_sont_refusees(tmp_path, capsys):
    code, dit = _bilan(tmp_path, capsys, "A;Pilotage;Craon;2023;1;;;99", entete=f"{FAITES};Coût")
    assert code == 1 and "deux colonnes pour « Euros », « Euros » et « Coût », qui diffèrent" in dit
    fautif = "Acton;Theme;Commune;Année;Euro;Heure;Places"
    code, dit = _bilan(tmp_path, capsys, "A;Pilotage;Craon;2023;1;;", entete=fautif)
    assert code == 1 and "« Acton » lui ressemble" in dit and "« Euro » : est-ce « Euros » ?" in dit
    # Des milliers d'euros ne deviennent pas des euros en changeant un titre.
    code, dit = _bilan(tmp_path, capsys, "A;Pilotage;Craon;2023;1;;", entete=FAITES.replace("Euros", "Montant (k€)"))
    assert code == 1 and "Écrivez alors les montants en euros" in dit


def test_une_feuille_a_une_faute_d_en_tete_n_est_pas_laissee_a_cote_d_une_autre(tmp_path, capsys):
    livre = openpyxl.Workbook()
    for titre, entete in (("2023", FAITES), ("2022", FAITES.replace("Année", "Anée"))):
        feuille = livre.create_sheet(titre)
        for ligne in (entete, f"A {titre};Pilotage;Craon;{titre};1;;"):
            feuille.append(ligne.split(";"))
    livre.remove(livre["Sheet"])
    livre.save(tmp_path / "r.xlsx")
    assert principal(["bilan", CRAON, "--realisations", str(tmp_path / "r.xlsx")]) == 1
    assert "feuille « 2022 », colonne « Anée » : est-ce « Année » ?" in capsys.readouterr().err


def test_un_nom_porte_par_deux_communes_du_territoire_n_est_pas_devine():
    from cafdiag.donnees.releves import commune_dite
    from cafdiag.territoires import territoire

    noms = {"53001": "Saint-Loup", "53002": "Saint-Loup", "53084": "Craon"}
    code, faute, ailleurs = commune_dite("Saint-Loup", territoire(CRAON), noms)
    assert not code and "2 portent ce nom ; écrivez son code (53001, 53002)" in faute and not ailleurs


def _reponses(tmp_path, capsys, *fichiers):
    chemins = []
    for nom, lignes in fichiers:
        chemins.append(tmp_path / nom)
        entete = "Numéro;Commune;Âge;accueil;souhait;manque;satisfaction"
        chemins[-1].write_text("\n".join([entete, *lignes]) + "\n", "utf-8")
    code = principal(["questionnaire", "depouiller", CRAON, "--reponses", *map(str, chemins)])
    dit = capsys.readouterr()
    return code, dit.out + dit.err


SAINES = [f";Craon;{a % 18};Un parent;Oui;Rien;Plutôt" for a in range(30)]


def test_des_reponses_ne_se_comptent_qu_une_fois_et_une_ligne_vide_n_en_est_pas_une(tmp_path, capsys):
    code, dit = _reponses(tmp_path, capsys, ("a.csv", [*SAINES, "Saisie : mairie;;;;;;"]))
    assert code == 0 and "30 réponses" in dit and "1 ligne sans aucune réponse, mise de côté" in dit
    code, dit = _reponses(tmp_path, capsys, ("a.csv", SAINES), ("copie.csv", SAINES))
    assert code == 1 and "copie.csv : les mêmes réponses que a.csv" in dit


def test_une_reponse_presque_juste_est_une_erreur_qui_propose(tmp_path, capsys):
    fautes = [";Craonn;3;Un parant;Oui;Des places d'accueil, Rien;Plutôt", ";Laval;3;Un parent;Oui;;Plutôt"]
    code, dit = _reponses(tmp_path, capsys, ("a.csv", [*SAINES, *fautes]))
    assert code == 1 and "2 défauts" in dit
    assert "« Craonn » inconnue (essayez Craon" in dit and "(au choix : Un parent)" in dit


# --- Une liste de territoires ---


@pytest.mark.parametrize("liste", ["200048551,200060010\n", "200048551;200060010\n53084;53130\n"])
def test_deux_codes_sur_une_ligne_ne_perdent_pas_le_second(tmp_path, capsys, liste):
    (tmp_path / "l.txt").write_text(liste)
    assert principal(["lot", "--fichier", str(tmp_path / "l.txt"), "--sortie", str(tmp_path / "s")]) == 2
    dit = capsys.readouterr().err
    assert "ligne 1 : plusieurs codes (200048551, 200060010)" in dit and not (tmp_path / "s").exists()


# --- Un instantané retouché ---


def test_un_instantane_retouche_se_dit_et_ses_types_faux_sont_refuses(tmp_path, capsys):
    t0 = tmp_path / "t0.json"
    assert principal(["figer", CRAON, "-i", "PE_TXCOUV_GLOBAL", "--sortie", str(t0)]) == 0
    fige = json.loads(t0.read_text("utf-8"))
    t0.write_text(json.dumps(fige), "utf-8-sig")
    assert principal(["evaluer", str(t0)]) == 0 and "modifié" not in capsys.readouterr().err
    fige["mesures"][0]["valeur"] = 12.0
    t0.write_text(json.dumps(fige), "utf-8")
    assert principal(["evaluer", str(t0)]) == 0
    assert "l'instantané a été modifié depuis qu'il a été figé" in capsys.readouterr().err
    fige["mesures"][0] |= {"annee": "hier", "statut": "bof"}
    t0.write_text(json.dumps(fige), "utf-8")
    assert principal(["evaluer", str(t0)]) == 1
    dit = capsys.readouterr().err
    assert "annee « hier »" in dit and "statut « bof »" in dit


def test_une_unite_et_un_pays_s_otent_dans_un_registre_comme_dans_une_liste(importer):
    lignes = ["type;nom;commune;code_postal;places", "eaje;A;Laval;F-53000;25 places", "eaje;B;Craon;53400;1 berceau"]
    retour, dit = importer("creches.csv", "\n".join(lignes), "--confirmer")
    assert retour == 0, dit
    assert entrepot.lire("structures").set_index("code")["places"].to_dict() == {"53130": 25, "53084": 1}


# --- Les petits fichiers de réglage ---


def test_une_clef_presque_juste_propose_la_bonne(tmp_path, importer):
    from cafdiag.erreurs import EntreeFautive
    from cafdiag.restitution.identite import lire_identite

    for texte, attendu in (
        ('Caf = "x"\ncontat = "y"', ["peut-être « caf »", "peut-être « contact »"]),
        ('caf = "a"\ncaf = "b"', ["une clef écrite deux fois"]),
        ('caf = "Caf de la Mayenne\ndate = "2026"', ["ligne 1, colonne 25 : un guillemet n'est pas fermé"]),
        ('logo = "C:\\Users\\logo.png"', ["écrivez / au lieu de \\"]),
        ('logo = "C:\\temp\\bon.png"', ["écrivez / au lieu de \\"]),
    ):
        (tmp_path / "identite.toml").write_text(texte, "utf-8")
        with pytest.raises(EntreeFautive) as faute:
            lire_identite(tmp_path / "identite.toml")
        assert all(a in str(faute.value) for a in attendu), faute.value
    (tmp_path / "r.csv").write_text("type;nom;code;Capa\neaje;A;53130;25\n")
    for toml, attendu in (
        ('[colonnes]\ntype = "type"\nnom = "nom"\ncode = "code"\nplace = "Capa"', "« place », peut-être « places »"),
        ('[colonnes]\ntype = "type"\nnom = "nom"\ncode = "code"\nplaces = "Capac"', "peut-être « Capa »"),
    ):
        (tmp_path / "r.correspondance.toml").write_text(toml)
        retour, dit = importer("r.csv")
        assert retour == 1 and attendu in dit


def test_un_modele_de_diapositives_ampute_se_dit_en_francais(tmp_path):
    from pptx import Presentation

    from cafdiag.erreurs import EntreeFautive
    from cafdiag.restitution.modele_pptx import lire_modele

    Presentation().save(tmp_path / "sain.pptx")
    with zipfile.ZipFile(tmp_path / "sain.pptx") as sain, zipfile.ZipFile(tmp_path / "m.pptx", "w") as ampute:
        for nom in sain.namelist():
            if "slideMaster" not in nom:
                ampute.writestr(nom, sain.read(nom))
    with pytest.raises(EntreeFautive) as faute:
        lire_modele(tmp_path / "m.pptx")
    assert "il y manque une partie" in str(faute.value) and not ANGLAIS.search(str(faute.value))


@pytest.mark.parametrize(
    ("texte", "code", "attendu"),
    [
        ("grandeur;valeur\npopulatoin;28752\n", 0, "sans doute « population »"),
        ("grandeur;valleur\npopulation;28752\n", 1, "colonne absente : « valeur » (« valleur » lui ressemble"),
        ("grandeur;valeur\n", 1, "aucune ligne sous l'en-tête"),
    ],
)
def test_un_portrait_mal_ecrit_n_est_pas_dit_sans_rien_a_signaler(tmp_path, capsys, texte, code, attendu):
    (tmp_path / "p.csv").write_text(texte, "utf-8")
    assert principal(["anomalies", str(tmp_path / "p.csv")]) == code
    dit = capsys.readouterr()
    assert attendu in dit.out + dit.err and "rien à signaler" not in dit.out + dit.err
