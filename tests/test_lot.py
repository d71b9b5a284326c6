"""Un lot vu de la demande : le plan, les codes faux dits d'un coup, l'index, les empreintes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from dataclasses import replace
from unittest import mock

import pytest

from cafdiag import cli, magasin
from cafdiag.cli import principal
from cafdiag.cli_lot import Journal, _arrets_entendus, _ecrire
from cafdiag.donnees.questionnaire import COLONNES
from cafdiag.empreintes_du_code import des_fichiers
from cafdiag.erreurs import DemandeFausse, EntreeFautive, ProductionImpossible
from cafdiag.lot.dossier import DossierDuLot, ecrire_index, empreinte, entrees_communes, marque_privee
from cafdiag.lot.execution import Avancement, BilanDuLot, _apports, _epargner_l_index
from cafdiag.lot.grappe import _colis
from cafdiag.lot.plan import Cible, cibles, planifier
from cafdiag.restitution.processus import ECHEC, FAIT, Resultat
from cafdiag.restitution.produire import preparer
from cafdiag.territoires import garder_perimetre, lister, perimetre, territoire


def suffixes(plan) -> list[str]:
    return [c.suffixe for c in plan.commandes]


# --- Ce qui est demandé ---


def test_un_departement_une_region_la_france():
    mayenne = set(lister("epci", departement="53")["code"])
    assert {c.cle.removeprefix("epci:") for c in cibles(departement="53")} == mayenne
    loire = {c.cle for c in cibles(region="Pays de la Loire")}
    # Un EPCI à cheval n'est demandé qu'une fois, et la région contient ses départements.
    assert {f"epci:{c}" for c in mayenne} < loire
    assert loire == {
        f"epci:{c}" for d in ("44", "49", "53", "72", "85") for c in lister("epci", departement=d)["code"]
    }
    france = cibles(france=True)
    assert len(france) == len(lister("epci")) > 1200
    assert len(cibles(departement="53,72")) < len(cibles(departement="53")) + len(cibles(departement="72"))
    assert len(cibles(departement="53", maille="commune")) == len(lister("commune", departement="53"))


def test_rien_ou_deux_demandes_a_la_fois():
    with pytest.raises(DemandeFausse, match="aucun territoire"):
        cibles()
    with pytest.raises(DemandeFausse, match="plusieurs demandes"):
        cibles(departement="53", france=True)


@pytest.mark.parametrize(
    ("texte", "attendus"),
    [
        ("code;nom_usage\n200048551;Craon\n\n# un commentaire\n244900015;\n", ["200048551", "244900015"]),
        ("code,autre\n01001,x\n", ["01001"]),
        ("200048551\n244900015\n", ["200048551", "244900015"]),
        ("\ufeffnom\tsiren\nPays de Craon\t200048551\n", ["200048551"]),
    ],
)
def test_liste_en_fichier(tmp_path, texte, attendus):
    liste = tmp_path / "liste.csv"
    liste.write_text(texte, encoding="utf-8")
    plan = planifier(cibles(fichier=liste), formats="html")
    assert suffixes(plan) == attendus
    if "Craon\n" in texte and "nom_usage" in texte:
        assert plan.commandes[0].parametres["nom_usage"] == "Craon"


def test_liste_absente_ou_vide(tmp_path):
    with pytest.raises(EntreeFautive, match="introuvable"):
        cibles(fichier=tmp_path / "absente.csv")
    (tmp_path / "vide.csv").write_text("code\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="aucune ligne"):
        cibles(fichier=tmp_path / "vide.csv")


def test_tous_les_codes_faux_d_un_coup(tmp_path):
    liste = tmp_path / "liste.csv"
    liste.write_text("code\n200048551\n200048552\nAtlantide\n53130\n1001\n", encoding="utf-8")
    with pytest.raises(DemandeFausse) as faute:
        planifier(cibles(fichier=liste), formats="html")
    texte = str(faute.value)
    assert "3 territoires sur 5" in texte
    for ligne in ("ligne 3", "ligne 4", "ligne 6"):
        assert ligne in texte
    # Les voisins sont proposés.
    assert "200048551" in texte


def test_meme_territoire_deux_fois_une_seule_fois():
    plan = planifier(cibles(territoires="200048551,Pays de Craon,49069"), formats="html")
    assert suffixes(plan) == ["200048551", "49126"]
    assert any("plusieurs fois" in r for r in plan.remarques)
    assert any("49069" in r for r in plan.remarques)


def test_un_nom_a_virgules_dans_une_liste():
    plan = planifier(cibles(territoires="CC Avallon, Vézelay, Morvan, Pays de Craon"), formats="html")
    assert suffixes(plan) == ["200039758", "200048551"]


def test_annee_sans_aucun_chiffre():
    with pytest.raises(DemandeFausse, match="aucun chiffre en 1999"):
        planifier([Cible("200048551"), Cible("244900015")], formats="html", annee=1999)
    assert planifier([Cible("200048551")], formats="html", annee=2023).commandes


@pytest.mark.parametrize(
    "arguments",
    [
        ["lot"],
        ["lot", "--departement", "53", "--france"],
        ["lot", "--territoires", "200048551,200048552"],
        ["lot", "--departement", "9999"],
        ["lot", "--departement", "53", "--formats", "parchemin"],
        ["lot", "--departement", "53", "-p", "inconnu", "1"],
        ["lot", "--departement", "53", "--processus", "-2"],
        ["lot", "--departement", "53", "--moteur", "vapeur"],
    ],
)
def test_demande_fausse_code_2_et_rien_de_lance(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "cafdiag.lot.execution.produire_lot", lambda *a, **k: pytest.fail("rien ne doit être lancé")
    )
    assert cli.principal([*arguments, "--sortie", str(tmp_path / "s")]) == 2
    assert capsys.readouterr().err.startswith("cafdiag : ")
    assert not (tmp_path / "s").exists()


def test_code_retour_dit_les_echecs(tmp_path):
    communs = {"repris": 0, "duree": 1.0, "index": tmp_path}
    assert BilanDuLot(faits=2, echecs={}, restants=0, **communs).code_retour == 0
    assert BilanDuLot(faits=1, echecs={"1": "x"}, restants=0, **communs).code_retour == 1
    assert BilanDuLot(faits=1, echecs={}, restants=1, **communs).code_retour == 1


def test_le_temps_restant_suit_le_rythme(monkeypatch):
    suivi = Avancement(total=10, repris=2, debut=100.0)
    monkeypatch.setattr("cafdiag.lot.execution.time.monotonic", lambda: 140.0)
    assert suivi.reste_s is None
    suivi.faits, suivi.echecs = 3, 1
    # 4 en 40 s ; il en reste 10 - 2 - 4.
    assert suivi.reste_s == 40.0


# --- L'empreinte ---


def test_l_empreinte_suit_ce_qui_decide_du_rapport(tmp_path):
    (commande,) = planifier([Cible("200048551")], formats="html").commandes
    communes = entrees_communes()
    reference = empreinte(commande, communes, {})
    assert empreinte(commande, entrees_communes(), {}) == reference
    assert empreinte(replace(commande, gabarit=tmp_path), communes, {}) == reference
    autres = [
        empreinte(commande.pour(territoire("244900015")), communes, {}),
        empreinte(commande.pour(commande.cible, nom_usage="Craon"), communes, {}),
        empreinte(replace(commande, formats=("html", "ipynb")), communes, {}),
        empreinte(commande, communes, {"qpv": "a"}),
        *(empreinte(commande, communes | {nature: "autre"}, {}) for nature in communes),
    ]
    assert len({reference, *autres}) == 1 + len(autres)
    # Ce qu'un partenaire a remis décide aussi, mais sa marque ne va pas dans lot.json.
    assert empreinte(commande, communes, {"registre": "a"}) == reference
    assert marque_privee(commande, {}) == "" != marque_privee(commande, {"registre": "a"})


def test_l_empreinte_du_code_change_avec_lui(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    avant = des_fichiers(tmp_path, "*.py")
    (tmp_path / "a.py").write_bytes(b"x = 1\r\n")
    assert des_fichiers(tmp_path, "*.py") == avant  # le même dépôt, sous Windows
    (tmp_path / "a.py").write_bytes(b"x = 2\n")
    assert des_fichiers(tmp_path, "*.py") != avant


# --- L'état et l'index ---


@pytest.fixture
def etat(tmp_path):
    """Trois territoires : fait, échoué avec un motif hostile, et à faire."""
    plan = planifier([Cible(c) for c in ("200048551", "244900015", "200054807")], formats="html")
    etat = DossierDuLot(tmp_path, entrees_communes())
    for commande in plan.commandes:
        etat.prevoir(commande, "e", reprendre=False)
    page = {"html": ("diagnostic-200048551.html", "<!doctype html><p>page</p>")}
    etat.ranger(Resultat("200048551", FAIT, page))
    etat.ranger(
        Resultat("244900015", ECHEC, motif="<script>alert(1)</script>", carnet_fautif=b"{}")
    )
    etat.ecrire(tout_de_suite=True)
    return etat


def test_lot_json_se_relit(etat, tmp_path):
    relu = DossierDuLot(tmp_path, {})
    assert relu.territoires == etat.territoires
    assert {c: f["etat"] for c, f in relu.territoires.items()} == {
        "200048551": "fait",
        "244900015": "echec",
        "200054807": "a_faire",
    }
    assert (tmp_path / "echecs" / "diagnostic-244900015.ipynb").exists()


@pytest.mark.parametrize("abime", ["", "{", '{"format": 1, "territoires": 3}', '{"territoires": []}', "[]"])
def test_un_lot_json_abime_fait_tout_refaire_et_se_dit(etat, tmp_path, abime):
    (tmp_path / "lot.json").write_text(abime, encoding="utf-8")
    relu = DossierDuLot(tmp_path, {})
    assert relu.territoires == {}
    (dit,) = relu.remarques
    assert "abîmé" in dit and "lot-abime.json" in dit
    assert (tmp_path / "lot-abime.json").read_text(encoding="utf-8") == abime


def test_un_lot_json_d_une_autre_version_n_est_pas_ecrase(etat, tmp_path):
    (tmp_path / "lot.json").write_text('{"format": 99, "territoires": {}}', encoding="utf-8")
    with pytest.raises(ProductionImpossible, match="autre version"):
        DossierDuLot(tmp_path, {})


@pytest.mark.parametrize(
    "retouche",
    [
        lambda t: t | {"x": {}},
        lambda t: t | {"x": 3},
        lambda t: t | {"x": t["200048551"] | {"maille": "bizarre"}},
        lambda t: t | {"x": t["200048551"] | {"fichiers": []}},
        lambda t: t | {"x": t["200048551"] | {"fichiers": {"html": "a"}}},
        lambda t: t | {"x": t["200048551"] | {"fichiers": {"html": {"sha256": "a"}}}},
        lambda t: t | {"x": t["200048551"] | {"etat": "bof"}},
        lambda t: t | {"x": t["200048551"] | {"departement": None}},
    ],
)
def test_une_fiche_retouchee_est_ecartee_les_autres_restent(etat, tmp_path, retouche):
    contenu = json.loads((tmp_path / "lot.json").read_text(encoding="utf-8"))
    contenu["territoires"] = retouche(contenu["territoires"])
    (tmp_path / "lot.json").write_text(json.dumps(contenu), encoding="utf-8")
    relu = DossierDuLot(tmp_path, {})
    assert relu.territoires == etat.territoires
    (dit,) = relu.remarques
    assert "fiches illisibles : x" in dit
    ecrire_index(relu)


def test_un_index_personnel_est_mis_de_cote(tmp_path):
    (tmp_path / "index.html").write_text("ma page", encoding="utf-8")
    dits = []
    _epargner_l_index(tmp_path, dits.append)
    assert (tmp_path / "index-avant-lot.html").read_text(encoding="utf-8") == "ma page" and len(dits) == 1
    _epargner_l_index(tmp_path, dits.append)
    (tmp_path / "index.html").write_text("encore", encoding="utf-8")
    with pytest.raises(ProductionImpossible, match="autre dossier"):
        _epargner_l_index(tmp_path, dits.append)
    (tmp_path / "lot.json").write_text("{}", encoding="utf-8")
    _epargner_l_index(tmp_path, dits.append)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "encore"


def test_un_perimetre_montre_avant_change_la_marque(tmp_path, monkeypatch):
    """Avec des données confidentielles, il peut faire taire ceux d'après ; jamais ceux d'avant, ni un territoire."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    sud, craon = planifier([Cible("53012+53084"), Cible("200048551")], formats="html").commandes
    monkeypatch.setattr("cafdiag.lot.dossier.confidentielles", lambda: {"x"})
    sans = [marque_privee(c, {"registre": "a"}) for c in (sud, craon)]
    garder_perimetre(perimetre("Pôle nord", "53012+53018"))
    avec = [marque_privee(c, {"registre": "a"}) for c in (sud, craon)]
    assert avec[0] != sans[0] and avec[1] == sans[1]
    garder_perimetre(perimetre("Pôle sud", "53012+53084"))
    garder_perimetre(perimetre("Pôle est", "53012+53034"))
    assert [marque_privee(c, {"registre": "a"}) for c in (sud, craon)] == avec


def test_tous_les_gabarits_comptent_dans_l_empreinte(tmp_path, monkeypatch):
    copie = tmp_path / "templates"
    shutil.copytree(magasin.dossier("templates"), copie)
    vrai = magasin.dossier
    monkeypatch.setattr(magasin, "dossier", lambda nom: copie if nom == "templates" else vrai(nom))
    avant = entrees_communes()["gabarits"]
    for gabarit in [c for c in copie.rglob("*") if c.is_file()]:
        contenu = gabarit.read_bytes()
        gabarit.write_bytes(contenu + b"x")
        assert entrees_communes()["gabarits"] != avant, gabarit
        gabarit.write_bytes(contenu)
    assert entrees_communes()["gabarits"] == avant


@pytest.mark.parametrize(
    "texte",
    [
        "sep=;\ncode;nom_usage\n200048551;A\n",
        "# liste, des EPCI\ncode;nom_usage\n200048551;A\n",
        'code;nom_usage\n="200048551";A\n',
        "code;nom_usage\n'200048551;A\n",
        'code;nom_usage\n200048551;"A"\n',
    ],
)
@pytest.mark.parametrize("codage", ["utf-8", "utf-16"])
def test_listes_de_tableur(tmp_path, texte, codage):
    liste = tmp_path / "liste.csv"
    liste.write_text(texte, encoding=codage)
    (cible,) = cibles(fichier=liste)
    assert (cible.cle, cible.nom_usage) == ("200048551", "A")


def test_nom_sur_deux_lignes_et_numero_de_ligne(tmp_path):
    liste = tmp_path / "liste.csv"
    liste.write_text('code;nom_usage\n200048551;"Pays de\nCraon"\n53999;B\n', encoding="utf-8")
    un, deux = cibles(fichier=liste)
    assert un.nom_usage == "Pays de Craon" and deux.origine == "ligne 4"


@pytest.mark.parametrize(("octets", "dit"), [
    (b"PK\x03\x04x\0y", "classeur ou archive incomplets"), (b"a\0b\xff", "un code par ligne"), (b"%PDF-1.7", "un PDF")])
def test_un_fichier_abime_n_est_pas_une_liste(tmp_path, octets, dit, capsys):
    (tmp_path / "liste.csv").write_bytes(octets)
    assert principal(["lot", "--fichier", str(tmp_path / "liste.csv"), "--sortie", str(tmp_path / "s")]) == 2
    erreur = capsys.readouterr().err
    assert "liste.csv" in erreur and dit in erreur and not (tmp_path / "s").exists()


def test_l_option_dit_la_maille():
    assert len(cibles(departement="Mayenne")) == len(cibles(departement="53")) == 10
    assert cibles(departement="Mayenne ; 49") == cibles(departement="53,49")
    assert [c.cle for c in cibles(region="52", maille="region")] == ["region:52"]
    assert [c.cle for c in cibles(departement="53,49", maille="departement")] == ["53", "49"]
    assert len(cibles(region="52", maille="departement")) == 5
    with pytest.raises(DemandeFausse, match="ne se trouve pas dans un département"):
        cibles(departement="53", maille="region")


def test_le_second_nom_d_un_meme_territoire_est_nomme():
    cible = [Cible("200048551", nom_usage="A"), Cible("200048551", nom_usage="B")]
    (remarque,) = planifier(cible, formats="html").remarques
    assert "B" in remarque and "une seule fois" in remarque


def test_la_progression_tient_dans_le_terminal(monkeypatch, capsys):
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((40, 24)))
    journal = Journal(10)
    journal.terminal = True
    journal.suivre(Avancement(1000, faits=500, echecs=12, en_cours=4), None)
    journal.finir()
    assert {len(bout) for bout in capsys.readouterr().err.split("\r")} <= {0, 39}


def test_un_lecteur_parti_n_arrete_pas_le_lot():
    lecture, ecriture = os.pipe()
    os.close(lecture)
    with os.fdopen(ecriture, "w", encoding="utf-8") as flux:
        _ecrire(flux, "perdu")
        _ecrire(flux, "perdu aussi")
        assert os.path.samestat(os.fstat(flux.fileno()), os.stat(os.devnull))


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signaux de Windows")
def test_un_arret_demande_par_le_systeme_est_un_ctrl_c():
    with pytest.raises(KeyboardInterrupt) as arret, _arrets_entendus():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    assert arret.value.code_retour == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    # « nohup » demande d'ignorer la fermeture du terminal : on n'y revient pas.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _arrets_entendus():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_le_colis_d_une_grappe_emporte_perimetres_et_fichiers_nommes(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    garder_perimetre(perimetre("Pôle sud", "53012+53084"))
    registre = tmp_path / "reg [2025].csv"
    registre.write_text("x", encoding="utf-8")
    (tmp_path / "reg [2025].zip").write_text("autre", encoding="utf-8")
    commande = preparer("200048551", parametres={"registre": str(registre)})
    colis = _colis(commande)
    assert set(colis) == {"gabarit.ipynb", "registre/0/reg [2025].csv", "entrepot/perimetres/pole-sud.json"}


# Cinquante réponses d'une commune du Pays de Craon, et deux d'Angers.
REPONSES = "\n".join(
    [";".join(c.entete for c in COLONNES.values())]
    + [f"r{i};{'53084' if i < 50 else '49007'};3;Un parent;Oui;Rien;Plutôt;Une crèche {i}" for i in range(52)]
)


def test_la_parole_des_familles_va_a_qui_en_a_assez(tmp_path, capsys):
    fichiers = [tmp_path / "r.csv", tmp_path / "ailleurs" / "r.csv"]
    for fichier in fichiers:
        fichier.parent.mkdir(exist_ok=True)
        fichier.write_text(REPONSES + "\n", encoding="utf-8")
    parametres = {"questionnaire": ",".join(map(str, fichiers))}
    lignes = cibles(territoires="200048551,244900015")
    plan = planifier(lignes, formats="html", parametres=parametres)
    craon, angers = plan.commandes
    assert craon.parametres["questionnaire"] == parametres["questionnaire"]
    assert angers.parametres["questionnaire"] == ""
    assert plan.remarques == (
        "1 territoire sans assez de réponses au questionnaire, fait sans elles : CU Angers Loire Métropole.",
    )
    # Privées : elles décident du rapport, mais lot.json n'en porte rien ; et seul qui les montre est à refaire.
    avant = _apports(plan.commandes)
    fichiers[0].write_text(REPONSES.replace("crèche", "halte") + "\n", encoding="utf-8")
    apres, communes = _apports(plan.commandes), entrees_communes()
    for commande, change in ((craon, True), (angers, False)):
        siens, autres = avant[commande.suffixe], apres[commande.suffixe]
        assert empreinte(commande, communes, siens) == empreinte(commande, communes, autres)
        assert (marque_privee(commande, siens) != marque_privee(commande, autres)) is change
    # Deux fichiers de même nom partent tous les deux sur une grappe.
    assert {"questionnaire/0/r.csv", "questionnaire/1/r.csv"} <= set(_colis(craon))
    # Personne n'en a assez : c'est la demande qui est fausse. Une réponse envoyée deux fois ne compte qu'une.
    fichiers[0].write_text(REPONSES + "\n", encoding="utf-8")
    lot = ["lot", "--territoires", "244900015", "--sortie", str(tmp_path / "s")]
    assert principal([*lot, "--questionnaire", parametres["questionnaire"]]) == 2
    assert "2 réponses de CU Angers Loire Métropole" in capsys.readouterr().err and not (tmp_path / "s").exists()


def test_index_sans_reseau_ni_script_hostile(etat, tmp_path):
    page = ecrire_index(etat).read_text(encoding="utf-8")
    assert '<html lang="fr">' in page and page.count("<h1>") == 1
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', page)
    assert 'href="diagnostic-200048551.html"' in page and "diagnostic-244900015.html" not in page
    assert "1 rapport sur 3 territoires, 1 en échec, 1 à faire" in page


@pytest.mark.navigateur
def test_index_se_cherche(etat, page_hors_reseau):
    onglet, requetes = page_hors_reseau
    onglet.goto(ecrire_index(etat).as_uri())
    visibles = "[...document.querySelectorAll('#liste tr')].filter(l => !l.hidden).length"
    assert onglet.evaluate(visibles) == 3
    for texte, attendu in (("CRAÔN", 1), ("244900015", 1), ("loire métropole", 1), ("zzz", 0), ("", 3)):
        onglet.fill("#cherche", texte)
        assert onglet.evaluate(visibles) == attendu, texte
    onglet.select_option("#etat", "echec")
    assert onglet.evaluate(visibles) == 1
    assert onglet.inner_text("#compte") == "1 territoire sur 3"
    onglet.set_viewport_size({"width": 360, "height": 800})
    assert onglet.evaluate("document.documentElement.scrollWidth") == 360
    assert requetes == []


def test_dossier_interdit(tmp_path):
    from cafdiag.lot.execution import Reglages, produire_lot

    (tmp_path / "fichier").write_text("", encoding="utf-8")
    plan = planifier([Cible("200048551")], formats="html")
    with pytest.raises(ProductionImpossible, match="impossible d'écrire"):
        produire_lot(plan, Reglages(sortie=tmp_path / "fichier" / "s"))


def test_une_liste_sans_colonne_code_le_dit(tmp_path):
    liste = tmp_path / "l.csv"
    liste.write_text("commune;population\nAthée;500\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="« commune », « population »"):
        cibles(fichier=liste)
    liste.write_text("nom\nPays de Craon\n", encoding="utf-8")
    assert [c.cle for c in cibles(fichier=liste)] == ["Pays de Craon"]


def test_l_index_garde_le_rapport_d_avant_et_se_cherche_par_departement(tmp_path):
    (commande,) = planifier([Cible("200048551", "", "Mon pays")], formats="html").commandes
    etat = DossierDuLot(tmp_path, {})
    assert etat.prevoir(commande, "a", reprendre=False)
    etat.ranger(Resultat(commande.suffixe, FAIT, {"html": ("d.html", "<p>page</p>")}))
    # Refaire, puis s'arrêter avant : le rapport d'avant est toujours là, et l'index y mène.
    assert etat.prevoir(commande, "b", reprendre=False)
    page = ecrire_index(etat).read_text(encoding="utf-8")
    assert "1 à faire" in page and 'href="d.html"' in page and "celui d&#39;avant" in page.replace("'", "&#39;")
    assert "cc du pays de craon" in page and "mayenne" in page.lower() and "Mayenne (53)" in page


@mock.patch("cafdiag.lot.execution._mener", lambda *_: None)
def test_le_lot_d_un_departement_porte_sa_vue_departementale(tmp_path, capsys):
    lot = ["lot", "--departement", "90", "--formats", "html", "--moteur", "neuf", "--sortie", str(tmp_path)]
    assert principal(lot) == 1  # aucun rapport : le moteur est muet
    vue = tmp_path / "departement-90.html"
    assert "Territoire de Belfort" in vue.read_text(encoding="utf-8")
    assert 'href="departement-90.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    vue.unlink()
    assert principal([*lot, "--annee", "2023"]) == 1 and not vue.exists()
    assert "pas de vue départementale avec --annee" in capsys.readouterr().err
    assert 'href="departement-90.html"' not in (tmp_path / "index.html").read_text(encoding="utf-8")
