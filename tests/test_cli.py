"""Ligne de commande : sorties lisibles par machine, codes de retour, une phrase claire par faute."""

import argparse
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cafdiag import cli, cli_choix
from cafdiag.cli import analyseur, principal


def appeler(capsys, *arguments):
    code = principal(list(arguments))
    sortie = capsys.readouterr()
    return code, sortie.out, sortie.err


def test_mesurer_en_json(capsys):
    code, sortie, erreurs = appeler(
        capsys, "mesurer", "200048551", "-i", "PE_TXCOUV_GLOBAL", "--format", "json"
    )
    (mesure,) = json.loads(sortie)
    assert code == 0 and erreurs == ""
    assert (mesure["valeur"], mesure["annee"], mesure["statut"]) == (79.9, 2023, "exact")
    assert mesure["source"].startswith("Cnaf") and mesure["territoire"] == "200048551"


def test_mesurer_en_csv_garde_les_codes_en_texte(capsys):
    _, sortie, _ = appeler(capsys, "mesurer", "01001", "--format", "csv")
    lignes = list(csv.DictReader(io.StringIO(sortie)))
    assert {ligne["territoire"] for ligne in lignes} == {"01001"}


def test_territoires_cote_a_cote_libelles_avant_codes(capsys):
    voulus = ["-i", "PE_TXCOUV_GLOBAL", "-i", "PE_NAISS", "-i", "CTX_QPV_NB", "-i", "PE_PARENTS_EMPLOI"]
    code, sortie, _ = appeler(capsys, "mesurer", "200048551", "53", "FR", *voulus)
    (rangee,) = (ligne for ligne in sortie.splitlines() if ligne.startswith("Taux de couverture global"))
    assert code == 0 and rangee.split("  ")[-1] == "PE_TXCOUV_GLOBAL"
    assert re.findall(r"\d+,\d", rangee) == ["79,9", "78,0", "60,9"]
    # Un manquant garde son symbole, et son motif n'est dit qu'une fois, sous le tableau.
    assert re.search(r"n\.d\. \[2\] +n\.d\. \[2\] +n\.d\. \[2\] +PE_PARENTS_EMPLOI", sortie)
    assert sortie.count("activite_parents") == 1 and "n.d. : non disponible" in sortie
    assert not re.search(r"\bNaN\b|\d\.\d", sortie) and "Petite enfance" in sortie
    _, sortie, _ = appeler(capsys, "mesurer", "200048551", "53", *voulus, "--format", "json")
    assert [m["territoire"] for m in json.loads(sortie)] == ["200048551"] * 4 + ["53"] * 4
    code, sortie, erreurs = appeler(capsys, "mesurer", "200048551", "53", "--comparer")
    assert (code, sortie) == (2, "") and "un seul territoire" in erreurs


def test_comparer_ne_repete_ni_une_reserve_ni_un_motif(capsys):
    """Un indicateur tu partout est dans une liste, pas dans le tableau ; rien ne se perd."""
    code, sortie, _ = appeler(capsys, "mesurer", "200048551", "--comparer")
    tableau, manque = sortie.split("Sans chiffre pour aucun de ces territoires :")
    notes = re.findall(r"^\[\d+\] (.+)$", tableau, re.MULTILINE)
    assert code == 0 and len(notes) == len(set(notes)) < 50 and not any(" ; " in note for note in notes)
    assert manque.count("Caf : à apporter (modèle activite.xlsx)") == 1 and "(PS_AAH)" in manque
    _, lignes, _ = appeler(capsys, "mesurer", "200048551", "--comparer", "--format", "json")
    assert all(m["indicateur"] in sortie for m in json.loads(lignes))


def test_une_table_en_texte_met_les_codes_a_la_fin(capsys):
    _, sortie, _ = appeler(capsys, "territoires", "--recherche", "craon")
    tete, *rangees = sortie.splitlines()
    assert tete.split() == ["nom", "maille", "département", "population", "code"]
    assert re.search(r"^CC du Pays de Craon +EPCI +53 +28 591 +200048551$", "\n".join(rangees), re.MULTILINE)
    assert re.search(r"^Bengy-sur-Craon .* 18027$", "\n".join(rangees), re.MULTILINE)


class Clavier(io.StringIO):
    """Une entrée standard qui est un terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("demande", "reponses", "attendu"),
    [
        (["Brest"], "2\n", "29019"),
        (["53", "Brest"], "9\ndeux\n1\n", "242900314"),
        (["Nouvelle-Aquitaine", "Mayenne"], "1\n", "53"),
        (["Brest"], "\n", None),
        (["Brest"], "", None),
    ],
)
def test_un_nom_ambigu_se_choisit_par_son_rang(capsys, monkeypatch, demande, reponses, attendu):
    commande = ["mesurer", *demande, "-i", "CTX_POP", "--format", "json"]
    assert principal(commande) == 2 and "plusieurs territoires" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Clavier(reponses))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    code, sortie, erreurs = appeler(capsys, *commande)
    assert "  1. " in erreurs and "Lequel ?" in erreurs
    if attendu is None:
        assert (code, sortie) == (2, "") and "Attendu : un seul territoire" in erreurs
    else:
        assert code == 0 and attendu in {m["territoire"] for m in json.loads(sortie)}


@pytest.mark.parametrize("ouvert", [True, False])
def test_le_rapport_s_ouvre_a_la_demande(capsys, tmp_path, monkeypatch, ouvert):

    page = tmp_path / "diagnostic é.html"
    ouvertes = []
    monkeypatch.setattr("cafdiag.restitution.produire.diagnostic", lambda *_, **__: {"html": page})
    monkeypatch.setattr("webbrowser.open", lambda adresse: ouvertes.append(adresse) or ouvert)
    code, _, erreurs = appeler(capsys, "diagnostic", "200048551", "--ouvrir")
    assert code == 0 and ouvertes == [page.as_uri()] and ("ouvrez" in erreurs) is not ouvert


def test_ancien_code_annonce_sur_l_erreur_standard(capsys):
    code, sortie, erreurs = appeler(capsys, "mesurer", "49069", "-i", "CTX_POP", "--format", "json")
    assert code == 0 and json.loads(sortie)[0]["territoire"] == "49126" and "49126" in erreurs


def test_chercher_un_territoire(capsys):
    code, sortie, _ = appeler(capsys, "territoires", "--recherche", "craon", "--format", "json")
    assert code == 0 and "200048551" in {ligne["code"] for ligne in json.loads(sortie)}
    _, sortie, _ = appeler(capsys, "territoires", "--departement", "53", "--format", "csv")
    assert "200048551" in sortie


def test_chercher_sans_option(capsys):
    code, sortie, _ = appeler(capsys, "territoires", "pays", "de", "craon", "--format", "csv")
    assert code == 0 and [ligne["code"] for ligne in csv.DictReader(io.StringIO(sortie))] == ["200048551"]


# Hors des départements (Papeete), ou arrondissement : la bonne raison, ou la ville à demander.
@pytest.mark.parametrize(
    "arguments, attendu",
    [
        (["sppe", "69381"], "demandez Lyon (69123)"),
        (["avis", "75101", "--places", "20"], "demandez Paris (75056)"),
        (["sppe", "98735"], "pas même qu'elle n'en a pas"),
        (["besoin", "98735"], "non suivies dans les collectivités d'outre-mer"),
        (["horizon", "98735"], "non suivies dans les collectivités d'outre-mer"),
        (["comparables", "98735"], "une collectivité d'outre-mer n'a ni département"),
        (["carte", "98735", "PE_TXCOUV_EAJE", "--sortie", "x.html"], "ne couvrent pas les collectivités d'outre-mer"),
    ],
)
def test_un_lieu_hors_de_portee_dit_pourquoi(capsys, tmp_path, monkeypatch, arguments, attendu):
    monkeypatch.chdir(tmp_path)
    code, sortie, erreurs = appeler(capsys, *arguments)
    assert (code, sortie) == (2, "") and attendu in erreurs and list(tmp_path.iterdir()) == []


def test_le_motif_d_une_collectivite_d_outre_mer_n_est_pas_un_seuil(capsys):
    _, sortie, _ = appeler(capsys, "mesurer", "98735", "53130", "-i", "PE_TXCOUV_EAJE")
    assert "collectivités d'outre-mer" in sortie and "10 000 habitants" not in sortie
    # Mamoudzou a 70 000 habitants : le seuil n'y est pour rien non plus.
    _, sortie, _ = appeler(capsys, "horizon", "97611")
    assert "ne publie pas de taux pour Mayotte" in sortie and "qu'au-dessus" not in sortie


def test_garder_relire_oublier_un_perimetre(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    code, sortie, erreurs = appeler(capsys, "perimetre", "lister")
    assert (code, sortie) == (0, "") and "aucun périmètre gardé" in erreurs
    code, sortie, erreurs = appeler(capsys, "perimetre", "garder", "Pôle sud", "53012+53084+53012")
    assert code == 0 and Path(sortie.strip()).is_file() and "comptée une seule" in erreurs
    _, sortie, _ = appeler(capsys, "perimetre", "lister", "--format", "csv")
    assert list(csv.DictReader(io.StringIO(sortie))) == [
        {"nom": "Pôle sud", "communes": "2", "codes": "53012+53084"}
    ]
    code, sortie, _ = appeler(capsys, "mesurer", "perimetre:pole sud", "-i", "CTX_POP", "--format", "json")
    libre = json.loads(appeler(capsys, "mesurer", "53012+53084", "-i", "CTX_POP", "--format", "json")[1])
    assert code == 0 and json.loads(sortie)[0]["valeur"] == libre[0]["valeur"] > 0
    code, _, erreurs = appeler(capsys, "perimetre", "oublier", "POLE SUD")
    assert code == 0 and "oublié" in erreurs and not list((tmp_path / "perimetres").glob("*.json"))
    code, _, erreurs = appeler(capsys, "perimetre", "oublier", "Pôle sud")
    assert code == 2 and "Pôle sud" in erreurs
    code, _, erreurs = appeler(capsys, "perimetre", "garder", "Pôle sud", "53012+53999+99999")
    assert code == 2 and "53999" in erreurs and "99999" in erreurs
    assert not list((tmp_path / "perimetres").glob("*.json"))


def test_indicateurs_par_theme(capsys):
    code, sortie, _ = appeler(capsys, "indicateurs", "--theme", "petite-enfance", "--format", "csv")
    lignes = list(csv.DictReader(io.StringIO(sortie)))
    assert code == 0 and {ligne["theme"] for ligne in lignes} == {"petite-enfance"}


@pytest.mark.parametrize(
    ("arguments", "attendu"),
    [
        (["mesurer", "200048550"], "200048551"),
        (["mesurer", "1001"], "01001"),
        (["mesurer", "99999"], "inconnu"),
        (["mesurer", "Saint-Denis"], "plusieurs"),
        (["mesurer", "53", "-i", "PE_TXCOUV_GLOBALE"], "PE_TXCOUV_GLOBAL"),
        (["mesurer", "53", "--annee", "vingt"], "entier"),
        (["mesurer"], "CODE"),
        (["territoires", "--recherche", "zzzzqq"], "inconnu"),
        (["indicateurs", "--theme", "cuisine"], "petite-enfance"),
        (["nimporte"], "diagnostic"),
        (["diagnostic", "53", "--formats", "odp"], "html"),
        (["diagnostic", "53", "-p", "cod", "200048551"], "nom_usage"),
        (["carte", "53", "INCONNU"], "indicateur inconnu"),
        (["diagnostic", "200048551", "-p", "code", "244900015"], "réservé"),
        (["diagnostic", "200048551", "--annee", "99999"], "quatre chiffres"),
        (["diagnostic", "200048551", "--annee", "1999"], "2023"),
        (["diagnostic", "200048551", "-p", "definition_qpv", "zone"], "proximite"),
    ],
)
def test_demande_fausse_une_phrase_et_code_2(capsys, arguments, attendu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, sortie, erreurs = appeler(capsys, *arguments)
    assert code == 2 and sortie == "" and attendu in erreurs
    assert erreurs.strip().startswith("cafdiag :") and "Traceback" not in erreurs
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["diagnostic", "200048551", "-p", "qpv", "absent"],
        ["diagnostic", "200048551", "--registre", "absent"],
        ["mesurer", "200048551", "--qpv", "absent"],
        ["evaluer", "absent"],
        ["anomalies", "absent"],
        ["sppe", "53012", "--populations", "absent"],
        ["baremes", "--baremes", "absent"],
        ["lot", "--fichier", "absent"],
        ["donnees", "importer", "absent"],
    ],
    ids=lambda arguments: " ".join(arguments[:1] + arguments[-2:]),
)
def test_fichier_absent_meme_phrase_code_2_sans_dossier_d_echec(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    code, sortie, erreurs = appeler(capsys, *arguments)
    assert code == 2 and sortie == "" and "vérifiez le chemin" in erreurs and not list(tmp_path.iterdir())
    assert "introuvable" in erreurs and "No such" not in erreurs and "UTF-8 »" not in erreurs


def test_instantane_abime_dit_en_francais(capsys, tmp_path):
    (tmp_path / "t0.json").write_text('{"a":\n', encoding="utf-8")
    code, _, erreurs = appeler(capsys, "evaluer", str(tmp_path / "t0.json"))
    assert code == 1 and "JSON mal formé, ligne 2, colonne 1" in erreurs


def test_le_dictionnaire_s_exporte_en_entier(capsys):
    code, sortie, _ = appeler(capsys, "indicateurs", "--format", "csv")
    lignes = list(csv.DictReader(io.StringIO(sortie)))
    from cafdiag.indicateurs import THEMES, dictionnaire

    assert code == 0 and [li["code"] for li in lignes] == list(dictionnaire().index)
    assert {li["theme"] for li in lignes} == set(THEMES)
    assert all(li["formule"] and li["regle"] and li["a_apporter"] and li["source"] for li in lignes)


@pytest.mark.parametrize("theme", ["logement", "acces-aux-droits", "handicap-insertion", "parentalite"])
def test_chaque_theme_a_ses_indicateurs(capsys, theme):
    code, sortie, erreurs = appeler(capsys, "indicateurs", "--theme", theme, "--format", "json")
    assert code == 0 and erreurs == "" and {li["theme"] for li in json.loads(sortie)} == {theme}


def test_dossier_interdit(capsys, tmp_path):
    fichier = tmp_path / "occupe"
    fichier.write_text("déjà là", encoding="utf-8")
    code, _, erreurs = appeler(capsys, "diagnostic", "200048551", "--sortie", str(fichier))
    assert code == 1 and "--sortie" in erreurs and fichier.read_text(encoding="utf-8") == "déjà là"
    code, _, erreurs = appeler(capsys, "carte", "200048551", "CTX_POP", "--sortie", str(fichier / "c.html"))
    assert code == 1 and "impossible d'écrire" in erreurs


@pytest.mark.parametrize(
    ("fichier", "commande"),
    [
        ("data/taux_couverture.parquet", ["mesurer", "200048551"]),
        ("data/communes.parquet", ["territoires", "--recherche", "craon"]),
        ("data/indicateurs.csv", ["indicateurs"]),
        ("data/faits_communes.parquet", ["mesurer", "53"]),
        ("maps/epci.parquet", ["carte", "200048551", "PE_TXCOUV_GLOBAL"]),
        ("maps/leaflet/leaflet.js", ["carte", "200048551", "PE_TXCOUV_GLOBAL"]),
    ],
)
def test_fichier_tronque_refuse(fichier, commande, tmp_path):
    """Chaque fichier fourni est comparé à son empreinte : tronqué, il est refusé, jamais lu à moitié."""
    from cafdiag import magasin

    copie = tmp_path / "cafdiag_essai"
    shutil.copytree(magasin.racine() / "cafdiag", copie / "cafdiag")
    for nom in ("data", "maps", "templates"):
        shutil.copytree(
            magasin.dossier(nom),
            copie / "cafdiag" / "_ressources" / nom,
            ignore=shutil.ignore_patterns("faits", ".cache"),
        )
    abime = copie / "cafdiag" / "_ressources" / fichier
    abime.write_bytes(abime.read_bytes()[:-10])
    essai = subprocess.run(
        [sys.executable, "-m", "cafdiag", *commande],
        cwd=copie,
        env={**os.environ, "PYTHONPATH": str(copie)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert essai.returncode == 1 and essai.stdout == ""
    assert Path(fichier).name in essai.stderr and "octets" in essai.stderr and "Traceback" not in essai.stderr


def test_carte_ecrite(capsys, tmp_path):
    chemin = tmp_path / "carte.html"
    code, sortie, _ = appeler(capsys, "carte", "Pays de Craon", "PE_TXCOUV_GLOBAL", "--sortie", str(chemin))
    page = chemin.read_text(encoding="utf-8")
    assert code == 0 and sortie.strip() == str(chemin)
    assert '<html lang="fr">' in page and "Pays de Craon" in page and "Cnaf" in page


@pytest.mark.parametrize(("suite", "debut"), [("png", b"\x89PNG"), ("svg", b"<svg xmlns")])
def test_carte_en_image(capsys, tmp_path, suite, debut):
    chemin = tmp_path / f"carte.{suite}"
    code, sortie, _ = appeler(capsys, "carte", "Pays de Craon", "PE_TXCOUV_GLOBAL", "--sortie", str(chemin))
    assert code == 0 and sortie.strip() == str(chemin) and chemin.read_bytes().startswith(debut)


def test_carte_dans_un_format_inconnu(capsys, tmp_path):
    chemin = tmp_path / "carte.jpg"
    code, _, erreurs = appeler(capsys, "carte", "Pays de Craon", "PE_TXCOUV_GLOBAL", "--sortie", str(chemin))
    assert code == 2 and ".png ou .svg" in erreurs and not chemin.exists()


def test_module_executable():
    essai = subprocess.run(
        [sys.executable, "-m", "cafdiag", "--version"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert essai.returncode == 0 and essai.stdout.startswith("cafdiag ")


@pytest.mark.parametrize("commande", [["diagnostic", "200048551"], ["lot", "--departement", "53"]])
def test_les_choix_de_calcul_vont_dans_le_carnet(commande):
    from cafdiag import cli_choix
    from cafdiag.restitution import produire

    choix = ["--seuil-caf", "11", "--minutes", "20", "--distance-alsh", "3", "-p", "vitesse_kmh", "40"]
    dits = cli_choix.parametres(analyseur().parse_args([*commande, *choix]))
    assert (dits["seuil_caf"], dits["acces_minutes"], dits["distance_alsh_km"]) == ("11", "20", "3")
    assert dits["vitesse_kmh"] == "40"
    assert set(dits) <= set(produire.parametres_du_carnet(produire.dossier("templates") / produire.GABARIT))


def _analyseurs(racine):
    """L'analyseur et tous ceux de ses sous-commandes."""
    yield racine
    for action in racine._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sous in action.choices.values():
                yield from _analyseurs(sous)


def test_toutes_les_aides_sont_en_francais():
    tous = {a.prog: a.format_help() for a in _analyseurs(analyseur())}
    assert {"cafdiag", "cafdiag lot", "cafdiag donnees importer"} <= set(tous)
    anglais = re.compile(r"(?i)\b(show|this|help message|positional|optional|exit|the|and|required|default)\b")
    for prog, aide in tous.items():
        assert "affiche cette aide" in aide and not anglais.search(aide.replace("--help", "")), prog
        # Un deux-points français est précédé d'une espace (une adresse, une clé de territoire ne sont pas des phrases).
        assert not re.search(r"\w(?<!perimetre):(?!//|\d)", aide), prog
    # argparse n'est pas changé pour qui l'emploie à côté.
    assert argparse.ArgumentParser().format_help().startswith("usage: ")


@pytest.mark.parametrize(
    ("arguments", "attendu"),
    [
        (["zut"], "choix inconnu : « zut »"),
        (["mesurer"], "il manque : CODE"),
        (["mesurer", "53", "--truc"], "options inconnues : --truc"),
        (["mesurer", "53", "--annee", "vingt"], "nombre entier attendu, pas « vingt »"),
        (["mesurer", "53", "-i"], "-i/--indicateur : une valeur est attendue"),
        (["diagnostic", "53", "-p", "a"], "2 valeurs sont attendues"),
        (["sppe", "53", "--popu", "x"], "ambiguë"),
        (["lot", "--france=oui"], "n'attend pas de valeur"),
        (["donnees", "retirer"], "il manque : NOM"),
    ],
)
def test_les_fautes_d_options_sont_dites_en_francais(capsys, arguments, attendu):
    code, _, erreurs = appeler(capsys, *arguments)
    assert code == 2 and attendu in erreurs and "--help »" in erreurs
    assert not re.search(r"(?i)\b(expected|invalid|argument[s]? are|unrecognized|ambiguous|ignored)\b", erreurs)


@pytest.mark.parametrize(
    ("arguments", "propose"),
    [
        (["mesurre", "53"], "essayez « mesurer »"),
        (["données", "lister"], "essayez « donnees »"),
        (["importer", "a.csv"], "« donnees importer »"),
        (["donnees", "télécharger"], "essayez « telecharger »"),
        (["mesurer", "53", "--formats", "json"], "essayez « --format »"),
        (["donnees", "importer", "a.csv", "--tipe", "eaje"], "essayez « --type »"),
        (["indicateurs", "--theme", "petites enfances"], "petite-enfance"),
        (["mesurer", "53", "-i", "couverture eaje"], "PE_TXCOUV_EAJE"),
        (["mesurer", "53", "-i", "niveau de vie"], "CTX_NIV_VIE"),
        (["diagnostic", "53", "--formats", "word"], "pour Word, docx"),
        (["mesurer", "53012, 53084"], "53012+53084"),
        (["mesurer", "69M"], "Métropole de Lyon — EPCI (200046977)"),
        (["mesurer", "53", "--registre", "a.csv", "--registre-complet", "Mayenne,5"], "« Mayenne » (53 ?)"),
        (["diagnostic", "perimetre:Inconnu"], "cafdiag perimetre garder"),
        (["donnees", "importer", "activite.xlsx"], "templates"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_une_demande_tapee_de_travers_propose(capsys, tmp_path, monkeypatch, arguments, propose):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("type;nom;code\nevs;A;53084\n", encoding="utf-8")
    code, sortie, erreurs = appeler(capsys, *arguments)
    assert code in (1, 2) and sortie == "" and propose in erreurs, erreurs


@pytest.mark.parametrize(
    "arguments",
    [
        ["mesurer", "53", "–i", "CTX_POP"],
        ["mesurer", "53", "-i", "CTX_POP", "—format", "texte"],
        ["mesurer", "53", "-i", "ctx-pop"],
        ["indicateurs", "--theme", "Petite enfance"],
        ["simuler", "53", "--cible", "75 %"],
        ["simuler", "200048551", "--cible", "département"],
    ],
    ids=" ".join,
)
def test_ce_qui_ne_se_lit_que_d_une_facon_est_compris(capsys, arguments):
    """Tirets d'un traitement de texte, accents, casse, signe de pourcentage."""
    code, sortie, erreurs = appeler(capsys, *arguments)
    assert code == 0 and sortie, erreurs


@pytest.mark.parametrize(
    ("lent", "au_terminal", "dit"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_une_commande_longue_le_dit_au_terminal(capsys, monkeypatch, lent, au_terminal, dit):
    monkeypatch.setattr(cli_choix, "PATIENCE", 0.05 if lent else 30)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: au_terminal, raising=False)
    monkeypatch.setitem(cli._COMMANDES, "indicateurs", lambda options: time.sleep(0.3) or 0)
    code, sortie, erreurs = appeler(capsys, "indicateurs")
    assert code == 0 and sortie == "" and (erreurs == "cafdiag : calcul en cours…\n") is dit


@pytest.mark.parametrize("cle, dit", [("53200", True), ("Saint-Baudelle", False), ("53130", False)])
def test_un_code_insee_qui_est_aussi_un_code_postal_se_dit(capsys, cle, dit):
    assert principal(["mesurer", cle, "-i", "CTX_POP"]) == 0
    erreur = capsys.readouterr().err
    assert ("code Insee de Saint-Baudelle" in erreur and "Château-Gontier-sur-Mayenne" in erreur) is dit


def test_cote_a_cote_deux_dates_se_disent(capsys):
    """Le premier a ses naissances de 2025, le second s'arrête à 2024 : chaque case le dit, ou la ligne."""
    assert principal(["mesurer", "200048551", "242900314", "-i", "PE_NAISS", "-i", "PE_TXCOUV_EAJE"]) == 0
    lignes = capsys.readouterr().out.splitlines()
    (naissances,) = (li for li in lignes if li.endswith("PE_NAISS"))
    assert " en 2025" in naissances and " en 2024" in naissances
    debut = next(i for i, li in enumerate(lignes) if li.endswith("PE_TXCOUV_EAJE"))
    assert "2023" in " ".join(lignes[debut : debut + 3]) and " en 2023" not in lignes[debut]


@pytest.mark.parametrize(
    ("demande", "nom", "commune"),
    [
        ("Saint-Pierre-et-Miquelon", "Saint-Pierre-et-Miquelon (975)", "Saint-Pierre — commune (97502)"),
        ("miquelon", "(975)", "Miquelon-Langlade — commune (97501)"),
        ("987", "Polynésie française", "et 43 autres"),
    ],
)
@pytest.mark.parametrize("commande", [["mesurer"], ["territoires"]])
def test_une_collectivite_d_outre_mer_mene_a_ses_communes(capsys, commande, demande, nom, commune):
    code, _, erreur = appeler(capsys, *commande, demande)
    assert code == 2 and nom in erreur and commune in erreur


def test_une_commune_d_outre_mer_se_trouve_par_la_liste_comme_par_son_nom(capsys):
    code, sortie, _ = appeler(capsys, "territoires", "Papeete", "--format", "json")
    assert code == 0 and [t["code"] for t in json.loads(sortie)] == ["98735"]


@pytest.mark.parametrize("annee", ["3000", "-5"])
@pytest.mark.parametrize("voulus", [[], ["-i", "PE_TXCOUV_GLOBAL"]])
@pytest.mark.parametrize("commande", ["mesurer", "figer"])
def test_une_annee_sans_aucun_chiffre_se_refuse(capsys, tmp_path, monkeypatch, commande, voulus, annee):
    monkeypatch.chdir(tmp_path)
    code, sortie, erreurs = appeler(capsys, commande, "200048551", *voulus, "--annee", annee)
    assert (code, sortie) == (2, "") and f"aucun chiffre en {annee}" in erreurs and "2023" in erreurs
    assert not list(tmp_path.rglob("*.json"))


def test_une_annee_que_seul_un_autre_indicateur_connait_reste_un_manquant_motive(capsys):
    # 2024 : des naissances, pas de taux de couverture.
    code, sortie, _ = appeler(
        capsys, "mesurer", "200048551", "-i", "PE_TXCOUV_GLOBAL", "--annee", "2024", "--format", "json"
    )
    (mesure,) = json.loads(sortie)
    assert code == 0 and mesure["valeur"] is None and "2023" in mesure["motif"]


def test_le_refus_du_systeme_se_dit_en_francais(capsys, tmp_path):
    (tmp_path / "pris").write_text("déjà là")
    anglais = re.compile("file exists|not a directory|is a directory|name too long|errno", re.IGNORECASE)
    for cas, dit in (
        (["diagnostic", "200048551", "--sortie", str(tmp_path / "pris")], "existe déjà"),
        (["diagnostic", "200048551", "--sortie", str(tmp_path / "pris" / "ici")], "est un fichier"),
        (["figer", "200048551", "-i", "PE_NAISS", "--sortie", str(tmp_path / "pris" / "t0.json")], "existe déjà"),
        (["figer", "200048551", "-i", "PE_NAISS", "--sortie", str(tmp_path / ("n" * 300))], "nom trop long"),
    ):
        code, _, erreurs = appeler(capsys, *cas)
        assert code and dit in erreurs and not anglais.search(erreurs), (cas, erreurs)


def test_un_conseil_se_recopie_comme_on_vient_de_taper(monkeypatch, capsys):
    """Sans environnement activé, « cafdiag » n'est pas une commande : lancer.py dit la sienne."""
    monkeypatch.setenv("CAFDIAG_COMMANDE", "python lancer.py")
    assert principal(["comparer", "200048551"]) == 2
    dit = capsys.readouterr().err
    assert dit.startswith("cafdiag : ") and "« python lancer.py --help »" in dit
