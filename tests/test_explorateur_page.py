"""La page de l'explorateur dans un vrai Chromium : « cafdiag explorer », une page ouverte une fois, tout au clavier.

Rien ne sort de la machine : toute adresse autre que celle de la page est refusée et notée.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from cafdiag.restitution.explorateur import actions
from cafdiag.restitution.explorateur import page as page_de_la_carte
from cafdiag.restitution.explorateur.interface import VOLETS

pytestmark = [pytest.mark.navigateur, pytest.mark.lent]

RACINE = Path(__file__).resolve().parent.parent
# Texte plus large que sa boîte, ou boîte qui sort de l'explorateur.
DEBORDEMENTS = """racine => {
  const bord = racine.getBoundingClientRect(), fautes = [];
  for (const n of racine.querySelectorAll(
      "label, button, th, td, p, h3, summary, caption, .lm-TabBar-tabLabel, iframe")) {
    const b = n.getBoundingClientRect();
    if (!b.width || !b.height || n.closest(".cache, [style*='display: none']")) { continue; }
    const nom = `${n.tagName} « ${(n.textContent || n.title).trim().slice(0, 40)} »`;
    if (b.right > bord.right + 1 || b.left < bord.left - 1) { fautes.push("sort : " + nom); }
    if (n.tagName !== "IFRAME" && n.scrollWidth > n.clientWidth + 2 && getComputedStyle(n).overflow !== "auto"
        && getComputedStyle(n).display !== "inline") { fautes.push("coupé : " + nom); }
  }
  return fautes;
}"""

# Note tout avis de faute qui passe à l'écran, même remplacé aussitôt.
NOTER_LES_FAUTES = """new MutationObserver(() => {
  for (const n of document.querySelectorAll(".avis.faute")) { noterLaFaute(n.textContent); }
}).observe(document, {subtree: true, childList: true, characterData: true});"""

CADRE_A_SA_HAUTEUR = """corps => Math.abs(corps.ownerDocument.getElementById('figure').offsetHeight + 6
  - window.frameElement.clientHeight) < 3"""


# Ni la page, ni ce qui la remplit, ne défile.
DEFILE = """() => ["html", "#main", "#rendered_cells", ".cafdiag-explorateur"].map(s => document.querySelector(s))
  .filter(n => n && n.scrollHeight > n.clientHeight + 1).map(n => n.id || n.tagName)"""


# L'arrêt du clavier, cadres compris : son nom, et la faute qui l'y cache.
ARRET = """() => {
  let doc = document, dx = 0, dy = 0, n = doc.activeElement, dans = "";
  while (n && n.tagName === "IFRAME") {
    const b = n.getBoundingClientRect();
    dx += b.left; dy += b.top; dans += "carte, "; doc = n.contentDocument; n = doc.activeElement;
  }
  if (!n || n === doc.body || n === doc.documentElement) { return ["", ""]; }
  const b = n.getBoundingClientRect(), s = doc.defaultView.getComputedStyle(n);
  const titre = n.getAttribute("aria-label") || n.title || (n.labels && n.labels[0] || n).textContent;
  const nom = dans + n.tagName + " " + titre.trim().slice(0, 50);
  if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) { return [nom, "sans contour"]; }
  const milieu = [b.left + Math.min(b.width, 40) / 2, b.top + Math.min(b.height, 40) / 2];
  if (dx + b.left < -1 || dy + milieu[1] < 0 || dy + milieu[1] > innerHeight || !b.width || !b.height) {
    return [nom, "hors de la fenêtre"];
  }
  const dessus = doc.elementFromPoint(...milieu);
  return [nom, dessus && (n.contains(dessus) || dessus.contains(n)) ? "" : "recouvert"];
}"""


class Page(NamedTuple):
    """La page servie : son adresse, jeton compris, le dossier de l'essai et le processus."""

    adresse: str
    ici: Path
    processus: subprocess.Popen

    @property
    def base(self) -> str:
        return self.adresse.split("/voila/")[0]


@pytest.fixture(scope="module")
def servie(tmp_path_factory):
    """``cafdiag explorer --sans-navigateur`` sur un port libre ; Ctrl-C à la fin : il s'arrête, et son noyau aussi."""
    ici = tmp_path_factory.mktemp("page")
    env = dict(os.environ, CAFDIAG_DONNEES=str(ici / "donnees"), PYTHONPATH=str(RACINE), HOME=str(ici / "maison"))
    (ici / "maison").mkdir()
    commande = [sys.executable, "-P", "-m", "cafdiag", "explorer", "--sans-navigateur"]
    # Sous Windows, Ctrl-C ne s'envoie qu'à un groupe de processus à part.
    groupe = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    messages = ici / "messages.txt"
    with (
        messages.open("w", encoding="utf-8") as flux,
        subprocess.Popen(
            commande, cwd=ici, env=env, stdout=subprocess.PIPE, stderr=flux, text=True, encoding="utf-8",
            creationflags=groupe,
        ) as processus,
    ):
        try:
            adresse = processus.stdout.readline().strip()
            assert re.match(r"http://127\.0\.0\.1:\d+/voila/render/explorateur\.ipynb\?token=\w{20,}$", adresse), (
                messages.read_text(encoding="utf-8")
            )
            page = Page(adresse, ici, processus)
            yield page
            restants = noyaux(page)
            processus.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
            assert processus.wait(30) == 0
            assert psutil.wait_procs(restants, timeout=10)[1] == []
        finally:
            if processus.poll() is None:
                processus.kill()
    # Rien n'a été posé chez l'utilisateur, et rien d'anglais n'a été dit.
    assert not (ici / "maison" / ".jupyter").exists()
    dits = messages.read_text(encoding="utf-8").splitlines()
    assert [ligne for ligne in dits if not ligne.startswith("cafdiag : ")] == []


@pytest.fixture
def ouverte(chromium, servie):
    """(page, requêtes refusées) ; seul le serveur est joignable, et ni faute ni avis de faute ne passe."""
    refusees: list[str] = []
    dites: list[str] = []
    permis = (servie.base, "data:", "blob:", "about:")

    def trier(route) -> None:
        if route.request.url.startswith(permis):
            route.continue_()
        else:
            refusees.append(route.request.url)
            route.abort()

    contexte = chromium.new_context(service_workers="block", locale="fr-FR", viewport={"width": 1366, "height": 768})
    contexte.route("**/*", trier)
    page = contexte.new_page()
    page.on("pageerror", lambda faute: dites.append(str(faute)))
    page.expose_function("noterLaFaute", lambda texte: dites.append(texte))
    page.add_init_script(NOTER_LES_FAUTES)
    page.set_default_timeout(60_000)
    yield page, refusees
    # Un adieu intercepté par playwright se perd avec sa page : le noyau resterait.
    contexte.unroute("**/*")
    page.goto("about:blank")
    contexte.close()
    assert dites == []


def proposer(racine, etiquette: str, lettres: str) -> None:
    """Frappe, et attend les propositions de la dernière lettre : celles d'avant changent encore."""
    racine.get_by_label(etiquette, exact=True).press_sequentially(lettres, delay=30)
    racine.locator(".compte", has_text=f"pour « {lettres} »").wait_for()


def cadre(page):
    return page.frame_locator("iframe.cafdiag-cadre")


@contextmanager
def repeint(page) -> Iterator[None]:
    """Un geste, jusqu'à sa carte : elle se peint en dernier, tout le reste de l'explorateur est alors à jour."""
    document = cadre(page).locator("html")
    avant = document.get_attribute("data-peint")
    yield
    neuf = f"html[data-peint]:not([data-peint='']):not([data-peint='{avant}'])"
    cadre(page).locator(neuf).wait_for(state="attached")


def bientot(constat: Callable[[], object], voulu: object) -> object:
    """Ce qui est constaté, dès que c'est ce qu'on veut, ou au bout de dix secondes : la page se dispose après coup."""
    fin = time.monotonic() + 10
    while (vu := constat()) != voulu and time.monotonic() < fin:
        time.sleep(0.1)
    return vu


def chiffre(racine, texte: str) -> None:
    racine.locator(".chiffre .grand", has_text=re.compile(rf"^\s*{re.escape(texte)}\s")).wait_for()


def arret(page) -> tuple[str, str]:
    """Où est le clavier, et ce qui l'y cache : sans contour net, hors de la fenêtre, recouvert."""
    nom, faute = page.evaluate(ARRET)
    return nom, faute


def aller(page, cible) -> None:
    """Tab, jusqu'à la commande voulue : elle s'atteint au clavier, et chaque arrêt en chemin se voit."""
    cible.wait_for()
    for _ in range(120):
        if cible.evaluate("n => n === n.ownerDocument.activeElement"):
            return
        page.keyboard.press("Tab")
        assert bientot(lambda: arret(page)[1], "") == "", arret(page)
    raise AssertionError(f"pas atteint au clavier : {cible}")


def tour(page, touche: str) -> list[str]:
    """Les arrêts d'un tour complet de la page, du champ Territoire à lui-même : nul n'y retient le clavier."""
    arrets: list[str] = []
    for _ in range(150):
        page.keyboard.press(touche)
        nom, _ = arret(page)
        if "Territoire" in nom and "Ajouter" not in nom and "Chercher" not in nom:
            return arrets
        if nom:
            arrets.append(nom)
    raise AssertionError(f"le clavier ne revient pas : {arrets[-5:]}")


def changer_de_volet(page, racine, volet: str) -> None:
    """Des flèches, dans la rangée des onglets, puis Entrée."""
    onglet = racine.get_by_role("tab", name=volet, exact=True)
    if onglet.get_attribute("aria-selected") == "true":
        return
    aller(page, racine.locator("[role=tab][tabindex='0']"))
    for _ in VOLETS:
        if onglet.evaluate("n => n === document.activeElement"):
            break
        page.keyboard.press("ArrowRight")
    with repeint(page):
        page.keyboard.press("Enter")


def captures(page, nom: str) -> None:
    if dossier := os.environ.get("CAFDIAG_CAPTURES"):
        page.screenshot(path=Path(dossier) / f"page-{nom}.png")


def noyaux(servie) -> list[psutil.Process]:
    return psutil.Process(servie.processus.pid).children(recursive=True)


def test_le_jeton_ferme_la_porte(servie):
    for chemin in ("/voila/render/explorateur.ipynb", "/fichiers/x.html", "/api/kernels"):
        try:
            with urllib.request.urlopen(servie.base + chemin) as reponse:
                assert "/login" in reponse.url, chemin
        except urllib.error.HTTPError as refus:
            assert refus.code == 403, chemin


def test_entree_ne_devance_pas_les_dernieres_lettres(servie, ouverte):
    """D'une traite, sans attendre les propositions : c'est ce qui est écrit qui se choisit."""
    page, _ = ouverte
    page.goto(servie.adresse)
    racine = page.locator(f".{page_de_la_carte.RACINE}")
    cadre(page).locator("html[data-peint]:not([data-peint=''])").wait_for(state="attached")
    champ = racine.get_by_label("Territoire", exact=True)
    for lettres, nom in (("angers loire", "CU Angers Loire Métropole"), ("pays de craon", "CC du Pays de Craon")):
        champ.press_sequentially(lettres, delay=0)
        page.keyboard.press("Enter")
        racine.get_by_role("heading", name=nom).wait_for()
        assert bientot(champ.input_value, "") == ""
    # Ce que rien ne porte ne choisit rien, et reste écrit.
    champ.press_sequentially("zzzz", delay=0)
    page.keyboard.press("Enter")
    racine.locator(".compte", has_text="Aucun territoire pour « zzzz »").wait_for()
    assert bientot(champ.input_value, "zzzz") == "zzzz"


def test_tout_le_parcours_au_clavier(servie, ouverte, fautes_axe):
    page, refusees = ouverte
    page.goto(servie.adresse)
    racine = page.locator(f".{page_de_la_carte.RACINE}")
    cadre(page).locator("html[data-peint]:not([data-peint=''])").wait_for(state="attached")
    processeur = sum(sum(p.cpu_times()[:4]) for p in noyaux(servie))
    assert page.locator(".jp-InputArea, .cm-editor, .jp-FileBrowser").count() == 0
    # Chercher.
    champ = racine.get_by_label("Territoire", exact=True)
    aller(page, champ)
    proposer(racine, "Territoire", "angers loire")
    with repeint(page):
        page.keyboard.press("Enter")
    racine.get_by_role("heading", name="CU Angers Loire Métropole").wait_for()
    proposer(racine, "Territoire", "pays de craon")
    with repeint(page):
        page.keyboard.press("Enter")
    chiffre(racine, "79,9")
    # Le clavier revient au champ, puis va de commande en commande.
    for nom in ("Thème", "Indicateur", "Année"):
        page.keyboard.press("Tab")
        assert racine.get_by_label(nom, exact=True).evaluate("n => n === document.activeElement"), nom
    # Le classement : un seul arrêt, puis les flèches ; Entrée choisit.
    boutons = cadre(page).locator("#lignes button")
    assert boutons.evaluate_all("tous => tous.filter(b => b.tabIndex === 0).length") == 1
    aller(page, boutons.first)
    page.keyboard.press("ArrowDown")
    choisie = boutons.nth(1).inner_text()
    with repeint(page):
        page.keyboard.press("Enter")
    assert bientot(racine.locator(".zone strong").inner_text, choisie) == choisie
    # Comparer.
    aller(page, racine.get_by_label("Ajouter un territoire", exact=True))
    proposer(racine, "Ajouter un territoire", "laval agglo")
    with repeint(page):
        page.keyboard.press("Enter")
    racine.locator(".barres tr", has_text="CA Laval Agglomération").locator("span", has_text="77,0").wait_for()
    # Composer un périmètre, deux communes au clavier et une prise sur la carte.
    changer_de_volet(page, racine, "Périmètre")
    cadre(page).locator("#titre", has_text="Composer un périmètre").wait_for()
    for commune in ("Athée", "Ballots"):
        aller(page, racine.get_by_role("checkbox", name=commune, exact=True))
        with repeint(page):
            page.keyboard.press("Space")
    with repeint(page):
        cadre(page).locator("path[data-code='53084']").click()
    racine.locator(".compte", has_text="3 communes cochées : Athée, Ballots, Craon").wait_for()
    aller(page, racine.get_by_label("Nom du périmètre", exact=True))
    page.keyboard.type("Pôle d'essai")
    aller(page, racine.get_by_role("button", name="Enregistrer et ouvrir"))
    with repeint(page):
        page.keyboard.press("Enter")
    racine.get_by_role("heading", name="Pôle d'essai").wait_for()
    # Simuler.
    changer_de_volet(page, racine, "Simuler")
    aller(page, racine.get_by_role("slider", name="Cible"))
    page.keyboard.press("End")
    racine.locator(".reponse").wait_for()
    # Chaque volet tient dans la fenêtre, et ne gêne personne.
    for volet in VOLETS:
        changer_de_volet(page, racine, volet)
        assert bientot(lambda: page.evaluate(DEFILE), []) == [], volet
        assert bientot(lambda: racine.evaluate(DEBORDEMENTS), []) == [], volet
        assert bientot(lambda: fautes_axe(page), []) == [], volet
        aller(page, champ)
        allers = tour(page, "Tab")
        assert allers[:3] == ["SELECT Thème", "SELECT Indicateur", "SELECT Année"], volet
        assert sorted(tour(page, "Shift+Tab")) == sorted(allers), volet
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")
        captures(page, f"1366-{volet}")
    (dedans,) = [f for f in page.frames if f.parent_frame and f.locator("#lignes").count()]
    assert fautes_axe(dedans) == []
    # Produire.
    changer_de_volet(page, racine, "Produire")
    for format_ in ("html", "note", "pptx", "fiches"):
        aller(page, racine.get_by_role("checkbox", name=actions.FORMATS[format_], exact=True))
        page.keyboard.press("Space")
    aller(page, racine.get_by_role("button", name="Produire les documents cochés"))
    page.keyboard.press("Enter")
    note = racine.get_by_role("link", name=re.compile(r"^note-.*\.html$"))
    note.wait_for(timeout=120_000)
    noms = set(racine.locator(".fichiers a").all_inner_texts())
    assert {Path(n).suffix for n in noms} >= {".html", ".pdf", ".pptx", ".docx", ".xlsx", ".csv"}
    assert not any(n.startswith("diagnostic") for n in noms)
    assert noms <= {fichier.name for fichier in (servie.ici / "sorties").iterdir()}
    aller(page, note)
    with page.context.expect_page() as neuve:
        page.keyboard.press("Enter")
    neuve.value.get_by_role("heading", name=re.compile("Pôle d'essai")).first.wait_for()
    neuve.value.close()
    captures(page, "1366-produit")
    # Le temps de calcul de tout le parcours, que la machine soit occupée ou non.
    assert sum(sum(p.cpu_times()[:4]) for p in noyaux(servie)) - processeur < 90
    # Étroit : rien ne déborde, et la carte a sa hauteur.
    page.set_viewport_size({"width": 400, "height": 2400})
    boite = cadre(page).locator("body")
    for volet in VOLETS:
        racine.get_by_role("tab", name=volet, exact=True).click()
        assert bientot(lambda: racine.evaluate(DEBORDEMENTS), []) == [], volet
        assert bientot(lambda: boite.evaluate("n => n.scrollWidth <= n.clientWidth + 1"), True), volet
        assert bientot(lambda: boite.evaluate(CADRE_A_SA_HAUTEUR), True), volet
        captures(page, f"400-{volet}")
    assert refusees == []
    # Quitter la page arrête son noyau : rouvrir dix fois n'en laisse pas dix.
    page.context.unroute("**/*")  # un adieu intercepté par playwright se perd avec sa page
    page.goto("about:blank")
    assert bientot(lambda: len(noyaux(servie)), 0) == 0
