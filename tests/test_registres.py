"""Les registres locaux : chaque type, chaque défaut, chaque format ; rien n'est perdu ni deviné en silence."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cafdiag.donnees import registres
from cafdiag.donnees.registres_champs import TYPES, TYPES_STRUCTURES
from cafdiag.donnees.registres_tableau import chemin_correspondance
from cafdiag.donnees.tableurs import lire_feuilles
from cafdiag.erreurs import CafdiagError, DemandeFausse, EntreeFautive
from cafdiag.magasin import dossier

pytestmark = pytest.mark.unitaire

ENTETE = "type;nom;code;places"


@pytest.fixture
def ecrire(tmp_path):
    def _ecrire(texte, nom="registre.csv", encodage="utf-8"):
        chemin = tmp_path / nom
        chemin.write_bytes(texte if isinstance(texte, bytes) else texte.encode(encodage))
        return chemin

    return _ecrire


def classeur(tmp_path, feuilles, nom="registre.xlsx"):
    livre = openpyxl.Workbook()
    livre.remove(livre.active)
    for titre, lignes in feuilles.items():
        feuille = livre.create_sheet(titre)
        for ligne in lignes:
            feuille.append(ligne)
    chemin = tmp_path / nom
    livre.save(chemin)
    return chemin


def ods(tmp_path, contenu, nom="registre.ods"):
    espaces = " ".join(
        f'xmlns:{c}="urn:oasis:names:tc:opendocument:xmlns:{c}:1.0"'
        for c in ("office", "table", "text", "style")
    )
    chemin = tmp_path / nom
    with zipfile.ZipFile(chemin, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {espaces}>'
            f"<office:body><office:spreadsheet>{contenu}</office:spreadsheet></office:body>"
            "</office:document-content>",
        )
    return chemin


def texte_ods(*cases):
    def case(v):
        if isinstance(v, (int, float)):
            return f'<table:table-cell office:value-type="float" office:value="{v}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{v}</text:p></table:table-cell>'

    return "<table:table-row>" + "".join(case(v) for v in cases) + "</table:table-row>"


def refus(chemin, **options):
    with pytest.raises(EntreeFautive) as capture:
        registres.importer(chemin, **options)
    return capture.value


# --- Les modèles ---

ATTENDUS = {
    "eaje": (2, 42),
    "alsh": (3, None),
    "centres_sociaux": (1, None),
    "evs": (2, None),
    "laep": (1, None),
    "rpe": (1, None),
    "france_services": (1, None),
    "ps_jeunes": (1, None),
    "assistants_maternels": (2, None),
}


@pytest.mark.parametrize("nom", ATTENDUS)
def test_chaque_modele_s_importe_tel_quel(nom):
    chemin = dossier("templates") / "registres" / f"{nom}.xlsx"
    lecture = registres.importer(chemin, exemples=True)
    compte = lecture.compte_rendu
    lignes, places = ATTENDUS[nom]
    # Le modèle des EVS montre une préfiguration : elle n'est pas agréée.
    pas_agrees = 1 if nom == "evs" else 0
    assert (compte.lues, compte.gardees, len(compte.rejets)) == (lignes, lignes - pas_agrees, pas_agrees)
    assert lecture.annees == (2024,) and lecture.millesime == "2024"
    if places:
        assert lecture.table["places"].sum() == places
    assert not registres.proposer(chemin).a_confirmer
    assert "seulement les lignes d'exemple" in str(refus(chemin))


def test_le_modele_se_laisse_remplir(tmp_path):
    """Un exemple oublié ne devient pas une structure ; une ligne ajoutée dessous est lue."""
    livre = openpyxl.load_workbook(dossier("templates") / "registres" / "evs.xlsx")
    feuille = livre["Registre"]
    titres = [c.value for c in feuille[1]]
    feuille.cell(4, titres.index("Type de structure *") + 1, "EVS")
    feuille.cell(4, titres.index("Nom de la structure *") + 1, "L'Étincelle")
    feuille.cell(4, titres.index("Code commune (Insee) *") + 1, "01004")
    livre.save(tmp_path / "evs.xlsx")
    lecture = registres.importer(tmp_path / "evs.xlsx")
    assert lecture.table[["nom", "code"]].values.tolist() == [["L'Étincelle", "01004"]]
    assert [r.raison for r in lecture.compte_rendu.rejets] == ["feuille « Registre » : exemple du modèle"] * 2


def test_modeles_listes_codes_en_texte_et_etoiles():
    modeles = sorted((dossier("templates") / "registres").glob("*.xlsx"))
    # L'activité n'est pas un registre de structures : son modèle a ses essais.
    for chemin in (m for m in modeles if m.stem != "activite"):
        livre = openpyxl.load_workbook(chemin)
        feuille = livre["Registre"]
        titres = {c.value: c.column_letter for c in feuille[1]}
        code = next(lettre for t, lettre in titres.items() if t.startswith("Code commune"))
        assert feuille.column_dimensions[code].number_format == "@"
        assert feuille[f"{code}2"].data_type == "s" and feuille[f"{code}2"].number_format == "@"
        assert {"Type de structure *", "Code commune (Insee) *"} <= set(titres)
        assert any(v.type == "list" for v in feuille.data_validations.dataValidation)
        assert livre["Mode d'emploi"].max_row > 10


def test_modeles_rejouables_a_l_octet(monkeypatch):
    monkeypatch.syspath_prepend(str(dossier("data")))
    from construction import modeles

    for nom in modeles.MODELES:
        fabrique = modeles.fabriquer(nom)
        assert fabrique == modeles.fabriquer(nom)
        publie = (dossier("templates") / "registres" / f"{nom}.xlsx").read_bytes()
        assert fabrique == publie, f"relancez data/construction/modeles.py ({nom})"


# --- Types et valeurs ---


@pytest.mark.parametrize("genre", TYPES_STRUCTURES)
def test_chaque_type_par_son_nom_son_libelle_et_ses_synonymes(ecrire, genre):
    libelle, autres = TYPES[genre]
    formes = [genre, genre.upper(), libelle, *autres.split("|")]
    lignes = "\n".join(f"{f};Lieu {i};53084" for i, f in enumerate(formes))
    table = registres.importer(ecrire(f"type;nom;code\n{lignes}\n")).table
    assert table["type"].tolist() == [genre] * len(formes)


def test_table_canonique_et_valeurs_a_la_francaise(ecrire):
    chemin = ecrire(
        "Type;Nom;Code;Places;Heures facturées par an;Date d'ouverture;Agrément;Fin de l'agrément;année\n"
        "EAJE;  L’Îlot  ;53084;1 200;52\u202f000,5;03/09/2012;;;2024-12\n"
        "Centre social;Le Chêne;53084;;;;AGRÉÉ;2026-12-31;2024\n"
    )
    lecture = registres.importer(chemin)
    table = lecture.table
    assert list(table)[:11] == [
        "type",
        "nom",
        "code",
        "adresse",
        "lon",
        "lat",
        "annee",
        "places",
        "source",
        "statut_agrement",
        "precision_lieu",
    ]
    assert table["nom"].tolist() == ["L’Îlot", "Le Chêne"]
    assert table.loc[0, "places"] == 1200 and table.loc[0, "heures_facturees"] == 52000.5
    assert table.loc[0, "date_ouverture"] == pd.Timestamp(2012, 9, 3)
    assert pd.isna(table.loc[1, "places"]), "un nombre de places inconnu n'est pas zéro"
    assert table.loc[1, "statut_agrement"] == "agree"
    assert table["annee"].tolist() == [2024, 2024] and table["precision_lieu"].unique() == ["commune"]
    assert lecture.source == "registre local registre.csv" and lecture.jeu == "structures"


@pytest.mark.parametrize(
    ("colonne", "valeur", "attendu"),
    [
        ("type", "garage", "eaje"),
        ("places", "douze", "entier"),
        ("places", "12,5", "entier"),
        ("places", "-3", "entier"),
        ("places", "20 places environ", "entier"),
        ("places", "999999", "entier"),
        ("heures_facturees", "12.345", "équivoque"),
        ("heures_facturees", "-1", "positif"),
        ("date_ouverture", "12/31/2024", "31/12/2024"),
        ("date_ouverture", "01/02/24", "31/12/2024"),
        ("date_ouverture", "45292", "31/12/2024"),
        ("date_fin_agrement", "30/02/2024", "31/12/2024"),
        ("annee", "l'an dernier", "2024"),
        ("nom", "", "nom de la structure"),
        ("nom", "x" * 400, "300"),
        ("code", "99999", "COG 2026"),
        ("code", "XX", "pseudo-zone"),
        ("code", "", "code Insee"),
        ("nom", "#REF!", "erreur"),
        ("statut_agrement", "bof", "Agréé"),
        ("communes_couvertes", "00000", "53012"),
        ("lon", "abc", "nombre"),
    ],
)
def test_chaque_defaut_est_dit_avec_ligne_colonne_valeur_attendu(ecrire, colonne, valeur, attendu):
    sain = {"type": "eaje", "nom": "A", "code": "53084", colonne: valeur}
    entete = ";".join(sain)
    chemin = ecrire(f"{entete}\n" + ";".join(sain.values()) + "\n")
    erreur = refus(chemin)
    defaut = next(d for d in erreur.defauts if f"colonne {colonne}" in d)
    assert defaut.startswith("ligne 2, ") and attendu in defaut
    assert (f"« {valeur[:40]}" in defaut) if valeur else "vide" in defaut


def test_tous_les_defauts_d_un_coup_puis_lignes_saines_sur_demande(ecrire):
    chemin = ecrire(f"{ENTETE}\neaje;A;53084;10\nbof;B;53084;1\neaje;;99999;x\neaje;C;53188;\n")
    erreur = refus(chemin)
    assert len(erreur.defauts) == 4 and "rien n'a été importé" in str(erreur)
    lecture = registres.importer(chemin, ecarter=True)
    compte = lecture.compte_rendu
    assert (compte.lues, compte.gardees, [r.ligne for r in compte.rejets]) == (4, 2, [3, 4])
    assert lecture.table["nom"].tolist() == ["A", "C"] and compte.codes_inconnus == ["99999"]


def test_totaux_et_lignes_repetees_sont_ecartes_et_comptes(ecrire):
    chemin = ecrire(f"{ENTETE}\neaje;A;53084;10\neaje;A;53084;10\n\nTotal;;;20\n")
    compte = registres.importer(chemin).compte_rendu
    assert (compte.lues, compte.gardees) == (3, 1)
    assert [(r.ligne, r.raison) for r in compte.rejets] == [
        (3, "répète à l'identique la ligne 2"),
        (5, "ligne de total"),
    ]


def test_doublon_qui_differe_refuse(ecrire):
    erreur = refus(ecrire(f"{ENTETE}\neaje;Les Lilas;53084;10\neaje;LES LILAS;53084;12\n"))
    assert "ligne 3, colonne nom" in erreur.defauts[0] and "ligne 2" in erreur.defauts[0]


def test_plusieurs_annees_ne_comptent_qu_une_fois(ecrire):
    chemin = ecrire(
        "type;nom;code;annee;places\neaje;A;53084;2022;10\neaje;A;53084;2023;12\neaje;B;53084;2022;9\n"
    )
    lecture = registres.importer(chemin)
    assert lecture.table[["nom", "annee"]].values.tolist() == [["A", 2023]]
    assert registres.importer(chemin, annee=2022).table["places"].tolist() == [10, 9]
    assert len(lecture.compte_rendu.rejets) == 2


def test_structure_fermee_ecartee(ecrire):
    chemin = ecrire(
        "type;nom;code;annee;date_fermeture\nevs;A;53084;2024;31/08/2023\nevs;B;53084;2024;01/01/2030\n"
    )
    lecture = registres.importer(chemin)
    assert lecture.table["nom"].tolist() == ["B"]
    assert lecture.compte_rendu.rejets[0].raison == "structure fermée"


def test_alsh_par_temps_et_par_age_sans_jamais_additionner_les_temps(ecrire):
    chemin = ecrire(
        "type;nom;code;adresse;temps;places_moins_6;places_6_11;places_12_17;places;heures_realisees\n"
        "alsh;Les Cabanes;53084;1 rue X;Mercredi;10;20;0;30;1 500\n"
        "ALSH;LES CABANES;53084;;août;8;16;4;;\n"
        "alsh;Le Moulin;53188;;mercredi;5;;;12;\n"
    )
    table = registres.importer(chemin).table
    assert len(table) == 2 and table["places"].isna().all()
    assert table["places_mercredi"].tolist() == [30, 12]
    assert table.loc[0, ["places_aout", "places_aout_12_17", "heures_mercredi"]].tolist() == [28, 4, 1500]
    assert table["places_mercredi_6_11"].tolist()[0] == 20 and pd.isna(table["places_mercredi_6_11"][1])
    assert table["adresse"].tolist()[0] == "1 rue X"


@pytest.mark.parametrize(
    ("lignes", "attendu"),
    [
        ("alsh;A;53084;;10;20;5;", "temps d'accueil"),
        ("alsh;A;53084;mercredi;10;20;5;99", "la somme des âges, 35"),
        ("alsh;A;53084;vacances;10;20;5;", "Petites vacances"),
        ("alsh;A;53084;mercredi;1;2;3;\nalsh;a;53084;Mercredis;1;2;4;", "déjà présente"),
    ],
)
def test_alsh_defauts(ecrire, lignes, attendu):
    entete = "type;nom;code;temps;places_moins_6;places_6_11;places_12_17;places"
    assert attendu in str(refus(ecrire(f"{entete}\n{lignes}\n")))


def test_assistants_maternels_sommes_par_commune_jamais_de_point(ecrire):
    chemin = ecrire(
        "type;code;annee;agrees;places\nassistants maternels;53084;2024;12;40\n"
        "assmat;49069;2024;3;\nassmat;49126;2024;5;7\n"
    )
    lecture = registres.importer(chemin)
    assert lecture.jeu == "communes"
    assert list(lecture.table) == ["code", "assistants_maternels_2024", "places_assistants_maternels_2024"]
    table = lecture.table.set_index("code")
    assert table.loc["49126", "assistants_maternels_2024"] == 8, "deux anciens codes, une commune"
    assert pd.isna(table.loc["49126", "places_assistants_maternels_2024"]), "un terme manque : pas de somme"
    assert lecture.compte_rendu.codes_passes == {"49069": "49126"} and lecture.compte_rendu.gardees == 3


def test_assistants_maternels_une_ligne_par_agrement_est_comptee(ecrire):
    chemin = ecrire("code;places;annee\n53084;4;2024\n53084;3;2024\n53188;2;2024\n53084;4;2024\n")
    lecture = registres.importer(chemin, type_structure="assistants_maternels")
    assert lecture.compte_rendu.lues == lecture.compte_rendu.gardees == 4
    # Deux agréments identiques dans une commune sont deux personnes : ils comptent tous les deux.
    assert lecture.table.set_index("code")["assistants_maternels_2024"].to_dict() == {"53084": 3, "53188": 1}


@pytest.mark.parametrize(
    ("texte", "attendu"),
    [
        ("type;nom;code;annee\nassmat;Martin;53084;2024\n", "nom d'un assistant maternel"),
        ("type;adresse;code;annee\nassmat;3 rue X;53084;2024\n", "domicile"),
        ("type;code;lon;lat;annee\nassmat;53084;-0,95;47,84;2024\n", "jamais en points"),
        ("type;code;agrees\nassmat;53084;3\n", "année"),
        ("type;code;annee;agrees\nassmat;53084;2024;3\nassmat;53084;2024;4\n", "une seule ligne par commune"),
        ("type;nom;code;annee\nevs;A;53084;2024\nassmat;;53084;2024\n", "à part"),
        ("type;code;annee;agrees;en_exercice\nassmat;53084;2024;3;5\n", "au plus"),
    ],
)
def test_assistants_maternels_refus(ecrire, texte, attendu):
    assert attendu in str(refus(ecrire(texte)))


# --- Correspondance ---

LOCAL = "Établissement;VILLE;C.P.;Capacité;Observations\nLes Lilas;Craon;53400;25;ras\n"


def test_correspondance_proposee_confirmee_rejouee(ecrire):
    chemin = ecrire(LOCAL.replace("C.P.", "CP"))
    proposition = registres.proposer(chemin, type_structure="eaje")
    assert proposition.colonnes == {
        "nom": "Établissement",
        "commune": "VILLE",
        "code_postal": "CP",
        "places": "Capacité",
    }
    assert proposition.a_confirmer and proposition.ignorees == ("Observations",)
    erreur = refus(chemin, type_structure="eaje")
    assert "« Capacité » lue comme « Places » (synonyme)" in erreur.defauts and "confirm" in erreur.conseil
    assert not chemin_correspondance(chemin).exists(), "rien n'est écrit sans confirmation"
    premiere = registres.importer(chemin, type_structure="eaje", confirmer=True)
    assert 'type_structure = "eaje"' in chemin_correspondance(chemin).read_text(encoding="utf-8")
    seconde = registres.importer(chemin)
    pd.testing.assert_frame_equal(premiere.table, seconde.table)


def test_correspondance_du_dossier_et_corrigee_a_la_main(ecrire, tmp_path):
    chemin = ecrire("Quoi;Où;Combien\nLes Lilas;53084;25\n")
    assert "aucun tableau" in str(refus(chemin, type_structure="eaje"))
    (tmp_path / "correspondance.toml").write_text(
        'type_structure = "eaje"\n[colonnes]\nnom = "Quoi"\ncode = "Où"\nplaces = "Combien"\n',
        encoding="utf-8",
    )
    assert registres.importer(chemin).table["places"].tolist() == [25]


def test_correspondance_passee_en_main_propre(ecrire):
    chemin = ecrire("type;nom;code;cap1;capacite\neaje;A;53084;12;99\n")
    corrigee = registres.proposer(chemin).avec(places="cap1")
    assert corrigee.ignorees == ("capacite",)
    assert registres.importer(chemin, correspondance=corrigee.confirmer()).table["places"].tolist() == [12]
    with pytest.raises(DemandeFausse, match="champ inconnu"):
        corrigee.avec(nimporte="x")


def test_deux_colonnes_pour_un_champ_jamais_choisies_a_la_place(ecrire):
    chemin = ecrire("type;nom;code insee;insee_com\nevs;A;53084;53012\n")
    proposition = registres.proposer(chemin)
    assert proposition.ambigues == {"code": ("code insee", "insee_com")}
    assert "plusieurs colonnes" in str(refus(chemin, confirmer=True))
    with pytest.raises(DemandeFausse):
        proposition.confirmer()
    assert "deux colonnes « nom »" in str(refus(ecrire("type;nom;nom;code\nevs;A;B;53084\n")))


@pytest.mark.parametrize(
    "toml",
    [
        "[",
        "x = 1",
        "[colonnes]\n",
        '[colonnes]\nbof = "A"',
        "[colonnes]\nnom = 3",
        'type_structure = "zz"\n[colonnes]\nnom = "nom"',
        '[colonnes]\nnom = "absente"\ncode = "code"',
        "\x00",
        b"\xff\xfe\x00",
    ],
)
def test_correspondance_abimee_refusee(ecrire, tmp_path, toml):
    chemin = ecrire("type;nom;code\nevs;A;53084\n")
    octets = toml if isinstance(toml, bytes) else toml.encode()
    chemin_correspondance(chemin).write_bytes(octets)
    assert refus(chemin).defauts


def test_colonne_inconnue_a_confirmer_contact_et_remarques_non(ecrire):
    entete = "type;nom;code;Observations;Téléphone;Directrice"
    lecture = registres.importer(ecrire(f"{entete}\nevs;A;53084;ras;0243000000;Mme X\n"))
    assert not {"Observations", "Téléphone", "Directrice"} & set(lecture.table)
    chemin = ecrire(f"{entete};Plazes\nevs;A;53084;ras;;;12\n")
    assert refus(chemin).defauts == ["« Plazes » lue comme « Places » (proche)"] or "Plazes" in str(
        refus(chemin)
    )
    chemin = ecrire("type;nom;code;Surface\nevs;A;53084;120\n")
    assert refus(chemin).defauts == ["« Surface » non reconnue : elle ne serait pas reprise"]
    assert len(registres.importer(chemin, ignorer_inconnues=True).table) == 1
    assert len(registres.importer(chemin, confirmer=True).table) == 1


def test_csv_coupe_net(ecrire):
    assert "coupé" in str(refus(ecrire("type;nom;code;places\nevs;A;53084;\nevs;B;5")))


def test_type_inconnu_demande_fausse(ecrire):
    with pytest.raises(DemandeFausse, match="zzz"):
        registres.importer(ecrire("nom;code\nA;53084\n"), type_structure="zzz")
    assert "type" in str(refus(ecrire("nom;code\nA;53084\n")))
    assert "aucun lieu" in str(refus(ecrire("type;nom\nevs;A\n")))


# --- Formats ---


def test_xlsx_feuilles_numeros_et_types_de_cases(tmp_path):
    chemin = classeur(
        tmp_path,
        {
            "Lisez-moi": [["Bonjour"], ["ceci n'est pas un registre"]],
            "2024": [
                ["Registre des crèches"],
                [],
                ["Type", "Nom", "Code", "Places", "Date d'ouverture"],
                ["EAJE", "A", 1004, 20.0, dt.datetime(2020, 9, 1)],
                ["EAJE", "B", "2A004", None, None],
            ],
        },
    )
    lecture = registres.importer(chemin)
    assert lecture.table["code"].tolist() == ["01004", "2A004"]
    assert lecture.table.loc[0, "date_ouverture"] == pd.Timestamp(2020, 9, 1)
    textes = " ".join(lecture.compte_rendu.remarques)
    assert "« Lisez-moi » (2 lignes)" in textes and "1004 → 01004" in textes
    mauvais = classeur(tmp_path, {"F": [["Type", "Nom", "Code"], [], ["EVS", "A", "99999"]]}, "m.xlsx")
    assert refus(mauvais).defauts[0].startswith("feuille « F », ligne 3, colonne Code : « 99999 »")


def test_xlsx_une_feuille_par_type(tmp_path):
    chemin = classeur(
        tmp_path, {"LAEP": [["Nom", "Code"], ["A", "53084"]], "EVS": [["Nom", "Code"], ["B", "53084"]]}
    )
    assert registres.importer(chemin).table["type"].tolist() == ["laep", "evs"]


def test_xlsx_formules_jamais_evaluees(tmp_path):
    chemin = classeur(tmp_path, {"R": [["type", "nom", "code", "places"], ["eaje", "A", "53084", "=10+10"]]})
    assert "la formule n'a pas été calculée" in str(refus(chemin))
    # La valeur calculée par le tableur, quand il l'a enregistrée, est lue telle quelle.
    octets = io.BytesIO()
    with zipfile.ZipFile(chemin) as source, zipfile.ZipFile(octets, "w") as cible:
        for membre in source.namelist():
            contenu = source.read(membre).replace(b"<f>10+10</f><v></v>", b"<f>10+10</f><v>20</v>")
            contenu = contenu.replace(b"<f>10+10</f><v />", b"<f>10+10</f><v>20</v>")
            cible.writestr(membre, contenu.replace(b"<f>10+10</f><v/>", b"<f>10+10</f><v>20</v>"))
    chemin.write_bytes(octets.getvalue())
    lecture = registres.importer(chemin)
    assert lecture.table["places"].tolist() == [20]
    assert any("rien n'est exécuté" in r for r in lecture.compte_rendu.remarques)


def test_feuille_cachee_ignoree(tmp_path):
    chemin = classeur(
        tmp_path,
        {
            "R": [["type", "nom", "code"], ["evs", "A", "53084"]],
            "C": [["type", "nom", "code"], ["evs", "Fantôme", "53084"]],
        },
    )
    livre = openpyxl.load_workbook(chemin)
    livre["C"].sheet_state = "hidden"
    livre.save(chemin)
    assert registres.importer(chemin).table["nom"].tolist() == ["A"]


def test_ods(tmp_path):
    lignes = (
        texte_ods("type", "nom", "code", "places")
        + '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
        + texte_ods("eaje", "A", 1004, 12)
        + "<table:table-row>"
        + '<table:table-cell office:value-type="string" '
        'table:number-columns-repeated="1"><text:p>eaje</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>B<text:s text:c="2"/>C</text:p>'
        "</table:table-cell>"
        '<table:table-cell office:value-type="string"><text:p>53084</text:p></table:table-cell>'
        '<table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    )
    chemin = ods(tmp_path, f'<table:table table:name="R">{lignes}</table:table>')
    lecture = registres.importer(chemin)
    assert lecture.table[["nom", "code", "places"]].values.tolist() == [
        ["A", "01004", 12],
        ["B C", "53084", 2],
    ]
    assert [n for n, _ in lire_feuilles(chemin)[0].lignes] == [1, 4, 5]


@pytest.mark.parametrize(
    ("texte", "encodage"),
    [
        ("type;nom;code\nevs;Château;53084\n", "cp1252"),
        ("type;nom;code\nevs;Château;53084\n", "utf-8-sig"),
        ("type;nom;code\nevs;Château;53084\n", "utf-16"),
        ("type\tnom\tcode\nevs\tChâteau\t53084\n", "utf-8"),
        ("type,nom,code\r\nevs,Château,53084\r\n", "utf-8"),
        ('type;nom;code\nevs;"Château";53084\n', "utf-8"),
        ("type;nom;code\nevs;ChÃ¢teau;53084\n", "utf-8"),
    ],
)
def test_csv_encodages_et_separateurs(ecrire, texte, encodage):
    assert registres.importer(ecrire(texte, encodage=encodage)).table["nom"].tolist() == ["Château"]


def test_csv_numeros_de_ligne_avec_texte_sur_deux_lignes(ecrire):
    chemin = ecrire('type;nom;code\nevs;"A\nsuite";53084\nevs;B;99999\n')
    assert refus(chemin).defauts[0].startswith("ligne 4,")


def test_csv_ligne_trop_longue(ecrire):
    assert "dernière colonne" in str(refus(ecrire("type;nom;code\nevs;A;53084;intrus\n")))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x00\x01\x02",
        b"<html></html>",
        b'{"a": 1}',
        b"PK\x03\x04abc",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b'type;nom;code\nevs;"A;53084\n',
        b"type;nom;code\n",
        b"bonjour",
        b"%PDF-1.4",
    ],
)
def test_fichier_illisible_refuse(ecrire, octets):
    erreur = refus(ecrire(octets))
    assert erreur.fichier == "registre.csv" and erreur.defauts


def test_fichier_absent_ou_dossier(tmp_path):
    assert refus(tmp_path / "absent.xlsx").defauts
    assert refus(tmp_path).defauts


def test_archive_demesuree_refusee(tmp_path):
    chemin = tmp_path / "bombe.xlsx"
    with (
        zipfile.ZipFile(chemin, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("content.xml", "w") as flux,
    ):
        for _ in range(210):
            flux.write(bytes(1_000_000))
    assert "démesurée" in str(refus(chemin))


# --- Textes hostiles ---


@pytest.mark.parametrize(
    ("texte", "attendu"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+33", "'+33"),
        ("@telier", "'@telier"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("A\u202eB\u200b", "AB"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
        ("../../etc", "../../etc"),
        ("A\x07B", "AB"),
    ],
)
def test_texte_hostile_neutralise(ecrire, texte, attendu):
    chemin = ecrire('type;nom;code\nevs;"' + texte.replace('"', '""') + '";53084\n')
    assert registres.importer(chemin).table["nom"].tolist() == [attendu]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(nom=st.text(min_size=1, max_size=40))
@example("'")
@example("06 12 34 56 78")
def test_n_importe_quel_nom_est_lu_ou_refuse_clairement(tmp_path, nom):
    chemin = tmp_path / "r.csv"
    table = pd.DataFrame({"type": ["evs"], "nom": [nom], "code": ["53084"]})
    chemin.write_bytes(table.to_csv(sep=";", index=False).encode("utf-8", errors="replace"))
    try:
        lecture = registres.importer(chemin)
    except CafdiagError:
        return
    assert lecture.compte_rendu.lues == 1 and not str(lecture.table["nom"][0]).startswith(
        ("=", "+", "-", "@")
    )


SAIN = (
    "type;nom;code;places\neaje;Les Lilas;53084;20\nmicro_creche;Les Pins;53188;12\nevs;Le Café;49007;\n"
).encode()


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(donnees=st.data())
def test_fichier_abime_au_hasard_refuse_ou_egal(tmp_path, donnees):
    """Lignes doublées, mêlées, coupées, encodage changé : un refus clair ou le résultat du fichier sain."""
    sain = tmp_path / "r.csv"
    sain.write_bytes(SAIN)
    attendu = registres.importer(sain).table.sort_values("nom", ignore_index=True)
    lignes = SAIN.decode().splitlines()
    geste = donnees.draw(st.sampled_from(["doubler", "meler", "encoder", "tronquer", "colonne", "octet"]))
    if geste == "doubler":
        lignes += [lignes[donnees.draw(st.integers(1, 3))]]
    elif geste == "meler":
        lignes[1:] = donnees.draw(st.permutations(lignes[1:]))
    elif geste == "colonne":
        rang = donnees.draw(st.integers(0, 2))
        lignes = [";".join(c for i, c in enumerate(ligne.split(";")) if i != rang) for ligne in lignes]
    octets = "\n".join(lignes).encode(
        donnees.draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))
        if geste == "encoder"
        else "utf-8"
    )
    if geste == "tronquer":
        octets = octets[: donnees.draw(st.integers(0, 30))]
    elif geste == "octet":
        position = donnees.draw(st.integers(0, 19))
        octets = octets[:position] + bytes([octets[position] ^ 0x80]) + octets[position + 1 :]
    sain.write_bytes(octets)
    try:
        trouve = registres.importer(sain).table.sort_values("nom", ignore_index=True)
    except CafdiagError:
        return
    pd.testing.assert_frame_equal(trouve, attendu)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 40_000), valeur=st.integers(0, 255))
def test_modele_aux_octets_retournes_jamais_une_trace(tmp_path, position, valeur):
    octets = bytearray((dossier("templates") / "registres" / "evs.xlsx").read_bytes())
    octets[position % len(octets)] = valeur
    chemin = tmp_path / "r.xlsx"
    chemin.write_bytes(octets)
    try:
        lecture = registres.importer(chemin, exemples=True)
    except CafdiagError:
        return
    assert lecture.compte_rendu.lues == 2


# --- Chaque défaut, mot pour mot ---

_STRUCTURES = ["Type", "Nom", "Code commune", "Commune", "Places", "Date d'agrément", "Fin d'agrément", "Année"]
_TOUS_LES_DEFAUTS = {
    "Crèches": [
        (["eaje", "", "53084", "Craon", 20, "", "", 2024], "colonne Nom : vide (attendu : le nom de la structure)"),
        (["", "Sans type", "53084", "Craon", 20, "", "", 2024],
         f"colonne Type : vide (attendu : {', '.join(TYPES)})"),
        (["eaje", "Pomme", "53084", "Craon", "beaucoup", "", "", 2024],
         "colonne Places : « beaucoup » (attendu : un nombre entier, de 0 à 5000)"),
        (["eaje", "Poire", "53084", "Craon", 12, "", "", 2024], ""),
        (["eaje", "poire", "53084", "Craon", 14, "", "", 2024],
         "colonne Nom : « poire » (attendu : une structure qui ne soit pas déjà présente : même type, même nom, même "
         "commune que la feuille « Crèches », ligne 5 (deux adresses ou deux points différents les distingueraient))"),
        (["eaje", "Prune", "99999", "Craon", 14, "", "", 2024],
         "colonne Code commune : « 99999 » (attendu : un code commune (n'est pas une commune du COG 2026))"),
        (["eaje", "Prune", "53084", "Laval", 14, "", "", 2024],
         "colonne Commune : « Laval » (attendu : le nom de Craon (53084), ou le code de Laval (53130))"),
    ],
    "Suite": [
        (["eaje", "Figue", "53130", "Laval", -3, "", "", 2024],
         "colonne Places : « -3 » (attendu : un nombre entier, de 0 à 5000)"),
    ],
}


def _attendus(feuilles):
    return [f"feuille « {nom} », ligne {i}, {dit}" for nom, lignes in feuilles.items()
            for i, (_, dit) in enumerate(lignes, 2) if dit]


def test_tous_les_defauts_mot_pour_mot_puis_ecartes_un_a_un(tmp_path):
    feuilles = {nom: [_STRUCTURES, *(ligne for ligne, _ in lignes)] for nom, lignes in _TOUS_LES_DEFAUTS.items()}
    # Un exemple du modèle, un total et une ligne répétée ne sont pas des défauts : ils sont écartés d'office.
    feuilles["Suite"] += [["eaje", "EXEMPLE – Crèche", "53084", "Craon", 14, "", "", 2024],
                          ["eaje", "Cerise", "53130", "Laval", 20, "", "", 2024],
                          ["eaje", "Cerise", "53130", "Laval", 20, "", "", 2024],
                          ["eaje", "Total", "", "", 74, "", "", 2024]]
    chemin = classeur(tmp_path, feuilles)
    assert refus(chemin, confirmer=True).defauts == _attendus(_TOUS_LES_DEFAUTS)
    lecture = registres.importer(chemin, confirmer=True, ecarter=True)
    assert lecture.table["nom"].tolist() == ["Poire", "Cerise"]
    ecartes = [(i, f"feuille « {nom} » : {dit}") for nom, lignes in _TOUS_LES_DEFAUTS.items()
               for i, (_, dit) in enumerate(lignes, 2) if dit]
    ecartes += [(3, "feuille « Suite » : exemple du modèle"),
                (5, "feuille « Suite » : répète à l'identique la feuille « Suite », ligne 4"),
                (6, "feuille « Suite » : ligne de total")]
    rejets = lecture.compte_rendu.rejets
    assert [(r.ligne, r.raison) for r in rejets] == ecartes
    assert [r.valeur for r in rejets] == ["", "", "beaucoup", "poire", "99999", "Laval", "-3", "", "", ""]


def test_les_defauts_des_assistants_maternels_mot_pour_mot(tmp_path):
    lignes = [
        (["assistant maternel", "53084", "Craon", 10, 12, 2024],
         "colonne En exercice : « 12 » (attendu : au plus le nombre d'agréés)"),
        (["assistant maternel", "53130", "Laval", 10, 8, 2024], ""),
        (["assistant maternel", "53130", "Laval", 11, 8, 2024],
         "colonne Code commune : « 53130 » (attendu : une seule ligne par commune et par année)"),
        (["assistant maternel", "53012", "Athée", 11, 8, ""], "colonne Année : vide (attendu : l'année des agréments)"),
    ]
    entete = ["Type", "Code commune", "Commune", "Agréés", "En exercice", "Année"]
    chemin = classeur(tmp_path, {"AM": [entete, *(ligne for ligne, _ in lignes)]})
    assert refus(chemin, confirmer=True).defauts == _attendus({"AM": lignes})
    assert registres.importer(chemin, confirmer=True, ecarter=True).table["code"].tolist() == ["53130"]
    lignes = [["Type", "Nom", "Code commune", "Commune"], ["eaje", "Lutins", "53130", "Laval"],
              ["assistant maternel", "", "53084", "Craon"]]
    melange = classeur(tmp_path, {"AM": lignes}, nom="melange.xlsx")
    assert refus(melange, confirmer=True).defauts == [
        "feuille « AM », ligne 3, colonne Type : « assistant maternel » (attendu : les assistants maternels dans un "
        "fichier à part)"]


@pytest.mark.parametrize(("lignes", "noms", "raisons"), [
    # À 30 m, un nom voisin : la même maison ; à deux adresses de deux voies, deux maisons.
    ((("Les Lutins", "1 rue des Pins", 48.07000), ("Crèche Les Lutins", "1, r. des Pins", 48.07027)),
     ["Les Lutins"], ["déjà lue : même type et même nom, à moins de 50 m"]),
    ((("Les Lutins", "1 rue des Pins", 48.07000), ("Crèche Les Lutins", "8 avenue de Paris", 48.07027)),
     ["Les Lutins", "Crèche Les Lutins"], []),
    # À 300 m, un nom voisin seulement : deux maisons.
    ((("Les Lutins", "1 rue des Pins", 48.07000), ("Crèche Les Lutins", "1 rue des Pins", 48.07270)),
     ["Les Lutins", "Crèche Les Lutins"], []),
    # Le même nom, ni point ni adresse : rien ne les distingue.
    ((("Les Lutins", "", None), ("les lutins", "", None)), ["Les Lutins"],
     ["déjà lue : même type et même nom, sans adresse ni point qui les distingue"]),
    # Un numéro ou une lettre les distingue.
    ((("Les Lutins 1", "", 48.07000), ("Les Lutins 2", "", 48.07027)), ["Les Lutins 1", "Les Lutins 2"], []),
])
def test_une_liste_publique_qui_repete_un_lieu(tmp_path, lignes, noms, raisons):
    entete = ["Nom", "Code commune", "Commune", "Adresse", "Longitude", "Latitude"]
    chemin = classeur(tmp_path, {"F": [entete, *([n, "53130", "Laval", a, None if y is None else -0.77, y]
                                                 for n, a, y in lignes)]})
    lecture = registres.importer(chemin, type_structure="eaje", confirmer=True, liste=True)
    assert lecture.table["nom"].tolist() == noms
    # De côté, comptées avec leur raison.
    assert [r.removeprefix("feuille « F » : ") for r in lecture.compte_rendu.raisons()] == raisons
    assert lecture.compte_rendu.lues == len(lignes)


@pytest.mark.parametrize("temps", [None, "mercredi"])
def test_une_liste_publique_d_alsh_ne_donne_pas_de_places_sans_leur_temps(tmp_path, temps):
    entete = ["Nom", "Code commune", "Commune", "Places", "Heures réalisées", *(["Temps"] if temps else [])]
    ligne = ["ALSH du Parc", "53130", "Laval", 40, 9000, *([temps] if temps else [])]
    lecture = registres.importer(classeur(tmp_path, {"F": [entete, ligne]}), type_structure="alsh", confirmer=True,
                                 liste=True)
    repris = any("rien ne dit le temps" in r for r in lecture.compte_rendu.remarques)
    assert repris == (temps is None)
    ici = lecture.table.iloc[0]
    for colonne, nombre in (("places", 40), ("heures", 9000)):
        lues = [ici[c] for c in lecture.table if c.startswith(colonne) and pd.notna(ici[c])]
        assert lues == ([] if temps is None else [nombre])
        assert temps is None or ici[f"{colonne}_mercredi"] == nombre
