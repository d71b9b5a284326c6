"""Le volet « Compléter » : ce qui manque, et la prise des données publiques, contre un vrai serveur local."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from test_commandes_donnees import TAUX, serveur  # noqa: F401
from test_explorateur import a_soi, fautes  # noqa: F401

from cafdiag.donnees import catalogue, telechargement
from cafdiag.donnees.catalogue import lire_catalogue
from cafdiag.donnees.transport import ReglagesDeTransport
from cafdiag.restitution.explorateur import completer
from cafdiag.restitution.explorateur.interface import COMPLETER, VOLETS, Explorateur


@pytest.fixture
def prise(serveur, monkeypatch):  # noqa: F811
    """Le vrai catalogue, où seules les sources du serveur local sont prises d'office."""
    siennes = catalogue.lire_catalogue()
    autres = {nom: replace(s, par_defaut=False) for nom, s in lire_catalogue().items()}
    monkeypatch.setattr(catalogue, "lire_catalogue", lambda: {**autres, **siennes})
    monkeypatch.setattr(telechargement, "ReglagesDeTransport", lambda: ReglagesDeTransport(essais=1, lecture=2))
    serveur.sources = siennes
    return serveur


@pytest.fixture
def vue(a_soi):  # noqa: F811
    vue = Explorateur(nom="essai")
    vue.volets.selected_index = VOLETS.index(COMPLETER)
    return vue


def texte(widget) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", widget.value)).split()).replace("\u202f", " ")


def test_ce_qui_manque_est_celui_du_bordereau(vue):
    lu = texte(vue.completer.manques)
    assert "Ce qui manque encore : CC du Pays de Craon" in lu and "Prise par le bouton ci-dessus" in lu
    assert re.search(r"Le bouton ajouterait jusqu'à .*indicateurs de plus", lu)
    assert "cafdiag donnees" not in lu and "Gestionnaires d'EAJE" in lu
    vue.chercher.champ.value = "brest"
    vue.chercher.boutons[0].click()
    assert "Brest" in texte(vue.completer.manques) and "Craon" not in texte(vue.completer.manques)


def test_prendre_puis_reprendre(prise, vue):
    assert "79,9" in vue.chiffre.value
    prise.pages = {"/taux.csv": TAUX.encode()}
    vue.completer.prendre.click()
    dit = texte(vue.completer.suivi)
    assert "1 source prise, 1 échec." in dit and "Le même bouton reprend" in dit and "404" in dit
    # La vue montre aussitôt la donnée prise.
    assert "53,1" in vue.chiffre.value
    prise.pages["/gardee.csv"] = b"a;b\n1;2\n"
    vue.completer.prendre.click()
    assert texte(vue.completer.suivi) == "1 source prise, 1 source déjà à jour."
    assert not vue.completer.prendre.disabled and vue.completer.avance.layout.display == "none"


def test_arreter_garde_ce_qui_est_pris(prise, vue, monkeypatch):
    prise.pages = {"/taux.csv": TAUX.encode(), "/gardee.csv": b"a;b\n1;2\n"}
    telecharger = completer.telecharger

    def puis_arreter(noms, **options):
        vue.completer.arreter.click()
        return telecharger(noms, **options)

    monkeypatch.setattr(completer, "telecharger", puis_arreter)
    vue.completer.prendre.click()
    assert "1 source prise, 1 source à reprendre." in texte(vue.completer.suivi)
    assert "53,1" in vue.chiffre.value


def test_sans_reseau_on_n_insiste_pas(prise, vue, monkeypatch):
    plusieurs = {f"s{i}": replace(prise.sources["gardee"], nom=f"s{i}", libelle=f"Source {i}") for i in range(5)}
    monkeypatch.setattr(catalogue, "lire_catalogue", lambda: plusieurs)
    monkeypatch.setattr(vue.completer, "_rafraichir", lambda: None)
    prise.server_close()
    vue.completer.prendre.click()
    dit = texte(vue.completer.suivi)
    assert dit.startswith("Le réseau ne répond pas. 0 source prise, 3 échecs, 2 sources à reprendre.")
    assert "Source 0 : " in dit and "Source 3" not in dit
