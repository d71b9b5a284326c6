"""Les diapositives : douze au plus, une source par chiffre, rien qui déborde ; sur notre modèle ou celui de la Caf."""

from __future__ import annotations

import io
import json
import re
import zipfile
from itertools import pairwise

import pytest
from PIL import Image
from pptx import Presentation
from pptx.util import Emu

from cafdiag.cli import principal
from cafdiag.erreurs import EntreeFautive
from cafdiag.restitution.diagnostic import Diagnostic
from cafdiag.restitution.formats import ponctuer
from cafdiag.restitution.identite import Identite
from cafdiag.restitution.modele_pptx import lire_modele
from cafdiag.restitution.relecture_documents import pptx as relire_pptx
from cafdiag.restitution.rendu_pptx import AU_PLUS, lignes_de, rendre_pptx
from cafdiag.restitution.types_mime import MIME_NOTE

CRAON, ANGERS = "200048551", "244900015"
JARGON = re.compile(r"\bnan\b|\bNone\b|\b[A-Z]{2,}_[A-Z0-9_]+|\[[SG]\d+\]|\.toml|(?i:cafdiag|python)|\{|\}")


@pytest.fixture(scope="module")
def matiere():
    """La note et les cartes d'Angers, comme le carnet les laisse."""
    d = Diagnostic(ANGERS)
    cartes = [b.modele for b in (d.carte_couverture(), d.carte_jeunes_enfants())]
    return json.loads(json.dumps(d.note().donnees[MIME_NOTE])), cartes


@pytest.fixture(scope="module")
def diapositives(matiere):
    octets = rendre_pptx(*matiere, Identite(caf="Caf d'essai", contact="01", date="1er mai 2026"))
    return octets, list(Presentation(io.BytesIO(octets)).slides)


def textes(page):
    for forme in page.shapes:
        if forme.has_text_frame:
            yield forme.text_frame.text
        elif getattr(forme, "has_table", False) and forme.has_table:
            yield from (c.text for r in forme.table.rows for c in r.cells)
    yield page.notes_slide.notes_text_frame.text if page.has_notes_slide else ""


def modele(genre="pptx", *, mises=("title", "obj"), exemples=0, large=None, sans_titre=False):
    """Un petit modèle comme une Caf en a : quelques mises en page, des diapositives d'exemple."""
    prs = Presentation()
    if large:
        prs.slide_width, prs.slide_height = (Emu(x) for x in large)
    for _ in range(exemples):
        prs.slides.add_slide(prs.slide_layouts[1]).shapes.title.text = "Diapositive d'exemple"
    for mise in list(prs.slide_layouts):
        if mise._element.get("type") not in mises and not exemples:
            prs.slide_layouts.remove(mise)
        elif sans_titre:
            for cadre in list(mise.placeholders):
                cadre._element.getparent().remove(cadre._element)
    tampon = io.BytesIO()
    prs.save(tampon)
    if genre == "pptx":
        return tampon.getvalue()
    rendu = io.BytesIO()
    with zipfile.ZipFile(tampon) as lu, zipfile.ZipFile(rendu, "w") as ecrit:
        for nom in lu.namelist():
            contenu = lu.read(nom)
            if nom == "[Content_Types].xml":
                contenu = contenu.replace(b"presentationml.presentation.main", b"presentationml.template.main")
                if genre == "potm":
                    contenu = contenu.replace(b"template.main", b"template.macroEnabled.main")
            ecrit.writestr(nom, contenu)
    return rendu.getvalue()


# --- Ce qu'elles disent ---


def test_douze_au_plus_un_titre_chacune_et_une_source_par_chiffre(matiere, diapositives):
    note, _ = matiere
    _, pages = diapositives
    assert 8 <= len(pages) <= AU_PLUS
    titres = [p.shapes.title.text_frame.text.strip() for p in pages]
    assert all(titres) and len(set(titres)) == len(titres)
    assert {d["titre"] for d in note["copil"]["debats"]} <= {t.replace("\u202f", " ") for t in titres}
    for page in pages[1:]:
        notes = page.notes_slide.notes_text_frame.text
        # Une image, un tableau, un graphique.
        if any(f.shape_type == 13 or f.has_chart or f.has_table for f in page.shapes):
            assert notes.startswith("Sources") and re.search(r"\b20\d\d\b", notes), titres
    assert "Caf d'essai · 1er mai 2026 · 01" in "\n".join(textes(pages[0]))


def test_ni_jargon_ni_cadre_vide_et_tout_est_decrit(diapositives):
    _, pages = diapositives
    for page in pages:
        for texte in textes(page):
            assert not JARGON.search(texte), texte
        for forme in page.shapes:
            if forme.is_placeholder and forme.placeholder_format.type != 13:
                assert forme.text_frame.text.strip()
            if forme.shape_type == 13 or getattr(forme, "has_chart", False):
                assert len(forme._element.xpath("string(.//p:cNvPr/@descr)")) > 30
        identifiants = page.shapes._spTree.xpath(".//p:cNvPr/@id")
        assert len(set(identifiants)) == len(identifiants)


def test_graphiques_natifs_et_carte_nette(diapositives):
    _, pages = diapositives
    formes = [f for p in pages for f in p.shapes]
    graphiques = [f.chart for f in formes if getattr(f, "has_chart", False)]
    assert len(graphiques) >= 5
    for graphique in graphiques:
        for serie in graphique.plots[0].series:
            assert any(v is not None for v in serie.values)
    for image in (f for f in formes if f.shape_type == 13):
        large = Image.open(io.BytesIO(image.image.blob)).width
        assert large / (image.width / 914400) > 200, "points par pouce"


def tient(page, largeur, hauteur):
    """Chaque forme est dans la page, et chaque texte dans sa forme."""
    for forme in page.shapes:
        if forme.left is None:
            continue
        assert forme.left >= 0 and forme.top >= 0
        assert forme.left + forme.width <= largeur + 1 and forme.top + forme.height <= hauteur + 1, forme.name
        if forme.has_text_frame and forme.name in ("Texte", "Source"):
            corps = forme.text_frame.paragraphs[0].runs[0].font.size.pt
            dits = [(p.text, bool(p.runs and p.runs[0].font.bold)) for p in forme.text_frame.paragraphs]
            haut = lignes_de(dits, corps, forme.width) * corps * 1.2 * 12700
            assert haut <= forme.height * 1.02, (forme.name, forme.text_frame.text)


def test_l_offre_et_les_naissances_disent_ce_que_dit_la_note(matiere, diapositives):
    """La diapositive d'un thème a le titre et toutes les phrases qu'il a dans la note."""
    note, _ = matiere
    _, pages = diapositives
    for sujet in ("offre", "naissances"):
        theme = next(t for t in note["themes"] if t["sujet"] == sujet)
        ici = next(p for p in pages if p.shapes.title.text_frame.text == ponctuer(theme["titre"]))
        dits = "\n".join(textes(ici))
        assert theme["phrases"] and all(ponctuer(p["texte"]) in dits for p in theme["phrases"])


def test_une_carte_ne_redit_pas_le_titre_de_sa_diapositive(diapositives):
    for page in diapositives[1]:
        titre = page.shapes.title.text_frame.text
        assert sum(titre in texte for texte in textes(page)) == 1, titre


def test_rien_ne_deborde(diapositives):
    octets, pages = diapositives
    prs = Presentation(io.BytesIO(octets))
    assert prs.slide_width > prs.slide_height * 1.7
    for page in pages:
        tient(page, prs.slide_width, prs.slide_height)


def test_aucun_nombre_n_est_sur_un_nom_ni_sur_un_autre(matiere):
    """Une barre négative laisse à son nombre la place d'aller avant le nom ; deux années voisines n'en ont qu'un."""
    note = json.loads(json.dumps(matiere[0]))
    debat = next(d for d in note["copil"]["debats"] if d["graphique"])
    for barre, valeur in zip(debat["graphique"]["barres"], (-11.0, -11.4, -8.1), strict=False):
        barre |= {"valeur": valeur, "ecrit": f"{valeur} %"}
    naissances = note["copil"]["naissances"]
    naissances["valeurs"][-2:] = [1.0, 2.0]
    vus = {}
    for page in Presentation(io.BytesIO(rendre_pptx(note, matiere[1], Identite()))).slides:
        for forme in page.shapes:
            if forme.has_chart and (valeurs := forme.chart.plots[0].series[0].values):
                vus[tuple(valeurs)] = forme.chart
    negatif = next(g for v, g in vus.items() if v[0] == -11.0)
    # La plus longue barre et le quart de sa longueur, au moins.
    assert negatif.value_axis.minimum_scale <= 1.2 * -11.4
    annuel = vus[tuple(naissances["valeurs"])].plots[0].series[0]._element
    dits = [int(i.get("val")) for i in annuel.xpath("./c:dLbls/c:dLbl/c:idx")]
    assert dits[-1] == len(naissances["valeurs"]) - 1 and dits[-1] - 1 not in dits
    assert min(b - a for a, b in pairwise(dits)) > 1


def test_la_premiere_diapositive_de_chiffres_conclut(diapositives):
    assert re.match(r"[\d\s]+ habitants\s: (?:la|une) population \w+", diapositives[1][1].shapes.title.text)
    dits = " ".join(f.text_frame.text for f in diapositives[1][1].shapes if f.has_text_frame)
    assert "Population de 2023, " in dits and len(re.findall("habitants", dits)) == 1


def test_memes_octets_et_scelle(matiere, diapositives):
    octets, _ = diapositives
    assert rendre_pptx(*matiere, Identite(caf="Caf d'essai", contact="01", date="1er mai 2026")) == octets
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        noms = archive.namelist()
        proprietes = archive.read("docProps/core.xml").decode()
        embarques = [n for n in noms if n.endswith(".xlsx")]
        assert embarques and len(noms) == len(set(noms))
        for nom in embarques:
            with zipfile.ZipFile(io.BytesIO(archive.read(nom))) as tableur:
                assert b"dcterms:created" not in tableur.read("docProps/core.xml")
    assert proprietes.count("<dc:identifier") == 1 and "dcterms:created" not in proprietes


def test_un_territoire_presque_sans_chiffres_a_peu_de_diapositives(matiere):
    note = Diagnostic("QN04908M").note().donnees[MIME_NOTE]
    pages = list(Presentation(io.BytesIO(rendre_pptx(note, [], Identite()))).slides)
    assert 2 <= len(pages) <= 6
    assert not any(JARGON.search(t) for p in pages for t in textes(p))


def test_sept_enjeux_laissent_douze_diapositives(matiere):
    note, cartes = matiere
    copil = note["copil"] | {"debats": (note["copil"]["debats"] * 7)[:7]}
    assert len(list(Presentation(io.BytesIO(rendre_pptx(note | {"copil": copil}, cartes, Identite()))).slides)) == 12


def test_une_reference_inconnue_n_a_pas_de_barre(matiere):
    note, _ = matiere
    debat = next(d for d in note["copil"]["debats"] if d["graphique"])
    seule = debat | {"graphique": None}
    octets = rendre_pptx(note | {"copil": note["copil"] | {"debats": [seule], "offre": None, "naissances": None}}, [],
                         Identite())
    assert not [f for p in Presentation(io.BytesIO(octets)).slides for f in p.shapes if getattr(f, "has_chart", False)]
    for donnees in (d["graphique"] for d in note["copil"]["debats"] if d["graphique"]):
        assert all(isinstance(b["valeur"], float) and b["valeur"] == b["valeur"] for b in donnees["barres"])


def test_la_relecture_du_secret_y_lit_les_graphiques(diapositives, tmp_path):
    fichier = tmp_path / "c.pptx"
    fichier.write_bytes(diapositives[0])
    lus = [ligne for _, lignes in relire_pptx(fichier) for ligne in lignes]
    assert any("Angers Loire Métropole" in ligne[0] and re.search(r"\d", ligne[1]) for ligne in lus)


# --- Le modèle de la Caf ---


@pytest.mark.parametrize(("genre", "options"), [
    ("pptx", {}), ("potx", {"exemples": 3}), ("pptx", {"mises": ("titleOnly",)}),
    ("potx", {"mises": ("obj",), "large": (12192000, 6858000)}),
])  # fmt: skip
def test_le_modele_de_la_caf_est_employe(matiere, tmp_path, genre, options):
    fichier = tmp_path / f"modele.{genre}"
    fichier.write_bytes(modele(genre, **options))
    octets = rendre_pptx(*matiere, Identite(), lire_modele(fichier))
    attendu, rendu = Presentation(io.BytesIO(modele(**options))), Presentation(io.BytesIO(octets))
    assert (rendu.slide_width, rendu.slide_height) == (attendu.slide_width, attendu.slide_height)
    noms = {m.name for m in attendu.slide_layouts}
    pages = list(rendu.slides)
    assert {p.slide_layout.name for p in pages} <= noms and len(pages) <= AU_PLUS
    assert "exemple" not in " ".join(t for p in pages for t in textes(p))
    for page in pages:
        tient(page, rendu.slide_width, rendu.slide_height)
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert len([n for n in archive.namelist() if re.match(r"ppt/slides/slide\d+\.xml", n)]) == len(pages)
    if options.get("exemples"):
        assert rendre_pptx(*matiere, Identite(), lire_modele(fichier)) == octets


def test_les_sections_d_un_modele_sont_otees(matiere, tmp_path):
    """Elles nommeraient des diapositives qui n'y sont plus : PowerPoint voudrait réparer le fichier."""
    prs = Presentation(io.BytesIO(modele(exemples=2)))
    section = (
        '<p:extLst xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main">'
        '<p:ext uri="{521415D9-36F7-43E2-AB2F-B90AF26B5E84}"><p14:sectionLst xmlns:p14="http://schemas.microsoft.com/office/powerpoint/2010/main">'
        '<p14:section name="A" id="{00000000-0000-0000-0000-000000000001}"><p14:sldIdLst><p14:sldId id="256"/>'
        "</p14:sldIdLst></p14:section></p14:sectionLst></p:ext></p:extLst>"
    )
    from lxml import etree

    prs.part._element.append(etree.fromstring(section))
    fichier = tmp_path / "m.pptx"
    prs.save(fichier)
    octets = rendre_pptx(*matiere, Identite(), lire_modele(fichier))
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert b"sectionLst" not in archive.read("ppt/presentation.xml")


_FAUTIFS = {
    "vide": (b"", "fichier vide"),
    "texte": (b"bonjour", "ni un pptx ni un potx"),
    "ancien": (b"\xd0\xcf\x11\xe0" + bytes(600), "ancien format"),
    "tronque": (None, "abîmé"),
    "archive": (None, "pas une présentation"),
    "macros": (None, "macros"),
    "sans mise en page": (None, "aucune mise en page"),
    "sans titre": (None, "n'a de titre"),
}


def fautif(nom):
    octets = _FAUTIFS[nom][0]
    if nom == "tronque":
        octets = modele()[:2000]
    elif nom == "archive":
        tampon = io.BytesIO()
        with zipfile.ZipFile(tampon, "w") as archive:
            archive.writestr("a.txt", "a")
        octets = tampon.getvalue()
    elif nom == "macros":
        octets = modele("potm")
    elif nom == "sans mise en page":
        octets = modele(mises=())
    elif nom == "sans titre":
        octets = modele(sans_titre=True)
    return octets


@pytest.mark.parametrize("nom", list(_FAUTIFS))
def test_un_modele_fautif_se_dit_avant_tout_calcul(nom, tmp_path, capsys):
    fichier, sortie = tmp_path / "modele.pptx", tmp_path / "s"
    fichier.write_bytes(fautif(nom))
    with pytest.raises(EntreeFautive) as faute:
        lire_modele(fichier)
    assert _FAUTIFS[nom][1] in str(faute.value) and faute.value.attendu and faute.value.conseil
    code = principal(["diagnostic", CRAON, "--formats", "pptx", "--modele", str(fichier), "--sortie", str(sortie)])
    dit = capsys.readouterr().err
    assert code == 1 and _FAUTIFS[nom][1] in dit and "Traceback" not in dit
    assert not sortie.exists() or not list(sortie.iterdir())


def test_un_modele_sans_diapositives_ou_absent_est_refuse(tmp_path, capsys):
    fichier = tmp_path / "m.pptx"
    assert principal(["diagnostic", CRAON, "--formats", "pptx", "--modele", str(fichier)]) == 2
    assert "introuvable" in capsys.readouterr().err
    fichier.write_bytes(modele())
    assert principal(["diagnostic", CRAON, "--formats", "html", "--modele", str(fichier)]) == 2
    assert "--formats pptx" in capsys.readouterr().err
    assert principal(["lot", "--territoires", CRAON, "--formats", "html", "--modele", str(fichier), "--sortie",
                      str(tmp_path / "lot")]) == 2  # fmt: skip
