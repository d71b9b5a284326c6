"""Le gabarit de la page : structure, textes échappés, écran étroit, papier."""

import re

import jinja2
import pandas as pd
import pytest

from cafdiag import magasin
from cafdiag.restitution.carte import Carte
from cafdiag.restitution.carte_html import socle_html
from cafdiag.restitution.leaflet import CarteHorsLigne
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.tableaux import tableau

pytestmark = pytest.mark.unitaire

GARDE = {
    "titre": "CC du Pays de Craon <b>",
    "sous_titre": "Diagnostic de territoire",
    "situation": "Situation connue au 31 décembre 2023.",
    "sommaire": [{"ancre": "en-bref", "titre": "En bref"}, {"ancre": "portrait", "titre": "Portrait"}],
}


def page(corps="<h2 id='en-bref'>En bref</h2>", scripts=(), **garde):
    dossier = magasin.dossier("templates") / "rapport"
    environnement = jinja2.Environment(
        loader=jinja2.FileSystemLoader(dossier), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environnement.get_template("page.html.j2").render(
        garde=GARDE | garde,
        corps=corps,
        scripts=list(scripts),
        style=(dossier / "style.css").read_text(encoding="utf-8"),
        socle=socle_html() if scripts else "",
    )


def large():
    """Un corps éprouvant : tableau de vingt colonnes, mot sans fin, carte."""
    carte = CarteHorsLigne(Carte("Carte", cadre=(-1, 47, 0, 48)))
    colonnes = pd.DataFrame([["Commune", *range(20)]], columns=["nom", *(f"colonne {i}" for i in range(20))])
    html, script = carte.fragments()
    corps = (
        f"<h2>{'Anticonstitutionnellement' * 4}</h2>{fragment((tableau(colonnes, titre='Un titre assez long'),))}{html}"
        '<ul class="chiffres"><li><strong>28 591</strong>habitants</li></ul>'
        '<details class="note-limite"><summary>Limites</summary><p>Une limite.</p></details>'
    )
    return page(corps, [script])


def test_la_page_a_une_structure_accessible():
    html = page()
    assert '<html lang="fr">' in html and html.count("<h1>") == 1
    for balise in ("<header", "<nav", "<main", "<footer"):
        assert html.count(balise) == 1
    assert '<a class="evitement" href="#contenu">' in html and 'id="contenu"' in html
    assert "Situation connue au 31 décembre 2023." in html


def test_les_textes_de_la_garde_sont_echappes():
    assert "<title>CC du Pays de Craon &lt;b&gt; –" in page()


def test_sans_carte_la_page_ne_porte_pas_leaflet():
    assert "leaflet" not in page().lower()
    assert large().count("* Leaflet 1.9.4") == 1


def test_la_page_n_appelle_rien():
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=|@import|url\((?!#)", page())


@pytest.mark.navigateur
@pytest.mark.parametrize("largeur", [1366, 768, 400, 320])
def test_aucun_debordement(page_hors_reseau, tmp_path, largeur):
    onglet, requetes = page_hors_reseau
    onglet.set_viewport_size({"width": largeur, "height": 800})
    (tmp_path / "page.html").write_text(large(), encoding="utf-8")
    onglet.goto((tmp_path / "page.html").as_uri())
    assert onglet.evaluate("document.documentElement.scrollWidth") == largeur
    # Le titre d'un tableau trop large reste lisible sans défiler.
    assert onglet.evaluate("document.querySelector('caption').getBoundingClientRect().width") <= largeur
    assert requetes == []


@pytest.mark.navigateur
def test_l_impression_ouvre_les_replis_puis_les_referme(page_hors_reseau, tmp_path):
    onglet, _ = page_hors_reseau
    (tmp_path / "page.html").write_text(large(), encoding="utf-8")
    onglet.goto((tmp_path / "page.html").as_uri())
    ouvert = "document.querySelector('.note-limite').open"
    onglet.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert onglet.evaluate(ouvert) is True
    onglet.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert onglet.evaluate(ouvert) is False
    assert len(onglet.pdf(prefer_css_page_size=True)) > 10_000


@pytest.mark.navigateur
def test_sur_un_petit_ecran_le_sommaire_est_range(page_hors_reseau, tmp_path):
    onglet, _ = page_hors_reseau
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    ouvert = "document.querySelector('.sommaire details').open"
    for largeur, attendu in ((1366, True), (400, False)):
        onglet.set_viewport_size({"width": largeur, "height": 800})
        onglet.goto((tmp_path / "page.html").as_uri())
        assert onglet.evaluate(ouvert) is attendu
