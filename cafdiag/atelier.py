"""L'atelier (JupyterLab en français sur les carnets) et la page de l'explorateur, sur cette machine seulement.

Deux serveurs derrière un jeton, qui ne touchent pas aux réglages de l'utilisateur : tout ce qu'ils posent (langue,
espaces de travail, copies de carnets) est dans un dossier à eux, sous celui de ses données. Une autre installation de
JupyterLab, et ``~/.jupyter``, l'ignorent.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse, ProductionImpossible

ACCUEIL = "accueil.ipynb"
PORT = 8888
_ESSAIS_DE_PORT = 50
_PAGE = "explorateur.ipynb"
_SANS_DEMARRER = ("le serveur n'a pas démarré", "relancez ; si cela recommence, essayez un autre --port")
# Sans réseau : ni annonces, ni recherche de versions, ni catalogue d'extensions. Les gestes des widgets sont
# traités dans l'ordre où ils sont faits, et non dans des fils à part où ils se mêleraient.
_REGLAGES = {
    "@jupyterlab/apputils-extension/kernels-settings": {"commsOverSubshells": "disabled"},
    "@jupyterlab/translation-extension/plugin": {"locale": "fr_FR"},
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": False,
    },
}


def dossier_de_l_atelier() -> Path:
    """Dossier des réglages et des copies de carnets : ``atelier``, à côté de l'entrepôt."""
    return magasin.dossier_utilisateur() / "atelier"


def poser_les_reglages(ou: Path) -> dict[str, str]:
    """Écrit les réglages qui manquent et rend les variables d'environnement qui y mènent.

    Un réglage déjà là n'est pas réécrit : qui remet l'atelier en anglais l'y retrouve.

    Parameters
    ----------
    ou : Path
        Dossier de l'atelier.

    Returns
    -------
    dict
        Variables à poser avant de lancer JupyterLab.

    Examples
    --------
    >>> ici = Path(tempfile.mkdtemp())
    >>> sorted(poser_les_reglages(ici))
    ['JUPYTERLAB_SETTINGS_DIR', 'JUPYTERLAB_WORKSPACES_DIR', 'JUPYTER_CONFIG_DIR']
    >>> sorted(f.name for f in ici.rglob("*.jupyterlab-settings"))
    ['kernels-settings.jupyterlab-settings', 'notification.jupyterlab-settings', 'plugin.jupyterlab-settings']
    """
    for nom, reglage in _REGLAGES.items():
        chemin = ou / "reglages" / f"{nom}.jupyterlab-settings"
        if not chemin.exists():
            magasin.ecrire_atomique(chemin, json.dumps(reglage, indent=1))
    for nom in ("espaces", "configuration"):
        (ou / nom).mkdir(parents=True, exist_ok=True)
    return {
        "JUPYTERLAB_SETTINGS_DIR": str(ou / "reglages"),
        "JUPYTERLAB_WORKSPACES_DIR": str(ou / "espaces"),
        "JUPYTER_CONFIG_DIR": str(ou / "configuration"),
    }


def preparer_les_carnets(demande: Path | str | None = None) -> tuple[Path, str]:
    """Le dossier de carnets à ouvrir, et ce qu'il faut en dire.

    Parameters
    ----------
    demande : Path or str, optional
        Dossier de travail. Sans lui : ``notebooks``, s'il est à l'utilisateur ; sinon (paquet installé,
        dossier protégé) une copie de travail dans le dossier de l'atelier.

    Returns
    -------
    tuple of (Path, str)
        Dossier, et message (vide si les carnets livrés sont ouverts sur place).

    Raises
    ------
    ProductionImpossible
        Le dossier demandé ne peut pas être écrit.
    """
    livres = magasin.dossier("notebooks")
    if demande is None and magasin.racine().name != "_ressources" and _inscriptible(livres):
        return livres, ""
    cible = Path(demande) if demande is not None else dossier_de_l_atelier() / "carnets"
    gardes = copier_les_carnets(livres, cible)
    message = f"carnets copiés dans {cible}"
    if gardes:
        message += f" ; {', '.join(gardes)} : gardés tels que vous les avez laissés"
    return cible, message


def _inscriptible(ou: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=ou):
            return True
    except OSError:
        return False


def copier_les_carnets(livres: Path, cible: Path) -> list[str]:
    """Copie les carnets absents ou jamais modifiés ; rend les noms de ceux que l'utilisateur a changés."""
    registre = cible / ".carnets-livres.json"
    try:
        connus = json.loads(registre.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        connus = {}
    gardes = []
    for source in sorted(livres.glob("*.ipynb")):
        contenu = source.read_bytes()
        copie = cible / source.name
        if copie.exists():
            actuel = copie.read_bytes()
            if actuel == contenu:
                connus[source.name] = _empreinte(contenu)
                continue
            if _empreinte(actuel) != connus.get(source.name):
                gardes.append(source.name)
                continue
        magasin.ecrire_atomique(copie, contenu)
        connus[source.name] = _empreinte(contenu)
    magasin.ecrire_atomique(registre, json.dumps(connus, indent=1, sort_keys=True))
    return gardes


def _empreinte(contenu: bytes) -> str:
    return hashlib.sha256(contenu).hexdigest()


def port_libre(prefere: int | None = None) -> int:
    """Un port libre de cette machine : celui demandé, sinon le premier à partir de 8888.

    Raises
    ------
    DemandeFausse
        Port demandé hors de 1024 à 65535, ou déjà pris.
    """
    if prefere is None:
        for port in range(PORT, PORT + _ESSAIS_DE_PORT):
            if _libre(port):
                return port
        raise ProductionImpossible(
            f"aucun port libre de {PORT} à {PORT + _ESSAIS_DE_PORT - 1}",
            conseil="fermez les ateliers ouverts, ou donnez un port avec --port",
        )
    if not 1024 <= prefere <= 65535:
        raise DemandeFausse(f"port {prefere}", attendu="un nombre de 1024 à 65535")
    if not _libre(prefere):
        raise DemandeFausse(
            f"le port {prefere} est déjà pris",
            attendu="un port libre",
            conseil="fermez ce qui l'occupe, ou ne donnez pas --port : un port libre sera choisi",
        )
    return prefere


def _libre(port: int) -> bool:
    import socket

    with socket.socket() as prise:
        # Sous Windows, deux programmes peuvent sinon se lier au même port sans qu'aucun ne le sache.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            prise.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            prise.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            prise.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def arguments_du_serveur(racine: Path, *, port: int, navigateur: bool, accueil: str) -> list[str]:
    """Arguments communs aux deux serveurs : machine locale seulement, jeton, aucune requête au dehors."""
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={racine}",
        "--ServerApp.base_url=/",
        f"--ServerApp.default_url={accueil}",
        f"--ServerApp.open_browser={navigateur}",
        # Ctrl-C arrête sans poser de question en anglais ; les carnets sont enregistrés au fil de l'eau.
        "--ServerApp.answer_yes=True",
        "--ServerApp.log_level=ERROR",
    ]
    from jupyter_client import KernelManager

    # Les noyaux chiffrent ce qu'ils disent au serveur, quand la version installée le permet.
    if KernelManager.class_traits().get("transport_encryption"):
        arguments.append("--KernelManager.transport_encryption=auto")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--ServerApp.allow_root=True")
    return arguments


def _de_l_atelier() -> list[str]:
    return [
        f"--LabApp.default_url=/lab/tree/{ACCUEIL}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        "--LabApp.log_level=ERROR",
    ]


def ouvrir_la_page(
    *,
    sortie: Path | str = "sorties",
    port: int | None = None,
    navigateur: bool = True,
    annoncer: Callable[[str], None] = print,
) -> int:
    """Ouvre l'explorateur en une page, sans code ni arborescence, et attend qu'on le ferme.

    Parameters
    ----------
    sortie : Path or str
        Dossier où la page écrit ce qu'elle produit.
    port, navigateur, annoncer
        Voir :func:`ouvrir`.

    Returns
    -------
    int
        0 quand la page a été fermée.

    Raises
    ------
    DemandeFausse
        Port hors de bornes, ou déjà pris.
    ProductionImpossible
        Voilà n'est pas installé, ou le serveur ne démarre pas.
    """
    libre = port_libre(port)
    sortie = Path(sortie).resolve()
    racine = dossier_de_l_atelier() / "page"
    magasin.ecrire_atomique(racine / _PAGE, _carnet_de_la_page())
    os.environ.update(poser_les_reglages(dossier_de_l_atelier()))
    # Voilà cherche ses gabarits dans les dossiers de Jupyter ; le nôtre n'y ajoute que lui.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        x for x in (str(magasin.dossier("templates") / "explorateur" / "jupyter"), os.environ.get("JUPYTER_PATH")) if x
    )
    os.environ.update(CAFDIAG_SORTIES=str(sortie), CAFDIAG_ATELIER=str(sortie), CAFDIAG_ADRESSE="/fichiers")
    try:
        import voila.server_extension  # noqa: F401 : son absence se dit ici, en français
        from jupyter_server.base.handlers import AuthenticatedFileHandler
        from jupyter_server.serverapp import ServerApp
        from traitlets.config import Config

        serveur = ServerApp.instance(config=Config(VoilaConfiguration={"prelaunch_hook": _poser_le_temoin}))
        arguments = arguments_du_serveur(
            racine.resolve(), port=libre, navigateur=navigateur, accueil=f"/voila/render/{_PAGE}"
        )
        voulus = [
            "--ServerApp.jpserver_extensions=voila.server_extension=True",
            "--VoilaConfiguration.template=cafdiag",
            "--VoilaConfiguration.theme=light",
            "--VoilaConfiguration.show_tracebacks=True",
            # Un onglet fermé arrête son noyau ; s'il n'a pas pu le dire, ce sera au bout d'un quart d'heure.
            "--MappingKernelManager.cull_idle_timeout=900",
            # Des extensions de JupyterLab, celles des widgets suffisent.
            "--VoilaConfiguration.extension_allowlist=@jupyter-widgets/jupyterlab-manager",
            "--VoilaConfiguration.extension_allowlist=@voila-dashboards/widgets-manager8",
        ]
        # Sans chercher les autres extensions : ni JupyterLab, ni son arborescence.
        serveur.initialize(argv=arguments + voulus, find_extensions=False)
        serveur.web_app.add_handlers(
            ".*$", [(r"/fichiers/(.*)", AuthenticatedFileHandler, {"path": str(sortie)})]
        )
    except ImportError as cause:
        raise ProductionImpossible(
            "Voilà n'est pas installé", conseil="lancez « python lancer.py explorer »"
        ) from cause
    except SystemExit as cause:
        raise ProductionImpossible(_SANS_DEMARRER[0], conseil=_SANS_DEMARRER[1]) from cause
    return _servir(serveur, "l'explorateur est ouvert", annoncer)


def _poser_le_temoin(requete: Any, **_: Any) -> None:
    """Sans ce témoin (« xsrf »), l'onglet qui se ferme n'a pas le droit d'arrêter son noyau."""
    _ = requete.xsrf_token


def _carnet_de_la_page() -> str:
    from nbformat import v4, writes

    lignes = (
        # Arrêté, un noyau dit parfois en anglais qu'on l'a interrompu.
        "get_ipython().kernel.log.setLevel('CRITICAL')",
        "from cafdiag.restitution.explorateur.interface import Explorateur",
        'Explorateur(nom="page", page=True)',
    )
    noyau = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cellule = v4.new_code_cell("\n".join(lignes), id="page")
    return writes(v4.new_notebook(cells=[cellule], metadata={"kernelspec": noyau}))


def ouvrir(
    *,
    dossier: Path | str | None = None,
    port: int | None = None,
    navigateur: bool = True,
    annoncer: Callable[[str], None] = print,
) -> int:
    """Ouvre JupyterLab en français sur les carnets et attend qu'on le ferme.

    Parameters
    ----------
    dossier : Path or str, optional
        Dossier de travail (voir :func:`preparer_les_carnets`).
    port : int, optional
        Port de 127.0.0.1 ; par défaut le premier libre à partir de 8888.
    navigateur : bool
        Ouvre le navigateur sur le carnet d'accueil.
    annoncer : callable
        Reçoit l'adresse locale (premier appel) puis le mode d'emploi.

    Returns
    -------
    int
        0 quand l'atelier a été fermé.

    Raises
    ------
    ProductionImpossible
        JupyterLab n'est pas installé ou ne démarre pas.
    """
    carnets, message = preparer_les_carnets(dossier)
    carnets = carnets.resolve()
    libre = port_libre(port)
    os.environ.update(poser_les_reglages(dossier_de_l_atelier()))
    # Le carnet s'en sert pour donner un lien vers ce qu'il écrit.
    os.environ["CAFDIAG_ATELIER"] = str(carnets)
    try:
        from jupyterlab.labapp import LabApp

        serveur = LabApp.initialize_server(
            argv=[
                *arguments_du_serveur(carnets, port=libre, navigateur=navigateur, accueil=f"/lab/tree/{ACCUEIL}"),
                *_de_l_atelier(),
            ]
        )
    except ImportError as cause:
        raise ProductionImpossible(
            "JupyterLab n'est pas installé", conseil="lancez « python lancer.py atelier »"
        ) from cause
    except SystemExit as cause:
        raise ProductionImpossible(_SANS_DEMARRER[0], conseil=_SANS_DEMARRER[1]) from cause
    if message:
        print(f"cafdiag : {message}.", file=sys.stderr)
    return _servir(serveur, "l'atelier est ouvert", annoncer)


def _servir(serveur: Any, dit: str, annoncer: Callable[[str], None]) -> int:
    """Donne l'adresse, le mode d'emploi, et attend la fin."""
    # La bannière anglaise du serveur et ses adieux : notre message les remplace.
    serveur.log.addFilter(lambda trace: trace.levelno != logging.CRITICAL)

    def dire() -> None:
        annoncer(serveur.display_url.splitlines()[0].strip())
        print(
            f"cafdiag : {dit} à l'adresse ci-dessus, sur cet ordinateur seulement.\n"
            "cafdiag : gardez cette fenêtre ouverte ; Ctrl-C (ou fermer la fenêtre) l'arrête.",
            file=sys.stderr,
            flush=True,
        )

    # Une fois la boucle lancée : l'adresse dite répond.
    serveur.io_loop.add_callback(dire)
    try:
        serveur.start()
    finally:
        # Interrompu, le serveur s'en va sans ses noyaux, qui se plaignent en anglais d'être seuls.
        serveur.io_loop.run_sync(serveur.cleanup_kernels)
    return 0
