"""Le noyau lancé d'avance : il sert une fois, ne change rien au rapport, et ne survit jamais à la commande."""

import contextlib

import nbformat
import psutil
import pytest
from lot_gabarits import noyaux_mort_nes

from cafdiag.cli import principal
from cafdiag.erreurs import ProductionImpossible
from cafdiag.restitution import noyau_pret, produire

CODE = "200048551"


@pytest.fixture(scope="module", autouse=True)
def vrais(noyaux):
    with noyaux.vrais():
        yield


@pytest.fixture
def noyaux_vivants():
    """Les noyaux vivants que l'essai a lancés."""

    def vivants() -> list[psutil.Process]:
        vus = []
        for enfant in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any("ipykernel" in mot for mot in enfant.cmdline()) and enfant not in avant:
                    vus.append(enfant)
        return vus

    avant: list[psutil.Process] = []
    avant += vivants()
    return vivants


@pytest.fixture
def carnet(tmp_path):
    """Joue un carnet : ce que valent les expressions données, puis le numéro de la dernière cellule."""

    def poser(*expressions):
        cellules = [nbformat.v4.new_code_cell('code = "00000"', metadata={"tags": ["parameters"]})]
        cellules += [nbformat.v4.new_code_cell(e) for e in expressions]
        fichier = tmp_path / "carnet.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cellules, metadata=NOYAU), fichier)
        joue = produire._executer(fichier, {"code": CODE}, sortie=tmp_path, suffixe="x", delai=60)
        sorties = [c.outputs[0]["data"]["text/plain"] for c in joue.cells if c.get("outputs")]
        return [*sorties, joue.cells[-1].execution_count]

    return poser


NOYAU = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
CHARGE = "__import__('sys').modules.get('pandas') is not None"
NOMS = "sorted(n for n in globals() if 'iagnostic' in n or n == 'cafdiag')"


def test_il_est_lance_charge_et_ne_laisse_rien_dans_l_espace_du_carnet(carnet, noyaux_vivants):
    with noyau_pret.noyau_d_avance():
        (avance,) = noyaux_vivants()
        charge, noms, numero, dernier = carnet(CHARGE, NOMS, "__import__('os').getpid()")
        # Il a servi : le client l'a arrêté comme le sien.
        assert noyaux_vivants() == []
    # Deux cellules de paramètres, puis les trois autres : le chargement n'a pas compté.
    assert (charge, noms, int(numero), dernier) == ("True", "[]", avance.pid, 5)
    charge, noms, _, dernier = carnet(CHARGE, NOMS, "0")
    assert (charge, noms, dernier) == ("False", "[]", 5)


def test_il_ne_sert_qu_une_fois(carnet, noyaux_vivants):
    with noyau_pret.noyau_d_avance():
        (un, _), (autre, _) = (carnet("__import__('os').getpid()") for _ in range(2))
    assert un != autre and noyaux_vivants() == []


def test_mort_avant_de_servir_le_carnet_lance_le_sien(carnet, noyaux_vivants):
    with noyau_pret.noyau_d_avance():
        (avance,) = noyaux_vivants()
        avance.kill()
        avance.wait(30)
        numero, _ = carnet("__import__('os').getpid()")
    assert int(numero) != avance.pid and noyaux_vivants() == []


@pytest.mark.parametrize("fois", [1, 9])
def test_mort_en_s_eveillant_il_est_relance_une_fois(carnet, tmp_path, monkeypatch, fois, noyaux_vivants):
    temoins = noyaux_mort_nes(tmp_path, monkeypatch, fois)
    if fois == 1:
        assert carnet("1 + 1")[0] == "2"
    else:
        with pytest.raises(ProductionImpossible, match="le noyau s'est arrêté"):
            carnet("1 + 1")
    assert len(list(temoins.iterdir())) == min(fois, 2) and noyaux_vivants() == []


def test_il_ne_sert_qu_aux_carnets_de_sa_sorte(noyaux_vivants):
    with noyau_pret.noyau_d_avance():
        assert noyau_pret.prendre("ir") is None
        assert len(noyaux_vivants()) == 1
    assert noyaux_vivants() == [] and noyau_pret.prendre(noyau_pret.NOM) is None


def test_un_depart_impossible_n_est_pas_une_faute(monkeypatch, carnet, noyaux_vivants):
    monkeypatch.setattr(noyau_pret, "NOM", "noyau-qui-n-existe-pas")
    with noyau_pret.noyau_d_avance():
        assert noyaux_vivants() == []
        assert carnet("1 + 1")[0] == "2"


def test_la_commande_refusee_n_en_laisse_pas(tmp_path, capsys, monkeypatch, noyaux_vivants):
    lancer, lances = noyau_pret._lancer, []
    monkeypatch.setattr(noyau_pret, "_lancer", lambda ici: lances.append(lancer(ici)) or lances[0])
    assert principal(["diagnostic", "99999", "--sortie", str(tmp_path)]) == 2
    assert "territoire inconnu" in capsys.readouterr().err
    assert lances[0] is not None and noyaux_vivants() == [] and list(tmp_path.iterdir()) == []


def test_memes_octets_avec_et_sans(tmp_path, noyaux_vivants):
    with noyau_pret.noyau_d_avance():
        produire.diagnostic(CODE, sortie=tmp_path / "avec")
        assert noyaux_vivants() == []
    produire.diagnostic(CODE, sortie=tmp_path / "sans")
    avec, sans = ({f.name: f.read_bytes() for f in (tmp_path / d).iterdir()} for d in ("avec", "sans"))
    assert len(sans) == 4 and avec == sans
