"""L'avis préalable : l'effet d'un projet sur les taux, refait à la main, et les demandes fausses ; par la commande."""

import contextlib
import functools
import io
import json
import re
import zipfile

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.indicateurs.avis import avis, effet


@pytest.fixture(scope="module")
def craon(tmp_path_factory):
    """La fiche de vingt places à Craon : son JSON, son texte, ses docx et page."""
    ici, dits, garde = tmp_path_factory.mktemp("avis"), {}, functools.cache(avis)
    for forme, suite in (("json", ["--format", "json"]), ("texte", []), ("docx", ["--sortie", str(ici / "avis.docx")]),
                         ("html", ["--sortie", str(ici / "avis.html")])):  # fmt: skip
        # Le calcul est le même pour toutes les formes : une seule fois.
        with pytest.MonkeyPatch.context() as rustine, contextlib.redirect_stdout(io.StringIO()) as flux:
            rustine.setattr("cafdiag.indicateurs.avis.avis", garde)
            assert principal(["avis", "53084", "--places", "20", *suite]) == 0
        dits[forme] = flux.getvalue()
    return ici, dits


def _ligne(dits, role, taux="global"):
    return next(e for e in json.loads(dits["json"]) if (e["role"], e["taux"]) == (role, taux))


def test_l_effet_se_refait_a_la_main(craon):
    _, dits = craon
    epci = _ligne(dits, "epci")
    assert epci["avant"] == 79.9 and epci["statut"] == "estime"
    assert epci["apres"] == pytest.approx(79.9 + 2000 / epci["enfants"])
    assert epci["apres_bas"] == pytest.approx(79.85 + 2000 / epci["enfants_haut"])
    assert epci["apres_haut"] == pytest.approx(79.95 + 2000 / epci["enfants_bas"])
    assert epci["apres_bas"] < epci["apres"] < epci["apres_haut"]


def test_la_commune_sans_taux_n_a_qu_un_gain(craon):
    _, dits = craon
    commune = _ligne(dits, "projet")
    assert commune["avant"] is None and commune["apres"] is None and commune["statut"] == "non_disponible"
    assert commune["gain_bas"] < commune["gain"] < commune["gain_haut"]
    assert re.search(r"Craon +\+19,0 \(\+14,0 à \+26,0\) +n\.d\. +n\.d\. +n\.d\. +n\.d\.\n", dits["texte"])
    assert "10 000 habitants" in dits["texte"].replace("\u202f", " ")


def test_une_commune_sans_naissance_le_dit(capsys):
    # Beaumont-en-Verdunois, détruite en 1916, n'a pas d'habitant.
    assert principal(["avis", "55039", "--places", "3"]) == 0
    assert "ne se calcule pas (aucune naissance domiciliée de 2021 à 2023)" in capsys.readouterr().out


def test_un_voisin_ne_bouge_pas_l_ensemble_si(craon):
    _, dits = craon
    voisins = [e for e in json.loads(dits["json"]) if e["role"] == "voisin"]
    assert len(voisins) == 10 and all(v["gain"] == 0 and v["apres"] == v["avant"] for v in voisins)
    assert 0 < _ligne(dits, "ensemble")["gain"] < _ligne(dits, "epci")["gain"]
    assert "Le taux d'un voisin ne change pas" in dits["texte"]


def test_les_memes_chiffres_dans_le_docx_et_la_page(craon):
    ici, dits = craon
    with zipfile.ZipFile(ici / "avis.docx") as archive:
        docx = re.sub(r"<[^>]+>", " ", archive.read("word/document.xml").decode("utf-8"))
    page = (ici / "avis.html").read_text(encoding="utf-8")
    for chiffre in re.findall(r"\d+,\d \(\d+,\d à \d+,\d\)", dits["texte"]):
        assert chiffre in docx and chiffre in page
    for texte in (docx, page, dits["texte"]):
        assert "ne rend pas l'avis" in texte and "[S" not in texte and "nan" not in texte
    assert "Sommaire" not in docx and page.count("<h1>") == 1


def test_memes_octets(craon, tmp_path):
    ici, _ = craon
    assert principal(["avis", "53084", "--places", "20", "--sortie", str(tmp_path / "avis.docx")]) == 0
    assert (tmp_path / "avis.docx").read_bytes() == (ici / "avis.docx").read_bytes()


@pytest.mark.parametrize("places", ["0", "-3", "2,5", "vingt", "", "1e3", "99999"])
def test_places_fausses(places, capsys, tmp_path):
    assert principal(["avis", "53084", f"--places={places}", "--sortie", str(tmp_path / "a.docx")]) == 2
    assert "un nombre entier de places" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_la_fiche_d_une_grande_ville_tient_en_deux_pages(capsys, tmp_path):
    """Lille touche dix-huit communes, dont rien ne dit les établissements : ni colonne vide, ni page de plus."""
    assert principal(["avis", "59350", "--places", "20", "--sortie", str(tmp_path / "a.pdf")]) == 0
    pages = [p.extract_text() for p in pypdf.PdfReader(tmp_path / "a.pdf").pages]
    assert len(pages) == 2
    mots = " ".join(" ".join(pages).split())
    assert "5 des 18 qui la touchent" in mots and "Micro-crèches" not in mots
    assert "26,0 places avec ou sans le projet" in mots


def test_tous_les_defauts_d_un_coup(capsys, tmp_path):
    assert principal(["avis", "craonn", "--places", "0", "--sortie", str(tmp_path / "a.odt")]) == 2
    faute = capsys.readouterr().err
    assert "3 défauts" in faute and "places : « 0 »" in faute and "53084" in faute and ".docx" in faute


@pytest.mark.parametrize(("code", "mot"), [("Craon", "86087"), ("53", "une commune"), ("99999", "inconnu")])
def test_lieu_double_ou_d_une_autre_maille(code, mot, capsys):
    assert principal(["avis", code, "--places", "20"]) == 2
    assert mot in capsys.readouterr().err


@given(
    st.integers(1, 500),
    st.tuples(st.floats(0, 150), st.floats(0, 20), st.floats(0, 20)),
    st.tuples(st.floats(1, 1e5), st.floats(0, 0.5), st.floats(0, 0.5)),
)
def test_l_intervalle_contient_toute_verite_possible(places, taux, enfants):
    t, n = (taux[0], taux[0] - taux[1], taux[0] + taux[2]), enfants[0]
    bornes = (n, n * (1 - enfants[1]), n * (1 + enfants[2]))
    dit = effet(places, t, bornes)
    for vrai_taux in t:
        for vrai_nombre in bornes:
            apres = vrai_taux + 100 * places / vrai_nombre
            assert dit["apres_bas"] - 1e-6 <= apres <= dit["apres_haut"] + 1e-6
    assert dit["gain_bas"] <= dit["gain"] <= dit["gain_haut"]


def test_un_taux_estime_le_dit_avant_comme_apres(capsys, tmp_path):
    """Une fusion de 2026 : son taux d'avant est estimé, daté, et ne passe ni pour publié ni pour d'aujourd'hui."""
    assert principal(["avis", "992367730", "--places", "20", "--format", "json"]) == 0
    epci = next(e for e in json.loads(capsys.readouterr().out) if (e["role"], e["taux"]) == ("epci", "global"))
    assert epci["avant_statut"] == "estime"
    page = tmp_path / "a.html"
    assert principal(["avis", "992367730", "--places", "20"]) == 0
    dit = capsys.readouterr().out
    assert principal(["avis", "992367730", "--places", "20", "--sortie", str(page)]) == 0
    assert "de environ" not in dit and re.search(r"tous modes d'accueil : d'environ \d", dit)
    assert re.search(r"Agglomération +\+\d,\d \(\+\d,\d à \+\d,\d\) +\d+,\d \(\d+,\d à \d+,\d\) e ", dit)
    assert "Fin 2023" in dit and "Aujourd'hui" not in dit + page.read_text(encoding="utf-8")
