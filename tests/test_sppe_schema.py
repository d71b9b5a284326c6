"""La convention vaut-elle schéma ? La grille, le contrôle, la trame en docx ; toujours par la commande."""

import io
import re
import zipfile

import docx
import openpyxl
import pytest

from cafdiag.cli import principal
from cafdiag.indicateurs.sppe_schema import POINTS

CRAON = "200048551"


@pytest.fixture
def grille(tmp_path, capsys):
    chemin = tmp_path / "grille.xlsx"
    assert principal(["sppe", CRAON, "--grille", str(chemin)]) == 0
    capsys.readouterr()

    def remplir(**cases):
        classeur = openpyxl.load_workbook(chemin)
        for case, valeur in cases.items():
            classeur["Grille"][case] = valeur
        classeur.save(chemin)
        return chemin

    return remplir


def textes_du_docx(chemin):
    """Tous les textes, tableaux et zones à remplir compris."""
    with zipfile.ZipFile(chemin) as archive:
        return " ".join(re.findall(r"<w:t[^>]*>([^<]*)", archive.read("word/document.xml").decode("utf-8")))


def test_sans_grille_rien_n_est_dit_rempli(capsys):
    assert principal(["sppe", CRAON]) == 0
    sortie = capsys.readouterr()
    assert "aucun n'est rempli" in sortie.out
    assert "--grille" in sortie.err and "--grille" not in sortie.out
    for point in POINTS:
        assert re.search(rf"{re.escape(point.numero)} +{re.escape(point.demande)} +(amorcé|manque)", sortie.out)


def test_onze_points_declares_valent_schema(grille, capsys):
    chemin = grille(**{f"C{rang}": f"p. {rang}" for rang in range(2, 2 + len(POINTS))})
    assert principal(["sppe", CRAON, "--ctg", str(chemin)]) == 0
    dite = capsys.readouterr().out
    assert "elle peut tenir lieu de schéma" in dite and "lit votre grille, pas la convention" in dite
    assert len(re.findall(r" rempli +p\. ", dite)) == len(POINTS)


def test_un_point_vide_suffit_a_dire_non(grille, capsys):
    chemin = grille(**{f"C{rang}": f"p. {rang}" for rang in range(2, 2 + len(POINTS))} | {"C6": "à compléter"})
    assert principal(["sppe", CRAON, "--ctg", str(chemin)]) == 0
    dite = capsys.readouterr().out
    assert "ne tient pas lieu de schéma : 10 points sur 11 ; il manque 4° b." in dite


def test_grille_fautive_tout_d_un_coup(grille, capsys):
    chemin = grille(A2="1", A3="9°", A4="1°", C5="oui")
    assert principal(["sppe", CRAON, "--ctg", str(chemin)]) == 1
    faute = capsys.readouterr().err
    for attendu in ("ligne 3 : point « 9° » inconnu", "le point 1° est écrit deux fois", "ne dit pas où", "point 2°",
                    "point 3°"):  # fmt: skip
        assert attendu in faute


def test_grille_d_une_autre_forme(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    assert principal(["sppe", CRAON, "--ctg", str(tmp_path / "x.csv")]) == 1
    assert "colonne absente : « Point » ; colonne absente : « Où, dans la convention »" in capsys.readouterr().err


def test_docx_modifiable_stable_et_jamais_ecrase(tmp_path, capsys):
    voulu = tmp_path / "trame.docx"
    assert principal(["sppe", CRAON, "--sortie", str(voulu)]) == 0
    octets = voulu.read_bytes()
    assert principal(["sppe", CRAON, "--sortie", str(voulu)]) == 0
    assert voulu.read_bytes() == octets
    lus = textes_du_docx(voulu)
    assert "La convention vaut-elle schéma" in lus and "Emplois et compétences" in lus
    assert "parole des acteurs" not in lus.lower() and "Cliquez ici pour écrire." in lus and "--" not in lus
    assert "[S" not in lus
    ouvert = docx.Document(io.BytesIO(octets))
    ouvert.paragraphs[0].add_run(" repris par nous")
    ouvert.save(voulu)
    retouche = voulu.read_bytes()
    capsys.readouterr()
    assert principal(["sppe", CRAON, "--sortie", str(voulu)]) == 0
    sortie = capsys.readouterr()
    assert voulu.read_bytes() == retouche and (tmp_path / "trame (2).docx").read_bytes() == octets
    assert "trame (2).docx" in sortie.out and "a été retouché" in sortie.err


def test_grille_commencee_jamais_ecrasee(grille, tmp_path, capsys):
    chemin = grille(C2="p. 4")
    rempli = chemin.read_bytes()
    assert principal(["sppe", CRAON, "--grille", str(chemin)]) == 0
    assert chemin.read_bytes() == rempli and (tmp_path / "grille (2).xlsx").exists()


def test_sortie_d_une_autre_extension(tmp_path, capsys):
    assert principal(["sppe", CRAON, "--sortie", str(tmp_path / "trame.odt")]) == 2
    assert ".docx, .html, .pdf, .md" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
