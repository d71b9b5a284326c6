"""Les livrables : docx, pdf, xlsx, gpkg, geojson. Mêmes mots, mêmes valeurs, textes hostiles inertes."""

import csv
import hashlib
import io
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile

import docx
import nbformat
import openpyxl
import pandas as pd
import pyogrio
import pypdf
import pytest

from cafdiag.erreurs import ProductionImpossible
from cafdiag.restitution import archives, livrables, produire, rendu_xlsx
from cafdiag.restitution.archives import DocxRetouche
from cafdiag.restitution.formats import STATUTS
from cafdiag.restitution.produire import diagnostic

TOUS = livrables.FORMATS
CRAON, ANGERS = "200048551", "244900015"
BALISE = "<script>alert(1)</script>"
FORMULE = '=HYPERLINK("http://x","y")'
TYPST = '#panic("x") $x$ *gras* @ici \\ ../../../etc/passwd'
NOM_HOSTILE = f"{FORMULE} {BALISE} ../../x"
TITRES = ("En bref", "Portrait du territoire", "Petite enfance", "Méthode et sources", "Glossaire")


@pytest.fixture(scope="module")
def craon(tmp_path_factory):
    return diagnostic(CRAON, sortie=tmp_path_factory.mktemp("craon"), formats=TOUS)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Angers, sous un nom et avec des structures que personne n'a relus."""
    ici = tmp_path_factory.mktemp("hostile")
    noms = [BALISE, FORMULE, "../../etc/passwd", TYPST, "Crèche {{ 7*7 }} {% raw %}", "-2+3", "@SOMME(A1)"]
    table = pd.DataFrame(
        [
            {"type": "centre_social", "nom": n, "code": "49007", "lon": -0.55 + i / 500, "lat": 47.47}
            for i, n in enumerate(noms)
        ]
    )
    registre = ici / "registre.csv"
    table.to_csv(registre, sep=";", index=False, encoding="utf-8-sig")
    sortie = ici / "sorties"
    chemins = diagnostic(
        ANGERS, sortie=sortie, formats=TOUS, nom_usage=NOM_HOSTILE, parametres={"registre": str(registre)}
    )
    return chemins


def texte_docx(chemin):
    """Tout le texte d'un docx, cases et contrôles compris, lu dans le XML."""
    from docx.oxml.ns import qn

    corps = docx.Document(str(chemin)).element.body
    return "\n".join("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in corps.iter(qn("w:p")))


def texte_pdf(chemin):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(str(chemin)).pages)


def simple(texte):
    return re.sub(r"\s+", " ", re.sub("[\u00a0\u202f]", " ", texte))


def test_un_fichier_par_format(craon):
    assert {f: c.name for f, c in craon.items()} == {
        **{f: f"diagnostic-{CRAON}.{f}" for f in TOUS},
        "note": f"note-{CRAON}.html",
        "note_pdf": f"note-{CRAON}.pdf",
        "pptx": f"copil-{CRAON}.pptx",
        "fiches": f"fiches-{CRAON}.docx",
        "actions": f"actions-{CRAON}.xlsx",
        "mesures": f"mesures-{CRAON}.csv",
        "bordereau": f"a-apporter-{CRAON}.xlsx",
    }


def test_memes_octets_a_partir_du_meme_carnet(craon):
    carnet = nbformat.read(craon["ipynb"], as_version=4)
    seconds = livrables.rendre(livrables.FORMATS, livrables.Matiere(carnet))
    for format_, contenu in seconds.items():
        octets = contenu.encode("utf-8") if isinstance(contenu, str) else contenu
        assert hashlib.sha256(octets).digest() == hashlib.sha256(craon[format_].read_bytes()).digest(), (
            format_
        )


# --- Le docx ---


def test_noms_de_feuilles_entiers(craon):
    noms = openpyxl.load_workbook(craon["xlsx"], read_only=True).sheetnames
    assert "Accès aux droits" in noms and not any(nom.endswith(" n") for nom in noms)


def test_docx_dit_ce_que_dit_la_page(craon):
    texte = simple(texte_docx(craon["docx"]))
    for attendu in (
        *TITRES,
        "79,9",
        "28 591 habitants en 2023 dans 37 communes",
        "Aucun quartier prioritaire",
        "Source : Cnaf, taux de couverture en accueil du jeune enfant, décembre 2023",
        "Situation connue",
        "CC du Pays de Craon",
    ):
        assert attendu in texte, attendu


def test_docx_a_titres_sommaire_langue_et_places_pour_la_parole(craon):
    document = docx.Document(str(craon["docx"]))
    titres = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert [t for t in TITRES if t in titres] == list(TITRES)
    xml = document.element.xml
    assert r"TOC \o" in xml and 'w:dirty="true"' in xml
    signets = set(re.findall(r'w:bookmarkStart[^>]* w:name="(_Toc\d+)"', xml))
    liens = re.findall(r'w:hyperlink[^>]* w:anchor="(_Toc\d+)"', xml)
    # La liste de repli mène à chaque chapitre.
    assert len(liens) == len(titres) and set(liens) == signets
    assert "<w:updateFields" in document.settings.element.xml
    assert 'w:lang w:val="fr-FR"' in document.styles.element.xml
    page = craon["html"].read_text(encoding="utf-8")
    assert xml.count("<w:sdt>") == page.count('class="parole"') > 0
    assert {"Source", "Parole des acteurs", "Tableau"} <= {s.name for s in document.styles}
    pied = document.sections[0].footer._element.xml
    assert "NUMPAGES" in pied and "PAGE" in pied


def test_docx_images_decrites_et_tableaux_vrais(craon):
    document = docx.Document(str(craon["docx"]))
    page = craon["html"].read_text(encoding="utf-8")
    images = document.element.body.xpath(".//wp:docPr")
    assert len(images) == page.count('<figure class="graphique"') + page.count('<figure class="carte"') > 5
    assert all(len(i.get("descr")) > 30 for i in images)
    assert len({i.get("id") for i in images}) == len(images)
    donnees = [t for t in document.tables if t.style.name == "Tableau"]
    hors_cartes = re.sub(r'<details class="carte-texte">.*?</details>', "", page, flags=re.S)
    assert len(donnees) == hors_cartes.count("<table") > 3
    for tableau in donnees:
        assert tableau.rows[0]._tr.xpath("./w:trPr/w:tblHeader"), "l'en-tête se répète"
        assert all(ligne._tr.xpath("./w:trPr/w:cantSplit") for ligne in tableau.rows)


def test_docx_retouche_jamais_ecrase(craon, tmp_path, monkeypatch):
    carnet = nbformat.read(craon["ipynb"], as_version=4)
    monkeypatch.setattr(produire, "_executer", lambda *a, **k: carnet)

    def produire_docx():
        return diagnostic(CRAON, sortie=tmp_path, formats="docx")["docx"]

    premier = produire_docx()
    # Intact, il est refait sur place, sans un mot.
    assert produire_docx() == premier and premier.name == f"diagnostic-{CRAON}.docx"
    retouche = docx.Document(str(premier))
    retouche.add_paragraph("Parole d'habitante : il manque une crèche.")
    retouche.save(str(premier))
    garde = premier.read_bytes()
    with pytest.warns(DocxRetouche, match=r"diagnostic-200048551 \(2\)\.docx"):
        second = produire_docx()
    assert second.name == f"diagnostic-{CRAON} (2).docx" and premier.read_bytes() == garde
    # Le deuxième, intact, est refait ; retouché à son tour, il est gardé aussi.
    with pytest.warns(DocxRetouche):
        assert produire_docx() == second
    second.write_bytes(b"abime")
    with pytest.warns(DocxRetouche):
        assert produire_docx().name == f"diagnostic-{CRAON} (3).docx"
    assert premier.read_bytes() == garde and second.read_bytes() == b"abime"


def test_ligne_de_commande_dit_que_le_docx_retouche_est_garde(craon, tmp_path, monkeypatch, capsys):
    from cafdiag.cli import principal

    carnet = nbformat.read(craon["ipynb"], as_version=4)
    monkeypatch.setattr(produire, "_executer", lambda *a, **k: carnet)
    (tmp_path / f"diagnostic-{CRAON}.docx").write_bytes(b"retouche")
    assert principal(["diagnostic", CRAON, "--sortie", str(tmp_path), "--formats", "docx"]) == 0
    dit = capsys.readouterr()
    assert "gardé tel quel" in dit.err and f"diagnostic-{CRAON} (2).docx" in dit.err
    assert f"diagnostic-{CRAON} (2).docx" in dit.out


def test_empreinte_du_docx_suit_son_contenu(craon, tmp_path):
    copie = tmp_path / "copie.docx"
    shutil.copy(craon["docx"], copie)
    assert not archives.est_retouche(copie)
    with zipfile.ZipFile(copie) as archive:
        assert {e.date_time for e in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"dcterms:created" not in archive.read("docProps/core.xml")
        parties = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(copie, "w") as archive:
        for nom, contenu in parties.items():
            archive.writestr(nom, contenu.replace(b"79,9", b"89,9"))
    assert archives.est_retouche(copie)


# --- Le pdf ---


def test_pdf_a4_pagine_balise_en_francais(craon):
    pdf = pypdf.PdfReader(str(craon["pdf"]))
    racine = pdf.trailer["/Root"]
    assert racine["/Lang"].lower().startswith("fr")
    assert racine["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in racine
    assert racine["/ViewerPreferences"]["/DisplayDocTitle"]
    metadonnees = racine["/Metadata"].get_data().decode("utf-8")
    assert re.search(r"pdfuaid:part(>|=\")1", metadonnees), "PDF/UA-1"
    assert pdf.metadata.title.startswith("CC du Pays de Craon")
    pages = pdf.pages
    assert len(pages) > 5
    for rang, page in enumerate(pages, 1):
        assert [round(float(c)) for c in page.mediabox[2:]] == [595, 842]
        assert f"{rang} / {len(pages)}" in simple(page.extract_text())


def test_pdf_a_signets_figures_decrites_et_memes_mots(craon):
    pdf = pypdf.PdfReader(str(craon["pdf"]))
    signets = [s.title for s in pdf.outline if not isinstance(s, list)]
    assert [t for t in TITRES if t in signets] == list(TITRES)
    balises, decrites = [], []

    def descendre(noeud):
        noeud = noeud.get_object()
        if isinstance(noeud, list):
            for enfant in noeud:
                descendre(enfant)
        elif isinstance(noeud, dict):
            if "/S" in noeud:
                balises.append(noeud["/S"])
                if noeud["/S"] == "/Figure":
                    decrites.append(str(noeud.get("/Alt", "")))
            if "/K" in noeud:
                descendre(noeud["/K"])

    descendre(pdf.trailer["/Root"]["/StructTreeRoot"]["/K"])
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/L", "/P", "/Figure"} <= set(balises)
    assert len(decrites) > 5 and all(len(d) > 30 for d in decrites)
    texte = simple(texte_pdf(craon["pdf"]))
    for attendu in ("79,9", "28 591 habitants en 2023 dans 37 communes", "La parole des acteurs", "Sommaire"):
        assert attendu in texte, attendu


def test_pdf_impossible_se_dit(craon, monkeypatch, tmp_path):
    from cafdiag.restitution import rendu_pdf

    carnet = nbformat.read(craon["ipynb"], as_version=4)
    (tmp_path / "rapport").mkdir()
    (tmp_path / "rapport" / "document.typ").write_text("#panic()", encoding="utf-8")
    monkeypatch.setattr(rendu_pdf, "dossier", lambda nom: tmp_path)
    with pytest.raises(ProductionImpossible, match=r"document\.typ"):
        livrables.rendre(["pdf"], livrables.Matiere(carnet))


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm absent")
def test_pdf_s_ouvre_hors_de_notre_bibliotheque(craon, tmp_path):
    subprocess.run(["pdftoppm", "-r", "20", "-png", str(craon["pdf"]), str(tmp_path / "p")], check=True)
    assert len(list(tmp_path.glob("*.png"))) == len(pypdf.PdfReader(str(craon["pdf"])).pages)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice absent")
def test_docx_s_ouvre_dans_libreoffice(craon, tmp_path):
    profil = (tmp_path / "profil").as_uri()
    commande = ["soffice", f"-env:UserInstallation={profil}", "--headless", "--convert-to", "pdf"]
    subprocess.run(
        [*commande, "--outdir", str(tmp_path), str(craon["docx"])],
        check=True,
        capture_output=True,
        timeout=180,
    )
    texte = simple(texte_pdf(tmp_path / f"diagnostic-{CRAON}.pdf"))
    assert "28 591 habitants en 2023 dans 37 communes" in texte
    assert "Cliquez ici pour écrire la parole des acteurs" in texte


# --- Le tableur ---


def feuilles_de_mesures(classeur):
    return [f for f in classeur if f.title not in ("Synthèse", "Lisez-moi", "Dictionnaire", "Sources", "Statuts")]


def test_xlsx_memes_valeurs_que_le_csv(craon):
    classeur = openpyxl.load_workbook(craon["xlsx"])
    entetes = {
        "Code": "territoire", "Code de l'indicateur": "indicateur", "Année": "annee", "Valeur": "valeur",
        "Bas": "bas", "Haut": "haut", "Statut": "statut", "Motif": "motif", "Unité": "unite",
        "Numérateur": "numerateur", "Dénominateur": "denominateur", "Source": "source", "Millésime": "millesime",
        "Maille": "maille", "Modalité": "modalite",
    }  # fmt: skip
    lues = []
    for feuille in feuilles_de_mesures(classeur):
        tete, *lignes = feuille.iter_rows(values_only=True)
        lues += [{entetes[c]: v for c, v in zip(tete, li, strict=True) if c in entetes} for li in lignes]
    with craon["mesures"].open(encoding="utf-8", newline="") as flux:
        attendues = list(csv.DictReader(flux))
    assert len(lues) == len(attendues)

    def cle(m):
        return m["territoire"], m["indicateur"], m["maille"], float(m["annee"] or 0)

    for lue, attendue in zip(sorted(lues, key=cle), sorted(attendues, key=cle), strict=True):
        for colonne, valeur in lue.items():
            brut = STATUTS[attendue[colonne]].libelle if colonne == "statut" else attendue[colonne]
            if colonne in ("annee", "valeur", "bas", "haut", "numerateur", "denominateur"):
                assert (valeur is None) == (brut == ""), (colonne, attendue)
                # openpyxl écrit seize chiffres significatifs.
                assert valeur is None or math.isclose(valeur, float(brut), rel_tol=1e-15), (colonne, attendue)
            else:
                assert (valeur or "").removeprefix("'") == brut, (colonne, attendue)


@pytest.mark.parametrize(
    ("valeur", "unite", "attendu"),
    [(99.97, "%", '"99,9"'), (100, "%", "#,##0.0"), (99.4, "%", "#,##0.0"), (99.97, "places", "#,##0.0")],
)
def test_xlsx_montre_ce_que_montre_le_rapport(valeur, unite, attendu):
    case = rendu_xlsx._case(openpyxl.Workbook(write_only=True).create_sheet(), valeur, 1, False, unite)
    assert case.value == valeur and case.number_format == attendu


def test_xlsx_codes_en_texte_vides_vraiment_vides_en_tetes_figes(craon):
    classeur = openpyxl.load_workbook(craon["xlsx"])
    assert classeur.sheetnames[:2] == ["Synthèse", "Lisez-moi"] and classeur.sheetnames[-3:] == [
        "Dictionnaire",
        "Sources",
        "Statuts",
    ]
    assert "Petite enfance" in classeur.sheetnames
    feuilles = feuilles_de_mesures(classeur)
    for feuille in feuilles:
        assert feuille.freeze_panes and feuille.auto_filter.ref == feuille.dimensions
        colonnes = {c.value: c.column for c in feuille[1]}
        # Ce qui s'imprime tient sur une page et se lit : ni codes ni termes du calcul.
        assert feuille.print_area.split("!")[1].startswith("$A$1:$K$") and colonnes["Motif"] == 11
        assert "non_disponible" not in {li[colonnes["Statut"] - 1].value for li in feuille.iter_rows()}
        # Sans sens dit, un tableur ne retire pas le mot du nombre qui le précède.
        assert feuille.cell(2, colonnes["Unité"]).alignment.horizontal == "left"
        vides = 0
        for ligne in feuille.iter_rows(min_row=2):
            assert isinstance(ligne[colonnes["Code"] - 1].value, str)
            assert ligne[colonnes["Statut"] - 1].value
            valeur = ligne[colonnes["Valeur"] - 1]
            assert valeur.data_type == "n"
            vides += valeur.value is None
        assert vides < feuille.max_row
    with zipfile.ZipFile(craon["xlsx"]) as archive:
        xml = "".join(archive.read(n).decode() for n in archive.namelist() if "worksheets/" in n)
    assert "<f>" not in xml and "<v></v>" not in xml and ">nan<" not in xml.lower()


# --- Les couches ---


def test_gpkg_et_geojson_memes_couches_memes_valeurs(craon):
    couches = [nom for nom, _ in pyogrio.list_layers(craon["gpkg"])]
    assert {"territoire", "communes", "epci", "structures"} <= set(couches)
    collection = json.loads(craon["geojson"].read_text(encoding="utf-8"))
    mesures = pd.read_csv(craon["mesures"], dtype={"territoire": str})
    communes = pyogrio.read_dataframe(craon["gpkg"], layer="communes")
    assert communes.crs.to_epsg() == 4326 and len(communes) == 37
    attendues = mesures[mesures["indicateur"].eq("PE_ENF_M3") & mesures["role"].eq("carte")]
    attendues = attendues.set_index("territoire")[["valeur", "statut"]].sort_index()
    lues = communes.set_index("code")[["PE_ENF_M3", "PE_ENF_M3_statut"]].sort_index()
    pd.testing.assert_series_equal(lues["PE_ENF_M3"], attendues["valeur"], check_names=False)
    assert lues["PE_ENF_M3_statut"].tolist() == attendues["statut"].tolist()
    for nom in couches:
        entites = [e for e in collection["features"] if e["properties"]["couche"] == nom]
        assert len(entites) == len(pyogrio.read_dataframe(craon["gpkg"], layer=nom)), nom
    assert not (communes.geometry.is_empty.any() or communes.geometry.isna().any())


def test_couches_sans_champ_que_le_rapport_ne_montre_pas(craon):
    mesures = pd.read_csv(craon["mesures"], dtype={"territoire": str})
    montres = set(mesures["indicateur"])
    for nom, _ in pyogrio.list_layers(craon["gpkg"]):
        champs = set(pyogrio.read_info(craon["gpkg"], layer=nom)["fields"])
        if nom == "structures":
            assert champs == {"nom", "type", "commune", "precisions"}
            # Le type se filtre : « France services », et non « France services, Craon ».
            assert set(pyogrio.read_dataframe(craon["gpkg"], layer=nom)["type"]) == {"France services"}
            continue
        bases = {re.sub(r"_(annee|statut)$", "", c) for c in champs - {"code", "nom"}}
        assert bases <= montres, nom


TETE = (
    "territoire,nom,maille,indicateur,libelle,annee,valeur,modalite,unite,numerateur,denominateur,bas,haut,"
    "statut,motif,maille_source,source,millesime,role\n"
)


@pytest.mark.parametrize(
    ("code", "maille", "autres", "attendu"),
    [
        ("52", "region", "", "MultiPolygon"),
        ("FR", "france", "", "MultiPolygon"),
        ("P-1", "perimetre", "53084", "MultiPolygon"),
        # Sans communes ni contour : une table, plutôt qu'un contour inventé.
        ("P-1", "perimetre", "", None),
        ("49007-x", "qpv", "49007", None),
    ],
)
def test_le_territoire_a_sa_couche_a_toutes_les_mailles(tmp_path, code, maille, autres, attendu):
    from cafdiag.restitution.rendu_geo import couches_geo, geojson, geopackage

    def ligne(code, maille, role):
        return f"{code},N,{maille},CTX_POP,Pop,2023,12,,habitants,,,,,exact,,commune,s,2023,{role}\n"

    mesures = TETE + ligne(code, maille, "territoire") + (ligne(autres, "commune", "carte") if autres else "")
    couches = couches_geo(pd.read_csv(io.StringIO(mesures), dtype={"territoire": str}), [])
    fichier = tmp_path / "c.gpkg"
    fichier.write_bytes(geopackage(couches))
    assert dict(pyogrio.list_layers(fichier))["territoire"] == attendu
    lue = pyogrio.read_dataframe(fichier, layer="territoire")
    assert lue["code"].tolist() == [code] and lue["CTX_POP"].tolist() == [12]
    premiere = json.loads(geojson(couches))["features"][0]
    assert (premiere["geometry"] is None) == (attendu is None)


# --- Textes hostiles ---


def test_noms_de_fichiers_sans_texte_apporte(hostile):
    dossier = hostile["docx"].parent
    assert sorted(p.name for p in dossier.iterdir()) == sorted(
        [
            *(f"diagnostic-{ANGERS}.{f}" for f in TOUS if f not in ("note", "pptx", "fiches")),
            *(f"note-{ANGERS}.{f}" for f in ("html", "pdf")),
            *(f"copil-{ANGERS}.pptx", f"fiches-{ANGERS}.docx", f"actions-{ANGERS}.xlsx"),
            f"mesures-{ANGERS}.csv",
            f"a-apporter-{ANGERS}.xlsx",
        ]
    )
    assert sorted(p.name for p in dossier.parent.iterdir()) == ["registre.csv", "sorties"]


def test_textes_hostiles_inertes_dans_la_page(hostile, page_hors_reseau):
    page, requetes = page_hors_reseau
    page.on("dialog", lambda d: pytest.fail(f"un texte a été exécuté : {d.message}"))
    page.goto(hostile["html"].as_uri())
    assert BALISE in page.inner_text("h1")
    assert BALISE in page.inner_text("main") and requetes == []


def test_textes_hostiles_inertes_dans_le_docx(hostile):
    texte = texte_docx(hostile["docx"])
    for attendu in (BALISE, FORMULE, "../../etc/passwd", TYPST, "Crèche {{ 7*7 }} {% raw %}"):
        assert attendu in texte.replace("\u00a0", " "), attendu
    xml = docx.Document(str(hostile["docx"])).element.xml
    # Les seuls champs sont les nôtres.
    assert "HYPERLINK(" not in "".join(re.findall(r"<w:instrText.*?</w:instrText>", xml))
    assert "<script" not in xml


def test_textes_hostiles_inertes_dans_les_diapositives_et_les_fiches(hostile):
    from pptx import Presentation

    pages = list(Presentation(str(hostile["pptx"])).slides)
    assert BALISE in pages[0].shapes.title.text_frame.text and len(pages) <= 12
    assert BALISE in texte_docx(hostile["fiches"])
    cases = [c for f in openpyxl.load_workbook(hostile["actions"]) for r in f.iter_rows() for c in r]
    assert not [c for c in cases if c.data_type == "f"]
    assert not [c.value for c in cases if isinstance(c.value, str) and c.value.startswith(("=", "+", "-", "@"))]
    with zipfile.ZipFile(hostile["pptx"]) as archive:
        tableurs = [archive.read(n) for n in archive.namelist() if n.endswith(".xlsx")]
        assert tableurs and "docProps/thumbnail.jpeg" not in archive.namelist()
    # Le nom du territoire y est une catégorie : jamais une formule.
    classeurs = [openpyxl.load_workbook(io.BytesIO(octets)) for octets in tableurs]
    cases = [c for classeur in classeurs for f in classeur for r in f.iter_rows() for c in r]
    assert any("HYPERLINK" in str(c.value) for c in cases) and not [c for c in cases if c.data_type == "f"]
    for nom in ("pptx", "fiches", "actions"):
        with zipfile.ZipFile(hostile[nom]) as archive:
            xml = "".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist() if n.endswith(".xml"))
        assert "<script" not in xml and "javascript:" not in xml


def test_textes_hostiles_inertes_dans_le_pdf(hostile):
    texte = simple(texte_pdf(hostile["pdf"])).replace(" ", "")
    for attendu in (BALISE, FORMULE, "../../etc/passwd", "#panic", "*gras*", "{{7*7}}"):
        assert attendu.replace(" ", "") in texte, attendu
    racine = pypdf.PdfReader(str(hostile["pdf"])).trailer["/Root"]
    assert "/JavaScript" not in str(racine.get("/Names", "")) and "/OpenAction" not in racine


def test_textes_hostiles_inertes_dans_le_tableur(hostile):
    classeur = openpyxl.load_workbook(hostile["xlsx"])
    cases = [c for f in classeur for ligne in f.iter_rows() for c in ligne if c.value is not None]
    assert not [c.coordinate for c in cases if c.data_type == "f"]
    textes = [c.value for c in cases if isinstance(c.value, str)]
    assert not [t for t in textes if t.startswith(("=", "+", "-", "@", "\t"))]
    assert f"'{NOM_HOSTILE}" in textes


def test_perimetre_au_nom_hostile_dans_le_tableur():
    from cafdiag.restitution.rendu_xlsx import rendre_xlsx

    ligne = "0100A,\"=cmd|'/c calc'!A1\",perimetre,CTX_POP,Pop,2023,12,,habitants,,,,,exact,"
    ligne += "@m,commune,+s,2023,territoire\n"
    octets = rendre_xlsx(pd.read_csv(io.StringIO(TETE + ligne), dtype={"territoire": str}), titre="\t=1\x00")
    (feuille,) = feuilles_de_mesures(openpyxl.load_workbook(io.BytesIO(octets)))
    vues = {c.value: c for c in feuille[2]}
    assert {"'=cmd|'/c calc'!A1", "'@m", "'+s", "0100A", 12, 2023} <= set(vues)
    assert all(c.data_type in "sn" for c in vues.values())


def test_textes_hostiles_inertes_dans_les_couches(hostile):
    structures = pyogrio.read_dataframe(hostile["gpkg"], layer="structures")
    assert {BALISE, "../../etc/passwd"} <= set(structures["nom"])
    collection = json.loads(hostile["geojson"].read_text(encoding="utf-8"))
    assert BALISE in {e["properties"].get("nom") for e in collection["features"]}


# --- Ce qui n'est pas demandé n'est pas chargé ---


def test_html_seul_ne_charge_aucun_moteur_de_document(craon):
    code = (
        "import sys, nbformat\n"
        "from cafdiag.restitution import livrables\n"
        f"carnet = nbformat.read({str(craon['ipynb'])!r}, as_version=4)\n"
        "livrables.rendre(('html', 'ipynb'), livrables.Matiere(carnet))\n"
        "print([m for m in ('docx', 'pptx', 'typst', 'openpyxl', 'pyogrio', 'lxml', 'matplotlib') if m in sys.modules])"
    )
    sortie = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sortie.stdout.strip() == "[]"


def test_synthese_en_tete_cote_a_cote_avec_un_graphique_par_theme(craon):
    classeur = openpyxl.load_workbook(craon["xlsx"])
    feuille = classeur.worksheets[0]
    mesures = pd.read_csv(craon["mesures"], dtype={"territoire": str})
    roles = ("territoire", "departement", "region", "france")
    mesures = mesures[mesures["role"].isin(roles)].set_index(["libelle", "role"])
    noms = [mesures.xs(r, level="role")["nom"].iloc[0] for r in roles]
    assert [c.value for c in feuille[1]] == ["Indicateur", *noms, "Unité", "Date", "À savoir", "Thème"]
    lignes = [li for li in feuille.iter_rows(min_row=2, values_only=True) if li[0]]
    assert len(lignes) > 30
    for ligne in lignes:
        for role, valeur in zip(roles, ligne[1:5], strict=True):
            attendue = mesures.loc[(ligne[0], role)]
            if valeur is None:
                # Un minorant, un manquant : la case reste vide, et le dit à côté.
                assert (pd.isna(attendue["valeur"]) and attendue["nom"] in ligne[7]) or " partout" in ligne[7], ligne
            else:
                assert math.isclose(valeur, attendue["valeur"], rel_tol=1e-15)
    themes = {li[8] for li in lignes}
    assert {"Petite enfance", "Portrait du territoire"} <= themes and len(feuille._charts) >= len(themes) - 2
    for graphique in feuille._charts:
        for serie in graphique.series:
            debut, _, fin = serie.val.numRef.f.rpartition("!")[2].replace("$", "").partition(":")
            montrees = [li for n, li in enumerate(lignes, 2) if int(debut[1:]) <= n <= int((fin or debut)[1:])]
            # Une seule unité et un seul thème par graphique.
            assert len({(li[5], li[8]) for li in montrees}) == 1
        assert graphique.anchor._from.row > len(lignes)
    for f in classeur:
        assert f.page_setup.orientation == "landscape" and f.page_setup.paperSize == 9 and f.page_setup.fitToHeight == 0


def test_xlsx_s_imprime_sans_mot_coupe_ni_graphique_en_deux(craon):
    """Tout tableur le montre de même : corps dits, une ligne aussi haute que ses mots, les graphiques à leur page."""
    classeur = openpyxl.load_workbook(craon["xlsx"])
    for feuille in classeur:
        for ligne in feuille.iter_rows():
            for case in (c for c in ligne if c.value is not None):
                assert case.font.name == "Calibri" and case.font.size, case.coordinate
                large = feuille.column_dimensions[case.column_letter].width
                if isinstance(case.value, str) and " " in case.value and len(case.value) > large:
                    assert case.alignment.wrap_text, (feuille.title, case.coordinate)
                    lignes = min(27, len(case.value) / large)
                    assert feuille.row_dimensions[case.row].height >= 14 * lignes, (feuille.title, case.coordinate)
    synthese = classeur["Synthèse"]
    coupures = [b.id for b in synthese.row_breaks.brk]
    debuts = sorted({g.anchor._from.row for g in synthese._charts})
    assert coupures and coupures[0] <= debuts[0] and len(coupures) <= len(debuts)


def test_la_relecture_du_secret_lit_la_synthese(craon):
    from cafdiag.restitution.relecture import relire

    faits = [f for f in relire(craon["xlsx"].parent).faits if f.fichier.endswith(".xlsx")]
    dits = {(f.indicateur, f.code): f.nombres.get("valeur") for f in faits if f.demi}
    assert math.isclose(dits["PE_TXCOUV_GLOBAL", CRAON], 79.9) and ("PE_TXCOUV_GLOBAL", "FR") in dits


def test_la_relecture_du_secret_lit_les_mesures_du_carnet_comme_celles_du_fichier(craon):
    from cafdiag.restitution.relecture import relire

    lus = relire(craon["xlsx"].parent).faits
    par_forme = {
        forme: {(f.indicateur, f.code, f.nombres.get("valeur")) for f in lus if f.fichier.endswith(forme)}
        for forme in (".csv", ".ipynb")
    }
    assert len(par_forme[".csv"]) > 500 and par_forme[".csv"] <= par_forme[".ipynb"]


def test_le_carnet_s_ecrit_comme_l_ecrirait_nbformat():
    objet = {"b": [1, 2.5, None, True, "é\u2028\""], "a": [[], {}]}
    mime = {"text/plain": "un\ndeux", "application/vnd.essai+json": objet}
    sorties = [
        nbformat.v4.new_output("display_data", mime, metadata={"z": 1}),
        nbformat.v4.new_output("stream", name="stdout", text="a\nb\n"),
    ]
    cellules = [
        nbformat.v4.new_code_cell("x = 1\ny", outputs=sorties, execution_count=1, id="cellule-00"),
        nbformat.v4.new_markdown_cell("# Titre\n", id="cellule-01"),
    ]
    carnet = nbformat.v4.new_notebook(cells=cellules, metadata={"language_info": {"name": "python"}})
    assert livrables.texte_du_carnet(livrables.Matiere(carnet))["ipynb"] == nbformat.writes(carnet)
