"""La note de l'élu : quatre pages, six chiffres, trois questions ; les mêmes chiffres que partout ailleurs."""

from __future__ import annotations

import html
import io
import json
import re
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import docx
import lxml.html
import openpyxl
import pandas as pd
import pypdf
import pytest
from pptx import Presentation

from cafdiag.cli import principal
from cafdiag.erreurs import EntreeFautive
from cafdiag.indicateurs import dictionnaire
from cafdiag.magasin import dossier as dossier_du_projet
from cafdiag.restitution.carte_fixe import carte_statique, traverse
from cafdiag.restitution.cartes import carte
from cafdiag.restitution.commentaires import situe
from cafdiag.restitution.couleurs import TERRITOIRE
from cafdiag.restitution.diagnostic import Diagnostic
from cafdiag.restitution.enjeux import enjeux
from cafdiag.restitution.formats import nom_court, nombre, ponctuer
from cafdiag.restitution.identite import Identite, lire_identite
from cafdiag.restitution.images import largeur_du_texte
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.note import chiffres_cles
from cafdiag.restitution.note_mots import fraction
from cafdiag.restitution.note_notes import Notes
from cafdiag.restitution.rendu_note import rendre_note
from cafdiag.restitution.types_mime import MIME_NOTE

CRAON, ANGERS, REUNION, MAYOTTE, FUSION = "200048551", "244900015", "249740119", "200059871", "994579670"
BREST, THIONVILLE = "242900314", "992367730"
LIMITES = "//details[summary[starts-with(., 'Limites')]]//td"
MOTS_AU_PLUS, PAGES_AU_PLUS, MOTS_DU_RAPPORT = 1400, 4, 3500
# Ce qu'un élu n'a pas à lire : sigles du métier, codes, fichiers, commandes, références de travail, nom d'un outil.
JARGON = re.compile(
    r"\b(?:EAJE|ALSH|QPV|EPCI|EVS|FRR|LAEP|RPE|PSU|COG|CLAS|BPE|SIREN|n\.d\.|s\.o\.|nan|None)\b|ex æquo|\[[SG]\d+\]"
    r"|\b[A-Z]{2,}_[A-Z0-9_]+|\b\d{9}\b|\.(?:toml|csv|xlsx|py|ipynb)\b|--\w|(?i:cafdiag|python|typst|jupyter|leaflet)"
)
# À quel indicateur répond chaque chiffre clé, d'après son seul intitulé.
INTITULES = {
    "PE_TXCOUV_GLOBAL": r"places? d'accueil pour 100 enfants", "PE_TXCOUV_EAJE": r"places? de crèche",
    "PE_NAISS_EVOL": r"de naissances, de", "CTX_POP_EVOL": r"d'habitants, de", "CTX_PART_0_19": r"moins de 20 ans",
    "PE_PART_INDIV": r"chez une assistante maternelle",
}  # fmt: skip


def simple(texte: str) -> str:
    return re.sub(r"\s+", " ", re.sub("[\u00a0\u202f]", " ", texte)).strip()


def page(chemin) -> lxml.html.HtmlElement:
    arbre = lxml.html.fromstring(chemin.read_text(encoding="utf-8"))
    for inutile in arbre.xpath("//style|//svg|//title"):
        inutile.drop_tree()
    return arbre


def texte_pdf(octets: bytes) -> str:
    return simple("\n".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(octets)).pages))


def contenu(code: str) -> dict:
    return Diagnostic(code).note().donnees[MIME_NOTE]


def phrases(note: dict) -> list[str]:
    """Toutes les phrases de la note, dans l'ordre."""
    dites = [p["texte"] for p in note["chapo"]] + [x for q in note["questions"] for x in (q["question"], q["constat"])]
    for theme in note["themes"]:
        dites += [theme["titre"], *(p["texte"] for p in theme["phrases"])]
        dites += [x for f in theme["figures"] for x in (f["titre"], f["precision"])]
    dites += [x for e in note["enjeux"] for x in (e["titre"], e["constat"], e["question"], e["contredit"]) if x]
    return [*dites, *note["inconnu"]]


@pytest.fixture(scope="module")
def dossier(tmp_path_factory):
    """Tout le dossier du Pays de Craon, par la commande, une fois."""
    sortie = tmp_path_factory.mktemp("note")
    identite = 'caf = "Caf d\'essai"\ncontact = "01 02 03 04 05"\ndate = 2026-11-29\n'
    (sortie / "identite.toml").write_text(identite, "utf-8")
    formats = "html,docx,pdf,xlsx,note,pptx,fiches"
    assert principal(["diagnostic", CRAON, "--formats", formats, "--sortie", str(sortie)]) == 0
    return sortie


@pytest.fixture(scope="module")
def craon(dossier):
    arbre = page(dossier / f"note-{CRAON}.html")
    return arbre, (dossier / f"note-{CRAON}.pdf").read_bytes()


# --- Ce qui est écrit ---


def test_deux_fichiers_brefs_et_sans_jargon(craon, dossier):
    arbre, pdf = craon
    for texte in (simple(arbre.text_content()), texte_pdf(pdf)):
        assert len(texte.split()) < MOTS_AU_PLUS
        assert not JARGON.search(texte), JARGON.search(texte)
        assert "Caf d'essai" in texte and "01 02 03 04 05" in texte and "29 novembre 2026" in texte
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == PAGES_AU_PLUS
    brut = (dossier / f"note-{CRAON}.html").read_text("utf-8")
    assert "cafdiag" not in brut.lower() and "http" not in re.sub(r"http://www.w3.org/\S+", "", brut)


@pytest.fixture(scope="module")
def angers(tmp_path_factory):
    """Le rapport d'Angers, dont on sait le plus."""
    sortie = tmp_path_factory.mktemp("angers")
    assert principal(["diagnostic", ANGERS, "--formats", "html", "--sortie", str(sortie)]) == 0
    return page(sortie / f"diagnostic-{ANGERS}.html")


def mots_hors_tableaux(arbre) -> int:
    """Ce qui est à déplier compris."""
    arbre = deepcopy(arbre)
    # Le titre d'un tableau, que l'écran étroit montre à la place du tableau.
    for inutile in arbre.xpath("//script|//table|//noscript|//*[@hidden]|//details[@class='pli']/summary"):
        inutile.drop_tree()
    return len(simple(arbre.text_content()).split())


def test_le_rapport_complet_reste_court(dossier, angers):
    for rapport in (page(dossier / f"diagnostic-{CRAON}.html"), angers):
        assert mots_hors_tableaux(rapport) < MOTS_DU_RAPPORT


def test_avec_tout_ce_qu_une_caf_apporte_le_rapport_reste_court(tmp_path, monkeypatch):
    """Chaque grandeur du modèle d'activité remplie pour Angers et son département : les huit chapitres sont pleins."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    classeur = openpyxl.load_workbook(dossier_du_projet("templates") / "registres" / "activite.xlsx")
    feuille = classeur.worksheets[0]
    grandeurs = [li[0] for li in classeur["Listes"].iter_rows(values_only=True) if li[0]]
    feuille.delete_rows(2, 10)
    for ou in (["EPCI", ANGERS, "Angers Loire Métropole"], ["Département", "49", "Maine-et-Loire"]):
        # De plus en plus petit : une partie ne dépasse pas son tout, qui la précède.
        for rang, grandeur in enumerate(grandeurs[1:]):
            feuille.append([*ou, grandeur, 2024, 2000 - 7 * rang, "Caf d'essai"])
    classeur.save(tmp_path / "activite.xlsx")
    principal(["donnees", "importer", str(tmp_path / "activite.xlsx"), "--ecarter"])
    assert principal(["diagnostic", ANGERS, "--formats", "html", "--sortie", str(tmp_path)]) == 0
    arbre = page(tmp_path / f"diagnostic-{ANGERS}.html")
    assert "impayés de logement" in arbre.text_content()
    assert mots_hors_tableaux(arbre) < MOTS_DU_RAPPORT, mots_hors_tableaux(arbre)


def test_ni_evidence_ni_redite_dans_le_rapport(dossier, angers):
    """Un chiffre clé n'est jamais tout ni rien ; une limite ne se dit qu'à déplier ; un intitulé, une fois."""
    for valeur in angers.xpath("//ul[@class='chiffres']//strong"):
        dit = simple(valeur.text_content())
        if dit.endswith("%") and not dit.startswith(("+", "−")):
            assert 0.5 < float(re.search(r"[\d,]+", dit)[0].replace(",", ".")) < 99.5, dit
    bref, portrait = (simple(angers.get_element_by_id(ou).text_content()) for ou in ("en-bref", "portrait"))
    assert "habitants en 2023 dans" in bref and "habitants en 2023 dans" not in portrait
    limites = {simple(p) for c in angers.xpath(LIMITES) for p in c.text_content().split(". ") if len(p) > 40}
    textes = [simple(p.text_content()) for p in angers.xpath("//section[@class='chapitre']/p")]
    assert limites and not [t for t in textes if any(limite in t for limite in limites)]
    paragraphes = [p.text.strip() for p in docx.Document(dossier / f"diagnostic-{CRAON}.docx").paragraphs]
    assert not [a for a, b in pairwise(p for p in paragraphes if p) if a == b]


def test_six_chiffres_avec_leurs_ecarts_une_carte_trois_questions(craon):
    arbre, pdf = craon
    cles = arbre.xpath("//ul[@class='cles']/li")
    assert len(cles) == 6
    for cle in cles:
        reperes = [simple(r.text_content()) for r in cle.xpath(".//small[@class='repere']")]
        assert [r.split(" :")[0] for r in reperes] == ["France", "Département"]
        assert all(re.search(r"\((?:écart [+−][\d,]+|même niveau)\)$", r) for r in reperes), reperes
    questions = [simple(q.text_content()) for q in arbre.xpath("//ol[@class='questions']//strong")]
    assert len(questions) == 3 and all(q.endswith("?") for q in questions)
    # Collé au chiffre, un appel de note se lirait comme sa décimale.
    assert not arbre.xpath("//ul[@class='cles']/li/sup") and arbre.xpath("//ul[@class='cles']//span/sup")
    assert len(arbre.xpath("//section[@aria-label=\"L'essentiel\"]//figure")) == 1
    premiere = simple(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
    assert all(q[3:40] in premiere for q in questions)


def test_la_note_de_bas_de_page_est_sur_la_page_de_son_renvoi(craon):
    _, pdf = craon
    pages, dites = [simple(p.extract_text()) for p in pypdf.PdfReader(io.BytesIO(pdf)).pages], set()
    note = contenu(CRAON)
    premiere = {n for c in note["cles"] + note["questions"] + note["chapo"] for n in c["notes"]}
    for phrase in (p for t in note["themes"] for p in t["phrases"]):
        texte, renvois = simple(phrase["texte"])[:40], set(phrase["notes"]) - premiere - dites
        ici = [p for p in pages if re.sub(r"\s", "", texte) in re.sub(r"\s", "", p)]
        assert len(ici) == 1, texte
        assert all(simple(ponctuer(note["notes"][n - 1]))[:50] in ici[0] for n in renvois), texte
        dites |= renvois


def traces(svg: str, encre: str) -> list[list[tuple[float, float]]]:
    """Les lignes d'une carte tracées de cette encre, point par point."""
    lignes = [a for d in re.findall(rf'<path d="([^"]+)" stroke="{encre}"', svg) for a in d.split("Z") if a]
    return [[tuple(map(float, p.split())) for p in ligne.strip("M").split("L")] for ligne in lignes]


def test_sur_la_carte_des_communes_aucun_nom_n_est_a_cheval(dossier):
    """Un nom sous son cercle ne passe pas la limite de sa commune ; les plus grands cercles sont toujours nommés."""
    brut = (dossier / f"note-{CRAON}.html").read_text("utf-8")
    svg = next(s for s in re.findall(r"<svg.*?</svg>", brut, flags=re.S) if 'stroke="#aab4bd"' in s and "clipPath" in s)
    anneaux = traces(svg, "#aab4bd")
    texte = r'<text x="([\d.]+)" y="([\d.]+)" font-size="(\d+)"[^>]* stroke="#fff"[^>]*>([^<]+)</text>'
    ecrits = re.findall(texte, svg)
    assert ecrits
    for x, y, corps, nom in ecrits:
        demi, y = largeur_du_texte(html.unescape(nom), float(corps)) / 2, float(y)
        boite = (float(x) - demi, y - 0.7 * float(corps), float(x) + demi, y)
        assert not any(traverse(a, b, boite) for anneau in anneaux for a, b in pairwise(anneau)), nom
    noms = " ".join(re.findall(r"<text [^>]*>([^<]+)</text>", svg))
    assert all(n in noms for n in ("Craon", "Cossé-", "Renazé", "Quelaines-"))


def test_sur_la_carte_le_territoire_n_est_pas_sous_un_nom():
    """À Thionville, tout petit en haut de sa carte, aucun cartouche ne couvre le contour du territoire."""
    svg = carte_statique(carte(THIONVILLE, "PE_TXCOUV_GLOBAL").modele, largeur=470, legende=False).svg
    cartouches = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="2"', svg)
    boites = [(x, y, x + w, y + h) for x, y, w, h in (map(float, c) for c in cartouches)]
    anneaux = traces(svg, TERRITOIRE)
    assert boites and anneaux
    assert not any(traverse(a, b, boite) for boite in boites for anneau in anneaux for a, b in pairwise(anneau))


@pytest.mark.parametrize("code", [CRAON, ANGERS])
def test_la_deuxieme_page_est_pleine_et_les_communes_sont_sous_leur_carte(code, tmp_path):
    assert principal(["diagnostic", code, "--formats", "note", "--sortie", str(tmp_path)]) == 0
    pages = [simple(p.extract_text()) for p in pypdf.PdfReader(tmp_path / f"note-{code}.pdf").pages]
    assert len(pages) == PAGES_AU_PLUS and len(" ".join(pages).split()) < MOTS_AU_PLUS
    # Ce qui tient après la population y est : l'accueil de loisirs, au moins.
    assert "accueil de loisirs" in pages[1] and "La population augmente dans" in pages[2]


def test_brest_quatre_pages_un_dessin_seul_a_la_taille_des_autres(tmp_path):
    """Sans classement (vingt et une intercommunalités), chaque thème n'a qu'un dessin : ses mots restent petits."""
    assert principal(["diagnostic", BREST, "--formats", "note", "--sortie", str(tmp_path)]) == 0
    pages = pypdf.PdfReader(tmp_path / f"note-{BREST}.pdf").pages
    assert len(pages) == PAGES_AU_PLUS
    corps = []

    def voir(texte, cm, tm, police, taille):
        # Un dessin est mis à l'échelle ; un texte, non.
        if texte.strip() and abs(cm[0]) != 1:
            corps.append(abs(taille * tm[0] * cm[0]))

    pages[1].extract_text(visitor_text=voir)
    assert len(corps) > 100 and max(corps) < 9
    note = page(tmp_path / f"note-{BREST}.html")
    titres = [simple(t.text_content()) for t in note.xpath("//div[@class='themes']//figcaption")]
    assert any(t.startswith("Plus de places en crèche que dans le département") for t in titres)
    assert "De quoi l'offre est faite" not in simple(note.text_content())


# Hauts-Tolosans : cinq enjeux, donc sans barres, et dont l'accueil n'est pas le premier.
HAUTS_TOLOSANS = "200071314"
# Côtes de Champagne et Val de Saulx : de tous, celui dont le papier compte presque autant de mots que ses textes.
SAULX = "200067379"


@pytest.mark.parametrize("code", [BREST, REUNION, THIONVILLE, HAUTS_TOLOSANS, SAULX])
def test_les_deux_dernieres_pages_ont_leur_tableau_dans_le_compte_de_mots(code, tmp_path):
    """Les communes sous leur carte, les territoires semblables après le débat : leurs nombres sont ceux du CSV."""
    assert principal(["diagnostic", code, "--formats", "note", "--sortie", str(tmp_path)]) == 0
    arbre = page(tmp_path / f"note-{code}.html")
    octets = (tmp_path / f"note-{code}.pdf").read_bytes()
    pages = [simple(p.extract_text()) for p in pypdf.PdfReader(io.BytesIO(octets)).pages]
    assert len(pages) == PAGES_AU_PLUS and len(" ".join(pages).split()) < MOTS_AU_PLUS
    assert len(simple(arbre.text_content()).split()) < MOTS_AU_PLUS
    mesures = pd.read_csv(tmp_path / f"mesures-{code}.csv", dtype={"territoire": str})
    communes, semblables = arbre.xpath("//table")
    tetes = [simple(t.text_content()) for t in communes.xpath(".//thead//th")]
    evolution = mesures[mesures["indicateur"].eq("CTX_POP_EVOL") & mesures["maille"].eq("commune")].set_index("nom")
    siennes = {simple(tr.xpath("./th")[0].text_content()): tr for tr in communes.xpath(".//tbody/tr")}
    assert len(siennes) >= 3 and tetes[-1].startswith("Évolution, 2020 à 2023")
    for nom, tr in siennes.items():
        assert simple(tr.xpath("./td")[-1].text_content()) == simple(
            f"{nombre(evolution.at[nom, 'valeur'], decimales=1, signe=True)} %"
        )
        assert nom in pages[2]
    hausses = int((evolution["valeur"].round(1) > 0).sum())
    titre = simple(communes.xpath("./caption/text()")[0])
    attendu = "toutes les communes" if hausses == len(evolution) else f"{hausses} commune"
    assert attendu in titre, titre
    # Le titre dit une colonne qui est là ; une part égale dans toutes les communes n'en est pas une.
    premiere = simple(semblables.xpath(".//thead//th[normalize-space()]")[0].text_content())
    if simple(semblables.xpath("./caption/text()")[0]).startswith("Accueil des tout-petits"):
        assert premiere.startswith("Places d'accueil"), premiere
    assert code != HAUTS_TOLOSANS or not any("Sans place" in t for t in tetes)
    ici = simple(semblables.xpath(".//tr[@class='ici']/th")[0].text_content())
    assert ici and len(semblables.xpath(".//tbody/tr")) >= 4
    autres = mesures.loc[mesures["role"].isin(["groupe", "epci_alentour"]), "valeur"]
    pairs = {simple(nombre(v, decimales=1)) for v in autres}
    for case in semblables.xpath(".//tbody/tr[not(@class)]/td"):
        assert simple(case.text_content()).removesuffix(" %").removeprefix("+") in pairs
    assert not any(simple(t.text_content()) == "n.d." for t in arbre.xpath("//td"))


def test_un_tableau_de_trop_s_ote_avec_ses_notes(monkeypatch):
    """Sans un mot de reste, la note garde son texte, perd ses tableaux et les notes qu'eux seuls appelaient."""
    dite = contenu(BREST)
    dite["tableaux"]["semblables"]["entetes"][1]["notes"] = [len(dite["notes"]) + 1]
    dite["notes"] = [*dite["notes"], "Une source à lui."]
    assert "Une source à lui." in rendre_note(dite, [], Identite())[0]
    monkeypatch.setattr("cafdiag.restitution.rendu_note.MOTS", 0)
    brute = rendre_note(dite, [], Identite())[0]
    assert "<table" not in brute and "Une source à lui." not in brute and "Pour en débattre" in brute


def test_chaque_renvoi_a_sa_note_et_chaque_note_un_renvoi(craon):
    arbre, _ = craon
    appels = [a.get("href") for a in arbre.xpath("//sup/a")]
    notes = [f"#{li.get('id')}" for li in arbre.xpath("//section[@class='notes']//li")]
    assert set(appels) == set(notes) and len(notes) == len(set(notes))
    assert list(dict.fromkeys(appels))[:3] == notes[:3]
    for li in arbre.xpath("//section[@class='notes']//li"):
        assert re.search(r"\b20\d\d\b", li.text_content()), li.text_content()


# --- Le même chiffre partout ---


def lignes_html(chemin):
    for tr in page(chemin).xpath("//tbody/tr"):
        yield [simple(c.text_content()) for c in tr]


def lignes_docx(chemin):
    for table in docx.Document(str(chemin)).tables:
        for ligne in table.rows:
            yield [simple(c.text) for c in ligne.cells]


def test_le_meme_chiffre_dans_tous_les_fichiers(craon, dossier):
    arbre, pdf_note = craon
    mesures = pd.read_csv(dossier / f"mesures-{CRAON}.csv", dtype={"territoire": str})
    mesures = mesures[mesures["role"].isin(["territoire", "departement", "france"])].set_index(["indicateur", "role"])
    classeur = openpyxl.load_workbook(dossier / f"diagnostic-{CRAON}.xlsx", read_only=True)
    cellules = {(r[14], r[1]): r[3] for f in classeur for r in f.iter_rows(min_row=2, values_only=True) if len(r) > 14}
    lecteurs = {"html": lignes_html, "docx": lignes_docx}
    tableaux = [list(lire(dossier / f"diagnostic-{CRAON}.{suffixe}")) for suffixe, lire in lecteurs.items()]
    roles = {"territoire": "territoire", "departement": "département", "france": "France"}
    fiches = openpyxl.load_workbook(dossier / f"actions-{CRAON}.xlsx", read_only=True)["Indicateurs"]
    t0 = {r[0]: simple(r[3]) for r in fiches.iter_rows(min_row=2, values_only=True)}
    diapositives = [
        [simple(c.text) for c in r.cells]
        for page_ in Presentation(dossier / f"copil-{CRAON}.pptx").slides
        for f in page_.shapes
        if getattr(f, "has_table", False) and f.has_table
        for r in f.table.rows
    ]
    note, rapport = texte_pdf(pdf_note), texte_pdf((dossier / f"diagnostic-{CRAON}.pdf").read_bytes())
    vus = set()
    for cle in arbre.xpath("//ul[@class='cles']/li"):
        intitule = simple("".join(cle.xpath("./span//text()[not(ancestor::sup)]")))
        (code,) = (c for c, motif in INTITULES.items() if re.search(motif, intitule))
        vus.add(code)
        montre = re.sub(r"^environ ", "", simple(cle.xpath("./strong")[0].text_content())).removesuffix(" %")
        places, signe = int(dictionnaire().at[code, "decimales"]), code.endswith("_EVOL")
        valeurs = {"territoire": montre}
        for repere in cle.xpath(".//small[@class='repere']"):
            dit = simple(repere.text_content())
            qui, chiffre = re.match(r"(\w+) : (?:environ )?([+−]?[\d ]+(?:,\d+)?)", dit).groups()
            valeurs["france" if qui == "France" else "departement"] = chiffre.strip()
        assert len(valeurs) == 3
        court = simple(dictionnaire().at[code, "libelle_court"])
        for role, ecrit in valeurs.items():
            for source in (mesures.at[(code, role), "valeur"], cellules[code, roles[role]]):
                assert simple(nombre(float(source), decimales=places, signe=signe)) == ecrit, (code, role)
            colonne = {"territoire": 1, "departement": 2, "france": 4}[role]
            for lignes in tableaux:
                # Le tableau « Comparer » : territoire, département, région, France.
                ligne = next(li for li in lignes if re.match(re.escape(court) + r"(?! \()", li[0]) and len(li) >= 5)
                assert re.match(re.escape(ecrit) + r"(?!\d|,)", ligne[colonne]), (code, role, ligne)
            assert ecrit in rapport and ecrit in note, (code, role, ecrit)
        assert simple(intitule)[:25] in note
        # La diapositive des chiffres clés : ici, le département, la France.
        ligne = next(li for li in diapositives if simple(intitule) == li[1])
        assert re.sub(r"^environ | %$", "", ligne[0]) == valeurs["territoire"], (code, ligne)
        for colonne, role in ((2, "departement"), (3, "france")):
            assert re.match(rf"(?:environ )?{re.escape(valeurs[role])}(?!\d|,)", ligne[colonne]), (code, ligne)
        assert re.match(rf"(?:environ )?{re.escape(valeurs['territoire'])}(?!\d|,)", t0[code]), (code, t0[code])
    assert vus == set(INTITULES)


def test_chaque_nombre_d_enfants_a_sa_date(dossier):
    """Ni « aujourd'hui » pour des naissances d'il y a deux ans, ni « dans cinq ans » comptés d'une autre année."""
    mesures = pd.read_csv(dossier / f"mesures-{CRAON}.csv", dtype={"territoire": str})
    annees = mesures[mesures["role"].eq("territoire")].set_index("indicateur")["annee"]
    dit = simple(page(dossier / f"note-{CRAON}.html").text_content())
    assert re.search(rf"Fin {annees['PE_ENF_M3']:.0f}, (?:environ )?\d[\d ]* enfants avaient moins de 3 ans", dit)
    assert f"Fin {annees['PE_ENF_M3_5ANS']:.0f}, ils seraient environ" in dit
    assert "Aujourd'hui" not in dit and "Dans cinq ans" not in dit


def test_les_graphiques_des_diapositives_portent_les_mesures(dossier):
    """Chaque nombre d'un graphique natif est une mesure jointe, à la dernière décimale, et l'étiquette la dit."""
    mesures = pd.read_csv(dossier / f"mesures-{CRAON}.csv", dtype={"territoire": str})
    courts, vus = dictionnaire()["libelle_court"], 0
    for forme in (f for page in Presentation(dossier / f"copil-{CRAON}.pptx").slides for f in page.shapes):
        if not getattr(forme, "has_chart", False):
            continue
        trace, titre = forme.chart.plots[0], forme.chart.chart_title.text_frame.paragraphs[0].text
        for serie in trace.series:
            code = {"Crèche": "PE_TXCOUV_EAJE", "Assistante maternelle": "PE_TXCOUV_AM", "Au domicile": "PE_TXCOUV_GAD",
                    "École à 2 ans": "PE_TXCOUV_PRESCO"}.get(serie.name)  # fmt: skip
            code = code or ("PE_NAISS" if titre.startswith("Naissances") else courts[courts.eq(serie.name)].index[0])
            siennes = mesures[mesures["indicateur"].eq(code)]
            for rang, (categorie, valeur) in enumerate(zip(trace.categories, serie.values, strict=True)):
                if str(categorie).startswith("Médiane"):
                    continue
                lignes = siennes[siennes["nom"].map(nom_court).eq(str(categorie))]
                if code == "PE_NAISS":
                    d_ici = siennes["role"].isin(["territoire", "serie"])
                    lignes = siennes[d_ici & siennes["annee"].eq(float(categorie))]
                assert valeur in set(lignes["valeur"]), (code, categorie, valeur)
                etiquette = simple(serie.points[rang].data_label.text_frame.text)
                places, signe = int(dictionnaire().at[code, "decimales"]), code.endswith("_EVOL")
                chiffre = simple(nombre(valeur, decimales=places, signe=signe))
                assert not etiquette or chiffre in etiquette, (code, etiquette)
                vus += 1
    assert vus > 20


# --- Les mots ---


@pytest.mark.parametrize("code", [ANGERS, REUNION, MAYOTTE, FUSION, "53084", "QN04908M"])
def test_ni_redite_ni_jargon_ni_trou(code):
    note = contenu(code)
    dites = [simple(p) for p in phrases(note)]
    assert not [p for p, n in Counter(dites).items() if n > 1]
    tout = " ".join([*dites, note["titre"], note["surtitre"], *note["avertissements"], *note["notes"]])
    assert not JARGON.search(tout), JARGON.search(tout)
    assert not re.search(r"  |\{|\}|\(\)| ,|\.\.|le le |de le |à Le ", " ".join(dites))
    assert len(note["cles"]) <= 6 and all(t["phrases"] or t["figures"] for t in note["themes"])
    # Une évidence n'est pas un chiffre clé.
    assert not [c for c in note["cles"] if re.match(r"(?:100|99,[5-9]|0,[0-4]) %", simple(c["valeur"]))]


def test_un_territoire_presque_sans_chiffres_a_une_note_plus_courte():
    html, pdf = rendre_note(contenu("QN04908M"), [], Identite())
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1
    arbre = lxml.html.fromstring(html)
    assert not arbre.xpath("//figure|//ul[not(*)]|//ol[not(*)]|//header//img|//footer")
    assert all(simple(s.text_content()) for s in arbre.xpath("//section[@class='limites']"))


def test_la_plus_longue_note_tient_en_quatre_pages(monkeypatch):
    codes = ["PE_PART_INDIV", "PE_TXCOUV_EAJE", "LOG_AL_PART", "PS_RSA", "CTX_TX_PAUVRETE", "PE_NAISS_EVOL",
             "CTX_POP_EVOL"]  # fmt: skip
    d = Diagnostic(ANGERS)
    vrai = enjeux(d.lecture)[1]
    sept = [
        replace(
            vrai,
            code=code,
            titre=f"Plus d'enfants ont un accueil de loisirs dans leur commune que dans la moitié du département, {i}",
            constat=f"{vrai.constat} De 2017 à 2023 : 58,{i} puis 54,0, soit −4,{i}.",
            question=f"L'accueil individuel répond-il à toutes les familles : horaires décalés, handicap, {i} ?",
            contredit=f"Des crèches voisines ouvertes aux familles d'ici, ou des assistantes maternelles libres, {i}.",
        )
        for i, code in enumerate(codes)
    ]
    cartes = [b.modele for b in (d.carte_couverture(), d.carte_jeunes_enfants())]
    monkeypatch.setattr("cafdiag.restitution.note.enjeux", lambda lecture: sept)
    identite = Identite(caf="Caf", contact="x" * 120, date="1er mai 2026")
    html, pdf = rendre_note(d.note().donnees[MIME_NOTE], cartes, identite)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) <= PAGES_AU_PLUS
    arbre = lxml.html.fromstring(html)
    for inutile in arbre.xpath("//style|//svg|//title"):
        inutile.drop_tree()
    assert len(arbre.text_content().split()) < MOTS_AU_PLUS and len(texte_pdf(pdf).split()) < MOTS_AU_PLUS
    assert len(arbre.xpath("//section[@class='enjeux']//li")) == 7


def test_un_titre_long_prend_a_la_carte_non_a_la_page_suivante():
    d = Diagnostic(ANGERS)
    dite = {**d.note().donnees[MIME_NOTE], "titre": "Vallées du Haut-Anjou, du Layon et de la Loire réunies, et autres"}
    _, pdf = rendre_note(dite, [b.modele for b in (d.carte_couverture(), d.carte_jeunes_enfants())], Identite())
    pages = [simple(p.extract_text()) for p in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    assert len(pages) == PAGES_AU_PLUS
    assert all(simple(q["constat"])[:30] in pages[0] for q in dite["questions"])


@pytest.mark.parametrize(
    ("code", "titre"),
    [
        (CRAON, "Pays de Craon"),
        ("200037059", "Haute Somme"),
        ("249740119", "Intercommunale du Nord de la Réunion (CINOR)"),
    ],
)
def test_un_sigle_ne_suffit_pas_en_titre_et_ne_l_allonge_pas(code, titre):
    assert contenu(code)["titre"] == titre


def test_textes_hostiles_inertes():
    mauvais = '<script>alert(1)</script> #panic("x") $x$ {{ 7*7 }}'
    note = contenu("QN04908M") | {"titre": mauvais, "inconnu": [mauvais]}
    html, pdf = rendre_note(note, [], Identite(caf=mauvais, contact=mauvais))
    assert "<script" not in html and "{{ 7*7 }}" in html
    assert '#panic("x")' in texte_pdf(pdf)


def test_memes_octets():
    note = json.loads(json.dumps(contenu(ANGERS)))
    assert rendre_note(note, [], Identite(caf="Caf")) == rendre_note(note, [], Identite(caf="Caf"))


@pytest.mark.parametrize(("rangs", "attendu"), [
    # Deux des onze n'ont pas de valeur : le dernier des neuf autres n'est peut-être pas le plus bas.
    ((9, 9, 11), "parmi les plus bas du département"), ((5, 6, 11), ""),
    ((1, 1), "le plus élevé du département"), ((9, 9), "le plus bas du département"),
    ((2, 3), "parmi les plus élevés du département"), ((7, 8), "parmi les plus bas du département"),
    ((4, 6), "dans la moyenne du département"), ((3, 5), ""), ((2, 8), ""), ((float("nan"),) * 2, ""),
])  # fmt: skip
def test_un_rang_se_dit_en_mots_ou_se_tait(rangs, attendu, monkeypatch):
    ligne = {"indicateur": "X", "role": "territoire", "valeur": 1.0, "statut": "exact", "unite": "%", "maille": "epci"}
    lecture = MesuresLues(pd.DataFrame([ligne]))
    lecture.groupes = {"proches": type("G", (), {"libelle": "EPCI du département", "maille": "epci",
                                               "codes": ("c",) * ((*rangs, 9)[2] - 1)})}  # fmt: skip
    place = {"rang_haut": rangs[0], "rang_bas": rangs[1], "classes": 9}
    monkeypatch.setattr(lecture, "position", lambda code, groupe: place)
    assert situe(lecture, "X") == attendu


@pytest.mark.parametrize(("part", "attendu"), [
    (50.0, "Une place sur deux"), (52.5, "Une place sur deux"), (52.6, "Plus d'une place sur deux"),
    (76.0, "Trois places sur quatre"), (70.0, "Plus de deux places sur trois"), (22.4, ""),
    (22.6, "Une place sur quatre"),
])  # fmt: skip
def test_une_part_se_dit_en_fraction(part, attendu):
    assert fraction(part, "place") == attendu


def test_un_minorant_n_est_pas_un_chiffre_cle():
    vide = float("nan")
    base = {"indicateur": "PE_TXCOUV_GLOBAL", "unite": "places pour 100 enfants", "bas": 40.0, "haut": vide,
            "annee": 2023, "millesime": "décembre 2023", "motif": "", "maille": "epci", "source": "Cnaf"}  # fmt: skip
    lignes = [base | {"role": "territoire", "valeur": vide, "statut": "non_disponible"},
              base | {"role": "france", "valeur": 60.9, "statut": "exact"}]  # fmt: skip
    assert chiffres_cles(MesuresLues(pd.DataFrame(lignes)), Notes()) == []


# --- L'identité ---


def test_tous_les_defauts_d_identite_d_un_coup_et_rien_d_ecrit(tmp_path, capsys):
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"pas une image")
    fichier = tmp_path / "identite.toml"
    lignes = ('caff = "Caf"', "caf = 53", f'contact = "{"x" * 200}"', 'date = "hier"', 'logo = "logo.png"')
    fichier.write_text("\n".join(lignes), "utf-8")
    sortie = tmp_path / "sortie"
    code = principal(["diagnostic", CRAON, "--formats", "note", "--identite", str(fichier), "--sortie", str(sortie)])
    dit = capsys.readouterr().err
    assert code == 1 and not list(sortie.glob("*"))
    for defaut in ("« caff »", "« caf »", "200 caractères", "hier", "logo illisible"):
        assert defaut in dit, (defaut, dit)


@pytest.mark.parametrize("octets", [b"\xff\xfe", b'caf = "Caf', b"caf = Caf", b"\x00", b'logo = "absent.png"'])
def test_une_identite_illisible_se_dit(tmp_path, octets):
    fichier = tmp_path / "identite.toml"
    fichier.write_bytes(octets)
    with pytest.raises(EntreeFautive) as faute:
        lire_identite(fichier)
    assert faute.value.conseil and not re.search(r"line|column|codec|Invalid", str(faute.value))
    with pytest.raises(EntreeFautive):
        lire_identite(tmp_path / "absente.toml")


def test_le_logo_est_dans_la_page_et_dans_le_pdf(tmp_path):
    from PIL import Image

    for genre in ("png", "jpeg"):
        Image.new("RGB", (60, 30), "#0d4a7c").save(tmp_path / f"logo.{genre}")
        fichier = tmp_path / f"{genre}.toml"
        fichier.write_text(f'logo = "logo.{genre}"\ncaf = "Caf de l\'Ain"', "utf-8-sig")
        qui = lire_identite(fichier)
        html, pdf = rendre_note(contenu("QN04908M"), [], qui)
        assert f"data:image/{genre};base64," in html and "alt=\"Caf de l&#39;Ain\"" in html
        assert pypdf.PdfReader(io.BytesIO(pdf)).pages[0].images
        assert replace(qui, logo=b"").adresse_du_logo == ""


def test_une_identite_sans_note_est_refusee(tmp_path, capsys):
    (tmp_path / "i.toml").write_text('caf = "Caf"', "utf-8")
    commande = ["diagnostic", CRAON, "--formats", "html", "--sortie", str(tmp_path), "--identite"]
    assert principal([*commande, str(tmp_path / "i.toml")]) == 2 and "note" in capsys.readouterr().err


# --- Dans un navigateur ---


@pytest.mark.navigateur
def test_l_essentiel_tient_au_dessus_de_la_ligne_de_flottaison(page_hors_reseau, dossier, fautes_axe):
    ouverte, requetes = page_hors_reseau
    ouverte.goto((dossier / f"note-{CRAON}.html").as_uri())
    bas = ouverte.evaluate("document.querySelector('.une').getBoundingClientRect().bottom")
    assert bas <= 768 and requetes == []
    assert fautes_axe(ouverte) == []
    ouverte.set_viewport_size({"width": 400, "height": 800})
    assert ouverte.evaluate("document.documentElement.scrollWidth") <= 400


def test_la_duree_choisie_est_celle_que_la_note_ecrit(tmp_path):
    choix = ["--minutes-france-services", "30", "--formats", "note", "--sortie", str(tmp_path)]
    assert principal(["diagnostic", CRAON, *choix]) == 0
    lu = simple(page(tmp_path / f"note-{CRAON}.html").text_content())
    assert "30 minutes" in lu and "20 minutes" not in lu
    pdf = texte_pdf((tmp_path / f"note-{CRAON}.pdf").read_bytes())
    assert "30 minutes" in pdf and "20 minutes" not in pdf
