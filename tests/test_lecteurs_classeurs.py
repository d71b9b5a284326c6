"""Le même tableau dans un classeur, derrière un dictionnaire des variables : les mêmes chiffres, à chaque lecteur."""

from __future__ import annotations

import json
import zipfile

import openpyxl
import pandas as pd
import pytest

from cafdiag.cli import principal
from cafdiag.donnees import entrepot
from cafdiag.donnees.lecteurs import lire, reconnaitre
from cafdiag.donnees.tableurs import lire_feuilles
from cafdiag.erreurs import EntreeFautive
from tests import test_lecteurs_familles as familles
from tests import test_lecteurs_insee as insee
from tests.test_lecteurs_abimes import SAINS

TABLEAUX = {nom: octets.decode("utf-8-sig") for nom, octets in SAINS.items() if nom.endswith(".csv")} | {
    "base_ic.csv": insee.iris(insee.LAVAL + insee.AUTRES),
    "pop1b_2022.csv": insee.pop1b([("COM", "53130", 2)]),
    "tranches.csv": "CODGEO;P22_POP;P22_POP0014;P22_POP1529\n53130;50000.5;8000.25;11000\n",
    "naissances.csv": insee.naissances([("53130", "COM", 2023, 512), ("53130", "COM", 2024, 498)]),
    "naissances_larges.csv": "CODGEO;NAISD22;NAISD23\n53130;520;512\n01001;4;8\n",
    "populations_2023.csv": "CODREG;REG;CODDEP;DEP;CODCOM;COM;PMUN;PCAP;PTOT\n"
                            "84;A;01;Ain;001;L'Abergement;860;1;861\n",
    "bpe_2025.csv": insee.BPE,
    "bpe_melodi.csv": "GEO;GEO_OBJECT;FACILITY_TYPE;BPE_MEASURE;TIME_PERIOD;OBS_VALUE\n"
                      "53130;COM;D502;FACILITIES;2024;7\n",
    "filosofi.csv": "CODGEO;NBMENFISC21;MED21;TP6021\n53130;20000;21 550;17,0\n01001;346;25820;s\n",
    "filosofi_epci.csv": "CODGEO;LIBGEO;Q219;D119\n200048551;CC du Pays de Craon;20 500;12 000\n",
    "filosofi_melodi.csv": "GEO;GEO_OBJECT;FILOSOFI_MEASURE;CONF_STATUS;TIME_PERIOD;OBS_VALUE\n"
                           "53130;COM;MED_SL;F;2021;21550\n",
    "densite_2024.csv": "code_cog2024;grille_densite\n53130;2\n53001;5\n",
    "frr.csv": "Code_insee;Classement FRR 2025\n53130;FRR socle\n",
    "zrr.csv": "CODGEO;LIBGEO;ZRR_SIMP;ZONAGE_ZRR\n01330;R;C - Classée en ZRR;x\n",
    "appartenance.csv": "CODGEO;LIBGEO;DEP;REG;EPCI;ZE2020;AAV2020\n53084;Craon;53;52;200048551;5203;000\n",
    "familles_2023.csv": "\n".join([familles.ENTETE, *familles.lignes("53084", [1, 2, 3, 4, 50.5, 6, 7, 8])]),
    "annuaire.csv": "identifiant_de_l_etablissement;nom_etablissement;type_etablissement;code_commune;etat;"
                    "date_maj_ligne\n0530001A;École A;Ecole;53130;OUVERT;2026-01-10\n",
    "effectifs.csv": "rentree_scolaire;numero_ecole;code_commune;nombre_total_eleves\n2024;0530001A;53130;120\n",
}


def classeur(chemin, texte):
    livre = openpyxl.Workbook()
    livre.active.title = "Variables"
    # Plus long et plus large que le tableau : ni la première feuille, ni la plus grande, n'est la bonne.
    for rang in range(230):
        livre.active.append([f"variable {rang}", *(f"modalité {rang} {k}" for k in range(14))])
    feuille = livre.create_sheet("Données")
    separateur = max(";,", key=texte.splitlines()[0].count)
    for ligne in texte.splitlines():
        feuille.append([case.strip('"') for case in ligne.split(separateur)])
    livre.save(chemin)
    return chemin


@pytest.mark.parametrize("nom", TABLEAUX)
def test_derriere_un_dictionnaire_des_variables(tmp_path, nom):
    texte = TABLEAUX[nom]
    (tmp_path / nom).write_text(texte, encoding="utf-8")
    seul, dedans = tmp_path / nom, classeur(tmp_path / f"{nom[:-4]}.xlsx", texte)
    assert reconnaitre(dedans) == reconnaitre(seul)
    attendue, lue = lire(seul), lire(dedans)
    pd.testing.assert_frame_equal(lue.table, attendue.table)
    assert lue.table.index.equals(pd.RangeIndex(len(lue.table)))
    assert (lue.jeu, lue.annees, lue.source, lue.millesime) == (
        attendue.jeu, attendue.annees, attendue.source, attendue.millesime)
    assert (lue.compte_rendu.lues, lue.compte_rendu.gardees) == (
        attendue.compte_rendu.lues, attendue.compte_rendu.gardees)


def test_un_classeur_a_deux_lectures_est_range_deux_fois(tmp_path, monkeypatch, capsys):
    """La base des équipements se lit deux fois, par commune puis un par un : la même feuille."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    assert principal(["donnees", "importer", str(classeur(tmp_path / "bpe.xlsx", insee.BPE)), "--format", "json"]) == 0
    sortie = capsys.readouterr()
    assert {e["jeu"] for e in entrepot.entrees().values()} == {"communes", "structures"}, sortie.err
    assert len(json.loads(sortie.out)) == 2


@pytest.mark.parametrize("lire_le_fichier", [reconnaitre, lire_feuilles], ids=["officiel", "registre"])
def test_un_classeur_open_xml_strict_n_est_pas_dit_vide(tmp_path, lire_le_fichier):
    """Excel l'enregistre sous la même extension ; openpyxl n'y voit aucune feuille."""
    ordinaire, strict = classeur(tmp_path / "ordinaire.xlsx", TABLEAUX["densite_2024.csv"]), tmp_path / "strict.xlsx"
    with zipfile.ZipFile(ordinaire) as source, zipfile.ZipFile(strict, "w") as but:
        for piece in source.namelist():
            texte = source.read(piece).decode()
            for vocabulaire in ("spreadsheetml/2006/main", "officeDocument/2006/relationships"):
                nouveau = "purl.oclc.org/ooxml/" + vocabulaire.replace("/2006", "")
                texte = texte.replace(f"schemas.openxmlformats.org/{vocabulaire}", nouveau)
            but.writestr(piece, texte)
    assert lire_le_fichier(ordinaire)
    with pytest.raises(EntreeFautive, match=r"Open XML strict.*Enregistrer sous"):
        lire_le_fichier(strict)
