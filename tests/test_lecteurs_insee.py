"""Lecteurs Insee, ANCT, DGCL, IGN, Éducation, Etalab : petits fichiers de la forme officielle, pièges compris."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest

from cafdiag.donnees.lecteurs import lire, reconnaitre
from cafdiag.erreurs import EntreeFautive

pytestmark = pytest.mark.unitaire

AGES = ("0002", "0305", "0610", "1117", "1824", "2539", "4054", "5564", "6579", "80P")


def ecrire(dossier, nom, texte, encodage="utf-8"):
    chemin = dossier / nom
    chemin.write_bytes(texte.encode(encodage))
    return chemin


def iris(lignes, an="22", csp="STAT_GSEC11_21"):
    """Base IRIS : lignes de (iris, commune, dix tranches)."""
    entete = ["IRIS", "COM", "TYP_IRIS", "LAB_IRIS", f"P{an}_POP", *(f"P{an}_POP{a}" for a in AGES),
              f"C{an}_POP15P_{csp}", f"P{an}_POP_IMM"]
    corps = [[i, c, "H", "5", repr(sum(v)), *map(repr, v), "12.5", "3"] for i, c, v in lignes]
    return "\n".join(";".join(x) for x in [entete, *corps]) + "\n"


def dix(base):
    return [base + 0.25 * k for k in range(10)]


LAVAL = [("531300101", "53130", dix(10.0)), ("531300102", "53130", dix(20.5))]
AUTRES = [("530010000", "53001", dix(1.0)), ("083000000", "08300", dix(2.0)), ("084390000", "08439", dix(4.0))]


def ligne(lecture, code):
    return lecture.table.set_index("code").loc[code]


@pytest.mark.parametrize("an, csp", [("22", "STAT_GSEC11_21"), ("20", "CS1")])
def test_iris_somme_a_la_commune_et_fusion(tmp_path, an, csp):
    lecture = lire(ecrire(tmp_path, "ic.csv", iris(LAVAL + AUTRES, an, csp)))
    assert lecture.jeu == "communes" and lecture.annees == (2000 + int(an),)
    assert ligne(lecture, "53130")[f"pop_20{an}_0_2"] == 10.0 + 20.5
    assert ligne(lecture, "53130")[f"pop_20{an}_11_17"] == 10.75 + 21.25
    assert ligne(lecture, "08439")[f"pop_20{an}_3_5"] == 2.25 + 4.25
    compte = lecture.compte_rendu
    assert (compte.lues, compte.gardees) == (5, 5)
    assert compte.codes_passes == {"08300": "08439"}
    assert not [c for c in lecture.table if "gsec" in c.lower() or "imm" in c.lower()]


def test_iris_zero_de_tete_perdu_et_ligne_repetee(tmp_path):
    texte = iris([("10010000", "1001", dix(3.0)), *LAVAL])
    texte += texte.splitlines()[-1] + "\n"
    lecture = lire(ecrire(tmp_path, "ic.csv", texte))
    assert ligne(lecture, "01001")["pop_2022_0_2"] == 3.0
    assert ligne(lecture, "53130")["pop_2022_0_2"] == 30.5
    assert [r.raison for r in lecture.compte_rendu.rejets] == ["ligne répétée à l'identique"]
    assert lecture.compte_rendu.lues == lecture.compte_rendu.gardees + 1


@pytest.mark.parametrize("avant, apres, trouve", [
    ("20.5;", "27.5;", "la somme des âges ne fait pas la population"),
    ("531300102;53130", "531300102;53131", "ne commence pas par celui de la commune"),
    ("20.5;", "2x.5;", "ce n'est pas un nombre"),
    ("531300102;53130;H", "531300102;53130;H;", "18 champs au lieu de 17"),
])
def test_iris_abime_est_refuse_ligne_dite(tmp_path, avant, apres, trouve):
    texte = iris(LAVAL + AUTRES)
    assert avant in texte
    with pytest.raises(EntreeFautive) as refus:
        lire(ecrire(tmp_path, "ic.csv", texte.replace(avant, apres, 1)), lecteur="insee_age_iris")
    assert trouve in str(refus.value) and "ligne 3" in str(refus.value)


def test_iris_valeur_absente_rend_la_commune_inconnue(tmp_path):
    texte = iris(LAVAL + AUTRES).replace(";20.5;", ";;", 1)
    lecture = lire(ecrire(tmp_path, "ic.csv", texte))
    assert pd.isna(ligne(lecture, "53130")["pop_2022_0_2"])
    assert ligne(lecture, "53001")["pop_2022_0_2"] == 1.0


def test_iris_deux_versions_d_un_meme_iris(tmp_path):
    texte = iris([*LAVAL, ("531300102", "53130", dix(5.0))])
    with pytest.raises(EntreeFautive, match=r"ligne 4.*déjà lu"):
        lire(ecrire(tmp_path, "ic.csv", texte))


def pop1b(communes):
    lignes = ["NIVGEO;CODGEO;LIBGEO;SEXE;AGED100;NB"]
    for niveau, code, nb in communes:
        lignes += [f"{niveau};{code};x;{s};{a:03d};{nb + a / 100}" for s in (1, 2) for a in range(101)]
    return "\n".join(lignes) + "\n"


def test_pop1b_somme_les_sexes_et_donne_les_3_11_ans(tmp_path):
    texte = pop1b([("COM", "53130", 2), ("COM", "01001", 1), ("DEP", "53", 100)])
    lecture = lire(ecrire(tmp_path, "TD_POP1B_2022.csv", texte))
    attendu = 2 * sum(2 + a / 100 for a in range(3, 12))
    assert ligne(lecture, "53130")["pop_2022_3_11"] == pytest.approx(attendu)
    assert ligne(lecture, "01001")["pop_2022_0_2"] == pytest.approx(2 * (3 + 0.03))
    compte = lecture.compte_rendu
    assert compte.lues == 606 and len(compte.rejets) == 202
    assert any("nom du fichier" in r for r in compte.remarques)


def test_pop1b_refuse_un_age_abime(tmp_path):
    texte = pop1b([("COM", "53130", 2)]).replace(";1;007;", ";1;0x7;", 1)
    with pytest.raises(EntreeFautive, match="âge illisible"):
        lire(ecrire(tmp_path, "TD_POP1B_2022.csv", texte))


@pytest.mark.parametrize("an", ["n/a", "2021"])
def test_pop1b_refuse_une_annee_illisible_ou_deux_annees(tmp_path, an):
    lignes = pop1b([("COM", "53130", 2), ("COM", "53084", 2)]).splitlines()
    lignes = [lignes[0] + ";ANNEE", *(f"{li};{an if ';53084;' in li else 2022}" for li in lignes[1:])]
    with pytest.raises(EntreeFautive, match=r"année illisible|plusieurs années mêlées : 2021, 2022"):
        lire(ecrire(tmp_path, "POP1B.csv", "\n".join(lignes) + "\n"))


def test_une_population_totale_d_une_autre_annee_ne_prend_pas_la_sienne(tmp_path):
    texte = "CODGEO;PTOT17;PMUN23;PTOT23\n53084;4500;4600;4700\n53012;900;910;920\n"
    table = lire(ecrire(tmp_path, "pop.csv", texte)).table.set_index("code")
    assert [c for c in table if "totale" in c] == ["population_totale_2023"]
    assert table["population_totale_2023"].to_dict() == {"53012": 920, "53084": 4700}


def test_un_csv_du_vieux_mac_se_reconnait_quelle_que_soit_sa_taille(tmp_path):
    """Fins de ligne « \r » seules : l'aperçu d'un grand fichier en coupait tout."""
    lignes = [f"{an};COM;53130;LVB_DOM;A;{an}" + " " * 3000 for an in range(1975, 2025)]
    texte = "\r".join(["OBS_VALUE;GEO_OBJECT;GEO;EC_MEASURE;FREQ;TIME_PERIOD", *lignes]) + "\r"
    assert ligne(lire(ecrire(tmp_path, "naissances.csv", texte)), "53130")["naissances_2024"] == 2024


def test_l_annee_d_une_geographie_n_est_pas_celle_des_chiffres(tmp_path):
    texte = "CODGEO;LIBGEO;PMUN\n53084;Craon;4601\n53012;Athée;533\n"
    assert lire(ecrire(tmp_path, "pop_2019_geo2025.csv", texte)).annees == (2019,)


def test_pop1b_coupe_ou_sans_colonne_sexe(tmp_path):
    entier = pop1b([("COM", c, 2) for c in ("53130", "53001", "53084", "01001")])
    coupe = "\n".join(entier.splitlines()[:-30]) + "\n"
    lecture = lire(ecrire(tmp_path, "TD_POP1B_2022.csv", coupe))
    # 01001 n'a plus tous ses âges : son total serait faux.
    assert lecture.table["code"].tolist() == ["53001", "53084", "53130"]
    assert lecture.compte_rendu.raisons() == {"commune à qui il manque des âges": 172}
    sans_sexe = "\n".join(";".join(x.split(";")[:3] + x.split(";")[4:]) for x in entier.splitlines())
    with pytest.raises(EntreeFautive, match="SEXE"):
        lire(ecrire(tmp_path, "TD_POP1B_2022.csv", sans_sexe))


def test_ages_en_forme_longue_sans_double_compte(tmp_path):
    texte = ("GEO;GEO_OBJECT;SEX;AGE;RP_MEASURE;TIME_PERIOD;OBS_VALUE\n53130;COM;_T;_T;POP;2023;50000\n"
             "53130;COM;_T;Y_LT5;POP;2023;2600.5\n53130;COM;M;Y_LT5;POP;2023;1300\n"
             "53130;COM;_T;Y5T9;POP;2023;2500\n53130;COM;_T;Y25T39;POP;2023;9000\n53;DEP;_T;Y_LT5;POP;2023;16000\n")
    lecture = lire(ecrire(tmp_path, "DS_RP_POPULATION_PRINC_2023_data.csv", texte))
    assert ligne(lecture, "53130")[["pop_2023", "pop_2023_0_4", "pop_2023_5_9"]].tolist() == [50000, 2600.5, 2500]
    assert sum(lecture.compte_rendu.raisons().values()) == 3


def test_tranches_par_commune(tmp_path):
    texte = "CODGEO;P22_POP;P22_POP0014;P22_POP1529;P16_POP\n53130;50000.5;8000.25;11000;49000\n1001;860;160;90;770\n"
    lecture = lire(ecrire(tmp_path, "base-cc-evol-struct-pop-2022.CSV", texte))
    assert ligne(lecture, "53130")[["pop_2022_0_14", "pop_2022", "pop_2016"]].tolist() == [8000.25, 50000.5, 49000]
    assert ligne(lecture, "01001")["pop_2022_0_14"] == 160


def naissances(lignes):
    entete = '"EC_MEASURE";"FREQ";"GEO";"GEO_OBJECT";"OBS_STATUS";"TIME_PERIOD";"OBS_VALUE"'
    return "\n".join([entete, *(f'"LVB";"A";"{g}";"{o}";"A";"{t}";{v}' for g, o, t, v in lignes)]) + "\n"


def test_naissances_melodi(tmp_path):
    texte = naissances([("53130", "COM", 2023, 512), ("53130", "COM", 2024, 498), ("53", "DEP", 2023, 2873),
                        ("08300", "COM", 2023, 1), ("08439", "COM", 2023, 2), ("200048551", "EPCI", 2023, 250)])
    lecture = lire(ecrire(tmp_path, "DS_ETAT_CIVIL_NAIS_COMMUNES_data.csv", texte))
    assert ligne(lecture, "53130")[["naissances_2023", "naissances_2024"]].tolist() == [512, 498]
    assert ligne(lecture, "08439")["naissances_2023"] == 3
    assert list(lecture.compte_rendu.de_cote.values()) == [2] and not lecture.compte_rendu.rejets


def test_naissances_larges(tmp_path):
    lecture = lire(ecrire(tmp_path, "base_naissances.csv", "CODGEO;LIBGEO;NAISD22;NAISD23\n53130;Laval;520;512\n"
                          "01001;L'Abergement;4;8\n"))
    assert lecture.annees == (2022, 2023) and ligne(lecture, "01001")["naissances_2023"] == 8


def test_populations_legales_reconnues_a_leurs_chiffres(tmp_path):
    communes = pd.read_parquet("data/communes.parquet").query("departement == '53'")
    lignes = [f"52;Pays de la Loire;53;1;01;{c[2:]};{c};{n};{p};1;{p + 1}" for c, n, p in
              zip(communes["code"], communes["nom"], communes["population_2022"], strict=True)]
    texte = "REG;Région;DEP;CODARR;CODCAN;CODCOM;COM;Commune;PMUN;PCAP;PTOT\n" + "\n".join(lignes) + "\n"
    lecture = lire(ecrire(tmp_path, "donnees_communes.csv", texte))
    assert lecture.annees == (2022,) and reconnaitre(tmp_path / "donnees_communes.csv") == "insee_populations"
    attendu = communes.set_index("code")["population_2022"].astype(float)
    assert lecture.table.set_index("code")["population_2022"].eq(attendu.sort_index()).all()


def test_population_isolee_que_le_referentiel_contredit(tmp_path):
    communes = pd.read_parquet("data/communes.parquet").query("departement == '53'")
    lignes = [f"{c};{p}" for c, p in zip(communes["code"], communes["population_2022"], strict=True)]
    lignes[10] = lignes[10].split(";")[0] + ";99999"
    lecture = lire(ecrire(tmp_path, "pop.csv", "CODGEO;PMUN22\n" + "\n".join(lignes) + "\n"))
    assert pd.isna(ligne(lecture, lignes[10].split(";")[0])["population_2022"])
    assert any("référentiel contredit" in r for r in lecture.compte_rendu.remarques)


def test_annee_isolee_parmi_les_naissances(tmp_path):
    codes = pd.read_parquet("data/communes.parquet").query("departement == '53'")["code"]
    texte = naissances([(c, "COM", 2023, 5) for c in codes]).replace('"2023"', '"2053"', 1)
    lecture = lire(ecrire(tmp_path, "n.csv", texte))
    assert lecture.annees == (2023,) and lecture.compte_rendu.raisons() == {"année isolée dans le fichier": 1}


def test_populations_codes_en_deux_colonnes_et_outre_mer(tmp_path):
    texte = ("CODREG;REG;CODDEP;DEP;CODCOM;COM;PMUN;PCAP;PTOT\n84;ARA;01;Ain;001;L'Abergement;860;1;861\n"
             "01;Guadeloupe;971;Guadeloupe;102;Anse-Bertrand;3 900;1;3 901\n")
    lecture = lire(ecrire(tmp_path, "populations_2023.csv", texte))
    assert lecture.table["code"].tolist() == ["01001", "97102"]
    assert ligne(lecture, "97102")["population_2023"] == 3900


def test_serie_de_populations_tait_les_annees_d_avant_la_fusion(tmp_path):
    texte = ("codgeo;libgeo;p13_pop;p14_pop;p15_pop;p16_pop\n971102;Anse;10;10;10;10\n"
             "53249;Vimartin;466;470;1118;1120\n53130;Laval;50000;50100;50200;50300\n")
    lecture = lire(ecrire(tmp_path, "pop.csv", texte))
    vimartin = ligne(lecture, "53249")
    assert pd.isna(vimartin["population_2013"]) and vimartin["population_2015"] == 1118
    assert ligne(lecture, "53130")["population_2013"] == 50000
    assert any("chef-lieu" in r for r in lecture.compte_rendu.remarques)


def test_arrondissements_font_la_ville_sans_double_compte(tmp_path):
    arrondissements = "".join(f"7510{i};Paris {i};100\n" if i < 10 else f"751{i};Paris {i};100\n" for i in range(1, 21))
    entete = "CODGEO;LIBGEO;PMUN22\n"
    seuls = lire(ecrire(tmp_path, "a.csv", entete + arrondissements))
    assert ligne(seuls, "75056")["population_2022"] == 2000
    ensemble = lire(ecrire(tmp_path, "b.csv", entete + "75056;Paris;1999\n" + arrondissements))
    assert ligne(ensemble, "75056")["population_2022"] == 1999


BPE = ("AN;NOMRS;DEPCOM;TYPEQU;CAPACITE;LONGITUDE;LATITUDE;DCIRIS\n"
       "2025;Crèche du Parc;53130;D502;30;-0.77;48.07;531300101\n"
       "2025;Les Lutins;53130;D509;12;-0.76;48.06;531300101\n"
       "2025;Mairie;53130;A129;;-0.76;48.06;531300101\n"
       "2025;Boulangerie;53001;B203;;-0.9;48.3;53001\n"
       "2025;Accueil;01001;D505;;5.0;46.1;01001\n")


def test_bpe_detail_compte_et_vrais_zeros(tmp_path):
    lecture = lire(ecrire(tmp_path, "BPE25.csv", BPE))
    laval, ahuille, ain = (ligne(lecture, c) for c in ("53130", "53001", "01001"))
    assert laval[["bpe2025_eaje", "bpe2025_micro_creche", "bpe2025_alsh", "bpe2025_places_eaje"]].tolist() == \
        [1, 1, 0, 30]
    assert ahuille["bpe2025_eaje"] == 0 and ain["bpe2025_alsh"] == 1
    # Aucun centre social dans le fichier : ce n'est pas qu'il n'y en a pas.
    assert "bpe2025_centre_social" not in lecture.table
    assert lecture.compte_rendu.raisons() == {"équipement hors du champ d'une Caf": 2}


def test_bpe_structures(tmp_path):
    lecture = lire(ecrire(tmp_path, "BPE25.csv", BPE), lecteur="insee_bpe_structures")
    assert lecture.jeu == "structures"
    assert lecture.table[["type", "nom", "places"]].iloc[0].tolist() == ["eaje", "Crèche du Parc", 30.0]
    assert pd.isna(lecture.table["places"].iloc[2]) and set(lecture.table["precision_lieu"]) == {"point"}


def test_bpe_2018_compte_nb_equip(tmp_path):
    texte = ("REG;DEP;DEPCOM;DCIRIS;AN;TYPEQU;NB_EQUIP\n52;53;53130;53130_0101;2018;C101;2\n"
             "52;53;53130;53130_0102;2018;C102;1\n52;53;53130;53130_0102;2018;C104;4\n")
    lecture = lire(ecrire(tmp_path, "bpe18.csv", texte))
    assert ligne(lecture, "53130")[["bpe2018_maternelle", "bpe2018_elementaire"]].tolist() == [3, 4]
    assert any("non comparable" in r for r in lecture.compte_rendu.remarques)


def test_bpe_melodi_ignore_les_totaux(tmp_path):
    texte = ("GEO;GEO_OBJECT;FACILITY_DOM;FACILITY_SDOM;FACILITY_TYPE;BPE_MEASURE;TIME_PERIOD;OBS_VALUE\n"
             "53130;COM;D;D5;D502;FACILITIES;2024;7\n53130;COM;D;D5;_T;FACILITIES;2024;30\n"
             "53130;COM;_T;_T;_T;FACILITIES;2024;999\n53130;COM;D;D5;D506;FACILITIES;2024;2\n"
             "53;DEP;D;D5;D502;FACILITIES;2024;90\n")
    lecture = lire(ecrire(tmp_path, "DS_BPE_2024_data.csv", texte))
    assert ligne(lecture, "53130")[["bpe2024_eaje", "bpe2024_centre_social"]].tolist() == [7, 2]
    assert lecture.compte_rendu.lues == 5 and lecture.compte_rendu.gardees == 2
    # Une autre mesure, un code illisible : la ligne, la raison, la valeur.
    texte += "53130;COM;D;D5;D502;SURFACE;2024;7\n53001;COM;D;D5;D5O2;FACILITIES;2024;7\n"
    rejets = lire(ecrire(tmp_path, "DS_BPE_2024_data.csv", texte)).compte_rendu.rejets
    assert [(r.ligne, r.raison, r.valeur) for r in rejets if r.ligne > 6] == [
        (7, "autre mesure", "SURFACE"), (8, "code d'équipement illisible", "D5O2")]


@pytest.mark.parametrize(("nom", "dit"), [("bpe.csv", "donnée à l'import"), ("bpe_2024.csv", "lue dans le nom")])
def test_bpe_sans_colonne_d_annee(tmp_path, nom, dit):
    chemin = ecrire(tmp_path, nom, BPE.replace("AN;", "").replace("2025;", ""))
    lecture = lire(chemin, annee=2024 if nom == "bpe.csv" else None)
    assert lecture.annees == (2024,) and "bpe2024_eaje" in lecture.table
    assert any(dit in r for r in lecture.compte_rendu.remarques)


def test_filosofi_secret_nd_et_fusion(tmp_path):
    texte = ("CODGEO;NBMENFISC21;MED21;TP6021\n53130;20000;21 550;17,0\n01001;346;25820;s\n97302;1;nd;nd\n"
             "08300;10;20000;s\n08439;50;20360;s\n49069;10;22910;9,0\n75056;1;29730;16,0\n75101;1;35030;12,0\n")
    lecture = lire(ecrire(tmp_path, "cc_filosofi.csv", texte))
    assert ligne(lecture, "53130")[["niveau_vie_median_2021", "taux_pauvrete_2021"]].tolist() == [21550, 17]
    assert ligne(lecture, "01001")["taux_pauvrete_2021__statut"] == "secret"
    assert ligne(lecture, "97302")["niveau_vie_median_2021__statut"] == "non_disponible"
    assert pd.isna(ligne(lecture, "08439")["niveau_vie_median_2021"])
    # Un simple changement de code ne change pas la commune.
    assert ligne(lecture, "49126")["niveau_vie_median_2021"] == 22910
    assert ligne(lecture, "75056")["niveau_vie_median_2021"] == 29730


def test_filosofi_melodi(tmp_path):
    texte = ("GEO;GEO_OBJECT;FILOSOFI_MEASURE;CONF_STATUS;TIME_PERIOD;OBS_VALUE\n53130;COM;MED_SL;F;2021;21550\n"
             "53130;COM;PR_MD60;C;2021;\n53130;COM;D1_SL;F;2021;12000\n53;DEP;MED_SL;F;2021;22000\n")
    lecture = lire(ecrire(tmp_path, "DS_FILOSOFI_CC_data.csv", texte))
    laval = ligne(lecture, "53130")
    assert laval["niveau_vie_median_2021"] == 21550 and laval["taux_pauvrete_2021__statut"] == "secret"


def test_filosofi_des_epci_garde_la_maille(tmp_path):
    texte = "CODGEO;LIBGEO;Q219;D119\n200048551;CC du Pays de Craon;20 500;12 000\n200000999;X;1;1\nZZZZZZZZZ;;1;1\n"
    lecture = lire(ecrire(tmp_path, "FILO_EPCI.csv", texte))
    assert lecture.jeu == "epci" and lecture.table["niveau_vie_median_2019"].tolist() == [20500.0]
    assert len(lecture.compte_rendu.rejets) == 2


@pytest.mark.parametrize("entete, valeurs, attendu", [
    ("CODGEO;DENS;LIBDENS;PMUN21", [("53130", "2;Centres urbains intermédiaires;1"), ("53001", "7;Rural;1")], [7, 2]),
    ("CODGEO;LIBGEO;DENS;LIBDENS;PMUN22;DENS7;LIBDENS7",
     [("53130", "Laval;1;Urbain;1;2;x"), ("53001", "Ahuillé;3;Rural;1;6;x")], [6, 2]),
    ("code_cog2024;grille_densite", [("53130", "2"), ("53001", "5")], [5, 2]),
])
def test_densite_sous_ses_trois_formes(tmp_path, entete, valeurs, attendu):
    texte = entete + "\n" + "".join(f"{c};{v}\n" for c, v in valeurs)
    lecture = lire(ecrire(tmp_path, "densite_2024.csv", texte))
    assert lecture.table["densite_7"].tolist() == attendu


def test_densite_a_trois_niveaux_refusee(tmp_path):
    with pytest.raises(EntreeFautive, match="3 niveaux"):
        lire(ecrire(tmp_path, "d.csv", "CODGEO;DENS;LIBDENS\n53130;1;Urbain dense\n53001;3;Rural peu dense\n"))


def test_frr_point_virgule_final_et_annee_de_l_entete(tmp_path):
    texte = ("Code_insee;Departement;Commune;Classement FRR et FRR+ au 10 juillet 2025;\r\n"
             "53130;53;Laval;Non classée;\r\n"
             "53001;53;Ahuillé;FRR socle;\r\n01187;01;Haut Valromey;FRR bénéficiaire partiellement;\r\n")
    lecture = lire(ecrire(tmp_path, "frr.csv", texte))
    assert lecture.table["frr_2025"].tolist() == ["FRR bénéficiaire partiellement", "FRR socle", "Non classée"]


def test_zrr_habillage_et_fusion_de_classements_opposes(tmp_path):
    texte = ('"Champ : France","","",""\n"Source : ANCT","","",""\n"","","",""\n"Code","Libellé","ZRR","Zonage"\n'
             '"CODGEO","LIBGEO","ZRR_SIMP","ZONAGE_ZRR"\n"01187","HV","NC - Commune non classée","x"\n'
             '"01330","R","C - Classée en ZRR","x"\n"53001","A","P - Commune partiellement classée en ZRR","x"\n'
             '"","","",""\n')
    lecture = lire(ecrire(tmp_path, "zrr.csv", texte))
    assert dict(zip(lecture.table["code"], lecture.table["zrr_2021"], strict=True)) == {"01187": "C / NC", "53001": "P"}
    assert lecture.compte_rendu.lues == 3


def test_zonage_inconnu_est_rejete(tmp_path):
    texte = "Code_insee;Classement FRR 2025\n53130;FRR socle\n53001;peut-être\n"
    lecture = lire(ecrire(tmp_path, "frr.csv", texte))
    assert [(r.ligne, r.raison, r.valeur) for r in lecture.compte_rendu.rejets] == [
        (3, "classement inconnu", "peut-être")]


def test_appartenance_xlsx_cinq_lignes_d_habillage(tmp_path):
    import openpyxl

    classeur = openpyxl.Workbook()
    feuille = classeur.active
    feuille.title = "COM"
    for texte in ("Table d'appartenance", "Géographie au 01/01/2025", "Source : Insee", "", "Mise en ligne"):
        feuille.append([texte])
    feuille.append(["CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "ZE2020", "AAV2020"])
    feuille.append(["53084", "Craon", "53", "52", "200048551", "5203", "000"])
    feuille.append(["22016", "Île-de-Bréhat", "22", "53", "ZZZZZZZZZ", "5311", "000"])
    classeur.save(tmp_path / "table-appartenance-geo-communes-2025.xlsx")
    lecture = lire(tmp_path / "table-appartenance-geo-communes-2025.xlsx")
    assert lecture.jeu == "appartenance" and ligne(lecture, "53084")["epci"] == "200048551"
    assert pd.isna(ligne(lecture, "22016")["epci"]) and ligne(lecture, "53084")["zone_emploi_2020"] == "5203"


def test_epci_de_la_dgcl_n_est_pas_une_population(tmp_path):
    texte = ("dept;siren;raison_sociale;nature_juridique;pmun_epci_2025;insee;siren_membre;nom_membre;pmun_2025\n"
             "53;200048551;CC du Pays de Craon;CC;28 594;53084;215300849;Craon;4 400\n")
    lecture = lire(ecrire(tmp_path, "epcicom2025.csv", texte))
    assert lecture.jeu == "appartenance" and ligne(lecture, "53084")["epci"] == "200048551"
    assert not [c for c in lecture.table if "pop" in c]


def test_passage_et_cog(tmp_path):
    texte = ("Année;Niveau;Type;Ancien Code Officiel;Code Courant Officiel\n2025;COM;commune;53130;53130\n"
             "2025;COM;commune;08300;08439\n2025;REG;région;73;76\n")
    lecture = lire(ecrire(tmp_path, "passage.csv", "\ufeff" + texte))
    assert lecture.jeu == "passage" and lecture.compte_rendu.gardees == 2
    assert dict(zip(lecture.table["code_ancien"], lecture.table["code"], strict=True))["08300"] == "08439"
    cog = ("TYPECOM,COM,REG,DEP,LIBELLE,COMPARENT\nCOM,53130,52,53,Laval,\nCOMD,01015,84,01,Arbignieu,01015\n"
           "COMD,01039,84,01,Béon,01138\n")
    lecture = lire(ecrire(tmp_path, "v_commune_2025.csv", cog))
    assert ligne_passage(lecture, "01039") == "01138" and len(lecture.compte_rendu.rejets) == 1


def ligne_passage(lecture, ancien):
    return lecture.table.set_index("code_ancien").at[ancien, "code"]


def test_mouvements_seuls_les_changements_de_code(tmp_path):
    texte = ("MOD,DATE_EFF,TYPECOM_AV,COM_AV,LIBELLE_AV,TYPECOM_AP,COM_AP,LIBELLE_AP\n"
             "10,2020-01-01,COM,53130,Laval,COM,53130,Laval\n32,2025-01-01,COM,08300,Le Mont-Dieu,COM,08439,Tannay\n"
             "32,2025-01-01,COM,08300,Le Mont-Dieu,COMD,08300,Le Mont-Dieu\n")
    lecture = lire(ecrire(tmp_path, "v_mvt_commune_2025.csv", texte))
    assert lecture.table["code_ancien"].tolist() == ["08300"]
    assert sorted(lecture.compte_rendu.raisons().values()) == [1, 1]


@pytest.mark.parametrize("nom, contenu, mots", [
    ("DEMO.csv", "CODGEO;LIBGEO;POP_MUN\nQP001001;Reyssouze;6 490\nQP001002;Croix;1 926\n", "2015"),
    ("iris.csv", "CODE_IRIS;LIB_IRIS;TYP_IRIS;DEPCOM;LIBCOM\n010010000;A;Z;01001;A\n", "aucun chiffre"),
    ("types.json", json.dumps({"D502": "EAJE", "D503": "LAEP", "A129": "Mairie"}), "nomenclature"),
    ("ips.json", json.dumps({"53130": {"averageIps": 93.4}, "01001": {"averageIps": 90.1}}), "ne donne pas celle"),
])
def test_fichiers_refuses_pour_une_raison_claire(tmp_path, nom, contenu, mots):
    with pytest.raises(EntreeFautive) as refus:
        lire(ecrire(tmp_path, nom, contenu))
    assert mots in str(refus.value) and "À faire" in str(refus.value)


def test_france_services_points_permutes_et_lieu_sans_contact(tmp_path):
    texte = ('"id_fs","lib_fs","adresse","insee_com","code_postal","lib_com","latitude","longitude",'
             '"mail","telephone"\n'
             '"1","FS Craon","1 rue A","53084","53400","Craon",47.84,-0.95,"a@b.fr","02 43"\n'
             '"2","FS Laval","2 rue B","53130","53000","Laval",-0.77,48.07,,\n'
             '"3","FS Orée","3 rue C","49069","49270","Orée","466996,8","6719860,1",,\n')
    lecture = lire(ecrire(tmp_path, "liste-fs-20240801.csv", texte))
    table = lecture.table.set_index("nom")
    assert table.loc["FS Laval", ["lon", "lat"]].tolist() == [-0.77, 48.07]
    assert table.loc["FS Orée", "code"] == "49126" and table.loc["FS Orée", "precision_lieu"] == "commune"
    assert lecture.annees == (2024,) and not {"mail", "telephone"} & set(table.columns)


def test_france_services_par_commune_liste_partielle(tmp_path):
    contenu = {"53130": {"year": 2025, "count": 2, "labels": ["France services A", "France services B"]},
               "53084": {"year": 2025, "count": 3, "labels": ["France services C"]}}
    lecture = lire(ecrire(tmp_path, "fs.json", json.dumps(contenu)))
    assert lecture.table["france_services_2025"].tolist() == [2.0]
    assert [r.valeur for r in lecture.compte_rendu.rejets] == ["France services C"]
    assert any("partielle" in r for r in lecture.compte_rendu.remarques)


def test_education_comptes_par_commune(tmp_path):
    contenu = {"53130": {"year": 2026, "totalOpen": 4, "byType": {"Ecole": 2, "Collège": 1, "Autre": 1}},
               "53084": {"year": 2026, "totalOpen": 9, "byType": {"Ecole": 2}}}
    chemin = tmp_path / "annuaire.json.gz"
    chemin.write_bytes(gzip.compress(json.dumps(contenu).encode()))
    lecture = lire(chemin)
    assert lecture.table[["ecoles_2026", "colleges_2026"]].values.tolist() == [[2.0, 1.0]]
    assert lecture.compte_rendu.raisons() == {"la somme des types ne fait pas le total": 1}


def test_annuaire_officiel_et_effectifs(tmp_path):
    annuaire = ("identifiant_de_l_etablissement;nom_etablissement;type_etablissement;code_commune;etat;date_maj_ligne\n"
                "0530001A;École A;Ecole;53130;OUVERT;2026-01-10\n0530002B;Collège B;Collège;53130;OUVERT;2026-01-10\n"
                "0530003C;École C;Ecole;53130;A FERMER;2026-01-10\n"
                "0530004D;Rectorat;Service Administratif;53130;OUVERT;2026\n")
    lecture = lire(ecrire(tmp_path, "annuaire.csv", annuaire))
    assert ligne(lecture, "53130")[["ecoles_2026", "colleges_2026"]].tolist() == [1, 1]
    effectifs = ("rentree_scolaire;numero_ecole;code_commune;nombre_total_eleves;"
                 "nombre_eleves_preelementaire_hors_ulis\n"
                 "2024;0530001A;53130;120;40\n2024;0530009Z;53130;80;80\n")
    lecture = lire(ecrire(tmp_path, "effectifs.csv", effectifs))
    assert ligne(lecture, "53130")[["eleves_2024", "eleves_preelementaire_2024"]].tolist() == [200, 120]


def carre(x, y, cote=0.02):
    return [[[x, y], [x + cote, y], [x + cote, y + cote], [x, y + cote], [x, y]]]


def geojson(proprietes):
    return json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": p, "geometry": {"type": "Polygon", "coordinates": carre(*xy)}}
        for p, xy in proprietes]})


def test_qpv_2024_et_refus_de_2015(tmp_path):
    bons = [({"code_qp": "QN04901M", "lib_qp": "Belle-Beille", "insee_com": "49007"}, (-0.6, 47.47)),
            ({"code_qp": "QN04999M", "lib_qp": "À cheval", "insee_com": "49007, 49353"}, (-0.55, 47.45))]
    lecture = lire(ecrire(tmp_path, "QP2024.geojson", geojson(bons)))
    assert lecture.jeu == "qpv" and lecture.table["communes"].tolist() == ["49007", "49007 49353"]
    assert lecture.table.crs.to_epsg() == 4326 and lecture.table.geometry.is_valid.all()
    vieux = [({"code_qp": "QP049001", "lib_qp": "Belle-Beille", "insee_com": "49007"}, (-0.6, 47.47))]
    with pytest.raises(EntreeFautive, match=r"2015.*codes QP"):
        lire(ecrire(tmp_path, "QP2015.geojson", geojson(vieux)))


def test_contours_fusion_point_permute_et_chef_lieu_seul(tmp_path):
    lecture = lire(ecrire(tmp_path, "communes.geojson", geojson(
        [({"code": "53130", "nom": "Laval"}, (-0.8, 48.05)), ({"code": "08439", "nom": "Tannay"}, (4.84, 49.52))])))
    # Un carré de 1,5 km n'est pas Tannay-le-Mont-Dieu (33 km²), qui réunit deux communes.
    assert lecture.table["code"].tolist() == ["53130"] and len(lecture.compte_rendu.rejets) == 1
    with pytest.raises(EntreeFautive, match="permutées"):
        lire(ecrire(tmp_path, "communes2.geojson", geojson([({"code": "53130", "nom": "Laval"}, (48.05, -0.8))])))


def test_qpv_libelles_par_commune(tmp_path):
    contenu = {"49007": {"year": 2025, "qpvLabels": ["Roseraie", "Monplaisir"]}}
    lecture = lire(ecrire(tmp_path, "qpv.json", json.dumps(contenu)))
    assert lecture.table["code"].tolist() == ["49007-roseraie", "49007-monplaisir"]
    assert lecture.table.geometry.isna().all()


def test_etalab_communes_et_epci(tmp_path):
    lignes = pd.read_parquet("data/communes.parquet").query("departement == '53'")
    contenu = [{"code": c, "nom": n, "typeLiaison": 0, "type": "commune-actuelle", "population": int(p)}
               for c, n, p in zip(lignes["code"], lignes["nom"], lignes["population_2023"], strict=True)]
    contenu.append({"code": "53001", "nom": "x", "typeLiaison": 0, "type": "commune-deleguee", "chefLieu": "53001"})
    lecture = lire(ecrire(tmp_path, "communes.json", json.dumps(contenu)))
    assert lecture.annees == (2023,) and len(lecture.compte_rendu.rejets) == 1
    epci = [{"code": "200048551", "nom": "CC du Pays de Craon", "type": "CC",
             "membres": [{"code": "53084", "nom": "Craon"}, {"code": "53012", "nom": "Athée"}]}]
    lecture = lire(ecrire(tmp_path, "epci.json", json.dumps(epci)))
    assert lecture.table[["code", "epci"]].values.tolist() == [["53012", "200048551"], ["53084", "200048551"]]


# --- Âges de Melodi, âge par âge ---


def _ages_melodi(tmp_path, *, lignes=(), sans=(), sexes=("F", "M", "_T")):
    """La forme exacte du tableau détaillé : tous les niveaux, un total des sexes et des âges."""
    rangs = []
    for code, objet in (("53130", "COM"), ("75101", "ARM"), ("200083392", "EPCI"), ("53", "DEP"), ("53054", "BV2022")):
        for sexe in sexes:
            part = 1 if sexe == "_T" else 0.5
            ages = {("Y_GE100" if a == 100 else f"Y{a}"): part * (a % 7 + 1) for a in range(101)}
            for age, v in {**ages, "_T": sum(ages.values()), "Y_LT20": 1}.items():
                if (code, age) not in sans:
                    rangs.append(f"{age};{objet};{code};A;POP;{sexe};2023;{v}")
    fichier = tmp_path / "DS_RP_TD_POPULATION_AGESEX_PRINC_2023_data.csv"
    entete = "AGE;GEO_OBJECT;GEO;OBS_STATUS;RP_MEASURE;SEX;TIME_PERIOD;OBS_VALUE"
    fichier.write_text("\n".join([entete, *rangs, *lignes]) + "\n", encoding="utf-8")
    return lire(fichier)


@pytest.mark.parametrize("sexes", [("F", "M", "_T"), ("F", "M")])
def test_ages_melodi_age_par_age(tmp_path, sexes):
    lue = _ages_melodi(tmp_path, sexes=sexes)
    attendu = {"0_2": 1 + 2 + 3, "3_5": 4 + 5 + 6, "6_10": 7 + 1 + 2 + 3 + 4, "3_11": 4 + 5 + 6 + 7 + 1 + 2 + 3 + 4 + 5}
    table = lue.table.set_index("code")
    assert sorted(table.index) == ["53130", "75101"] and lue.millesime == "RP 2023"
    assert {n: table.at["53130", f"pop_2023_{n}"] for n in attendu} == attendu
    assert table.at["53130", "pop_2023"] == sum(a % 7 + 1 for a in range(101))
    compte = lue.compte_rendu
    assert compte.lues == compte.gardees + sum(compte.de_cote.values()) == 5 * len(sexes) * 103
    assert compte.rejets == []


def test_un_age_sans_ligne_n_est_zero_que_si_la_somme_le_dit(tmp_path):
    juste = _ages_melodi(tmp_path, sans=[("53130", "Y1")], lignes=[
        f"Y1;COM;53130;A;POP;{s};2023;0" for s in ("F", "M")] + ["Y1;COM;53130;A;POP;_T;2023;2"])
    assert juste.table.set_index("code").at["53130", "pop_2023_0_2"] == 6
    coupee = _ages_melodi(tmp_path, sans=[("53130", "Y1"), ("53130", "Y2")])
    assert coupee.table["code"].tolist() == ["75101"]
    assert {r.raison for r in coupee.compte_rendu.rejets} == {"la somme des âges n'est pas le total de la commune"}


_BPE_ENTIERE = """\
AN;NOMRS;DEPCOM;TYPEQU;CAPACITE;LONGITUDE;LATITUDE;DCIRIS;NUMVOIE;TYPVOIE;LIBVOIE;CODPOS;LIBCOM
2024;Crèche du Parc;53130;D502;30;-0.77;48.07;531300101;3;RUE;DU PARC;53000;LAVAL
2024;Crèche Nord;53130;D502;;-0.76;48.08;531300102;;;PLACE;53000;LAVAL
2024;Crèche Sud;53001;D502;12;0;0;530010000;1;RUE;A;53940;AHUILLE
2024;Mairie;08300;D502;8;4.8;49.5;083000000;;;;08390;LE MONT-DIEU
2024;Mairie;08439;D502;5;4.8;49.5;084390000;;;;08390;TANNAY
"""


def _lue(tmp_path, texte, lecteur):
    chemin = tmp_path / "bpe.csv"
    chemin.write_text(texte, encoding="utf-8")
    return lire(chemin, lecteur=lecteur)


def test_chaque_case_d_une_base_des_equipements(tmp_path):
    """Comptes, places sûres, capacité tue, commune fusionnée ; adresse, point ou commune : tout, ligne à ligne."""
    comptes = _lue(tmp_path, _BPE_ENTIERE, "insee_bpe")
    table = comptes.table.set_index("code")
    assert table["bpe2024_eaje"].to_dict() == {"08439": 2, "53001": 1, "53130": 2}
    assert table["bpe2024_places_sures_eaje"].to_dict() == {"08439": 13, "53001": 12, "53130": 30}
    assert table["bpe2024_sans_places_eaje"].to_dict() == {"08439": 0, "53001": 0, "53130": 1}
    assert table["bpe2024_places_eaje"].isna().to_dict() == {"08439": False, "53001": False, "53130": True}
    assert comptes.compte_rendu.codes_passes == {"08300": "08439"} and comptes.annees == (2024,)

    lues = _lue(tmp_path, _BPE_ENTIERE, "insee_bpe_structures").table.set_index("nom", drop=False)
    assert lues["code"].tolist() == ["53130", "53130", "53001", "08439", "08439"]
    assert lues["places"].isna().tolist() == [False, True, False, False, False]
    assert lues["precision_lieu"].tolist() == ["point", "point", "commune", "point", "point"]
    assert lues.loc["Crèche du Parc", "adresse"] == "3 RUE DU PARC 53000 LAVAL"
    assert lues.loc["Crèche Nord", "adresse"] == "PLACE 53000 LAVAL"
    assert set(lues["type"]) == {"eaje"} and set(lues["annee"]) == {2024} and set(lues["statut_agrement"]) == {""}


@pytest.mark.parametrize(("avant", "apres", "dit"), [
    ("2024;Crèche Nord", "2023;Crèche Nord", "plusieurs années mêlées : 2023, 2024"),
    (";531300102;", ";530010000;", "l'IRIS n'est pas dans la commune (« 530010000 »)"),
    ("Nord;53130;D502;;-0.76;48.08;531300102", "Nord;53130;D502;;-0.76;48.08;2A0040101",
     "l'IRIS n'est pas dans la commune (« 2A0040101 »)"),
    ("Nord;53130;D502", "Nord;53130;Z!", "code(s) d'équipement illisible(s) : « Z! »"),
])
def test_une_case_fautive_de_la_base_est_citee(tmp_path, avant, apres, dit):
    with pytest.raises(EntreeFautive) as refus:
        _lue(tmp_path, _BPE_ENTIERE.replace(avant, apres), "insee_bpe")
    assert dit in str(refus.value)
