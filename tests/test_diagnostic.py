"""Le diagnostic, morceau par morceau : comparaisons justes, listes partielles dites, densité complète ou tue."""

import html
import re

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.donnees import Apports
from cafdiag.restitution import structures, themes, titres
from cafdiag.restitution.cartes import carte
from cafdiag.restitution.commentaires import commentaire
from cafdiag.restitution.diagnostic import Diagnostic
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.types_mime import MIME_GARDE


def texte(montre):
    """Les mots d'un bloc, d'éléments, ou d'une page."""
    page = montre if isinstance(montre, str) else fragment(getattr(montre, "elements", montre))
    sans = re.sub(r"<svg\b.*?</svg>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", sans)))


@pytest.fixture(scope="module")
def craon():
    return Diagnostic("200048551")


def test_rang_parmi_les_epci_du_departement(craon):
    taux = cd.mesurer_maille("epci", ["PE_TXCOUV_GLOBAL"], departement="53")
    siens = themes.epci_du_departement("53")
    valeurs = sorted(taux[taux["territoire"].isin(siens)]["valeur"].dropna(), reverse=True)
    rang = craon.rang()
    # 79,9 : relu dans le tableau publié, pas dans le calcul du rang.
    assert (rang.rang, rang.nombre) == (valeurs.index(79.9) + 1, len(valeurs))
    assert 1 < rang.rang < rang.nombre
    premier = taux[taux["territoire"].isin(siens)].sort_values("valeur").iloc[-1]["territoire"]
    assert Diagnostic(premier).rang().rang == 1


def test_situation_ne_date_que_ce_qui_est_montre(craon):
    def situation(d):
        return texte(d.garde())

    assert "accueil du jeune enfant, décembre 2023 ; prestations, décembre 2024" in situation(craon)
    ancien = situation(Diagnostic("200048551", annee=2021))
    assert "population, 2021" in ancien and "jeune enfant" not in ancien and "2023" not in ancien


def test_distance_choisie_dans_le_tableau_et_ses_limites():
    d = Diagnostic("200048551", distance_alsh_km=3, definition_qpv="stricte")
    rendu = texte(d.comparaison("enfance-jeunesse"))
    assert "Enfants à moins de 3 km d'un ALSH" in rendu and "5 km" not in rendu
    angers = texte(Diagnostic("244900015", definition_qpv="stricte").comparaison("animation-vie-sociale"))
    assert "définition de proximité" not in angers


def test_densite_du_territoire_et_d_une_region(craon):
    assert "Habitants selon la densité" in texte(craon.chapitre("portrait"))
    dite = craon.lecture.ligne("CTX_PART_RURAL")["millesime"].partition(",")[0]
    assert f"7 niveaux ({dite})" in texte(craon.chapitre("portrait"))
    region = texte(Diagnostic("region:52").chapitre("portrait"))
    # La grille est nationale : une région entière la montre aussi.
    assert "Habitants selon la densité" in region and "n'est pas montrée" not in region


def test_densite_montree_si_presque_tous_les_habitants_sont_classes(craon, monkeypatch):
    from cafdiag.donnees import table_communes

    vraie = table_communes()
    petite = vraie.loc[list(craon.territoire.communes), "population_2023"].idxmin()
    grande = vraie.loc[list(craon.territoire.communes), "population_2023"].idxmax()
    for sans, montre in ((petite, True), (grande, False)):
        table = vraie.copy()
        table.loc[sans, "densite_7"] = pd.NA
        monkeypatch.setattr(themes, "table_communes", lambda *a, _t=table: _t)
        rendu = texte(themes._densite(craon.donnees))
        assert ("Habitants selon la densité" in rendu) is montre
        assert ("1 commune sans niveau publié" in rendu) is montre


def test_la_france_n_est_pas_comparee_a_elle_meme(craon):
    ecart = craon.mesures[craon.mesures["indicateur"].eq("PE_ECART_REF")].set_index("role")
    assert ecart.loc["france", "statut"] == "sans_objet"
    assert ecart.loc["territoire", "valeur"] == pytest.approx(19.0)
    france = Diagnostic("France")
    assert "Écart à la France" not in texte(france.comparaison("petite-enfance"))
    assert "la France est la référence" in texte(france.non_enonce())


@pytest.mark.parametrize("code", ["75056", "974"])
def test_territoire_qui_est_son_departement_ou_sa_region(code):
    d = Diagnostic(code)
    assert d.mesures.groupby("role")["nom"].first().is_unique
    assert texte(d.comparaison("petite-enfance")).count(d.territoire.nom) >= 1
    assert "au niveau" not in texte(d.en_bref())


def test_territoire_a_cheval_compare_a_son_departement_nomme():
    grand_paris = Diagnostic("200054781")
    assert "departement" not in set(grand_paris.mesures["role"]) and grand_paris.rang() is None
    assert "à cheval sur Paris" in texte(grand_paris.chapitre("portrait"))
    assert "EPCI du département" not in texte(grand_paris.chapitre("petite-enfance"))


def test_le_titre_d_un_dessin_conclut():
    """Chaque titre dit ce que montrent les valeurs dessinées ; sans valeur, il ne conclut rien."""
    craon, mayotte = Diagnostic("200048551"), Diagnostic("200060465")
    attendus = (
        (craon.chapitre("petite-enfance"), "Quatre places sur cinq chez une assistante maternelle"),
        (craon.chapitre("petite-enfance"), "De 62,8 à 91,6 places selon l'intercommunalité"),
        (craon.chapitre("portrait"), "Une part de jeunes plus grande que dans le département"),
        (mayotte.chapitre("petite-enfance"), "Plus de naissances en 2024 qu'en 2014"),
    )
    for bloc, titre in attendus:
        assert titre in texte(bloc)
    assert "2008" not in texte(mayotte.chapitre("petite-enfance"))
    assert "n.d." not in texte(mayotte.chapitre("portrait"))
    assert "places" not in titres.de_l_offre(mayotte.donnees.lecture)
    assert titres.des_communes({}) == "Où vivent les tout-petits"
    assert titres.des_ages(pd.DataFrame({"valeur": [5.0]}), "") == "Parts des enfants et des jeunes dans la population"
    rupture = pd.DataFrame({"annee": [2022, 2023], "valeur": [50.0, 60.0], "rupture": [False, True]})
    assert titres.du_taux(rupture) == "Le taux de couverture, année par année"


def test_enjeux_sans_donnee_le_disent():
    assert "viendront de la parole des acteurs" in texte(Diagnostic("QN04908M").enjeux())


def donnees_avec(craon, registre, complets=()):
    from dataclasses import replace

    apports = Apports(structures=pd.DataFrame(registre), departements_complets=frozenset(complets))
    return replace(craon.donnees, apports=apports)


LOCALE = {
    "type": "centre_social",
    "nom": "Maison A",
    "code": "53084",
    "lon": -0.95,
    "lat": 47.84,
    "source": "R",
}
EVS = LOCALE | {"type": "evs", "nom": "EVS B"}


def test_registre_incomplet_reste_une_liste_partielle(craon):
    partiel = donnees_avec(craon, [LOCALE])
    assert not structures.registre_complet(partiel)
    rendu = texte(themes._animation(partiel))
    assert "liste partielle" in rendu
    complet = donnees_avec(craon, [LOCALE, EVS], ["53"])
    assert structures.registre_complet(complet) and "partielle" not in texte(themes._animation(complet))


def test_structure_du_registre_et_de_la_liste_publique_une_seule_fois(craon):
    publiques = structures.structures_montrees(craon.donnees)
    fs = publiques[publiques["type"].eq("france_services")].iloc[0]
    double = LOCALE | {"type": "france_services", "nom": fs["nom"].upper(), "code": fs["code"]}
    montrees = structures.structures_montrees(donnees_avec(craon, [double]))
    memes = montrees[montrees["code"].eq(fs["code"]) & montrees["type"].eq("france_services")]
    assert memes["nom"].tolist() == [fs["nom"].upper()] and memes["du_registre"].all()


def test_source_de_la_carte_selon_ce_qui_y_est_pose(craon):
    from cafdiag.restitution.cartes import CartesDuDiagnostic

    seules = CartesDuDiagnostic(craon.donnees).vie_sociale().modele.source
    assert "France services" in seules and "Senacs" not in seules and "Registre" not in seules
    carte = CartesDuDiagnostic(donnees_avec(craon, [LOCALE])).vie_sociale().modele
    assert "Registre de structures" in carte.source and "liste partielle" in carte.sous_titre


def test_motifs_en_mots_simples_et_themes_sans_jargon(craon):
    rendu = " ".join(
        texte(b)
        for b in (craon.non_enonce(), *map(craon.chapitre, ("animation-vie-sociale", "logement", "parentalite")))
    )
    assert not re.search(r"embarqu|\(s\)|ce qui est tu\b", rendu)
    assert "cafdiag" not in rendu and "xlsx" not in rendu


def test_un_perimetre_se_place_a_cote_des_epci_pas_parmi_eux():
    bref = Diagnostic("53012+53084").en_bref().html
    assert "10 EPCI du département" not in bref
    assert "sur 10 avec les 9 EPCI du département" in bref


def test_france_services_comptees_et_nommees():
    # Trois communes en ont une en 2025 (49015, 49307, 49353) ; la liste d'août 2024 en nomme 1.
    angers = texte(Diagnostic("244900015").chapitre("acces-aux-droits"))
    assert "L'ANCT y compte 3 espaces France services en 2025 : la liste nominative est plus ancienne." in angers
    assert "L'ANCT y compte" not in texte(Diagnostic("200048551").chapitre("acces-aux-droits"))


def test_les_reperes_d_un_autre_territoire_ne_sont_pas_montres():
    assert "Pays de Craon" in texte(Diagnostic("200048551").comparaison("portrait")).split("Repères publiés")[1]
    assert "Pays de Craon" not in texte(Diagnostic("244900015").comparaison("portrait"))


def test_une_limite_dit_de_quel_indicateur_elle_parle(craon):
    rendu = texte(craon.comparaison("petite-enfance"))
    assert re.search(r"Garde à domicile\s+Mesure d'usage, non de capacité\.", rendu)
    assert rendu.count("Offre théorique") == 1


def test_la_carte_d_une_commune_dit_que_la_couleur_est_celle_de_son_epci():
    oree = Diagnostic("49126")
    taux = oree.lecture.texte("PE_TXCOUV_GLOBAL")
    dit = texte(oree.carte_couverture().page())
    assert f"celle de l'EPCI entier ; Orée d'Anjou : {taux} places pour 100 enfants" in dit
    assert "EPCI entier" not in texte(Diagnostic("200048551").carte_couverture().page())
    # Une valeur qui n'est pas exacte le dit.
    part = texte(carte(oree.territoire, "PE_PART_INDIV").page())
    assert "celle de l'EPCI entier ; Orée d'Anjou : 83,1 % (arrondi)" in part


def test_un_pole_porte_partout_le_nom_qu_on_lui_donne_et_dit_le_taux_de_son_epci():
    pole = Diagnostic("53012+53084", nom_usage="Pôle sud")
    assert set(pole.mesures.loc[pole.mesures["role"].eq("territoire"), "nom"]) == {"Pôle sud"}
    carte = texte(pole.carte_couverture().page())
    assert "Pôle sud n'a pas de chiffre à lui" in carte and "Athée + Craon" not in carte
    chapitre = texte(pole.chapitre("petite-enfance"))
    # 79,9 : le taux publié du Pays de Craon, nommé comme tel.
    assert "Celui de l'EPCI entier : CC du Pays de Craon, 79,9 places pour 100 enfants (décembre 2023)" in chapitre
    assert "n'est pas énoncé" not in texte(Diagnostic("49126").chapitre("petite-enfance"))


def test_d_une_seule_commune_aucune_distance_a_elle_meme():
    oree = Diagnostic("49126")
    assert oree.lecture.valeur("ACC_EAJE_TEMPS") == 0
    assert "sur place" in texte(oree.comparaison("petite-enfance"))
    assert "vol d'oiseau" not in texte(oree.chapitre("enfance-jeunesse"))


def test_comparables_accordes_et_comptes():
    oree = Diagnostic("49126")
    rendu = texte(oree.comparaison("portrait"))
    assert "de la plus proche à la plus éloignée" in rendu and "Choisies parmi" in rendu
    # Trois de ses dix comparables n'ont pas de taux publié : la phrase le compte.
    assert int(oree.lecture.position("PE_TXCOUV_GLOBAL", "comparables")["nombre"]) == 7
    assert "8e sur 8 avec 7 de ses 10 communes comparables" in str(commentaire(oree.lecture, "PE_TXCOUV_GLOBAL"))
    # Toutes à cent pour cent : la ligne n'apprendrait rien.
    assert "100,0 à 100,0" not in texte(oree.comparaison("enfance-jeunesse"))


def test_sans_contours_la_phrase_des_quartiers_dit_la_commune():
    rendu = texte(Diagnostic("49007").chapitre("animation-vie-sociale"))
    assert "des quartiers sont dans une commune qui a un centre social" in rendu


def test_la_france_hors_mayotte_se_dit(craon):
    assert "France hors Mayotte" in texte(craon.en_bref())
    # Hors des quatre départements fournis, le tableau a une colonne France : elle le dit aussi.
    ajaccio = texte(Diagnostic("242010056").comparaison("portrait"))
    assert "France hors Mayotte, sans population annuelle publiée : Population municipale" in ajaccio


def test_a_mayotte_rien_de_vide_ne_se_montre(tmp_path):
    """Ni carte toute en hachures, ni lignes sans un nombre, ni « n.d. » année après année, ni nom dit deux fois."""
    d = Diagnostic("200060457")
    assert d.garde().donnees[MIME_GARDE]["maille"] == "EPCI 200060457 · Mayotte"
    assert not hasattr(d.carte_couverture(), "modele")
    horizon = fragment(d.horizon().elements)
    assert "Enfants de 3 à 5 ans et Enfants de 6 à 11 ans : ne se calcule pas ici." in texte(horizon)
    # La France, elle, a des enfants de 3 à 5 ans : c'est leur ligne vide qui se tait.
    assert "<td>n.d.</td>" not in horizon and "Enfants de 3 à 5 ans, « tendance »" not in texte(horizon)
    assert fragment(d.chapitre("petite-enfance").elements).count(">n.d.</text>") <= 2
    page = cd.vue_departementale("972", sortie=tmp_path)["html"].read_text(encoding="utf-8")
    assert "Département 972<" in page


def test_un_avertissement_ne_montre_pas_de_siren():
    (dit,) = Diagnostic("992367730").garde().donnees[MIME_GARDE]["avertissements"]
    assert "étaient dans la CA du Val de Fensch et la CA Portes de France-Thionville." in dit
    assert not re.search(r"\d{9}", dit)
