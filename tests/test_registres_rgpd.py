"""Aucune donnée nominative n'entre, quel que soit l'en-tête ou la case ; aucun lieu n'est refusé à tort."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.donnees import registres
from cafdiag.donnees.registres_rgpd import cle_du_nir, contient_nir, entete_nominatif, valeur_nominative
from cafdiag.erreurs import EntreeFautive

pytestmark = pytest.mark.unitaire


def importer(tmp_path, entete, valeur):
    chemin = tmp_path / "r.csv"
    chemin.write_text(f'type;nom;code;"{entete}"\nevs;A;53084;\nevs;B;53084;"{valeur}"\n', encoding="utf-8")
    return registres.importer(chemin, ignorer_inconnues=True)


@pytest.mark.parametrize(
    ("entete", "valeur", "nature"),
    [
        ("Prénom", "Zoé", "prénom"),
        ("prenom_enfant", "Zoé", "prénom"),
        ("Nom de l'enfant", "Martin", "nom"),
        ("NOM ENFANT", "Martin", "nom"),
        ("Nom du parent", "Martin", "nom"),
        ("Nom et prénom", "Zoé Martin", "prénom"),
        ("Allocataire", "Martin", "allocataire"),
        ("Allocataire", "1234567", "allocataire"),
        ("Assistante maternelle", "Mme Martin", "nom"),
        ("Date de naissance", "12/03/2021", "naissance"),
        ("Né(e) le", "12/03/2021", "naissance"),
        ("DDN", "12/03/2021", "naissance"),
        ("date_naissance", "2021-03-12", "naissance"),
        ("NIR", "1", "sécurité sociale"),
        ("N° sécu", "1", "sécurité sociale"),
        ("Numéro de sécurité sociale", "1", "sécurité sociale"),
        ("Matricule", "1234567", "matricule"),
        ("N° allocataire", "1234567", "allocataire"),
        ("num_alloc", "1234567", "allocataire"),
        ("Téléphone de la mère", "0243000000", "coordonnées"),
        ("Mail parent", "a@b.fr", "coordonnées"),
        ("Portable", "0612345678", "téléphone"),
        ("Téléphone", "06 12 34 56 78", "portable"),
        ("Téléphone", "612345678", "portable"),
        ("Téléphone", "+33 7 12 34 56 78", "portable"),
        ("Observations", "appeler Zoé au 06.12.34.56.78", "portable"),
        ("Courriel", "marie.durand@creche.fr", "courriel"),
        ("Mail", "m-durand@asso.org", "courriel"),
        ("Mail", "jdurand49@orange.fr", "courriel"),
        ("Observations", "voir Zoé, née le 12/03/2021", "naissance"),
        ("Observations", "2 55 08 14 168 025 38", "sécurité sociale"),
        ("Divers", "255081416802538", "sécurité"),
        ("Civilité", "Mme", "identité"),
        ("Adresse du domicile", "1 rue X", "coordonnées"),
    ],
)
def test_chaque_donnee_nominative_est_refusee_sans_etre_repetee(tmp_path, entete, valeur, nature):
    with pytest.raises(EntreeFautive) as capture:
        importer(tmp_path, entete, valeur)
    texte = str(capture.value)
    assert nature in texte and "ligne 3" in texte and "rien n'a été importé" in texte
    assert "tue" in texte and (len(valeur) < 3 or valeur not in texte)


@pytest.mark.parametrize(
    ("entete", "valeur"),
    [
        ("Courriel", "contact@creche.fr"),
        ("Mail", "multi.accueil@ville.fr"),
        ("Mail", "creche.lilas@orange.fr"),
        ("Mail", "rpe-craon@cc-craon.fr"),
        ("Mail", "mairie53@wanadoo.fr"),
        ("Téléphone", "02 43 00 00 00"),
        ("Directrice", "Mme X"),
        ("SIRET", "21530084800018"),
        ("Nombre d'enfants", "45"),
        ("Enfants", "45"),
        ("Nombre d'allocataires", "120"),
        ("Nom du lieu d'accueil enfants-parents", "Les Petits Pas"),
        ("Nom du relais assistants maternels", "Le Relais"),
        ("Naissances 2023", "12"),
        ("FINESS", "530012345"),
        ("Site", "https://www.creche.fr/contact"),
        ("NIRO", "x"),
        ("Date du conseil", "12/03/2021"),
        ("Allocataires", "120"),
        ("Divers", "255081416802539"),
        ("Repère", "25.5081416802538"),
        ("Repère", "2.55081416802538, 6.1"),
        ("Prénom", ""),
    ],
)
def test_un_lieu_n_est_pas_une_personne_et_le_contact_n_est_pas_garde(tmp_path, entete, valeur):
    table = importer(tmp_path, entete, valeur).table
    assert len(table) == 2
    if "@" in valeur or entete in ("Téléphone", "Directrice"):
        assert not table.astype("str").isin([valeur]).any(axis=None)


@pytest.mark.parametrize("nom", ["Mme Dupont Sophie", "Madame Martin", "DURAND Claire", "Roy (M.)", "mlle roy"])
def test_une_structure_qui_est_une_personne_est_refusee(tmp_path, nom):
    chemin = tmp_path / "r.csv"
    chemin.write_text(f"type;nom;code\neaje;Les Lutins;53084\neaje;{nom};53084\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="ligne 3, colonne « nom » : nom d'une personne") as capture:
        registres.importer(chemin)
    assert nom not in str(capture.value)


@pytest.mark.parametrize("nom", ["Louise MICHEL", "Micro-crèche Madame Coccinelle", "Multi-accueil Jean Macé"])
def test_une_enseigne_qui_porte_un_nom_reste_une_enseigne(tmp_path, nom):
    chemin = tmp_path / "r.csv"
    chemin.write_text(f"type;nom;code\neaje;{nom};53084\n", encoding="utf-8")
    assert len(registres.importer(chemin).table) == 1


@pytest.mark.parametrize(
    "numero",
    ["255081416802538", "2 55 08 14 168 025 38", "2-55-08-14-168-025-38", "2\u00a055\u202f08 14 168 025 38"],
)
def test_nir_publie_en_exemple_reconnu(numero):
    """Exemple de la documentation publique du NIR : 2 55 08 14 168 025, clé 38."""
    assert cle_du_nir("2550814168025") == 38
    assert contient_nir(numero)


@given(
    st.integers(0, 99),
    st.integers(1, 12),
    st.sampled_from(["01", "53", "75", "2A", "2B", "97"]),
    st.integers(1, 999),
    st.integers(1, 999),
    st.integers(1, 96),
)
def test_nir_seule_la_bonne_cle_est_un_nir(annee, mois, departement, commune, ordre, decalage):
    treize = f"1{annee:02d}{mois:02d}{departement}{commune:03d}{ordre:03d}"
    cle = cle_du_nir(treize)
    # Définition publique : le numéro suivi de sa clé complète un multiple de 97.
    assert (int(treize.replace("2A", "19").replace("2B", "18")) + cle) % 97 == 0
    fausse = (cle + decalage - 1) % 97 + 1
    assert contient_nir(f"{treize}{cle:02d}")
    assert contient_nir(f"{treize}{fausse:02d}") is (fausse == cle)


def test_un_siret_ou_un_grand_nombre_n_est_pas_un_nir():
    assert not contient_nir("21530084800018") and not contient_nir("2550814168025381")
    assert valeur_nominative("530001234567") == "" and entete_nominatif("") == ""


def test_nir_mange_par_le_tableur_en_nombre(tmp_path):
    import openpyxl

    livre = openpyxl.Workbook()
    livre.active.append(["type", "nom", "code", "Divers"])
    livre.active.append(["evs", "A", "53084", 255081416802538.0])
    livre.save(tmp_path / "r.xlsx")
    with pytest.raises(EntreeFautive, match="clé vérifiée"):
        registres.importer(tmp_path / "r.xlsx")


def test_feuille_et_lignes_dites(tmp_path):
    import openpyxl

    livre = openpyxl.Workbook()
    livre.active.title = "Inscriptions"
    for ligne in (["type", "nom", "code", "Prénom"], *(["evs", f"N{i}", "53084", "Zoé"] for i in range(5))):
        livre.active.append(ligne)
    livre.save(tmp_path / "r.xlsx")
    with pytest.raises(EntreeFautive) as capture:
        registres.proposer(tmp_path / "r.xlsx")
    assert capture.value.defauts == [
        "feuille « Inscriptions », colonne « Prénom » : prénom d'une personne, "
        "lignes 2, 3, 4… (5 valeurs) (valeurs tues)"
    ]
