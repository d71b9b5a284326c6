"""Aucun nom officiel, actuel ou ancien, ne mène ailleurs en silence ; ce qu'on écrit sur une enveloppe se lit."""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.donnees.registres_lieux import rattacher
from cafdiag.erreurs import TerritoireAmbigu, TerritoireInconnu
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour, lister, territoire
from cafdiag.territoires.normalisation import normaliser
from cafdiag.territoires.recherche import suggerer

REELS = os.environ.get("CAFDIAG_FICHIERS_REELS")
_ARTICLES = {"2": "Le ", "3": "La ", "4": "Les ", "5": "L'", "6": "Aux ", "7": "Las ", "8": "Los "}


def dit(capsys, *arguments) -> tuple[int, str, str]:
    code = principal(list(arguments))
    sortie = capsys.readouterr()
    return code, sortie.out, sortie.err


def egarements(noms: dict[str, set[str]]) -> list[tuple]:
    """Les noms qui mènent ailleurs qu'à l'un de leurs lieux, s'y taisent, ou se refusent sans tous les proposer."""
    faux = []
    for nom, codes in noms.items():
        try:
            lieu = territoire(nom)
        except (TerritoireAmbigu, TerritoireInconnu) as erreur:
            if not all(code in str(erreur) for code in codes):
                faux.append((nom, codes, str(erreur)))
            continue
        autres = codes - {lieu.code}
        tu = bool(autres) and not all(any(code in texte for texte in lieu.avertissements) for code in autres)
        muet = normaliser(lieu.nom) != normaliser(nom) and not lieu.avertissements
        if lieu.code not in codes or tu or muet:
            faux.append((nom, codes, lieu.libelle, lieu.avertissements))
    return faux


def test_tout_nom_officiel_mene_chez_lui_ou_se_refuse_en_le_proposant():
    noms = defaultdict(set)
    for code, nom in lister("commune")[["code", "nom"]].itertuples(index=False):
        noms[nom].add(code)
    for nom, code in lire_table("anciens_noms", colonnes=["nom", "code"]).itertuples(index=False):
        noms[nom].add(code)
    assert len(noms) > 37_000
    # Une commune partagée depuis : celle qui garde le nom répond, et dit ce qui en est parti.
    assert egarements(noms) == []


def test_les_communes_nouvelles_qui_gardent_le_code_de_leur_chef_lieu():
    noms = lire_table("anciens_noms")
    memes = noms[noms["code_ancien"].eq(noms["code"]) & noms["nature"].eq("fusion")]
    assert len(memes) >= 542
    assert {"Château-Gontier", "Segré", "Chemillé", "Bellegarde-sur-Valserine"} <= set(memes["nom"])


@pytest.mark.skipif(not REELS, reason="fichiers officiels absents")
def test_les_noms_du_cog_2021_et_de_l_historique_de_l_insee():
    dossier, noms = Path(REELS) / "insee", defaultdict(set)
    with gzip.open(dossier / "commune_2021.csv.gz", "rt", encoding="utf-8") as flux:
        lus = [c for c in csv.DictReader(flux) if c["TYPECOM"] != "ARM"]
    cog = {(c["LIBELLE"], c["COM"]) for c in lus}
    meres = {c["COM"]: c["COMPARENT"] for c in lus if c["COMPARENT"]}
    with gzip.open(dossier / "cogugaison_historiq_1943_2024.csv.gz", "rt", encoding="utf-8") as flux:
        for c in csv.DictReader(flux):
            for article, nom in ((c["TNCCOFF"], c["NCCOFF"]), (c["TNCCANC"], c["NCCANC"])):
                if nom:
                    cog.add((_ARTICLES.get(article, "") + nom, c["DEPCOM"]))
    codes = sorted({code for _, code in cog} | set(meres.values()))
    destins = a_jour(codes).set_index("code_origine")
    for nom, code in cog:
        if destins.at[code, "statut"] == "inconnu":
            code = meres.get(code, code)
        # D'une commune scindée, le nom d'une partie n'est pas celui des autres : essayé plus haut.
        if destins.at[code, "statut"] in ("actuel", "passe"):
            noms[nom].add(destins.at[code, "code_actuel"])
    assert len(noms) > 36_000
    assert egarements(noms) == []


@pytest.mark.parametrize(
    ("nom", "code", "phrase"),
    [
        ("L'Oudon", "14654", "14472"),
        ("Clefs", "49018", "Les Clefs — commune (74079)"),
        ("Château-Gontier", "53062", "commune qui la contient"),
        ("SEGRE", "49331", "« Segré »"),
        ("Andrezé", "49023", "ancien code 49006"),
        ("Châlons-sur-Marne", "51108", "qui s'appelait ainsi"),
        ("commune:Laval", "53130", "Laval-en-Belledonne — commune (38206)"),
        ("LAVAL CEDEX 9", "53130", "est lu Laval"),
        ("MARSEILLE 8EME", "13208", "est lu Marseille 8e Arrondissement"),
        ("Paris XVe", "75115", "est lu Paris 15e Arrondissement"),
        ("15e arrondissement de Paris", "75115", "est lu"),
        ("CHATEAU GONTIER S/ MAYENNE", "53062", "est lu"),
        ("ST GERMAIN S MOINE", "49301", "Saint-Germain-sur-Moine"),
        ("53200 Château-Gontier", "53062", "est lu"),
        ("Oudon (L')", "14654", "14472"),
    ],
)
def test_ce_que_la_commande_comprend_elle_le_dit(capsys, nom, code, phrase):
    retour, sortie, erreurs = dit(capsys, "mesurer", nom, "-i", "CTX_QPV_NB", "--format", "csv")
    if nom == "ST GERMAIN S MOINE":
        code = territoire("Saint-Germain-sur-Moine").code
    assert retour == 0 and {li["territoire"] for li in csv.DictReader(sortie.splitlines())} == {code}
    assert phrase in erreurs


@pytest.mark.parametrize(
    ("nom", "code"),
    [
        ("SEGRE EN ANJOU BLEU", "49331"),
        ("Saint Denis (Réunion)", "97411"),
        ("Saint-Denis 974", "97411"),
        ("93200 Saint-Denis", "93066"),
        ("Craon (Mayenne)", "53084"),
        ("Azé (Château-Gontier)", "53062"),
        ("CC des Quatre Rivières (Haute-Saône)", "247000623"),
        ("Paris 15e", "75115"),
        ("LYON 03", "69383"),
        ("PARIS CEDEX 15", "75056"),
    ],
)
def test_adresses(nom, code):
    assert territoire(nom).code == code


@pytest.mark.parametrize(
    ("nom", "proposes"),
    [
        ("Vitré", ["(35360)", "(79030)"]),
        ("St-Barth", ["(97701)", "(49267)"]),
        ("Saint-Denis (Mayenne)", ["(93066)", "(97411)"]),
        ("Le Bourg - Craon", ["(53084)", "(86087)"]),
        ("Neussargues en Pinatelle", ["(15141)", "(15031)"]),
        ("Lyon 12e", ["(69381)"]),
    ],
)
def test_ce_qui_ne_se_devine_pas_se_refuse_avec_tout(capsys, nom, proposes):
    retour, sortie, erreurs = dit(capsys, "mesurer", nom, "-i", "CTX_QPV_NB")
    assert retour == 2 and sortie == ""
    assert all(propose in erreurs for propose in proposes)


@pytest.mark.parametrize(
    "nom", ["Seynod", "49006", "Château-Gontier", "MARSEILLE 8EME", "LAVAL CEDEX 9", "Saint Denis (Réunion)"]
)
def test_la_recherche_et_la_frappe_menent_ou_mesurer_mene(capsys, nom):
    code = territoire(nom).code
    retour, sortie, _ = dit(capsys, "territoires", "--recherche", nom, "--format", "csv")
    assert retour == 0 and code in {ligne["code"] for ligne in csv.DictReader(sortie.splitlines())}
    assert suggerer(nom)[0].cle == code


@given(st.sampled_from(range(0, 6000)))
def test_un_ancien_nom_se_cherche_comme_il_se_mesure(rang):
    anciens = lire_table("anciens_noms").query("nature != 'scission'")
    nom = anciens["nom"].iloc[rang % len(anciens)]
    try:
        code = territoire(f"commune:{nom}").code
    except TerritoireAmbigu:
        return
    assert code in set(lister("commune", recherche=nom)["code"])
    assert code in {s.cle for s in suggerer(nom, nombre=500, mailles=("commune",))}


def un(**valeurs):
    import pandas as pd

    rendu = rattacher(pd.DataFrame([{c: str(v) for c, v in valeurs.items()}]))
    code = rendu.table["code"].iloc[0]
    return (None if pd.isna(code) else code), " ; ".join(str(d) for d in rendu.defauts)


@pytest.mark.parametrize(
    ("commune", "postal", "code"),
    [
        ("LAVAL CEDEX 9", "53089", "53130"),
        ("MARSEILLE 8EME", "13008", "13055"),
        ("Paris 15e arrondissement", "75015", "75056"),
        ("Château-Gontier", "53200", "53062"),
        ("Azé - CHATEAU GONTIER SUR MAYENNE", "53200", "53062"),
        ("Segré", "49500", "49331"),
        ("Bellegarde-sur-Valserine", "1200", "01033"),
        ("ST GEORGES S LOIRE", "49170", "49283"),
        ("Avignon", "39200", "39032"),
        ("Le Bourg, Craon", "53400", "53084"),
    ],
)
def test_les_adresses_d_un_registre(commune, postal, code):
    assert un(commune=commune, code_postal=postal) == (code, "")


@pytest.mark.parametrize(
    ("ligne", "propose"),
    [
        ({"code": "53200", "commune": "Château-Gontier"}, "53062"),
        ({"code": "49120", "commune": "Chemillé"}, "49092"),
        ({"code": "53200", "commune": "Chateau Gontié"}, "53062"),
        ({"code": "53200", "code_postal": "53200"}, "53062"),
        ({"code": "53000"}, "53130"),
        ({"code": "53084", "commune": "Angers"}, "49007"),
        ({"commune": "Craon", "code_postal": "49500"}, "53084"),
    ],
)
def test_un_code_que_son_nom_contredit_est_refuse_avec_le_bon(ligne, propose):
    code, defauts = un(**ligne)
    assert code is None and propose in defauts


def test_la_liste_d_un_lot_et_les_registres_d_activite_refusent_aussi(capsys, tmp_path):
    liste = tmp_path / "liste.csv"
    liste.write_text("code;nom\n53200;Château-Gontier\n49331;Segré\n", encoding="utf-8")
    retour, _, erreurs = dit(capsys, "lot", "--fichier", str(liste), "--sortie", str(tmp_path / "lot"))
    assert retour == 2 and "53062" in erreurs and "1 territoire sur 2" in erreurs
    registre = tmp_path / "activite.csv"
    registre.write_text(
        "Maille;Code;Nom du territoire;Grandeur;Année;Valeur;Source\n"
        "commune;53200;Château-Gontier;lits fjt;2024;12;FJT\n",
        encoding="utf-8",
    )
    retour, _, erreurs = dit(capsys, "donnees", "importer", str(registre), "--lecteur", "registre")
    assert retour != 0 and "53062" in erreurs
