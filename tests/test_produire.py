"""Le rapport : produit de bout en bout, relu comme un élu, ouvert réseau coupé."""

import io
import json
import re
import shutil
import sys

import nbformat
import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse, EntreeFautive, ProductionImpossible
from cafdiag.lot.execution import Reglages, produire_lot
from cafdiag.lot.plan import Cible, planifier
from cafdiag.restitution import produire, rendu_html
from cafdiag.restitution.processus import Limites
from cafdiag.restitution.produire import diagnostic
from cafdiag.restitution.types_mime import MIME_GARDE, MIME_MESURES

TERRITOIRES = {"craon": "200048551", "angers": "244900015", "ailleurs": "200054807"}


@pytest.fixture(scope="module")
def rapports(tmp_path_factory, fils):
    """Trois diagnostics : rural sans QPV, urbain avec QPV, hors des quatre départements."""
    sortie = tmp_path_factory.mktemp("sorties")
    with fils.vrais():
        return {nom: diagnostic(code, sortie=sortie) for nom, code in TERRITOIRES.items()}


def texte_de(page: str) -> str:
    sans = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    import html

    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", sans)))


def test_les_fichiers_par_diagnostic(rapports):
    for nom, code in TERRITOIRES.items():
        chemins = rapports[nom]
        assert {f: c.name for f, c in chemins.items()} == {
            "html": f"diagnostic-{code}.html",
            "ipynb": f"diagnostic-{code}.ipynb",
            "mesures": f"mesures-{code}.csv",
            "bordereau": f"a-apporter-{code}.xlsx",
        }
        assert chemins["html"].stat().st_size < 3_000_000


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_page_sans_code_en_francais_et_autonome(rapports, nom):
    page = rapports[nom]["html"].read_text(encoding="utf-8")
    assert '<html lang="fr">' in page and page.count("<h1>") == 1
    assert "import cafdiag" not in page and "d.chapitre" not in page
    assert not re.search(r'<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*["\']?https?:', page)
    assert "leaflet" in page.lower() and page.count("Leaflet 1.9.4") <= 1
    # Un identifiant en double casserait les ancres et les cartes.
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_sommaire_mene_a_des_chapitres_presents(rapports, nom):
    page = rapports[nom]["html"].read_text(encoding="utf-8")
    ancres = re.findall(r'<a href="#([^"]+)"', page)
    assert len(ancres) >= 8
    for ancre in ancres:
        assert f'id="{ancre}"' in page, ancre


def test_aucune_ligne_de_la_tete_ne_commence_par_un_point_virgule(rapports, tmp_path):
    assert principal(["departement", "53", "--sortie", str(tmp_path)]) == 0
    for fichier in (rapports["craon"]["html"], tmp_path / "departement-53.html"):
        situation = re.search(r'<p class="situation">(.*?)</p>', fichier.read_text(encoding="utf-8"))[1]
        assert ";" in situation and not re.search(r" [;:!?]", situation), fichier.name


def test_pays_de_craon_lu_comme_un_elu(rapports):
    page = rapports["craon"]["html"].read_text(encoding="utf-8")
    texte = texte_de(page).replace("\u202f", " ").replace("\u00a0", " ")
    for attendu in (
        "Situation connue : accueil du jeune enfant, décembre 2023 ; prestations, décembre 2024 ; équipements, 2025",
        "En bref",
        "28 591 habitants en 2023 dans 37 communes",
        "79,9 places pour 100 enfants",
        "le département (78,0)",
        "la France (60,9)",
        "Aucun quartier prioritaire",
        "37 communes sur 37",
        "Ce que ce rapport ne dit pas encore",
        "aucun quartier prioritaire sur ce territoire",
        "La parole des acteurs",
        "Méthode et sources",
        "Glossaire",
        "Cnaf",
    ):
        assert attendu in texte, attendu
    bref = texte_de(re.search(r'<section[^>]*id="en-bref".*?</section>', page, re.DOTALL)[0])
    assert bref.count(".") >= 5
    assert "nan" not in texte.lower().split() and "None" not in texte and "Traceback" not in texte


def test_angers_dit_ses_qpv_et_ce_que_valent_ses_listes(rapports):
    texte = texte_de(rapports["angers"]["html"].read_text(encoding="utf-8"))
    assert "quartiers prioritaires" in texte and "à la maille de la commune" in texte
    assert "partielle" in texte


def test_hors_des_quatre_departements_court_et_honnete(rapports):
    texte = texte_de(rapports["ailleurs"]["html"].read_text(encoding="utf-8"))
    assert "Ce que ce rapport ne dit pas encore" in texte and "50,8" in texte
    assert len(texte) < len(texte_de(rapports["angers"]["html"].read_text(encoding="utf-8")))


def test_mesures_jointes_egales_a_l_interface(rapports):
    lues = pd.read_csv(rapports["craon"]["mesures"], dtype={"territoire": str})
    ici = lues[lues["role"].eq("territoire")].set_index("indicateur")["valeur"]
    # Le rapport compare : toutes ses colonnes ont l'année commune à tous les termes.
    comparees = cd.comparer("200048551")
    attendues = comparees[comparees["role"].eq("territoire")].set_index("indicateur")["valeur"]
    pd.testing.assert_series_equal(ici, attendues, check_names=False, check_index_type=False)
    assert lues["statut"].notna().all() and lues["source"].notna().all()


def test_carnet_joint_se_relit_et_garde_ses_codes_en_texte(rapports):
    carnet = nbformat.read(rapports["craon"]["ipynb"], as_version=4)
    nbformat.validate(carnet)
    injectee = next(c for c in carnet.cells if "injected-parameters" in c.metadata.get("tags", []))
    assert 'code = "200048551"' in injectee.source


@pytest.mark.navigateur
@pytest.mark.parametrize("nom", list(TERRITOIRES))
@pytest.mark.parametrize("largeur", [1366, 400])
def test_aucune_faute_grave_d_accessibilite(rapports, page_hors_reseau, fautes_axe, nom, largeur):
    page = page_hors_reseau.page
    page.set_viewport_size({"width": largeur, "height": 900})
    page.goto(rapports[nom]["html"].as_uri())
    assert fautes_axe(page) == []


@pytest.mark.navigateur
def test_axe_voit_une_faute(page_hors_reseau, fautes_axe):
    page = page_hors_reseau.page
    page.set_content('<html lang="fr"><title>t</title><main><h1>t</h1><img src="data:,"></main></html>')
    assert any("image-alt" in faute for faute in fautes_axe(page))


@pytest.mark.lent
@pytest.mark.parametrize(
    ("moteur", "noms"),
    [
        pytest.param(
            "copie",
            ["angers", "craon"],
            marks=pytest.mark.skipif(not sys.platform.startswith("linux"), reason="les copies demandent Linux"),
        ),
        ("neuf", ["craon"]),
    ],
)
def test_memes_octets_seul_ou_en_lot_par_les_deux_moteurs(rapports, tmp_path, fils, moteur, noms):
    """Une autre fois, ailleurs, après un autre territoire, dans une copie ou un processus neuf : les mêmes fichiers."""
    plan = planifier([Cible(TERRITOIRES[nom]) for nom in noms], formats="html,ipynb")
    limites = Limites(delai=120, memoire=3000)
    with fils.vrais():
        bilan = produire_lot(plan, Reglages(sortie=tmp_path, moteur=moteur, processus=1, limites=limites))
    assert bilan.code_retour == 0
    for nom in noms:
        for forme in ("html", "ipynb", "mesures"):
            seul = rapports[nom][forme]
            assert (tmp_path / seul.name).read_bytes() == seul.read_bytes(), (nom, forme)


def test_memes_octets_du_bordereau(rapports):
    commande = produire.preparer(TERRITOIRES["craon"])
    mesures = pd.read_csv(rapports["craon"]["mesures"], dtype={"territoire": str})
    nom, octets = produire._bordereau(mesures, commande)
    assert rapports["craon"]["bordereau"].name == nom
    assert rapports["craon"]["bordereau"].read_bytes() == octets


def test_perimetre_libre_et_nom_d_usage(tmp_path):
    chemins = diagnostic(cd.perimetre("Pôle <sud>", ["53084", "53012"]), sortie=tmp_path, formats="html")
    assert set(chemins) == {"html", "mesures", "bordereau"}
    page = chemins["html"].read_text(encoding="utf-8")
    assert "Pôle &lt;sud&gt;" in page and "Pôle <sud>" not in page
    assert "ne se découpe pas par commune" in page


def test_region_et_departement_de_meme_code_ne_se_recouvrent_pas(tmp_path):
    chemins = diagnostic("region:52", sortie=tmp_path, formats="html")
    assert chemins["html"].name == "diagnostic-region-52.html"
    assert "Pays de la Loire" in chemins["html"].read_text(encoding="utf-8")


@pytest.mark.parametrize("faux", ["odp", "html,odp", ""])
def test_format_inconnu(tmp_path, faux):
    with pytest.raises(DemandeFausse, match="html"):
        diagnostic("200048551", sortie=tmp_path, formats=faux)


def test_parametre_inconnu_refuse_avant_de_lancer(tmp_path, monkeypatch):
    monkeypatch.setattr(produire, "_executer", lambda *a, **k: pytest.fail("rien ne doit être lancé"))
    with pytest.raises(DemandeFausse, match="code_comune") as capture:
        diagnostic("200048551", sortie=tmp_path, parametres={"code_comune": "01001"})
    assert "nom_usage" in str(capture.value) and not list(tmp_path.iterdir())


@pytest.fixture
def gabarits(tmp_path, monkeypatch, fils):
    """Une copie des gabarits, à abîmer ; le vrai processus dit la panne."""
    copie = tmp_path / "projet" / "templates"
    shutil.copytree(produire.dossier("templates"), copie)
    vrai = produire.dossier
    for module in (produire, rendu_html):
        monkeypatch.setattr(module, "dossier", lambda nom: copie if nom == "templates" else vrai(nom))
    with fils.vrais():
        yield copie


def casser(gabarits, instruction):
    """Un carnet qui s'arrête à sa deuxième cellule de code."""
    carnet = nbformat.read(gabarits / produire.GABARIT, as_version=4)
    codes = [c for c in carnet.cells if c.cell_type == "code"]
    codes[1].source = instruction
    nbformat.write(carnet, gabarits / produire.GABARIT)


def test_carnet_en_erreur_garde_a_part_et_ancien_rapport_intact(tmp_path, gabarits):
    casser(gabarits, "raise RuntimeError('panne voulue')")
    sortie = tmp_path / "sorties"
    sortie.mkdir()
    ancien = sortie / "diagnostic-200048551.html"
    ancien.write_text("ancien", encoding="utf-8")
    with pytest.raises(ProductionImpossible, match="panne voulue"):
        diagnostic("200048551", sortie=sortie)
    assert ancien.read_text(encoding="utf-8") == "ancien"
    assert (sortie / "echecs" / "diagnostic-200048551.ipynb").exists()
    assert sorted(p.name for p in sortie.iterdir()) == ["diagnostic-200048551.html", "echecs"]


def test_demande_fausse_levee_dans_le_carnet_reste_une_demande_fausse(tmp_path, gabarits):
    casser(gabarits, "from cafdiag.erreurs import TerritoireInconnu\nraise TerritoireInconnu('99999')")
    with pytest.raises(DemandeFausse, match="territoire inconnu") as capture:
        diagnostic("200048551", sortie=tmp_path / "sorties")
    assert capture.value.code_retour == 2 and not (tmp_path / "sorties" / "echecs").exists()


@pytest.mark.parametrize(
    ("fichier", "contenu"),
    [
        ("rapport/page.html.j2", None),
        ("rapport/page.html.j2", "{% if %}"),
        ("rapport/page.html.j2", "{{ jamais_donne }}"),
        ("rapport/style.css", None),
        ("diagnostic_ctg.ipynb", None),
        ("diagnostic_ctg.ipynb", "{abc"),
        ("diagnostic_ctg.ipynb", '{"a": 1}'),
        ("diagnostic_ctg.ipynb", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    ],
)
def test_gabarit_absent_ou_abime(tmp_path, gabarits, monkeypatch, fichier, contenu):
    carnet = nbformat.v4.new_notebook()
    garde = {
        "titre": "T",
        "sous_titre": "",
        "situation": "",
        "maille": "",
        "avertissements": [],
    }
    carnet.cells = [
        nbformat.v4.new_code_cell(
            outputs=[
                nbformat.v4.new_output("display_data", {MIME_GARDE: garde}),
                nbformat.v4.new_output("display_data", {MIME_MESURES: {"colonnes": ["role"], "lignes": []}}),
            ]
        )
    ]
    monkeypatch.setattr(produire, "_executer", lambda *a, **k: carnet)
    chemin = gabarits / fichier
    chemin.unlink() if contenu is None else chemin.write_text(contenu, encoding="utf-8")
    sortie = tmp_path / "sorties"
    with pytest.raises(ProductionImpossible, match=chemin.name.replace(".", r"\.")) as capture:
        diagnostic("200048551", sortie=sortie)
    assert "gabarit" in str(capture.value)
    assert not sortie.exists() or not list(sortie.iterdir())


@pytest.mark.parametrize("cle", ["code", "nom_usage", "annee"])
def test_parametre_reserve_refuse(tmp_path, monkeypatch, cle):
    monkeypatch.setattr(produire, "_executer", lambda *a, **k: pytest.fail("rien ne doit être lancé"))
    with pytest.raises(DemandeFausse, match=f"réservé : « {cle} »"):
        diagnostic("200048551", sortie=tmp_path, parametres={cle: "244900015"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("reste", "erreur", "dit"),
    [
        ({"annee": 99999}, DemandeFausse, "quatre chiffres"),
        ({"annee": 1999}, DemandeFausse, "2023"),
        ({"parametres": {"definition_qpv": "zone"}}, DemandeFausse, "proximite"),
        ({"parametres": {"distance_alsh_km": "loin"}}, DemandeFausse, "km"),
        ({"parametres": {"qpv": "absent.geojson"}}, EntreeFautive, "absent.geojson"),
        ({"parametres": {"registre": "absent.csv"}}, EntreeFautive, "absent.csv"),
        ({"parametres": {"registre_complet": "53"}}, EntreeFautive, "registre"),
    ],
)
def test_refuse_avant_de_lancer_le_carnet(tmp_path, monkeypatch, reste, erreur, dit):
    monkeypatch.setattr(produire, "_executer", lambda *a, **k: pytest.fail("rien ne doit être lancé"))
    with pytest.raises(erreur, match=dit):
        diagnostic("200048551", sortie=tmp_path / "sorties", **reste)
    assert not (tmp_path / "sorties").exists()


def test_annee_valide_ecrite_partout(tmp_path):
    chemins = diagnostic("200048551", sortie=tmp_path, annee=2021, formats="html")
    texte = texte_de(chemins["html"].read_text(encoding="utf-8"))
    texte = texte.replace("\u202f", " ").replace("\u00a0", " ")
    assert "28 639 habitants en 2021" in texte and re.search(r"habitants\s+2021", texte)
    assert "populations 2021" in texte and "de leur commune, 2021" in texte
    assert "habitants en 2023" not in texte and "Fin 2023" not in texte
    assert "Situation connue : " in texte and "population, 2021." in texte
    assert "accueil du jeune enfant, décembre" not in texte
    mesures = pd.read_csv(chemins["mesures"])
    assert set(mesures.loc[mesures["valeur"].notna() & mesures["indicateur"].eq("CTX_POP"), "annee"]) == {
        2021
    }


def test_distance_choisie_ecrite_a_la_place_de_5_km(tmp_path):
    chemins = diagnostic("200048551", sortie=tmp_path, formats="html", parametres={"distance_alsh_km": "3"})
    texte = texte_de(chemins["html"].read_text(encoding="utf-8"))
    assert "Enfants à moins de 3 km d'un ALSH" in texte and "moins de 5 km" not in texte


def test_tout_ou_rien_quand_un_fichier_ne_peut_pas_s_ecrire(tmp_path, rapports):
    carnet = nbformat.read(rapports["craon"]["ipynb"], as_version=4)
    (tmp_path / "mesures-200048551.csv").mkdir()
    ancien = tmp_path / "diagnostic-200048551.html"
    ancien.write_text("ancien", encoding="utf-8")
    with pytest.MonkeyPatch.context() as rustine:
        rustine.setattr(produire, "_executer", lambda *a, **k: carnet)
        with pytest.raises(ProductionImpossible, match="mesures-200048551"):
            diagnostic("200048551", sortie=tmp_path)
    assert ancien.read_text(encoding="utf-8") == "ancien"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "diagnostic-200048551.html",
        "mesures-200048551.csv",
    ]


def test_ensemble_rendu_a_l_etat_ancien_si_un_nom_se_refuse(tmp_path, monkeypatch):
    from cafdiag import magasin

    for nom in "ab":
        (tmp_path / nom).write_text(f"ancien {nom}", encoding="utf-8")
    vrai = magasin.os.replace

    def refuser(source, cible):
        if str(cible).endswith("c") and ".nouveau" in str(source):
            raise PermissionError(13, "fichier ouvert ailleurs", str(cible))
        return vrai(source, cible)

    monkeypatch.setattr(magasin.os, "replace", refuser)
    with pytest.raises(ProductionImpossible, match="ouvert ailleurs"):
        magasin.ecrire_ensemble({tmp_path / n: f"neuf {n}" for n in "anbc"})
    etat = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()}
    assert etat == {"a": "ancien a", "b": "ancien b"}


def test_code_en_entier_dans_le_carnet_dit_quoi_faire():
    from cafdiag.restitution.diagnostic import Diagnostic

    with pytest.raises(DemandeFausse, match="guillemets"):
        Diagnostic(200048551)


@pytest.mark.navigateur
@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("largeur", [1366, 400])
def test_rapport_ouvert_reseau_coupe(rapports, page_hors_reseau, nom, largeur):
    page, requetes = page_hors_reseau
    erreurs = []
    page.on("pageerror", lambda e: erreurs.append(str(e)))
    page.set_viewport_size({"width": largeur, "height": 900})
    page.goto(rapports[nom]["html"].as_uri())
    page.wait_for_function("document.querySelectorAll('.leaflet-container path').length > 5")
    assert requetes == [] and erreurs == []
    assert page.evaluate("document.documentElement.scrollWidth") <= largeur
    debordent = page.evaluate("""() => [...document.querySelectorAll('main *')].filter(e => {
        if (e.closest('.tableau-defilant, .leaflet-container, svg, details:not([open])')) return false;
        const r = e.getBoundingClientRect();
        return r.width > 0 && r.right > document.documentElement.clientWidth + 1;
    }).map(e => e.outerHTML.slice(0, 120))""")
    assert debordent == []
    if largeur == 1366:  # sur un écran courant, aucune colonne d'un tableau ne se cache derrière un défilement
        assert page.evaluate("""() => [...document.querySelectorAll('.tableau-defilant')]
            .filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText.slice(0, 80))""") == []
    cartes = page.locator("figure.carte")
    assert cartes.count() >= (2 if nom == "ailleurs" else 3)
    assert all(
        "Source" in t or "Cnaf" in t or "Insee" in t or "ANCT" in t
        for t in cartes.locator(".carte-source").all_inner_texts()
    )


@pytest.mark.navigateur
def test_impression_a4_sans_page_vide(rapports, page_hors_reseau, tmp_path):
    pypdf = pytest.importorskip("pypdf", reason="pypdf n'est pas installé")
    page, _ = page_hors_reseau
    page.goto(rapports["craon"]["html"].as_uri())
    page.wait_for_function("document.querySelectorAll('.leaflet-container path').length > 5")
    octets = page.pdf(format="A4", prefer_css_page_size=True)
    document = pypdf.PdfReader(io.BytesIO(octets))
    # Vingt-quatre pages, deux pour l'horizon, deux pour les enjeux, une pour le besoin par commune ; la note de
    # l'élu, elle, en a quatre.
    assert 6 <= len(document.pages) <= 29
    largeur, hauteur = (float(v) for v in document.pages[0].mediabox[2:])
    assert abs(largeur - 595) < 3 and abs(hauteur - 842) < 3
    assert all(len(p.extract_text().strip()) > 40 for p in document.pages)


def test_gabarit_sans_sortie_et_parametres_en_texte():
    carnet = json.loads((produire.dossier("templates") / produire.GABARIT).read_text(encoding="utf-8"))
    parametres = [c for c in carnet["cells"] if "parameters" in c["metadata"].get("tags", [])]
    assert len(parametres) == 1
    assert set(produire.parametres_du_carnet(produire.dossier("templates") / produire.GABARIT)) == {
        "code",
        "nom_usage",
        "annee",
        "qpv",
        "registre",
        "registre_complet",
        "questionnaire",
        "definition_qpv",
        "distance_alsh_km",
        "seuil_caf",
        "acces_minutes",
        "acces_fs_minutes",
        "vitesse_kmh",
    }
