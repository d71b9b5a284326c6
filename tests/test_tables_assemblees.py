"""Les tables assemblées de l'entrepôt : relues telles qu'assemblées, jamais confidentielles, jamais d'un autre état."""

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import communes, entrepot, memoire, tables_assemblees, valeurs_publiees
from cafdiag.indicateurs import tables_calcul

ASSEMBLEES = {
    "communes": tables_assemblees.communes,
    "taux_couverture": tables_assemblees.taux_couverture,
    "places": tables_assemblees.places,
    "comptes": communes._sans_registre,
}
LIGNES = {
    "densite.csv": "CODGEO;DENS7;DENS\n53130;1;7\n53084;2;7\n53147;3;7\n",
    "activite.csv": "code,maille,grandeur,annee,valeur,source\n200048551,epci,enfants_bas_revenus,2024,61,Caf\n",
}


@pytest.fixture
def importe(tmp_path, monkeypatch):
    """Un entrepôt d'une grille et d'une activité confidentielle, et une mémoire neuve."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    monkeypatch.setenv("CAFDIAG_MEMOIRE", str(tmp_path / "memoire"))
    oublier()
    for nom, texte in LIGNES.items():
        (tmp_path / nom).write_text(texte, encoding="utf-8")
        assert principal(["donnees", "importer", str(tmp_path / nom)]) == 0
    return tmp_path


def oublier():
    for assemblee in (valeurs_publiees.publications, *ASSEMBLEES.values()):
        assemblee.cache_clear()
    tables_calcul._tables_sans_apport.cache_clear()


@pytest.mark.parametrize("nom", ASSEMBLEES)
def test_relue_comme_assemblee(importe, nom):
    etat = tables_assemblees.etat()
    oublier()
    premiere = ASSEMBLEES[nom]()
    oublier()
    assert memoire.relire(etat, ("table", nom)) is not None
    pd.testing.assert_frame_equal(ASSEMBLEES[nom](), premiere)


def test_une_partie_est_relue_comme_assemblee(importe):
    oublier()
    premieres = dict(valeurs_publiees.publications())
    oublier()
    relues = valeurs_publiees.publications()
    assert list(relues) == list(premieres) and len(premieres) > 2
    for variable, lignes in premieres.items():
        pd.testing.assert_frame_equal(relues[variable], lignes)


def test_rien_de_confidentiel_n_est_garde(importe, capsys):
    assert principal(["mesurer", "200048551", "-i", "PS_BASREV_ENF", "--format", "csv"]) == 0
    assert "61" in capsys.readouterr().out
    assert ("enfants_bas_revenus", 2024) in valeurs_publiees.publications()
    gardee = memoire.relire(tables_assemblees.etat(), ("table", "publications"))
    assert "enfants_bas_revenus" not in set(gardee["variable"])


def test_un_import_de_plus_se_voit(importe, capsys):
    def densite():
        assert principal(["mesurer", "53130", "-i", "CTX_PART_RURAL", "--format", "csv"]) == 0
        return capsys.readouterr().out

    avant = densite()
    (importe / "densite.csv").write_text("CODGEO;DENS7;DENS\n53130;7;7\n53084;2;7\n53147;3;7\n", encoding="utf-8")
    assert principal(["donnees", "importer", str(importe / "densite.csv")]) == 0
    capsys.readouterr()
    assert densite() != avant


@pytest.mark.parametrize("garder", [memoire.gardee, memoire.en_parties])
def test_importe_pendant_l_assemblage_rien_n_est_garde(importe, garder):
    """On ne sait plus de quel entrepôt est ce qu'on assemblait."""
    etat = tables_assemblees.etat()
    table = pd.DataFrame({"variable": ["naissances"], "annee": [2024], "valeur": [12.0]})

    def assembler():
        autre = importe / "autre.csv"
        autre.write_text("CODGEO;DENS7;DENS\n53130;7;7\n", encoding="utf-8")
        assert principal(["donnees", "importer", str(autre)]) == 0
        return table

    garder("essai", etat, assembler)
    assert memoire.relire(etat, ("table", "essai")) is None
    apres = tables_assemblees.etat()
    garder("essai", apres, lambda: table)
    assert apres != etat and memoire.relire(apres, ("table", "essai")) is not None


def test_un_entrepot_abime_est_refuse_meme_si_sa_table_est_gardee(importe, capsys):
    assert principal(["mesurer", "53130", "-i", "CTX_POP"]) == 0
    entree = next(e for e in entrepot.entrees().values() if e["jeu"] == "communes")
    chemin = importe / "entrepot" / entree["table"]
    chemin.write_bytes(chemin.read_bytes()[:-9] + b"abimeabim")
    oublier()
    capsys.readouterr()
    with pytest.raises(cd.CafdiagError, match="contenu a changé"):
        tables_assemblees.communes()
