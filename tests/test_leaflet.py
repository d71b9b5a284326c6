"""Carte hors ligne : rien du réseau, mêmes octets, plusieurs cartes dans une page, textes inertes."""

import json
import re
import subprocess
import sys

import folium
import pytest
from branca.element import Element

from cafdiag.erreurs import DemandeFausse, ProductionImpossible
from cafdiag.restitution.carte import MIME_CARTE, Carte
from cafdiag.restitution.carte_html import assembler, socle
from cafdiag.restitution.echappement import html_sur, json_sur
from cafdiag.restitution.leaflet import CarteHorsLigne
from cafdiag.restitution.types_mime import deplier, porter

pytestmark = pytest.mark.unitaire

VILAIN = "</script><script>alert(1)</script>{{ 7*7 }}{% x %}{# y"


def carte(titre="Essai", **options):
    c = CarteHorsLigne(Carte(titre, cadre=(-1.2, 47.7, -0.6, 48.0), **options))
    folium.Marker([47.85, -0.95]).add_to(c)
    return c


def test_c_est_une_carte_folium_sans_adresse_a_appeler():
    c = carte()
    assert isinstance(c, folium.Map)
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", c.page())
    assert "sourceMappingURL" not in c.page()
    assert "url(images" not in socle()[0]


def test_deux_rendus_ont_les_memes_octets():
    c = carte()
    assert c.page() == c.page() == carte().page()
    assert c._repr_html_() == carte()._repr_html_()


def test_deux_processus_ont_les_memes_octets():
    code = (
        "import sys; sys.path.insert(0, 'tests'); import test_leaflet as t;"
        "sys.stdout.write(t.carte().fragments().prefixe)"
    )
    autre = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert autre.stdout == carte().fragments().prefixe


def test_aucun_identifiant_de_hasard_ne_reste():
    html, script = carte().fragments()
    assert not re.search(r"[0-9a-f]{32}", html + script)
    assert folium.Map().get_name() != folium.Map().get_name(), "branca ne doit pas être modifié"


def test_deux_cartes_dans_une_page_ne_se_heurtent_pas():
    a, b, a2 = assembler([deplier(carte(nom)._repr_mimebundle_()[MIME_CARTE]) for nom in ("A", "B", "A")])
    identifiants = [i for f in (a, b, a2) for i in re.findall(r'\bid="([^"]+)"', f.html)]
    assert len(identifiants) == len(set(identifiants)) > 3
    assert "leaflet" not in (a.script + a.html).lower().replace("leaflet-", "")
    for f in (a, b, a2):
        carte_js = re.search(r'cafdiag\.carte\("([^"]+)"', f.script).group(1)
        assert f'id="{carte_js}"' in f.html


def test_un_md5_affiche_n_est_pas_renumerote():
    empreinte = "d41d8cd98f00b204e9800998ecf8427e"
    assert empreinte in carte(titre=f"Empreinte {empreinte}").page()


def test_la_page_est_en_francais_et_titree():
    page = carte(titre="Taux & <EAJE>").page()
    assert page.startswith('<!DOCTYPE html>\n<html lang="fr">')
    assert "<title>Taux &amp; &lt;EAJE&gt;</title>" in page
    assert page.count("<h1>") == 1 and "user-scalable=no" not in page


def test_les_textes_hostiles_sont_inertes():
    c = carte(titre=VILAIN, source=VILAIN, sous_titre=VILAIN)
    page = c.page()
    assert "<script>alert" not in page
    assert "49" not in re.sub(r"\d*49\d+|\d+49", "", c.fragments().html), "le gabarit a été évalué"
    assert page.count("</script>") == 2  # le socle, puis la carte


def test_une_balise_fermante_dans_un_element_de_folium_ne_coupe_pas_la_page():
    c = carte()
    folium.Marker([47.8, -0.9], tooltip="x </script> y").add_to(c)
    assert c.page().count("</script>") == 2


def test_le_json_d_un_script_est_sur_et_fidele():
    objet = {"nom": VILAIN + "\u2028&", "n": [1, 2.5, None, True]}
    assert json.loads(json_sur(objet)) == objet
    assert not re.search(r"[<>&\u2028]|\{[{%#]", json_sur(objet)[1:])
    with pytest.raises(ValueError):
        json_sur(float("nan"))
    assert html_sur('a"b') == "a&quot;b"


def test_un_element_qui_appelle_le_reseau_est_refuse():
    c = carte()
    c.get_root().header.add_child(Element('<script src="https://exemple.fr/a.js"></script>'))
    with pytest.raises(DemandeFausse, match=r"exemple\.fr"):
        c.page()


def test_le_carnet_recoit_un_cadre_titre_et_les_morceaux():
    contenu = carte(titre='Taux "EAJE"')._repr_mimebundle_()
    assert contenu["text/html"].startswith(
        '<iframe data-cafdiag="carte" title="Carte : Taux &quot;EAJE&quot;"'
    )
    garde = deplier(contenu[MIME_CARTE])
    assert porter(garde) == contenu[MIME_CARTE]
    # La page d'un carnet relu est celle de la carte, ce que folium y a ajouté compris.
    (relue,) = assembler([json.loads(json.dumps(garde, sort_keys=True))])
    assert relue == carte(titre='Taux "EAJE"').fragments() and "L.marker(" in relue.script


def test_enregistrer_ecrit_d_un_coup(tmp_path):
    chemin = carte().enregistrer(tmp_path / "sous" / "carte.html")
    assert chemin.read_text(encoding="utf-8") == carte().page()
    carte().save(str(tmp_path / "autre.html"))
    assert (tmp_path / "autre.html").read_bytes() == chemin.read_bytes()
    with pytest.raises(ProductionImpossible):
        carte().enregistrer(chemin / "impossible.html")


def test_un_prefixe_mal_forme_est_refuse():
    assert "_carte1_" in carte().fragments(prefixe="carte1").html
    with pytest.raises(DemandeFausse, match="préfixe"):
        carte().fragments(prefixe='a"b')


@pytest.mark.navigateur
def test_dans_un_carnet_le_cadre_prend_la_hauteur_de_la_carte(page_hors_reseau):
    page, requetes = page_hors_reseau
    page.set_content(f"<!DOCTYPE html><body>{carte()._repr_html_()}</body>")
    cadre = page.frame_locator("iframe")
    cadre.locator(".leaflet-control-scale-line").wait_for()
    page.wait_for_function("document.querySelector('iframe').style.height !== '610px'")
    assert cadre.locator("img.leaflet-marker-icon").count() == 1
    assert requetes == []
