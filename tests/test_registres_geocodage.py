"""Le géocodage : à la demande seulement, contre un vrai serveur local qui répond, se trompe, coupe ou traîne."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from cafdiag.donnees import registres
from cafdiag.donnees.registres_reperes import geocoder
from cafdiag.erreurs import DemandeFausse

pytestmark = pytest.mark.unitaire

REPONSES = {
    "bonne": {"citycode": "53084", "score": 0.9, "type": "housenumber", "xy": [-0.95, 47.84]},
    "autre": {"citycode": "53130", "score": 0.9, "type": "housenumber", "xy": [-0.77, 48.07]},
    "vague": {"citycode": "53084", "score": 0.4, "type": "street", "xy": [-0.95, 47.84]},
    "commune": {"citycode": "53084", "score": 0.9, "type": "municipality", "xy": [-0.95, 47.84]},
    "loin": {"citycode": "53084", "score": 0.9, "type": "street", "xy": [-74.0, 40.7]},
}


class _Ban(BaseHTTPRequestHandler):
    def do_GET(self):
        question = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.server.recues.append(question)
        mot = question["q"][0]
        if mot == "lente":
            time.sleep(1.5)
        corps = b"<html>"
        if mot in REPONSES:
            r = dict(REPONSES[mot])
            corps = json.dumps(
                {"features": [{"geometry": {"coordinates": r.pop("xy")}, "properties": r}]}
            ).encode()
        elif mot == "rien":
            corps = b'{"features": []}'
        self.send_response(500 if mot == "panne" else 200)
        self.send_header("Content-Length", str(len(corps) + (50 if mot == "coupe" else 0)))
        self.end_headers()
        self.wfile.write(corps)

    def log_message(self, *_):
        pass


@pytest.fixture
def serveur(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    service = ThreadingHTTPServer(("127.0.0.1", 0), _Ban)
    service.recues = []
    fil = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    fil.start()
    yield service
    service.shutdown()
    fil.join()
    service.server_close()


def structures(*adresses):
    n = len(adresses)
    return pd.DataFrame(
        {
            "type": ["evs"] * n,
            "nom": [f"N{i}" for i in range(n)],
            "code": ["53084"] * n,
            "adresse": pd.array(adresses, dtype="str"),
            "lon": [float("nan")] * n,
            "lat": [float("nan")] * n,
            "precision_lieu": ["commune"] * n,
        }
    )


def test_seul_un_point_sur_est_garde_le_reste_est_dit(serveur):
    demandes = ["bonne", "autre", "vague", "commune", "loin", "rien", "page web", "coupe", "panne", "lente"]
    table = structures(*demandes)
    rendu = geocoder(table, serveur=f"http://127.0.0.1:{serveur.server_port}", delai=0.7)
    assert rendu.table["precision_lieu"].tolist() == ["point"] + ["commune"] * 9
    assert rendu.table.loc[0, ["lon", "lat"]].tolist() == [-0.95, 47.84]
    assert rendu.table["lon"].notna().sum() == 1
    attendus = [
        "autre commune (53130)",
        "score 0,40",
        "seule la commune",
        "illisible",
        "introuvable",
        "illisible",
        "illisible",
        "pas répondu",
        "pas répondu",
    ]
    assert [a in r for a, r in zip(attendus, rendu.remarques, strict=True)] == [True] * 9
    assert table["lon"].isna().all(), "la table reçue n'est pas modifiée"


def test_ne_demande_que_ce_qui_manque_et_n_envoie_que_l_adresse(serveur):
    table = structures("bonne", "bonne", None)
    table.loc[0, ["lon", "lat"]] = [-0.9, 47.8]
    geocoder(table, serveur=f"http://127.0.0.1:{serveur.server_port}")
    assert serveur.recues == [{"q": ["bonne"], "citycode": ["53084"], "limit": ["1"]}]


@pytest.mark.parametrize("adresse", ["file:///etc/passwd", "ftp://x", "data.geopf.fr"])
def test_serveur_refuse(adresse):
    with pytest.raises(DemandeFausse):
        geocoder(structures("bonne"), serveur=adresse)


def test_assistants_maternels_refuses():
    with pytest.raises(DemandeFausse, match="ne se géocodent pas"):
        geocoder(pd.DataFrame({"code": ["53084"], "assistants_maternels_2024": [3]}))


def test_un_import_n_ouvre_jamais_le_reseau(tmp_path, monkeypatch):
    def interdit(*_, **__):
        raise AssertionError("réseau demandé")

    monkeypatch.setattr(socket.socket, "connect", interdit)
    chemin = tmp_path / "r.csv"
    chemin.write_text("type;nom;code;adresse\nevs;A;53084;1 rue du Port\n", encoding="utf-8")
    assert registres.importer(chemin).table["lon"].isna().all()
