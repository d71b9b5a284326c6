"""Du HTML sémantique au document, et d'une carte à son image fixe."""

import re

import pytest
from test_cartes import VILAIN

from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import dossier
from cafdiag.restitution.bloc import phrase_html
from cafdiag.restitution.carte import GENRES, Carte
from cafdiag.restitution.carte_fixe import carte_statique
from cafdiag.restitution.cartes import carte
from cafdiag.restitution.couches import Couche
from cafdiag.restitution.document import (
    Chiffres,
    Definitions,
    Document,
    Encadre,
    Figure,
    Liste,
    Paragraphe,
    Table,
    Titre,
    en_clair,
    parcourir,
)
from cafdiag.restitution.document_html import lire_blocs
from cafdiag.restitution.rendu_docx import rendre_docx
from cafdiag.restitution.rendu_pdf import pdf

FRAGMENT = """
<section id="neuf"><h2>Un chapitre <em>neuf</em></h2>Un texte sans paragraphe.
<ul class="chiffres"><li><strong>12</strong>places<small>en 2023</small></li></ul>
<div class="bloc-que-personne-ne-connait"><p>Dedans.</p><span>Au fil <b>du texte</b></span></div>
<ol><li>Un</li><li><p>Deux</p><ul><li>Deux bis</li></ul></li></ol>
<table><caption>Un tableau<small>précision</small></caption><thead><tr><th scope="col">A</th>
<th colspan="2" class="nombre">B</th></tr></thead>
<tbody><tr><th scope="row">x</th><td>1</td><td></td></tr></tbody></table>
<figure class="graphique"><figcaption>Un dessin</figcaption><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 4">
<title>Dessin</title><desc>Ce qu'il montre</desc></svg><p class="source">Source : moi.</p></figure>
<details class="note-limite"><summary>Limites</summary><ul><li>Une</li></ul></details>
<div class="parole"><p><strong>La parole.</strong> Qui ?</p></div>
<dl><dt>EAJE</dt><dd>crèche</dd></dl>
<form><label>Cible</label><input value="ecran"><button>Calculer</button></form><script>alert(1)</script></section>
"""


def test_chaque_genre_de_bloc_est_reconnu():
    blocs = lire_blocs(FRAGMENT)
    genres = [type(b) for b in blocs]
    assert genres == [
        Titre, Paragraphe, Chiffres, Paragraphe, Paragraphe, Liste, Table, Figure, Encadre, Encadre, Definitions,
        Paragraphe,
    ]  # fmt: skip
    titre, volant, chiffres, _, fil, liste, table, figure, limites, parole, glossaire, formulaire = blocs
    assert (titre.niveau, titre.ancre, titre.bouts[1].italique) == (1, "neuf", True)
    assert en_clair(volant.bouts) == "Un texte sans paragraphe."
    assert (chiffres.chiffres[0].valeur, chiffres.chiffres[0].libelle, chiffres.chiffres[0].precision) == (
        "12",
        "places",
        "en 2023",
    )
    assert en_clair(fil.bouts) == "Au fil du texte" and fil.bouts[1].gras
    assert liste.ordonnee and len(liste.elements) == 2 and isinstance(liste.elements[1][1], Liste)
    assert (table.titre, table.precision, table.largeur) == ("Un tableau", "précision", 3)
    assert table.entetes[0][1].colonnes == 2 and table.corps[0][0].entete
    assert (figure.titre, figure.alternative, figure.source) == (
        "Un dessin",
        "Ce qu'il montre",
        "Source : moi.",
    )
    assert "viewBox" in figure.svg
    assert (limites.genre, parole.genre) == ("note", "parole")
    assert en_clair(glossaire.termes[0][1]) == "crèche"
    # Les commandes de l'écran ne passent pas sur le papier ; leur étiquette, qui est du texte, si.
    assert en_clair(formulaire.bouts) == "Cible"


def test_aucun_texte_visible_ne_se_perd():
    mots = ["Un chapitre", "neuf", "sans paragraphe", "Dedans", "Au fil", "Deux bis", "Une", "La parole"]
    dits = " ".join(
        en_clair(b.bouts) for b in parcourir(lire_blocs(FRAGMENT)) if isinstance(b, Titre | Paragraphe)
    )
    assert [m for m in mots if m not in dits] == []


@pytest.mark.parametrize("rendre", [rendre_docx, pdf])
def test_un_bloc_nouveau_se_rend_sans_code_de_plus(rendre):
    document = Document("Titre", "Sous-titre", blocs=lire_blocs(FRAGMENT))
    assert rendre(document) == rendre(document)


@pytest.mark.parametrize("rendre", [rendre_docx, pdf])
def test_document_vide_ou_a_caracteres_de_controle(rendre):
    blocs = lire_blocs("<p>Crèche\x07 &#11; des Lilas</p><table></table><ul></ul>")
    assert rendre(Document("Vide", "", blocs=blocs))[:2] in (b"PK", b"%P")


def test_tableau_a_cases_reunies():
    fragment = (
        "<table><tr><th rowspan='2'>A</th><td colspan='2'>B</td></tr><tr><td>C</td><td>D</td></tr></table>"
    )
    import io

    import docx

    rendu = docx.Document(io.BytesIO(rendre_docx(Document("T", "", blocs=lire_blocs(fragment)))))
    (table,) = rendu.tables
    assert [[c.text for c in ligne.cells] for ligne in table.rows] == [["A", "B", "B"], ["A", "C", "D"]]


@pytest.mark.parametrize(
    "suite",
    [
        # Un passage replié : son intitulé n'est pas un titre, mais il ne quitte pas son tableau.
        "<details class='note-limite'><summary>INTITULE</summary><table><tr><th>Nom</th></tr>"
        + "<tr><td>PREMIER</td></tr>" * 9
        + "</table></details>",
        # Une première ligne plus haute que le reste de la page.
        "<h3>INTITULE</h3><table><caption>Muets</caption><thead><tr><th>Pourquoi</th><th>Quoi</th></tr></thead><tbody>"
        "<tr><td>PREMIER</td><td>" + "Un indicateur au nom assez long ; " * 80 + "</td></tr>"
        "<tr><td>autre</td><td>court</td></tr></tbody></table>",
    ],
    ids=["passage replié", "ligne haute"],
)
@pytest.mark.parametrize("remplissage", [16, 20, 24, 28, 32, 34, 36])
def test_dans_le_pdf_un_titre_reste_avec_son_tableau(suite, remplissage):
    import io

    import pypdf

    blocs = lire_blocs("<h2>Chapitre</h2>" + "<p>Une ligne.</p>" * remplissage + suite)
    pages = [p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf(Document("T", "", blocs=blocs)))).pages]
    (ici,) = [p for p in pages if "INTITULE" in p]
    assert "PREMIER" in ici


def test_une_option_ne_se_coupe_pas_dans_la_page():
    (paragraphe,) = lire_blocs(f"<p>{phrase_html('avec --registre-complet 53 pour 10 000 habitants')}</p>")
    assert en_clair(paragraphe.bouts) == "avec --registre-complet 53 pour 10\u202f000 habitants"
    style = (dossier("templates") / "rapport" / "style.css").read_text(encoding="utf-8")
    assert re.search(r"^code \{[^}]*white-space: nowrap", style, re.MULTILINE)


# --- Les cartes fixes ---


@pytest.fixture(scope="module")
def craon():
    return carte("200048551", "PE_TXCOUV_GLOBAL")


def test_image_fixe_dit_et_montre_la_meme_carte(craon):
    image = carte_statique(craon.modele)
    html, _ = craon.fragments()
    assert (image.titre, image.texte) == (craon.modele.titre, craon.texte)
    assert image.source and image.source in html.replace("&#x27;", "'")
    zones = [c.dessin for c in craon.modele.couches if c.genre == "zones" and c.dessin["plan"] == "zones"]
    couleurs = {z["styles"][e["s"]]["fillColor"] for z in zones for e in z["entites"]}
    # Les mêmes couleurs que l'écran, dans la vue et dans la légende.
    assert couleurs and all(c in image.svg for c in couleurs)
    for etiquette in re.findall(r"<span>([^<]+)<small>", html):
        premiers = " ".join(etiquette.split()[:2])
        assert premiers.split(" ")[0] in image.svg
    assert "km</text>" in image.svg and "nord" not in image.svg.lower()


def test_image_fixe_hachure_ce_qui_manque():
    import pandas as pd

    from cafdiag.restitution.cartes import carte_aplats
    from cafdiag.restitution.vues import contours_de

    contours = contours_de("epci", ["200048551", "245300355"]).assign(nom=["A", "B"])
    mesures = pd.DataFrame(
        {"territoire": contours["code"], "valeur": [79.9, None], "statut": ["exact", "secret"], "unite": "%"}
    )
    image = carte_statique(carte_aplats(contours, mesures, libelle="Taux", unite="%", titre="T").modele)
    motif = re.search(r'<pattern id="(hachures-[^"]+)"', image.svg).group(1)
    # Dans la vue et dans la légende.
    assert image.svg.count(f"url(#{motif})") == 2 and "Secret statistique" in image.svg


def test_image_fixe_et_carte_interactive_dans_une_meme_page(craon):
    html, _ = craon.fragments()
    ids = re.findall(r'\sid="([^"]+)"', html + carte_statique(craon.modele).svg)
    assert len(ids) == len(set(ids))


def test_image_fixe_reproductible_sans_legende_et_en_png(craon):
    assert carte_statique(craon.modele).svg == carte_statique(carte("200048551", "PE_TXCOUV_GLOBAL").modele).svg
    seule = carte_statique(craon.modele, legende=False, largeur=400)
    assert "fois la France" not in re.sub(r"<desc>.*?</desc>", "", seule.svg) and 'width="400"' in seule.svg
    assert carte_statique(craon.modele).png(ppp=50)[:4] == b"\x89PNG"


def test_image_fixe_textes_hostiles():
    import pandas as pd

    from cafdiag.restitution.cartes import carte_communes
    from cafdiag.restitution.vues import contours_de

    contours = contours_de("commune", ["53084"]).assign(nom=[VILAIN])
    points = pd.DataFrame({"type": ["evs"], "nom": [VILAIN], "lon": [-0.95], "lat": [47.84]})
    image = carte_statique(carte_communes(contours, titre=VILAIN, points=points, source=VILAIN).modele)
    assert "<script" not in image.svg and "<img" not in image.svg
    import lxml.etree

    assert lxml.etree.fromstring(image.svg.encode()).tag.endswith("svg")
    assert image.png(ppp=30)[:4] == b"\x89PNG"


def test_toute_couche_de_l_ecran_a_son_image():
    script = (dossier("templates") / "carte" / "carte.js").read_text(encoding="utf-8")
    exposees = re.search(r"window\.cafdiag = \{(.*?)\}", script, re.S).group(1)
    assert set(re.findall(r"(\w+): ", exposees)) - {"carte", "cadrer", "vider", "bulle"} == set(GENRES)


def test_couche_inconnue_jamais_omise_en_silence():
    with pytest.raises(DemandeFausse, match="chaleur"):
        carte_statique(Carte("T", cadre=(-1, 47, 0, 48), couches=(Couche("chaleur", {"entites": []}),)))
