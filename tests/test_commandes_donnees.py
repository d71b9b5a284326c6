"""« cafdiag donnees » de bout en bout : du serveur local ou du fichier jusqu'à l'entrepôt, et retour."""

from __future__ import annotations

import argparse
import http.server
import json
import threading
from urllib.parse import urlsplit

import openpyxl
import pandas as pd
import pytest

from cafdiag import cli_donnees
from cafdiag.cli import principal
from cafdiag.donnees import catalogue, commandes, entrepot, transport
from cafdiag.donnees.catalogue import Adresse, Source
from cafdiag.donnees.commandes import verifier
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.donnees.transport import ReglagesDeTransport
from cafdiag.erreurs import CafdiagError, DemandeFausse, EntreeFautive

ENTETE = "annee;numepci;nomepci;" + ";".join(
    f"txcouv_{c}epci" for c in ("psu_col_", "hors_psu_col_", "eaje_", "prescol_", "am_ind_", "gad_ind_", "ind_", "")
)
TAUX = f"\ufeff{ENTETE}\r\n2023;200048551;CC DU PAYS DE CRAON;10.1;1;11.1;1;40;1;41;53.1\r\n" \
       "2023;XX;XX;100;0;100;0;95.8;0;95.8;195.8\r\n"
REGISTRE = "type;nom;code;places\r\neaje;Les Lutins;53084;20\r\nalsh;Les Copains;53084;\r\n"


@pytest.fixture(autouse=True)
def dossier(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    monkeypatch.delenv("CAFDIAG_CACHE", raising=False)
    return tmp_path / "donnees"


@pytest.fixture
def serveur(monkeypatch):
    """Sert les octets de ``pages`` ; le catalogue ne connaît plus que des sources de ce serveur."""

    class Poignee(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            corps = instance.pages.get(urlsplit(self.path).path)
            self.send_response(200 if corps else 404)
            self.send_header("Content-Length", str(len(corps or b"")))
            self.end_headers()
            self.wfile.write(corps or b"")

        def log_message(self, *_):
            pass

    for nom in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(nom, raising=False)
    instance = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Poignee)
    instance.pages = {}
    fil = threading.Thread(target=instance.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    fil.start()
    communs = dict.fromkeys(("libelle", "producteur", "licence", "millesime", "frequence"), "essai")
    base = f"http://127.0.0.1:{instance.server_address[1]}"

    def source(nom, **autres):
        adresses = (Adresse(url=f"{base}/{nom}.csv"),)
        return Source(nom=nom, maille="epci", format="csv", adresses=adresses, par_defaut=True, **communs, **autres)

    sources = [source("taux", lecteur="cnaf_taux", jeu="taux_couverture"), source("gardee")]
    monkeypatch.setattr(catalogue, "lire_catalogue", lambda: {s.nom: s for s in sources})
    yield instance
    instance.shutdown()
    instance.server_close()
    fil.join()


def _telecharger(*noms, **options):
    return commandes.telecharger(noms, reglages=ReglagesDeTransport(essais=1, lecture=2), **options)


def _ecrire(dossier, **fichiers):
    for nom, texte in fichiers.items():
        (dossier / f"{nom}.csv").write_text(texte, encoding="utf-8")
    return [dossier / f"{nom}.csv" for nom in fichiers]


def _cli(*arguments):
    racine = argparse.ArgumentParser()
    cli_donnees.ajouter_commandes(racine.add_subparsers(dest="commande"))
    return cli_donnees.executer(racine.parse_args(["donnees", *arguments]))


# --- Télécharger ---


def test_du_serveur_a_l_entrepot(serveur):
    serveur.pages = {"/taux.csv": TAUX.encode(), "/gardee.csv": b"a;b\n1;2\n"}
    phrases = []
    bilan = _telecharger(annoncer=phrases.append)
    assert bilan.reussi
    assert bilan.table.set_index("nom")["etat"].to_dict() == {"taux": "nouveau", "gardee": "nouveau"}
    assert len(phrases) == 2
    (fiche,) = entrepot.entrees().values()
    assert (fiche["jeu"], fiche["origine"], fiche["fichier"]) == ("taux_couverture", "taux", "taux.csv")
    lue = entrepot.lire("taux_couverture").set_index("code")
    assert lue.loc["200048551", "txcouv"] == 53.1
    etats = commandes.etat().set_index("nom")["etat"].to_dict()
    assert etats == {"taux_couverture-taux": "intacte", "gardee": "téléchargée, non rangée"}
    assert (commandes.lister().set_index("nom")[["prise_le", "importee_le"]] != "").to_numpy().tolist() == [
        [True, True], [True, False],
    ]
    # Inchangée : rien n'est relu ni récrit.
    rang = fiche["rang"]
    assert _telecharger("taux").table["etat"].item() == "inchange"
    assert entrepot.entrees()["taux_couverture-taux"]["rang"] == rang


def test_un_echec_n_arrete_pas_les_autres_et_garde_l_ancien(serveur):
    serveur.pages = {"/taux.csv": TAUX.encode(), "/gardee.csv": b"a;b\n1;2\n"}
    _telecharger()
    serveur.pages = {"/gardee.csv": b"a;b\n3;4\n"}
    bilan = _telecharger()
    assert not bilan.reussi
    assert bilan.table["etat"].tolist() == ["echec", "change"]
    assert "reste en service" in bilan.en_texte()
    assert len(entrepot.lire("taux_couverture")) > 0
    assert "404" in commandes.etat().set_index("nom").loc["taux_couverture-taux", "dernier_echec"]
    constats = verifier().set_index("objet")
    assert "dernier téléchargement manqué" in constats.loc["taux", "constat"]
    assert "le contenu a changé" in constats.loc["gardee", "constat"]


def test_un_serveur_injoignable_n_est_pas_attendu_pour_chaque_source(serveur, monkeypatch):
    """Réseau coupé : la première source l'apprend, les suivantes du même serveur n'essaient qu'une fois."""
    essais = []

    def demander(url, *_):
        essais.append(url.rsplit("/", 1)[1])
        raise transport._Passager(transport.INJOIGNABLE)

    monkeypatch.setattr(transport, "_demander", demander)
    phrases = []
    reglages = ReglagesDeTransport(essais=3, attente=0.001)
    bilan = commandes.telecharger(["taux", "gardee"], reglages=reglages, annoncer=phrases.append)
    assert essais == ["taux.csv"] * 3 + ["gardee.csv"] and not bilan.reussi
    assert transport.INJOIGNABLE in phrases[0] and "toujours injoignable" in phrases[1]
    # Le contrôle le dit une fois pour toutes.
    (constat,) = verifier()["constat"]
    assert transport.INJOIGNABLE in constat and "taux, gardee" in constat


def test_preparer_dit_ce_qu_il_fait(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("CAFDIAG_MEMOIRE", str(tmp_path / "memoire"))
    monkeypatch.setattr("cafdiag.indicateurs.preparation.preparer", lambda **_: True)
    assert _cli("preparer") == 0
    dit = capsys.readouterr().err
    assert "se mesure d'avance" in dit and "c'est prêt" in dit


def test_deux_millesimes_telecharges_de_suite_s_expliquent(serveur, capsys):
    """La même source, prise en 2023, 2024 puis 2025 : chaque version remplace la précédente, et l'histoire reste."""
    lignes = {2023: "10.1;1;11.1;1;40;1;41;53.1", 2024: "12.1;1;13.1;1;39;1;40;54.1",
              2025: "12.1;1;13.1;1;38;1;39;53.1"}
    for derniere in lignes:
        suite = "".join(f"{a};200048551;CC DU PAYS DE CRAON;{v}\r\n" for a, v in lignes.items() if a <= derniere)
        serveur.pages = {"/taux.csv": f"\ufeff{ENTETE}\r\n{suite}".encode(), "/gardee.csv": b"a;b\n1;2\n"}
        assert _telecharger("taux").reussi
    (fiche,) = entrepot.entrees().values()
    un, deux = fiche["mises_a_jour"]
    # 2024 : crèches à PSU, toutes, assistants maternels, total ; 2025 : assistants maternels et total.
    assert (un["changements"], un["causes"]["donnee"], un["residu"]) == (4, 4, 0)
    assert (deux["changements"], deux["causes"]["donnee"], deux["residu"]) == (2, 2, 0)
    capsys.readouterr()
    assert _cli("verifier") == 0
    dits = [ligne for ligne in capsys.readouterr().out.splitlines() if "mise à jour du" in ligne]
    assert len(dits) == 2 and all("[info] taux_couverture-taux" in d and d.endswith("résidu nul") for d in dits)
    assert "année nouvelle (2024 → 2025), 2 (200048551)" in dits[1]


def test_un_fichier_pris_mais_illisible_ne_remplace_rien(serveur):
    serveur.pages = {"/taux.csv": TAUX.encode()}
    _telecharger("taux")
    avant = entrepot.lire("taux_couverture")
    serveur.pages = {"/taux.csv": b"alpha;beta\n1;2\n"}
    bilan = _telecharger("taux")
    assert bilan.table["etat"].item() == "refus"
    assert "l'entrepôt garde ce qu'il avait" in bilan.table["message"].item()
    pd.testing.assert_frame_equal(entrepot.lire("taux_couverture"), avant)
    assert any("sans être rangée" in constat for constat in verifier()["constat"])


def test_source_inconnue(serveur):
    with pytest.raises(DemandeFausse, match="taux"):
        _telecharger("tau")


# --- Importer ---


def test_importer_officiel_et_registre(tmp_path):
    fichiers = _ecrire(tmp_path, taux=TAUX, registre=REGISTRE)
    bilan = commandes.importer(fichiers)
    assert bilan.reussi
    assert set(bilan.table["jeu"]) == {"taux_couverture", "structures"}
    assert all(c.lues == c.gardees + len(c.rejets) for c in bilan.comptes)
    assert sorted(entrepot.lire("structures")["nom"]) == ["Les Copains", "Les Lutins"]
    encore = commandes.importer(fichiers[1])
    assert "qui remplace registre.csv" in encore.lignes[0]["message"]
    assert len(entrepot.lire("structures")) == 2
    assert "Les Lutins" not in encore._repr_html_()


def test_un_fichier_dont_rien_ne_se_sert_est_controle_pas_range(tmp_path):
    chemin = tmp_path / "mouvements.csv"
    chemin.write_text("MOD;TYPECOM_AV;COM_AV;TYPECOM_AP;COM_AP\n32;COM;49069;COM;49069\n32;COM;49126;COM;49069\n",
                      encoding="utf-8")
    bilan = commandes.importer(chemin)
    assert bilan.reussi and bilan.lignes[0]["etat"] == "controle" and bilan.comptes[0].lues == 2
    assert "aucun calcul ne s'en sert" in bilan.en_texte() and not entrepot.entrees()


def test_tout_ou_rien(tmp_path):
    sain, faux, autre = _ecrire(tmp_path, taux=TAUX, faux="alpha;beta\n1;2\n", vide="\n")
    with pytest.raises(EntreeFautive) as refus:
        commandes.importer([sain, faux, autre])
    assert len(refus.value.defauts) == 2
    assert all(nom in str(refus.value) for nom in ("faux.csv", "vide.csv", "rien n'a été ajouté"))
    assert entrepot.entrees() == {}
    bilan = commandes.importer([sain, faux], sains_seulement=True)
    assert bilan.table["etat"].tolist() == ["importe", "refus"]
    assert not bilan.reussi
    assert len(entrepot.entrees()) == 1


def test_dossier_motif_et_homonymes(tmp_path):
    for nom in ("nord", "sud"):
        (tmp_path / "exports" / nom).mkdir(parents=True)
        _ecrire(tmp_path / "exports" / nom, taux=TAUX.replace("53.1", "53.2" if nom == "sud" else "53.3"))
    (tmp_path / "exports" / "lisezmoi.md").write_text("x", encoding="utf-8")
    assert len(commandes.importer(tmp_path / "exports").lignes) == 2
    assert set(entrepot.entrees()) == {"taux_couverture-nord_taux", "taux_couverture-sud_taux"}
    assert len(commandes.importer(str(tmp_path / "exports" / "nord" / "*.csv")).lignes) == 1
    with pytest.raises(DemandeFausse, match="absent"):
        commandes.importer(tmp_path / "absent.csv")
    with pytest.raises(DemandeFausse, match="un seul nom"):
        commandes.importer(tmp_path / "exports", nom="x")


def test_un_dossier_ouvert_dans_le_tableur_s_importe_sans_rien_oublier(tmp_path):
    """La marque d'un classeur ouvert n'est pas un fichier ; un ancien .xls n'est pas passé sous silence."""
    classeur = openpyxl.Workbook()
    for ligne in ("type", "nom", "code"), ("eaje", "Les Lutins", "53084"):
        classeur.active.append(ligne)
    cachee = classeur.create_sheet("Fermées")
    cachee.append(["eaje", "Les Anciens", "53012"])
    cachee.sheet_state = "hidden"
    classeur.save(tmp_path / "creches.xlsm")
    (tmp_path / "~$creches.xlsm").write_bytes(b"\x05Claire" + bytes(150))
    bilan = commandes.importer(tmp_path)
    assert [ligne["nom"] for ligne in bilan.lignes] == ["creches.xlsm"]
    assert "feuille masquée, non lue : « Fermées » (1 lignes)" in bilan.en_texte()
    (tmp_path / "2019.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(EntreeFautive, match=r"2019\.xls : .*ancien format Excel"):
        commandes.importer(tmp_path)


def test_une_page_d_un_portail_n_est_pas_le_jeu(tmp_path):
    pages = [{"codgeo": code, "libgeo": nom, "dens7": "5"} for code, nom in (("53084", "Craon"), ("53130", "Laval"))]
    (tmp_path / "densite_2024.json").write_text(json.dumps({"total_count": 1200, "results": pages}), encoding="utf-8")
    with pytest.raises(EntreeFautive, match="une page de 2 enregistrements, sur 1200 annoncés"):
        commandes.importer(tmp_path / "densite_2024.json")
    (tmp_path / "densite_2024.json").write_text(json.dumps({"total_count": 2, "results": pages}), encoding="utf-8")
    assert commandes.importer(tmp_path / "densite_2024.json").reussi


# --- Vérifier ---


def _communes(nom, **colonnes):
    table = pd.DataFrame({"code": ["01001", "53084"], **colonnes})
    compte = CompteRendu(f"{nom}.csv", "communes", 2, 2, codes_passes={"49069": "49126"}, codes_inconnus=["99999"])
    return Lecture("communes", table, compte, annees=(2022,))


def test_verifier_recoupe(dossier):
    assert verifier().empty
    entrepot.ajouter(_communes("a", foyers_allocataires_2024=[10, 20], foyers_rsa_2024=[5, 25], x=[1.0, None]))
    entrepot.ajouter(_communes("b", x=[2.0, 3.0], population_2023=[1, None]))
    perimee = _communes("c")
    perimee.table["code"] = ["49069", "53084"]
    entrepot.ajouter(perimee)
    table = verifier()
    texte = "\n".join(table["objet"] + " : " + table["constat"])
    for attendu in (
        "communes-a : foyers_rsa_2024 dépasse foyers_allocataires_2024 dans 1 communes : 53084",
        "communes-a et communes-b : x diffère dans 1 communes sur 2 (01001)",
        "communes-b : population_2023 diffère de la table embarquée dans 1 communes : 01001",
        "communes-c : 1 codes ne sont pas au COG de référence : 49069",
        "49069 → 49126",
        "1 codes inconnus, non repris : 99999",
        "couvre 2 communes sur ",
    ):
        assert attendu in texte, texte
    assert table["gravite"].tolist() == sorted(table["gravite"], key=["erreur", "attention", "info"].index)
    next((dossier / "tables").glob("communes-a-*")).write_bytes(b"PAR1")
    assert "table abîmée" in verifier().set_index("objet").loc["communes-a", "constat"].iloc[0]
    (dossier / "manifeste.json").write_text("{", encoding="utf-8")
    assert verifier().iloc[0]["objet"] == "entrepôt"


@pytest.mark.reels
def test_vrais_fichiers_jusqu_a_l_entrepot(fichiers_reels):
    noms = ("cnaf/tx_couverture.csv", "cnaf/nbpla_pe_caf.csv", "anct/liste-communes-FRR-juillet2025.csv.gz",
            "anct/liste-fs-20240801.csv.gz")
    bilan = commandes.importer([fichiers_reels / nom for nom in noms])
    assert bilan.reussi
    assert set(bilan.table["jeu"]) == {"taux_couverture", "places", "communes", "structures"}
    assert (commandes.etat()["etat"] == "intacte").all()
    constats = verifier()
    assert not (constats["gravite"] == "erreur").any()
    assert constats["constat"].str.contains("49069 → 49126").any()


# --- La ligne de commande ---


def test_ligne_de_commande(tmp_path, capsys):
    assert _cli("lister", "--producteur", "cnaf", "--format", "json") == 0
    assert "s_ben_com_f" in {ligne["nom"] for ligne in json.loads(capsys.readouterr().out)}
    assert _cli("etat") == 0
    sortie = capsys.readouterr()
    assert (sortie.out, "il est vide" in sortie.err) == ("", True)
    (fichier,) = _ecrire(tmp_path, taux=TAUX)
    assert _cli("importer", str(fichier), "--format", "csv") == 0
    sortie = capsys.readouterr()
    assert sortie.out.splitlines()[1].startswith("taux.csv,importe,taux_couverture,")
    assert "[importé]" in sortie.err
    assert _cli("importer", str(fichier)) == 0
    assert "lignes lues" in capsys.readouterr().out
    assert _cli("verifier") == 0
    capsys.readouterr()
    assert _cli("etat", "--format", "json") == 0
    assert [ligne["etat"] for ligne in json.loads(capsys.readouterr().out)] == ["intacte"]
    assert _cli("retirer", "taux_couverture-taux") == 0
    assert entrepot.entrees() == {}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["telecharger", "zzz"], 2),
        (["lister", "--producteur", "zzz"], 2),
        (["importer", "absent.csv"], 2),
        (["retirer", "absent"], 2),
        (["importer", "FAUX"], 1),
    ],
)
def test_codes_de_retour(tmp_path, arguments, code):
    (faux,) = _ecrire(tmp_path, faux="alpha;beta\n1;2\n")
    with pytest.raises(CafdiagError) as refus:
        _cli(*[str(faux) if a == "FAUX" else a for a in arguments])
    assert refus.value.code_retour == code


def test_echec_rend_1(serveur, capsys):
    assert _cli("telecharger", "taux", "--sans-lire") == 1
    assert "[échec]" in capsys.readouterr().err
    entrepot.ajouter(_communes("a"))
    next((entrepot.dossier() / "tables").iterdir()).write_bytes(b"")
    assert _cli("verifier") == 1
    assert "[erreur] communes-a" in capsys.readouterr().out


def test_le_meme_fichier_sous_un_autre_nom_dit_ce_qu_il_remplace(tmp_path, capsys):
    un, autre = tmp_path / "creches.csv", tmp_path / "creches_2025.csv"
    for chemin in (un, autre):
        chemin.write_text(REGISTRE, encoding="utf-8")
        assert principal(["donnees", "importer", str(chemin)]) == 0
    dit, jour = capsys.readouterr().err, entrepot.entrees()["structures-creches_2025"]["date"][:10]
    assert f"qui remplace creches.csv (« structures-creches », le même contenu), importé le {jour}" in dit
    assert list(entrepot.entrees()) == ["structures-creches_2025"]


@pytest.mark.parametrize("suffixe", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("lignes", "refus"),
    [
        ([["53084", "50", "51"], ["53012", "5", "5"]], "d'abord ligne 2 : « 50 » et « 51 »"),
        ([["53084", "50", "50"], ["53012", "", "5"]], "d'abord ligne 3 : «  » et « 5 »"),
        ([["53084", "50", "50"], ["53012", "5", "5"]], ""),
        ([["53084", "50", ""], ["53012", "5", ""]], ""),
    ],
)
def test_deux_colonnes_officielles_de_meme_nom(tmp_path, capsys, suffixe, lignes, refus):
    fichier, toutes = tmp_path / f"naissances.{suffixe}", [["CODGEO", "NAISD23", "NAISD23"], *lignes]
    if suffixe == "csv":
        fichier.write_text("".join(";".join(r) + "\n" for r in toutes), encoding="utf-8")
    else:
        classeur = openpyxl.Workbook()
        for rang in toutes:
            classeur.active.append([r or None for r in rang])
        classeur.save(fichier)
    assert principal(["donnees", "importer", str(fichier)]) == (1 if refus else 0)
    lu = capsys.readouterr()
    if refus:
        assert "deux colonnes « NAISD23 » qui diffèrent" in lu.err and refus in lu.err and "À faire" in lu.err
        assert not entrepot.entrees()
    else:
        assert "colonne présente deux fois : NAISD23" in lu.out
        assert entrepot.lire("communes").set_index("code")["naissances_2023"].to_dict() == {"53084": 50, "53012": 5}


def test_la_suite_d_une_liste_apres_une_option(tmp_path, capsys):
    fichiers = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for fichier in fichiers:
        fichier.write_text(REGISTRE.replace("Lutins", fichier.stem), encoding="utf-8")
    assert principal(["donnees", "importer", str(fichiers[0]), "--confirmer", str(fichiers[1])]) == 0
    assert len(entrepot.entrees()) == 2
    assert principal(["mesurer", "53084", "-i", "CTX_POP", "53012", "--format", "json"]) == 0
    capsys.readouterr()
    # Une seule valeur attendue : ce qui reste n'est pas une option.
    assert principal(["diagnostic", "Pays", "de", "Craon"]) == 2
    dit = capsys.readouterr().err
    assert "en trop : de Craon" in dit and "guillemets" in dit and "options" not in dit


def test_des_colonnes_inconnues_ne_font_pas_reciter_tous_les_lecteurs(tmp_path, capsys):
    fichier = tmp_path / "z.csv"
    fichier.write_text("a;b;c\n1;2;3\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(fichier)]) == 1
    dit = capsys.readouterr().err
    assert "cafdiag donnees lister" in dit and "templates" in dit and "insee_bpe" not in dit


def test_une_ligne_d_un_autre_separateur_n_est_pas_un_intertitre(tmp_path, capsys):
    fichier = tmp_path / "creches.csv"
    fichier.write_text("type;nom;code;places\neaje;A;53084;20\neaje,B,53012,12\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(fichier)]) == 1
    assert "ligne 3" in capsys.readouterr().err and not entrepot.entrees()


def test_des_naissances_a_virgule_ne_sont_pas_gardees(tmp_path, capsys):
    fichier = tmp_path / "naissances.csv"
    fichier.write_text("CODGEO;NAISD22;NAISD23\n53084;50;51\n53012;5,5;6\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(fichier)]) == 0
    assert "NAISD22 : des naissances sont un entier : ligne 3" in capsys.readouterr().out
    assert entrepot.lire("communes")["code"].tolist() == ["53084"]
