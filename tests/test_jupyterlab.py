"""Un vrai « cafdiag explorer », un vrai JupyterLab, un vrai Chromium : chaque action répond.

Rien ne sort de la machine : toute adresse autre que celle de l'atelier est refusée et notée.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from cafdiag.restitution.explorateur import page as page_de_la_carte
from cafdiag.restitution.explorateur.interface import VOLETS

pytestmark = [pytest.mark.navigateur, pytest.mark.lent]

RACINE = Path(__file__).resolve().parent.parent
REGLES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
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


class Atelier:
    """L'atelier lancé : son adresse, ses carnets, son dossier de données."""

    def __init__(self, adresse: str, carnets: Path, processus: subprocess.Popen) -> None:
        self.carnets, self.processus = carnets, processus
        self.base, self.jeton = re.match(
            r"(http://127\.0\.0\.1:\d+)/lab/tree/accueil\.ipynb\?token=(\w+)", adresse
        ).groups()

    def carnet(self, nom: str) -> str:
        # « reset » : sans lui, l'espace de travail rouvre aussi les carnets des essais d'avant.
        return f"{self.base}/lab/tree/{nom}?reset&token={self.jeton}"


@pytest.fixture(scope="module")
def atelier(tmp_path_factory):
    """``cafdiag explorer --sans-navigateur`` sur un port libre ; Ctrl-C à la fin, et il doit s'arrêter."""
    ici = tmp_path_factory.mktemp("atelier")
    env = dict(
        os.environ, CAFDIAG_DONNEES=str(ici / "donnees"), PYTHONPATH=str(RACINE), HOME=str(ici / "maison")
    )
    (ici / "maison").mkdir()
    commande = [sys.executable, "-P", "-m", "cafdiag", "explorer", "--sans-navigateur"]
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


@pytest.fixture
def navigateur(chromium, atelier):
    """(page, requêtes refusées) ; seul l'atelier est joignable, et aucun avis de faute ne s'affiche."""
    refusees: list[str] = []
    dites: list[str] = []
    permis = (atelier.base, atelier.base.replace("http", "ws"), "data:", "blob:", "about:")

    def trier(route) -> None:
        if route.request.url.startswith(permis):
            route.continue_()
        else:
            refusees.append(route.request.url)
            route.abort()

    contexte = chromium.new_context(
        service_workers="block", locale="fr-FR", viewport={"width": 1366, "height": 900}
    )
    contexte.route("**/*", trier)
    page = contexte.new_page()
    page.expose_function("noterLaFaute", lambda texte: dites.append(texte))
    page.add_init_script(NOTER_LES_FAUTES)
    page.set_default_timeout(60_000)
    yield page, refusees
    contexte.close()
    assert dites == []


def ouvrir(page, atelier):
    """Ouvre le carnet de l'explorateur, exécute sa cellule, attend sa carte peinte ; rend l'explorateur."""
    page.goto(atelier.carnet("explorateur.ipynb"))
    devant = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    devant.get_by_role("heading", name="L'explorateur", exact=True).wait_for()
    cellule = devant.locator(".jp-CodeCell").first
    page.locator("#jp-main-statusbar", has_text="Inactif").wait_for()
    numero = cellule.locator(".jp-InputPrompt")
    avant, fin = numero.inner_text(), time.monotonic() + 60
    # Avant que le noyau soit là, une exécution est perdue sans un mot : on la redemande. Mais seulement si elle
    # s'est perdue : deux exécutions se remplaceraient l'une l'autre.
    while numero.inner_text() == avant and time.monotonic() < fin:
        cellule.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(500)
    cellule.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for()
    racine = devant.locator(f".{page_de_la_carte.RACINE}")
    racine.wait_for()
    cadre(page).locator("html[data-peint]:not([data-peint=''])").wait_for(state="attached")
    return racine


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


def changer_de_volet(page, racine, volet: str) -> None:
    onglet = racine.get_by_role("tab", name=volet, exact=True)
    if onglet.get_attribute("aria-selected") != "true":
        with repeint(page):
            onglet.click()


def titre_de_la_carte(page, texte: str) -> None:
    cadre(page).locator("#titre", has_text=texte).wait_for()


def chiffre(racine, texte: str) -> None:
    racine.locator(".chiffre .grand", has_text=re.compile(rf"^\s*{re.escape(texte)}\s")).wait_for()


def fautes_axe(page, **options) -> list:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    rendu = axe.Axe().run(page, options={"runOnly": REGLES}, **options).response
    # Un axe qui n'a rien examiné ne trouverait rien non plus.
    assert len(rendu["passes"]) > 3
    return [(f["id"], [n["html"][:120] for n in f["nodes"]]) for f in rendu["violations"]]


def test_accueil_en_francais(atelier, navigateur):
    page, refusees = navigateur
    page.goto(f"{atelier.base}/lab?token={atelier.jeton}")
    page.get_by_role("menuitem", name="Fichier").wait_for()
    for menu in ("Édition", "Affichage", "Exécution", "Noyau", "Aide"):
        assert page.get_by_role("menuitem", name=menu, exact=True).is_visible()
    # Sans chemin, l'atelier mène au carnet d'accueil.
    page.goto(f"{atelier.base}/?token={atelier.jeton}")
    page.get_by_role("heading", name="Bienvenue dans cafdiag").wait_for()
    page.get_by_role("link", name="l'explorateur", exact=True).click()
    page.get_by_role("heading", name="L'explorateur", exact=True).wait_for()
    assert page.locator(".jp-Notification, .Toastify__toast").count() == 0
    assert refusees == []


def test_de_la_frappe_au_rapport(atelier, navigateur):
    page, refusees = navigateur
    fautes: list[str] = []
    page.on("pageerror", lambda faute: fautes.append(str(faute)))
    racine = ouvrir(page, atelier)
    # Choisir à la frappe.
    proposer(racine, "Territoire", "pays de cra")
    racine.get_by_role("button", name="CC du Pays de Craon — EPCI, Mayenne", exact=True).click()
    racine.get_by_role("heading", name="CC du Pays de Craon").wait_for()
    chiffre(racine, "79,9")
    # Changer d'indicateur : le chiffre, la carte et son tableau suivent.
    with repeint(page):
        racine.get_by_label("Indicateur", exact=True).select_option(
            label="Taux de couverture par les établissements d'accueil (EAJE)"
        )
    chiffre(racine, "9,6")
    titre_de_la_carte(page, "établissements d'accueil (EAJE)")
    cadre(page).locator("tr", has_text="CC du Pays de Craon").locator("td", has_text="9,6").wait_for()
    # Changer de thème : la liste des indicateurs suit.
    for theme, titre in (("Portrait du territoire", "Population municipale"), ("Petite enfance", "")):
        with repeint(page):
            racine.get_by_label("Thème", exact=True).select_option(label=theme)
        titre_de_la_carte(page, titre)
    with repeint(page):
        racine.get_by_label("Indicateur", exact=True).select_option(
            label="Taux de couverture par les établissements d'accueil (EAJE)"
        )
    # Comparer à Laval Agglomération.
    proposer(racine, "Ajouter un territoire", "laval agglo")
    with repeint(page):
        racine.get_by_role("button", name="CA Laval Agglomération — EPCI, Mayenne", exact=True).click()
    racine.locator(".barres tr", has_text="CA Laval Agglomération").locator(
        "span", has_text="16,5"
    ).wait_for()
    # Cliquer sur la carte choisit une zone.
    with repeint(page):
        cadre(page).locator("tr", has_text="CC de l'Ernée").get_by_role("button").click()
    racine.locator(".zone", has_text="CC de l'Ernée").wait_for()
    # Composer un périmètre : deux communes cochées, la troisième prise sur la carte.
    changer_de_volet(page, racine, "Périmètre")
    titre_de_la_carte(page, "Composer un périmètre")
    for commune in ("Athée", "Ballots"):
        with repeint(page):
            racine.get_by_role("checkbox", name=commune, exact=True).check()
    with repeint(page):
        cadre(page).locator("path[data-code='53084']").click()
    racine.locator(".compte", has_text="3 communes cochées : Athée, Ballots, Craon").wait_for()
    racine.get_by_role("checkbox", name="Craon", exact=True, checked=True).wait_for()
    racine.get_by_label("Nom du périmètre", exact=True).fill("Pôle d'essai")
    with repeint(page):
        racine.get_by_role("button", name="Enregistrer et ouvrir").click()
    racine.get_by_role("heading", name="Pôle d'essai").wait_for()
    assert len(list((atelier.carnets.parent / "donnees" / "perimetres").iterdir())) == 1
    with repeint(page):
        racine.get_by_label("Indicateur", exact=True).select_option(label="Naissances domiciliées")
    # En 2024, dernière année de ses repères : 6 + 9 + 34.
    chiffre(racine, "49")
    # Simuler au curseur, à la flèche.
    changer_de_volet(page, racine, "Simuler")
    racine.get_by_role("slider", name="Cible").focus()
    page.keyboard.press("End")
    racine.locator(".reponse").wait_for()
    racine.get_by_label("Places pour 100 enfants").and_(page.locator("input")).wait_for()
    # Produire le rapport.
    changer_de_volet(page, racine, "Produire")
    racine.get_by_role("button", name="Rapport").click()
    lien = racine.get_by_role("link", name=re.compile(r"^diagnostic-.*\.html$"))
    lien.wait_for(timeout=120_000)
    with page.context.expect_page() as ouverte:
        lien.click()
    rapport = ouverte.value
    rapport.get_by_role("heading", name=re.compile("Pôle d'essai")).first.wait_for()
    rapport.close()
    # Rouvrir : l'état est gardé.
    page.reload()
    racine = ouvrir(page, atelier)
    racine.get_by_role("heading", name="Pôle d'essai").wait_for()
    # En 2024, dernière année de ses repères : 6 + 9 + 34.
    chiffre(racine, "49")
    assert (refusees, fautes) == ([], [])


def test_au_clavier_et_pour_un_lecteur_d_ecran(atelier, navigateur):
    page, _ = navigateur
    racine = ouvrir(page, atelier)
    champ = racine.get_by_label("Territoire", exact=True)
    champ.focus()
    page.keyboard.type("Laval", delay=30)
    racine.locator(".compte", has_text="pour « Laval »").wait_for()
    racine.get_by_role("button", name="CA Laval Agglomération — EPCI, Mayenne", exact=True).wait_for()
    page.keyboard.press("Tab")
    assert "CA Laval Agglomération" in page.evaluate("document.activeElement.textContent")
    with repeint(page):
        page.keyboard.press("Enter")
    racine.get_by_role("heading", name="CA Laval Agglomération").wait_for()
    # Le bouton pris a disparu : le clavier revient au champ, puis va de commande en commande.
    page.wait_for_function("document.activeElement.placeholder === 'nom, code ou code postal'")
    for nom in ("Thème", "Indicateur", "Année"):
        page.keyboard.press("Tab")
        # « exact » : une commune à cocher se nomme « Rannée ».
        champ_attendu = racine.get_by_label(nom, exact=True)
        assert champ_attendu.evaluate("n => n === document.activeElement"), nom
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Home")
    chiffre(racine, "77,0")
    # Entrée prend la première proposition.
    champ.focus()
    page.keyboard.type("pays de craon", delay=30)
    racine.locator(".compte", has_text="pour « pays de craon »").wait_for()
    with repeint(page):
        page.keyboard.press("Enter")
    racine.get_by_role("heading", name="CC du Pays de Craon").wait_for()
    # Dans le tableau lié : un seul arrêt, puis les flèches.
    boutons = cadre(page).locator("#lignes button")
    assert boutons.evaluate_all("tous => tous.filter(b => b.tabIndex === 0).length") == 1
    boutons.first.focus()
    page.keyboard.press("ArrowDown")
    with repeint(page):
        page.keyboard.press("Enter")
    dans_l_explorateur = {"include": [[f".{page_de_la_carte.RACINE}"]]}
    choisie = boutons.nth(1).inner_text()
    assert bientot(racine.locator(".zone strong").inner_text, choisie) == choisie
    for volet in VOLETS:
        changer_de_volet(page, racine, volet)
        assert bientot(partial(fautes_axe, page, context=dans_l_explorateur), []) == [], volet
    (dedans,) = [f for f in page.frames if f.parent_frame and f.locator("#lignes").count()]
    assert fautes_axe(dedans) == []


@pytest.mark.parametrize("largeur", [1366, 400])
def test_rien_ne_deborde(atelier, navigateur, largeur):
    page, _ = navigateur
    racine = ouvrir(page, atelier)
    proposer(racine, "Ajouter un territoire", "angers loire")
    racine.get_by_role("button", name=re.compile("^CU Angers Loire Métropole")).click()
    # Déjà comparée par l'essai d'avant, elle ne repeint rien.
    racine.get_by_role("button", name="Retirer CU Angers Loire Métropole").wait_for()
    # Le volet des fichiers prend 250 pixels, qu'un écran étroit n'a pas.
    page.locator(".jp-SideBar.jp-mod-left li[data-id='filebrowser']").click()
    page.set_viewport_size({"width": largeur, "height": 2400})
    boite = cadre(page).locator("body")
    for volet in VOLETS:
        changer_de_volet(page, racine, volet)
        page.wait_for_timeout(500)
        if dossier := os.environ.get("CAFDIAG_CAPTURES"):
            racine.screenshot(path=Path(dossier) / f"explorateur-{largeur}-{volet}.png")
        assert bientot(lambda: racine.evaluate(DEBORDEMENTS), []) == [], volet
        assert bientot(lambda: boite.evaluate("n => n.scrollWidth <= n.clientWidth + 1"), True), volet
        assert bientot(lambda: boite.evaluate(CADRE_A_SA_HAUTEUR), True), volet
