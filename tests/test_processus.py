"""Le processus d'un carnet : démarré d'avance il sert une fois, ne change rien au rapport, et ne survit à rien."""

import contextlib
import os
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from cafdiag.cli import principal
from cafdiag.erreurs import ProductionImpossible
from cafdiag.restitution import processus, produire
from cafdiag.restitution.processus import Limites, Travail

CODE = "200048551"


@pytest.fixture(scope="module", autouse=True)
def vrais(fils):
    with fils.vrais():
        yield


@pytest.fixture
def vivants():
    """Les processus de carnet que l'essai a démarrés et qui vivent."""

    def lister() -> list[psutil.Process]:
        vus = []
        for enfant in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any("restitution.carnet" in mot for mot in enfant.cmdline()) and enfant not in avant:
                    vus.append(enfant)
        return vus

    def bientot(nombre: int) -> list[psutil.Process]:
        # Un processus tout juste né n'a pas encore le nom de sa commande.
        fin = time.monotonic() + 30
        while len(lister()) != nombre and time.monotonic() < fin:
            time.sleep(0.02)
        return lister()

    avant: list[psutil.Process] = []
    avant += lister()
    return bientot


@pytest.fixture
def carnet(tmp_path):
    """Joue un carnet : ce que valent les expressions données, puis le numéro de la dernière cellule."""

    def poser(*expressions):
        fichier = _ecrire(tmp_path, *expressions)
        joue = produire._executer(fichier, {"code": CODE}, sortie=tmp_path, suffixe="x", delai=60)
        sorties = [c.outputs[0]["data"]["text/plain"] for c in joue.cells if c.get("outputs")]
        return [*sorties, joue.cells[-1].execution_count]

    return poser


def _ecrire(ici, *expressions):
    cellules = [nbformat.v4.new_code_cell('code = "00000"', metadata={"tags": ["parameters"]})]
    cellules += [nbformat.v4.new_code_cell(e) for e in expressions]
    fichier = ici / "carnet.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cellules, metadata=PYTHON), fichier)
    return fichier


PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
NOMS = "sorted(n for n in globals() if 'iagnostic' in n or n == 'cafdiag')"
NUMERO = "__import__('os').getpid()"


def test_il_ne_laisse_rien_dans_l_espace_du_carnet(carnet, vivants):
    with processus.processus_d_avance():
        (avance,) = vivants(1)
        noms, numero, dernier = carnet(NOMS, NUMERO)
        assert vivants(0) == []
    # Deux cellules de paramètres, puis les deux autres.
    assert (noms, int(numero), dernier) == ("[]", avance.pid, 4)


def test_il_ne_sert_qu_une_fois(carnet, vivants):
    with processus.processus_d_avance():
        (un, _), (autre, _) = (carnet(NUMERO) for _ in range(2))
    assert un != autre and vivants(0) == []


def test_mort_avant_de_servir_un_autre_le_remplace(carnet, vivants):
    with processus.processus_d_avance():
        (avance,) = vivants(1)
        avance.kill()
        avance.wait(30)
        numero, _ = carnet(NUMERO)
    assert int(numero) != avance.pid and vivants(0) == []


def test_la_commande_refusee_n_en_laisse_pas(tmp_path, capsys, vivants):
    assert principal(["diagnostic", "99999", "--sortie", str(tmp_path)]) == 2
    assert "territoire inconnu" in capsys.readouterr().err
    assert vivants(0) == [] and list(tmp_path.iterdir()) == []


def test_une_cellule_sans_fin_s_arrete_et_le_carnet_est_garde(tmp_path, vivants):
    sans_fin = _ecrire(tmp_path, "print('avant')", "while True: pass")
    with pytest.raises(ProductionImpossible, match="plus de 2 s pour une cellule"):
        produire._executer(sans_fin, {"code": CODE}, sortie=tmp_path, suffixe="x", delai=2)
    garde = nbformat.read(tmp_path / "echecs" / "diagnostic-x.ipynb", as_version=4)
    nbformat.validate(garde)
    montre = [[s.get("text", s.get("ename")) for s in c.outputs] for c in garde.cells if c.get("outputs")]
    assert montre == [["avant\n"], ["DelaiDepasse"]] and vivants(0) == []


def test_une_erreur_de_la_demande_reste_une_demande_fausse(carnet):
    from cafdiag.erreurs import DemandeFausse

    with pytest.raises(DemandeFausse, match="rien de tel"):
        carnet("import cafdiag.erreurs as e\nraise e.DemandeFausse('rien de tel')")


def test_le_dossier_courant_ne_prend_la_place_d_aucun_module(tmp_path, monkeypatch, carnet):
    (tmp_path / "pandas.py").write_text("raise RuntimeError('celui de l usager')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert carnet("__import__('pandas').__name__")[0] == "'pandas'"


def test_sans_aucun_reseau_pas_meme_local(tmp_path):
    """Le bouclage coupé, un noyau Jupyter ne répond jamais ; un processus n'a besoin d'aucune prise."""
    refuser = "import socket\ndef refuser(*_): raise OSError('réseau coupé')\n"
    refuser += "socket.socket.bind = socket.socket.connect = refuser\n"
    (tmp_path / "sitecustomize.py").write_text(refuser, encoding="utf-8")
    with pytest.MonkeyPatch.context() as remplace:
        remplace.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        fichier = _ecrire(tmp_path, "import socket; socket.socket().bind(('127.0.0.1', 0))")
        rendu = processus.jouer(Travail("x", fichier, {"code": CODE}), Limites(delai=60))
    # La cellule a bien été jouée, sans réseau.
    assert rendu.faute == ("OSError", "réseau coupé")


def test_memes_octets_avec_et_sans(tmp_path, vivants):
    with processus.processus_d_avance():
        produire.diagnostic(CODE, sortie=tmp_path / "avec")
        assert vivants(0) == []
    produire.diagnostic(CODE, sortie=tmp_path / "sans")
    avec, sans = ({f.name: f.read_bytes() for f in (tmp_path / d).iterdir()} for d in ("avec", "sans"))
    assert len(sans) == 4 and avec == sans


# --- La commande se copie ---


def _jouer_a_part(ici, *expressions, avant="", delai=60):
    """Ce que vaut la dernière expression d'un carnet joué par une commande neuve : ses imports sont encore à faire."""
    programme = f"""
import pathlib, sys, threading
sys.modules["rfc3987_syntax"] = None
from cafdiag.restitution import processus
with processus.processus_d_avance():
    from cafdiag.restitution import produire
    {avant or "pass"}
    ici = pathlib.Path({str(ici)!r})
    joue = produire._executer(ici / "carnet.ipynb", {{"code": "1"}}, sortie=ici, suffixe="x", delai={delai})
print(joue.cells[-1].outputs[0]["data"]["text/plain"])
"""
    _ecrire(ici, *expressions)
    return subprocess.run([sys.executable, "-P", "-c", programme], capture_output=True, text=True, check=False)


COPIE = "(lambda p: p.cmdline() == p.parent().cmdline())(__import__('psutil').Process())"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="les copies demandent Linux")


@linux
@pytest.mark.parametrize(("avant", "copie"), [
    ("", True),
    # Un fil ouvert en vérifiant la demande : copier ne serait plus sûr.
    ("threading.Thread(target=threading.Event().wait, daemon=True).start()", False),
])
def test_la_commande_joue_son_carnet_dans_une_copie_d_elle_meme(tmp_path, avant, copie):
    rendu = _jouer_a_part(tmp_path, COPIE, avant=avant)
    assert rendu.stdout.strip() == str(copie), rendu.stderr


@linux
def test_la_copie_a_l_environnement_de_l_usager(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    rendu = _jouer_a_part(tmp_path, "[__import__('os').environ.get(n) for n in ('OMP_NUM_THREADS', 'MPLBACKEND')]")
    assert rendu.stdout.strip() == "['7', 'module://matplotlib_inline.backend_inline']", rendu.stderr


@linux
@pytest.mark.parametrize(("fin", "dit"), [
    ("while True: pass", "plus de 2 s pour une cellule"),
    ("__import__('os').kill(__import__('os').getpid(), 9)", "SIGKILL"),
])
def test_une_copie_qui_ne_finit_pas_ou_meurt_se_dit(tmp_path, fin, dit):
    rendu = _jouer_a_part(tmp_path, "print('avant')", fin, delai=2)
    assert rendu.returncode and dit in rendu.stderr
    garde = nbformat.read(tmp_path / "echecs" / "diagnostic-x.ipynb", as_version=4)
    assert "avant\n" in [s.get("text") for c in garde.cells for s in c.get("outputs", [])]
