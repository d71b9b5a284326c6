"""Les moteurs d'un lot : rien ne passe d'un carnet au suivant, une panne ne coûte qu'un territoire."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import lot_gabarits
import nbformat
import psutil
import pytest
from lot_gabarits import CODES, carnet, octets, plan

from cafdiag.erreurs import ProductionImpossible
from cafdiag.lot import dossier as module_dossier
from cafdiag.lot import machine
from cafdiag.lot.execution import Reglages, produire_lot
from cafdiag.lot.machine import Machine, Original, OriginalPerdu
from cafdiag.lot.plan import Plan
from cafdiag.restitution import processus
from cafdiag.restitution.processus import Limites, Travail

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="les copies demandent Linux")
MOTEURS = [pytest.param("copie", marks=linux), "neuf"]
# Vivent autant que la série d'essais : traqueur de multiprocessing, original partagé, navigateur d'autres essais.
ETRANGERS = ("resource_tracker", "cafdiag.lot.machine", "chrom", "playwright")
LARGES = Limites(delai=120, memoire=3000)


@pytest.fixture(scope="module", autouse=True)
def vrais(fils):
    with fils.vrais():
        yield


class OriginalPartage(Original):
    """Un seul original pour tous les essais : le démarrer coûte plus que les petits carnets."""

    vif = None

    def __new__(cls, **_):
        if cls.vif is None or not cls.vif.vivant:
            if cls.vif is not None:
                Original.fermer(cls.vif)
            cls.vif = super().__new__(cls)
            Original.__init__(cls.vif)
            Original.preparer(cls.vif)
        return cls.vif

    def __init__(self, **_):
        """Déjà fait, une fois."""

    def preparer(self, *_):
        """Rien à jouer d'avance dans de si petits carnets."""
        return self

    def fermer(self):
        """Il sert encore."""


@pytest.fixture(scope="module", autouse=True)
def un_seul_original():
    yield
    if OriginalPartage.vif is not None:
        Original.fermer(OriginalPartage.vif)
        OriginalPartage.vif = None


@pytest.fixture
def original_partage(monkeypatch):
    monkeypatch.setattr(machine, "Original", OriginalPartage)


@pytest.fixture
def provisoire(monkeypatch):
    """Dossier provisoire de ce seul essai : d'autres lots tournent en même temps sur la machine."""
    with tempfile.TemporaryDirectory(prefix="cd-") as propre:
        monkeypatch.setattr(tempfile, "tempdir", propre)
        yield Path(propre)


@pytest.fixture(autouse=True)
def rien_ne_reste(request, provisoire):
    """Ni processus, ni descripteur, ni dossier provisoire après un lot."""
    moi = psutil.Process()
    if "vrai" not in request.node.name:
        request.getfixturevalue("original_partage")
        if sys.platform.startswith("linux"):
            OriginalPartage()
    descripteurs = moi.num_fds() if hasattr(moi, "num_fds") else 0
    enfants = set(moi.children(recursive=True))
    yield
    limite = time.monotonic() + 60
    while time.monotonic() < limite:
        restants = [
            p
            for p in set(moi.children(recursive=True)) - enfants
            if not any(n in " ".join(_commande(p)) for n in ETRANGERS)
        ]
        if not restants:
            break
        time.sleep(0.1)
    assert restants == []
    assert not list(provisoire.glob("cafdiag-*"))
    if descripteurs:
        assert moi.num_fds() <= descripteurs + 4


def _commande(un: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return un.cmdline()
    return []


def lot(gabarit: Path, sortie: Path, *, codes=None, moteur="copie", processus=2, **options):
    """Mène un lot ; rend son bilan."""
    limites = options.pop("limites", LARGES)
    reglages = Reglages(sortie=sortie, moteur=moteur, processus=processus, limites=limites, **options)
    return produire_lot(plan(gabarit, codes), reglages)


def constats(dossier: Path) -> dict[str, str]:
    """Ce que chaque carnet a constaté."""
    import re

    trouves = {}
    for page in dossier.glob("diagnostic-*.html"):
        (phrase,) = re.findall(r"<p>(\d+) (.*?)</p>", page.read_text(encoding="utf-8"), re.S)
        trouves[phrase[0]] = phrase[1]
    return trouves


# --- L'isolement ---

POLLUTION = """
import builtins, gc, os, random, sys, threading, warnings
import numpy as np, pandas as pd, matplotlib.pyplot as plt
traces = []
if os.environ.get("CAFDIAG_TRACE"): traces.append("environnement")
if os.path.exists("trace.txt"): traces.append("dossier")
if pd.get_option("display.max_rows") == 7: traces.append("options")
if hasattr(pd.DataFrame, "trace"): traces.append("classe")
if hasattr(builtins, "trace"): traces.append("builtins")
if plt.rcParams["font.size"] == 33: traces.append("rcParams")
if "trace-de-chemin" in sys.path: traces.append("sys.path")
if "trace_de_module" in sys.modules: traces.append("sys.modules")
if plt.get_fignums(): traces.append("figures")
if ("error", None, Warning, None, 0) in warnings.filters: traces.append("filtres")
if any(t.name == "trace" for t in threading.enumerate()): traces.append("fils")
if "variable_du_carnet" in globals(): traces.append("variables")
if sys.getrecursionlimit() == 4321: traces.append("récursion")
"""
SALIR = """
os.environ["CAFDIAG_TRACE"] = "1"
open("trace.txt", "w").close()
os.chdir("..")
pd.set_option("display.max_rows", 7)
pd.DataFrame.trace = 1
builtins.trace = 1
plt.rcParams["font.size"] = 33
sys.path.append("trace-de-chemin")
sys.modules["trace_de_module"] = sys
plt.figure()
warnings.simplefilter("error")
threading.Thread(target=lambda: threading.Event().wait(), name="trace", daemon=True).start()
variable_du_carnet = 1
sys.setrecursionlimit(4321)
descripteurs = [open(os.devnull) for _ in range(50)]
random.seed(0); np.random.seed(0)
constat = ",".join(traces)
"""


@pytest.mark.parametrize("moteur", MOTEURS)
def test_rien_ne_passe_d_un_carnet_au_suivant(tmp_path, moteur):
    gabarit = carnet(tmp_path / "g.ipynb", POLLUTION, SALIR)
    codes = CODES[:2]
    bilan = lot(gabarit, tmp_path / "s", moteur=moteur, processus=1, codes=codes)
    assert bilan.code_retour == 0
    assert constats(tmp_path / "s") == dict.fromkeys(codes, "")
    # Le lot lui-même n'a pas été sali.
    assert "CAFDIAG_TRACE" not in os.environ and "trace-de-chemin" not in sys.path


@linux
def test_vrai_original_sans_pollution(tmp_path):
    """Une cellule qui règle pandas n'est pas jouée d'avance : la première cellule de chacun le verrait."""
    gabarit = carnet(tmp_path / "g.ipynb", POLLUTION + "constat = ','.join(traces)", SALIR.split("constat")[0])
    assert lot(gabarit, tmp_path / "s", codes=CODES[:2]).code_retour == 0
    assert constats(tmp_path / "s") == dict.fromkeys(CODES[:2], "")


@linux
def test_le_hasard_differe_d_une_copie_a_l_autre(tmp_path):
    gabarit = carnet(
        tmp_path / "g.ipynb",
        "import random, os, numpy as np\n"
        "constat = f'{random.random()} {np.random.rand()} {np.random.default_rng().random()}'",
    )
    lot(gabarit, tmp_path / "s")
    tirages = [set(c.split()) for c in constats(tmp_path / "s").values()]
    assert len(set().union(*tirages)) == 3 * len(CODES)


@linux
def test_une_copie_peut_lire_compter_et_se_dupliquer(tmp_path):
    """Fils de pyarrow, algèbre linéaire, processus : ce qui bloquerait après un fork mal fait."""
    gabarit = carnet(
        tmp_path / "g.ipynb",
        "import multiprocessing as mp, threading, subprocess, sys\n"
        "import numpy as np\n"
        "from cafdiag.magasin import lire_contours, lire_table\n"
        "n = len(lire_table('communes')) > 30000 and len(lire_contours('regions'))\n"
        "d = round(float(np.linalg.det(np.eye(300) @ np.eye(300))))\n"
        "f = threading.Thread(target=lambda: print('fil')); f.start(); f.join()\n"
        "with mp.get_context('fork').Pool(2) as groupe: c = groupe.map(abs, [-1, -2])\n"
        "s = subprocess.run([sys.executable, '-c', 'print(6*7)'], capture_output=True, text=True).stdout.strip()\n"
        "constat = f'{n} {d} {c} {s}'",
    )
    assert lot(gabarit, tmp_path / "s", codes=CODES[:2]).code_retour == 0
    assert set(constats(tmp_path / "s").values()) == {"18 1 [1, 2] 42"}


RICHE = (
    "import sys, os\nprint('bonjour'); print('gare', file=sys.stderr)\nNone",
    "from IPython.display import display, HTML, clear_output\nh = display('a', display_id='x'); 1 + 1",
    "h.update('b'); print('effacé'); clear_output(); display(HTML('<b>gras</b>')); print('é\\ud83d'[0])",
    "print('vieux'); clear_output(wait=True); print('neuf')",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "import pandas as pd\nplt.plot([2, 1]); pd.DataFrame({'a': [1, None]})",
    "import asyncio\nawait asyncio.sleep(0.01)\n%xmode Plain\n!echo commande\n_",
    "import numpy as np\n"
    "display({'application/json': {'a': np.int64(3), 'b': {1}, 'c': np.float32(.5), 3: (1, 2)}}, raw=True)",
    "display({'image/png': b'\\x89PNG'}, raw=True)",
    "",
    "open('ici.txt', 'w').close(); os.listdir()",
)


@pytest.mark.filterwarnings("ignore")
def test_memes_sorties_qu_un_noyau_jupyter(tmp_path, monkeypatch):
    """Flux, magies, affichages mis à jour, figures, attente, octets, nombres de numpy : le vrai noyau fait foi."""
    import papermill

    # ipykernel se conduit autrement quand il se croit dans pytest.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    gabarit = carnet(tmp_path / "g.ipynb", *RICHE)
    ailleurs = tmp_path / "ailleurs"
    ailleurs.mkdir()
    attendu = papermill.execute_notebook(
        str(gabarit), None, parameters={"code": "1"}, progress_bar=False, cwd=str(ailleurs)
    )
    rendu = processus.jouer(Travail("x", gabarit, {"code": "1"}), LARGES)
    assert rendu.motif == ""
    lus = [
        [(c.source, c.execution_count, c.outputs) for c in lu.cells if c.cell_type == "code"]
        for lu in (rendu.rendu, attendu)
    ]
    for ici, la_bas in zip(*lus, strict=True):
        assert ici == la_bas
    assert rendu.rendu.metadata["language_info"] == attendu.metadata["language_info"]


# --- Ce qu'un carnet peut faire ---


@pytest.mark.parametrize("moteur", MOTEURS)
def test_rien_ne_s_execute_apres_une_erreur(tmp_path, moteur):
    """Une cellule échoue : les suivantes ne sont pas jouées."""
    temoin = tmp_path / "temoin"
    gabarit = carnet(tmp_path / "g.ipynb", "print('avant')", "1 / 0", f"open({str(temoin)!r}, 'w').close()")
    bilan = lot(gabarit, tmp_path / "s", moteur=moteur, codes=CODES[:1])
    assert list(bilan.echecs.values()) == ["ZeroDivisionError : division by zero"]
    assert not temoin.exists()
    (garde,) = (tmp_path / "s" / "echecs").glob("*.ipynb")
    lu = nbformat.read(garde, as_version=4)
    jouees = [c.execution_count for c in lu.cells if c.cell_type == "code" and c.execution_count]
    # Les paramètres et leurs valeurs, le constat, « avant », l'erreur : cinq, et aucune après.
    assert jouees == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("moteur", MOTEURS)
def test_une_erreur_permise_n_arrete_pas_le_carnet(tmp_path, moteur):
    """L'étiquette raises-exception laisse jouer la suite ; papermill, lui, compte l'erreur à la fin."""
    temoin = tmp_path / "temoin"
    gabarit = carnet(tmp_path / "g.ipynb", "1 / 0", f"open({str(temoin)!r}, 'w').close()")
    lu = nbformat.read(gabarit, as_version=4)
    (fautive,) = [c for c in lu.cells if c.source == "1 / 0"]
    fautive.metadata["tags"] = ["raises-exception"]
    nbformat.write(lu, gabarit)
    lot(gabarit, tmp_path / "s", moteur=moteur, codes=CODES[:1])
    assert temoin.exists()


@linux
def test_la_mort_du_processus_garde_ce_qui_etait_affiche(tmp_path):
    """Ce que les cellules d'avant, et celle qui meurt, ont affiché est dans le carnet gardé, à sa place."""
    mort = "print('juste avant', flush=True)\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    gabarit = carnet(tmp_path / "g.ipynb", "print('x' * 300_000)", mort, "constat = 'jamais'")
    bilan = lot(gabarit, tmp_path / "s", codes=CODES[:1])
    assert list(bilan.echecs.values()) == ["ProcessusArrete : le processus s'est arrêté (signal SIGKILL)"]
    (garde,) = (tmp_path / "s" / "echecs").glob("*.ipynb")
    cellules = {c.source: c.outputs for c in nbformat.read(garde, as_version=4).cells if c.cell_type == "code"}
    assert len(cellules["print('x' * 300_000)"][0].text) == 300_001
    assert [s.get("text", s.get("ename")) for s in cellules[mort]] == ["juste avant\n", "ProcessusArrete"]
    assert cellules["constat = 'jamais'"] == []


@linux
def test_de_gros_affichages_passent(tmp_path):
    grosse = "texte = '" + "é" * 400_000 + "'\nprint(texte)\nconstat = str(len(texte))"
    gabarit = carnet(
        tmp_path / "g.ipynb", *(f"n = {i}; print('y' * 50_000)" for i in range(60)), grosse, "print(texte)", grosse
    )
    limites = Limites(delai=60, memoire=3000)
    assert lot(gabarit, tmp_path / "s", codes=CODES[:2], limites=limites).code_retour == 0
    assert set(constats(tmp_path / "s").values()) == {"400000"}


# Ce que la machinerie doit supporter d'un carnet qui ne se tient pas tranquille.
BAVARD = "import time\nfin = time.time() + 120\nwhile time.time() < fin:\n    print('x', flush=True); time.sleep(0.02)"
FIL = """import threading, time
from IPython.display import HTML, display
def parler():
    for _ in range(60):
        display(HTML('z' * 200_000)); time.sleep(0.002)
fil = threading.Thread(target=parler); fil.start()"""
ENFANT = "import os\npid = os.fork()\nconstat = 'parent' if pid else 'enfant'\nif pid: os.waitpid(pid, 0)"


@linux
def test_un_carnet_bavard_n_echappe_pas_au_delai(tmp_path):
    """Ni une cellule qui affiche sans cesse, ni une suite de cellules courtes."""
    courtes = [f"import time; time.sleep(0.1); n = {i}" for i in range(1200)]
    for nom, cellules in {"bavard": [BAVARD], "courtes": courtes}.items():
        gabarit = carnet(tmp_path / f"{nom}.ipynb", *cellules)
        limites = Limites(delai=2, memoire=3000)
        bilan = lot(gabarit, tmp_path / nom, codes=CODES[:1], limites=limites)
        assert list(bilan.echecs.values()) == ["DelaiDepasse : plus de 2 s pour le carnet"]
        assert bilan.duree < 60


@pytest.mark.parametrize("moteur", MOTEURS)
def test_un_carnet_qui_congedie_son_processus_ne_continue_pas(tmp_path, moteur):
    """« exit() » : ce que la cellule affiche reste ; la suite n'est pas jouée."""
    temoin = tmp_path / "temoin"
    suite = ("import time; time.sleep(3)", f"open({str(temoin)!r}, 'w').close()")
    gabarit = carnet(tmp_path / "g.ipynb", "print('adieu'); exit()", *suite)
    bilan = lot(gabarit, tmp_path / "s", moteur=moteur, codes=CODES[:1])
    assert bilan.code_retour == 1 and not temoin.exists()
    (raison,) = bilan.echecs.values()
    assert raison.startswith("ProcessusArrete")
    (garde,) = (tmp_path / "s" / "echecs").glob("*.ipynb")
    assert "adieu" in garde.read_text(encoding="utf-8")


@linux
def test_un_fil_qui_affiche_ne_brouille_rien(tmp_path):
    gabarit = carnet(tmp_path / "g.ipynb", FIL, *(f"n = {i}" for i in range(40)), "fil.join(); constat = 'entier'")
    assert lot(gabarit, tmp_path / "s", codes=CODES[:2]).code_retour == 0
    assert set(constats(tmp_path / "s").values()) == {"entier"}


@linux
def test_une_copie_que_le_carnet_oublie_ne_repond_pas_a_sa_place(tmp_path):
    gabarit = carnet(tmp_path / "g.ipynb", ENFANT, "n = 1")
    assert lot(gabarit, tmp_path / "s", codes=CODES[:2]).code_retour == 0
    assert set(constats(tmp_path / "s").values()) == {"parent"}


@linux
def test_un_caractere_impossible_ne_vide_pas_le_carnet(tmp_path):
    gabarit = carnet(tmp_path / "g.ipynb", "print('\\ud800 ok')", "constat = 'entier'")
    assert lot(gabarit, tmp_path / "s", codes=CODES[:1]).code_retour == 0
    assert "ok" in (tmp_path / "s" / f"diagnostic-{CODES[0]}.ipynb").read_text(encoding="utf-8")


@linux
def test_un_grand_environnement_arrive_entier(tmp_path, monkeypatch):
    for nom in ("GRANDE_A", "GRANDE_B", "GRANDE_C"):
        monkeypatch.setenv(nom, "x" * 120_000)
    gabarit = carnet(tmp_path / "g.ipynb", "import os\nconstat = len(os.environ['GRANDE_C'])")
    assert lot(gabarit, tmp_path / "s", codes=CODES[:1]).code_retour == 0
    assert set(constats(tmp_path / "s").values()) == {"120000"}


# --- Les fautes ---

FAUTES = {
    "erreur": "1 / 0",
    "sigkill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "sigsegv": "import ctypes; ctypes.string_at(0)",
    "sortie": "import os; os._exit(3)",
    "sans_fin": "while True: pass",
    # Occupé, un processus neuf prendrait trente secondes d'un cœur aux autres essais.
    "sommeil": "import time; time.sleep(120)",
    "memoire": "import time; x = bytearray(900_000_000); time.sleep(60)",
    "quitter": "import sys; sys.exit(1)",
}
MOTIFS = {
    "erreur": "ZeroDivisionError",
    "sigkill": "ProcessusArrete",
    "sigsegv": "ProcessusArrete",
    "sortie": "ProcessusArrete",
    "sans_fin": "DelaiDepasse",
    "sommeil": "DelaiDepasse",
    "memoire": "MemoireDepassee",
    "quitter": "SystemExit",
}


def _fautif(chemin: Path, code: str, faute: str) -> Path:
    return carnet(chemin, f"if code == '{code}':\n    {FAUTES[faute]}")


@pytest.fixture(scope="module")
def sain(tmp_path_factory):
    """Un lot sans faute : la référence."""
    racine = tmp_path_factory.mktemp("sain")
    gabarit = carnet(racine / "g.ipynb", "pass")
    assert lot(gabarit, racine / "s").code_retour == 0
    return octets(racine / "s") | {"index.html": (racine / "s" / "index.html").read_bytes()}


@linux
def test_ni_l_ordre_ni_le_nombre_de_processus_ne_changent_rien(tmp_path, sain):
    lot(carnet(tmp_path / "g.ipynb", "pass"), tmp_path / "s", codes=CODES[::-1], processus=1)
    assert octets(tmp_path / "s") | {"index.html": (tmp_path / "s" / "index.html").read_bytes()} == sain


@pytest.mark.parametrize("faute", [pytest.param(f, marks=linux) for f in FAUTES if f != "sommeil"])
def test_une_faute_ne_coute_qu_un_territoire(tmp_path, faute):
    limites = Limites(delai=6 if faute == "sans_fin" else 180, memoire=700 if faute == "memoire" else 3000)
    _une_faute_ne_coute_que_les_siens(tmp_path, {CODES[2]: faute}, limites, moteur="copie")


def test_trois_fautes_ne_coutent_que_trois_territoires_a_des_processus_neufs(tmp_path):
    # Un processus neuf peut mettre dix secondes à naître sur une machine occupée : le délai n'est pas le sien.
    limites = Limites(delai=30, memoire=700)
    morte = "sigkill" if sys.platform.startswith("linux") else "sortie"
    fautes = dict(zip(CODES[1:4], (morte, "sommeil", "memoire"), strict=True))
    _une_faute_ne_coute_que_les_siens(tmp_path, fautes, limites, moteur="neuf")


def _une_faute_ne_coute_que_les_siens(tmp_path, fautes: dict[str, str], limites: Limites, *, moteur: str) -> None:
    sortie = tmp_path / "s"
    fautives = "\n".join(f"if code == '{code}':\n    {FAUTES[faute]}" for code, faute in fautes.items())
    gabarit = carnet(tmp_path / "g.ipynb", fautives)
    bilan = lot(gabarit, sortie, moteur=moteur, limites=limites)
    assert bilan.code_retour == 1 and set(bilan.echecs) == set(fautes)
    index = (sortie / "index.html").read_text(encoding="utf-8")
    for fautif, faute in fautes.items():
        assert bilan.echecs[fautif].startswith(MOTIFS[faute])
        # Rangé sous echecs/, avec la bannière de papermill ; jamais publié.
        assert not list(sortie.glob(f"*{fautif}*"))
        garde = nbformat.read(sortie / "echecs" / f"diagnostic-{fautif}.ipynb", as_version=4)
        assert any("papermill-error-cell-tag" in c.metadata.get("tags", []) for c in garde.cells)
        assert MOTIFS[faute] in json.dumps(garde)
        assert MOTIFS[faute] in index and f"diagnostic-{fautif}.html" not in index
    # Les autres : ceux d'un lot sans faute.
    avant, saufs = octets(sortie), len(CODES) - len(fautes)
    assert len(avant) == 3 * saufs
    reprise = lot(carnet(gabarit, "pass"), sortie, moteur=moteur, reprendre=True)
    assert reprise.code_retour == 0 and (reprise.faits, reprise.repris) == (len(fautes), saufs)
    assert not list((sortie / "echecs").glob("*.ipynb"))
    assert {n: o for n, o in octets(sortie).items() if n in avant} == avant


@linux
def test_les_autres_pages_sont_celles_d_un_lot_sans_faute(tmp_path, sain):
    lot(_fautif(tmp_path / "g.ipynb", CODES[1], "sigkill"), tmp_path / "s")
    pages = {n: o for n, o in octets(tmp_path / "s").items() if not n.endswith(".ipynb")}
    attendues = {n: o for n, o in sain.items() if CODES[1] not in n and not n.endswith(".ipynb")}
    assert pages == {n: o for n, o in attendues.items() if n != "index.html"}


@linux
@pytest.mark.parametrize("dit_fini", [True, False])
def test_l_original_tue_en_route_est_relance(tmp_path, sain, monkeypatch, dit_fini):
    """Tué par un carnet : ceux de ses copies recommencent dans celles du suivant.

    Ses prises se ferment avant que le système le dise fini : le carnet n'y est pour rien là non plus.
    """
    if not dit_fini:
        monkeypatch.setattr(machine.subprocess.Popen, "poll", lambda _: None)
    temoin = tmp_path / "deja"
    gabarit = carnet(
        tmp_path / "g.ipynb",
        "import os, pathlib, signal, time\n"
        f"temoin = pathlib.Path({str(temoin)!r})\n"
        f"if code == '{CODES[1]}' and not temoin.exists():\n"
        "    temoin.touch(); os.kill(os.getppid(), signal.SIGKILL); time.sleep(300)",
    )
    assert lot(gabarit, tmp_path / "s").code_retour == 0
    assert temoin.exists() and set(octets(tmp_path / "s")) == set(sain) - {"index.html"}


@linux
def test_vrai_original_que_son_carnet_tue_toujours_un_processus_neuf_le_remplace(tmp_path):
    gabarit = carnet(
        tmp_path / "g.ipynb",
        "import os, signal, time, psutil\n"
        "if 'lot.machine' in ' '.join(psutil.Process().parent().cmdline()):\n"
        "    os.kill(os.getppid(), signal.SIGKILL); time.sleep(300)",
    )
    assert lot(gabarit, tmp_path / "s", codes=CODES[:1]).code_retour == 0
    assert _moteurs(tmp_path / "s") == {"neuf"}


def _moteurs(sortie: Path) -> set[str]:
    """D'où venaient les processus d'un lot."""
    return {f["moteur"] for f in json.loads((sortie / "lot.json").read_text(encoding="utf-8"))["territoires"].values()}


@linux
def test_un_programme_laisse_par_un_carnet_est_arrete(tmp_path):
    gabarit = carnet(
        tmp_path / "g.ipynb",
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\nconstat = p.pid",
    )
    lot(gabarit, tmp_path / "s", codes=CODES[:1])
    (pid,) = constats(tmp_path / "s").values()
    limite = time.monotonic() + 60
    while psutil.pid_exists(int(pid)) and time.monotonic() < limite:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE


def test_original_refuse_le_lot_se_replie_et_le_dit(tmp_path, monkeypatch):
    class Refuse:
        def __init__(self, **_):
            raise OriginalPerdu("l'original ne peut pas servir : 2 fils vivants")

    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine, "Original", Refuse)
    dites = []
    gabarit = carnet(tmp_path / "g.ipynb")
    reglages = Reglages(sortie=tmp_path / "s", processus=1, limites=LARGES)
    bilan = produire_lot(plan(gabarit, CODES[:1]), reglages, annoncer=dites.append)
    assert bilan.code_retour == 0
    assert any("2 fils vivants" in d and "neuf" in d for d in dites)
    assert _moteurs(tmp_path / "s") == {"neuf"}


@linux
def test_un_original_qui_ne_renait_plus_ne_perd_pas_le_lot(tmp_path, monkeypatch):
    """Il sert un carnet, puis plus jamais : la suite se fait par des processus neufs, et se dit."""
    nes = []

    class UneFois(Original):
        def __init__(self, **options):
            nes.append(1)
            super().__init__(**options)

        def preparer(self, *_):
            if len(nes) > 1:
                self.fermer()
                raise OriginalPerdu("l'original ne peut pas servir : il n'a pas démarré")
            return super().preparer()

        def copie(self, dossier):
            if getattr(self, "servi", False):
                self._processus.kill()
                self._processus.wait()
            self.servi = True
            return super().copie(dossier)

    monkeypatch.setattr(machine, "Original", UneFois)
    dites = []
    gabarit = carnet(tmp_path / "g.ipynb", "constat = 'fait'")
    reglages = Reglages(sortie=tmp_path / "s", moteur="copie", processus=1, limites=LARGES)
    bilan = produire_lot(plan(gabarit, CODES[:3]), reglages, annoncer=dites.append)
    assert bilan.code_retour == 0 and bilan.faits == 3
    assert sum("la suite de ce lot se fait par « neuf »" in d for d in dites) == 1
    assert set(constats(tmp_path / "s").values()) == {"fait"} and _moteurs(tmp_path / "s") == {"copie", "neuf"}


@linux
def test_le_dossier_provisoire_ote_en_route_ne_coute_que_les_carnets_en_cours(tmp_path):
    (commande,) = plan(carnet(tmp_path / "g.ipynb"), CODES[:1]).commandes
    ici = Machine("copie", 1, LARGES, commande, annoncer=print)
    try:
        Path(ici._provisoire.name).rmdir()
        assert ici.lire(ici.soumettre(commande)).etat == "fait"
    finally:
        ici.fermer()


def test_toute_faute_de_la_machinerie_est_une_panne(tmp_path):
    (commande,) = plan(carnet(tmp_path / "g.ipynb"), CODES[:1]).commandes
    ici = Machine("neuf", 1, LARGES, commande, annoncer=print)
    try:
        futur = Future()
        futur.set_exception(FileNotFoundError("plus là"))
        with pytest.raises(machine.Panne, match="plus là"):
            ici.lire(futur)
    finally:
        ici.fermer()


@linux
@pytest.mark.parametrize("moteur", ["copie", "neuf"])
@pytest.mark.parametrize("signal_", ["SIGTERM", "SIGKILL"])
def test_un_lot_tue_ne_laisse_rien_derriere_lui(tmp_path, moteur, signal_):
    """Le signal ne frappe que le lot : ses processus finissent d'eux-mêmes."""
    essai = subprocess.Popen(
        [sys.executable, "-m", "cafdiag", "lot", "--departement", "53", "--formats", "html", "--moteur", moteur,
         "--sortie", str(tmp_path / "s"), "--processus", "1"],
        cwd=Path(__file__).resolve().parent.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    with essai:
        limite = time.monotonic() + 120
        enfants: list[psutil.Process] = []
        while not any("principal()" in " ".join(_commande(p)) for p in enfants):
            assert time.monotonic() < limite and essai.poll() is None
            time.sleep(0.2)
            enfants = psutil.Process(essai.pid).children(recursive=True)
        os.kill(essai.pid, getattr(signal, signal_))
        code = essai.wait(timeout=120)
    assert code == (143 if signal_ == "SIGTERM" else -signal.SIGKILL)
    _, vivants = psutil.wait_procs(enfants, timeout=60)
    assert vivants == []


def test_hors_de_linux_le_repli_est_annonce(monkeypatch):
    monkeypatch.setattr(machine.sys, "platform", "win32")
    dites = []
    assert machine.choisir("auto", annoncer=dites.append) == "neuf" and dites == []
    assert machine.choisir("copie", annoncer=dites.append) == "neuf" and "Linux" in dites[0]


@linux
def test_un_original_a_plusieurs_fils_refuse(tmp_path, monkeypatch):
    """Quelque chose ouvre un fil au démarrage : la duplication n'est plus sûre."""
    (tmp_path / "sitecustomize.py").write_text(
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", ""), *sys.path]))
    with pytest.raises(OriginalPerdu, match="2 fils vivants"):
        Original().preparer()


@linux
@pytest.mark.lent
def test_vrai_original_du_vrai_carnet_n_a_qu_un_fil(tmp_path, monkeypatch):
    """Mesures gardées ou non : une seule lecture qui ouvre un fil, et tous les lots perdraient leurs copies."""
    gabarit = module_dossier.dossier("templates") / "diagnostic_ctg.ipynb"
    monkeypatch.setenv("CAFDIAG_MEMOIRE", str(tmp_path))
    for _ in range(2):
        Original().preparer(str(gabarit), {"code": CODES[0]}).fermer()
    assert list(tmp_path.iterdir())


# --- Le disque ---


class DisquePlein:
    """Un disque qui n'a plus de place pour un territoire, tant qu'on ne le vide pas."""

    def __init__(self, code: str) -> None:
        self.code, self.plein = code, True

    def __call__(self, sortie, fichiers):
        if self.plein and any(self.code in nom for nom, _ in fichiers.values()):
            erreur = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise ProductionImpossible(f"impossible d'écrire ({erreur.strerror})")
        return self.vrai(sortie, fichiers)

    vrai = staticmethod(module_dossier.ranger)


@linux
def test_disque_plein_puis_reprise(tmp_path, monkeypatch):
    disque = DisquePlein(CODES[3])
    monkeypatch.setattr(module_dossier, "ranger", disque)
    gabarit = carnet(tmp_path / "g.ipynb")
    bilan = lot(gabarit, tmp_path / "s")
    assert bilan.code_retour == 1 and list(bilan.echecs) == [CODES[3]]
    assert "impossible d'écrire" in bilan.echecs[CODES[3]]
    assert not list((tmp_path / "s").glob(f"*{CODES[3]}*"))
    disque.plein = False
    reprise = lot(gabarit, tmp_path / "s", reprendre=True)
    assert reprise.code_retour == 0 and reprise.faits == 1


@linux
def test_disque_reellement_plein(tmp_path):
    """Un petit système de fichiers en mémoire, si l'on a le droit d'en monter un."""
    disque = tmp_path / "disque"
    disque.mkdir()
    monte = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disque)], capture_output=True
    )
    if monte.returncode:
        pytest.skip("monter un tmpfs n'est pas permis ici : le disque plein est simulé à l'écriture")
    try:
        gabarit = carnet(tmp_path / "g.ipynb")
        with pytest.MonkeyPatch.context() as rustine:
            rustine.setattr("cafdiag.lot.execution._verifier_disque", lambda *a: None)
            bilan = lot(gabarit, disque, moteur="copie")
        assert bilan.code_retour == 1 and bilan.echecs
        assert all("impossible d'écrire" in m for m in bilan.echecs.values())
        # Rien à moitié : chaque page présente est entière.
        for page in disque.glob("*.html"):
            assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
        subprocess.run(["mount", "-o", "remount,size=20m", str(disque)], check=True)
        with pytest.MonkeyPatch.context() as rustine:
            rustine.setattr("cafdiag.lot.execution._verifier_disque", lambda *a: None)
            reprise = lot(gabarit, disque, reprendre=True)
        assert reprise.code_retour == 0 and reprise.faits + reprise.repris == len(CODES)
    finally:
        subprocess.run(["umount", str(disque)], check=True)


def test_disque_trop_petit_dit_avant_de_partir(tmp_path, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("cafdiag.lot.execution.shutil.disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(ProductionImpossible, match="libérez de la place"):
        lot(carnet(tmp_path / "g.ipynb"), tmp_path / "s")


# --- Ctrl-C, verrou, reprise ---

_PROGRAMME = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from lot_gabarits import CODES, plan
from cafdiag.lot.execution import Reglages, produire_lot
from cafdiag.restitution.processus import Limites
if __name__ == "__main__":
    print("parti", flush=True)
    def suivre(suivi, resultat):
        if resultat is not None: print("fini", resultat.cle, flush=True)
    reglages = Reglages(sortie=Path({sortie!r}), moteur={moteur!r}, processus=1, limites=Limites(delai=300))
    try:
        produire_lot(plan(Path({gabarit!r}), CODES[:2]), reglages, suivre=suivre)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@linux
@pytest.mark.parametrize("moteur", ["copie", "neuf"])
def test_ctrl_c_range_et_reprend(tmp_path, moteur):
    sortie = tmp_path / "s"
    lent = carnet(tmp_path / "g.ipynb", f"import time\nif code == '{CODES[1]}': time.sleep(120)")
    programme = tmp_path / "lancer_lot.py"
    programme.write_text(
        _PROGRAMME.format(
            tests=str(Path(lot_gabarits.__file__).parent), sortie=str(sortie), moteur=moteur, gabarit=str(lent)
        ),
        encoding="utf-8",
    )
    # Un groupe à lui : le Ctrl-C d'un terminal frappe tout le groupe.
    essai = subprocess.Popen(
        [sys.executable, str(programme)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    with essai:
        for ligne in essai.stdout:
            if ligne.startswith("fini"):
                break
        time.sleep(1.5)
        enfants = psutil.Process(essai.pid).children(recursive=True)
        assert enfants
        os.killpg(essai.pid, signal.SIGINT)
        assert essai.wait(timeout=120) == 130, essai.stderr.read()
    _, vivants = psutil.wait_procs(enfants, timeout=60)
    assert vivants == []
    etat = json.loads((sortie / "lot.json").read_text(encoding="utf-8"))["territoires"]
    assert etat[CODES[0]]["etat"] == "fait" and etat[CODES[1]]["etat"] == "a_faire"
    assert (sortie / "index.html").exists()
    sans = carnet(tmp_path / "g.ipynb", f"import time\nif code == '{CODES[1]}': time.sleep(0)")
    reprise = lot(sans, sortie, moteur=moteur, codes=CODES[:2], reprendre=True)
    assert reprise.code_retour == 0 and len(octets(sortie)) == 3 * 2


def test_deux_lots_dans_un_dossier_le_second_refuse(tmp_path):
    with module_dossier.reserver(tmp_path), pytest.raises(ProductionImpossible, match="un autre lot"):
        lot(carnet(tmp_path / "g.ipynb"), tmp_path)


@linux
def test_reprendre_ne_refait_que_ce_qui_a_change(tmp_path, monkeypatch):
    sortie = tmp_path / "s"
    gabarit = carnet(tmp_path / "g.ipynb")
    lot(gabarit, sortie)
    # Rien n'a changé, même si l'horloge des fichiers a bougé.
    for chemin in sortie.glob("*.html"):
        os.utime(chemin, (1, 1))
    assert lot(gabarit, sortie, reprendre=True).faits == 0
    # Un rapport effacé, un autre retouché : ces deux-là.
    (sortie / f"diagnostic-{CODES[0]}.html").unlink()
    (sortie / f"mesures-{CODES[1]}.csv").write_text("retouché", encoding="utf-8")
    assert lot(gabarit, sortie, reprendre=True).faits == 2
    # Une autre version du code, un autre état des données, un autre gabarit : tout.
    for nature in ("version", "donnees", "gabarits", "entrepot", "bibliotheques"):
        vraies = module_dossier.entrees_communes()
        with monkeypatch.context() as rustine:
            rustine.setattr(
                "cafdiag.lot.execution.entrees_communes", lambda v=vraies, n=nature: v | {n: "autre"}
            )
            plan_refait = lot(gabarit, sortie, reprendre=True, codes=CODES[:1])
        assert plan_refait.faits == 1, nature
        lot(gabarit, sortie, reprendre=True, codes=CODES[:1])


@linux
def test_un_format_qui_n_est_plus_demande_se_dit(tmp_path):
    """Son fichier n'est ni refait ni supprimé : ses chiffres peuvent vieillir, il faut le savoir."""
    sortie, dites = tmp_path / "s", []
    lot(carnet(tmp_path / "g.ipynb"), sortie, codes=CODES[:2])
    ancien = (sortie / f"diagnostic-{CODES[0]}.ipynb").read_bytes()
    autre = plan(carnet(tmp_path / "g.ipynb", "constat = 'autre'"), CODES[:2])
    pages = Plan(tuple(replace(c, formats=("html",)) for c in autre.commandes))
    reglages = Reglages(sortie=sortie, processus=2, reprendre=True, limites=LARGES)
    assert produire_lot(pages, reglages, annoncer=dites.append).faits == 2
    (dite,) = [d for d in dites if "sans être refaits" in d]
    assert dite.startswith("2 fichiers") and f"diagnostic-{CODES[0]}.ipynb" in dite
    assert (sortie / f"diagnostic-{CODES[0]}.ipynb").read_bytes() == ancien
