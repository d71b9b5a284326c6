"""Un vrai « cafdiag atelier », un vrai JupyterLab, un vrai Chromium : le même explorateur, dans son carnet.

Le reste de l'explorateur est essayé dans sa page (test_explorateur_page.py).

Rien ne sort de la machine : toute adresse autre que celle de l'atelier est refusée et notée.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.navigateur, pytest.mark.lent]

RACINE = Path(__file__).resolve().parent.parent
class Atelier:
    """L'atelier lancé : son adresse, ses carnets, son dossier de données."""

    def __init__(self, adresse: str, carnets: Path, processus: subprocess.Popen) -> None:
        self.carnets, self.processus = carnets, processus
        self.base, self.jeton = re.match(
            r"(http://127\.0\.0\.1:\d+)/lab/tree/accueil\.ipynb\?token=(\w+)", adresse
        ).groups()


@pytest.fixture(scope="module")
def atelier(tmp_path_factory):
    """``cafdiag atelier --sans-navigateur`` sur un port libre ; Ctrl-C à la fin, et il doit s'arrêter."""
    ici = tmp_path_factory.mktemp("atelier")
    env = dict(
        os.environ, CAFDIAG_DONNEES=str(ici / "donnees"), PYTHONPATH=str(RACINE), HOME=str(ici / "maison")
    )
    (ici / "maison").mkdir()
    commande = [sys.executable, "-P", "-m", "cafdiag", "atelier", "--sans-navigateur"]
    # Sous Windows, Ctrl-C ne s'envoie qu'à un groupe de processus à part.
    groupe = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    messages = ici / "messages.txt"
    with (
        messages.open("w", encoding="utf-8") as flux,
        subprocess.Popen(
            [*commande, "--dossier", str(ici / "carnets")],
            cwd=ici,
            env=env,
            stdout=subprocess.PIPE,
            stderr=flux,
            text=True,
            encoding="utf-8",
            creationflags=groupe,
        ) as processus,
    ):
        try:
            adresse = processus.stdout.readline().strip()
            assert adresse, messages.read_text(encoding="utf-8")
            yield Atelier(adresse, ici / "carnets", processus)
            processus.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
            assert processus.wait(30) == 0
        finally:
            if processus.poll() is None:
                processus.kill()
    # Rien n'a été posé chez l'utilisateur.
    assert not (ici / "maison" / ".jupyter").exists()


def test_accueil_en_francais_et_explorateur_dans_son_carnet(chromium, atelier):
    refusees: list[str] = []

    def trier(route) -> None:
        if route.request.url.startswith((atelier.base, "data:", "blob:", "about:")):
            route.continue_()
        else:
            refusees.append(route.request.url)
            route.abort()

    contexte = chromium.new_context(service_workers="block", locale="fr-FR", viewport={"width": 1366, "height": 900})
    contexte.route("**/*", trier)
    page = contexte.new_page()
    page.set_default_timeout(60_000)
    # Sans chemin, l'atelier mène au carnet d'accueil.
    page.goto(f"{atelier.base}/?token={atelier.jeton}")
    page.get_by_role("heading", name="Bienvenue dans cafdiag").wait_for()
    for menu in ("Fichier", "Édition", "Affichage", "Exécution", "Noyau", "Aide"):
        assert page.get_by_role("menuitem", name=menu, exact=True).is_visible()
    page.get_by_role("link", name="l'explorateur", exact=True).click()
    devant = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    devant.get_by_role("heading", name="L'explorateur", exact=True).wait_for()
    # Le code est replié : rien à lire, une commande du menu fait tout.
    assert devant.locator(".jp-CodeCell .cm-content:visible").count() == 0
    page.locator("#jp-main-statusbar", has_text="Inactif").wait_for()
    page.get_by_role("menuitem", name="Exécution", exact=True).click()
    page.get_by_role("menuitem", name="Exécuter toutes les cellules", exact=True).click()
    devant.locator(".cafdiag-explorateur").get_by_role("heading", name="CC du Pays de Craon").wait_for()
    page.frame_locator("iframe.cafdiag-cadre").locator("html[data-peint]:not([data-peint=''])").wait_for(state="attached")
    assert page.locator(".jp-Notification, .Toastify__toast").count() == 0
    contexte.close()
    assert refusees == []
