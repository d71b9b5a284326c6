"""Le rapport d'un EPCI quelconque se remet tel quel ; les conseils du métier sont dans le bordereau du chargé."""

import html
import re

import docx
import nbformat
import openpyxl
import pandas as pd
import pytest

from cafdiag.cli import principal
from cafdiag.donnees.commandes import lister
from cafdiag.indicateurs import THEMES, dictionnaire
from cafdiag.restitution import annexes, archives
from cafdiag.restitution.bordereau import apports, bordereau, promesse
from cafdiag.territoires import territoire

BREST = "242900314"
# Ce qu'un élu n'a pas à lire : le projet, ses commandes, ses fichiers, ses cotes, ses codes d'indicateurs.
FUITE = re.compile(
    r"cafdiag|\.(?:xlsx|csv|toml|parquet)\b|--[a-z]|\[[A-Z]\d+\]|\b(?:fournissez|apportez|importez)\b|"
    r"\b[A-Z]{2,3}_[A-Z]{2,}|convention du projet|choix du projet"
)


def texte_de(page):
    sans = re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", sans)))


def fuites(texte):
    return [texte[max(0, m.start() - 60) : m.end() + 60] for m in FUITE.finditer(texte)]


@pytest.fixture(scope="module")
def brest(tmp_path_factory):
    dossier = tmp_path_factory.mktemp("brest")
    with pytest.MonkeyPatch.context() as rustine:
        rustine.setenv("CAFDIAG_DONNEES", str(dossier / "entrepot"))
        assert principal(["diagnostic", BREST, "--sortie", str(dossier), "--formats", "html,ipynb,docx"]) == 0
    return dossier


@pytest.fixture(scope="module")
def mesures(brest):
    return pd.read_csv(brest / f"mesures-{BREST}.csv", dtype={"territoire": str})


@pytest.fixture(scope="module")
def page(brest):
    return (brest / f"diagnostic-{BREST}.html").read_text(encoding="utf-8")


def test_le_rapport_remis_ne_nomme_ni_commande_ni_fichier_ni_projet(brest, page):
    assert not fuites(texte_de(page))
    document = docx.Document(str(brest / f"diagnostic-{BREST}.docx"))
    ecrit = " ".join(re.findall(r"<w:t(?: [^>]*)?>([^<]*)", document.element.xml))
    assert "Brest" in ecrit and not fuites(html.unescape(ecrit))
    assert "cafdiag" not in document.core_properties.author
    carnet = nbformat.read(brest / f"diagnostic-{BREST}.ipynb", as_version=4)
    rendus = [
        "".join(s["data"].get("text/html", ""))
        for cellule in carnet.cells
        for s in cellule.get("outputs", [])
        if "application/vnd.cafdiag.bloc+json" in s.get("data", {})
    ]
    assert len(rendus) > 10 and not fuites(texte_de(" ".join(rendus)))


def test_un_theme_sans_chiffre_tient_en_une_ligne_a_la_fin(page, mesures):
    siennes = mesures[mesures["role"].eq("territoire") & mesures["valeur"].notna()]
    parlent = set(dictionnaire().loc[siennes["indicateur"], "theme"])
    assert "portrait" in parlent and "logement" not in parlent
    fin = page[page.index('id="non-enonce"') :]
    fin = fin[: fin.index("</section>")]
    for theme, nom in THEMES.items():
        assert (f'<section id="{theme}"' in page) is (theme in parlent), theme
        assert (f'href="#{theme}"' in page) is (theme in parlent), theme
        if theme not in parlent:
            lignes = [li for li in re.findall(r"<tr>(.*?)</tr>", fin) if texte_de(li).strip().startswith(nom)]
            assert len(lignes) == 1 and "aucun chiffre encore" in lignes[0], theme
    assert "Ce que ce rapport ne dit pas encore" in fin and "quoi apporter" not in page
    assert "Qui peut le donner" in fin and "Insee" in texte_de(fin)


def test_un_compte_ne_se_dit_pas_deux_fois(page):
    droits = texte_de(page[page.index('<section id="acces-aux-droits"') :].partition("<h3>")[0])
    # Une limite se dit une fois, dans le tableau des limites.
    assert texte_de(page).count("itinérante compte comme une autre") == 1
    assert "ANCT y compte" in droits and "On compte" not in droits


def test_colonnes_region_et_france_partout(page):
    tables = re.findall(r"<h3>Comparer</h3>.*?<thead>(.*?)</thead>", page, re.S)
    assert len(tables) >= 4
    for tete in tables:
        assert "Bretagne" in tete and "France" in tete


def test_le_bordereau_dit_chaque_donnee_a_apporter(brest, mesures):
    feuille = openpyxl.load_workbook(brest / f"a-apporter-{BREST}.xlsx").active
    entete, *lignes = feuille.iter_rows(values_only=True)
    assert entete[0] == "Thème" and entete[-1] == "Commande"
    assert feuille.freeze_panes == "A2" and feuille.auto_filter.ref == f"A1:F{len(lignes) + 1}"
    assert feuille.page_setup.orientation == "landscape" and feuille.page_setup.paperSize == 9
    assert all(feuille.column_dimensions[c].width >= 20 for c in "ABCDEF")
    assert all(all(case for case in ligne) for ligne in lignes)
    # Chaque indicateur tu y est, une fois.
    muets = mesures[mesures["role"].eq("territoire") & mesures["statut"].eq("non_disponible")]
    courts = dictionnaire().loc[muets["indicateur"], "libelle_court"]
    allumes = [nom for ligne in lignes for nom in ligne[1].split(" ; ")]
    assert sorted(allumes) == sorted(courts)
    # Chaque commande est une vraie commande, et chaque source du catalogue.
    connues = set(lister()["nom"])
    for commande in (c for ligne in lignes for c in ligne[-1].split("\n")):
        assert commande.startswith(
            ("cafdiag donnees telecharger ", "cafdiag donnees importer ", "cafdiag diagnostic ")
        )
        if "telecharger" in commande and "*" not in commande:
            assert set(commande.split()[3:]) <= connues


def test_bordereau_memes_octets_et_jamais_ecrase_retouche(brest, mesures, tmp_path):
    cible = territoire(BREST)
    octets = (brest / f"a-apporter-{BREST}.xlsx").read_bytes()
    assert bordereau(mesures, cible) == octets
    fichier = tmp_path / "a-apporter.xlsx"
    fichier.write_bytes(octets)
    assert archives.nom_libre(fichier) == fichier
    classeur = openpyxl.load_workbook(fichier)
    classeur.active["A2"] = "relancé le 3 mars"
    classeur.save(fichier)
    assert archives.nom_libre(fichier).name == "a-apporter (2).xlsx"


def test_le_bordereau_tait_ce_que_rien_n_apporterait():
    def mesure(statut, motif):
        return {
            "role": "territoire",
            "indicateur": "PS_AAH",
            "valeur": None,
            "statut": statut,
            "motif": motif,
        }

    for statut, motif in (
        ("secret", ""),
        ("sans_objet", ""),
        ("non_disponible", "effectifs arrondis à 5 : incertain"),
    ):
        assert not apports(pd.DataFrame([mesure(statut, motif)])), statut
    assert apports(pd.DataFrame([mesure("non_disponible", "à apporter")]))


def test_le_message_de_fin_compte_ce_qu_une_commande_ajouterait(brest, mesures, capsys, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(brest / "entrepot"))
    dit = promesse(mesures)
    assert (
        dit.endswith(" : cafdiag donnees telecharger") and "« Logement »" in dit and "« Portrait" not in dit
    )
    themes, indicateurs = map(int, re.findall(r"(\d+) (?:thèmes|indicateurs) de plus", dit))
    assert 1 <= themes <= len(THEMES) and indicateurs >= themes
    # Un thème qui parle déjà n'est plus promis ; sans rien de muet, rien n'est promis.
    assez = mesures.assign(
        valeur=mesures["valeur"].fillna(1.0), statut=mesures["statut"].replace("non_disponible", "exact")
    )
    assert promesse(assez) == ""
    loge = mesures["indicateur"].eq("LOG_FJT_LITS")
    parle = mesures.assign(
        valeur=mesures["valeur"].mask(loge, 3.0), statut=mesures["statut"].mask(loge, "exact")
    )
    assert "Logement" not in promesse(parle)


def test_tout_motif_du_dictionnaire_se_dit_sans_conseil():
    from cafdiag.indicateurs.generiques import a_apporter

    for _, ligne in dictionnaire().iterrows():
        for motif in (a_apporter(ligne), f"minorant ; {a_apporter(ligne)}", f"{ligne['limites']}"):
            assert not fuites(annexes.motif_du_lecteur(motif)), motif
        assert not fuites(f"{ligne['limites']} {ligne['reperes']}"), ligne.name
    assert annexes.motif_du_lecteur("secret ; fournissez un registre complet") == "secret"
