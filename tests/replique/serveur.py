"""Le serveur de la réplique, et la commande « cafdiag » dont les demandes y mènent.

    python -m replique.serveur DOSSIER [--nationale]            engendre les fichiers
    python -m replique.serveur DOSSIER --commande donnees telecharger

Seul le réseau est remplacé : ``https://hote/chemin`` est demandé à ``http://127.0.0.1:port/hote/chemin``.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests

from cafdiag.donnees import catalogue
from replique import anct, bpe, cnaf, insee
from replique.monde import monde


def engendrer(dossier: Path, *, nationale: bool) -> Path:
    """Les fichiers d'une échelle, une fois pour toutes, et la table des adresses (``adresses.json``)."""
    table = dossier / "adresses.json"
    if table.exists():
        return table
    dossier.mkdir(parents=True, exist_ok=True)
    reels = os.environ.get("CAFDIAG_FICHIERS_REELS")
    m = monde(nationale=nationale, reels=Path(reels) if reels else None)
    fichiers = cnaf.taux_et_places(m, dossier) | cnaf.allocataires(m, dossier) | {
        "age_iris": insee.ages(m, dossier), "naissances": insee.naissances(m, dossier),
        "populations_legales": insee.populations(m, dossier), "filosofi_2021": insee.filosofi(m, dossier),
        "densite": insee.densite(m, dossier), "bpe": bpe.bpe(m, dossier), "qpv_contours": anct.quartiers(m, dossier)}
    d_office = {s.nom: s for s in catalogue.choisir()}
    if set(d_office) != set(fichiers):
        raise AssertionError(f"la réplique ne sert pas les sources prises d'office : {set(d_office) ^ set(fichiers)}")
    adresses = {}
    for nom, source in d_office.items():
        # Toutes les adresses d'une source, sauf la première quand il y en a de secours : le repli est éprouvé aussi.
        for adresse in source.adresses[1:] or source.adresses:
            morceaux = urlsplit(adresse.url_export)
            adresses[morceaux.netloc + morceaux.path] = fichiers[nom].name
            if adresse.opendatasoft:
                with fichiers[nom].open("rb") as flux:
                    lignes = sum(bloc.count(b"\n") for bloc in iter(lambda f=flux: f.read(1 << 20), b"")) - 1
                morceaux = urlsplit(adresse.url_pages)
                adresses[morceaux.netloc + morceaux.path] = lignes
    table.write_text(json.dumps(adresses, indent=1), encoding="utf-8")
    return table


class _Poignee(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, table: Path) -> None:
        self.table = table
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Un fichier, le nombre d'enregistrements d'un jeu, ou rien."""
        quoi = json.loads(self.table.read_text(encoding="utf-8")).get(urlsplit(self.path).path.lstrip("/"))
        chemin = self.table.parent / quoi if isinstance(quoi, str) else None
        corps = json.dumps({"total_count": quoi, "results": []}).encode() if isinstance(quoi, int) else b"absent"
        self.send_response(404 if quoi is None else 200)
        self.send_header("Content-Length", str(chemin.stat().st_size if chemin else len(corps)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            if chemin is None:
                self.wfile.write(corps)
            else:
                with chemin.open("rb") as flux:
                    shutil.copyfileobj(flux, self.wfile, 1 << 20)
        self.close_connection = True

    def log_message(self, *_) -> None:
        """Rien à dire."""


@contextlib.contextmanager
def servir(table: Path) -> Iterator[str]:
    """Le serveur, le temps d'un bloc ; rend son adresse."""
    serveur = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Poignee, table=table))
    serveur.daemon_threads, serveur.block_on_close = True, False
    fil = threading.Thread(target=serveur.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    fil.start()
    try:
        yield f"http://127.0.0.1:{serveur.server_address[1]}"
    finally:
        serveur.shutdown()
        serveur.server_close()
        fil.join()


def detourner(base: str) -> Callable[..., requests.Response]:
    """Le « send » de requests qui demande tout à la réplique, sans que l'appelant le sache."""
    envoyer = requests.adapters.HTTPAdapter.send

    def send(soi, demande, **reste):
        morceaux = urlsplit(demande.url)
        copie = demande.copy()
        copie.url = f"{base}/{morceaux.netloc}{morceaux.path}" + (f"?{morceaux.query}" if morceaux.query else "")
        reponse = envoyer(soi, copie, **(reste | {"proxies": {}}))
        reponse.url, reponse.request = demande.url, demande
        return reponse

    return send


def principal() -> int:
    """Engendre, ou passe une commande de cafdiag devant la réplique."""
    dossier, *reste = sys.argv[1:]
    table = engendrer(Path(dossier), nationale="--nationale" in reste)
    if "--commande" not in reste:
        return 0
    from cafdiag import cli

    base = reste[reste.index("--base") + 1]
    requests.adapters.HTTPAdapter.send = detourner(base)
    del table
    return cli.principal(reste[reste.index("--commande") + 1:])


if __name__ == "__main__":
    sys.exit(principal())
