"""L'atelier JupyterLab : réglages à part, carnets copiés sans rien perdre, lanceurs."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from cafdiag import atelier, magasin
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse

RACINE = Path(__file__).resolve().parent.parent


def test_reglages_en_francais_et_sans_nouvelles(tmp_path):
    variables = atelier.poser_les_reglages(tmp_path)
    assert all(Path(v).is_relative_to(tmp_path) and Path(v).is_dir() for v in variables.values())
    lus = {
        f.parent.name: json.loads(f.read_text(encoding="utf-8"))
        for f in Path(variables["JUPYTERLAB_SETTINGS_DIR"]).rglob("*.jupyterlab-settings")
    }
    assert lus["translation-extension"] == {"locale": "fr_FR"}
    assert lus["apputils-extension"]["fetchNews"] == "false"
    assert lus["apputils-extension"]["checkForUpdates"] is False


def test_un_reglage_change_par_l_utilisateur_reste(tmp_path):
    atelier.poser_les_reglages(tmp_path)
    (langue,) = (tmp_path / "reglages").rglob("plugin.jupyterlab-settings")
    langue.write_text('{"locale": "en"}', encoding="utf-8")
    atelier.poser_les_reglages(tmp_path)
    assert json.loads(langue.read_text(encoding="utf-8")) == {"locale": "en"}


def test_carnets_sur_place_ou_copies(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    assert atelier.preparer_les_carnets() == (magasin.dossier("notebooks"), "")
    # Un paquet installé n'est pas un lieu de travail : les carnets y seraient perdus à la mise à jour.
    roue = tmp_path / "_ressources"
    shutil.copytree(magasin.dossier("notebooks"), roue / "notebooks")
    monkeypatch.setattr(magasin, "racine", lambda: roue)
    ou, message = atelier.preparer_les_carnets()
    assert ou == tmp_path / "atelier" / "carnets"
    assert str(ou) in message
    assert {f.name for f in ou.glob("*.ipynb")} == {f.name for f in (roue / "notebooks").glob("*.ipynb")}


def test_copie_rafraichit_sans_ecraser(tmp_path):
    livres, copies = tmp_path / "livres", tmp_path / "copies"
    livres.mkdir()
    for nom in ("a", "b"):
        (livres / f"{nom}.ipynb").write_text("v1", encoding="utf-8")
    assert atelier.copier_les_carnets(livres, copies) == []
    (copies / "a.ipynb").write_text("à moi", encoding="utf-8")
    for nom in ("a", "b", "c"):
        (livres / f"{nom}.ipynb").write_text("v2", encoding="utf-8")
    assert atelier.copier_les_carnets(livres, copies) == ["a.ipynb"]
    contenus = {f.stem: f.read_text(encoding="utf-8") for f in copies.glob("*.ipynb")}
    assert contenus == {"a": "à moi", "b": "v2", "c": "v2"}


def test_ports():
    with socket.socket() as prise:
        prise.bind(("127.0.0.1", 0))
        prise.listen()
        pris = prise.getsockname()[1]
        with pytest.raises(DemandeFausse, match="déjà pris"):
            atelier.port_libre(pris)
    with pytest.raises(DemandeFausse, match="1024"):
        atelier.port_libre(80)
    assert atelier.PORT <= atelier.port_libre() < atelier.PORT + 50


def test_arguments_jamais_hors_de_la_machine(tmp_path):
    arguments = atelier.arguments_du_serveur(tmp_path, port=8888, navigateur=False, accueil="/lab")
    assert "--ServerApp.ip=127.0.0.1" in arguments
    assert "--ServerApp.open_browser=False" in arguments
    assert "--ServerApp.default_url=/lab" in arguments
    assert not any("token=" in a or "password" in a for a in arguments)
    assert (magasin.dossier("notebooks") / atelier.ACCUEIL).is_file()


def test_accueil_mene_a_des_carnets_qui_existent():
    carnets = magasin.dossier("notebooks")
    liens = set(re.findall(r"\((\w+\.ipynb)\)", (carnets / atelier.ACCUEIL).read_text(encoding="utf-8")))
    # Ni lien mort, ni carnet qu'on ne trouverait que dans la liste des fichiers.
    assert liens == {c.name for c in carnets.glob("*.ipynb")} - {atelier.ACCUEIL} and len(liens) > 5


@pytest.mark.parametrize("commande", ["explorer", "atelier"])
def test_demande_fausse_avant_de_rien_ouvrir(capsys, commande):
    assert principal([commande, "--port", "80", "--sans-navigateur"]) == 2
    assert "1024" in capsys.readouterr().err
    with socket.socket() as prise:
        prise.bind(("127.0.0.1", 0))
        prise.listen()
        assert principal([commande, "--port", str(prise.getsockname()[1]), "--sans-navigateur"]) == 2
    assert "déjà pris" in capsys.readouterr().err


# --- Les lanceurs ---


def test_lanceur_windows():
    octets = (RACINE / "explorer.cmd").read_bytes()
    # Une console d'origine lit mal un .cmd en fins de ligne Unix ou accentué.
    assert octets.count(b"\n") == octets.count(b"\r\n") > 5
    texte = octets.decode("ascii")
    assert 'cd /d "%~dp0"' in texte
    assert texte.count("lancer.py explorer %*") == 2


@pytest.mark.skipif(os.name == "nt", reason="lanceur de Linux")
@pytest.mark.parametrize("par", ["sh", "desktop"])
def test_lanceur_linux(tmp_path, par):
    """Lancé d'un autre dossier, au nom malcommode : c'est bien « lancer.py explorer » du projet qui part."""
    projet = tmp_path / "mon projet d'été"
    projet.mkdir()
    for nom in ("explorer.sh", "explorer.desktop"):
        shutil.copy(RACINE / nom, projet / nom)
    faux = tmp_path / "bin" / "python3"
    faux.parent.mkdir()
    faux.write_text('#!/bin/sh\necho "$PWD|$*"\n', encoding="utf-8")
    faux.chmod(0o755)
    commande = [str(projet / "explorer.sh")]
    if par == "desktop":
        (execution,) = (
            ligne.removeprefix("Exec=")
            for ligne in (projet / "explorer.desktop").read_text(encoding="utf-8").splitlines()
            if ligne.startswith("Exec=")
        )
        debut, fin = execution.split("' sh ")
        assert (debut[:6], fin) == ("sh -c ", "%k")
        commande = ["sh", "-c", debut.removeprefix("sh -c '"), "sh", str(projet / "explorer.desktop")]
    essai = subprocess.run(
        commande,
        cwd=tmp_path,
        env={"PATH": f"{faux.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (essai.returncode, essai.stdout.strip()) == (0, f"{projet}|lancer.py explorer"), essai.stderr
