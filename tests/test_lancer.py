"""Le lanceur : ce qu'il décide (tampon, chemins), et ce qu'il dit quand l'installation échoue."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import lancer

RACINE = Path(lancer.__file__).resolve().parent


@pytest.fixture
def projet(tmp_path, monkeypatch):
    """Un projet vide, dont la racine remplace celle du lanceur."""
    for nom in ("verrou.txt", "verrou-tests.txt"):
        (tmp_path / nom).write_text("pandas==3.1.1\nnumpy==2.4.6\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    monkeypatch.setattr(lancer, "RACINE", tmp_path)
    return tmp_path


def faux_python(dossier: Path, corps: str) -> Path:
    """Un environnement dont le « Python » répond à l'interrogation, puis fait ce que dit `corps`."""
    python = lancer.python_du_venv(dossier / ".venv")
    python.parent.mkdir(parents=True, exist_ok=True)
    interrogation = 'case "$*" in *sysconfig*) echo "3.11 1 /nulle/part"; exit 0;; esac'
    python.write_text(f"#!/bin/sh\n{interrogation}\n{corps}", encoding="utf-8")
    python.chmod(0o755)
    return python


faux_executable = pytest.mark.skipif(os.name == "nt", reason="le faux exécutable est un script shell")


# --- Le Python ---


def test_lisible_par_un_vieux_python():
    # Un Python trop vieux doit pouvoir lire le fichier pour dire qu'il est trop vieux.
    ast.parse((RACINE / "lancer.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_bibliotheque_standard_seule():
    arbre = ast.parse((RACINE / "lancer.py").read_text(encoding="utf-8"))
    noms = {alias.name for n in ast.walk(arbre) if isinstance(n, ast.Import) for alias in n.names}
    noms |= {n.module for n in ast.walk(arbre) if isinstance(n, ast.ImportFrom)}
    assert {nom.split(".")[0] for nom in noms} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("version", "bits64", "message"),
    [
        ((3, 10), True, "Python 3.10 est trop vieux.*3.11 ou plus récent"),
        ((2, 7, 18), True, "Python 2.7 est trop vieux"),
        ((3, 12), False, "32 bits.*64-bit"),
    ],
)
def test_python_refuse(version, bits64, message):
    with pytest.raises(lancer.Echec, match=re.compile(message, re.S)):
        lancer.verifier_python(version, bits64)


def test_python_accepte(capsys):
    lancer.verifier_python((3, 11), True)
    lancer.verifier_python((3, 14, 2), True)
    assert capsys.readouterr().err == ""
    lancer.verifier_python((3, 15), True)
    assert "3.15 est plus récent" in capsys.readouterr().err


def test_python_du_venv():
    dossier = Path("projet") / ".venv"
    assert lancer.python_du_venv(dossier, "nt") == dossier / "Scripts" / "python.exe"
    assert lancer.python_du_venv(dossier, "posix") == dossier / "bin" / "python"


def test_environnement_laisse_le_bytecode(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PIP_USER", "1")
    env = lancer.environnement()
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert env["PIP_USER"] == "0"
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"


def test_interroger(tmp_path):
    version, paquets, avec_pip = lancer.interroger(Path(sys.executable))
    assert version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert Path(paquets).is_dir()
    assert avec_pip is True
    assert lancer.interroger(tmp_path / "absent") is None


# --- Le tampon ---


def test_empreinte_change_avec_ce_qui_compte(projet):
    def toutes() -> tuple[str, str, str]:
        return (
            lancer.empreinte(projet, "base", "3.11"),
            lancer.empreinte(projet, "tests", "3.11"),
            lancer.empreinte(projet, "base", "3.12"),
        )

    avant = toutes()
    assert avant == toutes()
    assert avant[0] != avant[2]
    (projet / "verrou-tests.txt").write_text("pandas==3.1.2\n", encoding="utf-8")
    assert [a == b for a, b in zip(avant, toutes(), strict=True)] == [True, False, True]
    (projet / "pyproject.toml").write_text("[project]\nname='x'\n", encoding="utf-8")
    assert toutes()[0] != avant[0]


def test_empreinte_ignore_les_fins_de_ligne(projet):
    # git, sous Windows, peut écrire « \r\n » : ce n'est pas une raison de réinstaller.
    avant = lancer.empreinte(projet, "base", "3.11")
    (projet / "verrou.txt").write_bytes(b"pandas==3.1.1\r\nnumpy==2.4.6\r\n")
    assert lancer.empreinte(projet, "base", "3.11") == avant


@pytest.mark.parametrize(
    ("tampon", "jeu", "attendu"),
    [
        ({}, "base", False),
        ({"base": "b"}, "base", True),
        ({"tests": "t"}, "base", True),
        ({"base": "b"}, "tests", False),
        ({"base": "vieux"}, "base", False),
        ({"tests": "t"}, "tests", True),
    ],
)
def test_a_jour(tampon, jeu, attendu):
    assert lancer.a_jour(tampon, jeu, {"base": "b", "tests": "t"}) is attendu


def test_lire_tampon(tmp_path):
    fichier = tmp_path / "cafdiag-installation.json"
    assert lancer.lire_tampon(tmp_path) == {}
    for contenu, attendu in (("{coupé", {}), ("[1]", {}), ('{"base": "b"}', {"base": "b"})):
        fichier.write_text(contenu, encoding="utf-8")
        assert lancer.lire_tampon(tmp_path) == attendu


def test_a_refaire(projet):
    etat = ("3.11", "paquets", True)
    ici = {"dossier": str(projet), "python": "3.11"}
    assert not lancer.a_refaire(etat, {}, False)  # fait à la main : on complète
    assert not lancer.a_refaire(etat, ici, False)
    assert lancer.a_refaire(etat, ici, True)  # inachevé
    assert lancer.a_refaire(None, ici, False)  # ne démarre pas
    assert lancer.a_refaire(("3.11", "paquets", False), ici, False)  # sans pip
    assert lancer.a_refaire(("3.10", "paquets", True), {}, False)
    assert lancer.a_refaire(etat, {**ici, "dossier": "ailleurs"}, False)
    assert lancer.a_refaire(("3.13", "paquets", True), ici, False)  # Python du système changé


# --- Ce qui se dit quand cela échoue ---


@pytest.mark.parametrize(
    ("journal", "cause"),
    [
        (
            "WARNING: Retrying: NewConnectionError: [Errno -3] Temporary failure in name resolution\n"
            "ERROR: No matching distribution found for pandas==3.1.1",
            "réseau est coupé",
        ),
        ("ERROR: [Errno 11001] getaddrinfo failed", "réseau est coupé"),
        ("ReadTimeoutError: Read timed out.", "réseau est coupé"),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", "proxy"),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))",
            "connexions sécurisées",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disque est plein",
        ),
        ("OSError: [WinError 112] There is not enough space on the disk", "disque est plein"),
        (
            "HINT: This error might have occurred since this system does not have Windows Long Path support.",
            "trop long pour Windows",
        ),
        ("ERROR: [WinError 5] Access is denied: 'python.exe'", "protégé"),
        ("ERROR: No matching distribution found for pandas==3.1.1", "n'existe pas tout prêt"),
        (
            "ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)",
            "n'a rien rendu",
        ),
        ("ERROR: quelque chose d'imprévu", "transmettez ce message"),
    ],
)
def test_expliquer(journal, cause):
    message = lancer.expliquer(journal, "l'installation n'a pas abouti")
    assert message.startswith("l'installation n'a pas abouti")
    assert cause in message
    assert "À faire :" in message
    assert journal.splitlines()[-1][:60] in message


@pytest.mark.parametrize(
    ("ligne", "nom"),
    [
        ("Collecting anyio==4.16.0 (from -r verrou.txt (line 9))", "anyio"),
        ("Requirement already satisfied: python-dateutil==4.0.0 in ./x", "python-dateutil"),
        ("Processing ./paquets/jupyter_client-8.10.0-py3-none-any.whl", "jupyter_client"),
        ("  Downloading anyio-4.16.0-py3-none-any.whl (134 kB)", None),
        ("Installing collected packages: anyio", None),
    ],
)
def test_nom_du_paquet(ligne, nom):
    assert lancer.nom_du_paquet(ligne) == nom


@faux_executable
def test_echec_de_pip_reseau_coupe(projet, monkeypatch, capsys):
    faux_python(
        projet,
        "echo 'WARNING: Failed to establish a new connection: [Errno 101]'\n"
        "echo 'ERROR: No matching distribution found for pandas==3.1.1' >&2\nexit 1\n",
    )
    monkeypatch.setattr(lancer, "creer_venv", lambda _: pytest.fail("le venv est bon"))
    assert lancer.principal(["diagnostic"]) == 1
    erreur = capsys.readouterr().err
    assert "le réseau est coupé ou trop lent" in erreur
    assert "relancez la même commande" in erreur
    assert "No matching distribution found for pandas" in erreur
    # L'installation n'est pas tenue pour faite, et sera reprise à partir de rien.
    assert lancer.lire_tampon(projet / ".venv") == {}
    assert (projet / ".venv" / "cafdiag-installation-en-cours").exists()


@faux_executable
def test_installation_reussie_puis_passage_de_la_commande(projet, capfd):
    faux_python(projet, 'echo "appel: $*"\ncase "$*" in *cafdiag*mesurer*) exit 2;; esac\n')
    assert lancer.principal(["mesurer", "0 1"]) == 2
    sortie, erreur = capfd.readouterr()
    # La sortie standard est à cafdiag seul : on doit pouvoir en lire du JSON.
    assert sortie == "appel: -P -m cafdiag mesurer 0 1\n"
    assert "Installation terminée" in erreur
    tampon = json.loads((projet / ".venv" / "cafdiag-installation.json").read_text(encoding="utf-8"))
    assert tampon == {
        "python": "3.11",
        "dossier": str(projet),
        "base": lancer.empreinte(projet, "base", "3.11"),
    }
    assert not (projet / ".venv" / "cafdiag-installation-en-cours").exists()
    # La seconde fois, rien ne s'installe.
    assert lancer.principal(["mesurer", "0 1"]) == 2
    assert capfd.readouterr() == ("appel: -P -m cafdiag mesurer 0 1\n", "")


def test_disque_plein_dit_avant_de_commencer(projet, monkeypatch, capsys):
    monkeypatch.setattr(lancer.shutil, "disk_usage", lambda _: type("Disque", (), {"free": 10_000_000})())
    assert lancer.principal(["diagnostic"]) == 1
    assert "le disque est plein" in capsys.readouterr().err
    assert not (projet / ".venv").exists()


@pytest.mark.parametrize("pip_du_systeme", [True, False])
def test_debian_sans_python3_venv(tmp_path, monkeypatch, pip_du_systeme):
    appels = []

    def faux(commande):
        appels.append(commande[1:])
        code = 1 if commande[-1] == str(tmp_path) and "--without-pip" not in commande else 0
        if "pip" in commande[1:3]:
            code = 0 if pip_du_systeme else 1
        texte = "The virtual environment was not created successfully because ensurepip is not available."
        return subprocess.CompletedProcess(commande, code, stdout=texte if code else "")

    monkeypatch.setattr(lancer, "lancer_muet", faux)
    if pip_du_systeme:
        lancer.creer_venv(tmp_path)
        assert appels[-1] == ["-m", "pip", "--python", str(lancer.python_du_venv(tmp_path)), "install", "pip"]
    else:
        with pytest.raises(lancer.Echec, match="apt-get install python3-venv"):
            lancer.creer_venv(tmp_path)


def test_venv_sans_pip_sera_refait(tmp_path):
    venv.create(tmp_path / "nu", with_pip=False, symlinks=os.name != "nt")
    etat = lancer.interroger(lancer.python_du_venv(tmp_path / "nu"))
    assert etat is not None
    assert lancer.a_refaire(etat, {}, False)


@pytest.mark.parametrize("aide", ["-h", "--help", "--aide"])
def test_aide_sans_rien_installer(projet, capsys, aide):
    assert lancer.principal([aide]) == 0
    assert "python lancer.py diagnostic" in capsys.readouterr().out
    assert not (projet / ".venv").exists()


def test_sans_argument_hors_terminal():
    essai = subprocess.run(
        [sys.executable, str(RACINE / "lancer.py")], stdin=subprocess.DEVNULL, capture_output=True, timeout=240
    )
    assert essai.returncode == 2
    assert b"python lancer.py tester" in essai.stdout


def test_double_clic_le_rapport_s_ouvre_seul(monkeypatch):
    passees, reponses = [], iter(["Angers", ""])
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda _: next(reponses))
    monkeypatch.setattr(lancer, "cafdiag", lambda arguments: passees.append(arguments) or 0)
    assert lancer.principal([]) == 0 and passees == [["diagnostic", "Angers", "--ouvrir"]]


def test_sortie_en_cp1252_ne_plante_pas():
    essai = subprocess.run(
        [sys.executable, "-c", "import lancer; lancer.principal(['-h']); print('≤')"],
        cwd=RACINE,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        timeout=240,
    )
    assert essai.returncode == 0
    assert "prépare tout" in essai.stdout.decode("cp1252")


# --- Le navigateur ---


def test_chromium_impose_d_abord():
    env = {"CAFDIAG_CHROMIUM": "mon-chromium", "PATH": ""}
    assert lancer.candidats_chromium(env, "posix") == ["mon-chromium"]


def test_chromium_de_windows(tmp_path):
    edge = tmp_path / "Microsoft" / "Edge" / "Application" / "msedge.exe"
    edge.parent.mkdir(parents=True)
    edge.touch()
    env = {"PATH": "", "ProgramFiles(x86)": str(tmp_path), "ProgramFiles": str(tmp_path / "autre")}
    assert lancer.candidats_chromium(env, "nt") == [str(edge)]


@faux_executable
def test_chromium_qui_ne_demarre_pas_est_ecarte(tmp_path):
    for nom, code in (("chromium", 1), ("google-chrome", 0)):
        (tmp_path / nom).write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
        (tmp_path / nom).chmod(0o755)
    assert lancer.trouver_chromium({"PATH": str(tmp_path)}) == str(tmp_path / "google-chrome")
    (tmp_path / "google-chrome").unlink()
    assert lancer.trouver_chromium({"PATH": str(tmp_path)}) is None


def test_sans_navigateur_cela_se_dit(monkeypatch):
    monkeypatch.setattr(lancer, "trouver_chromium", lambda: None)
    monkeypatch.setattr(lancer, "prefixe_apt", lambda: None)
    chemin, explication = lancer.assurer_chromium()
    assert chemin is None
    assert "CAFDIAG_CHROMIUM" in explication


def test_installation_de_chromium_par_apt(monkeypatch):
    reponses, appels = iter([None, "chromium-neuf"]), []
    monkeypatch.setattr(lancer, "trouver_chromium", lambda: next(reponses))
    monkeypatch.setattr(lancer, "prefixe_apt", lambda: ["sudo", "-n"])
    monkeypatch.setattr(
        lancer, "lancer_muet", lambda c: appels.append(c) or subprocess.CompletedProcess(c, 0, stdout="")
    )
    assert lancer.assurer_chromium()[0] == "chromium-neuf"
    assert [a[-1] for a in appels] == ["update", "chromium"]
    assert all(a[:2] == ["sudo", "-n"] for a in appels)


# --- Le résumé ---


def test_resume_additionne_et_dit_les_sauts(tmp_path):
    junit = tmp_path / "junit.xml"
    junit.write_text(
        """<testsuites><testsuite>
        <testcase name="a"/><testcase name="b"/><testcase name="c"><failure message="non"/></testcase>
        <testcase name="d"><error message="panne"/></testcase>
        <testcase name="e"><skipped message="pas de vrais fichiers"/></testcase></testsuite></testsuites>""",
        encoding="utf-8",
    )
    bilan = lancer.lire_junit(junit)
    assert bilan == {"reussis": 2, "echoues": 2, "sautes": 1, "raisons": {"pas de vrais fichiers": 1}}
    texte = lancer.resumer(["étape"], [bilan, bilan], "aucun")
    assert "2 × pas de vrais fichiers" in texte
    assert texte.splitlines()[-1] == "4 passed, 4 failed, 2 skipped"
    assert lancer.lire_junit(tmp_path / "absent.xml")["reussis"] == 0


@pytest.mark.parametrize(("codes", "attendu"), [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((0, 5), 1)])
def test_code_de_retour_de_tester(projet, monkeypatch, capsys, codes, attendu):
    vide = {"reussis": 3, "echoues": 0, "sautes": 0, "raisons": {}}
    monkeypatch.setattr(lancer, "preparer", lambda jeu: Path("python"))
    monkeypatch.setattr(lancer, "assurer_chromium", lambda: (None, "introuvable"))
    monkeypatch.setattr(lancer, "executer", lambda commande, env: codes[0])
    monkeypatch.setattr(lancer, "lancer_pytest", lambda python, arguments, env: (codes[1], vide))
    monkeypatch.chdir(projet)
    assert lancer.principal(["tester"]) == attendu
    sortie = capsys.readouterr().out
    assert "SANS NAVIGATEUR — introuvable" in sortie
    assert "aucun carnet" in sortie
    assert sortie.rstrip().endswith("3 passed, 0 failed, 0 skipped")
