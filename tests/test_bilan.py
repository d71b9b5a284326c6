"""Le bilan d'une convention : sommes refaites, manquant jamais nul, défauts d'un coup ; par la commande."""

import json
import math
import re
import zipfile

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees.realisations import lire_realisations
from cafdiag.erreurs import EntreeFautive
from cafdiag.indicateurs.actions import lire_actions
from cafdiag.indicateurs.bilan import SANS_EFFET, totaliser
from cafdiag.magasin import dossier

CRAON = "200048551"
ENTETE = "Action;Thème;Commune;Année;Euros;Heures;Places\n"
LIGNES = (
    "Micro-crèche;Petite enfance;Craon;2022;120000;;10\n"
    "Micro-crèche;petite-enfance;53084;2023;45 000,50 €;;12\n"
    "Relais;Petite enfance;territoire;2022;38000;1200;\n"
    "Loisirs;jeunesse;53012;2023;;5400;40\n"
    "Point numérique;numérique;;2024;0;;\n"
    "Total;;;;203000;;\n"
)


def ecrire(ici, corps=LIGNES, entete=ENTETE):
    chemin = ici / "realisations.csv"
    chemin.write_text(entete + corps, encoding="utf-8")
    return str(chemin)


def dire(capsys, *arguments):
    code = principal(["bilan", CRAON, *arguments])
    sortie = capsys.readouterr()
    return code, sortie.out.replace("\u202f", " ").replace("\u00a0", " "), sortie.err


def test_sommes_et_minimums(tmp_path, capsys):
    code, dit, avis = dire(capsys, "--realisations", ecrire(tmp_path))
    assert code == 0 and "1 ligne(s) de total" in avis
    # Dix places en 2022, douze en 2023 au même endroit : douze places ; le relais n'en dit rien.
    assert re.search(r"Petite enfance +2 +203 00[01] +au moins 1 200 \(2 non chiffrées\) +au moins 12 \(1 non", dit)
    assert re.search(r"Enfance et jeunesse +1 +n\.d\. +5 400 +40", dit)
    # Un zéro écrit est un zéro ; un vide, non.
    assert re.search(r"Accès aux droits et inclusion numérique +1 +0 +n\.d\. +n\.d\.", dit)
    assert re.search(r"Commune non précisée +1 +0", dit) and re.search(r"Tout le territoire +1 +38 000", dit)
    assert SANS_EFFET in dit and not re.search(r"\bnan\b", dit)


def test_le_departement_des_indicateurs_suit_les_themes(tmp_path, capsys):
    _, dit, _ = dire(capsys, "--realisations", ecrire(tmp_path))
    assert "Petite enfance : les indicateurs" in dit and "Logement" not in dit


def test_un_dessin_conclut_sur_des_sommes_entieres_et_une_source_se_dit_une_fois(tmp_path, capsys):
    page, entiere = tmp_path / "b.html", LIGNES.replace("2023;;5400;40", "2023;1000;5400;40").replace(",50 €", "")
    for corps, titre in ((entiere, "Petite enfance : 203 000 euros sur 204 000"), (LIGNES, "Euros par thème")):
        assert dire(capsys, "--realisations", ecrire(tmp_path, corps), "--sortie", str(page))[0] == 0
        texte = re.sub("[\u202f\u00a0]", " ", page.read_text(encoding="utf-8"))
        assert f"<figcaption>{titre}<small>" in texte
        for sources in re.findall(r"Sources : ([^<]*)\.", texte):
            dites = sources.split(" ; ")
            assert len(dites) == len(set(dites))
        assert "mode dominant" not in texte


def test_t0_et_t1_cote_a_cote(tmp_path, capsys):
    t0 = tmp_path / "t0.json"
    assert principal(["figer", CRAON, "--sortie", str(t0), "-i", "PE_NAISS", "--annee", "2020"]) == 0
    code, dit, _ = dire(capsys, "--realisations", ecrire(tmp_path), "--t0", str(t0))
    assert code == 0
    assert re.search(r"Naissances domiciliées \(naissances\) +271 \(2020\) +264 \(2025\) +baisse", dit)
    assert "Sources : Insee, état civil, naissances domiciliées." in dit
    principal(["figer", "53084", "--sortie", str(t0), "-i", "PE_NAISS"])
    code, _, faute = dire(capsys, "--realisations", ecrire(tmp_path), "--t0", str(t0))
    assert code == 2 and "l'instantané est celui de Craon" in faute


def test_docx_et_page_disent_la_meme_chose(tmp_path, capsys):
    source = ecrire(tmp_path)
    for nom in ("b.docx", "b.html"):
        assert dire(capsys, "--realisations", source, "--sortie", str(tmp_path / nom))[0] == 0
    with zipfile.ZipFile(tmp_path / "b.docx") as archive:
        docx = re.sub(r"<[^>]+>", " ", archive.read("word/document.xml").decode("utf-8"))
        assert any(n.startswith("word/media/") for n in archive.namelist())
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    for texte in (docx, page):
        assert "n'attribue aucun effet" in texte and "Aucune valeur de départ" in texte and "--" not in docx
        assert "un fichier de réalisations remis" in page and re.search(r"Sources\s: Cnaf", texte)
    avant = (tmp_path / "b.docx").read_bytes()
    dire(capsys, "--realisations", source, "--sortie", str(tmp_path / "b.docx"))
    assert (tmp_path / "b.docx").read_bytes() == avant and not (tmp_path / "b (2).docx").exists()


def test_tous_les_defauts_d_un_coup_et_rien_d_ecrit(tmp_path, capsys):
    corps = (
        "Crèche;Petite enfance;Craon;2022;1;2;3\n"
        "Crèche;Petite enfance;Craon;2022;1;2;3\n"
        ";Cuisine;Angers;22;mille;-5;3\n"
        "Relais;Logement;Crraon;2023;;;\n"
        "Ludo;Parentalité;53;2023;;1 2 3;\n"
    )
    sortie = tmp_path / "b.docx"
    code, _, faute = dire(capsys, "--realisations", ecrire(tmp_path, corps), "--sortie", str(sortie))
    assert code == 1 and not sortie.exists()
    for attendu in ("ligne 3 : la même que ligne 2", "ligne 4 : action vide", "thème « Cuisine »", "année « 22 »",
                    "« Angers »", "euros « mille »", "heures « -5 »", "« Crraon » inconnue", "« 53 »",
                    "heures « 1 2 3 »"):  # fmt: skip
        assert attendu in faute, attendu
    assert "Craon — commune (53084)" in faute


def test_une_note_de_bas_est_mise_de_cote_et_dite(tmp_path, capsys):
    code, _, dit = dire(capsys, "--realisations", ecrire(tmp_path, LIGNES + "Source : service enfance;;;;;;\n"))
    assert code == 0 and "note mise de côté" in dit


@pytest.mark.parametrize(("euros", "attendu"), [
    ("45 k€", 45_000), ("1,2 M€", 1_200_000), ("1.234.567 €", 1_234_567), ("12 500 euros", 12_500), ("nd", math.nan),
])  # fmt: skip
def test_un_montant_s_ecrit_de_meme_dans_les_realisations_et_les_actions(euros, attendu, tmp_path):
    lieu = cd.territoire(CRAON)
    lus = lire_realisations(ecrire(tmp_path, f"Crèche;Logement;Craon;2022;{euros};;\n"), lieu, {"logement": "Logement"})
    (tmp_path / "a.csv").write_text(f"Action;Pilote;Indicateur;Cible;Budget (€)\nA;B;PE_NAISS;1;{euros}\n", "utf-8")
    (action,) = lire_actions(tmp_path / "a.csv")
    siens = [lus.table["euros"].iloc[0], math.nan if action.budget is None else action.budget]
    assert siens == pytest.approx([attendu] * 2, nan_ok=True)


@pytest.mark.parametrize("euros", ["45 k", "12 %", "-3", "45 000 $"])
def test_un_montant_d_une_autre_unite_est_refuse_dans_les_deux(euros, tmp_path, capsys):
    code, _, faute = dire(capsys, "--realisations", ecrire(tmp_path, f"Crèche;Logement;Craon;2022;{euros};;\n"))
    assert code == 1 and f"euros « {euros} » (un nombre positif en euros" in faute
    (tmp_path / "a.csv").write_text(f"Action;Pilote;Indicateur;Cible;Budget (€)\nA;B;PE_NAISS;1;{euros}\n", "utf-8")
    with pytest.raises(EntreeFautive, match="un nombre positif en euros"):
        lire_actions(tmp_path / "a.csv")


@pytest.mark.parametrize("euros", ["1.250", "12,500"])
def test_des_milliers_ou_des_decimales_ne_se_devinent_pas(euros, tmp_path, capsys):
    code, _, faute = dire(capsys, "--realisations", ecrire(tmp_path, f"Crèche;Logement;Craon;2022;{euros};;\n"))
    assert code == 1 and f"euros « {euros} » : des milliers ou des décimales ?" in faute


@pytest.mark.parametrize(
    ("entete", "corps", "mot"),
    [
        ("Action;Thème;Année\n", "a;Logement;2022\n", "ni euros, ni heures, ni places"),
        ("Quoi;Combien\n", "a;1\n", "colonne absente : « Action »"),
        (ENTETE, "", "aucune ligne"),
        (ENTETE.replace("Heures", "Prénom"), "a;Logement;;2022;1;Léa;\n", "prénom"),
        (ENTETE, "a;Logement;;2022;1;;\nJoindre au 06 12 34 56 78;Logement;;2022;1;;\n", "téléphone"),
    ],
)
def test_fichier_d_une_autre_forme(entete, corps, mot, tmp_path, capsys):
    code, _, faute = dire(capsys, "--realisations", ecrire(tmp_path, corps, entete))
    assert code == 1 and mot in faute and "Léa" not in faute and "06 12" not in faute


def test_sans_fichier_ni_modele(capsys):
    code, _, faute = dire(capsys)
    assert code == 2 and "--modele realisations.xlsx" in faute


def test_le_modele_livre_est_celui_que_la_commande_ecrit_et_se_relit(tmp_path, capsys):
    chemin = tmp_path / "r.xlsx"
    assert dire(capsys, "--modele", str(chemin))[0] == 0
    assert chemin.read_bytes() == (dossier("templates") / "bilan" / "realisations.xlsx").read_bytes()
    assert dire(capsys, "--realisations", str(chemin))[0] == 1  # vierge : aucune ligne
    classeur = openpyxl.load_workbook(chemin)
    for rang, case in enumerate(("Crèche", "Petite enfance", 53084, 2024, 1500.5, None, 12), start=1):
        classeur["Réalisations"].cell(2, rang, case)
    classeur.save(chemin)
    rempli = chemin.read_bytes()
    code, dit, _ = dire(capsys, "--realisations", str(chemin), "--format", "json")
    assert code == 0
    lue = json.loads(dit)[0]
    assert (lue["commune"], lue["annee"], lue["euros"], lue["heures"]) == ("53084", "2024", 1500.5, None)
    dire(capsys, "--modele", str(chemin))
    assert chemin.read_bytes() == rempli and (tmp_path / "r (2).xlsx").exists()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(["2022", "2023"]),
            st.one_of(st.none(), st.integers(0, 1000)),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_une_somme_n_invente_rien(lignes):
    """Somme des connus, compte des autres ; sans aucun connu, jamais zéro ; les groupes redonnent le tout."""
    table = pd.DataFrame(lignes, columns=["action", "theme", "annee", "euros"]).astype({"euros": float})
    table = table.assign(commune="c", heures=float("nan"), places=float("nan"))
    dit = totaliser(table, "theme")
    for theme, ligne in dit.iterrows():
        connus = [e for _, t, _, e in lignes if t == theme and e is not None]
        assert ligne["euros_sans"] == sum(t == theme and e is None for _, t, _, e in lignes)
        assert (ligne["euros"] == sum(connus)) if connus else pd.isna(ligne["euros"])
        assert pd.isna(ligne["places"])
    assert dit["lignes"].sum() == len(lignes)
