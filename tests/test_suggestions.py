"""La recherche à la frappe, et les périmètres gardés sous un nom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.erreurs import DemandeFausse, DonneesAbimees, TerritoireInconnu
from cafdiag.territoires import gardes
from cafdiag.territoires.recherche import suggerer

pytestmark = pytest.mark.unitaire

LISTE = cd.lister("epci")


@pytest.mark.parametrize(
    ("texte", "cle"),
    [
        ("pays de cra", "200048551"),
        ("Laval agglo", "200083392"),
        ("53084", "53084"),
        ("200048551", "200048551"),
        ("ile de fr", "region:11"),
        ("st nazaire", "44184"),
        ("Pays de Crzon", "200048551"),
        ("craon 53400", "53084"),
    ],
)
def test_premiere_proposition(texte, cle):
    trouvees = [s.cle for s in suggerer(texte)]
    assert trouvees[0] == cle


def test_code_postal_et_mailles():
    assert "53084" in [s.cle for s in suggerer("53400", nombre=20)]
    assert {s.texte.split(" — ")[1].split(",")[0] for s in suggerer("laval", mailles=("commune",))} == {
        "commune"
    }


@pytest.mark.parametrize("texte", ["", " ", "p", "-", "é"])
def test_trop_court(texte):
    assert suggerer(texte) == []


@given(rang=st.integers(0, len(LISTE) - 1), lettres=st.integers(0, 6))
def test_tout_epci_se_trouve_par_son_nom(rang, lettres):
    """Nom entier ou presque : l'EPCI est proposé, et sa clé redonne bien ce territoire."""
    ligne = LISTE.iloc[rang]
    nom = ligne["nom"]
    cles = [s.cle for s in suggerer(nom[: len(nom) - lettres] if len(nom) > 14 else nom, nombre=40)]
    assert ligne["code"] in cles
    assert cd.territoire(cles[0]).cle == cles[0]


# --- Les périmètres gardés ---


@pytest.fixture(autouse=True)
def dossier_a_soi(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    return tmp_path


def test_garder_et_relire():
    lieu = cd.perimetre("Pôle sud", ["53012", "53084"])
    cd.garder_perimetre(lieu)
    assert cd.perimetre("pole SUD") == lieu == cd.territoire("perimetre:Pôle sud")
    assert cd.perimetres_gardes().to_dict("records") == [
        {"nom": "Pôle sud", "communes": 2, "codes": "53012+53084"}
    ]
    cd.garder_perimetre(cd.perimetre("Pôle Sud", ["53012"]))
    assert cd.perimetres_gardes()["communes"].tolist() == [1]
    cd.oublier_perimetre("Pôle sud")
    assert cd.perimetres_gardes().empty


def test_inconnu_propose_les_connus():
    with pytest.raises(TerritoireInconnu, match="perimetre garder \"Nord\" CODE"):
        cd.perimetre("Nord")
    cd.garder_perimetre(cd.perimetre("Pôle sud", ["53012"]))
    with pytest.raises(TerritoireInconnu) as erreur:
        cd.perimetre("Nord")
    assert erreur.value.propositions == ["Pôle sud"]


def test_refus():
    with pytest.raises(DemandeFausse, match="ne se garde pas"):
        cd.garder_perimetre(cd.territoire("53"))
    with pytest.raises(DemandeFausse, match="lettres"):
        cd.garder_perimetre(cd.perimetre("!!", ["53012"]))


def test_fichier_abime_nomme_et_passe():
    chemin = cd.garder_perimetre(cd.perimetre("Pôle sud", ["53012"]))
    chemin.write_text("{", encoding="utf-8")
    assert cd.perimetres_gardes().empty
    with pytest.raises(DonneesAbimees, match="illisible"):
        cd.perimetre("Pôle sud")


def test_un_nom_ne_sort_pas_du_dossier():
    chemin = cd.garder_perimetre(cd.perimetre("../../evasion", ["53012"]))
    assert chemin.parent == gardes.dossier()


def test_une_ancienne_commune_est_suivie():
    chemin = cd.garder_perimetre(cd.perimetre("Loire", ["49126"]))
    chemin.write_text(chemin.read_text(encoding="utf-8").replace("49126", "49069"), encoding="utf-8")
    lieu = cd.perimetre("Loire")
    assert lieu.communes == ("49126",)
    assert "49069" in lieu.avertissements[0]
