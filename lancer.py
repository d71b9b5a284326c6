"""Le point d'entrée de cafdiag sur une machine neuve : il prépare tout, puis il lance.

    python lancer.py diagnostic            le diagnostic du Pays de Craon, en exemple
    python lancer.py diagnostic CODE       celui d'un autre territoire (code ou nom)
    python lancer.py territoires --recherche craon
    python lancer.py explorer              l'explorateur, en une page
    python lancer.py atelier               JupyterLab en français, sur les carnets
    python lancer.py tester                les contrôles et les essais du projet
    python lancer.py tester --vite         ses essais unitaires seuls, en moins d'une minute

Il ne demande que Python (3.11 ou plus récent) et pip : tout s'installe dans le dossier « .venv » du projet,
une seule fois. Toute commande autre que « tester » est passée à cafdiag.
"""

# Bibliothèque standard seule, et syntaxe de Python 3.7 : un Python trop vieux doit pouvoir lire ce fichier
# pour dire qu'il est trop vieux.
from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

RACINE = Path(__file__).resolve().parent
PYTHON_MINI, PYTHON_MAXI = (3, 11), (3, 14)
PLACE_NECESSAIRE = 1_500_000_000  # octets : les paquets, leur byte-code et le temps de les déballer
VERROUS = {"base": "verrou.txt", "tests": "verrou-tests.txt"}

# Ce que pip écrit, et ce qu'il faut en dire. Le réseau passe avant « aucune version » : quand il est coupé,
# pip affiche les deux.
PANNES = (
    (r"No space left on device|Errno 28\b|WinError 112|Disk quota exceeded|Errno 122\b",
     "le disque est plein", "libérez environ 2 Go, puis relancez la même commande"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError",
     "le réseau filtre les connexions sécurisées",
     "demandez à votre service informatique le certificat à donner à pip (« pip config set global.cert … »)"),
    (r"ProxyError|Tunnel connection failed|407 Proxy",
     "le serveur mandataire (proxy) a refusé la connexion",
     "demandez son adresse à votre service informatique (« pip config set global.proxy … »)"),
    (r"Temporary failure in name resolution|getaddrinfo failed|Name or service not known|NameResolutionError"
     r"|Failed to establish a new connection|NewConnectionError|Network is unreachable|Connection refused"
     r"|ConnectTimeoutError|ReadTimeoutError|Read timed out|Max retries exceeded|ConnectionResetError"
     r"|IncompleteRead|RemoteDisconnected",
     "le réseau est coupé ou trop lent",
     "vérifiez la connexion, puis relancez la même commande : ce qui est déjà téléchargé ne le sera plus"),
    (r"Long Path support|WinError 206|Filename too long|File name too long",
     "le chemin du dossier est trop long pour Windows",
     "déplacez le dossier du projet plus près de la racine, par exemple dans « C:\\cafdiag »"),
    (r"Permission denied|WinError 5\b|Access is denied|Errno 13\b|Read-only file system|Errno 30\b",
     "le dossier du projet est protégé, ou un fichier de « .venv » est en cours d'utilisation",
     "fermez les carnets ouverts, ou déplacez le projet dans un dossier à vous (« Documents »)"),
    (r"from versions: none",
     "le catalogue des paquets n'a rien rendu",
     "vérifiez la connexion et les réglages de pip (« pip config list »), puis relancez la même commande"),
    (r"No matching distribution found|Could not find a version that satisfies|Failed building wheel"
     r"|Failed to build|metadata-generation-failed",
     "un paquet n'existe pas tout prêt pour ce Python et ce système",
     "installez un Python 64 bits de la version 3.11 à 3.14, supprimez le dossier « .venv » et relancez"),
)


class Echec(Exception):
    """Ce qui empêche de continuer, dit à une personne."""


def dire(texte: str = "") -> None:
    """Affiche un message du lanceur, sans se mêler à la sortie de cafdiag (qui peut être du JSON)."""
    print(texte, file=sys.stderr, flush=True)


# --- Le Python, son environnement, son tampon --------------------------------------------------------------

def verifier_python(version=None, bits64: bool | None = None) -> None:
    """Refuse un Python trop vieux ou 32 bits ; prévient s'il est plus récent que ceux qu'on a essayés."""
    version = tuple(version or sys.version_info)[:2]
    bits64 = sys.maxsize > 2**32 if bits64 is None else bits64
    if version < PYTHON_MINI:
        raise Echec(f"Python {version[0]}.{version[1]} est trop vieux : il faut Python 3.11 ou plus récent.\n"
                    "À faire : installez Python depuis le site python.org (sous Debian ou Ubuntu : "
                    "apt-get install python3), puis relancez la même commande avec lui.")
    if not bits64:
        raise Echec("ce Python est une version 32 bits ; la cartographie n'existe qu'en 64 bits.\n"
                    "À faire : installez la version « 64-bit » de Python.")
    if version > PYTHON_MAXI:
        dire(f"Attention : Python {version[0]}.{version[1]} est plus récent que ceux qui ont été essayés "
             "(3.11 à 3.14) ; l'installation peut échouer.")


def python_du_venv(venv: Path, systeme: str = os.name) -> Path:
    """Chemin du Python d'un environnement : « Scripts » sous Windows, « bin » ailleurs."""
    return venv / ("Scripts/python.exe" if systeme == "nt" else "bin/python")


def environnement() -> dict:
    """Variables d'environnement des processus lancés."""
    env = dict(os.environ)
    # Sans cache de byte-code, chaque noyau de carnet recompile pandas et geopandas : plusieurs secondes.
    for gene in ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"):
        env.pop(gene, None)
    env.update(PIP_USER="0", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return env


def empreinte(racine: Path, jeu: str, version: str) -> str:
    """Empreinte de ce qui décide de l'installation : verrou, projet, Python, emplacement."""
    calcul = hashlib.sha256(f"{version}\n{racine}\n".encode())
    for nom in (VERROUS[jeu], "pyproject.toml"):
        calcul.update((racine / nom).read_bytes().replace(b"\r\n", b"\n"))
    return calcul.hexdigest()


def lire_tampon(venv: Path) -> dict:
    """Ce que la dernière installation menée à bien a écrit ; vide s'il n'y en a pas."""
    try:
        tampon = json.loads((venv / "cafdiag-installation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return tampon if isinstance(tampon, dict) else {}


def a_jour(tampon: dict, jeu: str, empreintes: dict) -> bool:
    """Vrai si l'environnement contient déjà ce jeu ; celui des tests contient celui de base."""
    suffisants = ("base", "tests") if jeu == "base" else ("tests",)
    return any(tampon.get(nom) == empreintes[nom] for nom in suffisants)


def interroger(python: Path) -> tuple | None:
    """(version, dossier des paquets, pip présent) d'un Python, ou None s'il ne démarre pas."""
    question = ("import sys, sysconfig, importlib.util as u; print('%d.%d' % sys.version_info[:2], "
                "int(bool(u.find_spec('pip'))), sysconfig.get_path('purelib'))")
    commande = [str(python), "-I", "-X", "utf8", "-c", question]
    try:
        reponse = subprocess.run(commande, capture_output=True, timeout=60)
        version, pip, paquets = reponse.stdout.decode("utf-8").strip().split(" ", 2)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return version, paquets, pip == "1"


def creer_venv(venv: Path) -> None:
    """Crée l'environnement, vide ; s'en sort aussi sous une Debian sans python3-venv."""
    dire("Création de l'environnement de travail (dossier « .venv »)…")
    essai = lancer_muet([sys.executable, "-m", "venv", "--clear", str(venv)])
    if essai.returncode == 0:
        return
    # Debian et Ubuntu retirent « ensurepip » de Python : le pip du système peut alors installer l'autre.
    if "ensurepip" in essai.stdout:
        nu = lancer_muet([sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)])
        if nu.returncode == 0:
            emprunt = lancer_muet([sys.executable, "-m", "pip", "--python", str(python_du_venv(venv)),
                                   "install", "pip"])
            if emprunt.returncode == 0:
                return
        raise Echec("Python est installé sans de quoi créer un environnement.\n"
                    "À faire : sudo apt-get install python3-venv, puis relancez la même commande.")
    raise Echec(expliquer(essai.stdout, "l'environnement de travail n'a pas pu être créé"))


def lancer_muet(commande: list) -> subprocess.CompletedProcess:
    """Lance une commande et garde tout ce qu'elle dit."""
    return subprocess.run(commande, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          encoding="utf-8", errors="replace", env=environnement())


# --- L'installation ----------------------------------------------------------------------------------------

def expliquer(journal: str, quoi: str) -> str:
    """Traduit l'échec de pip : ce qui ne va pas, quoi faire, puis ses dernières lignes."""
    lignes = [ligne.strip() for ligne in journal.splitlines() if ligne.strip()]
    fautes = [ligne for ligne in lignes if re.match(r"(ERROR|error|OSError|Error)\b", ligne)]
    details = (fautes or lignes)[-3:]
    for motif, cause, conseil in PANNES:
        if re.search(motif, journal):
            texte = f"{quoi} : {cause}.\nÀ faire : {conseil}."
            break
    else:
        texte = f"{quoi}.\nÀ faire : relancez la même commande ; si cela recommence, transmettez ce message."
    return texte + "".join(f"\n  détail : {ligne[:300]}" for ligne in details)


def pip(python: Path, arguments: list, quoi: str, total: int = 0) -> None:
    """Lance « pip install » en montrant où il en est ; son échec devient un message clair."""
    commande = [str(python), "-m", "pip", "install", "--progress-bar", "off", *arguments]
    env = dict(environnement(), PYTHONIOENCODING="utf-8")
    lignes, vus, terminal = [], 0, sys.stderr.isatty()
    try:
        processus = subprocess.Popen(commande, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                                     stdin=subprocess.DEVNULL, text=True, encoding="utf-8", errors="replace")
    except OSError as cause:
        raise Echec(expliquer(str(cause), quoi)) from cause
    with processus:
        for ligne in processus.stdout:
            lignes.append(ligne)
            paquet = nom_du_paquet(ligne)
            if total and paquet:
                vus += 1
                if terminal:
                    sys.stderr.write(f"\r  {min(vus, total)}/{total} {paquet[:40]:40}")
                    sys.stderr.flush()
                elif vus % 25 == 0:
                    dire(f"  {vus}/{total} paquets")
            elif total and ligne.startswith("Installing collected packages"):
                dire(("\r" if terminal else "") + f"  {vus} paquets trouvés ; mise en place…" + " " * 30)
    if processus.returncode != 0:
        raise Echec(expliquer("".join(lignes), quoi))


def nom_du_paquet(ligne: str) -> str | None:
    """Nom du paquet que pip commence à traiter, si c'est ce que dit cette ligne."""
    annonce = r"(?:Collecting |Requirement already satisfied: |Processing (?:.*[/\\])?)"
    trouve = re.match(annonce + r"([A-Za-z0-9._]+(?:-[A-Za-z]\w*)*)", ligne)
    return trouve.group(1) if trouve else None


def compter_paquets(verrou: Path) -> int:
    """Nombre de paquets d'un verrou, moins ceux que ce système ou ce Python ignore (à peu près)."""
    lignes = [ligne for ligne in verrou.read_text(encoding="utf-8").splitlines() if not ligne.startswith("#")]
    return len({ligne.split("==")[0] for ligne in lignes if "==" in ligne and "== '3.12.*'" not in ligne})


def compiler(python: Path, paquets: str) -> None:
    """Compile sur tous les cœurs le byte-code de cafdiag et des paquets, moins les tests de ceux-ci."""
    sauf = r"site-packages[/\\].*[/\\]tests[/\\]"
    lancer_muet([str(python), "-m", "compileall", "-qq", "-j", "0", "-x", sauf, paquets,
                 str(RACINE / "cafdiag")])


def a_refaire(etat: tuple | None, tampon: dict, en_chantier: bool) -> bool:
    """Vrai si l'environnement est absent, cassé, trop vieux, déplacé ou inachevé : il se refait, à vide."""
    if not etat or not etat[2] or en_chantier or tuple(map(int, etat[0].split("."))) < PYTHON_MINI:
        return True
    return bool(tampon) and (tampon.get("dossier"), tampon.get("python")) != (str(RACINE), etat[0])


def preparer(jeu: str = "base", venv: Path | None = None) -> Path:
    """Amène l'environnement à ce que demandent le verrou et le projet ; rend son Python.

    Le tampon n'est écrit qu'à la fin : une installation interrompue est refaite, à partir de rien.
    """
    venv = venv or RACINE / ".venv"
    python, chantier = python_du_venv(venv), venv / "cafdiag-installation-en-cours"
    etat, tampon = interroger(python), lire_tampon(venv)
    if etat and not chantier.exists():
        empreintes = {nom: empreinte(RACINE, nom, etat[0]) for nom in VERROUS}
        if a_jour(tampon, jeu, empreintes):
            return python
    debut = time.monotonic()
    verifier_python()
    if shutil.disk_usage(RACINE).free < PLACE_NECESSAIRE:
        raise Echec(expliquer("No space left on device", "l'installation n'a pas commencé"))
    dire("Installation des outils (une seule fois ; une à trois minutes, connexion nécessaire).")
    try:
        if a_refaire(etat, tampon, en_chantier=chantier.exists()):
            creer_venv(venv)
            etat, tampon = interroger(python), {}
            if not etat:
                raise Echec("l'environnement de travail (« .venv ») ne démarre pas.\n"
                            "À faire : supprimez le dossier « .venv » et relancez la même commande.")
        chantier.write_text("installation commencée, pas finie\n", encoding="utf-8")
        verrou = RACINE / VERROUS[jeu]
        quoi = "l'installation des paquets n'a pas abouti"
        # --no-compile : compileall le fait ensuite, sur tous les cœurs.
        pip(python, ["--no-compile", "-r", str(verrou)], quoi, total=compter_paquets(verrou))
        # L'outil de construction est dans le verrou : cette étape ne demande plus rien au réseau.
        pip(python, ["--no-compile", "--no-deps", "--no-build-isolation", "--no-index", "-e", str(RACINE)],
            "l'installation de cafdiag n'a pas abouti")
        dire("  préparation d'un démarrage rapide…")
        compiler(python, etat[1])
        # Les mesures de la France, d'avance ; sans elles, tout marche, un peu moins vite.
        lancer_muet([str(python), "-m", "cafdiag", "donnees", "preparer"])
        nouveau = {"python": etat[0], "dossier": str(RACINE), jeu: empreinte(RACINE, jeu, etat[0])}
        (venv / "cafdiag-installation.json").write_text(json.dumps(nouveau, indent=1), encoding="utf-8")
        chantier.unlink()
    except OSError as cause:
        raise Echec(expliquer(str(cause), "l'installation n'a pas abouti")) from cause
    dire(f"Installation terminée en {time.monotonic() - debut:.0f} s.\n")
    return python


def executer(commande: list, env: dict | None = None) -> int:
    """Lance une commande au premier plan et rend son code de retour."""
    with subprocess.Popen(commande, env=env or environnement()) as processus:
        while True:
            try:
                code = processus.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                # Ctrl-C va aussi à la commande : à elle de finir (JupyterLab demande confirmation).
                continue


# --- Le navigateur des essais ------------------------------------------------------------------------------

def candidats_chromium(env: dict, systeme: str = os.name) -> list:
    """Navigateurs possibles, dans l'ordre : celui qu'on impose, ceux du chemin, ceux de Windows."""
    candidats = [env["CAFDIAG_CHROMIUM"]] if env.get("CAFDIAG_CHROMIUM") else []
    noms = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
            "microsoft-edge", "msedge")
    trouves = (shutil.which(nom, path=env.get("PATH")) for nom in noms)
    candidats += [chemin for chemin in trouves if chemin]
    if systeme == "nt":
        for base in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData"):
            for suite in ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"):
                if env.get(base) and Path(env[base], suite).is_file():
                    candidats.append(str(Path(env[base], suite)))
    return candidats


def trouver_chromium(env: dict | None = None) -> str | None:
    """Chemin d'un Chromium (ou cousin) qui démarre, ou None."""
    for candidat in candidats_chromium(dict(os.environ) if env is None else env):
        if os.name == "nt":
            return candidat  # là-bas, « --version » ouvrirait une fenêtre
        try:
            # Sous Ubuntu, « chromium-browser » n'est parfois qu'un renvoi vers un autre installateur.
            essai = subprocess.run([candidat, "--version"], capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            continue
        if essai.returncode == 0:
            return candidat
    return None


def prefixe_apt() -> list | None:
    """Ce qu'il faut mettre devant apt-get pour installer sans rien demander, ou None si on ne le peut pas."""
    if os.name == "nt" or not shutil.which("apt-get") or not Path("/etc/debian_version").exists():
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and lancer_muet(["sudo", "-n", "true"]).returncode == 0:
        return ["sudo", "-n"]
    return None


def assurer_chromium() -> tuple:
    """(chemin, explication) : un navigateur trouvé, ou installé sous Debian, ou la raison de son absence."""
    chemin = trouver_chromium()
    if chemin:
        return chemin, chemin
    prefixe = prefixe_apt()
    if prefixe is None:
        return None, ("aucun Chromium, Chrome ou Edge trouvé, et rien ne permet de l'installer d'ici : "
                      "installez-en un, ou donnez son chemin dans CAFDIAG_CHROMIUM")
    dire("Installation du navigateur des essais (Chromium)…")
    apt = [*prefixe, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    for suite in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        essai = lancer_muet([*apt, *suite])
    chemin = trouver_chromium()
    if chemin:
        return chemin, f"{chemin} (installé à l'instant)"
    derniere = (essai.stdout.strip().splitlines() or ["aucun message"])[-1]
    return None, f"l'installation de Chromium n'a pas abouti ({derniere[:200]})"


# --- Les essais --------------------------------------------------------------------------------------------

def lire_junit(fichier: Path) -> dict:
    """Comptes d'une exécution de pytest : reussis, echoues, sautes, raisons {texte: nombre}."""
    bilan = {"reussis": 0, "echoues": 0, "sautes": 0, "raisons": {}}
    try:
        cas = list(ET.parse(fichier).getroot().iter("testcase"))
    except (OSError, ET.ParseError):
        return bilan
    for un in cas:
        saut = un.find("skipped")
        if un.find("failure") is not None or un.find("error") is not None:
            bilan["echoues"] += 1
        elif saut is not None:
            bilan["sautes"] += 1
            raison = (saut.get("message") or "sans raison").strip()
            bilan["raisons"][raison] = bilan["raisons"].get(raison, 0) + 1
        else:
            bilan["reussis"] += 1
    return bilan


def lancer_pytest(python: Path, arguments: list, env: dict) -> tuple:
    """(code de retour, comptes) d'une exécution de pytest."""
    with tempfile.TemporaryDirectory(prefix="cafdiag-essais-") as dossier:
        junit = Path(dossier, "junit.xml")
        code = executer([str(python), "-m", "pytest", f"--junitxml={junit}", *arguments], env=env)
        return code, lire_junit(junit)


def en_parallele() -> list:
    """Un processus de plus que de cœurs : des essais attendent un navigateur, un noyau, un délai.

    Dans l'ordre de la collecte (les longs fichiers d'abord, voir tests/conftest.py) : pytest-xdist garderait pour la
    fin ceux qui ont peu d'essais, et ce sont les plus longs.
    """
    return ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile", "--no-loadscope-reorder"]


def carnets() -> list:
    """Les carnets à jouer, gabarit compris."""
    return [f"{dossier}/{carnet.name}" for dossier in ("notebooks", "templates")
            for carnet in sorted((RACINE / dossier).glob("*.ipynb"))]


def etage_rapide() -> list:
    """Ce que pytest doit jouer avec « --vite » : les seuls fichiers qui s'en disent, les autres coûtent à lire."""
    fichiers = [
        str(f.relative_to(RACINE))
        for f in sorted((RACINE / "tests").glob("test_*.py"))
        if "pytestmark = pytest.mark.unitaire" in f.read_text(encoding="utf-8")
    ]
    return [*en_parallele(), "-m", "unitaire and not lent and not navigateur", *fichiers]


def tester(arguments: list) -> int:
    """Style, tests, doctests, carnets, puis un résumé de ce qui a tourné ; code 1 au moindre défaut."""
    vite = "--vite" in arguments
    arguments = [a for a in arguments if a != "--vite"]
    python = preparer("tests")
    # L'étage rapide n'ouvre pas de page : rien à installer de plus.
    chromium, navigateur = (None, "inutile à ces essais") if vite else assurer_chromium()
    env = environnement()
    if chromium:
        env["CAFDIAG_CHROMIUM"] = chromium
    os.chdir(RACINE)
    etapes, comptes, echec = [], [], False

    def noter(nom: str, code: int, bilan: dict | None = None, debut: float = 0.0) -> None:
        nonlocal echec
        echec = echec or code != 0
        texte = "réussi" if code == 0 else f"ÉCHEC (code {code})"
        if bilan is not None:
            comptes.append(bilan)
            texte += " : {reussis} réussis, {echoues} échoués, {sautes} sautés".format(**bilan)
        etapes.append(f"{nom:28} {texte} ({time.monotonic() - debut:.0f} s)")

    debut = time.monotonic()
    if vite:
        noter("style (ruff)", executer([str(python), "-m", "ruff", "check", "-q", "."], env=env), debut=debut)
        debut = time.monotonic()
        code, bilan = lancer_pytest(python, [*etage_rapide(), *arguments], env)
        noter("essais unitaires", code, bilan, debut)
        etapes.append(f"{'le reste':28} non lancé : « lancer.py tester » fait tout")
    elif arguments:
        code, bilan = lancer_pytest(python, arguments, env)
        noter("essais demandés", code, bilan, debut)
        etapes.append(f"{'style, carnets':28} non lancés (des arguments ont été donnés)")
    else:
        dire("— Style (ruff)")
        noter("style (ruff)", executer([str(python), "-m", "ruff", "check", "."], env=env), debut=debut)
        dire("\n— Tests et doctests")
        debut = time.monotonic()
        code, bilan = lancer_pytest(python, en_parallele(), env)
        noter("tests et doctests", code, bilan, debut)
        dire("\n— Carnets")
        debut = time.monotonic()
        if carnets():
            # --nbval-current-env : le noyau est celui de .venv, quoi qu'il y ait d'installé ailleurs.
            options = [*en_parallele(), "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300"]
            code, bilan = lancer_pytest(python, [*options, *carnets()], env)
            noter("carnets (nbval)", code, bilan, debut)
        else:
            etapes.append(f"{'carnets (nbval)':28} rien à jouer : aucun carnet")
    dit = navigateur if chromium or vite else f"SANS NAVIGATEUR — {navigateur}"
    print(resumer(etapes, comptes, dit), flush=True)
    return 1 if echec else 0


def resumer(etapes: list, comptes: list, navigateur: str) -> str:
    """Le résumé final ; sa dernière ligne, au format usuel, additionne toutes les exécutions de pytest."""
    raisons: dict = {}
    for bilan in comptes:
        for raison, nombre in bilan["raisons"].items():
            raisons[raison] = raisons.get(raison, 0) + nombre
    lignes = ["", "Résumé", *(f"  {etape}" for etape in etapes), f"  {'navigateur':28} {navigateur}"]
    if raisons:
        lignes.append("  sautés :")
        lignes += [f"    {nombre} × {raison}" for raison, nombre in sorted(raisons.items())]
    total = {nom: sum(bilan[nom] for bilan in comptes) for nom in ("reussis", "echoues", "sautes")}
    return "\n".join([*lignes, "", "{reussis} passed, {echoues} failed, {sautes} skipped".format(**total)])


# --- Les commandes -----------------------------------------------------------------------------------------

def accueil() -> int:
    """Sans argument : un double-clic pose une question ; un script reçoit l'aide et le code 2."""
    if not (sys.stdin and sys.stdin.isatty()):
        print(__doc__)
        return 2
    print("cafdiag — le diagnostic de territoire des Caf\n")
    try:
        cle = input("Territoire (nom ou code ; Entrée seule : le Pays de Craon, en exemple) : ").strip()
        code = cafdiag(["diagnostic", *([cle] if cle else []), "--ouvrir"])
    except (Echec, EOFError, KeyboardInterrupt) as raison:
        code = 1
        dire(f"\n{raison}")
    input("\nAppuyez sur Entrée pour fermer cette fenêtre.")
    return code


def cafdiag(arguments: list) -> int:
    """Prépare l'environnement de base et passe la commande à cafdiag."""
    # -P : un fichier « cafdiag.py » ou « pandas.py » du dossier courant ne doit pas prendre la place du vrai.
    python = preparer()
    # Les conseils de cafdiag se recopient : ils disent la commande que l'on vient de taper.
    nous = f'"{sys.argv[0]}"' if " " in sys.argv[0] else sys.argv[0]
    tapee = f"{'python' if os.name == 'nt' or shutil.which('python') else 'python3'} {nous}"
    return executer([str(python), "-P", "-m", "cafdiag", *arguments], environnement() | {"CAFDIAG_COMMANDE": tapee})


def principal(arguments: list) -> int:
    """Point d'entrée ; rend le code de retour."""
    for flux in (sys.stdout, sys.stderr):
        # Une console Windows ou un tube en cp1252 ne doit pas planter sur un caractère qu'il n'a pas.
        if hasattr(flux, "reconfigure"):
            flux.reconfigure(errors="replace")
    try:
        if not arguments:
            return accueil()
        if arguments[0] in ("-h", "--help", "--aide"):
            print(__doc__)
            return 0
        return tester(arguments[1:]) if arguments[0] == "tester" else cafdiag(arguments)
    except Echec as raison:
        dire(f"\ncafdiag : {raison}")
        return 1
    except KeyboardInterrupt:
        dire("\ncafdiag : interrompu. Relancez la même commande pour reprendre.")
        return 130


if __name__ == "__main__":
    sys.exit(principal(sys.argv[1:]))
