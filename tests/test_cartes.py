"""Cartes : classes, manquants hachurés et nommés, infobulles, et l'ouverture dans un vrai navigateur."""

import hashlib
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couches
from cafdiag.restitution.carte import Carte
from cafdiag.restitution.carte_fixe import carte_statique
from cafdiag.restitution.cartes import carte_aplats, carte_communes
from cafdiag.restitution.couches import Fond, emplacements
from cafdiag.restitution.couleurs import DIVERGENTE, SEQUENTIELLE, contraste, encre_sur
from cafdiag.restitution.formats import nom_court
from cafdiag.restitution.leaflet import CarteHorsLigne

pytestmark = pytest.mark.unitaire

VILAIN = '<img src=x onerror="window.pirate=1"></script><script>window.pirate=1</script>{{ 7*7 }}'


def contours(nombre=9, *, cote=0.1):
    """Une grille de carrés jointifs, codes c0, c1…"""
    formes = [
        box(-1 + cote * (i % 3), 47 + cote * (i // 3), -1 + cote * (i % 3 + 1), 47 + cote * (i // 3 + 1))
        for i in range(nombre)
    ]
    return gpd.GeoDataFrame(
        {"code": [f"c{i}" for i in range(nombre)], "nom": [f"Lieu {i}" for i in range(nombre)]},
        geometry=formes,
        crs=4326,
    )


def mesures(valeurs, *, statuts=None, unite="places pour 100 enfants", maille="epci", **champs):
    statuts = statuts or ["non_disponible" if v is None else "exact" for v in valeurs]
    return pd.DataFrame(
        {
            "territoire": [f"c{i}" for i in range(len(valeurs))],
            "nom": [f"CC du Lieu {i}" for i in range(len(valeurs))],
            "maille": maille,
            "indicateur": "PE_TXCOUV_GLOBAL",
            "annee": 2023,
            "valeur": [np.nan if v is None else v for v in valeurs],
            "unite": unite,
            "bas": np.nan,
            "haut": np.nan,
            "statut": statuts,
            "motif": "",
            "maille_source": maille,
            "source": "Cnaf",
            "millesime": "décembre 2023",
        }
        | champs
    )


VALEURS = [20.0, 45.0, 55.0, 65.0, 79.9, 160.0, None, None, None]
STATUTS = ["exact"] * 6 + ["secret", "non_disponible", "sans_objet"]


def aplats(**options):
    reglages = {
        "libelle": "Taux de couverture",
        "unite": "places pour 100 enfants",
        "titre": "Taux",
        "source": "Cnaf",
        "reference": 60.9,
        "surligner": "c4",
    } | options
    return carte_aplats(contours(), mesures(VALEURS, statuts=STATUTS), **reglages)


def structures():
    return pd.DataFrame(
        {
            "type": ["evs", "evs", "centre_social", "alsh"],
            "nom": [VILAIN, "EVS 2", "Centre", "Accueil sans adresse"],
            "lon": [-0.85, -0.85, -0.9, np.nan],
            "lat": [47.15, 47.15, 47.2, np.nan],
            "source": "Caf",
            "annee": 2024,
        }
    )


def communes(**options):
    effectifs = mesures([473, 0, None, *range(10, 70, 10)], unite="enfants", maille="commune")
    return carte_communes(
        contours(),
        titre="Enfants",
        source="Insee",
        cercles=effectifs,
        libelle_cercles="Enfants de moins de 3 ans",
        points=structures(),
        **options,
    )


def test_chaque_manquant_est_nomme_dans_la_legende():
    html = aplats().fragments().html
    for dit in (
        "Secret statistique (1)",
        "Donnée absente (1)",
        "Sans objet (1)",
        "Lieu 6",
        "Lieu 7",
        "Lieu 8",
    ):
        assert dit in html


def test_un_manquant_n_a_jamais_la_couleur_d_une_classe():
    (dessin,) = [c.dessin for c in aplats().modele.couches if c.genre == "zones" and c.dessin["plan"] == "zones"]
    remplissages = [style["fillColor"] for style in dessin["styles"]]
    rangs = [entite["s"] for entite in dessin["entites"]]
    assert rangs[:6] == [0, 1, 2, 3, 4, 5]
    assert all(remplissages[r].startswith("url(#hachures") for r in rangs[6:8])
    assert remplissages[rangs[8]].startswith("url(#pointille")


def test_un_contour_sans_mesure_est_absent_pas_classe():
    carte = carte_aplats(contours(3), mesures([1.0, 2.0]), libelle="L", unite="%", titre="T")
    assert "Non disponible : Lieu 2." in carte.texte


def test_la_carte_se_dit_en_toutes_lettres():
    texte = aplats().texte.replace("\u00a0", " ").replace("\u202f", " ")
    assert "6 territoires, de 20,0 (Lieu 0) à 160,0 places pour 100 enfants (Lieu 5)." in texte
    assert "Secret statistique : Lieu 6. Non disponible : Lieu 7. Sans objet : Lieu 8." in texte
    assert aplats().fragments().html.count('<th scope="row">Lieu') == 9


def test_une_valeur_masquee_ne_voyage_pas_dans_la_page():
    """Une valeur sous secret laissée dans la table ne doit se lire ni dans la carte ni dans son code."""
    donnees = mesures([1.0, 2.0, 3.777], statuts=["exact", "exact", "secret"])
    assert "3,777" not in (
        page := carte_aplats(contours(3), donnees, libelle="L", unite="%", titre="T").page()
    )
    assert "3.777" not in page


def test_tout_manque_est_une_carte_hachuree():
    carte = carte_aplats(
        contours(2), mesures([None, None]), libelle="L", unite="%", titre="T", reference=60.9
    )
    assert "Aucune valeur n'est connue." in carte.texte


def test_un_taux_d_epci_ne_se_peint_pas_par_commune():
    donnees = mesures([1.0, 2.0], maille="commune", maille_source="epci")
    with pytest.raises(DemandeFausse, match="epci"):
        carte_aplats(contours(2), donnees, libelle="L", unite="%", titre="T")
    with pytest.raises(DemandeFausse, match="epci"):
        carte_communes(contours(2), titre="T", cercles=donnees)


def test_les_demandes_fausses_sont_dites():
    appel = {"libelle": "L", "unite": "%", "titre": "T"}
    with pytest.raises(DemandeFausse, match="plusieurs mesures"):
        carte_aplats(contours(1), pd.concat([mesures([1.0])] * 2), **appel)
    with pytest.raises(DemandeFausse, match="aucun contour"):
        carte_aplats(contours(1).iloc[:0], mesures([1.0]), **appel)
    with pytest.raises(DemandeFausse, match="surligner"):
        carte_aplats(contours(1), mesures([1.0]), surligner="99999", **appel)
    with pytest.raises(DemandeFausse, match="coordonnées"):
        couches.geometries(contours(1).set_crs(None, allow_override=True))
    with pytest.raises(DemandeFausse, match="négatif"):
        carte_communes(contours(1), titre="T", cercles=mesures([-1.0], unite="enfants"))


def test_les_coordonnees_ont_cinq_decimales_et_sont_en_degres():
    fins = gpd.GeoDataFrame({"code": ["x"]}, geometry=[Point(420_000, 6_760_000).buffer(1000)], crs=2154)
    anneau = couches.geometries(fins)[0]["coordinates"][0]
    assert all(round(c, 5) == c for point in anneau for c in point)
    # Point de Lambert-93 pris au sud de la Mayenne.
    assert all(-1.2 < x < -0.5 and 47.5 < y < 48.2 for x, y in anneau)


def test_la_surface_d_un_cercle_est_proportionnelle():
    script = communes().fragments().script
    rayons = {float(r) for r in re.findall(r'"r":([\d.]+)', script)}
    assert max(rayons) == 22
    assert round(22 * (40 / 473) ** 0.5, 2) in rayons


def test_zero_et_manquant_ne_se_confondent_pas():
    html = communes().fragments().html
    assert "aucun" in html and "Donnée absente (1)" in html


def test_les_structures_sans_adresse_sont_dites():
    carte = communes()
    assert "1 structure sans adresse localisée, non posée sur la carte" in carte.fragments().html
    assert "Espace de vie sociale (2), Centre social (1) et Accueil de loisirs (1)" in carte.texte


def test_le_rendu_ne_modifie_pas_les_donnees():
    donnees, formes = mesures(VALEURS, statuts=STATUTS), contours()
    avant = donnees.copy(), formes.copy()
    carte_aplats(formes, donnees, libelle="L", unite="%", titre="T").page()
    pd.testing.assert_frame_equal(donnees, avant[0])
    assert formes.equals(avant[1])


def test_deux_processus_font_les_memes_octets():
    code = (
        "import sys; sys.path.insert(0, 'tests'); import hashlib, test_cartes as t;"
        "print(hashlib.sha256((t.aplats().page() + t.communes().page()).encode()).hexdigest())"
    )
    autre = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert autre == hashlib.sha256((aplats().page() + communes().page()).encode()).hexdigest()


def test_un_departement_entier_reste_leger():
    """887 contours, autant que le Pas-de-Calais a de communes."""
    grille = [
        box(i % 30 / 30, 47 + i // 30 / 30, (i % 30 + 1) / 30, 47 + (i // 30 + 1) / 30).segmentize(0.004)
        for i in range(887)
    ]
    formes = gpd.GeoDataFrame(
        {"code": [f"c{i}" for i in range(887)], "nom": [f"Lieu {i}" for i in range(887)]},
        geometry=grille,
        crs=4326,
    )
    carte = carte_aplats(formes, mesures(list(range(887))), libelle="L", unite="%", titre="T")
    assert len(carte.page().encode()) < 1_050_000


def test_les_noms_courts():
    assert nom_court("CA Laval Agglomération") == "Laval Agglomération"
    assert nom_court("CC des Coëvrons") == "Coëvrons"
    assert nom_court("Cantal") == "Cantal"


@pytest.mark.parametrize(
    ("nom", "court"),
    [
        ("CA du Sud", "CA du Sud"),
        ("CC du Sud", "CC du Sud"),
        ("CA CIVIS (Communauté Intercommunale des Villes Solidaires)", "CIVIS"),
        ("CA Intercommunale de la Réunion Est (CIREST)", "CIREST"),
        ("CA Territoire de la Côte Ouest (TCO)", "Territoire de la Côte Ouest"),
        ("CC Vallons du Lyonnais (CCVL)", "Vallons du Lyonnais"),
    ],
)
def test_un_nom_court_tient_devant_une_barre_et_designe_quelqu_un(nom, court):
    assert nom_court(nom) == court


def test_les_extremes_sont_nommes_avant_les_autres():
    carte = carte_aplats(contours(), mesures(VALEURS, statuts=STATUTS), libelle="L", unite="%", titre="T")
    (noms,) = [c.dessin for c in carte.modele.couches if c.genre == "etiquettes"]
    assert {e["t"][0][0] for e in noms["noms"][:2]} == {"Lieu 0", "Lieu 5"}


def ouvrir(page, carte, tmp_path):
    page.goto(carte.enregistrer(tmp_path / "carte.html").as_uri())
    page.locator(".leaflet-control-scale-line").wait_for()


@pytest.mark.navigateur
def test_la_carte_s_ouvre_reseau_coupe(page_hors_reseau, tmp_path):
    page, requetes = page_hors_reseau
    erreurs = []
    page.on("pageerror", lambda e: erreurs.append(str(e)))
    voisin = Fond(contours(12).iloc[9:], "Voisins", infobulle=True)
    ouvrir(page, aplats(contexte=[voisin]), tmp_path)
    assert page.locator("path.leaflet-interactive").count() == 12
    hachures = page.locator('path[fill^="url(#hachures"]')
    assert hachures.count() == 2
    motif = hachures.first.get_attribute("fill")[5:-1]
    assert page.locator(f"pattern#{motif}").count() == 1
    assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
    assert (requetes, erreurs) == ([], [])


def test_le_texte_suit_la_ponctuation_du_titre():
    dite = couches.Couche("points", {"entites": []}, texte="37 territoires.")
    assert Carte("À quelle distance ?", couches=(dite,)).texte == "À quelle distance ? 37 territoires."
    assert Carte("Où").texte == "Où."


def test_un_nom_tient_dans_son_contour_ou_s_ecrit_a_cote():
    """L'image fixe : les noms sont dans leur lieu, lisibles dessus ; le territoire et les extrêmes y sont toujours."""
    long = [f"Saint-Martin-du-Fouilloux-lès-{i}" for i in range(9)]
    places = emplacements(contours().assign(nom=long), long, fortes=[False] * 9)
    for carre, siennes in zip(contours().to_crs(3857).geometry, places, strict=True):
        assert [place[0] for place in siennes] == [0, 1]
        for _, latitude, longitude, large, haut in siennes:
            milieu = gpd.GeoSeries([Point(longitude, latitude)], crs=4326).to_crs(3857).iloc[0]
            boite = box(milieu.x - large / 2, milieu.y - haut / 2, milieu.x + large / 2, milieu.y + haut / 2)
            assert carre.buffer(20).contains(boite)
    carte = carte_aplats(contours().assign(nom=long), mesures(VALEURS, statuts=STATUTS), libelle="L", unite="%",
                         titre="T", reference=60.9, surligner="c4")  # fmt: skip
    ecrits = re.findall(r'<text [^>]*fill="(#\w+)"[^>]*>([^<]+)</text>', carte_statique(carte.modele, largeur=420).svg)
    dits = " ".join(nom for _, nom in ecrits)
    for rang in (0, 4, 5):
        assert f"lès-{rang}" in dits
    clair = carte_statique(aplats().modele).svg
    encres = dict((nom, encre) for encre, nom in re.findall(r'fill="(#\w+)">(Lieu \d)</text>', clair))
    # Brun et vert foncés : encre blanche ; les autres : encre foncée.
    assert encres["Lieu 0"] == encres["Lieu 5"] == "#ffffff" and encres["Lieu 2"] == "#1b2430"
    assert all(contraste(c, encre_sur(c)) >= 4.5 for c in (*SEQUENTIELLE, *DIVERGENTE))


@pytest.mark.navigateur
@pytest.mark.parametrize("largeur", [400, 1366])
def test_les_etiquettes_ne_se_touchent_pas_et_tiennent_dans_la_vue(page_hors_reseau, tmp_path, largeur):
    page, _ = page_hors_reseau
    page.set_viewport_size({"width": largeur, "height": 900})
    formes = contours().assign(nom=[f"Saint-Martin-du-Fouilloux-lès-{i}" for i in range(9)])
    ouvrir(page, carte_communes(formes, titre="Noms longs", cadre=(-1, 47, -0.7, 47.3)), tmp_path)
    boites = page.evaluate("""() => {
        const vue = document.querySelector('.leaflet-container').getBoundingClientRect();
        return [...document.querySelectorAll('.carte-etiquette span')]
          .filter(e => getComputedStyle(e).visibility !== 'hidden')
          .map(e => e.getBoundingClientRect())
          .map(r => [r.left - vue.left, r.top - vue.top, vue.right - r.right, vue.bottom - r.bottom,
                     r.left, r.top, r.right, r.bottom]);
    }""")
    assert boites
    assert all(min(b[:4]) >= 0 for b in boites)
    for i, a in enumerate(boites):
        for b in boites[i + 1 :]:
            assert a[6] <= b[4] or b[6] <= a[4] or a[7] <= b[5] or b[7] <= a[5]


def test_un_nom_ne_couvre_pas_une_structure():
    """Là où son nom irait, une structure : il s'écrit à côté s'il le faut, ou se tait."""
    lieux = contours(2)
    places = emplacements(lieux, list(lieux["nom"]), fortes=[False, False])[1]
    posees = pd.DataFrame([{"type": "evs", "nom": "EVS", "lon": p[2], "lat": p[1]} for p in places])
    svg = carte_statique(carte_communes(lieux, titre="T", points=posees).modele).svg
    seul = carte_statique(carte_communes(lieux, titre="T").modele).svg
    assert ">Lieu 1<" in seul and ">Lieu 1<" not in svg and ">Lieu 0<" in svg


@pytest.mark.navigateur
@pytest.mark.parametrize(("largeur", "rangees"), [(984, 1), (390, 3)])
def test_la_barre_d_outils_tient_sur_une_ligne(page_hors_reseau, tmp_path, largeur, rangees):
    """952 pixels : la colonne du rapport sur un écran de 1366."""
    page, _ = page_hors_reseau
    page.set_viewport_size({"width": largeur, "height": 900})
    ouvrir(page, aplats(), tmp_path)
    hauts = page.locator(".carte-outils").locator("input, summary, button").filter(visible=True).evaluate_all(
        "e => e.map(x => x.getBoundingClientRect()).map(r => (r.top + r.bottom) / 2 | 0)")
    assert len(hauts) == 5 and 1 + sum(b - a > 10 for a, b in pairwise(sorted(hauts))) == rangees
    assert page.evaluate("document.documentElement.scrollWidth") == largeur


@pytest.mark.navigateur
def test_l_infobulle_en_trois_lignes_dans_le_cadre(page_hors_reseau, tmp_path):
    page, _ = page_hors_reseau
    for largeur in (1366, 400):
        page.set_viewport_size({"width": largeur, "height": 900})
        ouvrir(page, aplats(etiquettes=False), tmp_path)
        lieux = [lieu.bounding_box() for lieu in page.locator("path.leaflet-interactive").all()]
        for rang, lieu in enumerate(lieux):
            page.mouse.move(lieu["x"] + lieu["width"] * 0.9, lieu["y"] + lieu["height"] * 0.9)
            bulle, vue = (page.locator(x).bounding_box() for x in (".carte-bulle", ".carte-vue"))
            assert vue["x"] <= bulle["x"] and bulle["x"] + bulle["width"] <= vue["x"] + vue["width"]
            assert vue["y"] <= bulle["y"] and bulle["y"] + bulle["height"] <= vue["y"] + vue["height"]
            if rang == 4:
                dit = page.locator(".carte-bulle").inner_text().replace("\u00a0", " ")
                assert dit.splitlines() == ["Lieu 4", "79,9 places pour 100 enfants", "exact, 2023"]


@pytest.mark.navigateur
def test_choisir_les_classes_chercher_cocher_et_garder_l_image(page_hors_reseau, tmp_path):
    page, requetes = page_hors_reseau
    ouvrir(page, aplats(), tmp_path)

    def couleurs():
        return page.locator("path.leaflet-interactive").evaluate_all("e => e.map(x => x.getAttribute('fill'))")

    avant = couleurs()
    page.get_by_role("radio", name="dans le territoire").check()
    legende = page.locator(".carte-legende").inner_text()
    assert couleurs() != avant and "couleurs propres à la carte (France : 60,9)" in legende
    assert "fois la France" not in legende
    page.get_by_role("radio", name="par rapport à la France").check()
    assert couleurs() == avant
    page.get_by_text("Couches", exact=True).click()
    page.get_by_role("checkbox", name="Noms").uncheck()
    assert page.locator(".carte-etiquette").count() == 0
    page.get_by_role("checkbox", name="Noms").check()
    page.keyboard.press("Escape")
    page.get_by_label("Chercher").fill("LIEU-8")
    page.keyboard.press("Enter")
    assert "Lieu 8" in page.locator(".carte-bulle").inner_text()
    with page.expect_download() as recue:
        page.get_by_role("button", name="Enregistrer l'image").click()
    assert Path(recue.value.path()).read_bytes().startswith(b"\x89PNG")
    assert recue.value.suggested_filename.endswith(".png") and requetes == []


@pytest.mark.navigateur
def test_les_noms_hostiles_restent_du_texte(page_hors_reseau, tmp_path):
    page, requetes = page_hors_reseau
    formes = contours().assign(nom=VILAIN)
    carte = carte_communes(
        formes,
        titre=VILAIN,
        source=VILAIN,
        points=structures(),
        cercles=mesures([10.0] * 9, unite="enfants", maille="commune", source=VILAIN),
        libelle_cercles=VILAIN,
    )
    ouvrir(page, carte, tmp_path)
    page.locator(".carte-point").first.hover(force=True)
    assert VILAIN in page.locator(".carte-bulle").inner_text()
    assert page.evaluate("window.pirate") is None
    assert requetes == []


@pytest.mark.navigateur
def test_le_clavier_traverse_la_carte_et_la_molette_fait_defiler(page_hors_reseau, tmp_path):
    page, _ = page_hors_reseau
    ouvrir(page, communes(hauteur=900), tmp_path)
    arrets = []
    for _rang in range(12):
        page.keyboard.press("Tab")
        arrets.append(
            page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className")
        )
    # Chercher, cocher, garder l'image ; puis la carte, ses trois boutons, et ce qu'elle dit en toutes lettres.
    assert [a.split(".")[0] for a in arrets[:3]] == ["INPUT", "SUMMARY", "BUTTON"]
    assert arrets[3].startswith("DIV.carte-vue")
    assert [a.split(".")[0] for a in arrets[4:7]] == ["A", "A", "BUTTON"]
    assert arrets[7].startswith("SUMMARY")
    page.evaluate("window.scrollTo(0, 0)")
    page.locator(".carte-vue").hover(position={"x": 300, "y": 300})
    page.mouse.wheel(0, 200)
    page.wait_for_function("window.scrollY > 0")


@pytest.mark.navigateur
def test_deux_structures_au_meme_endroit_se_voient_toutes_deux(page_hors_reseau, tmp_path):
    page, _ = page_hors_reseau
    ouvrir(page, communes(), tmp_path)
    places = page.locator(".carte-point").evaluate_all(
        "e => e.map(x => [x.getBoundingClientRect().x | 0, x.getBoundingClientRect().y | 0].join())"
    )
    assert len(places) == 3 == len(set(places))


@pytest.mark.navigateur
def test_aucun_debordement_sur_un_telephone(page_hors_reseau, tmp_path):
    page, _ = page_hors_reseau
    page.set_viewport_size({"width": 400, "height": 800})
    for carte in (aplats(), communes()):
        ouvrir(page, carte, tmp_path)
        assert page.evaluate("document.documentElement.scrollWidth") == 400


@pytest.mark.navigateur
def test_la_carte_imprimee_tient_sur_la_feuille_puis_revient(page_hors_reseau, tmp_path):
    page, _ = page_hors_reseau
    ouvrir(page, aplats(), tmp_path)
    largeur = "document.querySelector('.carte-vue').offsetWidth"
    avant = page.evaluate(largeur)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    # 178 mm utiles d'une feuille A4 : 672 pixels.
    assert page.evaluate(largeur) < 672
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(largeur) == avant


def test_les_briques_se_composent_a_la_main():
    dessinees = (
        couches.fond(contours(), trait="maille", infobulle=True),
        couches.points(structures()),
        couches.etiquettes(contours(), fortes=["c1"]),
    )
    carte = CarteHorsLigne(Carte("À la main", cadre=(-1, 47, -0.7, 47.3), couches=dessinees))
    assert carte.fragments().script.count("cafdiag.") == 4
    with pytest.raises(DemandeFausse, match="trait"):
        couches.fond(contours(), trait="pointillés")
