"""L'explorateur sans navigateur : état pur, peinture de la carte, textes, gestes des widgets, code rendu."""

from __future__ import annotations

import json
import re
import warnings

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.explorateur import actions, calculs, decor, garde, page, production, vues
from cafdiag.restitution.explorateur.code import code_de
from cafdiag.restitution.explorateur.etat import AUTRES_MAXIMUM, REFERENCES, Etat, themes
from cafdiag.restitution.explorateur.interface import DERNIERE, VOLETS, Explorateur
from cafdiag.restitution.explorateur.recherche import ENTREE

CRAON, LAVAL, FRANCE = "200048551", "200083392", 60.9
INDICATEURS = cd.dictionnaire().index.tolist()


@pytest.fixture(autouse=True)
def a_soi(tmp_path, monkeypatch):
    """Ni l'état ni les périmètres d'un autre essai ; les fichiers produits vont dans le dossier de l'essai."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("CAFDIAG_ATELIER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def fautes(monkeypatch):
    """Les avis de faute montrés : un essai qui en attend un le retire, aucun ne passe s'il en reste."""
    dites: list[str] = []
    dire = Explorateur._dire

    def noter(vue, texte, *, erreur=False):
        if erreur:
            dites.append(texte)
        dire(vue, texte, erreur=erreur)

    monkeypatch.setattr(Explorateur, "_dire", noter)
    yield dites
    assert dites == [], "un avis de faute s'est affiché"


# --- L'état ---


@settings(max_examples=25)
@given(
    cle=st.sampled_from([CRAON, LAVAL, "53", "region:52", "FR", "53084", "53130-kellermann"]),
    indicateur=st.sampled_from(INDICATEURS),
    references=st.sets(st.sampled_from(list(REFERENCES))),
    autres=st.lists(st.sampled_from([LAVAL, "49", "53130", "region:11"]), unique=True),
    choisies=st.sets(st.sampled_from(["53012", "53084", "53018"])),
)
def test_etat_se_relit(cle, indicateur, references, autres, choisies):
    etat = Etat().ouvrir(cle).montrer(indicateur).referer(references).cocher(sorted(choisies))
    for autre in autres:
        etat = etat.comparer(autre)
    assert Etat.lire(etat.ecrire()) == etat
    assert etat.territoire.cle == etat.cle not in etat.autres


def test_etat_perime_garde_le_reste():
    ecrit = json.loads(Etat().ouvrir(LAVAL).comparer(CRAON).ecrire())
    ecrit |= {"indicateur": "DISPARU", "annee": 1901, "autres": [CRAON, "99999"], "references": ["lune"]}
    lu = Etat.lire(json.dumps(ecrit))
    assert (lu.cle, lu.autres) == (LAVAL, (CRAON,))
    assert (lu.indicateur, lu.annee, lu.references) == (Etat().indicateur, None, Etat().references)


@pytest.mark.parametrize("texte", ["", "[]", "{}", '{"format": 99}'])
def test_etat_illisible(texte):
    with pytest.raises(DemandeFausse, match="illisible"):
        Etat.lire(texte)


def test_l_annee_suit_l_indicateur():
    etat = Etat().montrer("PE_NAISS").dater(2021)
    assert etat.montrer("PE_ENF_M3").annee == 2021
    assert etat.montrer("CTX_QPV_NB").annee is None
    with pytest.raises(DemandeFausse, match="2019"):
        etat.dater(1901)


def test_cible_hors_bornes():
    with pytest.raises(DemandeFausse, match="0 à 150"):
        Etat().viser("global", 151)
    with pytest.raises(DemandeFausse, match="taux inconnu"):
        Etat().viser("lune", 10)
    assert Etat.lire(Etat().viser("eaje", 20.5).ecrire()).cible == 20.5


def test_trop_de_territoires():
    etat = Etat()
    for code in cd.lister("departement")["code"].head(AUTRES_MAXIMUM):
        etat = etat.comparer(f"departement:{code}")
    assert etat.comparer(etat.autres[0]) == etat
    with pytest.raises(DemandeFausse, match="retirez-en"):
        etat.comparer(LAVAL)


def test_on_ne_coche_que_des_communes():
    with pytest.raises(DemandeFausse, match="commune"):
        Etat().cocher([LAVAL])


# --- Les mesures montrées ---


def test_comparaison_est_celle_de_la_bibliotheque():
    etat = Etat().referer(["france"]).comparer(LAVAL)
    lues = calculs.comparaison(etat)
    assert lues["role"].tolist() == ["territoire", "france", "autre"]
    attendues = [cd.mesurer(cle, [etat.indicateur])["valeur"].item() for cle in (CRAON, "FR", LAVAL)]
    assert lues["valeur"].tolist() == attendues == [79.9, FRANCE, 77.0]


@pytest.mark.parametrize("indicateur", INDICATEURS)
def test_peinture_de_chaque_indicateur(indicateur):
    """Une couleur, une infobulle et une ligne de tableau par zone ; un manquant n'a pas de couleur de classe."""
    etat = Etat().montrer(indicateur)
    lieux = decor.decor_de(etat)
    zones = json.loads(lieux.message)["zones"]
    peinture = decor.peindre(etat, lieux)
    assert [z["c"] for z in zones] == list(lieux.codes)
    assert peinture["decor"] == lieux.id
    assert len(peinture["rangs"]) == len(peinture["fiches"]) == len(zones)
    assert sorted(ligne[0] for ligne in peinture["tableau"]["lignes"]) == sorted(lieux.codes)
    mesures = cd.mesurer_maille(lieux.maille, [indicateur], codes=lieux.codes).set_index("territoire")
    for code, rang in zip(lieux.codes, peinture["rangs"], strict=True):
        fond = peinture["styles"][rang]["fillColor"]
        vide = pd.isna(mesures.loc[code, "valeur"])
        if not peinture["rayons"]:
            assert fond.startswith("url(") == vide
        elif vide:
            assert "dashArray" in peinture["styles"][rang]
    valeurs = [mesures.loc[code, "valeur"] for code, *_ in peinture["tableau"]["lignes"]]
    connues = [v for v in valeurs if not pd.isna(v)]
    assert connues == sorted(connues, reverse=True)
    assert not any(pd.isna(v) for v in valeurs[: len(connues)])


def test_le_decor_ne_change_pas_avec_l_indicateur():
    naissances, ages = (decor.decor_de(Etat().montrer(i)) for i in ("PE_NAISS", "CTX_PART_0_4"))
    assert naissances is ages
    assert decor.decor_de(Etat()).maille == "epci"


def test_composer_la_ou_c_est_possible():
    craon = cd.territoire(CRAON)
    autour = decor.decor_des_communes(craon, ())
    assert set(craon.communes) < set(autour.codes)
    peinture = decor.peindre_les_communes(craon, autour, ("53084", "75056"))
    assert peinture["choisies"] == ["53084"]
    assert "2 communes cochées, dont 1 hors de la carte" in peinture["sous_titre"]
    assert decor.decor_des_communes(cd.territoire("region:52"), ()) is None


def test_un_message_ne_ferme_jamais_sa_balise():
    lieu = cd.perimetre("</script><img src=x onerror=alert(1)>", ["53012", "53084"])
    etat = Etat().ouvrir(lieu)
    peinture = decor.json_sur(decor.peindre(etat, decor.decor_de(etat)))
    porteur = page.porteur(peinture, rang=1)
    assert porteur.count("</script") == 1
    # Ce que le cadre pose par innerHTML est échappé.
    assert "<img" not in json.loads(peinture)["legende"]


def test_textes_echappes_et_manquants_dits():
    mesures = calculs.comparaison(Etat().montrer("PE_NB_EAJE"))
    html = vues.comparaison(mesures.assign(nom="<b>"), decimales=0)
    assert "<b>" not in html
    # Une barre par valeur connue, jamais pour un manquant.
    assert 0 < html.count("<i style") == mesures["valeur"].notna().sum() < len(mesures)
    assert "donnée absente" in html
    sans_objet = cd.mesurer(CRAON, ["AVS_QPV_COUV"]).iloc[0].to_dict()
    dit = vues.chiffre(sans_objet, decimales=1, nom="x")
    assert "Sans objet" in dit
    assert not re.search(r'class="grand">\s*0', dit)


def test_le_motif_d_un_manquant_est_dans_la_fiche_une_seule_fois():
    mesures = calculs.comparaison(Etat().montrer("PE_TXCOUV_EAJE").comparer("98735"))
    ici, ailleurs = "Rien ici", mesures.iloc[-1]["motif"]
    muettes = mesures.assign(valeur=float("nan"), bas=float("nan"), haut=float("nan"))
    muettes["motif"] = [ici, *[""] * (len(muettes) - 2), ailleurs]
    html = vues.comparaison(muettes, decimales=1)
    assert ici in vues.chiffre(muettes.iloc[0].to_dict(), decimales=1, nom="x") and ici not in html
    # Celui d'un territoire ajouté n'est dit que là ; dans la suite des années, chacune garde le sien.
    assert "outre-mer" in html
    assert html.count("<li>") == 1 and vues.annees(muettes, decimales=1, nom="x").count(ici) == 1


def test_barres_de_part_et_d_autre_de_zero():
    mesures = calculs.comparaison(Etat().montrer("PE_ECART_REF").comparer("93"))
    largeurs = re.findall(r"left:([\d.]+)%;width:([\d.]+)%", vues.comparaison(mesures, decimales=1))
    valeurs = mesures["valeur"].dropna().tolist()
    assert min(valeurs) < 0 < max(valeurs)
    etendue = max(valeurs) - min(valeurs)
    assert [float(large) for _, large in largeurs] == pytest.approx(
        [100 * abs(v) / etendue for v in valeurs], abs=0.01
    )
    zero = 100 * -min(valeurs) / etendue
    for (gauche, large), valeur in zip(largeurs, valeurs, strict=True):
        bord = float(gauche) if valeur >= 0 else float(gauche) + float(large)
        assert bord == pytest.approx(zero, abs=0.02)


# --- Le code rendu ---


@pytest.mark.parametrize(
    "etat",
    [
        Etat(),
        Etat().montrer("PE_NAISS").dater(2021).referer(["departement"]).comparer(LAVAL).comparer("49"),
        Etat().ouvrir(cd.perimetre('Pôle "sud" \\', ["53012", "53084"])).montrer("CTX_POP"),
        Etat().ouvrir("region:52").referer([]),
        Etat().viser("eaje", 15.5),
    ],
    ids=["depart", "complet", "perimetre", "region", "simulation"],
)
def test_le_code_redonne_la_vue(etat):
    espace: dict = {}
    exec(code_de(etat), espace)
    attendue = calculs.comparaison(etat)
    pd.testing.assert_frame_equal(espace["comparaison"].reset_index(drop=True), attendue)
    assert espace["t"] == etat.territoire
    if etat.cible is not None:
        attendu = cd.simuler(CRAON, cible=15.5, taux="eaje").besoin
        pd.testing.assert_frame_equal(espace["simulation"].besoin, attendu)
    assert espace["carte"].titre == decor.peindre(etat, decor.decor_de(etat))["titre"]


# --- Les gestes ---


@pytest.fixture
def vue():
    return Explorateur(nom="essai")


def _peinture(vue) -> dict:
    return json.loads(re.sub(r"^<script[^>]*>|</script>$", "", vue.porteurs[page.PEINTURE].value))


def test_la_carte_vient_avant_la_definition(vue):
    """L'ordre de la page est celui de la touche Tab : le chiffre, la carte, puis ce qu'il faut en savoir."""
    ordre = [e for e in vue.children if e in (vue.cadre, vue.definition, vue.volets)]
    assert ordre == [vue.cadre, vue.definition, vue.volets]


def test_choisir_a_la_frappe(vue):
    vue.chercher.champ.value = "laval agg"
    assert vue.chercher.boutons[0].description == "CA Laval Agglomération — EPCI, Mayenne"
    assert vue.chercher.boutons[0].layout.display == ""
    vue.chercher.boutons[0].click()
    assert (vue.etat.cle, vue.chercher.champ.value) == (LAVAL, "")
    assert all(b.layout.display == "none" for b in vue.chercher.boutons)
    vue.chercher.champ.value = "<b>zzzz"
    assert "Aucun territoire pour « &lt;b&gt;zzzz »" in vue.chercher.compte.value
    assert "CA Laval Agglomération" in vue.chiffre.value
    assert "77,0" in vue.chiffre.value


def test_entree_prend_la_premiere_proposition(vue):
    vue.chercher.champ.value = "maine-et-loire"
    vue.chercher._valider(None, {"event": "submit"}, [])
    assert vue.etat.cle == "49"
    # La page écrit Entrée à la suite des lettres : un seul message, rien à devancer.
    vue.chercher.champ.value = "loire-atlantique" + ENTREE
    assert (vue.etat.cle, vue.chercher.champ.value) == ("44", "")
    vue.chercher.champ.value = "zzzz" + ENTREE
    assert (vue.etat.cle, vue.chercher.champ.value) == ("44", "zzzz")


def test_changer_d_indicateur_ne_renvoie_pas_le_decor(vue):
    avant = vue.porteurs[page.DECOR].value
    vue.indicateur.value = "PE_TXCOUV_EAJE"
    assert _peinture(vue)["titre"].startswith("Taux de couverture par les établissements")
    assert vue.porteurs[page.DECOR].value is avant
    assert "9,6" in vue.chiffre.value
    assert "EAJE" in vue.indicateur.tooltip


def test_theme_et_annee(vue):
    vue.theme.value = "portrait"
    assert vue.etat.indicateur == vue.indicateur.value == "CTX_POP"
    assert "habitants" in vue.chiffre.value and _peinture(vue)["titre"].startswith("Population municipale")
    vue.theme.value = "petite-enfance"
    vue.indicateur.value = "PE_NAISS"
    vue.annee.value = 2021
    assert vue.etat.annee == 2021
    attendu = int(cd.mesurer(CRAON, ["PE_NAISS"], annee=2021)["valeur"].item())
    assert f'class="grand">{attendu} ' in vue.chiffre.value


def test_references_et_territoires_choisis(vue):
    vue.references["region"].value = False
    assert "Pays de la Loire" not in vue.barres.value
    vue.ajouter.champ.value = "laval agglo"
    vue.ajouter.boutons[0].click()
    assert "CA Laval Agglomération" in vue.barres.value
    (retirer,) = vue.autres.children
    retirer.click()
    assert vue.autres.children == ()
    assert "CA Laval Agglomération" not in vue.barres.value


@pytest.mark.lent
@pytest.mark.parametrize("theme", list(themes()))
def test_chaque_theme_indicateur_annee_et_reference(vue, theme):
    vue.theme.value = theme
    siens = cd.dictionnaire(theme=theme)
    assert dict(vue.indicateur.options) == dict(zip(siens["libelle"], siens.index, strict=True))
    cases = list(vue.references.values())
    vues = set()
    for rang, code in enumerate(siens.index):
        vue.indicateur.value = code
        assert (vue.etat.indicateur, vue.etat.annee, vue.theme.value) == (code, None, theme)
        assert vue.indicateur.tooltip.startswith(siens.loc[code, "libelle"])
        # Chaque année une fois par thème, chaque référence à son tour : toutes pour chacun prendraient cinq minutes.
        for _, annee in vue.annee.options[1:]:
            if annee not in vues:
                vue.annee.value = annee
                assert vue.etat.annee == annee
                vues.add(annee)
        vue.annee.value = DERNIERE
        case = cases[rang % len(cases)]
        case.value = not case.value
        case.value = not case.value


GESTES = st.sampled_from(
    [
        *(("theme", t) for t in themes()),
        *(("indicateur", rang) for rang in range(12)),
        *(("annee", rang) for rang in range(5)),
        *(("reference", r) for r in REFERENCES),
        *(("volet", rang) for rang in range(len(VOLETS))),
        *(("carte", rang) for rang in range(3)),
        *(("bouton", b) for b in ("ouvrir_zone", "comparer_zone", "vider", "Code Python de cette vue")),
        *(("cible", c) for c in (0.0, 60.5, 150.0)),
        *(("taux", t) for t in ("global", "eaje")),
    ]
)


@pytest.mark.lent
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    cle=st.sampled_from(
        [CRAON, "53", "region:52", "FR", "53084", "53130", "53130-kellermann", "53012+53084", "976", "75056"]
    ),
    gestes=st.lists(GESTES, min_size=4, max_size=9),
)
def test_une_suite_de_gestes_ne_faute_jamais(cle, gestes):
    vue = Explorateur(cle, nom="suite")
    for nom, quoi in gestes:
        if nom in ("indicateur", "annee"):
            menu = getattr(vue, nom)
            menu.value = menu.options[quoi % len(menu.options)][1]
        elif nom == "theme":
            vue.theme.value = quoi
        elif nom == "reference":
            vue.references[quoi].value = not vue.references[quoi].value
        elif nom == "volet":
            vue.volets.selected_index = quoi
        elif nom == "carte":
            codes = vue._decor.codes
            geste = {"geste": _peinture(vue)["geste"], "code": codes[quoi % len(codes)], "rang": quoi}
            vue.pont.value = json.dumps(geste)
        elif nom in ("cible", "taux"):
            (vue.simulation.curseur if nom == "cible" else vue.simulation.taux).value = quoi
        elif quoi in vue.production.boutons:
            vue.production.boutons[quoi].click()
        elif quoi == "vider":
            # Grisé, le bouton ne se clique pas.
            if not vue.composition.vider.disabled:
                vue.composition.vider.click()
        elif vue.gestes_zone.layout.display != "none":
            getattr(vue, quoi).click()
        assert "faute" not in vue.avis.value, (nom, quoi, vue.avis.value)
    assert vue.indicateur.value == vue.etat.indicateur and vue.theme.value == vue.etat.theme


def test_comparables(vue, fautes):
    assert not vue.references["comparables"].value
    vue.indicateur.value = "PE_TXCOUV_EAJE"
    vue.references["comparables"].value = True
    assert "10 EPCI comparables" in vue.barres.value
    ici = cd.situer(CRAON, ["PE_TXCOUV_EAJE"]).iloc[0]
    haut, bas, classes = (f"{ici[cle]:.0f}" for cle in ("rang_haut", "rang_bas", "classes"))
    # Depuis que tous les EPCI de France se comparent, trois comparables recouvrent l'intervalle du Pays de Craon.
    assert haut != bas
    assert f"entre {haut}e et {bas}e, ex æquo compris sur {classes}" in vue.barres.value.replace("\xa0", " ")
    vue.proches.click()
    assert list(vue.etat.autres) == cd.comparables(CRAON, k=5)["code"].tolist()
    # Une région n'a pas de comparables : la ligne manque, l'ajout le dit.
    vue.changer(vue.etat.ouvrir("region:52"))
    assert "Parmi ses comparables" not in vue.barres.value
    vue.proches.click()
    assert "faute" in vue.avis.value and "comparable" in fautes.pop()


def test_clic_sur_la_carte(vue):
    vue.pont.value = json.dumps({"geste": "choisir", "code": LAVAL, "rang": 1})
    assert "CA Laval Agglomération" in vue.zone.value
    assert _peinture(vue)["actif"] == LAVAL
    vue.comparer_zone.click()
    assert vue.etat.autres == (LAVAL,)
    vue.ouvrir_zone.click()
    assert (vue.etat.cle, vue.etat.autres) == (LAVAL, ())
    assert vue.gestes_zone.layout.display == "none"


def test_composer_un_perimetre(vue, fautes):
    vue.volets.selected_index = VOLETS.index("Périmètre")
    cases = {case.description: case for case in vue.composition.grille.children}
    cases["Athée"].value = cases["Ballots"].value = True
    vue.pont.value = json.dumps({"geste": "cocher", "code": "53084", "rang": 1})
    assert vue.etat.choisies == ("53012", "53018", "53084")
    assert _peinture(vue)["choisies"] == ["53012", "53018", "53084"]
    vue.composition.enregistrer.click()
    assert "n&#x27;a pas de nom" in vue.avis.value and fautes.pop()
    vue.composition.nom.value = "Pôle d'essai"
    vue.composition.enregistrer.click()
    assert cd.perimetre("pole d'essai").communes == ("53012", "53018", "53084")
    assert vue.etat.territoire.nom == "Pôle d'essai"
    vue.indicateur.value = "PE_NAISS"
    # La dernière année commune au périmètre et à ses repères : la région et la France s'arrêtent à 2024.
    attendu = int(sum(cd.mesurer(c, ["PE_NAISS"], annee=2024)["valeur"].item() for c in vue.etat.choisies))
    assert "domiciliées, 2024<" in vue.chiffre.value and f'class="grand">{attendu} ' in vue.chiffre.value
    vue.composition.oublier.click()
    assert vue.composition.rouvrir.disabled
    assert cd.perimetres_gardes().empty


def test_simuler_au_curseur(vue):
    vue.volets.selected_index = VOLETS.index("Simuler")
    assert vue.simulation.champ.value == 78.0
    assert vue.etat.cible is None
    peinte = vue.porteurs[page.PEINTURE].value
    vue.simulation.curseur.value = 85.0
    places = cd.simuler(CRAON, cible=85.0).besoin.at[0, "places"]
    assert f"Il faudrait {places:.0f} places" in vue.simulation.resultat.value
    assert vue.simulation.champ.value == vue.etat.cible == 85.0
    vue.simulation.champ.value = 60.0
    assert "déjà atteinte" in vue.simulation.resultat.value
    vue.simulation.taux.value = "eaje"
    vue.simulation.raccourcis["france"].click()
    assert vue.etat.cible == cd.mesurer("FR", ["PE_TXCOUV_EAJE"])["valeur"].item()
    assert "inconnu" in vue.simulation.resultat.value
    assert vue.porteurs[page.PEINTURE].value is peinte
    # Ce qui n'est pas publié ici se dit : ni zéro, ni place inventée.
    vue.changer(vue.etat.ouvrir("53084"))
    assert "ne se calcule pas" in vue.simulation.resultat.value
    assert 'class="montants"' not in vue.simulation.resultat.value


def test_filtrer_et_ajouter_d_ailleurs(vue):
    vue.composition.filtre.value = "saint"
    assert all("Saint" in c.description for c in vue.composition.grille.children)
    vue.composition.ailleurs.champ.value = "brest"
    vue.composition.ailleurs.boutons[0].click()
    assert cd.territoire(vue.etat.choisies[0]).nom == "Brest"


def test_etat_garde_d_une_ouverture_a_l_autre(vue):
    vue.indicateur.value = "PE_NB_EAJE"
    vue.chercher.champ.value = "laval agg"
    vue.chercher.boutons[0].click()
    assert Explorateur(nom="essai").etat == vue.etat
    assert Explorateur(nom="autre").etat == Etat()
    assert Explorateur(CRAON, nom="essai").etat.indicateur == "PE_NB_EAJE"


def test_etat_par_carnet(monkeypatch):
    assert garde.nom_du_carnet() == "explorateur"
    monkeypatch.setenv("JPY_SESSION_NAME", "dossier/ma vue.ipynb")
    assert garde.nom_du_carnet() == "ma vue"


def test_etat_abime_se_dit(vue):
    vue.indicateur.value = "PE_NAISS"
    garde.fichier("essai").write_text("{", encoding="utf-8")
    relue = Explorateur(nom="essai")
    assert relue.etat == Etat()
    assert "pas pu être relue" in relue.avis.value


def test_produire(vue, a_soi, monkeypatch):
    vue.changer(vue.etat.montrer("PE_NAISS").comparer(LAVAL))
    monkeypatch.setenv("CAFDIAG_ATELIER", str(a_soi))
    boutons = vue.production.boutons
    boutons[production.CLASSEUR].click()
    assert 'href="/files/sorties/' in vue.production.resultat.value
    boutons[production.IMAGE].click()
    assert "Prêt" in vue.production.resultat.value
    boutons[production.CODE].click()
    assert "cd.territoire(&quot;200048551&quot;)" in vue.production.resultat.value
    classeur = openpyxl.load_workbook(a_soi / "sorties" / "mesures-200048551.xlsx", read_only=True)
    cases = {c for feuille in classeur for ligne in feuille.iter_rows(values_only=True) for c in ligne}
    classeur.close()
    assert {79.9, 78.0, 60.9, 77.0, "CA Laval Agglomération"} <= cases
    svg = (a_soi / "sorties" / "carte-200048551-PE_NAISS.svg").read_text(encoding="utf-8")
    assert "Naissances domiciliées, 2025" in svg
    assert "Source : Insee, état civil" in svg
    assert (a_soi / "sorties" / "carte-200048551-PE_NAISS.png").read_bytes()[:4] == b"\x89PNG"


def test_produire_les_documents_coches(vue, a_soi, monkeypatch, fautes):
    from cafdiag.restitution import produire
    from cafdiag.restitution.archives import DocxRetouche

    # Tous les formats du diagnostic se cochent.
    assert set(vue.production.formats) == set(produire.FORMATS)
    demandes = []

    def diagnostic(cible, *, sortie, formats, annee):
        demandes.append((cible.cle, sortie, formats, annee))
        warnings.warn("copil.pptx : retouché, gardé", DocxRetouche, stacklevel=1)
        return {f: sortie / f"document.{f}" for f in formats}

    monkeypatch.setattr(produire, "diagnostic", diagnostic)
    monkeypatch.setenv("CAFDIAG_SORTIES", str(a_soi / "ailleurs"))
    monkeypatch.setenv("CAFDIAG_ATELIER", str(a_soi / "ailleurs"))
    monkeypatch.setenv("CAFDIAG_ADRESSE", "/fichiers")
    for format_, case in vue.production.formats.items():
        case.value = format_ in ("note", "pptx")
    vue.production.boutons[production.PRODUIRE].click()
    assert demandes == [(CRAON, a_soi / "ailleurs", ("note", "pptx"), None)]
    dit = vue.production.resultat.value
    assert 'href="/fichiers/document.pptx"' in dit and "copil.pptx : retouché, gardé" in dit
    for case in vue.production.formats.values():
        case.value = False
    vue.production.boutons[production.PRODUIRE].click()
    assert "Aucun document n&#x27;est coché" in vue.avis.value and fautes.pop() and len(demandes) == 1


def test_la_page_ne_montre_pas_de_code():
    vue = Explorateur(nom="essai", page=True)
    assert page.SEUL in vue._dom_classes and production.CODE not in vue.production.boutons


def test_produire_sans_droit_se_dit(vue, a_soi, fautes):
    (a_soi / "sorties").write_text("un fichier", encoding="utf-8")
    vue.production.boutons[production.CLASSEUR].click()
    assert "Impossible d&#x27;écrire" in vue.avis.value and fautes.pop()
    assert not vue.production.boutons[production.CLASSEUR].disabled


def test_liens_hors_de_l_atelier(tmp_path):
    dit = actions.liens([tmp_path / "<x>.html"])
    assert "<a" not in dit
    assert "&lt;x&gt;.html" in dit


def test_deux_perimetres_de_meme_nom_ont_chacun_leur_fichier(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_SORTIES", str(tmp_path))
    (un,), (deux,) = (actions.tableur(Etat(cle=cle, nom="< 3 ans")) for cle in ("53012+53084", "53012+53068"))
    assert un != deux and un.exists() and deux.exists()


def test_defaut_imprevu_se_dit(vue, capsys, fautes):
    vue.pont.value = "ceci n'est pas un geste"
    assert "Défaut imprévu (JSONDecodeError" in vue.avis.value and fautes.pop()
    assert "Traceback" in capsys.readouterr().err


def test_la_carte_offre_ses_deux_facons_de_se_colorer():
    etat = Etat()
    peinture = decor.peindre(etat, decor.decor_de(etat))
    assert [k["c"] for k in peinture["choix"]] == ["par rapport à la France", "dans le territoire"]
    assert peinture["rangs"] == peinture["choix"][0]["rangs"] != peinture["choix"][1]["rangs"]
    assert "France : 60,9" in peinture["choix"][1]["legende"]
    effectif = Etat().montrer("CTX_POP")
    assert len(decor.peindre(effectif, decor.decor_de(effectif))["choix"]) == 1


def test_un_territoire_ajoute_d_une_autre_date_la_dit():
    """À Brest les naissances s'arrêtent à 2024, au Pays de Craon elles vont à 2025 : la barre ajoutée le dit."""
    vue = Explorateur("242900314", nom="dates")
    vue.indicateur.value = "PE_NAISS"
    vue.ajouter.champ.value = "pays de craon"
    vue.ajouter.boutons[0].click()
    assert "CC du Pays de Craon<small>2025</small>" in vue.barres.value.replace("\xa0", " ")
    assert "Brest Métropole<small>" not in vue.barres.value.replace("\xa0", " ")
