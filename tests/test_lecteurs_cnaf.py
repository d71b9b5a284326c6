"""Les lecteurs de la Cnaf, des Caf à l'IRIS et de la Drees : petits fichiers écrits ici, de même forme."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from cafdiag.cli import principal
from cafdiag.donnees.lecteurs import lecteurs, lire, reconnaitre
from cafdiag.donnees.lecteurs.cnaf import grandeur
from cafdiag.donnees.reunion import choisir_serie
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.unitaire

TAUX_EPCI = """annee;numepci;nomepci;txcouv_psu_col_epci;txcouv_hors_psu_col_epci;txcouv_eaje_epci;\
txcouv_prescol_epci;txcouv_am_ind_epci;txcouv_gad_ind_epci;txcouv_ind_epci;txcouv_epci
2022;200048551;CC DU PAYS DE CRAON;8.0;1.0;9.0;2.0;80.0;0.5;80.5;91.5
2023;200048551;CC DU PAYS DE CRAON;8.5;1.0;9.5;2.0;79.0;0.5;79.5;91.0
2023;200069193;CC DE LA DOMBES;10.0;12.5;22.5;0.0;40.0;1.0;41.0;63.5
2023;XX;XX;0.0;0.0;17.8;8.5;160.0;9.5;169.5;195.8
"""
LIBELLES_COM = """Date référence;Numéro commune;Nom commune;Numéro EPCI;Nom EPCI;Taux de couv EAJE PSU;\
Taux de couv EAJE hors PSU;Taux de couv EAJE - ensemble;Taux de couv préscolarisation;\
Taux de couv assistantes maternelles;Taux de couv salariée à domicile;\
Taux de couv accueil individuel - ensemble;Taux de couv global
2023-12-31;01004;AMBERIEU EN BUGEY;240100883;CC DE LA PLAINE DE L'AIN;14,0;0,5;14,5;0,0;54,1;0,3;54,4;68,9
2023-12-31;49069;OREE D ANJOU;244900015;CC X;10,0;0,0;10,0;0,0;50,0;0,0;50,0;60,0
"""
PLACES_DEP = """annee,numdep,nomdep,pl_psu_col_dep,pl_hors_psu_col_dep,pl_eaje_dep,pl_prescol_dep,\
pl_am_ind_dep,pl_gad_ind_dep,pl_ind_dep,tot_offre_dep
2023,1,AIN,2000,1500,3500,100,9000,200,9200,12800
2023,2A,CORSE DU SUD,800,100,900,50,700,20,720,1670
2023,XXX,XXX,15,0,15,0,0,0,0,15
"""
S_BEN = """dtreffre;numcomdo;nomcom;indfoy_ndur;indnbp_ndur;indmtt_ndur;indfoy_rsa;indfoy_ppa;indfoy_ndural;\
indfoy_af;indfoy_ndurpaje
2024-12;53130;LAVAL;14110;27935;5000000;1395;4500;6000;3200;1300
2023-12;53130;LAVAL;14000;27900;4900000;1400;4400;6000;3200;1300
2024-12;08300;LE MONT DIEU;5;15;1000;0;0;0;5;0
2024-12;08439;TANNAY;40;95;9000;5;10;5;15;5
2024-12;;;33605;50000;100;5;5;5;5;5
2024-12;04XXX;MASQUE;5;5;5;5;5;5;5;5
2024-06;53182;PORT BRILLET;5;5;5;5;5;5;5;5
"""
S_BEN_EPCI = """dtreffre;numepci;nomepci;indfoy_ndur;indnbp_ndur;indmtt_ndur;indfoy_rsa;indmtt_rsa
2024-12;200048551;CC DU PAYS DE CRAON;4905;12560;2500000;210;110000
2023-12;200048551;CC DU PAYS DE CRAON;4880;12500;2400000;215;109000
2024-12;241200765;CC DE LEVEZOU PARELOUP;900;2200;400000;40;20000
2024-12;XX;XX;35;90;9000;5;900
2024-06;200069193;CC DE LA DOMBES;5;5;5;5;5
"""
QF = """dtreffre;numcomdo;nomcom;qf_400;indfoy_ndur;indnbp_ndur
202412;53130;LAVAL;Moins de 400 euros;3000;6000
202412;53130;LAVAL;Entre 400 et 799 euros;4000;9000
202412;53130;LAVAL;Inconnu;100;200
202412;08300;LE MONT DIEU;Moins de 400 euros;5;10
202412;08439;TANNAY;Moins de 400 euros;10;25
"""
RSA = """dtreffre;numcomdo;nomcom;rsa_type;indfoy_rsa;indnbp_rsa
2024-12;53130;LAVAL;RSA majoré;150;450
2024-12;53130;LAVAL;RSA non majoré;1245;2300
2024-12;08439;TANNAY;RSA non majoré;5;5
"""
IRIS = """CODGEO;NOTE;A;PERCOU;AI;ENF;ENF_2;ENF_3_5;AAL;APPA;ARSAS
010040101;0;485;1155;227;476;83;75;265;150;64
010040102;0;1082;2584;460;1076;200;198;677;408;164
010330201;2;;;;;;;;;
010330301;0;328;997;107;489;60;71;154;90;38
"""
DREES = """Code région;Code département;Département;2021;2022;2023
84;01;Ain;3\u202f439;3\u202f637;3\u202f918
94;20;Collectivité de Corse;1\u202f905;2\u202f093;2\u202f226
94;2A;Corse-du-Sud;;;
84;69M;Métropole de Lyon;598;614;629
52;53;Mayenne;500;510;nd
"""


def ecrire(dossier, nom, texte):
    chemin = dossier / nom
    chemin.write_bytes(texte if isinstance(texte, bytes) else texte.encode("utf-8-sig"))
    return chemin


@pytest.mark.parametrize(("nom", "texte", "attendu"), [
    ("a.csv", TAUX_EPCI, "cnaf_taux"), ("b.csv", LIBELLES_COM, "cnaf_taux"), ("c.csv", PLACES_DEP, "cnaf_places"),
    ("d.csv", S_BEN, "cnaf_prestations"), ("e.csv", QF, "cnaf_qf"), ("f.csv", RSA, "cnaf_rsa"),
    ("h.csv", S_BEN_EPCI, "cnaf_prestations_epci"),
    ("g_2020.csv", IRIS, "caf_iris"), ("Tab28.csv", DREES, "drees_departements")])
def test_chaque_fichier_est_reconnu_et_compte_ses_lignes(tmp_path, nom, texte, attendu):
    chemin = ecrire(tmp_path, nom, texte)
    assert reconnaitre(chemin) == attendu
    compte = lire(chemin).compte_rendu
    assert compte.lues == len(texte.splitlines()) - 1 == compte.gardees + len(compte.rejets)
    assert len(compte.empreinte) == 64
    # Nommer le lecteur évite de deviner, et ne change rien.
    pd.testing.assert_frame_equal(lire(chemin, lecteur=attendu).table, lire(chemin).table)


def test_taux_par_epci(tmp_path):
    lue = lire(ecrire(tmp_path, "txcouv_pe_epci.csv", TAUX_EPCI))
    assert lue.jeu == "taux_couverture" and lue.annees == (2022, 2023)
    ligne = lue.table.query("code == '200048551' and annee == 2023").iloc[0]
    assert (ligne["maille"], ligne["serie"]) == ("epci", "courante")
    assert ligne[["txcouv", "txcouv_eaje", "txcouv_eaje_psu", "txcouv_eaje_hors_psu", "txcouv_am", "txcouv_prescol",
                  "txcouv_gad"]].tolist() == [91.0, 9.5, 8.5, 1.0, 79.0, 2.0, 0.5]
    (rejet,) = lue.compte_rendu.rejets
    assert rejet.ligne == 5 and "pseudo-zone" in rejet.raison and rejet.valeur == "XX"


def test_des_taux_de_zero_a_un_sont_refuses(tmp_path):
    """Un tableur a rendu « 53,1 % » en 0,531 : cent fois trop peu, pour chaque ligne."""
    chemin = tmp_path / "taux.csv"
    entete, *lignes = TAUX_EPCI.splitlines()[:4]
    parts = [";".join([*c[:3], *(f"{float(v) / 100:g}" for v in c[3:])]) for c in (li.split(";") for li in lignes)]
    chemin.write_text("\n".join([entete, *parts]) + "\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="de 0 à 1"):
        lire(chemin)


def test_libelles_virgules_dates_et_ancien_code(tmp_path):
    lue = lire(ecrire(tmp_path, "export.csv", LIBELLES_COM))
    assert lue.table["code"].tolist() == ["01004", "49126"] and lue.table["txcouv"].tolist() == [68.9, 60.0]
    assert set(lue.table["maille"]) == {"commune"} and lue.annees == (2023,)
    assert lue.compte_rendu.codes_passes == {"49069": "49126"}


def test_une_annee_isolee_est_un_chiffre_abime(tmp_path):
    lignes = [f"{2032 if d == 53 else 2023},{d},X,10,5,15,1,9,2,11,27\n" for d in range(1, 80) if d != 20]
    lue = lire(ecrire(tmp_path, "nbpla_pe_dep.csv", PLACES_DEP.splitlines()[0] + "\n" + "".join(lignes)))
    assert lue.annees == (2023,) and "53" not in set(lue.table["code"])
    (rejet,) = lue.compte_rendu.rejets
    assert (rejet.raison, rejet.valeur) == ("année isolée : une poignée de lignes pour tout le fichier", "2032")


def test_places_par_departement_zero_perdu_et_ligne_xxx(tmp_path):
    lue = lire(ecrire(tmp_path, "nbpla_pe_dep.csv", PLACES_DEP))
    assert lue.table["code"].tolist() == ["01", "2A"] and lue.table["places_total"].tolist() == [12800, 1670]
    assert lue.compte_rendu.rejets[0].valeur == "XXX"
    assert any("1 → 01" in r for r in lue.compte_rendu.remarques)


@pytest.mark.parametrize(("entete", "maille", "codes"), [
    ("annee;numregi;nomregi", "region", ["52", "COM"]), ("annee;national", "france", ["France"]),
])
def test_taux_regional_et_national(tmp_path, entete, maille, codes):
    suffixe = {"region": "reg", "france": "nat"}[maille]
    modes = ["txcouv_eaje", "txcouv_prescol", "txcouv_am_ind", "txcouv_gad_ind", "txcouv"]
    texte = entete + ";" + ";".join(f"{m}_{suffixe}" for m in modes) + "\n"
    for code in codes:
        reste = ";X" if maille == "region" else ""
        texte += f"2023-01-01;{code}{reste};23.5;3.3;31.9;2.2;60.9\n"
    lue = lire(ecrire(tmp_path, "t.csv", texte))
    assert lue.table[["maille", "code", "annee", "txcouv"]].values.tolist() == [
        [maille, "52" if maille == "region" else "FR", 2023, 60.9]]


def test_ancien_taux_par_commune_annee_dans_le_nom(tmp_path):
    texte = ("NUM_COM;NOM_COM;NUM_EPCI;TAUXCOUV_COMM;TAUXCOUV_EPCI;TAUXCOUV_DEP;TAUXCOUV_REG;TAUXCOUV_NAT\n"
             "1004;AMBERIEU EN BUGEY;240100883;68,7;60,1;58,0;57,0;59,8\n")
    lue = lire(ecrire(tmp_path, "TAUXCOUV2020.csv", texte))
    assert lue.table[["code", "annee", "txcouv", "serie"]].values.tolist() == [["01004", 2020, 68.7, "hist"]]
    with pytest.raises(EntreeFautive, match="année"):
        lire(ecrire(tmp_path, "taux.csv", texte))
    assert lire(tmp_path / "taux.csv", annee=2021).annees == (2021,)


def test_la_serie_courante_prime_et_2022_ne_melange_rien(tmp_path):
    hist = TAUX_EPCI.replace("2023;", "2021;").replace("2022;", "2022;").replace("91.5", "91.2")
    ancienne = lire(ecrire(tmp_path, "txcouv_pe_epci_hist.csv", hist)).table
    courante = lire(ecrire(tmp_path, "txcouv_pe_epci.csv", TAUX_EPCI)).table
    assert set(ancienne["serie"]) == {"hist"} and set(courante["serie"]) == {"courante"}
    ensemble = choisir_serie(pd.concat([ancienne, courante]))
    craon = ensemble[ensemble["code"] == "200048551"]
    assert craon[["annee", "txcouv", "serie"]].values.tolist() == [
        [2021, 91.0, "hist"], [2022, 91.5, "courante"], [2023, 91.0, "courante"]]


def test_un_taux_fusionne_est_rejete_des_places_sont_sommees(tmp_path):
    taux = ("annee;numcom;nomcom;txcouv_eaje_com;txcouv_com\n2022;08300;LE MONT DIEU;10;60\n"
            "2022;08439;TANNAY;12;62\n2022;53130;LAVAL;30;75\n")
    lue = lire(ecrire(tmp_path, "t.csv", taux))
    assert lue.table["code"].tolist() == ["53130"] and len(lue.compte_rendu.rejets) == 2
    places = taux.replace("txcouv_eaje_com;txcouv_com", "pl_eaje_com;tot_offre_com")
    lue = lire(ecrire(tmp_path, "p.csv", places))
    assert lue.table.set_index("code")["places_eaje"].to_dict() == {"08439": 22.0, "53130": 30.0}


@pytest.mark.parametrize(("avant", "apres", "mot"), [
    ("12.5;22.5", "12.5;32.5", "somme"), ("200069193", "200069194", "clé"), ("63.5", "6x.5", "nombre"),
    ("2023;200069193", "2O23;200069193", "année"), ("63.5", "-63.5", "négatif"),
    ("22.5;0.0;40.0", "22.5;0.0;40.0;1", "champs"),
])
def test_une_ligne_abimee_est_rejetee_et_les_autres_restent(tmp_path, avant, apres, mot):
    lue = lire(ecrire(tmp_path, "t.csv", TAUX_EPCI.replace(avant, apres)))
    rejet = next(r for r in lue.compte_rendu.rejets if r.ligne == 4)
    assert mot in rejet.raison and "200069193" not in set(lue.table["code"])
    assert len(lue.table) == 2


def test_code_contredit_par_le_nom_ou_le_departement(tmp_path):
    texte = ("annee;numcom;nomcom;numdep;txcouv_eaje_com;txcouv_com\n2023;53130;LAVAL;53;30;75\n"
             "2023;53140;LAVAL;53;30;76\n2023;49007;ANGERS;53;30;77\n")
    lue = lire(ecrire(tmp_path, "t.csv", texte))
    assert lue.table["txcouv"].tolist() == [75.0]
    assert [r.raison for r in lue.compte_rendu.rejets] == [
        "le nom est celui d'une autre commune", "le département contredit le code de la commune"]


def test_prestations(tmp_path):
    lue = lire(ecrire(tmp_path, "s_ben_com_f.csv", S_BEN))
    table = lue.table.set_index("code")
    assert lue.jeu == "communes" and lue.annees == (2023, 2024)
    assert table.loc["53130", ["foyers_allocataires_2024", "personnes_couvertes_2024", "foyers_rsa_2024",
                               "foyers_prime_activite_2024", "foyers_aide_logement_2024", "foyers_af_2024",
                               "foyers_paje_2024", "foyers_allocataires_2023"]].tolist() == [
        14110, 27935, 1395, 4500, 6000, 3200, 1300, 14000]
    assert table.loc["08439", "foyers_allocataires_2024"] == 45
    assert not [c for c in table if "indmtt" in c or "mtt" in c]
    raisons = lue.compte_rendu.raisons()
    assert set(raisons) == {"code vide : non localisé", "pseudo-zone, pas une commune", "autre mois que décembre"}


def test_prestations_par_epci(tmp_path):
    lue = lire(ecrire(tmp_path, "s_ben_epci_f.csv", S_BEN_EPCI))
    assert (lue.jeu, lue.annees) == ("epci", (2023, 2024))
    table = lue.table.set_index("code")
    assert table.index.tolist() == ["200048551", "241200765"]
    assert table.loc["200048551", ["foyers_rsa_2023", "foyers_rsa_2024", "personnes_couvertes_2024"]].tolist() == [
        215, 210, 12560]
    assert table.isna().loc["241200765", "foyers_rsa_2023"], "une année sans ligne manque, elle ne vaut pas zéro"
    assert not [c for c in table if "mtt" in c or "montant" in c]
    assert [r.valeur for r in lue.compte_rendu.rejets] == ["XX", "2024-06"]
    # Le titre de la commune abîmé, ses lignes passeraient pour celles de son EPCI.
    with pytest.raises(EntreeFautive):
        lire(ecrire(tmp_path, "x.csv", S_BEN_EPCI.replace("nomepci", "nomcom")))


def test_un_epci_repete(tmp_path):
    """Le vrai fichier répète des EPCI : d'une ligne d'un foyer, à l'identique, ou de deux qu'on ne départage pas."""
    craon = S_BEN_EPCI.splitlines()[1] + "\n"
    reste = "2024-12;200048551;CC DU PAYS DE CRAON;1;1;300;0;0\n"
    lue = lire(ecrire(tmp_path, "s_ben_epci_f.csv", S_BEN_EPCI + reste + craon))
    table = lue.table.set_index("code")
    assert table.loc["200048551", "foyers_allocataires_2024"] == 4905
    assert table.loc["200048551", "foyers_allocataires_2023"] == 4880
    assert lue.compte_rendu.raisons()["reste de quelques foyers, à côté de la ligne de l'EPCI"] == 1
    contraires = S_BEN_EPCI + craon.replace("4905", "4910")
    table = lire(ecrire(tmp_path, "contraires.csv", contraires)).table.set_index("code")
    assert table.isna().loc["200048551", "foyers_allocataires_2024"]
    assert table.loc["241200765", "foyers_allocataires_2024"] == 900


def test_l_epci_publie_l_emporte_sur_la_somme_de_ses_communes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    demande = ["mesurer", "200048551", "-i", "PS_RSA", "--format", "json"]

    def mesurer(code="200048551"):
        assert principal([*demande[:1], code, *demande[2:]]) == 0
        return json.loads(capsys.readouterr().out)[0]

    avant = mesurer()
    assert principal(["donnees", "importer", str(ecrire(tmp_path, "s_ben_epci_f.csv", S_BEN_EPCI))]) == 0
    capsys.readouterr()
    apres = mesurer()
    assert (apres["numerateur"], apres["denominateur"], apres["maille_source"]) == (210, 4905, "epci")
    assert "par EPCI" in apres["source"] and apres["annee"] == 2024
    # Arrondi une fois, et non une fois par commune.
    assert pytest.approx(apres["bas"]) == 208 / 4907 * 100 and pytest.approx(apres["haut"]) == 212 / 4903 * 100
    assert apres["haut"] - apres["bas"] < avant["haut"] - avant["bas"]
    # Lévézou n'est plus le même EPCI : le chiffre de 2025 ne passe pas pour le sien.
    assert mesurer("994579670")["valeur"] is None
    assert principal(["donnees", "verifier"]) == 0


def test_prestations_a_libelles_et_secret(tmp_path):
    texte = ("Date référence;Numéro commune;Nom commune;Nombre foyers NDUR;Nombre personnes NDUR;Montant total NDUR\n"
             "2024-12;53130;LAVAL;14\u202f110;27935;1\n2024-12;01001;L ABERGEMENT CLEMENCIAT;s;s;1\n")
    table = lire(ecrire(tmp_path, "t.csv", texte)).table.set_index("code")
    assert table.loc["53130", "foyers_allocataires_2024"] == 14110
    assert pd.isna(table.loc["01001", "foyers_allocataires_2024"])
    assert table.loc["01001", "foyers_allocataires_2024__statut"] == "secret"


def test_paris_par_arrondissement_est_somme_une_fois(tmp_path):
    texte = "dtreffre;numcomdo;nomcom;indfoy_ndur;indnbp_ndur\n" + "".join(
        f"2024-12;751{i:02d};PARIS {i};100;250\n" for i in range(1, 21))
    table = lire(ecrire(tmp_path, "t.csv", texte)).table.set_index("code")
    assert table.loc["75056", "foyers_allocataires_2024"] == 2000 and len(table) == 21


def test_quotient_familial(tmp_path):
    table = lire(ecrire(tmp_path, "ndur_s_qf_400_com_f.csv", QF)).table
    assert set(table["maille"]) == {"commune"}
    cles = table.set_index(["code", "tranche"])["foyers"]
    assert cles["08439", "Moins de 400 euros"] == 15 and cles["53130", "Inconnu"] == 100


def test_quotient_familial_par_quartier_et_par_iris(tmp_path):
    qpv = ("dtreffre;numcomdo;nomqpv;qf_400;indfoy_ndur;indnbp_ndur\n"
           "2024-12;49007;Belle-Beille;moins de 400 €;1000;2500\n"
           "2024-12;49007;Belle-Beille;Entre 400 et 799 €;900;2000\n")
    lue = lire(ecrire(tmp_path, "q.csv", qpv))
    assert lue.table["code"].unique().tolist() == ["49007-belle-beille"] and lue.table["maille"].iloc[0] == "qpv"
    avec_code = qpv.replace("nomqpv", "codeqpv").replace("Belle-Beille", "QN04901M")
    assert lire(ecrire(tmp_path, "r.csv", avec_code)).table["code"].unique().tolist() == ["QN04901M"]
    # Toutes les lettres de la liste de l'ANCT, pas seulement M et I.
    for lettre in lire_table("qpv")["identifiant"].str[-1].unique():
        lue = lire(ecrire(tmp_path, f"{lettre}.csv", avec_code.replace("01M", f"01{lettre}")))
        assert lue.table["code"].unique().tolist() == [f"QN04901{lettre}"]
    iris = qpv.replace("numcomdo;nomqpv", "numcomdo;numiris").replace("Belle-Beille", "490070101")
    assert lire(ecrire(tmp_path, "i.csv", iris)).table["maille"].unique().tolist() == ["iris"]


def test_rsa_majore(tmp_path):
    table = lire(ecrire(tmp_path, "rsa_s_type_com_f-copy.csv", RSA)).table.set_index("code")
    assert table.loc["53130", ["foyers_rsa_majore_2024", "foyers_rsa_non_majore_2024"]].tolist() == [150, 1245]
    assert pd.isna(table.loc["08439", "foyers_rsa_majore_2024"])


def test_iris_commune_entiere_ou_iris_avec_motif(tmp_path):
    lue = lire(ecrire(tmp_path, "data_CAF_2020_IRIS.csv", IRIS))
    table = lue.table.set_index("code")
    assert table.loc["01004", ["maille", "foyers_allocataires", "enfants_0_2"]].tolist() == ["commune", 1567, 283]
    assert table.loc["010330201", ["maille", "foyers_allocataires__statut"]].tolist() == ["iris", "secret"]
    assert table.loc["010330301", "foyers_allocataires"] == 328 and "secret" in table.loc["010330301", "motif"]
    # Un IRIS perdu rendrait trop basse, en silence, la somme de sa commune : le fichier est refusé.
    for abime in (IRIS.replace(";1082;", ";1082"), IRIS.replace("1082", "1O82")):
        with pytest.raises(EntreeFautive, match="ligne 3"):
            lire(ecrire(tmp_path, "abime_2020.csv", abime))


def test_drees(tmp_path):
    lue = lire(ecrire(tmp_path, "Tab28.csv", DREES))
    table = lue.table.set_index(["code", "annee"])
    assert table.loc[("01", 2023), "valeur"] == 3918 and table.loc[("20", 2023), "maille"] == "collectivite"
    assert set(lue.table["grandeur"]) == {"places_creches_collectives"}
    # « nd » et les cases vides de la Corse ne sont pas des zéros : elles n'ont pas de ligne.
    assert ("53", 2023) not in table.index and "2A" not in set(lue.table["code"])
    autre = lire(ecrire(tmp_path, "autre tableau.csv", DREES))
    assert set(autre.table["grandeur"]) == {"autre_tableau"}


def test_les_mots_d_une_colonne():
    assert grandeur("Taux de couv accueil individuel - ensemble").mode == "ind"
    assert grandeur("nb_places_creches").genre == "places"
    for nom in ("nomcom", "taux de pauvrete", "couverture vaccinale", "taux_4g", "places de parking"):
        assert grandeur(nom) is None


def test_la_colonne_du_code_manque_la_maille_n_est_pas_devinee(tmp_path):
    sans = "\n".join(";".join(v for i, v in enumerate(ligne.split(";")) if i != 1)
                     for ligne in LIBELLES_COM.splitlines())
    with pytest.raises(EntreeFautive):
        lire(ecrire(tmp_path, "t.csv", sans))


def test_deux_lignes_contraires_font_refuser_une_ligne_repetee_est_ecartee(tmp_path):
    lignes = TAUX_EPCI.splitlines()
    lue = lire(ecrire(tmp_path, "t.csv", "\n".join([*lignes, lignes[1]])))
    assert any("répétée" in r.raison for r in lue.compte_rendu.rejets) and len(lue.table) == 3
    with pytest.raises(EntreeFautive, match="autres valeurs"):
        lire(ecrire(tmp_path, "u.csv", "\n".join([*lignes, lignes[1].replace("91.5", "91.4")])))


def test_un_fichier_inconnu_dit_ses_colonnes_et_les_jeux_proches(tmp_path):
    with pytest.raises(EntreeFautive, match="couleur") as erreur:
        reconnaitre(ecrire(tmp_path, "t.csv", "couleur;forme\nbleu;rond\n"))
    # Rien de proche : la liste se demande, elle ne se récite pas.
    assert "donnees lister" in str(erreur.value) and "cnaf_taux" not in str(erreur.value)
    with pytest.raises(EntreeFautive, match="--lecteur cnaf_prestations") as erreur:
        reconnaitre(ecrire(tmp_path, "u.csv", "dtreffre;numcomdo;couleur\n2023;53084;bleu\n"))
    assert "indfoy_ndur" in str(erreur.value)
    with pytest.raises(DemandeFausse, match="lecteur inconnu"):
        lire(tmp_path / "t.csv", lecteur="absent")
    assert all(lecteur.libelle for lecteur in lecteurs().values())


@pytest.mark.parametrize("places", [(20, 36), (20, 29, 36, 40)])
def test_commune_aux_en_tetes_abimes_n_est_pas_un_epci(tmp_path, places):
    octets = bytearray(LIBELLES_COM.encode("utf-8-sig"))
    for place in places:
        octets[place] ^= 0xFF
    chemin = tmp_path / "export.csv"
    chemin.write_bytes(bytes(octets))
    with pytest.raises(EntreeFautive):
        lire(chemin)


@pytest.mark.parametrize("avant, apres", [
    ("rsa_type", "rsa_\udc8bype"), ("RSA majoré;150;450", "RSA\udcdfmajoré;150\udcc4450"), ("RSA non", "RSA\udcdfnon"),
])
def test_type_de_rsa_abime_ne_change_pas_de_sens(tmp_path, avant, apres):
    chemin = tmp_path / "rsa.csv"
    chemin.write_bytes(RSA.replace(avant, apres).encode("utf-8", errors="surrogateescape"))
    try:
        lue = lire(chemin)
    except EntreeFautive:
        return
    table = lue.table.set_index("code")
    assert lue.compte_rendu.rejets
    saines = {"foyers_rsa_majore_2024": 150, "foyers_rsa_non_majore_2024": 1245}
    for nom in table.columns.intersection(list(saines)):
        assert pd.isna(table.loc["53130", nom]) or table.loc["53130", nom] == saines[nom]
    assert not [n for n in table if n.startswith("foyers_rsa_2")]
