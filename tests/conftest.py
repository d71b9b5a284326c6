"""Ce que partagent les essais : un navigateur hors réseau, les vrais fichiers, les cas d'or."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

import lancer
from cafdiag.donnees import entrepot, memoire
from cafdiag.lot.machine import Original
from cafdiag.restitution import processus, produire

# Lancée en arrière-plan par un script, la série hérite d'un Ctrl-C ignoré, et les programmes qu'elle éprouve aussi.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Un chronomètre n'est pas un essai, et le même code fait les mêmes tirages partout.
# D'autres tirages : lancer.py tester --hypothesis-profile=hasard
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("cafdiag", _PATIENT, derandomize=True)
settings.register_profile("hasard", _PATIENT)
settings.load_profile("cafdiag")

ARGUMENTS_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Peu d'essais, mais longs : partis les derniers, ils feraient attendre les autres processus.
_D_ABORD = (
    "lot_moteurs", "partout", "produire", "lot_grappe", "note", "cube", "proprete", "diagnostic", "jupyterlab",
    "phrases_tables", "secret_jumeaux", "explorateur_page", "explorateur", "livrables", "paquet", "secret_attaque",
    "geographie", "departement", "secret", "proprietes", "processus", "replique", "import_embarque", "lot", "evolution",
    "qpv", "france_entiere",
)  # fmt: skip


def pytest_collection_modifyitems(config, items) -> None:
    """À plusieurs processus : les longs fichiers d'abord, les exemples de la documentation pour finir."""
    if hasattr(config, "workerinput"):
        rangs = {f"test_{nom}.py": rang for rang, nom in enumerate(_D_ABORD)}
        items.sort(key=lambda item: rangs.get(item.path.name, len(rangs)))


class PageHorsReseau(NamedTuple):
    """Une page dont le réseau est coupé : ``page, requetes = page_hors_reseau``.

    ``requetes`` reçoit l'adresse de tout ce que la page a demandé au réseau (et n'a pas eu).
    """

    page: object
    requetes: list[str]


@pytest.fixture(autouse=True, scope="session")
def entrepot_vide(tmp_path_factory):
    """Un entrepôt à nous : les imports de qui lance les essais ne changent pas leurs chiffres."""
    ancien = os.environ.get("CAFDIAG_DONNEES")
    os.environ["CAFDIAG_DONNEES"] = str(tmp_path_factory.mktemp("donnees"))
    yield
    if ancien is None:
        del os.environ["CAFDIAG_DONNEES"]
    else:
        os.environ["CAFDIAG_DONNEES"] = ancien


@pytest.fixture(autouse=True, scope="session")
def memoire_commune(tmp_path_factory, entrepot_vide):
    """Les mesures gardées par les essais, à eux seuls, et communes à tous leurs processus.

    Elles partent de celles que l'installation a préparées, si elles sont de ce code et de ces tables.
    """
    # « CAFDIAG_MEMOIRE= » : qui lance les essais n'en veut pas (une faute glissée ne change pas l'état du code).
    voulue = os.environ.get("CAFDIAG_MEMOIRE")
    preparees = memoire.dossier_de(entrepot.etat_courant())
    os.environ["CAFDIAG_MEMOIRE"] = "" if voulue == "" else str(tmp_path_factory.getbasetemp().parent / "memoire")
    if preparees and preparees.is_dir():
        # Un autre processus des essais a pu les copier avant nous : un fichier à moitié écrit se dit tel, et se refait.
        with contextlib.suppress(OSError, shutil.Error):
            shutil.copytree(preparees, memoire.dossier_de(entrepot.etat_courant()), dirs_exist_ok=True)
    yield
    if voulue is None:
        del os.environ["CAFDIAG_MEMOIRE"]
    else:
        os.environ["CAFDIAG_MEMOIRE"] = voulue


@pytest.fixture(autouse=True)
def memoire_juste(request, memoire_commune):
    """Un essai qui remplace un morceau du calcul ne lit ni ne laisse de mesures à partir de là."""
    if "monkeypatch" not in request.fixturenames:
        yield
        return
    remplace = request.getfixturevalue("monkeypatch")
    gardee = os.environ["CAFDIAG_MEMOIRE"]

    def sans_memoire(pose):
        def poser(*arguments, **choix):
            # Un essai de la mémoire a posé la sienne : elle reste.
            if os.environ.get("CAFDIAG_MEMOIRE") == gardee:
                os.environ["CAFDIAG_MEMOIRE"] = ""
            return pose(*arguments, **choix)

        return poser

    # Un dossier ou une variable d'environnement, eux, ne changent pas le code : la mémoire les connaît. Un entrepôt
    # d'un seul essai n'y gagne rien : il paierait l'écriture de tables que nul ne relira, et en chasserait les autres.
    remplace.setattr, remplace.setitem = sans_memoire(remplace.setattr), sans_memoire(remplace.setitem)
    poser_variable, sans_rien = remplace.setenv, sans_memoire(remplace.setenv)
    remplace.setenv = lambda nom, *reste, **choix: (
        (sans_rien if nom == "CAFDIAG_DONNEES" else poser_variable)(nom, *reste, **choix)
    )
    yield
    os.environ["CAFDIAG_MEMOIRE"] = gardee


class Fils:
    """Où se jouent les diagnostics des essais : sous Linux, dans une copie d'un processus préchargé.

    Un processus neuf coûte trois secondes de processeur, une copie une. ``test_produire`` vérifie que l'un et l'autre
    donnent les mêmes octets, et ce qui éprouve le processus lui-même demande les vrais : ``with fils.vrais()``.
    """

    def __init__(self) -> None:
        self._neufs = 0 if sys.platform.startswith("linux") else 1
        self._original = None

    @contextlib.contextmanager
    def vrais(self):
        """Des processus neufs, comme chez l'usager, tant que dure ce bloc."""
        self._neufs += 1
        try:
            yield
        finally:
            self._neufs -= 1

    def demarrer(self, dossier, environnement=None):
        """``processus.neuf``, par une copie."""
        from cafdiag.geographie import REFERENCE, geographie

        if self._neufs or geographie() != REFERENCE:
            return _VRAI_NEUF(dossier, environnement)
        if self._original is None or not self._original.vivant:
            self.fermer()
            gabarit = produire.dossier("templates") / produire.GABARIT
            self._original = _Original().preparer(str(gabarit), {"code": "200048551"})
        return self._original.copie(dossier)

    def d_avance(self):
        """``processus.processus_d_avance`` : rien à démarrer d'avance quand le carnet se joue dans une copie."""
        return _VRAI_D_AVANCE() if self._neufs else contextlib.nullcontext()

    def fermer(self) -> None:
        if self._original is not None:
            self._original.fermer()
            self._original = None


_VRAI_NEUF, _VRAI_D_AVANCE, _Original = processus.neuf, processus.processus_d_avance, Original


@pytest.fixture(autouse=True, scope="session")
def fils(memoire_commune):
    """Les processus des diagnostics de ce processus d'essais."""
    siens = Fils()
    with pytest.MonkeyPatch.context() as remplace:
        remplace.setattr(processus, "neuf", siens.demarrer)
        remplace.setattr(processus, "processus_d_avance", siens.d_avance)
        yield siens
    siens.fermer()


@pytest.fixture(scope="session")
def chromium():
    """Un navigateur playwright, partagé par les essais du même processus ; saut s'il n'y en a pas."""
    executable = lancer.trouver_chromium()
    if executable is None:
        pytest.skip("aucun Chromium : donnez son chemin dans CAFDIAG_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright n'est pas installé")
    with api.sync_playwright() as playwright:
        navigateur = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS_CHROMIUM)
        yield navigateur
        navigateur.close()


@pytest.fixture
def page_hors_reseau(chromium):
    """Une page (1366 × 768) où toute requête http, https ou ws est refusée et notée."""
    requetes: list[str] = []

    def refuser(route) -> None:
        adresse = route.request.url
        if adresse.startswith(("http:", "https:")):
            requetes.append(adresse)
            route.abort()
        else:
            route.continue_()

    def refuser_ws(prise) -> None:
        requetes.append(prise.url)
        prise.close()

    # Un « service worker » ferait ses requêtes sans passer par nous.
    contexte = chromium.new_context(
        service_workers="block", locale="fr-FR", viewport={"width": 1366, "height": 768}
    )
    contexte.route("**/*", refuser)
    contexte.route_web_socket("**/*", refuser_ws)
    page = contexte.new_page()
    page.set_default_timeout(30_000)
    yield PageHorsReseau(page, requetes)
    contexte.close()


@pytest.fixture(scope="session")
def fautes_axe():
    """Fautes d'accessibilité graves d'une page ouverte, selon axe-core : ``fautes_axe(page) == []``."""
    paquet = pytest.importorskip("axe_playwright_python", reason="axe-core n'est pas installé")
    regles = Path(paquet.__file__).with_name("axe.min.js").read_text(encoding="utf-8")

    def chercher(page, *, dans: str = "html") -> list[str]:
        # Un dépliant fermé cache ses fautes.
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.evaluate(regles)
        rendu = page.evaluate("dans => axe.run(dans, {resultTypes: ['violations']})", dans)
        assert rendu["passes"], "axe n'a rien pu vérifier"
        return [f"{v['impact']} {v['id']} : {v['nodes'][0]['target']}" for v in rendu["violations"]
                if v["impact"] in ("serious", "critical")]

    return chercher


@pytest.fixture(scope="session")
def fichiers_reels() -> Path:
    """Dossier des vrais fichiers officiels ; ils ne sont jamais dans le dépôt."""
    dossier = os.environ.get("CAFDIAG_FICHIERS_REELS", "")
    if not dossier:
        pytest.skip("pas de vrais fichiers : CAFDIAG_FICHIERS_REELS n'est pas posée")
    # Posée mais fausse : un saut cacherait une faute de frappe.
    assert Path(dossier).is_dir(), f"CAFDIAG_FICHIERS_REELS ne désigne pas un dossier : {dossier}"
    return Path(dossier)


@pytest.fixture(scope="session")
def cas_or() -> dict:
    """Les cas d'or : chiffres publiés, relevés à la main, qui jugent nos calculs."""
    chemin = os.environ.get("CAFDIAG_CAS_OR") or Path(__file__).with_name("cas_or.json")
    return json.loads(Path(chemin).read_text(encoding="utf-8"))
