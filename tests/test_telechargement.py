"""Le téléchargement, contre un vrai serveur HTTP qui coupe, ralentit, ment, se trompe ou piège."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cafdiag.donnees.catalogue import Adresse, Source
from cafdiag.donnees.telechargement import dernier_echec, en_service, lire_fiche, prendre
from cafdiag.donnees.transport import (
    ArriveeRefusee,
    ReglagesDeTransport,
    controler,
    enregistrements,
    extraire,
    ouvrir_zip,
)
from cafdiag.erreurs import DonneesAbimees

RACINE = Path(__file__).resolve().parent.parent
VITE = ReglagesDeTransport(connexion=5, lecture=10, essais=3, attente=0.01, attente_max=0.02)
# Des délais courts, seulement là où l'on veut les voir échoir : la machine des essais peut être chargée.
PRESSE = ReglagesDeTransport(connexion=5, lecture=0.4, essais=2, attente=0.01, debit_min=1000, fenetre=0.25)
CSV = ("code;nom;valeur\r\n" + "".join(f"{i:05d};Commune {i};{i / 7:.3f}\r\n" for i in range(4000))).encode()
CSV2 = CSV.replace(b"Commune 12;", b"Commune douze;")
CONNEXION = "<!DOCTYPE html>\n<html><head><title>Connexion au portail</title></head><body>…</body></html>".encode()


class _Poignee(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        chemin = urlsplit(self.path).path
        self.server.demandes.append((self.path, dict(self.headers)))
        rang = sum(urlsplit(c).path == chemin for c, _ in self.server.demandes)
        faire = self.server.routes.get(chemin)
        try:
            if faire is None:
                self.rendre(b"rien ici", statut=404)
            else:
                faire(self, rang)
        except (ConnectionError, TimeoutError):
            pass
        self.close_connection = True

    def rendre(self, corps, *, statut=200, taille=None, **entetes):
        """Répond ; ``taille`` est celle qu'on annonce (None : la vraie, -1 : aucune)."""
        self.send_response(statut)
        entetes.setdefault("Content_Type", "text/csv")
        if taille != -1:
            entetes["Content_Length"] = str(len(corps) if taille is None else taille)
        for nom, valeur in entetes.items():
            self.send_header(nom.replace("_", "-"), valeur)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(corps)

    def rendre_plages(self, corps, *, etag='"v1"', coupe=None):
        """Un serveur qui sait reprendre ; ``coupe`` : n'envoie que ce nombre d'octets de ce qu'il annonce."""
        debut = 0
        if self.headers.get("Range") and self.headers.get("If-Range", etag) == etag:
            debut = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        reste = corps[debut:]
        entetes = {"ETag": etag}
        if debut:
            entetes["Content_Range"] = f"bytes {debut}-{len(corps) - 1}/{len(corps)}"
        self.rendre(reste[:coupe], statut=206 if debut else 200, taille=len(reste), **entetes)

    def log_message(self, *_):
        pass


class _Serveur(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def serveur(monkeypatch):
    for nom in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(nom, raising=False)
    instance = _Serveur(("127.0.0.1", 0), _Poignee)
    instance.routes, instance.demandes = {}, []
    instance.base = f"http://127.0.0.1:{instance.server_address[1]}"
    fil = threading.Thread(target=instance.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    fil.start()
    yield instance
    instance.shutdown()
    instance.server_close()
    fil.join()


@pytest.fixture
def source(serveur):
    """Fabrique d'une source de quelques chemins du serveur."""

    def fabriquer(*chemins, forme="csv", **autres):
        adresses = tuple(Adresse(url=serveur.base + c) for c in chemins)
        communs = dict.fromkeys(("libelle", "producteur", "licence", "millesime", "frequence"), "essai")
        return Source(nom="essai", maille="commune", format=forme, **communs, **{"adresses": adresses} | autres)

    return fabriquer


def _chemins(serveur):
    return [urlsplit(c).path for c, _ in serveur.demandes]


def _zip(membres, *, comprime=True):
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w", zipfile.ZIP_DEFLATED if comprime else zipfile.ZIP_STORED) as archive:
        for nom, contenu in membres.items():
            archive.writestr(nom, contenu)
    return tampon.getvalue()


@pytest.fixture
def garde(serveur, source, tmp_path):
    """Une première version en service ; rend de quoi vérifier qu'elle y est restée."""
    serveur.routes["/bon.csv"] = lambda p, _: p.rendre(CSV)
    assert prendre(source("/bon.csv"), cache=tmp_path, reglages=VITE).etat == "nouveau"
    serveur.demandes.clear()

    def verifier(arrivee, *mots):
        assert arrivee.etat == "echec"
        for mot in (*mots, "reste en service"):
            assert mot in arrivee.message, arrivee.message
        assert en_service("essai", cache=tmp_path).read_bytes() == CSV
        assert dernier_echec("essai", cache=tmp_path)["message"] in arrivee.message
        assert list((tmp_path / "sources" / "essai").glob(".arrivee-*")) == []

    return verifier


# --- Ce qui marche ---


def test_premiere_fois_puis_inchange_puis_change(serveur, source, tmp_path):
    serveur.routes["/a.csv"] = lambda p, rang: p.rendre(CSV if rang < 3 else CSV2)
    essai = source("/a.csv", colonnes=("code", "nom", "annee"))
    vus = []
    premiere = prendre(essai, cache=tmp_path, reglages=VITE, suivi=lambda recu, total: vus.append((recu, total)))
    assert (premiere.etat, premiere.fiche.octets) == ("nouveau", len(CSV))
    assert vus[-1] == (len(CSV), len(CSV))
    assert premiere.remarques == ["colonnes attendues absentes : annee"]
    assert premiere.fiche.chemin.name == "essai.csv"
    assert prendre(essai, cache=tmp_path, reglages=VITE).etat == "inchange"
    change = prendre(essai, cache=tmp_path, reglages=VITE)
    assert change.etat == "change"
    assert premiere.fiche.empreinte[:12] in change.message
    assert change.fiche.precedentes[0]["empreinte"] == premiere.fiche.empreinte
    assert en_service("essai", cache=tmp_path).read_bytes() == CSV2


def test_304_ne_transfere_rien(serveur, source, tmp_path):
    def faire(poignee, _):
        connu = poignee.headers.get("If-None-Match") == '"x"'
        poignee.rendre(b"" if connu else CSV, statut=304 if connu else 200, ETag='"x"')

    serveur.routes["/a.csv"] = faire
    prendre(source("/a.csv"), cache=tmp_path, reglages=VITE)
    seconde = prendre(source("/a.csv"), cache=tmp_path, reglages=VITE)
    assert (seconde.etat, "le serveur la dit inchangée" in seconde.message) == ("inchange", True)
    # Un fichier abîmé sur le disque est repris malgré le 304 possible : le serveur n'est pas consulté sur l'ancien.
    seconde.fiche.chemin.write_bytes(CSV[:50])
    with pytest.raises(DonneesAbimees, match="50 octets"):
        en_service("essai", cache=tmp_path)
    assert prendre(source("/a.csv"), cache=tmp_path, reglages=VITE).etat == "nouveau"
    assert en_service("essai", cache=tmp_path).read_bytes() == CSV


@pytest.mark.parametrize("mode", ["gzip", "morceaux", "sans_taille"])
def test_transports_ordinaires(serveur, source, tmp_path, mode):
    def faire(poignee, _):
        if mode == "gzip":
            poignee.rendre(gzip.compress(CSV), Content_Encoding="gzip")
        elif mode == "sans_taille":
            poignee.rendre(CSV, taille=-1)
        else:
            blocs = b"".join(b"%x\r\n%s\r\n" % (len(b), b) for b in (CSV[:700], CSV[700:])) + b"0\r\n\r\n"
            poignee.rendre(blocs, taille=-1, Transfer_Encoding="chunked")

    serveur.routes["/a.csv"] = faire
    arrivee = prendre(source("/a.csv"), cache=tmp_path, reglages=VITE)
    assert arrivee.etat == "nouveau", arrivee.message
    assert arrivee.fiche.chemin.read_bytes() == CSV


def test_redirection_suivie(serveur, source, tmp_path):
    serveur.routes["/a"] = lambda p, _: p.rendre(b"", statut=302, Location="/b.csv")
    serveur.routes["/b.csv"] = lambda p, _: p.rendre(CSV)
    assert prendre(source("/a"), cache=tmp_path, reglages=VITE).fiche.octets == len(CSV)


def test_deux_ensemble_ne_prennent_qu_une_fois(serveur, source, tmp_path):
    def faire(poignee, _):
        time.sleep(0.2)
        poignee.rendre(CSV)

    serveur.routes["/a.csv"] = faire
    arrivees = []
    fils = [
        threading.Thread(target=lambda: arrivees.append(prendre(source("/a.csv"), cache=tmp_path, reglages=VITE)))
        for _ in range(2)
    ]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()
    assert sorted(a.etat for a in arrivees) == ["inchange", "nouveau"]
    assert len(serveur.demandes) == 1


# --- Coupures et reprises ---


def test_coupure_reprise(serveur, source, tmp_path):
    serveur.routes["/a.csv"] = lambda p, rang: p.rendre_plages(CSV, coupe=20_000 if rang < 3 else None)
    arrivee = prendre(source("/a.csv"), cache=tmp_path, reglages=VITE)
    assert arrivee.etat == "nouveau", arrivee.message
    assert arrivee.fiche.chemin.read_bytes() == CSV
    assert [e.get("Range") for _, e in serveur.demandes] == [None, "bytes=20000-", "bytes=40000-"]
    assert list((tmp_path / "partiels").iterdir()) == []


def test_coupure_sans_reprise_possible(serveur, source, tmp_path):
    serveur.routes["/a.csv"] = lambda p, rang: p.rendre(CSV[:500] if rang == 1 else CSV, taille=len(CSV))
    assert prendre(source("/a.csv"), cache=tmp_path, reglages=VITE).fiche.chemin.read_bytes() == CSV


@pytest.mark.parametrize("change", [False, True])
def test_reprise_d_un_lancement_a_l_autre(serveur, source, tmp_path, change):
    une_fois = ReglagesDeTransport(essais=1, lecture=10)
    serveur.routes["/a.csv"] = lambda p, rang: p.rendre_plages(CSV, coupe=30_000)
    assert prendre(source("/a.csv"), cache=tmp_path, reglages=une_fois).etat == "echec"
    nouveau, etag = (CSV2, '"v2"') if change else (CSV, '"v1"')
    serveur.routes["/a.csv"] = lambda p, rang: p.rendre_plages(nouveau, etag=etag)
    arrivee = prendre(source("/a.csv"), cache=tmp_path, reglages=une_fois)
    # Changé entre-temps : aucun octet de l'ancienne version ne se mêle à la nouvelle.
    assert arrivee.fiche.chemin.read_bytes() == nouveau
    assert serveur.demandes[-1][1]["If-Range"] == '"v1"'
    assert any("repris après 30000" in r for r in arrivee.remarques) is not change


def test_reprise_refusee_quand_le_serveur_se_trompe_de_plage(serveur, source, tmp_path):
    def faire(poignee, rang):
        if rang == 2:
            poignee.rendre(CSV[10:], statut=206, Content_Range=f"bytes 10-{len(CSV) - 1}/{len(CSV)}", ETag='"v1"')
        else:
            poignee.rendre_plages(CSV, coupe=1000 if rang == 1 else None)

    serveur.routes["/a.csv"] = faire
    assert prendre(source("/a.csv"), cache=tmp_path, reglages=VITE).fiche.chemin.read_bytes() == CSV


# --- Ce qui échoue : l'ancienne version reste en service, et le message le dit ---


@pytest.mark.parametrize(
    ("nom", "faire", "mots"),
    [
        ("404", lambda p, _: p.rendre(b"", statut=404), ["changé d'identifiant", "HTTP 404"]),
        ("403", lambda p, _: p.rendre(b"", statut=403), ["interdit"]),
        ("500", lambda p, _: p.rendre(b"", statut=500), ["en panne", "3 essais"]),
        ("503", lambda p, _: p.rendre(b"", statut=503, Retry_After="999"), ["indisponible", "3 essais"]),
        ("coupe", lambda p, _: p.rendre(CSV[:900], taille=len(CSV)), ["coupée", "900 octets reçus sur"]),
        ("ment_petit", lambda p, _: p.rendre(CSV, taille=len(CSV) - 31), ["n'a pas de fin"]),
        ("connexion", lambda p, _: p.rendre(CONNEXION), ["page web", "Connexion au portail"]),
        ("boucle", lambda p, _: p.rendre(b"", statut=302, Location="/faux"), ["renvoie sans fin"]),
        ("vide", lambda p, _: p.rendre(b""), ["vide"]),
        ("json", lambda p, _: p.rendre(b'{"error_code": "X", "message": "quota"}'), ["quota"]),
        ("binaire", lambda p, _: p.rendre(b"PK\x03\x04\x00\x00" * 50), ["pas du texte"]),
        ("phrase", lambda p, _: p.rendre(b"Service en maintenance"), ["Service en maintenance"]),
        ("raccroche", lambda p, _: p.wfile.write(b""), ["coupée"]),
        ("charabia", lambda p, _: p.wfile.write(b"\x00\xff pas du HTTP\r\n\r\n"), ["coupée"]),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_echec_garde_l_ancienne_version(serveur, source, tmp_path, garde, nom, faire, mots):
    serveur.routes["/faux"] = faire
    arrivee = prendre(source("/faux", colonnes=("code", "nom")), cache=tmp_path, reglages=VITE)
    garde(arrivee, *mots)
    essais = _chemins(serveur).count("/faux")
    attendus = {"404": 1, "403": 1, "500": 3, "503": 3, "connexion": 1, "boucle": 6, "json": 1, "phrase": 1}
    assert essais == attendus.get(nom, essais)
    assert essais <= 6


def test_serveur_muet_ou_trop_lent(serveur, source, tmp_path, garde):
    def muet(poignee, _):
        poignee.rendre(CSV[:100], taille=len(CSV))
        poignee.wfile.flush()
        time.sleep(1)

    def goutte(poignee, _):
        poignee.rendre(b"", taille=len(CSV))
        for octet in CSV:
            poignee.wfile.write(bytes([octet]))
            time.sleep(0.02)

    serveur.routes |= {"/muet": muet, "/goutte": goutte}
    garde(prendre(source("/muet"), cache=tmp_path, reglages=PRESSE), "tu trop longtemps")
    garde(prendre(source("/goutte"), cache=tmp_path, reglages=PRESSE), "trop lent")


def test_fichier_sans_fin(serveur, source, tmp_path, garde):
    def sans_fin(poignee, _):
        poignee.rendre(b"", taille=-1)
        while True:
            poignee.wfile.write(CSV)

    borne = ReglagesDeTransport(**{**VITE.__dict__, "octets_max": 3_000_000})
    serveur.routes["/sans_fin"] = sans_fin
    garde(prendre(source("/sans_fin"), cache=tmp_path, reglages=borne), "n'en finit pas")
    serveur.routes["/enorme"] = lambda p, _: p.rendre(CSV, taille=10**12)
    garde(prendre(source("/enorme"), cache=tmp_path, reglages=borne), "annonce 1000000000000 octets")
    assert [c for c in (tmp_path / "partiels").iterdir() if c.stat().st_size > 10_000] == []


def test_personne_a_l_adresse(serveur, source, tmp_path, garde):
    ferme = Adresse(url="http://127.0.0.1:9/x.csv")
    garde(prendre(source(adresses=(ferme,)), cache=tmp_path, reglages=VITE), "connexion est impossible")
    garde(prendre(source(adresses=()), cache=tmp_path, reglages=VITE), "aucune adresse")
    fichier = Adresse(url="file:///etc/hostname")
    garde(prendre(source(adresses=(fichier,)), cache=tmp_path, reglages=VITE), "adresse refusée")


def test_cache_impossible(serveur, source, tmp_path):
    (tmp_path / "fichier").write_text("x", encoding="utf-8")
    serveur.routes["/a.csv"] = lambda p, _: p.rendre(CSV)
    arrivee = prendre(source("/a.csv"), cache=tmp_path / "fichier", reglages=VITE)
    assert (arrivee.etat, "Aucune version en service" in arrivee.message) == ("echec", True)
    assert "CAFDIAG_CACHE" in arrivee.message


def test_adresse_de_secours(serveur, source, tmp_path):
    serveur.routes["/renomme.csv"] = lambda p, _: p.rendre(CSV)
    arrivee = prendre(source("/ancien.csv", "/renomme.csv"), cache=tmp_path, reglages=VITE)
    assert arrivee.etat == "nouveau"
    assert "adresse de secours" in arrivee.remarques[0]
    assert dernier_echec("essai", cache=tmp_path) == {}


def test_arret_brutal_pendant_la_mise_en_service(serveur, source, tmp_path, garde):
    serveur.routes["/bon.csv"] = lambda p, _: p.rendre(CSV2)
    programme = """
import os, sys
from cafdiag.donnees import telechargement
from cafdiag.donnees.catalogue import Adresse, Source
t = dict.fromkeys(("libelle", "producteur", "licence", "millesime", "frequence"), "essai")
s = Source(nom="essai", maille="commune", format="csv", adresses=(Adresse(url=sys.argv[1]),), **t)
telechargement.ecrire_fiche = lambda *_: os._exit(9)   # les fichiers sont en place, la fiche pas encore
telechargement.prendre(s, cache=telechargement.Path(sys.argv[2]))
"""
    essai = subprocess.run(
        [sys.executable, "-c", programme, serveur.base + "/bon.csv", str(tmp_path)], cwd=RACINE, timeout=240
    )
    assert essai.returncode == 9
    assert en_service("essai", cache=tmp_path).read_bytes() == CSV
    reprise = prendre(source("/bon.csv"), cache=tmp_path, reglages=VITE)
    assert (reprise.etat, reprise.fiche.chemin.read_bytes() == CSV2) == ("change", True)
    assert list((tmp_path / "sources" / "essai").glob(".arrivee-*")) == []


# --- Archives ---


def test_archive_membre_extrait(serveur, source, tmp_path):
    corps = _zip({"dossier/META.csv": b"a;b\n1;2\n", "dossier/Base-2022.CSV": CSV})
    serveur.routes["/a.zip"] = lambda p, _: p.rendre(corps)
    arrivee = prendre(source("/a.zip", forme="zip", membre="base-*.csv"), cache=tmp_path, reglages=VITE)
    assert arrivee.fiche.chemin.name == "Base-2022.CSV"
    assert arrivee.fiche.chemin.read_bytes() == CSV
    assert (arrivee.fiche.dossier / arrivee.fiche.fichier).read_bytes() == corps
    # Le catalogue demande un autre membre de la même archive : elle est rouverte, même inchangée.
    autre = prendre(source("/a.zip", forme="zip", membre="meta.csv"), cache=tmp_path, reglages=VITE)
    assert autre.fiche.chemin.name == "META.csv"


@pytest.mark.parametrize("nom", ["../../evade.csv", "/etc/evade.csv", "C:/evade.csv", "a\\..\\evade.csv"])
def test_archive_chemins_pieges(serveur, source, tmp_path, garde, nom):
    corps = bytearray(_zip({"X" * len(nom): CSV}))
    corps = bytes(corps).replace(b"X" * len(nom), nom.encode())  # zipfile redresserait certains noms
    serveur.routes["/a.zip"] = lambda p, _: p.rendre(corps)
    garde(prendre(source("/a.zip", forme="zip", membre="*.csv"), cache=tmp_path, reglages=VITE), "sort du dossier")
    assert list(tmp_path.rglob("evade*")) == []


def test_archives_refusees(tmp_path):
    def refus(corps, motif, **bornes):
        (tmp_path / "a.zip").write_bytes(corps)
        with pytest.raises(ArriveeRefusee, match=motif):
            ouvrir_zip(tmp_path / "a.zip", **bornes)

    refus(_zip({"zeros.csv": b"0" * 30_000_000}), "bombe")
    refus(_zip({f"{i}.csv": b"x" for i in range(30)}), "30 fichiers", membres_max=20)
    refus(_zip({"a.csv": CSV, "b.csv": CSV}), "une fois décompressée", octets_max=len(CSV) + 1)
    refus(_zip({}), "vide")
    refus(_zip({"a.csv": CSV})[:-40], "coupée")
    lien = zipfile.ZipInfo("lien.csv")
    lien.external_attr = 0o120777 << 16
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        archive.writestr(lien, "/etc/passwd")
    refus(tampon.getvalue(), "lien")


def test_archive_qui_ment_sur_sa_taille(tmp_path):
    corps = bytearray(_zip({"a.csv": CSV}))
    vraie, fausse = len(CSV).to_bytes(4, "little"), (100).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(corps).replace(vraie, fausse))
    with pytest.raises(ArriveeRefusee, match=r"abîmé|plus gros"):
        extraire(tmp_path / "a.zip", "*.csv", tmp_path / "sortie.csv")
    (tmp_path / "a.zip").write_bytes(_zip({"a.csv": CSV}))
    with pytest.raises(ArriveeRefusee, match="ne contient pas « b"):
        extraire(tmp_path / "a.zip", "b*.csv", tmp_path / "sortie.csv")


def test_formes_controlees(tmp_path):
    def refus(contenu, forme, motif):
        (tmp_path / "f").write_bytes(contenu)
        with pytest.raises(ArriveeRefusee, match=motif):
            controler(tmp_path / "f", forme)

    refus(CSV, "zip", "premiers octets")
    refus(CSV, "parquet", "premiers octets")
    refus(b"PAR1" + b"x" * 100, "parquet", "coupé")
    refus(_zip({"a.csv": CSV}), "xlsx", "pas un classeur")
    refus(gzip.compress(CSV)[:-20], "csv.gz", "coupé")
    refus(b'{"type": "FeatureCollection", "features": [', "geojson", "coupé")
    refus(b'{"error": "quota"}', "json", "quota")
    refus(b"\xef\xbb\xbf  <HTML><title>Acc\xc3\xa8s refus\xc3\xa9\x1b[31m</title>", "csv", "Accès refusé")
    (tmp_path / "f").write_bytes(b'{"type": "FeatureCollection", "features": []}')
    assert controler(tmp_path / "f", "geojson") == []


def test_compte_des_enregistrements(tmp_path):
    (tmp_path / "f.csv").write_bytes(b'\xef\xbb\xbfcode;nom\r\n01;"deux\r\nlignes"\r\n02;x\r\n\r\n')
    assert enregistrements(tmp_path / "f.csv") == (["code", "nom"], 2, False)


# --- Portail Opendatasoft ---

LIGNES = [{"annee": 2023, "numcom": f"{i:05d}", "taux": i / 10, "vide": None} for i in range(250)]


class _Portail:
    """Un portail de 250 enregistrements, dont l'export et les pages se règlent."""

    def __init__(self, serveur, jeu="jeu", export=None, total=250, pages=250):
        self.export, self.total, self.pages = export, total, pages
        serveur.routes[f"/{jeu}/exports/csv"] = self.rendre_export
        serveur.routes[f"/{jeu}/records"] = self.rendre_page

    def rendre_export(self, poignee, _):
        if self.export is None:
            poignee.rendre(b"", statut=400)
            return
        lignes = "".join(f"{x['annee']};{x['numcom']};{x['taux']}\r\n" for x in LIGNES[: self.export])
        poignee.rendre(("\ufeffannee;numcom;taux\r\n" + lignes).encode(), taille=-1)

    def rendre_page(self, poignee, rang):
        demande = {c: v[0] for c, v in parse_qs(urlsplit(poignee.path).query).items()}
        debut, nombre = int(demande.get("offset", 0)), int(demande["limit"])
        assert nombre <= 100
        total = self.total(rang) if callable(self.total) else self.total
        resultats = LIGNES[: self.pages][debut : debut + nombre]
        poignee.rendre(json.dumps({"total_count": total, "results": resultats}).encode())


@pytest.fixture
def jeu(serveur, source):
    return source(adresses=(Adresse(base=serveur.base, jeu="jeu"),), colonnes=("annee", "numcom", "taux"))


def test_export_entier(serveur, jeu, tmp_path):
    _Portail(serveur, export=250)
    arrivee = prendre(jeu, cache=tmp_path, reglages=VITE)
    assert (arrivee.etat, arrivee.remarques) == ("nouveau", [])
    assert _chemins(serveur) == ["/jeu/records", "/jeu/exports/csv"]
    assert enregistrements(arrivee.fiche.chemin)[1] == 250


@pytest.mark.parametrize("export", [None, 180])
def test_export_impossible_ou_coupe_alors_les_pages(serveur, jeu, tmp_path, export):
    _Portail(serveur, export=export)
    arrivee = prendre(jeu, cache=tmp_path, reglages=VITE)
    assert arrivee.etat == "nouveau", arrivee.message
    texte = arrivee.fiche.chemin.read_text(encoding="utf-8-sig").splitlines()
    assert (texte[0], texte[1], texte[-1]) == (
        "annee;numcom;taux;vide", "2023;00000;0.0;", "2023;00249;24.9;",
    )
    assert len(texte) == 251
    pages = [parse_qs(urlsplit(c).query) for c, _ in serveur.demandes if "offset" in c]
    assert [p["offset"][0] for p in pages] == ["0", "0", "100", "200"]
    assert all("order_by" in p for p in pages[1:])


def test_pages_incompletes_ou_mouvantes(serveur, jeu, tmp_path):
    _Portail(serveur, pages=130)
    assert "s'arrêtent à 130" in prendre(jeu, cache=tmp_path, reglages=VITE).message
    serveur.demandes.clear()
    _Portail(serveur, total=lambda rang: 250 + (rang > 3))
    arrivee = prendre(jeu, cache=tmp_path, reglages=VITE)
    assert (arrivee.etat, "change pendant qu'on le lit" in arrivee.message) == ("echec", True)


def test_identifiant_renomme_sur_le_portail(serveur, source, tmp_path):
    _Portail(serveur, jeu="jeu-copy", export=250)
    renomme = source(adresses=tuple(Adresse(base=serveur.base, jeu=j) for j in ("jeu", "jeu-copy")))
    arrivee = prendre(renomme, cache=tmp_path, reglages=VITE)
    assert (arrivee.etat, "jeu-copy" in arrivee.remarques[0]) == ("nouveau", True)
    assert lire_fiche("essai", cache=tmp_path).adresse.startswith(f"{serveur.base}/jeu-copy/exports/csv")
