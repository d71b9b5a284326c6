"""L'activité du territoire : le modèle, sa lecture, ce qu'elle nourrit à chaque maille."""

import json
import math
import shutil

import openpyxl
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import VARIABLES, classe_de, commandes, entrepot, lecteurs
from cafdiag.donnees.apports import lire_apports
from cafdiag.donnees.grandeurs import CLASSES, grandeurs
from cafdiag.donnees.registres import importer
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.magasin import dossier
from tests.test_registres import ods, texte_ods

CRAON, MAYENNE = "200048551", "53"
ENTETE = "Maille;Code du territoire;Nom du territoire;Grandeur;Année;Valeur;Source\n"


def fichier(tmp_path, *lignes, nom="activite.csv", entete=ENTETE):
    chemin = tmp_path / nom
    chemin.write_text(entete + "\n".join(lignes) + "\n", encoding="utf-8")
    return chemin


def apporter(tmp_path, *lignes):
    commandes.importer([fichier(tmp_path, *lignes)])


@pytest.fixture(autouse=True)
def entrepot_neuf(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


def mesure(territoire, indicateur, **options):
    return cd.mesurer(territoire, [indicateur], **options).iloc[0]


def test_rien_d_un_fichier_d_activite_ne_se_perd_en_silence(tmp_path):
    """Un enregistrement illisible, une feuille d'autre chose, une feuille masquée : dits."""
    ligne = {"code": CRAON, "grandeur": "Heures facturées en EAJE", "annee": "2023", "valeur": "9", "source": "Caf"}
    (tmp_path / "activite.json").write_text(json.dumps([ligne, "perdu"]), encoding="utf-8")
    assert "ligne 2 : pas un enregistrement (« perdu »)" in commandes.importer(tmp_path / "activite.json").en_texte()
    livre = openpyxl.Workbook()
    for cases in ligne, ligne.values():
        livre.active.append(list(cases))
    livre.create_sheet("À part").append(["Taux d'effort", "12"])
    livre.save(tmp_path / "activite.xlsx")
    dit = commandes.importer(tmp_path / "activite.xlsx").en_texte()
    assert "feuille(s) sans tableau d'activité, laissée(s) de côté : « À part » (1 lignes)" in dit


def test_une_ligne_sans_valeur_n_a_rien_a_corriger(tmp_path):
    """Le modèle à demi rempli : la ligne est comptée, non reprise, et ne fait pas refuser le fichier."""
    debut = f"EPCI;{CRAON};;Heures facturées en EAJE"
    dit = commandes.importer(fichier(tmp_path, f"{debut};2023;9;Caf", f"{debut};2024;;")).en_texte()
    assert "2 lignes lues, 1 gardée, 1 rejetée" in dit and "valeur vide ou secrète" in dit


# --- Le modèle et la liste des grandeurs ---


def test_le_modele_porte_toutes_les_grandeurs_et_s_importe():
    modele = dossier("templates") / "registres" / "activite.xlsx"
    livre = openpyxl.load_workbook(modele)
    assert [c.value for c in livre["Listes"]["A"]] == grandeurs()["libelle"].tolist()
    dites = {ligne[0] for ligne in livre["Mode d'emploi"].iter_rows(values_only=True)}
    assert set(grandeurs()["libelle"]) <= dites
    lecture = importer(modele, exemples=True)
    assert lecture.jeu == "activite" and len(lecture.table) == 4
    assert set(lecture.table["maille"]) == {"commune", "epci", "departement"}
    with pytest.raises(EntreeFautive, match="exemple"):
        importer(modele)


def test_le_modele_est_rejouable_a_l_octet(monkeypatch):
    monkeypatch.syspath_prepend(str(dossier("data")))
    from construction import modeles
    from construction.modele_activite import classeur_activite

    publie = (dossier("templates") / "registres" / "activite.xlsx").read_bytes()
    assert modeles.figer(classeur_activite()) == publie


def test_chaque_grandeur_est_une_variable_et_a_sa_classe():
    table = grandeurs()
    assert set(table.index) <= set(VARIABLES)
    assert (table[["libelle", "unite", "producteur", "precision"]] != "").all().all()
    assert {nom: classe_de(nom) for nom in table.index} == table["classe"].to_dict()
    assert {classe_de(nom) for nom in VARIABLES} == set(CLASSES)
    # Tout ce qu'une Caf remet sur des foyers ou des enfants se masque quand c'est petit.
    foyers = table[table.index.str.startswith(("foyers_", "enfants_couverts", "enfants_aeeh"))]
    assert foyers["classe"].eq("confidentielle_partenaire").all()
    assert classe_de("enfants_couverts") == "confidentielle_partenaire"
    with pytest.raises(DemandeFausse, match="variable inconnue"):
        classe_de("inconnue")


# --- Lire ---


def test_la_maille_se_lit_a_la_forme_du_code(tmp_path):
    lignes = [f";{c};;lits_fjt;2024;10;FJT" for c in (CRAON, "53", "2A", "53012")]
    table = importer(fichier(tmp_path, *lignes)).table
    assert table["maille"].tolist() == ["epci", "departement", "departement", "commune"]


def test_une_grandeur_se_nomme_de_plusieurs_facons(tmp_path):
    noms = ["heures_facturees_eaje", "Heures facturées en EAJE", "HEURES FACTUREES"]
    for nom in noms:
        table = importer(fichier(tmp_path, f";{CRAON};;{nom};2024;1 234,5;Caf 53")).table
        assert table.iloc[0].to_dict() == {
            "maille": "epci",
            "code": CRAON,
            "grandeur": "heures_facturees_eaje",
            "annee": 2024,
            "valeur": 1234.5,
            "source": "Caf 53",
        }


@pytest.mark.parametrize("suffixe", [".xlsx", ".ods"])
def test_classeurs(tmp_path, suffixe):
    entetes = ("Code du territoire", "Grandeur", "Année", "Valeur", "Source")
    lignes = [entetes, (CRAON, "lits fjt", 2024, 12, "FJT")]
    if suffixe == ".ods":
        contenu = "".join(texte_ods(*ligne) for ligne in lignes)
        chemin = ods(tmp_path, f'<table:table table:name="R">{contenu}</table:table>', "a.ods")
    else:
        chemin, classeur = tmp_path / "a.xlsx", openpyxl.Workbook()
        for ligne in lignes:
            classeur.active.append(ligne)
        classeur.save(chemin)
    lue = importer(chemin).table
    assert lue["valeur"].tolist() == [12.0] and lue["grandeur"].tolist() == ["lits_fjt"]


def test_tous_les_defauts_d_un_coup(tmp_path):
    lignes = [
        f";{CRAON};;Heures facturee EAJE;2024;10;Caf",
        ";200048552;;lits fjt;24;cent;",
        "quartier;53012;;am actifs;2024;10;RPE",
        ";53012;;AM 55 ans et plus;2024;12;RPE",
        ";53012;;am_actifs;2024;10;RPE",
        ";53012;;am actifs;2024;11;RPE",
        ";53084;;lits fjt;2024;-3;FJT",
        ";99999;;lits fjt;2024;3;FJT",
        ";999999999;;lits fjt;2024;3;FJT",
        ";99;;lits fjt;2024;3;FJT",
        ";53012;;eleves;;3;École",
        ";53012;;jeunes_12_25;2024;1.234;Insee",
    ]
    with pytest.raises(EntreeFautive) as capture:
        importer(fichier(tmp_path, *lignes))
    defauts = capture.value.defauts
    for ligne, mot in [
        (2, "Heures facturées en EAJE ?"),
        (3, "SIREN"),
        (3, "une année"),
        (3, "un nombre"),
        (3, "qui a remis"),
        (4, "commune, EPCI ou département"),
        (5, "Assistants maternels actifs"),
        (7, "une seule valeur"),
        (8, "un nombre positif"),
        (9, "99999"),
        (10, "999999999"),
        (11, "« 99 »"),
        (12, "une année"),
        (13, "sans équivoque"),
    ]:
        assert any(f"ligne {ligne}," in d and mot in d for d in defauts), (ligne, mot, defauts)
    assert len(entrepot.entrees()) == 0


FAUTIVES = {
    "epci;200048551;;lits fjt;;12;FJT": "colonne Année : vide (attendu : une année, comme 2024)",
    "epci;200048551;;lits fjtt;2024;12;FJT": "colonne Grandeur : « lits fjtt » (attendu : une grandeur de la liste du "
    "modèle (Lits de foyers de jeunes travailleurs ?))",
    "epci;200048551;;xyzxyz;2024;12;FJT": "colonne Grandeur : « xyzxyz » (attendu : une grandeur de la liste du "
    "modèle)",
    "epci;200048551;;lits fjt;deux;12;FJT": "colonne Année : « deux » (attendu : une année, comme 2024)",
    "canton;200048551;;lits fjt;2024;12;FJT": "colonne Maille : « canton » (attendu : commune, EPCI ou département)",
    "epci;200048551;Laval Agglomération;lits fjt;2024;12;FJT": "colonne Nom du territoire : « Laval Agglomération » "
    "(attendu : le nom de CC du Pays de Craon — EPCI (200048551), ou le code de CA Laval Agglomération — EPCI "
    "(200083392))",
    "epci;200048559;;lits fjt;2024;12;FJT": "colonne Code du territoire : « 200048559 » (attendu : le code : EPCI (ce "
    "n'est pas un SIREN (clé de contrôle fausse)))",
    "departement;99;;lits fjt;2024;12;FJT": "colonne Code du territoire : « 99 » (attendu : un Département de 2026)",
    "departement;20;;lits fjt;2024;12;FJT": "colonne Code du territoire : « 20 » (attendu : un Département de 2026 : "
    "la Corse est 2A ou 2B)",
    ";5313;;lits fjt;2024;12;FJT": "colonne Code du territoire : « 5313 » (attendu : le code : Commune (ce n'est pas "
    "un code commune))",
    "epci;200048551;;lits fjt;2023;-12;FJT": "colonne Valeur : « -12 » (attendu : un nombre positif)",
    "epci;200048551;;lits fjt;2022;douze;FJT": "colonne Valeur : « douze » (attendu : un nombre positif, comme "
    "1 234,5)",
    "epci;200048551;;lits fjt;2020;12;": "colonne Source : vide (attendu : qui a remis ce chiffre)",
    "epci;200048551;;Lits  FJT;2019;8;FJT": "colonne Grandeur : « Lits FJT » (attendu : une seule valeur : déjà donnée "
    "ligne 2)",
    "epci;200048551;;enfants aeeh alsh;2024;11;Caf": "colonne Valeur : « 11 » (attendu : au plus celle de « Enfants "
    "accueillis en ALSH » (ligne 3))",
}
SAINES_D_ABORD = ["epci;200048551;CC du Pays de Craon;lits fjt;2019;7;FJT",
                  "epci;200048551;;enfants accueillis alsh;2024;10;Caf", "commune;1004;;lits fjt;2018;3;FJT"]


def test_chaque_defaut_mot_pour_mot_a_sa_ligne(tmp_path, capsys):
    chemin = fichier(tmp_path, *SAINES_D_ABORD, *FAUTIVES)
    assert principal(["donnees", "importer", str(chemin)]) == 1
    dit = capsys.readouterr().err
    attendus = [f"ligne {i}, {phrase}" for i, phrase in enumerate(FAUTIVES.values(), 5)]
    assert dit.partition(" — ")[2].partition(". À faire")[0] == " ; ".join(attendus)
    # Écartées, elles sont comptées une à une, et le reste est lu tel quel.
    lecture = importer(chemin, ecarter=True)
    assert [(r.ligne, r.raison) for r in lecture.compte_rendu.rejets] == list(enumerate(FAUTIVES.values(), 5))
    assert lecture.table.values.tolist() == [
        ["epci", CRAON, "lits_fjt", 2019, 7.0, "FJT"], ["epci", CRAON, "enfants_accueillis_alsh", 2024, 10.0, "Caf"],
        ["commune", "01004", "lits_fjt", 2018, 3.0, "FJT"]]
    assert lecture.annees == (2018, 2019, 2024) and lecture.millesime == "2018-2024"
    assert (lecture.compte_rendu.lues, lecture.compte_rendu.gardees) == (18, 3)
    assert "valeurs par maille : epci 2, commune 1" in lecture.compte_rendu.remarques


def test_total_et_note_de_bas_sont_ranges_de_cote(tmp_path, capsys):
    """Un total sans code n'est la valeur d'aucun territoire ; avec un code, il l'est."""
    chemin = fichier(tmp_path, ";53084;;lits fjt;2024;12;FJT",
                     "epci;200048551;Total du Pays de Craon;lits fjt;2024;12;FJT",
                     ";;Total;;;24;", "Source : Caf 53;;;;;;")
    assert principal(["donnees", "importer", str(chemin)]) == 0, capsys.readouterr().err
    dit = capsys.readouterr().out
    assert "1 rejetée — ligne de total : ligne 4" in dit and "note ou source sous le tableau : ligne 5" in dit
    assert entrepot.lire("activite")["code"].tolist() == ["53084", CRAON]


def test_l_annee_d_un_import_a_quatre_chiffres(tmp_path, capsys):
    chemin = fichier(tmp_path, ";53084;;lits fjt;;12;FJT")
    assert principal(["donnees", "importer", str(chemin), "--annee", "23"]) == 2
    assert "« 23 »" in capsys.readouterr().err and not entrepot.entrees()
    assert principal(["donnees", "importer", str(chemin), "--annee", "2023"]) == 0


def test_un_exemple_se_reconnait_a_son_nom_ou_a_sa_source(tmp_path):
    exemples = [f"epci;{CRAON};EXEMPLE – Craon;lits fjt;2024;1;FJT", f"epci;{CRAON};;lits fjt;2024;1;EXEMPLE – FJT"]
    lecture = importer(fichier(tmp_path, *exemples, *SAINES_D_ABORD))
    assert [r.raison for r in lecture.compte_rendu.rejets] == ["exemple du modèle"] * 2
    with pytest.raises(EntreeFautive, match="aucune valeur : seulement des lignes vides ou d'exemple"):
        importer(fichier(tmp_path, *exemples))


def test_ecarter_garde_les_lignes_saines_et_ne_perd_rien(tmp_path):
    lignes = [
        f";{CRAON};;lits fjt;2024;12;FJT",
        f";{CRAON};;inconnue;2024;12;FJT",
        f";{CRAON};;eleves;2024;;École",
        f";{CRAON};;jeunes_12_25;2024;s;Insee",
        f";{CRAON};;lits fjt;2024;12;FJT",
    ]
    lecture = importer(fichier(tmp_path, *lignes), ecarter=True)
    compte = lecture.compte_rendu
    assert len(lecture.table) == compte.gardees == 1 and compte.lues == 5
    raisons = {r.ligne: r.raison for r in compte.rejets}
    assert "jamais zéro" in raisons[4] and "jamais zéro" in raisons[5] and "identique" in raisons[6]


def test_un_fond_de_roulement_peut_etre_negatif(tmp_path):
    lignes = [
        f";{CRAON};;fonds de roulement;2024;-20 000;Caf",
        f";{CRAON};;charges annuelles;2024;240000;Caf",
    ]
    apporter(tmp_path, *lignes)
    # Sans le nombre de structures, le montant pourrait être celui d'une seule : il se tait.
    assert mesure(CRAON, "AVS_FDR_MOIS")["statut"] == "secret"
    apporter(tmp_path, *lignes, f";{CRAON};;structures_avs_bilan;2024;8;Caf")
    assert mesure(CRAON, "AVS_FDR_MOIS")["valeur"] == -1.0


@pytest.mark.parametrize(
    ("source", "nature"),
    [
        ("marie.durand@caf.fr", "courriel"),
        ("06 12 34 56 78", "téléphone"),
        ("2 55 08 14 168 025 38", "sécurité sociale"),
    ],
)
def test_les_donnees_nominatives_sont_refusees(tmp_path, source, nature):
    with pytest.raises(EntreeFautive, match=nature) as capture:
        importer(fichier(tmp_path, f";{CRAON};;lits fjt;2024;12;{source}"))
    assert source not in str(capture.value)
    entete = ENTETE.replace("Nom du territoire", "Nom de l'allocataire")
    with pytest.raises(EntreeFautive, match="nominative"):
        importer(fichier(tmp_path, f";{CRAON};Untel;lits fjt;2024;12;FJT", entete=entete))


def test_une_commune_d_hier_ne_vaut_pas_celle_d_aujourd_hui(tmp_path):
    # 08300 est aujourd'hui dans 08439 : sa valeur n'est qu'une partie de celle de la commune nouvelle.
    with pytest.raises(EntreeFautive, match="commune d'aujourd'hui"):
        importer(fichier(tmp_path, ";08300;;lits fjt;2024;12;FJT"))


def test_aucun_lecteur_officiel_ne_la_prend_et_le_registre_la_refuse(tmp_path):
    chemin = fichier(tmp_path, f";{CRAON};;lits fjt;2024;12;FJT")
    with pytest.raises(EntreeFautive, match="aucun jeu connu"):
        lecteurs.reconnaitre(chemin)
    with pytest.raises(EntreeFautive, match="donnees importer"):
        lire_apports(registre=chemin)


def test_colonnes_manquantes_dites_toutes(tmp_path):
    with pytest.raises(EntreeFautive) as capture:
        importer(fichier(tmp_path, f"{CRAON};lits fjt;3", entete="Code;Grandeur;Valeur\n"))
    assert any("« Source »" in d for d in capture.value.defauts)
    vide = fichier(tmp_path, nom="vide.csv")
    with pytest.raises(EntreeFautive, match="aucune valeur"):
        importer(vide)


def test_un_second_fichier_remplace_le_premier(tmp_path):
    apporter(tmp_path, f";{CRAON};;lits fjt;2024;12;FJT", f";{CRAON};;jeunes_16_29;2024;4000;Insee")
    assert mesure(CRAON, "LOG_FJT_LITS")["valeur"] == 3.0
    autre = fichier(tmp_path, f";{CRAON};;lits fjt;2024;20;FJT", nom="b.csv")
    commandes.importer([autre])
    assert mesure(CRAON, "LOG_FJT_LITS")["valeur"] == 5.0
    shutil.rmtree(tmp_path / "entrepot")
    assert mesure(CRAON, "LOG_FJT_LITS")["statut"] == "non_disponible"


# --- À chaque maille ---


def test_un_chiffre_d_epci_ne_se_decoupe_pas(tmp_path):
    apporter(tmp_path, f";{CRAON};;rendez_vous_droits;2024;43;Caf 53")
    craon = cd.territoire(CRAON)
    epci = mesure(CRAON, "AD_RDV_DROITS_1000")
    assert epci["numerateur"] == 43 and epci["maille_source"] == "epci" and "Caf 53" in epci["source"]
    for territoire in ("53012", cd.perimetre("pôle", ["53012", "53084"])):
        ligne = mesure(territoire, "AD_RDV_DROITS_1000")
        assert ligne["statut"] == "non_disponible" and "ne se découpe pas" in ligne["motif"]
    entier = mesure(cd.perimetre("tout", list(craon.communes)), "AD_RDV_DROITS_1000")
    for colonne in ("valeur", "numerateur", "denominateur", "bas", "haut", "statut", "maille_source"):
        assert entier[colonne] == epci[colonne]
    departement = mesure(MAYENNE, "AD_RDV_DROITS_1000")
    assert departement["statut"] == "non_disponible" and "37 communes sur 240" in departement["motif"]


def test_le_departement_se_compose_de_tous_ses_epci(tmp_path):
    siens = cd.lister("epci", departement=MAYENNE)["code"].tolist()
    dedans = [e for e in siens if set(cd.territoire(e).communes) <= set(cd.territoire(MAYENNE).communes)]
    dehors = sorted(
        set(cd.territoire(MAYENNE).communes).difference(*(cd.territoire(e).communes for e in dedans))
    )
    lignes = [f";{e};;points d accueil;2024;2;Caf 53" for e in dedans]
    lignes += [f";{c};;points d accueil;2024;1;Caf 53" for c in dehors]
    apporter(tmp_path, *lignes)
    ligne = mesure(MAYENNE, "AD_POINTS_10K")
    population = mesure(MAYENNE, "CTX_POP")["valeur"]
    attendu = 2 * len(dedans) + len(dehors)
    assert ligne["numerateur"] == attendu and ligne["valeur"] == pytest.approx(10_000 * attendu / population)


def test_le_chiffre_publie_a_la_maille_passe_avant_la_somme(tmp_path):
    craon = cd.territoire(CRAON)
    lignes = [f";{c};;lits_fjt;2024;1;FJT" for c in craon.communes] + [
        f";{CRAON};;jeunes_16_29;2024;1000;Insee"
    ]
    apporter(tmp_path, *lignes)
    assert mesure(CRAON, "LOG_FJT_LITS")["numerateur"] == 37
    apporter(tmp_path, *lignes, f";{CRAON};;lits_fjt;2024;40;FJT")
    assert mesure(CRAON, "LOG_FJT_LITS")["numerateur"] == 40
    assert mesure(cd.perimetre("tout", list(craon.communes)), "LOG_FJT_LITS")["numerateur"] == 40


def test_une_composee_exige_toutes_ses_parties(tmp_path):
    heures = [
        f";{CRAON};;heures_alsh_{t};2024;1000;Caf" for t in ("periscolaire", "mercredi", "extrascolaire")
    ]
    apporter(tmp_path, *heures[:2])
    assert mesure(CRAON, "EJ_ALSH_HEURES_ENF")["statut"] == "non_disponible"
    apporter(tmp_path, *heures)
    ligne = mesure(CRAON, "EJ_ALSH_HEURES_ENF")
    assert ligne["numerateur"] == 3000 and ligne["statut"] == "estime"


def test_une_mediane_ne_s_agrege_pas(tmp_path):
    apporter(tmp_path, f";{CRAON};;taux_effort_logement;2024;21,5;Caf")
    assert mesure(CRAON, "LOG_TX_EFFORT")["valeur"] == 21.5
    craon = cd.territoire(CRAON)
    assert mesure(cd.perimetre("tout", list(craon.communes)), "LOG_TX_EFFORT")["valeur"] == 21.5
    for territoire in (MAYENNE, "53012"):
        ligne = mesure(territoire, "LOG_TX_EFFORT")
        assert ligne["statut"] == "non_disponible" and "ne s'agrège pas" in ligne["motif"]


def test_les_annees_viennent_de_ce_qui_est_apporte(tmp_path):
    apporter(
        tmp_path,
        f";{CRAON};;heures facturees;2022;110;Caf",
        f";{CRAON};;heures realisees;2022;100;Caf",
        f";{CRAON};;heures facturees;2024;120;Caf",
        f";{CRAON};;heures realisees;2024;100;Caf",
    )
    assert mesure(CRAON, "PE_TX_FACTURATION")["annee"] == 2024
    assert mesure(CRAON, "PE_TX_FACTURATION", annee=2022)["valeur"] == pytest.approx(110)
    assert cd.indicateurs.mesurer_serie(CRAON, "PE_TX_FACTURATION")["annee"].tolist() == [2022, 2024]
    ligne = mesure(CRAON, "PE_TX_FACTURATION", annee=2023)
    assert ligne["statut"] == "non_disponible" and "2022, 2024" in ligne["motif"]


def test_sante_financiere_des_structures(tmp_path):
    # 12 × 150 000 / 720 000 = 2,5 mois : sous le seuil de 3 mois ; 8 structures sur 20 sont dessous.
    apporter(
        tmp_path,
        f";{CRAON};;fonds_roulement_avs;2024;150000;Caf",
        f";{CRAON};;charges_annuelles_avs;2024;720000;Caf",
        f";{CRAON};;structures_avs_bilan;2024;20;Caf",
        f";{CRAON};;structures_avs_sous_3_mois;2024;8;Caf",
    )
    assert mesure(CRAON, "AVS_FDR_MOIS")["valeur"] == 2.5
    assert mesure(CRAON, "AVS_FDR_PART_3_MOIS")["valeur"] == 40
    assert math.isnan(mesure("53012", "AVS_FDR_MOIS")["valeur"])


def test_deux_structures_fragiles_sur_cinq_ne_se_montrent_pas(tmp_path):
    apporter(
        tmp_path,
        f";{CRAON};;structures_avs_bilan;2024;5;Caf",
        f";{CRAON};;structures_avs_sous_3_mois;2024;2;Caf",
    )
    ligne = mesure(CRAON, "AVS_FDR_PART_3_MOIS")
    assert ligne["statut"] == "secret"
    assert ligne[["valeur", "numerateur", "denominateur", "bas", "haut"]].isna().all()


def test_heures_nouvelles_du_plan_mercredi(tmp_path):
    apporter(
        tmp_path,
        f";{CRAON};;heures_alsh_mercredi;2024;1200;Caf",
        f";{CRAON};;heures_alsh_mercredi_reference;2024;1000;Caf",
        ";53;;heures_alsh_mercredi;2024;900;Caf",
        ";53;;heures_alsh_mercredi_reference;2024;1000;Caf",
    )
    assert mesure(CRAON, "EJ_PLANMERC_H_NOUV")["valeur"] == 200
    assert mesure(MAYENNE, "EJ_PLANMERC_H_NOUV")["valeur"] == 0


def test_heures_nouvelles_sans_reference_disent_que_c_est_elle_qui_manque(tmp_path):
    """Les heures de 2023 sont là ; d'autres les ont données pour 2024 : ce n'est pas d'elles qu'il faut se plaindre."""
    apporter(
        tmp_path,
        f";{CRAON};;heures_alsh_mercredi;2023;1200;Caf",
        ";244900015;;heures_alsh_mercredi;2024;900;Caf",
        ";244900015;;heures_alsh_mercredi_reference;2024;1000;Caf",
    )
    ligne = mesure(CRAON, "EJ_PLANMERC_H_NOUV")
    assert (ligne["statut"], ligne["annee"], ligne["numerateur"]) == ("non_disponible", 2023, 1200)
    assert "année de référence" in ligne["motif"]
