"""Listes de structures : types par le nom, coordonnées malmenées, doublons, MAM, comptes."""

from __future__ import annotations

import json

import pytest

from cafdiag.donnees.lecteurs import lire, reconnaitre
from cafdiag.donnees.registres_champs import types_de
from cafdiag.erreurs import EntreeFautive

pytestmark = pytest.mark.unitaire

LISTE = [
    {"NOM_STRUCTURE": "CS Pasteur", "SS_CAT": "Centre Social", "N°": 12, "ADRESSE": "rue Pasteur", "CP": 49300,
     "COMMUNE": "Cholet", "DAT_MaJ": "18/05/2020", "x": "404566,483401914", "y": "6669761,04155129"},
    {"NOM_STRUCTURE": "Espace de vie sociale CantoJeunes", "SS_CAT": "Centre Social", "N°": "", "ADRESSE": "",
     "CP": 49420, "COMMUNE": "Ombrée d'Anjou", "DAT_MaJ": "", "x": "6745893,68865333", "y": "387294,480392017"},
    {"NOM_STRUCTURE": "CS du Verger - France Services", "SS_CAT": "Centre Social / Cybercentre / France Services",
     "N°": 1, "ADRESSE": "place", "CP": 49300, "COMMUNE": "Cholet", "DAT_MaJ": "09/0102023",
     "x": "47.0586", "y": "-0.8795"},
    {"NOM_STRUCTURE": "Médiathèque", "SS_CAT": "Bibliothèque", "N°": "", "ADRESSE": "", "CP": 49300,
     "COMMUNE": "Cholet", "DAT_MaJ": "", "x": "404566,4", "y": "6669761,0"},
    {"NOM_STRUCTURE": "MAM Les Lutins", "SS_CAT": "Crèche", "N°": "", "ADRESSE": "", "CP": 49300,
     "COMMUNE": "Cholet", "DAT_MaJ": "", "x": "404566,4", "y": "6669761,0"},
    {"NOM_STRUCTURE": "Centre social PASTEUR", "SS_CAT": "Centre Social", "N°": "", "ADRESSE": "", "CP": 49300,
     "COMMUNE": "CHOLET", "DAT_MaJ": "", "x": "404586,4", "y": "6669761,0"},
    {"NOM_STRUCTURE": "CS Pasteur", "SS_CAT": "Centre Social", "N°": "", "ADRESSE": "", "CP": 49300,
     "COMMUNE": "Cholet", "DAT_MaJ": "", "x": "404586,4", "y": "6669771,0"},
    {"NOM_STRUCTURE": "Centre social lointain", "SS_CAT": "Centre Social", "N°": "", "ADRESSE": "", "CP": 49300,
     "COMMUNE": "Cholet", "DAT_MaJ": "", "x": "2,35", "y": "48,85"},
]


def ecrire(dossier, liste, nom="liste.json"):
    chemin = dossier / nom
    chemin.write_text(json.dumps(liste, ensure_ascii=False), encoding="utf-8")
    return chemin


def test_une_liste_locale_et_toutes_ses_bizarreries(tmp_path):
    chemin = ecrire(tmp_path, LISTE)
    assert reconnaitre(chemin) == "structures"
    lue = lire(chemin)
    compte = lue.compte_rendu
    assert compte.lues == 8 == compte.gardees + len(compte.rejets)
    table = lue.table.set_index(["nom", "type"])
    # Lambert-93 en texte à virgule ; X et Y permutés ; longitude et latitude inversées.
    assert table.loc[("CS Pasteur", "centre_social"), ["lon", "lat"]].tolist() == pytest.approx(
        [-0.8937, 47.0640], abs=2e-3)
    assert table.loc[("Espace de vie sociale CantoJeunes", "evs"), "lat"] == pytest.approx(47.74, abs=0.02)
    assert ("Espace de vie sociale CantoJeunes", "centre_social") not in table.index
    double = table.loc["CS du Verger - France Services"]
    assert set(double.index) == {"centre_social", "france_services"} and (double["lon"] < 0).all()
    assert (table["code"].str.startswith("49")).all() and (table["precision_lieu"] == "point").all()
    assert table.loc[("CS Pasteur", "centre_social"), "annee"] == 2020
    assert table.loc[("CS Pasteur", "centre_social"), "adresse"] == "12 rue Pasteur"
    assert table["places"].isna().all()
    raisons = {r.ligne: r.raison for r in compte.rejets}
    assert raisons[4] == "pas une structure suivie" and "assistants maternels" in raisons[5]
    assert "50 m" in raisons[7] and 8 in raisons


def test_deux_structures_voisines_au_nom_different_restent(tmp_path):
    liste = [LISTE[0], dict(LISTE[0], NOM_STRUCTURE="Centre social du Planty")]
    assert len(lire(ecrire(tmp_path, liste)).table) == 2


@pytest.mark.parametrize(("nom", "categorie", "types"), [
    ("Espace de vie sociale", "Centre Social", ("evs",)), ("EVS Petit Estran", "", ("evs",)),
    ("MJC centre sociale", "", ("centre_social",)), ("Centre communal d'action sociale", "", ()),
    ("Relais médico-social", "", ()), ("Micro-crèche Les Loupiots", "Crèche", ("micro_creche",)),
    ("Multi-accueil", "", ("eaje",)), ("RAM du Pays", "", ("rpe",)), ("LAEP La Parenthèse", "", ("laep",)),
    ("Accueil de loisirs", "", ("alsh",)), ("Maison d'assistantes maternelles", "Crèche", ()),
    ("MAM'ans", "Crèche", ()), ("Programme", "", ()), ("Centre Social &amp; Culturel", "", ("centre_social",)),
])
def test_types(nom, categorie, types):
    assert types_de(nom, categorie) == types


def test_une_liste_de_creches_dit_ses_places_et_son_type_par_le_nom_du_fichier(tmp_path):
    chemin = tmp_path / "creches_2023.csv"
    chemin.write_text("nom;adresse;code_postal;commune;nb_places;latitude;longitude;telephone\n"
                      "Les Petits Pas;1 rue du Bac;53000;Laval;24;48.07;-0.77;0243000000\n", encoding="utf-8")
    lue = lire(chemin)
    ligne = lue.table.iloc[0]
    assert (ligne["type"], ligne["code"], ligne["places"], ligne["annee"]) == ("eaje", "53130", 24.0, 2023)
    assert "0243000000" not in lue.table.to_csv()


def test_une_liste_sans_structure_suivie_est_refusee(tmp_path):
    with pytest.raises(EntreeFautive, match="aucune ligne utilisable"):
        lire(ecrire(tmp_path, [LISTE[3]]), lecteur="structures")
    with pytest.raises(EntreeFautive, match="nom"):
        lire(ecrire(tmp_path, [{"a": 1, "b": 2}]), lecteur="structures")


def test_une_commune_sans_france_services_en_a_zero(tmp_path):
    """Une liste vide est un compte de zéro, pas un fichier qui se contredit."""
    comptes = {"53130": {"year": 2025, "count": 2, "labels": ["A", "B"]},
               "53084": {"year": 2025, "count": 0, "labels": []}}
    chemin = tmp_path / "fs.json"
    chemin.write_text(json.dumps(comptes), encoding="utf-8")
    lecture = lire(chemin, lecteur="france_services_communes")
    assert dict(zip(lecture.table["code"], lecture.table["france_services_2025"], strict=True)) == {
        "53084": 0.0, "53130": 2.0}


@pytest.mark.parametrize(("lecteur", "texte", "absente"), [
    ("qpv_communes", "insee_com;autre\n53130;x\n", "libellés"),
    ("qpv_communes", "autre;qpvlabels\nx;Kellermann\n", "commune"),
    ("insee_populations", '[{"history": {"2020": 806}}]', "code"),
])
def test_une_colonne_absente_est_nommee(tmp_path, lecteur, texte, absente):
    """Demandé par son nom, un lecteur dit ce qui manque ; jamais « signalez ce fichier »."""
    chemin = tmp_path / ("f.json" if texte.startswith("[") else "f.csv")
    chemin.write_text(texte, encoding="utf-8")
    with pytest.raises(EntreeFautive) as refus:
        lire(chemin, lecteur=lecteur)
    assert absente in str(refus.value) and "signalez ce fichier" not in str(refus.value)
