"""Le modèle de document : chaque élément dans chaque rédacteur ; et d'une carte à son image fixe."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import docx
import pypdf
import pytest
from test_cartes import VILAIN

from cafdiag.erreurs import DemandeFausse
from cafdiag.magasin import dossier
from cafdiag.restitution.carte import GENRES, Carte
from cafdiag.restitution.carte_fixe import carte_statique
from cafdiag.restitution.cartes import carte
from cafdiag.restitution.couches import Couche
from cafdiag.restitution.document import (
    Bout,
    Case,
    Chiffre,
    Chiffres,
    Document,
    Duo,
    Element,
    Encadre,
    Figure,
    Liste,
    Paragraphe,
    Section,
    Table,
    a_completer,
    de_json,
    en_json,
    liste,
    mots,
    paragraphe,
    parole,
    titre,
    tous_les_mots,
)
from cafdiag.restitution.impression import a_imprimer, regrouper
from cafdiag.restitution.redacteurs import REDACTEURS, rediger
from cafdiag.restitution.rendu_docx import rendre_docx
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.rendu_pdf import pdf

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40"><title>Dessin</title><desc>Ce qu\'il montre</desc>'
    '<rect width="90" height="40" fill="#0d4a7c"/></svg>'
)
TABLE = Table(
    "Offre, 2023",
    "places",
    ((Case(()), Case((*mots("Craon"), *mots("EPCI", petit=True)), entete=True, nombre=True, accent=True)),),
    (
        (
            Case(mots("Taux"), entete=True),
            Case((Bout("79,9 "), Bout("e", role="statut", dit="estimé"), Bout(" "),
                  Bout("(78 à 81)", petit=True, role="intervalle")), nombre=True, accent=True),
        ),
        (Case(mots("Berceaux"), entete=True), Case((Bout("n.d.", role="nd", dit="non disponible"),), nombre=True)),
    ),
    (
        Paragraphe((Bout("e", gras=True), *mots(" : estimé.")), "legende"),
        *liste(["Berceaux : inconnus."], allure="motifs"),
    ),
)  # fmt: skip
# Un exemplaire de chaque élément, et les mots qui doivent s'y lire, quel que soit le rédacteur.
ELEMENTS = {
    "Titre": (titre("Comparer < ici"), ["Comparer < ici"]),
    "Paragraphe": (paragraphe("Il y a 37 communes & un « & » ?"), ["37 communes & un"]),
    "Liste": (liste(["Première", "Seconde"], ordonnee=True), ["Première", "Seconde"]),
    "Table": ((TABLE,), ["Offre, 2023", "places", "Taux", "79,9", "(78 à 81)", "n.d.", "estimé", "Berceaux"]),
    "Figure": (
        (Figure("Un dessin", SVG, "Ce qu'il montre", "précision", "Source : moi."),),
        ["Un dessin", "précision", "moi"],
    ),
    "Encadre": (a_completer("les horaires demandés"), ["À compléter", "Les horaires demandés"]),
    "Duo": ((Duo(paragraphe("À gauche") + paragraphe("À droite")),), ["À gauche", "À droite"]),
    "Chiffres": ((Chiffres((Chiffre("12", "places", "en 2023"),)),), ["12", "places", "en 2023"]),
    "Section": (
        (Section("Petite enfance", paragraphe("Dedans."), ancre="pe", genre="chapitre"),),
        ["Petite enfance", "Dedans."],
    ),
}  # fmt: skip


class _Page(HTMLParser):
    """Le texte d'une page, et ses balises, qui doivent se fermer dans l'ordre."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pile, self.textes = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "meta", "rect"):
            self.pile.append(tag)

    def handle_endtag(self, tag):
        if tag != "rect":
            assert self.pile.pop() == tag

    def handle_data(self, data):
        if self.pile[-1:] not in (["script"], ["style"]):
            self.textes.append(data)


def _lu(octets: str | bytes, format_: str) -> str:
    """Ce qu'un lecteur d'un autre que nous lit dans un fichier."""
    if format_ == "html":
        page = _Page(octets)
        assert page.pile == []
        texte = " ".join(page.textes)
    elif format_ == "docx":
        texte = " ".join(t.text or "" for t in docx.Document(io.BytesIO(octets)).element.iter() if t.tag.endswith("}t"))
    else:
        texte = " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(octets)).pages)
    return re.sub(r"\s+", " ", texte)


def test_chaque_genre_d_element_a_son_exemplaire():
    assert {g.__name__ for g in Element.__subclasses__()} == {*ELEMENTS, "Planche"}


@pytest.mark.parametrize("format_", REDACTEURS)
@pytest.mark.parametrize("genre", ELEMENTS)
def test_chaque_element_dans_chaque_redacteur(genre, format_):
    elements, attendus = ELEMENTS[genre]
    document = Document("Un titre", "Essai", elements=(Section("Chapitre", elements),))
    octets = rediger(document, format_)
    lu = _lu(octets, format_)
    assert [m for m in attendus if m not in lu] == []
    assert rediger(document, format_) == octets


@pytest.mark.parametrize("genre", ELEMENTS)
def test_un_element_se_porte_en_json_sans_rien_perdre(genre):
    import json

    elements, attendus = ELEMENTS[genre]
    assert de_json(json.loads(json.dumps(en_json(elements)))) == elements
    dits = "".join(tous_les_mots(elements)).replace("\u202f", " ")
    assert [m for m in attendus if m not in dits] == []


def _page_imprimee() -> bytes:
    """Un exemplaire de chaque élément, sur une page."""
    import typst

    from cafdiag.restitution import rendu_pdf
    from cafdiag.restitution.images import polices

    montres = tuple(e for genre, (elements, _) in ELEMENTS.items() if genre != "Section" for e in elements)
    document = Document("Un titre", "Essai", situation="Ici.", elements=(Section("Chapitre", montres),), sommaire=False)
    gabarit = (dossier("templates") / "rapport" / rendu_pdf.GABARIT).read_bytes()
    return typst.compile(
        gabarit, format="png", ppi=50, font_paths=polices(), sys_inputs=rendu_pdf.entrees(document)
    )


def test_la_page_imprimee_est_celle_que_l_oeil_a_jugee():
    """Une mise en page qui change se regarde, puis l'image attendue se remplace par la nouvelle."""
    from PIL import Image, ImageChops, ImageStat

    attendue = Image.open(Path(__file__).parent / "attendus" / "document.png").convert("RGB")
    rendue = Image.open(io.BytesIO(_page_imprimee())).convert("RGB")
    assert rendue.size == attendue.size
    # Un filet ôté fait 0,05 ; un cadre en trait plein, 0,14.
    assert max(ImageStat.Stat(ImageChops.difference(rendue, attendue)).mean) < 0.02


def test_un_format_neuf_est_une_ligne(monkeypatch, tmp_path):
    """Un rédacteur inscrit suffit : les pièces du dossier l'écrivent."""
    import sys
    import types

    from cafdiag.restitution import piece, redacteurs

    neuf = types.ModuleType("cafdiag.restitution.rendu_mots")
    neuf.ecrire = lambda document: " ".join(tous_les_mots(document.elements))
    monkeypatch.setitem(sys.modules, neuf.__name__, neuf)
    monkeypatch.setitem(redacteurs.REDACTEURS, "mots", ("rendu_mots", "ecrire"))
    document = Document("T", "S", elements=paragraphe("Un avis."))
    assert piece.ecrire_piece(document, tmp_path / "a.mots").read_text(encoding="utf-8") == "Un avis."


def test_un_encadre_replie_a_l_ecran_s_ouvre_sur_le_papier():
    replie = Encadre("note", paragraphe("Une limite."), resume="Limites")
    assert fragment((replie,)) == (
        '<details class="note-limite"><summary>Limites</summary><p>Une limite.</p></details>'
    )
    ((intitule, limite),) = (e.elements for e in a_imprimer((replie,)))
    assert (intitule.allure, intitule.bouts[0].gras, limite.bouts[0].texte) == ("intitule", True, "Une limite.")


@pytest.mark.navigateur
def test_en_etroit_un_long_tableau_attend_sous_son_titre(page_hors_reseau, tmp_path):
    ligne = (Case(mots("Ici"), entete=True), Case(mots("1"), nombre=True))
    long = Table("Comparer", "Une précision.", (), (ligne,) * 6)
    replie = Encadre("note", (Table("Les limites", "", (), (ligne,) * 6),), resume="Limites")
    page, _ = page_hors_reseau
    (tmp_path / "r.html").write_text(rediger(Document("T", "S", elements=(long, replie)), "html"), "utf-8")
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto((tmp_path / "r.html").as_uri())
    assert not page.locator(".pli table").is_visible() and page.locator(".pli").count() == 1
    page.locator(".pli > summary").click()
    assert page.locator(".pli table").is_visible()
    page.set_viewport_size({"width": 1366, "height": 800})
    assert page.locator(".pli table").is_visible() and not page.locator(".pli > summary").is_visible()


def test_la_page_dit_ce_que_le_papier_ne_peut_pas():
    page = fragment((TABLE,))
    assert '<abbr class="statut" title="estimé">e</abbr> <small class="intervalle">(78 à 81)</small>' in page
    assert '<td class="coin"></td><th scope="col" class="nombre territoire">Craon<small>EPCI</small></th>' in page
    (table, legende, motifs) = a_imprimer((TABLE,))
    # Deux bouts de même allure n'en font qu'un ; le petit va à la ligne.
    assert [(b.texte, b.saut) for b in table.corps[0][1].bouts] == [("79,9 e", False), ("(78 à 81)", True)]
    assert (legende.allure, motifs.allure) == ("source", "source")


def test_une_ligne_entiere_en_accent_le_dit_une_fois():
    ligne = (Case(mots("Ici"), entete=True, accent=True), Case(mots("1"), accent=True))
    page = fragment((Table("T", "", (), (ligne,)),))
    assert '<tr class="territoire"><th scope="row">Ici</th><td>1</td></tr>' in page


def test_le_sommaire_de_la_page_vient_des_sections():
    elements = (
        Section("En bref", paragraphe("Dit."), ancre="en-bref", genre="bref"),
        Section("Simulation : rejoindre", paragraphe("Dit."), ancre="simulation", court="Simulation"),
        Section("", paragraphe("Suite.")),
    )
    page = rediger(Document("T", "S", elements=elements), "html")
    assert re.findall(r'<a href="#([^"]+)">([^<]+)</a></li>', page) == [
        ("en-bref", "En bref"),
        ("simulation", "Simulation"),
    ]
    assert "Sommaire" not in rediger(Document("T", "S", elements=elements, sommaire=False), "html")


@pytest.mark.parametrize("format_", REDACTEURS)
def test_document_vide_ou_a_caracteres_de_controle(format_):
    elements = (*paragraphe("Crèche\x07 \x0b des Lilas"), Table("", "", (), ()))
    octets = rediger(Document("Vide", "", elements=elements), format_)
    assert octets[:2] in (b"PK", b"%P", "<!")


@pytest.mark.parametrize("format_", REDACTEURS)
def test_un_texte_hostile_reste_un_texte(format_):
    octets = rediger(Document(VILAIN, VILAIN, elements=(Section(VILAIN, paragraphe(VILAIN)),)), format_)
    if format_ == "html":
        corps = octets.split("<main")[1].split("</main>")[0]
        assert "<script" not in corps and "{{" not in corps
    assert "alert(" in _lu(octets, format_) or "script" in _lu(octets, format_)


def test_les_blancs_et_les_bouts_vides_ne_s_impriment_pas():
    assert regrouper((Bout("  a\n"), Bout(" b "), Bout(""), Bout(" c", gras=True), Bout(" "))) == (
        Bout("a b "),
        Bout("c", gras=True),
    )
    assert regrouper((Bout(" "), Bout("x", saut=True))) == (Bout("x"),)


def test_tableau_a_cases_reunies():
    lignes = (
        (Case(mots("A"), entete=True, lignes=2), Case(mots("B"), colonnes=2)),
        (Case(mots("C")), Case(mots("D"))),
    )
    table = Table("", "", (), lignes)
    rendu = docx.Document(io.BytesIO(rendre_docx(Document("T", "", elements=(table,)))))
    (lue,) = rendu.tables
    assert [[c.text for c in ligne.cells] for ligne in lue.rows] == [["A", "B", "B"], ["A", "C", "D"]]
    assert '<th scope="row" rowspan="2">A</th><td colspan="2">B</td>' in fragment((table,))


def _deux_colonnes(premiere: str) -> tuple[tuple[Case, ...], ...]:
    autre = (Case(mots("autre")), Case(mots("court")))
    return ((Case(mots("PREMIER")), Case(mots(premiere))), autre)


@pytest.mark.parametrize(
    "suite",
    [
        # Un passage replié : son intitulé n'est pas un titre, mais il ne quitte pas son tableau.
        (
            Encadre(
                "note",
                (Table("", "", (), ((Case(mots("Nom"), entete=True),), *(((Case(mots("PREMIER")),),) * 9))),),
                resume="INTITULE",
            ),
        ),
        # Une première ligne plus haute que le reste de la page.
        (
            *titre("INTITULE"),
            Table(
                "Muets",
                "",
                ((Case(mots("Pourquoi"), entete=True), Case(mots("Quoi"), entete=True)),),
                _deux_colonnes("Un indicateur au nom assez long ; " * 80),
            ),
        ),
    ],
    ids=["passage replié", "ligne haute"],
)
@pytest.mark.parametrize("remplissage", [16, 20, 24, 28, 32, 34, 36])
def test_dans_le_pdf_un_titre_reste_avec_son_tableau(suite, remplissage):
    elements = (Section("Chapitre", (*paragraphe("Une ligne.") * remplissage, *suite)),)
    pages = [p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf(Document("T", "", elements=elements)))).pages]
    (ici,) = [p for p in pages if "INTITULE" in p]
    assert "PREMIER" in ici


def test_une_option_ne_se_coupe_pas_dans_la_page():
    dite = paragraphe("avec --registre-complet 53 pour 10 000 habitants")
    assert dite[0].bouts[0].texte == "avec --registre-complet 53 pour 10\u202f000 habitants"
    assert "<code>--registre-complet</code>" in fragment(dite)
    style = (dossier("templates") / "rapport" / "style.css").read_text(encoding="utf-8")
    assert re.search(r"^code \{[^}]*white-space: nowrap", style, re.MULTILINE)


def test_la_parole_garde_ce_qui_est_deja_dit_avant_la_place_a_remplir():
    (cadre,) = parole("La parole.", "Qui ?", liste(["« Rien »"]))
    assert [type(e) for e in cadre.elements] == [Paragraphe, Liste, Paragraphe]
    rendu = docx.Document(io.BytesIO(rendre_docx(Document("T", "", elements=(cadre,)))))
    textes = [p.text for p in rendu.paragraphs if p.text]
    assert textes[-1] == "« Rien »".replace("« ", "«\u202f").replace(" »", "\u202f»")


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
    # De loin : la légende grossie, sans ce qui l'explique ni les classes vides.
    de_loin = carte_statique(craon.modele, largeur=760, loupe=1.7).svg
    assert float(re.search(r"scale\(([\d.]+)\)", de_loin)[1]) > 1.4
    assert "fois la France" not in re.sub(r"<desc>.*?</desc>", "", de_loin) and "60,9 à 70,0" in de_loin
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
    assert set(re.findall(r"(\w+): ", exposees)) - {"carte", "cadrer", "vider", "bulle", "anneaux"} == set(GENRES)


def test_couche_inconnue_jamais_omise_en_silence():
    with pytest.raises(DemandeFausse, match="chaleur"):
        carte_statique(Carte("T", cadre=(-1, 47, 0, 48), couches=(Couche("chaleur", {"entites": []}),)))
